//! The DaemonSet controller: one pod on each node that takes it, replaced node by node.
//!
//! Pods name their node in their affinity; the scheduler binds them. Surge is taken as none: a node's old
//! pod always goes before the new one comes.
//!
//! Source: `pkg/controller/daemon` of Kubernetes 1.37.

use std::sync::Arc;

use serde_json::{Value, json};
use todo_agent_kube_rules::fit;

use super::stateful_revisions::{self as revisions, REVISION_LABEL};
use super::{pods, rollout};
use crate::defaults::TEMPLATE_GENERATION;
use crate::events::{Occurrence, Source};
use crate::object;
use crate::simulation::State;
use crate::store::{Deletion, Key, Part};
use crate::timers::Wake;

const SOURCE: Source = Source::Controller("daemonset-controller");

/// What every daemon pod tolerates, as `AddOrUpdateDaemonPodTolerations`.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// Moves one daemon set towards a pod of its template on each node.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(set) = state.store.get(key) else { return };
    let revision = revisions::update_revision(state, &set);
    let nodes = state.store.list("", "nodes", None);
    let wanted: Vec<&Arc<Value>> = nodes.iter().filter(|node| is_wanted(&set, node)).collect();
    if !object::is_terminating(&set) {
        place(state, &set, &revision, &nodes);
        replace(state, &set, &revision, wanted.len());
    }
    write_status(state, key, &set, &revision, &nodes);
    let used: Vec<String> = pods::owned(state, &set)
        .iter()
        .map(|pod| pod["metadata"]["labels"][REVISION_LABEL].as_str().unwrap_or_default().to_owned())
        .map(|hash| format!("{}-{hash}", object::name(&set)))
        .chain([revision])
        .collect();
    revisions::clean_up(state, &set, &used);
}

/// Returns whether a node is to run a pod of the set: by name, selector, affinity and taints, not by room.
fn is_wanted(set: &Value, node: &Value) -> bool {
    let spec = &set["spec"]["template"]["spec"];
    let name = spec["nodeName"].as_str().unwrap_or_default();
    let pod = json!({"spec": {
        "nodeSelector": spec["nodeSelector"], "affinity": spec["affinity"], "tolerations": tolerations(spec),
    }});
    (name.is_empty() || name == object::name(node)) && fit::matches_affinity(&pod, node) && fit::tolerates(&pod, node)
}

fn tolerations(spec: &Value) -> Value {
    let mut all = spec["tolerations"].as_array().cloned().unwrap_or_default();
    let network = ("node.kubernetes.io/network-unavailable", "NoSchedule");
    let host = (spec["hostNetwork"] == true).then_some(network);
    for (key, effect) in TOLERATED.into_iter().chain(host) {
        let toleration = json!({"key": key, "operator": "Exists", "effect": effect});
        if !all.contains(&toleration) {
            all.push(toleration);
        }
    }
    json!(all)
}

/// Returns the node that a daemon pod is made for.
fn node_of(pod: &Value) -> &str {
    let required = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let named = required["nodeSelectorTerms"][0]["matchFields"][0]["values"][0].as_str();
    pod["spec"]["nodeName"].as_str().filter(|name| !name.is_empty()).or(named).unwrap_or_default()
}

/// Makes the pods that nodes lack, and deletes those that nodes do not want or that have ended.
fn place(state: &mut State, set: &Value, revision: &str, nodes: &[Arc<Value>]) {
    let owned = pods::owned(state, set);
    for pod in &owned {
        let node = nodes.iter().find(|node| object::name(node) == node_of(pod));
        let is_misplaced = !node.is_some_and(|node| is_wanted(set, node));
        if object::is_terminating(pod) {
            continue;
        }
        match pod["status"]["phase"].as_str() {
            Some(phase @ ("Failed" | "Succeeded")) => {
                let (kind, reason) = if phase == "Failed" {
                    ("failed", Occurrence::warning as fn(&'static str, String) -> Occurrence)
                } else {
                    ("succeeded", Occurrence::normal as fn(&'static str, String) -> Occurrence)
                };
                let message = format!(
                    "Found {kind} daemon pod {}/{} on node {}, will try to {} it",
                    object::namespace(pod),
                    object::name(pod),
                    node_of(pod),
                    if phase == "Failed" { "kill" } else { "delete" }
                );
                let event = if phase == "Failed" { "FailedDaemonPod" } else { "SucceededDaemonPod" };
                state.record(&SOURCE, set, &reason(event, message));
                delete(state, set, pod);
            }
            _ if is_misplaced => delete(state, set, pod),
            _ => {}
        }
    }
    for node in nodes.iter().filter(|node| is_wanted(set, node)) {
        if !owned.iter().any(|pod| node_of(pod) == object::name(node)) {
            create(state, set, revision, object::name(node));
        }
    }
}

fn create(state: &mut State, set: &Value, revision: &str, node: &str) {
    let name = format!("{}-{}", object::name(set), state.random.suffix());
    let mut pod = pods::from_template(&set["spec"]["template"], set, &name);
    let hash = revision.rsplit('-').next().unwrap_or_default();
    let labels = object::map_at(&mut pod["metadata"], "labels");
    labels.insert(REVISION_LABEL.into(), hash.into());
    labels.insert("pod-template-generation".into(), generation(set).to_string().into());
    pod["spec"]["tolerations"] = tolerations(&pod["spec"]);
    let field = json!([{"key": "metadata.name", "operator": "In", "values": [node]}]);
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        json!({"nodeSelectorTerms": [{"matchFields": field}]});
    let occurrence = match state.admit(pod) {
        Ok(_) => Occurrence::normal("SuccessfulCreate", format!("Created pod: {name}")),
        Err(error) => Occurrence::warning("FailedCreate", format!("Error creating: {error}")),
    };
    state.record(&SOURCE, set, &occurrence);
}

/// Returns the number of the set's template, which the API server counts in an annotation.
fn generation(set: &Value) -> u64 {
    let counted = set["metadata"]["annotations"][TEMPLATE_GENERATION].as_str();
    counted.and_then(|text| text.parse().ok()).unwrap_or(1)
}

fn delete(state: &mut State, set: &Value, pod: &Value) {
    let now = state.now;
    if state.store.delete(&Key::of_object(pod), &Deletion::default(), now).is_ok() {
        let message = format!("Deleted pod: {}", object::name(pod));
        state.record(&SOURCE, set, &Occurrence::normal("SuccessfulDelete", message));
    }
}

fn is_updated(pod: &Value, revision: &str) -> bool {
    pod["metadata"]["labels"][REVISION_LABEL].as_str() == revision.rsplit('-').next()
}

fn is_available(state: &State, set: &Value, pod: &Value) -> bool {
    pods::available_at(pod, pods::min_ready(set)).is_some_and(|at| at <= state.now)
}

/// Deletes pods of an old template, as many as may be unavailable.
fn replace(state: &mut State, set: &Value, revision: &str, wanted: usize) {
    let strategy = &set["spec"]["updateStrategy"];
    if strategy["type"] == "OnDelete" {
        return;
    }
    let most = i64::try_from(wanted).unwrap_or(i64::MAX);
    let allowed = rollout::share(&strategy["rollingUpdate"]["maxUnavailable"], most).max(1);
    let mut allowed = usize::try_from(allowed).unwrap_or(1);
    let owned = pods::owned(state, set);
    let unavailable = |pod: &&Arc<Value>| object::is_terminating(pod) || !is_available(state, set, pod);
    allowed = allowed.saturating_sub(owned.iter().filter(unavailable).filter(|pod| is_updated(pod, revision)).count());
    let (gone, old): (Vec<_>, Vec<_>) =
        owned.iter().filter(|pod| !is_updated(pod, revision)).partition(|pod| object::is_terminating(pod));
    allowed = allowed.saturating_sub(gone.len());
    // Those that do not work go first.
    let (broken, working): (Vec<_>, Vec<_>) = old.into_iter().partition(|pod| !is_available(state, set, pod));
    for pod in broken.into_iter().chain(working).take(allowed) {
        delete(state, set, &Arc::clone(pod));
    }
}

fn write_status(state: &mut State, key: &Key, set: &Value, revision: &str, nodes: &[Arc<Value>]) {
    let now = state.now;
    let mut owned = pods::owned(state, set);
    owned.retain(|pod| pods::is_active(pod));
    let on = |node: &Arc<Value>| owned.iter().find(|pod| node_of(pod) == object::name(node));
    let wanted: Vec<_> = nodes.iter().filter(|node| is_wanted(set, node)).collect();
    let present: Vec<_> = wanted.iter().filter_map(|node| on(node)).collect();
    let available: Vec<_> = present.iter().filter_map(|pod| pods::available_at(pod, pods::min_ready(set))).collect();
    let count_available = available.iter().filter(|at| **at <= now).count();
    let misplaced = nodes.iter().filter(|node| !is_wanted(set, node) && on(node).is_some()).count();
    let mut status = json!({
        "currentNumberScheduled": present.len(),
        "desiredNumberScheduled": wanted.len(),
        "numberMisscheduled": misplaced,
        "numberReady": present.iter().filter(|pod| pods::is_ready(pod)).count(),
        "observedGeneration": set["metadata"]["generation"],
    });
    for (field, count) in [
        ("updatedNumberScheduled", present.iter().filter(|pod| is_updated(pod, revision)).count()),
        ("numberAvailable", count_available),
        ("numberUnavailable", wanted.len().saturating_sub(count_available)),
    ] {
        // Zero counts are left out, as Go's `omitempty` does.
        if count > 0 {
            status[field] = json!(count);
        }
    }
    state.store.edit(key, Part::Status, now, |set| set["status"] = status);
    if let Some(next) = available.into_iter().filter(|at| *at > now).min() {
        state.timers.schedule(Wake::DaemonSet(key.clone()), next);
    }
}
