//! The status of a Deployment: counts, and the conditions Available and Progressing with the real reasons.
//!
//! Source: `pkg/controller/deployment/progress.go` and `sync.go` (`calculateStatus`).

use std::time::Duration;

use serde_json::{Value, json};

use super::pods;
use super::revisions;
use super::rollout;
use crate::conditions::{self, Condition};
use crate::durations::after;
use crate::object::{self, time_text};
use crate::simulation::State;
use crate::store::{Key, Part};
use crate::timers::Wake;

/// Whether a look at the Deployment says something about the progress of its rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// A rollout step was taken or checked.
    Tracked,
    /// It was only resized, paused or deleted.
    Ignored,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Counts {
    replicas: i64,
    updated: i64,
    ready: i64,
    available: i64,
    unavailable: i64,
    terminating: i64,
}

impl Counts {
    fn read(status: &Value) -> Self {
        let count = |field: &str| status[field].as_i64().unwrap_or_default();
        Self {
            replicas: count("replicas"),
            updated: count("updatedReplicas"),
            ready: count("readyReplicas"),
            available: count("availableReplicas"),
            unavailable: count("unavailableReplicas"),
            terminating: count("terminatingReplicas"),
        }
    }

    fn of(state: &State, deployment: &Value) -> Self {
        let sets = revisions::replica_sets(state, deployment);
        let sum = |field: &str| sets.iter().filter_map(|set| set["status"][field].as_i64()).sum::<i64>();
        let newest = revisions::newest(deployment, &sets);
        let available = sum("availableReplicas");
        let wanted: i64 = sets.iter().map(|set| pods::replicas(set)).sum();
        Self {
            replicas: sum("replicas"),
            updated: newest.and_then(|set| set["status"]["replicas"].as_i64()).unwrap_or_default(),
            ready: sum("readyReplicas"),
            available,
            unavailable: (wanted - available).max(0),
            terminating: sum("terminatingReplicas"),
        }
    }

    fn write(self, status: &mut Value) {
        let fields = [
            ("replicas", self.replicas),
            ("updatedReplicas", self.updated),
            ("readyReplicas", self.ready),
            ("availableReplicas", self.available),
            ("unavailableReplicas", self.unavailable),
        ];
        let Some(status) = status.as_object_mut() else { return };
        for (field, count) in fields {
            // Zero counts are left out, as Go's `omitempty` does.
            if count == 0 {
                status.remove(field);
            } else {
                status.insert(field.to_owned(), count.into());
            }
        }
        status.insert("terminatingReplicas".to_owned(), self.terminating.into());
    }

    fn is_complete(self, deployment: &Value) -> bool {
        let wanted = pods::replicas(deployment);
        self.updated == wanted && self.replicas == wanted && self.available == wanted
    }
}

/// Returns whether every pod is new and available.
pub(super) fn is_complete(state: &State, deployment: &Value) -> bool {
    Counts::of(state, deployment).is_complete(deployment)
}

/// Writes the status as the ReplicaSets are now.
pub(super) fn write(state: &mut State, key: &Key, progress: Progress) {
    let Some(deployment) = state.store.get(key) else { return };
    let now = state.now;
    let before = Counts::read(&deployment["status"]);
    let counts = Counts::of(state, &deployment);
    let mut status = deployment["status"].clone();
    if !status.is_object() {
        status = json!({});
    }
    counts.write(&mut status);
    status["observedGeneration"] = deployment["metadata"]["generation"].clone();
    let wanted = pods::replicas(&deployment);
    if counts.available >= wanted - rollout::bounds(&deployment, wanted).unavailable {
        let message = "Deployment has minimum availability.";
        set(state, &mut status, "Available", "True", "MinimumReplicasAvailable", message);
    } else {
        let message = "Deployment does not have minimum availability.";
        set(state, &mut status, "Available", "False", "MinimumReplicasUnavailable", message);
    }
    if progress == Progress::Tracked {
        track(state, key, &deployment, &mut status, before, counts);
        tell_failure(state, &deployment, &mut status);
    }
    state.store.edit(key, Part::Status, now, |deployment| deployment["status"] = status);
}

/// Passes on why pods cannot be made, or forgets it: the newest ReplicaSet's reason before the others'.
fn tell_failure(state: &State, deployment: &Value, status: &mut Value) {
    let sets = revisions::replica_sets(state, deployment);
    let failure = |set: &Value| conditions::find(&set["status"], "ReplicaFailure").cloned();
    let found = revisions::newest(deployment, &sets)
        .and_then(|set| failure(set))
        .or_else(|| sets.iter().find_map(|set| failure(set)));
    let text = |failure: &Value, field: &str| failure[field].as_str().unwrap_or_default().to_owned();
    if let Some(failure) = found {
        let (reason, message) = (text(&failure, "reason"), text(&failure, "message"));
        set(state, status, "ReplicaFailure", "True", &reason, &message);
        if let Some(list) = status["conditions"].as_array_mut() {
            // What still moves is written last.
            list.sort_by_key(|condition| condition["type"] == "Progressing");
        }
    } else if let Some(list) = status["conditions"].as_array_mut() {
        list.retain(|condition| condition["type"] != "ReplicaFailure");
    }
}

fn track(state: &mut State, key: &Key, deployment: &Value, status: &mut Value, before: Counts, counts: Counts) {
    let Some(deadline) = deployment["spec"]["progressDeadlineSeconds"].as_u64().filter(|it| *it < i32::MAX as u64)
    else {
        return;
    };
    let current = conditions::find(status, "Progressing").cloned();
    let reason = current.as_ref().and_then(|it| it["reason"].as_str()).unwrap_or_default().to_owned();
    if counts.replicas == counts.updated && reason == "NewReplicaSetAvailable" {
        return;
    }
    let sets = revisions::replica_sets(state, deployment);
    let subject = revisions::newest(deployment, &sets).map_or_else(
        || format!("Deployment \"{}\"", object::name(deployment)),
        |set| format!("ReplicaSet \"{}\"", object::name(set)),
    );
    let progressed = counts.updated > before.updated
        || counts.replicas - counts.updated < before.replicas - before.updated
        || counts.ready > before.ready
        || counts.available > before.available;
    let updated = current.as_ref().and_then(|it| conditions::time_at(it, "lastUpdateTime"));
    let due = updated.map(|at| after(at, Duration::from_secs(deadline)));
    if counts.is_complete(deployment) {
        let message = format!("{subject} has successfully progressed.");
        set(state, status, "Progressing", "True", "NewReplicaSetAvailable", &message);
    } else if progressed {
        let message = format!("{subject} is progressing.");
        // Every step counts against the deadline anew.
        let stamp = json!(time_text(state.now));
        let condition =
            Condition { kind: "Progressing", status: "True", reason: "ReplicaSetUpdated", message: &message };
        conditions::set(status, &condition, &[("lastUpdateTime", stamp)], state.now);
        state.wake_after(Wake::Deployment(key.clone()), Duration::from_secs(deadline + 1));
    } else if let Some(due) = due.filter(|_| reason != "NewReplicaSetAvailable") {
        if state.now > due {
            let message = format!("{subject} has timed out progressing.");
            set(state, status, "Progressing", "False", "ProgressDeadlineExceeded", &message);
        } else {
            state.timers.schedule(Wake::Deployment(key.clone()), after(due, Duration::from_secs(1)));
        }
    }
}

/// Sets a condition unless it says the same already (`SetDeploymentCondition`).
fn set(state: &State, status: &mut Value, kind: &str, value: &str, reason: &str, message: &str) {
    let same = conditions::find(status, kind).is_some_and(|it| it["status"] == value && it["reason"] == reason);
    if !same {
        let stamp = json!(time_text(state.now));
        let condition = Condition { kind, status: value, reason, message };
        conditions::set(status, &condition, &[("lastUpdateTime", stamp)], state.now);
    }
}

fn note(state: &mut State, key: &Key, value: &str, reason: &str, message: &str) {
    let Some(deployment) = state.store.get(key) else { return };
    if deployment["spec"]["progressDeadlineSeconds"].is_null() {
        return;
    }
    let mut status = deployment["status"].clone();
    set(state, &mut status, "Progressing", value, reason, message);
    let now = state.now;
    state.store.edit(key, Part::Status, now, |deployment| deployment["status"] = status);
}

/// Notes that a ReplicaSet was made for the present template.
pub(super) fn note_created(state: &mut State, key: &Key, name: &str) {
    note(state, key, "True", "NewReplicaSetCreated", &format!("Created new replica set \"{name}\""));
}

/// Notes that there is a ReplicaSet for the present template, where nothing is known of progress yet.
pub(super) fn note_found(state: &mut State, key: &Key, name: &str) {
    let known = state.store.get(key).is_some_and(|it| conditions::find(&it["status"], "Progressing").is_some());
    if !known {
        note(state, key, "True", "FoundNewReplicaSet", &format!("Found new replica set \"{name}\""));
    }
}

/// Notes that no ReplicaSet could be made.
pub(super) fn note_failure(state: &mut State, key: &Key, message: &str) {
    note(state, key, "False", "ReplicaSetCreateError", &format!("Failed to create new replica set: {message}"));
}

/// Notes that a Deployment was paused or resumed, so that its deadline does not run meanwhile.
pub(super) fn note_pause(state: &mut State, key: &Key, deployment: &Value) {
    let current = conditions::find(&deployment["status"], "Progressing").map(|it| it["reason"].clone());
    let exceeded = current.as_ref().is_some_and(|reason| reason == "ProgressDeadlineExceeded");
    let noted = current.as_ref().is_some_and(|reason| reason == "DeploymentPaused");
    let paused = deployment["spec"]["paused"] == true;
    if exceeded {
        return;
    }
    if paused && !noted {
        note(state, key, "Unknown", "DeploymentPaused", "Deployment is paused");
    } else if !paused && noted {
        note(state, key, "Unknown", "DeploymentResumed", "Deployment is resumed");
    }
}
