//! Pods as their controllers see them: made from a template, counted by state, deleted in order.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::conditions;
use crate::durations::after;
use crate::object;
use crate::simulation::State;
use crate::store::{Standing, Store};

/// Returns the owner reference that makes `owner` the controller of an object.
pub(crate) fn controller_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": object::name(owner),
        "uid": object::uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Returns a pod made from the owner's template.
pub(crate) fn from_template(template: &Value, owner: &Value, name: &str) -> Value {
    let mut metadata = json!({
        "name": name,
        "namespace": object::namespace(owner),
        "generateName": format!("{}-", object::name(owner)),
    });
    for field in ["labels", "annotations"] {
        if template["metadata"][field].is_object() {
            metadata[field] = template["metadata"][field].clone();
        }
    }
    metadata["ownerReferences"] = json!([controller_reference(owner)]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// Returns the pods that an owner controls.
pub(crate) fn owned(state: &State, owner: &Value) -> Vec<Arc<Value>> {
    controlled(&state.store, owner, "pods")
}

/// Returns the objects of a resource that an owner controls.
pub(crate) fn controlled(store: &Store, owner: &Value, plural: &str) -> Vec<Arc<Value>> {
    store
        .dependents(object::uid(owner))
        .filter(|(key, dependent)| dependent.is_controlled && key.plural == plural)
        .map(|(_, dependent)| Arc::clone(&dependent.object))
        .collect()
}

/// Returns the pods that an owner controls, with how they stand.
pub(crate) fn standing<'a>(store: &'a Store, owner: &Value) -> impl Iterator<Item = (&'a Arc<Value>, &'a Standing)> {
    let controlled = store.dependents(object::uid(owner)).filter(|(_, dependent)| dependent.is_controlled);
    controlled.filter_map(|(_, dependent)| Some((&dependent.object, dependent.standing.as_ref()?)))
}

/// Returns whether `owner` is the controller of an object.
pub(crate) fn is_controlled_by(object: &Value, owner: &Value) -> bool {
    object::owner_references(object)
        .iter()
        .any(|reference| reference["controller"] == true && reference["uid"] == object::uid(owner))
}

/// Returns whether a pod counts: neither finished nor on its way out.
pub(crate) fn is_active(pod: &Value) -> bool {
    !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) && !object::is_terminating(pod)
}

/// Returns whether a pod has not ended by itself.
pub(crate) fn is_unfinished(pod: &Value) -> bool {
    !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Returns whether a pod is ready.
pub(crate) fn is_ready(pod: &Value) -> bool {
    conditions::is_true(&pod["status"], "Ready")
}

/// Returns when a ready pod becomes (or became) available, `None` when it is not ready.
pub(crate) fn available_at(pod: &Value, min_ready: Duration) -> Option<Timestamp> {
    let ready = conditions::find(&pod["status"], "Ready").filter(|ready| ready["status"] == "True")?;
    Some(after(conditions::time_at(ready, "lastTransitionTime")?, min_ready))
}

/// Returns the seconds at `spec.minReadySeconds`.
pub(crate) fn min_ready(workload: &Value) -> Duration {
    Duration::from_secs(workload["spec"]["minReadySeconds"].as_u64().unwrap_or_default())
}

/// Returns `spec.replicas`, 1 by default.
pub(crate) fn replicas(workload: &Value) -> i64 {
    workload["spec"]["replicas"].as_i64().unwrap_or(1)
}

/// Sorts pods so that those to delete first come first: unassigned, pending, not ready, doubled up on a
/// node, ready for a shorter time, restarted more often, newer (`ActivePodsWithRanks`).
pub(crate) fn sort_for_deletion(pods: &mut [Arc<Value>]) {
    let nodes: Vec<String> = pods.iter().map(|pod| node(pod).to_owned()).collect();
    pods.sort_by_cached_key(|pod| {
        let assigned = !node(pod).is_empty();
        let phase = match pod["status"]["phase"].as_str() {
            Some("Pending") => 0,
            Some("Running") => 2,
            _ => 1,
        };
        let doubled = nodes.iter().filter(|other| *other == node(pod)).count();
        let cost = deletion_cost(pod);
        let ready_since = available_at(pod, Duration::ZERO);
        (
            assigned,
            phase,
            is_ready(pod),
            cost,
            std::cmp::Reverse(doubled),
            std::cmp::Reverse(ready_since),
            std::cmp::Reverse(restarts(pod)),
            std::cmp::Reverse(object::metadata_text(pod, "creationTimestamp").to_owned()),
        )
    });
}

fn deletion_cost(pod: &Value) -> i64 {
    let cost = pod["metadata"]["annotations"]["controller.kubernetes.io/pod-deletion-cost"].as_str();
    cost.and_then(|cost| cost.parse().ok()).unwrap_or_default()
}

fn node(pod: &Value) -> &str {
    pod["spec"]["nodeName"].as_str().unwrap_or_default()
}

fn restarts(pod: &Value) -> u64 {
    let statuses = pod["status"]["containerStatuses"].as_array();
    statuses.into_iter().flatten().filter_map(|status| status["restartCount"].as_u64()).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, node: &str, ready_second: Option<i64>, restarts: u64) -> Arc<Value> {
        let at = |second| object::time_text(Timestamp::from_second(second).unwrap());
        let ready = ready_second.map_or_else(
            || json!({"type": "Ready", "status": "False"}),
            |second| json!({"type": "Ready", "status": "True", "lastTransitionTime": at(second)}),
        );
        Arc::new(json!({
            "metadata": {"name": name, "creationTimestamp": at(0)},
            "spec": {"nodeName": node},
            "status": {"phase": if node.is_empty() { "Pending" } else { "Running" }, "conditions": [ready],
                "containerStatuses": [{"restartCount": restarts}]},
        }))
    }

    #[test]
    fn the_least_useful_pods_go_first() {
        let mut pods = [
            pod("old", "a", Some(10), 0),
            pod("young", "a", Some(50), 0),
            pod("unready", "a", None, 0),
            pod("unassigned", "", None, 0),
            pod("restarted", "a", Some(10), 4),
        ];
        sort_for_deletion(&mut pods);
        let names: Vec<&str> = pods.iter().map(|pod| object::name(pod)).collect();
        assert_eq!(names, ["unassigned", "unready", "young", "restarted", "old"]);
    }
}
