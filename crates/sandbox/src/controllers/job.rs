//! The Job controller: runs pods until enough of them have succeeded or too many have failed.
//!
//! A finished pod is counted once, when its tracking finalizer goes; the counts live in the status. The
//! end of a job is announced (`SuccessCriteriaMet`, `FailureTarget`) and comes when no pod is left.
//!
//! Source: `pkg/controller/job/job_controller.go` and `pkg/controller/ttlafterfinished` of Kubernetes 1.37.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::job_pods::{self as job_pods, TRACKED};
use super::pods;
use crate::conditions::{self, Condition};
use crate::durations::after;
use crate::events::{Occurrence, Source};
use crate::object::{self, time_text};
use crate::simulation::State;
use crate::store::{Deletion, Key, Part, Propagation};
use crate::timers::Wake;

pub(super) const SOURCE: Source = Source::Controller("job-controller");

/// The condition that says why a job is going to end, and the one that says that it has.
struct Ending {
    announced: &'static str,
    done: &'static str,
    reason: &'static str,
    message: &'static str,
}

const SUCCESS: Ending = Ending {
    announced: "SuccessCriteriaMet",
    done: "Complete",
    reason: "CompletionsReached",
    message: "Reached expected number of succeeded pods",
};
const TOO_MANY_FAILURES: Ending = Ending {
    announced: "FailureTarget",
    done: "Failed",
    reason: "BackoffLimitExceeded",
    message: "Job has reached the specified backoff limit",
};
const TOO_LATE: Ending = Ending {
    announced: "FailureTarget",
    done: "Failed",
    reason: "DeadlineExceeded",
    message: "Job was active longer than specified deadline",
};

/// Moves one job towards its end.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    job_pods::release_orphans(state, key);
    let Some(job) = state.store.get(key) else { return };
    if let Some(end) = finished_at(&job) {
        expire(state, key, &job, end);
        return;
    }
    if object::is_terminating(&job) {
        return;
    }
    let now = state.now;
    let mut status = job["status"].clone();
    let is_suspended = job["spec"]["suspend"] == true;
    if status["startTime"].is_null() && !is_suspended {
        status["startTime"] = json!(time_text(now));
    }
    count_finished(state, &job, &mut status);
    let ending = ending(state, key, &job, &status);
    let active = active(state, &job);
    match &ending {
        Some(_) => delete(state, &job, &active, active.len()),
        None if is_suspended => delete(state, &job, &active, active.len()),
        None => resize(state, key, &job, &status, &active),
    }
    // What was deleted above counts as failed, unless the job is only held.
    count_finished(state, &job, &mut status);
    suspend(state, &job, &mut status, is_suspended && ending.is_none());
    let occurrence = ending.and_then(|ending| end(state, &job, &mut status, &ending));
    write_status(state, key, &job, status);
    if let Some(occurrence) = occurrence {
        state.record(&SOURCE, &job, &occurrence);
    }
}

/// Adds the pods that have finished since the last look to the counts and lets go of them.
fn count_finished(state: &mut State, job: &Value, status: &mut Value) {
    let now = state.now;
    for pod in pods::owned(state, job) {
        let Some(outcome) = job_pods::outcome(&pod).filter(|_| object::finalizers(&pod).any(|it| it == TRACKED)) else {
            continue;
        };
        status[outcome] = json!(status[outcome].as_u64().unwrap_or_default() + 1);
        if outcome == "succeeded"
            && let Some(index) = job_pods::index(&pod)
        {
            job_pods::complete_index(status, index);
        }
        state.store.edit(&Key::of_object(&pod), Part::Metadata, now, |pod| object::remove_finalizer(pod, TRACKED));
    }
}

/// Returns how the job is to end, if it is.
fn ending(state: &mut State, key: &Key, job: &Value, status: &Value) -> Option<Ending> {
    let spec = &job["spec"];
    let is_announced = |ending: &Ending| {
        conditions::find(status, ending.announced).is_some_and(|found| found["reason"] == ending.reason)
    };
    if let Some(announced) = [SUCCESS, TOO_MANY_FAILURES, TOO_LATE].into_iter().find(is_announced) {
        return Some(announced);
    }
    let limit = spec["backoffLimit"].as_u64().unwrap_or(6);
    let failed = status["failed"].as_u64().unwrap_or_default();
    let owned = pods::owned(state, job);
    if failed > limit || job_pods::restarts_exceed(&owned, spec, limit) {
        return Some(TOO_MANY_FAILURES);
    }
    if let Some(deadline) = deadline(job, status) {
        if deadline <= state.now {
            return Some(TOO_LATE);
        }
        state.timers.schedule(Wake::Job(key.clone()), deadline);
    }
    let succeeded = status["succeeded"].as_u64().unwrap_or_default();
    let enough = match spec["completions"].as_u64() {
        Some(wanted) => succeeded >= wanted,
        None => succeeded > 0 && active(state, job).is_empty(),
    };
    (enough && spec["suspend"] != true).then_some(SUCCESS)
}

fn deadline(job: &Value, status: &Value) -> Option<Timestamp> {
    let seconds = job["spec"]["activeDeadlineSeconds"].as_u64()?;
    Some(after(conditions::time_at(status, "startTime")?, Duration::from_secs(seconds)))
}

/// Announces the end, or carries it out when no pod is left; returns what is told then.
fn end(state: &State, job: &Value, status: &mut Value, ending: &Ending) -> Option<Occurrence> {
    let now = state.now;
    let mut set = |kind| {
        let condition = Condition { kind, status: "True", reason: ending.reason, message: ending.message };
        let probed = conditions::find(status, kind).map(|found| found["lastProbeTime"].clone());
        let probed = probed.unwrap_or_else(|| json!(time_text(now)));
        conditions::set(status, &condition, &[("lastProbeTime", probed)], now);
    };
    set(ending.announced);
    if pods::owned(state, job).iter().any(|pod| object::is_terminating(pod)) {
        return None;
    }
    set(ending.done);
    if ending.done == "Failed" {
        return Some(Occurrence::warning(ending.reason, ending.message));
    }
    status["completionTime"] = json!(time_text(now));
    Some(Occurrence::normal("Completed", "Job completed"))
}

/// Holds the job, or notes that it goes on.
fn suspend(state: &mut State, job: &Value, status: &mut Value, suspended: bool) {
    let known = conditions::find(status, "Suspended").map(|found| found["status"] == "True");
    let (word, reason, event, message) = match (suspended, known) {
        (true, None | Some(false)) => ("True", "JobSuspended", "Suspended", "Job suspended"),
        (false, Some(true)) => ("False", "JobResumed", "Resumed", "Job resumed"),
        _ => return,
    };
    let now = state.now;
    let condition = Condition { kind: "Suspended", status: word, reason, message };
    conditions::set(status, &condition, &[("lastProbeTime", json!(time_text(now)))], now);
    if let Some(status) = status.as_object_mut() {
        if suspended {
            status.remove("startTime");
        } else {
            status.insert("startTime".into(), time_text(now).into());
        }
    }
    state.record(&SOURCE, job, &Occurrence::normal(event, message));
}

/// Makes the pods that are missing, or deletes those that are too many.
fn resize(state: &mut State, key: &Key, job: &Value, status: &Value, active: &[Arc<Value>]) {
    let spec = &job["spec"];
    let count = |value: &Value| usize::try_from(value.as_u64().unwrap_or_default()).unwrap_or(usize::MAX);
    let (beside, succeeded) = (count(&spec["parallelism"]), count(&status["succeeded"]));
    let wanted = match spec["completions"].as_u64() {
        Some(_) => beside.min(count(&spec["completions"]).saturating_sub(succeeded)),
        None if succeeded > 0 => active.len(),
        None => beside,
    };
    if active.len() > wanted {
        delete(state, job, active, active.len() - wanted);
    } else if active.len() < wanted {
        let owned = pods::owned(state, job);
        if let Some(pause) = job_pods::back_off(&owned, state.now) {
            state.timers.schedule(Wake::Job(key.clone()), pause);
            return;
        }
        job_pods::create(state, job, status, wanted - active.len());
    }
}

fn active(state: &State, job: &Value) -> Vec<Arc<Value>> {
    let mut owned = pods::owned(state, job);
    owned.retain(|pod| pods::is_active(pod));
    owned
}

fn delete(state: &mut State, job: &Value, active: &[Arc<Value>], count: usize) {
    let mut doomed = active.to_vec();
    pods::sort_for_deletion(&mut doomed);
    for pod in doomed.into_iter().take(count) {
        let (pod_key, now) = (Key::of_object(&pod), state.now);
        if job["spec"]["suspend"] == true {
            // A job that is only held does not count its pods as failed.
            state.store.edit(&pod_key, Part::Metadata, now, |pod| object::remove_finalizer(pod, TRACKED));
        }
        if state.store.delete(&pod_key, &Deletion::default(), now).is_ok() {
            let message = format!("Deleted pod: {}", object::name(&pod));
            state.record(&SOURCE, job, &Occurrence::normal("SuccessfulDelete", message));
        }
    }
}

fn write_status(state: &mut State, key: &Key, job: &Value, mut status: Value) {
    let active = active(state, job);
    let ready = active.iter().filter(|pod| pods::is_ready(pod)).count();
    let owned = pods::owned(state, job);
    let is_leaving = |pod: &&Arc<Value>| object::is_terminating(pod) && pods::is_unfinished(pod);
    status["ready"] = json!(ready);
    status["terminating"] = json!(owned.iter().filter(is_leaving).count());
    status["uncountedTerminatedPods"] = json!({});
    if let Some(status) = status.as_object_mut() {
        status.remove("active");
        if !active.is_empty() {
            status.insert("active".into(), active.len().into());
        }
    }
    let now = state.now;
    state.store.edit(key, Part::Status, now, |job| job["status"] = status);
}

/// Returns when a job ended.
pub(super) fn finished_at(job: &Value) -> Option<Timestamp> {
    ["Complete", "Failed"].into_iter().find_map(|kind| {
        let found = conditions::find(&job["status"], kind).filter(|found| found["status"] == "True")?;
        conditions::time_at(found, "lastTransitionTime")
    })
}

/// Deletes a finished job whose time to live is over.
fn expire(state: &mut State, key: &Key, job: &Value, end: Timestamp) {
    let Some(seconds) = job["spec"]["ttlSecondsAfterFinished"].as_u64() else { return };
    let at = after(end, Duration::from_secs(seconds));
    if at > state.now {
        state.timers.schedule(Wake::Job(key.clone()), at);
    } else if !object::is_terminating(job) {
        let how = Deletion { propagation: Propagation::Foreground, ..Deletion::default() };
        let now = state.now;
        // One that is gone already needs no deletion.
        let _deleted = state.store.delete(key, &how, now);
    }
}
