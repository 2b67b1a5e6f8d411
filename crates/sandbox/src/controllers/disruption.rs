//! The disruption controller: how many pods a budget lets go now.
//!
//! Source: `pkg/controller/disruption/disruption.go` of Kubernetes 1.37.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use todo_agent_kube_rules::selectors::LabelSelector;

use super::{pods, rollout};
use crate::conditions::{self, Condition};
use crate::dispatch::controller_of;
use crate::durations::after;
use crate::events::{Occurrence, Source};
use crate::object;
use crate::simulation::State;
use crate::store::{Key, Part, Store};
use crate::timers::Wake;

const SOURCE: Source = Source::Controller("controllermanager");
/// How long an evicted pod is counted as going.
const DELETION_TIMEOUT: std::time::Duration = std::time::Duration::from_mins(2);

/// Returns whether a budget is about a pod.
pub(crate) fn covers(budget: &Value, pod: &Value) -> bool {
    let selector = &budget["spec"]["selector"];
    selector.is_object()
        && LabelSelector::from_object(selector).is_ok_and(|selector| selector.matches(&pod["metadata"]["labels"]))
}

/// Counts the pods of one budget.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(budget) = state.store.get(key) else { return };
    let mut covered = state.store.list("", "pods", Some(&key.namespace));
    covered.retain(|pod| covers(&budget, pod));
    if covered.is_empty() {
        state.record(&SOURCE, &budget, &Occurrence::normal("NoPods", "No matching pods found"));
    }
    let expected = match expected(&state.store, &budget, &covered) {
        Ok(expected) => expected,
        Err(why) => {
            let message = format!("Failed to calculate the number of expected pods: {why}");
            state.record(&SOURCE, &budget, &Occurrence::warning("CalculateExpectedPodCountFailed", message));
            let now = state.now;
            state.store.edit(key, Part::Status, now, |budget| {
                budget["status"]["disruptionsAllowed"] = json!(0);
                set_condition(&mut budget["status"], "False", "SyncFailed", &why, now);
            });
            return;
        }
    };
    if expected.unmanaged {
        let message = format!(
            "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the \
             status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for \
             these pods please set \".spec.minAvailable\" field of the PDB to an integer value.",
            go_selector(&budget["spec"]["selector"])
        );
        state.record(&SOURCE, &budget, &Occurrence::warning("UnmanagedPods", message));
    }
    let now = state.now;
    let evicted = still_going(&budget, &covered, now);
    let is_healthy = |pod: &&Arc<Value>| {
        pods::is_ready(pod) && !object::is_terminating(pod) && !evicted.contains_key(object::name(pod))
    };
    let healthy = i64::try_from(covered.iter().filter(is_healthy).count()).unwrap_or(i64::MAX);
    let room = (healthy - expected.healthy).max(0);
    let allowed = if expected.pods > 0 { room } else { 0 };
    if let Some(next) = evicted.values().map(|at| after(*at, DELETION_TIMEOUT)).min() {
        state.timers.schedule(Wake::Budget(key.clone()), next);
    }
    state.store.edit(key, Part::Status, now, |budget| {
        let conditions = budget["status"]["conditions"].clone();
        let going = budget["status"]["disruptedPods"].as_object().cloned().unwrap_or_default();
        let generation = budget["metadata"]["generation"].clone();
        let mut status = json!({
            "currentHealthy": healthy, "desiredHealthy": expected.healthy, "disruptionsAllowed": allowed,
            "expectedPods": expected.pods, "observedGeneration": generation,
        });
        if conditions.is_array() {
            status["conditions"] = conditions;
        }
        if !evicted.is_empty() {
            status["disruptedPods"] = going.into_iter().filter(|(name, _)| evicted.contains_key(name)).collect();
        }
        let (word, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        set_condition(&mut status, word, reason, "", now);
        budget["status"] = status;
    });
}

/// Writes the condition that says whether pods may go; its message is written also when it is empty.
pub(crate) fn set_condition(status: &mut Value, word: &str, reason: &str, message: &str, now: Timestamp) {
    let generation = status["observedGeneration"].as_i64().unwrap_or_default();
    let condition = Condition { kind: "DisruptionAllowed", status: word, reason, message };
    let mut extra = vec![("message", json!(message))];
    if generation > 0 {
        extra.push(("observedGeneration", json!(generation)));
    }
    conditions::set(status, &condition, &extra, now);
}

/// Evicted pods that are not yet seen to go, with the time of their eviction.
fn still_going(budget: &Value, covered: &[Arc<Value>], now: Timestamp) -> BTreeMap<String, Timestamp> {
    let evicted = budget["status"]["disruptedPods"].as_object().into_iter().flatten();
    evicted
        .filter_map(|(name, at)| Some((name.clone(), at.as_str()?.parse().ok()?)))
        .filter(|(name, at)| {
            let pod = covered.iter().find(|pod| object::name(pod) == name);
            pod.is_some_and(|pod| !object::is_terminating(pod)) && after(*at, DELETION_TIMEOUT) > now
        })
        .collect()
}

/// What a budget expects of its pods.
struct Expected {
    pods: i64,
    healthy: i64,
    /// Whether some pods have no controller to ask for a size.
    unmanaged: bool,
}

fn expected(store: &Store, budget: &Value, covered: &[Arc<Value>]) -> Result<Expected, String> {
    let (least, most) = (&budget["spec"]["minAvailable"], &budget["spec"]["maxUnavailable"]);
    if let Some(healthy) = least.as_i64() {
        let pods = i64::try_from(covered.len()).unwrap_or(i64::MAX);
        return Ok(Expected { pods, healthy, unmanaged: false });
    }
    if least.is_null() && most.is_null() {
        return Ok(Expected { pods: 0, healthy: 0, unmanaged: false });
    }
    let mut sizes = BTreeMap::new();
    let mut unmanaged = false;
    for pod in covered {
        match controller_of(pod) {
            None => unmanaged = true,
            Some(owner) => {
                let (uid, size) = size(store, pod, owner)?;
                sizes.insert(uid, size);
            }
        }
    }
    let pods: i64 = sizes.values().sum();
    let healthy = if most.is_null() { rollout::share(least, pods) } else { (pods - rollout::share(most, pods)).max(0) };
    Ok(Expected { pods, healthy, unmanaged })
}

/// Returns the uid and the wanted size of what stands behind a pod: its set, or the Deployment above it.
fn size(store: &Store, pod: &Value, owner: &Value) -> Result<(String, i64), String> {
    let kind = owner["kind"].as_str().unwrap_or_default();
    let none = || format!("found no controllers for pod \"{}\"", object::name(pod));
    let plural = match kind {
        "ReplicaSet" => "replicasets",
        "StatefulSet" => "statefulsets",
        _ => return Err(none()),
    };
    let find = |plural: &str, owner: &Value| {
        let key = Key {
            group: "apps".into(),
            plural: plural.into(),
            namespace: object::namespace(pod).into(),
            name: owner["name"].as_str().unwrap_or_default().into(),
        };
        store.get(&key).filter(|found| object::uid(found) == owner["uid"])
    };
    let set = find(plural, owner).ok_or_else(none)?;
    let above = controller_of(&set).filter(|above| above["kind"] == "Deployment");
    let top = above.and_then(|above| find("deployments", above)).unwrap_or(set);
    Ok((object::uid(&top).to_owned(), pods::replicas(&top)))
}

/// Writes a selector as Go prints the struct.
fn go_selector(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels: Vec<String> =
        labels.map(|(key, value)| format!("{key}: {},", value.as_str().unwrap_or_default())).collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{}}},MatchExpressions:[]LabelSelectorRequirement{{}},}}",
        labels.join("")
    )
}
