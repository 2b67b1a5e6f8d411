//! The scheduler: binds pods to the node that fits best, or says why none does. A pod that fits nowhere is
//! tried again when nodes or pods change, with the real back-off of 1 s doubling to 10 s.

mod claims;
mod sums;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use todo_agent_kube_rules::fit::{self, NodeUse};

use crate::conditions::{self, Condition};
use crate::durations::after;
use crate::events::{Occurrence, Source};
use crate::object;
use crate::simulation::State;
use crate::store::{Key, Part, Store};
use crate::timers::Wake;
use claims::Claims;
pub(crate) use sums::Sums;

/// A pod that nothing has changed for is tried again after this time.
const FLUSH_PERIOD: Duration = Duration::from_mins(5);

/// The pods that did not fit.
#[derive(Debug, Default)]
pub(crate) struct SchedulingQueue {
    /// Ordered, because the order of attempts decides who gets the room.
    attempts: BTreeMap<Key, u32>,
    /// What the pods on each node take.
    pub(crate) sums: Sums,
}

/// Tries to bind a pod.
pub(crate) fn schedule(state: &mut State, key: &Key) {
    let pod = match state.store.get(key) {
        Some(pod) if unbound(&pod) && is_ours(&pod) && !object::is_terminating(&pod) => pod,
        _ => {
            state.queue.attempts.remove(key);
            return;
        }
    };
    let nodes = state.store.list("", "nodes", None);
    let (volumes, unbound) = match claims::of(&state.store, &pod) {
        Claims::Place { volumes, unbound } => (volumes, unbound),
        Claims::Wait => return,
        Claims::Refuse(why) => {
            // The end is what the real one's look for victims adds.
            let message = format!("0/{} nodes are available: {why}. not found", nodes.len());
            refuse(state, key, &pod, &message);
            return;
        }
    };
    let uses: Vec<NodeUse<'_>> = nodes.iter().map(|node| state.queue.sums.of(node)).collect();
    let objection = |node: &Value| claims::objection(&state.store, &volumes, &unbound, node);
    match fit::fit_unless(&pod, &uses, &objection) {
        Ok(best) => {
            let siblings = siblings(&state.store, &pod);
            let on = |node: &Value| siblings.get(object::name(node)).copied().unwrap_or_default();
            let spread = best.iter().min_by_key(|index| on(&nodes[**index]));
            let Some(node) = spread.map(|index| Arc::clone(&nodes[*index])) else { return };
            if unbound.is_empty() {
                bind(state, key, object::name(&node));
            } else {
                // The pod follows once its volumes are there.
                claims::select(state, &unbound, &node);
            }
        }
        Err(refusal) => refuse(state, key, &pod, &refusal.message),
    }
}

/// Tries every pod that did not fit again, because nodes or pods have changed.
pub(crate) fn retry_all(state: &mut State) {
    let waiting: Vec<(Key, u32)> = state.queue.attempts.iter().map(|(key, count)| (key.clone(), *count)).collect();
    for (key, attempts) in waiting {
        let delay = Duration::from_secs(1 << attempts.saturating_sub(1).min(3)).min(Duration::from_secs(10));
        state.timers.schedule(Wake::Schedule(key), after(state.now, delay));
    }
}

fn bind(state: &mut State, key: &Key, node: &str) {
    state.queue.attempts.remove(key);
    let now = state.now;
    state.store.edit(key, Part::Status, now, |pod| {
        let condition = Condition { kind: "PodScheduled", status: "True", reason: "", message: "" };
        let extra = extra(pod);
        conditions::set(&mut pod["status"], &condition, &extra, now);
    });
    let bound = state.store.edit(key, Part::Spec, now, |pod| pod["spec"]["nodeName"] = json!(node));
    if let Some(pod) = bound {
        let message = format!("Successfully assigned {}/{} to {node}", key.namespace, key.name);
        state.record(&Source::Scheduler, &pod, &Occurrence::normal("Scheduled", message));
    }
}

fn refuse(state: &mut State, key: &Key, pod: &Value, message: &str) {
    *state.queue.attempts.entry(key.clone()).or_default() += 1;
    let now = state.now;
    state.store.edit(key, Part::Status, now, |pod| {
        let condition = Condition { kind: "PodScheduled", status: "False", reason: "Unschedulable", message };
        let extra = extra(pod);
        conditions::set(&mut pod["status"], &condition, &extra, now);
    });
    state.record(&Source::Scheduler, pod, &Occurrence::warning("FailedScheduling", message));
    state.wake_after(Wake::Schedule(key.clone()), FLUSH_PERIOD);
}

/// Returns what the scheduler's condition has besides its state.
fn extra(pod: &Value) -> [(&'static str, Value); 2] {
    [("lastProbeTime", Value::Null), ("observedGeneration", pod["metadata"]["generation"].clone())]
}

/// Counts the pods of the same owner by their nodes: the scheduler spreads them.
fn siblings<'a>(store: &'a Store, pod: &Value) -> HashMap<&'a str, usize> {
    let owner = object::owner_references(pod).first().and_then(|owner| owner["uid"].as_str());
    let siblings = owner.into_iter().flat_map(|owner| store.dependents(owner));
    let mut counts = HashMap::new();
    for standing in siblings.filter_map(|(_, dependent)| dependent.standing.as_ref()) {
        *counts.entry(standing.node.as_str()).or_default() += 1;
    }
    counts
}

/// Returns whether the pod asks for this scheduler and no other.
fn is_ours(pod: &Value) -> bool {
    pod["spec"]["schedulerName"].as_str().is_none_or(|name| name.is_empty() || name == "default-scheduler")
}

fn unbound(pod: &Value) -> bool {
    pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty()
}
