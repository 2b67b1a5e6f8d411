//! The pods of a job: how they are made, numbered, counted and let go of.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::job::SOURCE;
use super::pods;
use crate::conditions;
use crate::durations::after;
use crate::events::Occurrence;
use crate::object;
use crate::simulation::State;
use crate::store::{Key, Part};

/// The finalizer that keeps a pod until its job has counted it.
pub(crate) const TRACKED: &str = "batch.kubernetes.io/job-tracking";
/// The label and annotation with a pod's number.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// The first pause after a failure; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// The longest pause after a failure.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// Returns the count of the status that a pod belongs to, `None` while it works.
pub(super) fn outcome(pod: &Value) -> Option<&'static str> {
    match pod["status"]["phase"].as_str() {
        Some("Succeeded") => Some("succeeded"),
        Some("Failed") => Some("failed"),
        _ if object::is_terminating(pod) => Some("failed"),
        _ => None,
    }
}

/// Returns a pod's number in an indexed job.
pub(super) fn index(pod: &Value) -> Option<u64> {
    pod["metadata"]["annotations"][INDEX].as_str()?.parse().ok()
}

/// Adds a number to `completedIndexes`: `0,2-4`, runs of three and more shortened.
pub(super) fn complete_index(status: &mut Value, index: u64) {
    let mut all = completed(status);
    all.insert(index);
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in all {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let words: Vec<String> = runs
        .into_iter()
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first},{last}"),
            _ => format!("{first}-{last}"),
        })
        .collect();
    status["completedIndexes"] = json!(words.join(","));
}

fn completed(status: &Value) -> BTreeSet<u64> {
    let text = status["completedIndexes"].as_str().unwrap_or_default();
    let number = |text: &str| text.parse::<u64>().ok();
    let runs = text.split(',').filter_map(|run| match run.split_once('-') {
        Some((first, last)) => Some(number(first)?..=number(last)?),
        None => number(run).map(|only| only..=only),
    });
    runs.flatten().collect()
}

/// Returns whether containers that are restarted in place have failed too often.
pub(super) fn restarts_exceed(owned: &[Arc<Value>], spec: &Value, limit: u64) -> bool {
    if spec["template"]["spec"]["restartPolicy"] != "OnFailure" {
        return false;
    }
    let restarts: u64 = owned
        .iter()
        .filter(|pod| matches!(pod["status"]["phase"].as_str(), Some("Running" | "Pending")))
        .flat_map(|pod| pod["status"]["containerStatuses"].as_array().into_iter().flatten())
        .filter_map(|status| status["restartCount"].as_u64())
        .sum();
    restarts > 0 && restarts >= limit
}

/// Returns until when the next pod waits because of failures, `None` when it does not.
pub(super) fn back_off(owned: &[Arc<Value>], now: Timestamp) -> Option<Timestamp> {
    let ended = |wanted: &str| {
        let mut times: Vec<Timestamp> =
            owned.iter().filter(|pod| pod["status"]["phase"] == wanted).filter_map(|pod| ended_at(pod)).collect();
        times.sort();
        times
    };
    let last_success = ended("Succeeded").pop();
    let failures = ended("Failed");
    let last = *failures.last()?;
    let count = failures.iter().filter(|at| last_success.is_none_or(|success| **at > success)).count();
    let doublings = u32::try_from(count.checked_sub(1)?.min(10)).unwrap_or(10);
    let until = after(last, (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE));
    (until > now).then_some(until)
}

fn ended_at(pod: &Value) -> Option<Timestamp> {
    let statuses = pod["status"]["containerStatuses"].as_array()?;
    statuses.iter().filter_map(|status| conditions::time_at(&status["state"]["terminated"], "finishedAt")).max()
}

/// Makes pods of the job's template.
pub(super) fn create(state: &mut State, job: &Value, status: &Value, count: usize) {
    let indexed = job["spec"]["completionMode"] == "Indexed";
    let mut free = free_indexes(state, job, status);
    for _ in 0..count {
        let index = if indexed { free.pop_front() } else { None };
        if indexed && index.is_none() {
            return;
        }
        let pod = new_pod(state, job, index);
        let name = object::name(&pod).to_owned();
        let occurrence = match state.admit(pod) {
            Ok(_) => Occurrence::normal("SuccessfulCreate", format!("Created pod: {name}")),
            Err(error) => Occurrence::warning("FailedCreate", format!("Error creating: {error}")),
        };
        state.record(&SOURCE, job, &occurrence);
    }
}

fn free_indexes(state: &State, job: &Value, status: &Value) -> std::collections::VecDeque<u64> {
    let done = completed(status);
    let busy: BTreeSet<u64> =
        pods::owned(state, job).iter().filter(|pod| pods::is_active(pod)).filter_map(|pod| index(pod)).collect();
    let all = 0..job["spec"]["completions"].as_u64().unwrap_or_default();
    all.filter(|number| !done.contains(number) && !busy.contains(number)).collect()
}

fn new_pod(state: &mut State, job: &Value, index: Option<u64>) -> Value {
    let job_name = object::name(job);
    let prefix = index.map_or_else(|| format!("{job_name}-"), |index| format!("{job_name}-{index}-"));
    let name = format!("{prefix}{}", state.random.suffix());
    let mut pod = pods::from_template(&job["spec"]["template"], job, &name);
    pod["metadata"]["generateName"] = json!(prefix);
    pod["metadata"]["finalizers"] = json!([TRACKED]);
    let Some(index) = index else { return pod };
    for field in ["labels", "annotations"] {
        object::map_at(&mut pod["metadata"], field).insert(INDEX.into(), index.to_string().into());
    }
    pod["spec"]["hostname"] = json!(format!("{job_name}-{index}"));
    let variable = json!({
        "name": "JOB_COMPLETION_INDEX",
        "valueFrom": {"fieldRef": {"fieldPath": format!("metadata.labels['{INDEX}']")}},
    });
    for list in ["initContainers", "containers"] {
        for container in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let mut variables = container["env"].as_array().cloned().unwrap_or_default();
            variables.push(variable.clone());
            container["env"] = json!(variables);
        }
    }
    pod
}

/// Lets go of the pods that a job of this name has left behind.
pub(super) fn release_orphans(state: &mut State, key: &Key) {
    let living = state.store.get(key).map(|job| object::uid(&job).to_owned());
    let now = state.now;
    for pod in state.store.list("", "pods", Some(&key.namespace)) {
        let is_left = object::finalizers(&pod).any(|it| it == TRACKED)
            && !object::owner_references(&pod).iter().any(|owner| {
                owner["controller"] == true && (owner["name"] != key.name || living.as_deref() == owner["uid"].as_str())
            });
        if is_left {
            state.store.edit(&Key::of_object(&pod), Part::Metadata, now, |pod| object::remove_finalizer(pod, TRACKED));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completed_numbers_are_written_in_runs() {
        let mut status = json!({});
        for (index, text) in [(3, "3"), (0, "0,3"), (1, "0,1,3"), (2, "0-3"), (7, "0-3,7")] {
            complete_index(&mut status, index);
            assert_eq!(status["completedIndexes"], text);
        }
    }
}
