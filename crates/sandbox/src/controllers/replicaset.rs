//! The ReplicaSet controller: keeps the wanted number of pods and counts them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use todo_agent_kube_rules::selectors::LabelSelector;

use super::pods;
use crate::conditions::{self, Condition};
use crate::durations::between;
use crate::events::{Occurrence, Source};
use crate::object;
use crate::simulation::State;
use crate::store::{Deletion, Key, Part};
use crate::timers::Wake;

/// The shortest and the longest pause before a refused pod is tried again; it doubles, as the pauses of a work
/// queue do: each is as long as the time since the first refusal.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(1000);

const SOURCE: Source = Source::Controller("replicaset-controller");

/// Moves one ReplicaSet towards its wanted number of pods.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(set) = state.store.get(key) else { return };
    let mut failure = None;
    let mut owned = pods::owned(state, &set);
    let mut active = active(&owned);
    let wanted = usize::try_from(pods::replicas(&set)).unwrap_or_default();
    if !object::is_terminating(&set) && active.len() != wanted {
        if active.len() < wanted {
            failure = create(state, &set, wanted - active.len());
        } else {
            let surplus = active.len() - wanted;
            delete(state, &set, active, surplus);
        }
        owned = pods::owned(state, &set);
        active = self::active(&owned);
    }
    write_status(state, key, &set, &owned, &active, failure.as_deref());
}

fn active(owned: &[Arc<Value>]) -> Vec<Arc<Value>> {
    owned.iter().filter(|pod| pods::is_active(pod)).cloned().collect()
}

/// Makes pods until one is refused; returns why.
fn create(state: &mut State, set: &Value, count: usize) -> Option<String> {
    for _ in 0..count {
        let name = format!("{}-{}", object::name(set), state.random.suffix());
        let pod = pods::from_template(&set["spec"]["template"], set, &name);
        match state.admit(pod) {
            Ok(_) => {
                let message = format!("Created pod: {name}");
                state.record(&SOURCE, set, &Occurrence::normal("SuccessfulCreate", message));
            }
            Err(error) => {
                let message = format!("Error creating: {error}");
                state.record(&SOURCE, set, &Occurrence::warning("FailedCreate", message));
                return Some(error.to_string());
            }
        }
    }
    None
}

fn delete(state: &mut State, set: &Value, mut active: Vec<Arc<Value>>, count: usize) {
    pods::sort_for_deletion(&mut active);
    for pod in active.into_iter().take(count) {
        let now = state.now;
        if state.store.delete(&Key::of_object(&pod), &Deletion::default(), now).is_ok() {
            let message = format!("Deleted pod: {}", object::name(&pod));
            state.record(&SOURCE, set, &Occurrence::normal("SuccessfulDelete", message));
        }
    }
}

fn write_status(
    state: &mut State,
    key: &Key,
    set: &Value,
    owned: &[Arc<Value>],
    active: &[Arc<Value>],
    failure: Option<&str>,
) {
    let now = state.now;
    let is_whole = active.len() == owned.len();
    let terminating = if is_whole { 0 } else { owned.iter().filter(|pod| object::is_terminating(pod)).count() };
    let template = LabelSelector::from_map(&set["spec"]["template"]["metadata"]["labels"]);
    let labelled = active.iter().filter(|pod| template.matches(&pod["metadata"]["labels"])).count();
    let available = pods::available(active, pods::min_ready(set), now);
    let mut status = json!({
        "replicas": active.len(),
        "observedGeneration": set["metadata"]["generation"],
        "terminatingReplicas": terminating,
    });
    // Zero counts are left out, as Go's `omitempty` does.
    for (field, count) in [
        ("fullyLabeledReplicas", labelled),
        ("readyReplicas", available.len()),
        ("availableReplicas", available.iter().filter(|at| **at <= now).count()),
    ] {
        if count > 0 {
            status[field] = json!(count);
        }
    }
    if let Some(message) = failure {
        status["conditions"] = set["status"]["conditions"].clone();
        let first = conditions::find(&status, "ReplicaFailure")
            .and_then(|it| it["lastTransitionTime"].as_str()?.parse::<Timestamp>().ok());
        // The first refusal stays: each names another pod.
        if first.is_none() {
            let condition = Condition { kind: "ReplicaFailure", status: "True", reason: "FailedCreate", message };
            conditions::set(&mut status, &condition, &[], now);
        }
        let since = first.map_or(FIRST_RETRY, |first| between(first, now));
        state.wake_after(Wake::ReplicaSet(key.clone()), since.clamp(FIRST_RETRY, LONGEST_RETRY));
    }
    state.store.edit(key, Part::Status, now, |set| set["status"] = status);
    if let Some(next) = available.into_iter().filter(|at| *at > now).min() {
        state.timers.schedule(Wake::ReplicaSet(key.clone()), next);
    }
}
