//! Facts about workloads: which kinds they are, how many replicas they want and have, which pods are
//! theirs.
//!
//! One place for the defaults the API leaves out, such as a count of one.

use serde_json::{Value, json};
use todo_agent_core::{ClusterError, ListQuery, ObjectRef, Reader, Within};
use todo_agent_kube_rules::selectors::LabelSelector;

use crate::{names, value};

/// The kinds whose replica count a person sets.
pub(crate) const SCALABLE: &[&str] = &["Deployment", "StatefulSet"];
/// The kinds that roll out revisions.
pub(crate) const ROLLING: &[&str] = &["Deployment", "StatefulSet", "DaemonSet"];
/// The kinds whose objects belong to a workload.
pub(crate) const PARTS: &[&str] = &["ReplicaSet", "Pod"];

/// Returns how many replicas the workload wants.
pub(crate) fn desired(live: &Value) -> i64 {
    // A workload without a count wants one (API default); a DaemonSet has its count in the status.
    value::number(live, "/spec/replicas").or_else(|| value::number(live, "/status/desiredNumberScheduled")).unwrap_or(1)
}

/// Returns how many replicas are ready.
pub(crate) fn ready(live: &Value) -> i64 {
    value::number(live, "/status/readyReplicas").or_else(|| value::number(live, "/status/numberReady")).unwrap_or(0)
}

/// Returns how many replicas are available.
pub(crate) fn available(live: &Value) -> i64 {
    value::number(live, "/status/availableReplicas")
        .or_else(|| value::number(live, "/status/numberAvailable"))
        .unwrap_or(0)
}

/// Returns how many replicas are of the newest revision.
pub(crate) fn updated(live: &Value) -> i64 {
    value::number(live, "/status/updatedReplicas")
        .or_else(|| value::number(live, "/status/updatedNumberScheduled"))
        .unwrap_or(0)
}

/// Returns whether the status speaks of the present spec.
pub(crate) fn is_observed(live: &Value) -> bool {
    value::number(live, "/status/observedGeneration") >= value::number(live, "/metadata/generation")
}

/// Returns whether the workload's rollout is paused.
pub(crate) fn is_paused(live: &Value) -> bool {
    value::is_true(live, "/spec/paused")
}

/// Returns the workload's pods, or those a Service sends to.
pub(crate) async fn pods(reader: &dyn Reader, object: &ObjectRef, live: &Value) -> Result<Vec<Value>, ClusterError> {
    let namespace = object.namespace.clone().unwrap_or_default();
    if object.resource.kind == "Service" {
        // Its selector is the labels themselves.
        let selector = json!({"spec": {"selector": {"matchLabels": live.pointer("/spec/selector")}}});
        return list_matching(reader, "Pod", &namespace, &selector).await;
    }
    list_matching(reader, "Pod", &namespace, live).await
}

/// Returns the objects of a kind whose labels the workload's selector matches.
pub(crate) async fn list_matching(
    reader: &dyn Reader,
    kind: &str,
    namespace: &str,
    live: &Value,
) -> Result<Vec<Value>, ClusterError> {
    let Some(selector) = selector_text(live) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for resource in names::types(&[kind]) {
        let query = ListQuery::new(resource, Within::Namespace(namespace.to_owned())).labels(selector.clone());
        found.extend(reader.list(&query).await?);
    }
    Ok(found)
}

/// Returns the workload's selector in the API's syntax; `None` where it selects nothing.
fn selector_text(live: &Value) -> Option<String> {
    let selector = live.pointer("/spec/selector")?;
    LabelSelector::from_object(selector).ok()?;
    let equal = value::entries(selector, "/matchLabels").map(|(key, label)| format!("{key}={}", value::plain(label)));
    let expressions = value::items(selector, "/matchExpressions").iter().map(|expression| {
        let key = value::text(expression, "/key");
        let values: Vec<String> = value::items(expression, "/values").iter().map(value::plain).collect();
        match value::text(expression, "/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        }
    });
    let text = equal.chain(expressions).collect::<Vec<_>>().join(",");
    (!text.is_empty()).then_some(text)
}

/// Returns whether `object` is controlled by `owner`, by uid.
pub(crate) fn is_controlled_by(object: &Value, owner: &Value) -> bool {
    let uid = value::text(owner, "/metadata/uid");
    value::items(object, "/metadata/ownerReferences")
        .iter()
        .any(|reference| value::is_true(reference, "/controller") && value::text(reference, "/uid") == uid)
}

/// Returns `-n todo`, or nothing for a cluster-scoped object: the end of an equivalent kubectl command.
pub(crate) fn namespace_flag(object: &ObjectRef) -> String {
    object.namespace.as_ref().map_or_else(String::new, |namespace| format!(" -n {namespace}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_written_as_the_api_reads_it() {
        let live = json!({"spec": {"selector": {
            "matchLabels": {"app": "backend"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["api", "web"]},
                {"key": "canary", "operator": "DoesNotExist"},
            ],
        }}});
        assert_eq!(selector_text(&live).unwrap(), "app=backend,tier in (api,web),!canary");
        assert_eq!(selector_text(&json!({"spec": {}})), None);
    }
}
