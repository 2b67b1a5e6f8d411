//! How much harm an effect can do: a function of the object, the diff and the proof, never of the tool.
//!
//! The table is the one of the safety promises: low is taken back without loss, medium may disturb
//! users, high may lose data or service or reach the whole cluster.

mod template;

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
    /// The object before.
    pub(crate) before: &'a Value,
    /// The object as it will be.
    pub(crate) after: &'a Value,
    pub(crate) diff: &'a [FieldChange],
    pub(crate) proof: ProofView,
}

/// Returns how much harm the effect can do.
pub(crate) fn risk(facts: Facts<'_>) -> Risk {
    let base = if facts.after.is_null() {
        Risk::High
    } else if let Some(risk) = of_scheduling(&facts) {
        risk
    } else if reaches_the_cluster(facts.target)
        || template::loses(facts.before, facts.after)
        || template::gains(facts.before, facts.after)
    {
        Risk::High
    } else {
        facts.diff.iter().map(|change| of_change(change, &facts)).max().unwrap_or(Risk::Low)
    };
    match facts.proof {
        ProofView::Served => base,
        ProofView::Computed | ProofView::Stated => base.raised(),
    }
}

/// Kinds whose deletion takes more with it than can be made again.
const KEPT_KINDS: &[&str] = &[
    "Namespace",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
];

/// Returns why the object is always asked about and by name, if it is. `null` after means that it is deleted.
pub(crate) fn protected(target: &ObjectRef, after: &Value) -> Option<String> {
    if after.is_null() && KEPT_KINDS.contains(&target.resource.kind.as_str()) {
        return Some(format!("what is lost with a {} cannot be brought back from here", target.resource.kind));
    }
    let itself = (target.resource.kind == "Namespace").then_some(target.name.as_str());
    let namespace = target.namespace.as_deref().or(itself)?;
    PROTECTED_NAMESPACES.contains(&namespace).then(|| format!("{namespace} belongs to the cluster itself"))
}

/// Cordoning a node moves nothing and is taken back without loss; only new pods feel it.
fn of_scheduling(facts: &Facts<'_>) -> Option<Risk> {
    let only = |change: &FieldChange| change.path == "spec.unschedulable";
    if facts.target.resource.kind != "Node" || facts.diff.is_empty() || !facts.diff.iter().all(only) {
        return None;
    }
    Some(if facts.after["spec"]["unschedulable"] == true { Risk::Medium } else { Risk::Low })
}

fn reaches_the_cluster(target: &ObjectRef) -> bool {
    target.namespace.is_none()
        || matches!(
            target.resource.group.as_str(),
            "rbac.authorization.k8s.io" | "admissionregistration.k8s.io" | "apiextensions.k8s.io"
        )
}

fn of_change(change: &FieldChange, facts: &Facts<'_>) -> Risk {
    let path = change.path.as_str();
    let is = |field: &str| path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    if path == "spec.replicas" {
        return of_replicas(change);
    }
    if path == "spec.paused" {
        // Resuming starts whatever rollout was held back.
        return if change.after == Some(Value::Bool(true)) { Risk::Low } else { Risk::Medium };
    }
    if only_restarts(change) {
        return of_restart(facts.before);
    }
    let of_pod = facts.target.resource.kind == "Pod" && is("metadata.labels");
    if of_pod
        || ["spec.template.metadata.labels", "spec.selector", "metadata.finalizers", "metadata.ownerReferences"]
            .into_iter()
            .any(is)
        || path == "spec.template"
        || path == "spec.template.metadata"
    {
        return Risk::High;
    }
    if is("metadata.labels") {
        return Risk::Low;
    }
    if is("metadata.annotations") {
        // What a Service's or an Ingress's annotations say is done by its controller.
        let acted_upon = matches!(facts.target.resource.kind.as_str(), "Service" | "Ingress");
        return if acted_upon { Risk::Medium } else { Risk::Low };
    }
    if change.after.is_none() && is_part(path) || opens_the_host(change) {
        return Risk::High;
    }
    Risk::Medium
}

/// Returns whether the change is the mark that `kubectl rollout restart` leaves, and nothing else. Other
/// annotations of a pod mean something to whoever reads them, such as a service mesh.
fn only_restarts(change: &FieldChange) -> bool {
    const ANNOTATIONS: &str = "spec.template.metadata.annotations";
    let Some(rest) = change.path.strip_prefix(ANNOTATIONS) else { return false };
    if !rest.is_empty() {
        return rest == "[\"kubectl.kubernetes.io/restartedAt\"]";
    }
    let sides = [&change.before, &change.after].into_iter().flatten().filter_map(Value::as_object);
    sides.flatten().all(|(key, _)| key == "kubectl.kubernetes.io/restartedAt")
}

/// Returns whether a path names a container, a port, a volume or a mount, or a whole list of them. Workloads are
/// compared as a whole; this is for kinds this program does not know.
fn is_part(path: &str) -> bool {
    const LISTS: &[&str] =
        &["containers", "initContainers", "ephemeralContainers", "ports", "volumes", "volumeMounts", "volumeDevices"];
    let list = path.strip_suffix(']').and_then(|path| path.rsplit_once('[')).map_or(path, |(list, _)| list);
    LISTS.contains(&list.rsplit('.').next().unwrap_or_default())
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
    // All of them at once is no rolling.
    let at_once = match &live["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] {
        Value::String(share) => share == "100%",
        number => number.as_i64().is_some_and(|number| number >= replicas),
    };
    if replicas > 1 && !recreated && !at_once { Risk::Low } else { Risk::Medium }
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
        risk(Facts { target: &target(), before: &before, after: &after, diff: &diff, proof: ProofView::Served })
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

    /// A pod template with one of everything, changed by `change`.
    fn of_template(change: impl Fn(&mut Value)) -> Risk {
        let with_everything = |object: &mut Value| {
            object["spec"]["template"]["metadata"]["labels"] = json!({"app": "backend"});
            object["spec"]["template"]["spec"] = json!({
                "initContainers": [{"name": "init", "image": "i:1"}],
                "containers": [{"name": "app", "image": "a:1", "args": ["--a", "--b"],
                    "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                    "ports": [{"containerPort": 80}, {"containerPort": 81}],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                    "securityContext": {"capabilities": {"add": ["CHOWN"]}, "runAsUser": 1000}}],
                "volumes": [{"name": "data", "emptyDir": {}}],
                "tolerations": [{"key": "a"}, {"key": "b"}]});
        };
        let mut before = live();
        with_everything(&mut before);
        let mut after = before.clone();
        change(&mut after["spec"]["template"]);
        let diff = diff(&before, &after);
        risk(Facts { target: &target(), before: &before, after: &after, diff: &diff, proof: ProofView::Served })
    }

    #[test]
    fn parts_that_go_are_high_however_the_server_writes_it() {
        let remove = |place: &'static str, field: &'static str| {
            of_template(|template| {
                template.pointer_mut(place).unwrap().as_object_mut().unwrap().remove(field);
            })
        };
        assert_eq!(remove("/spec", "initContainers"), Risk::High);
        assert_eq!(remove("/spec", "volumes"), Risk::High);
        assert_eq!(remove("/spec/containers/0", "ports"), Risk::High);
        assert_eq!(remove("/spec/containers/0", "volumeMounts"), Risk::High);
        let one_port = |template: &mut Value| {
            template["spec"]["containers"][0]["ports"].as_array_mut().unwrap().pop();
        };
        assert_eq!(of_template(one_port), Risk::High, "ports without names");
        assert_eq!(of_template(|template| template["spec"]["containers"][0]["name"] = json!("other")), Risk::High);
        // What may disturb but loses nothing stays medium.
        assert_eq!(remove("/spec/containers/0", "env"), Risk::Medium);
        assert_eq!(remove("/spec/containers/0", "args"), Risk::Medium);
        assert_eq!(remove("/spec", "tolerations"), Risk::Medium);
        let one_variable = |template: &mut Value| {
            template["spec"]["containers"][0]["env"].as_array_mut().unwrap().pop();
        };
        assert_eq!(of_template(one_variable), Risk::Medium);
    }

    #[test]
    fn whatever_reaches_further_is_high() {
        for (place, value) in [
            ("/spec/hostPID", json!(true)),
            ("/spec/serviceAccountName", json!("admin")),
            ("/spec/securityContext", json!({"seccompProfile": {"type": "Unconfined"}})),
            ("/spec/volumes/0", json!({"name": "data", "hostPath": {"path": "/"}})),
            ("/spec/containers/0/securityContext/privileged", json!(true)),
            ("/spec/containers/0/securityContext/allowPrivilegeEscalation", json!(true)),
            ("/spec/containers/0/securityContext/runAsUser", json!(0)),
            ("/spec/containers/0/securityContext/capabilities/add", json!(["CHOWN", "SYS_ADMIN"])),
            ("/spec/containers/0/ports/0/hostPort", json!(80)),
            ("/spec/initContainers/0/securityContext", json!({"privileged": true})),
            ("/metadata/labels", json!({"app": "backend", "more": "x"})),
            ("/metadata", json!({"labels": {"app": "other"}})),
        ] {
            let change = |template: &mut Value| {
                let (parent, field) = place.rsplit_once('/').unwrap();
                let parent = template.pointer_mut(parent).unwrap();
                match parent.as_array_mut() {
                    Some(items) => items[field.parse::<usize>().unwrap()] = value.clone(),
                    None => parent[field] = value.clone(),
                }
            };
            assert_eq!(of_template(change), Risk::High, "{place} = {value}");
        }
        // What is merely kept, or given up, is not reaching.
        assert_eq!(of_template(|template| template["spec"]["hostNetwork"] = json!(false)), Risk::Medium);
        let fewer = |template: &mut Value| {
            template["spec"]["containers"][0]["securityContext"]["capabilities"]["add"] = json!([]);
        };
        assert_eq!(of_template(fewer), Risk::Medium);
    }

    #[test]
    fn only_the_mark_of_a_restart_counts_as_one() {
        let mesh = json!({"sidecar.istio.io/inject": "false"});
        assert_eq!(risk_of(|o| o["spec"]["template"]["metadata"]["annotations"] = mesh.clone()), Risk::Medium);
        assert_eq!(risk_of(|o| o["spec"]["paused"] = json!(true)), Risk::Low);
        assert_eq!(risk_of(|o| o["spec"]["replicas"] = json!(null)), Risk::Medium, "null counts as 1");
        let mut all_at_once = live();
        all_at_once["spec"]["strategy"]["rollingUpdate"] = json!({"maxUnavailable": "100%"});
        assert_eq!(of_restart(&all_at_once), Risk::Medium);
    }

    #[test]
    fn a_restart_of_one_replica_is_noticed() {
        let mut before = live();
        before["spec"]["replicas"] = json!(1);
        let mut after = before.clone();
        after["spec"]["template"]["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": "x"});
        let diff = diff(&before, &after);
        assert_eq!(
            risk(Facts { target: &target(), before: &before, after: &after, diff: &diff, proof: ProofView::Served }),
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
            risk(Facts { target: &target(), before: &before, after: &after, diff: &diff, proof: ProofView::Computed }),
            Risk::Medium
        );
    }

    #[test]
    fn the_clusters_own_namespaces_are_protected() {
        let system = ObjectRef::new(kinds::find("deployment").unwrap(), "kube-system", "coredns");
        assert!(protected(&system, &json!({})).is_some());
        assert!(protected(&target(), &json!({})).is_none());
    }

    #[test]
    fn a_deletion_is_high_and_of_some_kinds_protected() {
        let of = |kind: &str| ObjectRef::new(kinds::find(kind).unwrap(), "todo", "data");
        let deleted = |kind: &str| {
            let (target, before) = (of(kind), json!({"kind": kind, "spec": {}}));
            let facts =
                Facts { target: &target, before: &before, after: &Value::Null, diff: &[], proof: ProofView::Served };
            (risk(facts), protected(&target, &Value::Null).is_some())
        };
        assert_eq!(deleted("deployment"), (Risk::High, false));
        assert_eq!(deleted("pvc"), (Risk::High, true));
        assert_eq!(deleted("namespace"), (Risk::High, true));
        assert!(protected(&of("pvc"), &json!({})).is_none());
    }

    #[test]
    fn new_objects_are_medium_unless_they_reach_far() {
        let made = |kind: &str, spec: Value| {
            let target = ObjectRef::new(kinds::find(kind).unwrap(), "todo", "new");
            let after = json!({"kind": target.resource.kind, "spec": spec});
            let diff = diff(&Value::Null, &after);
            risk(Facts { target: &target, before: &Value::Null, after: &after, diff: &diff, proof: ProofView::Served })
        };
        let pods = |pod: Value| json!({"template": {"spec": pod}});
        assert_eq!(made("deployment", pods(json!({"containers": [{"name": "a"}]}))), Risk::Medium);
        assert_eq!(made("configmap", json!({})), Risk::Medium);
        assert_eq!(made("deployment", pods(json!({"hostNetwork": true}))), Risk::High);
        assert_eq!(made("deployment", pods(json!({"serviceAccountName": "admin"}))), Risk::High);
        assert_eq!(made("role", json!({})), Risk::High);
        assert_eq!(made("namespace", json!({})), Risk::High);
    }

    #[test]
    fn cordoning_is_medium_and_uncordoning_low() {
        let target = ObjectRef::new(kinds::find("node").unwrap(), "", "node-1");
        let of = |before: Value, after: Value| {
            let (before, after) = (json!({"spec": before}), json!({"spec": after}));
            let diff = diff(&before, &after);
            risk(Facts { target: &target, before: &before, after: &after, diff: &diff, proof: ProofView::Served })
        };
        assert_eq!(of(json!({}), json!({"unschedulable": true})), Risk::Medium);
        assert_eq!(of(json!({"unschedulable": true}), json!({})), Risk::Low);
        assert_eq!(of(json!({}), json!({"unschedulable": true, "taints": []})), Risk::High);
    }
}
