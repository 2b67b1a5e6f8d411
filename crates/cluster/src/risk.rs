//! How much harm an effect can do: a function of the object, the diff and the proof, never of the tool.
//!
//! The table is the one of the safety promises: low is taken back without loss, medium may disturb
//! users, high may lose data or service or reach the whole cluster.

use serde_json::Value;
use todo_agent_core::{
    ObjectRef, Risk,
    view::{FieldChange, ProofView},
};

/// Namespaces whose objects are always asked about, by name.
const PROTECTED_NAMESPACES: &[&str] = &["kube-system", "kube-public", "kube-node-lease"];

/// What the risk of an effect depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) target: &'a ObjectRef,
    /// The live object before.
    pub(crate) before: &'a Value,
    pub(crate) diff: &'a [FieldChange],
    pub(crate) proof: ProofView,
}

/// Returns how much harm the effect can do.
pub(crate) fn risk(facts: Facts<'_>) -> Risk {
    let base = if reaches_the_cluster(facts.target) {
        Risk::High
    } else {
        facts.diff.iter().map(|change| of_change(change, facts.before)).max().unwrap_or(Risk::Low)
    };
    match facts.proof {
        ProofView::Served => base,
        ProofView::Computed | ProofView::Stated => base.raised(),
    }
}

/// Returns why the object is always asked about and by name, if it is.
pub(crate) fn protected(target: &ObjectRef) -> Option<String> {
    let namespace = target.namespace.as_deref()?;
    PROTECTED_NAMESPACES.contains(&namespace).then(|| format!("{namespace} belongs to the cluster itself"))
}

fn reaches_the_cluster(target: &ObjectRef) -> bool {
    target.namespace.is_none()
        || matches!(
            target.resource.group.as_str(),
            "rbac.authorization.k8s.io" | "admissionregistration.k8s.io" | "apiextensions.k8s.io"
        )
}

fn of_change(change: &FieldChange, live: &Value) -> Risk {
    let path = change.path.as_str();
    match path {
        "spec.replicas" => return of_replicas(change),
        "spec.paused" => return Risk::Low,
        _ => {}
    }
    if path.starts_with("spec.template.metadata.annotations") {
        return of_restart(live);
    }
    if path.starts_with("spec.template.metadata.labels")
        || path.starts_with("spec.selector")
        || path.starts_with("metadata.finalizers")
    {
        return Risk::High;
    }
    if path.starts_with("metadata.annotations") || path.starts_with("metadata.labels") {
        return Risk::Low;
    }
    let removed = change.after.is_none();
    let structural = ["containers[", "ports[", "volumes[", "volumeMounts["].iter().any(|part| {
        path.rfind(part).is_some_and(|start| path[start + part.len()..].ends_with(']') && path.ends_with(']'))
    });
    if removed && structural || opens_the_host(change) {
        return Risk::High;
    }
    Risk::Medium
}

fn of_replicas(change: &FieldChange) -> Risk {
    // An absent count means 1 (apps/v1 defaulting).
    let count = |value: &Option<Value>| value.as_ref().and_then(Value::as_i64).unwrap_or(1);
    let (before, after) = (count(&change.before), count(&change.after));
    match after {
        0 => Risk::High,
        _ if after < before => Risk::Medium,
        _ => Risk::Low,
    }
}

/// A restart of several rolling replicas goes unnoticed; one of a single or recreated pod does not.
fn of_restart(live: &Value) -> Risk {
    let replicas = live["spec"]["replicas"].as_i64().unwrap_or(1);
    let recreated =
        live["spec"]["strategy"]["type"] == "Recreate" || live["spec"]["updateStrategy"]["type"] == "OnDelete";
    if replicas > 1 && !recreated { Risk::Low } else { Risk::Medium }
}

fn opens_the_host(change: &FieldChange) -> bool {
    let after = change.after.as_ref();
    let path = change.path.as_str();
    let switched_on = after == Some(&Value::Bool(true))
        && ["hostNetwork", "hostPID", "hostIPC", "privileged", "allowPrivilegeEscalation"]
            .iter()
            .any(|name| path.ends_with(name));
    let inside = |name: &str| after.is_some_and(|value| mentions(value, name));
    switched_on || path.contains("hostPath") || inside("hostPath") || inside("privileged")
}

/// Returns whether a value holds this key with something other than `false` or `null`.
fn mentions(value: &Value, key: &str) -> bool {
    match value {
        Value::Object(fields) => fields.iter().any(|(name, inner)| {
            (name == key && !matches!(inner, Value::Null | Value::Bool(false))) || mentions(inner, key)
        }),
        Value::Array(items) => items.iter().any(|item| mentions(item, key)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use todo_agent_kube_rules::kinds;

    use super::*;
    use crate::diff::diff;

    fn target() -> ObjectRef {
        ObjectRef::new(kinds::find("deployment").unwrap(), "todo", "backend")
    }

    fn live() -> Value {
        json!({"spec": {"replicas": 2, "strategy": {"type": "RollingUpdate"}, "template": {"metadata": {}, "spec": {
            "containers": [{"name": "app", "image": "a:1", "ports": [{"name": "http", "containerPort": 80}]},
                           {"name": "side", "image": "s:1"}]}}}})
    }

    fn risk_of(change: impl Fn(&mut Value)) -> Risk {
        let before = live();
        let mut after = before.clone();
        change(&mut after);
        let diff = diff(&before, &after);
        risk(Facts { target: &target(), before: &before, diff: &diff, proof: ProofView::Served })
    }

    #[test]
    fn the_table() {
        assert_eq!(risk_of(|o| o["spec"]["replicas"] = json!(3)), Risk::Low, "scale up");
        assert_eq!(risk_of(|o| o["spec"]["replicas"] = json!(1)), Risk::Medium, "scale down");
        assert_eq!(risk_of(|o| o["spec"]["replicas"] = json!(0)), Risk::High, "scale to zero");
        assert_eq!(risk_of(|o| o["spec"]["paused"] = json!(true)), Risk::Low, "pause");
        assert_eq!(
            risk_of(|o| o["spec"]["template"]["metadata"]["annotations"] =
                json!({"kubectl.kubernetes.io/restartedAt": "x"})),
            Risk::Low,
            "restart of two rolling replicas"
        );
        assert_eq!(risk_of(|o| o["spec"]["template"]["spec"]["containers"][0]["image"] = json!("a:2")), Risk::Medium);
        assert_eq!(risk_of(|o| o["spec"]["template"]["metadata"]["labels"] = json!({"a": "b"})), Risk::High);
        assert_eq!(risk_of(|o| o["spec"]["template"]["spec"]["hostNetwork"] = json!(true)), Risk::High);
        assert_eq!(
            risk_of(|o| o["spec"]["template"]["spec"]["volumes"] = json!([{"name": "v", "hostPath": {"path": "/"}}])),
            Risk::High
        );
        assert_eq!(
            risk_of(|o| {
                o["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().pop();
            }),
            Risk::High,
            "a container removed"
        );
        assert_eq!(
            risk_of(|o| o["spec"]["template"]["spec"]["containers"][0]["ports"] = json!([])),
            Risk::Medium.max(Risk::High),
            "a port removed"
        );
    }

    #[test]
    fn a_restart_of_one_replica_is_noticed() {
        let mut before = live();
        before["spec"]["replicas"] = json!(1);
        let mut after = before.clone();
        after["spec"]["template"]["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": "x"});
        let diff = diff(&before, &after);
        assert_eq!(
            risk(Facts { target: &target(), before: &before, diff: &diff, proof: ProofView::Served }),
            Risk::Medium
        );
    }

    #[test]
    fn what_the_server_did_not_confirm_is_one_level_up() {
        let before = live();
        let mut after = before.clone();
        after["spec"]["replicas"] = json!(3);
        let diff = diff(&before, &after);
        assert_eq!(
            risk(Facts { target: &target(), before: &before, diff: &diff, proof: ProofView::Computed }),
            Risk::Medium
        );
    }

    #[test]
    fn the_clusters_own_namespaces_are_protected() {
        let system = ObjectRef::new(kinds::find("deployment").unwrap(), "kube-system", "coredns");
        assert!(protected(&system).is_some());
        assert!(protected(&target()).is_none());
    }
}
