//! The ReplicaSet controller: keeps the wanted number of pods and counts them.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use todo_agent_kube_rules::selectors::LabelSelector;

use super::pods;
use crate::conditions::{self, Condition};
use crate::durations::{after, between};
use crate::events::{Occurrence, Source};
use crate::object;
use crate::simulation::State;
use crate::store::{Deletion, Key, Life, Part, Readiness, Store};
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
    let active = pods::standing(&state.store, &set).filter(|(_, standing)| standing.life == Life::Active).count();
    let wanted = usize::try_from(pods::replicas(&set)).unwrap_or_default();
    if !object::is_terminating(&set) {
        if active < wanted {
            failure = create(state, &set, wanted - active);
        } else if active > wanted {
            delete(state, &set, active - wanted);
        }
    }
    write_status(state, key, &set, failure.as_deref());
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

fn delete(state: &mut State, set: &Value, count: usize) {
    let mut active = pods::owned(state, set);
    active.retain(|pod| pods::is_active(pod));
    pods::sort_for_deletion(&mut active);
    for pod in active.into_iter().take(count) {
        let now = state.now;
        if state.store.delete(&Key::of_object(&pod), &Deletion::default(), now).is_ok() {
            let message = format!("Deleted pod: {}", object::name(&pod));
            state.record(&SOURCE, set, &Occurrence::normal("SuccessfulDelete", message));
        }
    }
}

/// What the pods of a ReplicaSet come to.
#[derive(Debug, Default)]
struct Counts {
    active: usize,
    terminating: usize,
    labelled: usize,
    ready: usize,
    available: usize,
    /// When the next ready pod becomes available.
    next: Option<Timestamp>,
}

impl Counts {
    fn of(store: &Store, set: &Value, now: Timestamp) -> Self {
        let template = LabelSelector::from_map(&set["spec"]["template"]["metadata"]["labels"]);
        let min_ready = pods::min_ready(set);
        let mut counts = Self::default();
        // Nearly all pods of a set have the same labels.
        let mut latest = None;
        for (pod, standing) in pods::standing(store, set) {
            match standing.life {
                Life::Finished => continue,
                Life::Terminating => {
                    counts.terminating += 1;
                    continue;
                }
                Life::Active => counts.active += 1,
            }
            let is_labelled = match latest {
                Some((labels, is_labelled)) if labels == standing.labels => is_labelled,
                _ => template.matches(&pod["metadata"]["labels"]),
            };
            latest = Some((standing.labels, is_labelled));
            counts.labelled += usize::from(is_labelled);
            let Readiness::Ready(since) = standing.readiness else { continue };
            counts.ready += 1;
            // Without a pause a ready pod is available, whatever its times say.
            let at = if min_ready.is_zero() { Some(now) } else { since.map(|since| after(since, min_ready)) };
            match at {
                Some(at) if at <= now => counts.available += 1,
                Some(at) => counts.next = Some(counts.next.map_or(at, |next| next.min(at))),
                None => {}
            }
        }
        counts
    }
}

fn write_status(state: &mut State, key: &Key, set: &Value, failure: Option<&str>) {
    let now = state.now;
    let counts = Counts::of(&state.store, set, now);
    let mut status = json!({
        "replicas": counts.active,
        "observedGeneration": set["metadata"]["generation"],
        "terminatingReplicas": counts.terminating,
    });
    // Zero counts are left out, as Go's `omitempty` does.
    for (field, count) in [
        ("fullyLabeledReplicas", counts.labelled),
        ("readyReplicas", counts.ready),
        ("availableReplicas", counts.available),
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
    if let Some(next) = counts.next {
        state.timers.schedule(Wake::ReplicaSet(key.clone()), next);
    }
}
