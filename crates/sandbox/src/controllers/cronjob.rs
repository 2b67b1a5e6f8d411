//! The CronJob controller: makes a Job at each time of the schedule, and forgets the old ones.
//!
//! Source: `pkg/controller/cronjob/cronjob_controllerv2.go` and `utils.go` of Kubernetes 1.37.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::cron::Schedule;
use super::{job, pods};
use crate::conditions;
use crate::durations::after;
use crate::events::{Occurrence, Source};
use crate::object::{self, time_text};
use crate::simulation::State;
use crate::store::{Deletion, Key, Part, Propagation};
use crate::timers::Wake;

const SOURCE: Source = Source::Controller("cronjob-controller");
/// More missed times than this are too many to look through.
const MOST_MISSED: usize = 100;

/// Looks at one cron job: its finished jobs, its history, and whether a job is due.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(cron) = state.store.get(key) else { return };
    let mut status = cron["status"].clone();
    let jobs = jobs(state, &cron);
    settle(state, &cron, &mut status, &jobs);
    clean_up(state, &cron, jobs);
    if !object::is_terminating(&cron) {
        schedule(state, key, &cron, &mut status);
    }
    let now = state.now;
    state.store.edit(key, Part::Status, now, |cron| cron["status"] = status);
}

fn jobs(state: &State, cron: &Value) -> Vec<Arc<Value>> {
    pods::controlled(&state.store, cron, "jobs")
}

/// Takes finished and lost jobs out of the list of those that run.
fn settle(state: &mut State, cron: &Value, status: &mut Value, jobs: &[Arc<Value>]) {
    let active = status["active"].as_array().cloned().unwrap_or_default();
    let mut left = Vec::new();
    for reference in active {
        let name = reference["name"].as_str().unwrap_or_default();
        let found = jobs.iter().find(|job| object::uid(job) == reference["uid"]);
        match found {
            None => {
                let message = format!("Active job went missing: {name}");
                state.record(&SOURCE, cron, &Occurrence::normal("MissingJob", message));
            }
            Some(found) if job::finished_at(found).is_some() => {
                let condition = if conditions::is_true(&found["status"], "Complete") { "Complete" } else { "Failed" };
                let message = format!("Saw completed job: {name}, condition: {condition}");
                state.record(&SOURCE, cron, &Occurrence::normal("SawCompletedJob", message));
                if condition == "Complete" {
                    status["lastSuccessfulTime"] = found["status"]["completionTime"].clone();
                }
            }
            Some(_) => left.push(reference),
        }
    }
    set_active(status, left);
}

fn set_active(status: &mut Value, active: Vec<Value>) {
    let Some(status) = status.as_object_mut() else { return };
    if active.is_empty() {
        status.remove("active");
    } else {
        status.insert("active".into(), active.into());
    }
}

/// Deletes the oldest finished jobs beyond the limits.
fn clean_up(state: &mut State, cron: &Value, jobs: Vec<Arc<Value>>) {
    let (good, bad): (Vec<_>, Vec<_>) = jobs
        .into_iter()
        .filter(|found| job::finished_at(found).is_some())
        .partition(|found| conditions::is_true(&found["status"], "Complete"));
    for (mut finished, limit) in [(good, "successfulJobsHistoryLimit"), (bad, "failedJobsHistoryLimit")] {
        let Some(limit) = cron["spec"][limit].as_u64() else { continue };
        finished
            .sort_by_key(|job| (job["status"]["startTime"].as_str().map(str::to_owned), object::name(job).to_owned()));
        let surplus = finished.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        for old in finished.into_iter().take(surplus) {
            remove(state, cron, &old);
        }
    }
}

fn remove(state: &mut State, cron: &Value, job: &Value) {
    let how = Deletion { propagation: Propagation::Background, ..Deletion::default() };
    let now = state.now;
    if state.store.delete(&Key::of_object(job), &how, now).is_ok() {
        let message = format!("Deleted job {}", object::name(job));
        state.record(&SOURCE, cron, &Occurrence::normal("SuccessfulDelete", message));
    }
}

/// Makes the job that is due, if one is, and asks to be woken for the next.
fn schedule(state: &mut State, key: &Key, cron: &Value, status: &mut Value) {
    let spec = &cron["spec"];
    let zone = match spec["timeZone"].as_str() {
        Some(name) => TimeZone::get(name),
        None => Ok(TimeZone::UTC),
    };
    let parsed = Schedule::parse(spec["schedule"].as_str().unwrap_or_default());
    let (Ok(zone), Ok(times)) = (zone, parsed) else { return };
    if spec["suspend"] == true {
        return;
    }
    let now = state.now;
    if let Some(next) = times.next(now, &zone) {
        state.timers.schedule(Wake::CronJob(key.clone()), next);
    }
    let Some(due) = latest_missed(cron, status, &times, &zone, now) else { return };
    let late = spec["startingDeadlineSeconds"].as_u64();
    if late.is_some_and(|seconds| after(due, Duration::from_secs(seconds)) < now) {
        let message = format!("Missed scheduled time to start a job: {}", due.strftime("%a, %d %b %Y %H:%M:%S +0000"));
        state.record(&SOURCE, cron, &Occurrence::warning("MissSchedule", message));
        return;
    }
    let active = status["active"].as_array().cloned().unwrap_or_default();
    match spec["concurrencyPolicy"].as_str() {
        Some("Forbid") if !active.is_empty() => {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            state.record(&SOURCE, cron, &Occurrence::normal("JobAlreadyActive", message));
            return;
        }
        Some("Replace") => {
            for job in jobs(state, cron) {
                if active.iter().any(|reference| reference["uid"] == object::uid(&job)) {
                    remove(state, cron, &job);
                }
            }
            set_active(status, Vec::new());
        }
        _ => {}
    }
    start(state, cron, status, due);
}

/// Returns the latest time of the schedule since the last one that was used.
fn latest_missed(cron: &Value, status: &Value, times: &Schedule, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let since = conditions::time_at(status, "lastScheduleTime")
        .or_else(|| conditions::time_at(&cron["metadata"], "creationTimestamp"))?;
    let mut found = None;
    let mut at = since;
    for _ in 0..MOST_MISSED {
        match times.next(at, zone) {
            Some(next) if next <= now => {
                found = Some(next);
                at = next;
            }
            _ => return found,
        }
    }
    // So many are missed that only the last minutes count.
    let recent = now.checked_sub(jiff::SignedDuration::from_hours(1)).ok()?;
    times.next(recent, zone).filter(|next| *next <= now).or(found)
}

fn start(state: &mut State, cron: &Value, status: &mut Value, due: Timestamp) {
    let template = &cron["spec"]["jobTemplate"];
    // The minute since 1970 tells two jobs apart, and the same job from itself.
    let name = format!("{}-{}", object::name(cron), due.as_second() / 60);
    let mut metadata = json!({"name": name, "namespace": object::namespace(cron)});
    for field in ["labels", "annotations"] {
        if template["metadata"][field].is_object() {
            metadata[field] = template["metadata"][field].clone();
        }
    }
    object::map_at(&mut metadata, "annotations")
        .insert("batch.kubernetes.io/cronjob-scheduled-timestamp".into(), time_text(due).into());
    metadata["ownerReferences"] = json!([pods::controller_reference(cron)]);
    let new = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template["spec"]});
    match state.admit(new) {
        Ok(made) => {
            let mut active = status["active"].as_array().cloned().unwrap_or_default();
            active.push(json!({
                "apiVersion": "batch/v1", "kind": "Job", "name": name, "namespace": object::namespace(cron),
                "uid": object::uid(&made), "resourceVersion": made["metadata"]["resourceVersion"],
            }));
            set_active(status, active);
            let message = format!("Created job {name}");
            state.record(&SOURCE, cron, &Occurrence::normal("SuccessfulCreate", message));
        }
        // It was made before.
        Err(crate::store::StoreError::AlreadyExists) => {}
        Err(error) => {
            let message = format!("Error creating job: {error}");
            state.record(&SOURCE, cron, &Occurrence::warning("FailedCreate", message));
            return;
        }
    }
    if !status.is_object() {
        *status = json!({});
    }
    status["lastScheduleTime"] = json!(time_text(due));
}
