//! The cells of daemon sets, jobs and cron jobs.

use jiff::Timestamp;
use serde_json::Value;

use super::age::{since, span};
use super::cluster::labels;
use super::workloads::{born, containers, selector_text};
use super::{list, name, number, text};
use crate::conditions;

/// Returns the cells of a daemon set.
pub(super) fn daemon_set(object: &Value, now: Timestamp) -> Vec<Value> {
    let status = &object["status"];
    let [names, images] = containers(&object["spec"]["template"]);
    vec![
        name(object),
        number(&status["desiredNumberScheduled"]).into(),
        number(&status["currentNumberScheduled"]).into(),
        number(&status["numberReady"]).into(),
        number(&status["updatedNumberScheduled"]).into(),
        number(&status["numberAvailable"]).into(),
        labels(&object["spec"]["template"]["spec"]["nodeSelector"]).into(),
        born(object, now),
        names,
        images,
        selector_text(&object["spec"]["selector"]).into(),
    ]
}

/// Returns the cells of a job.
pub(super) fn job(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let succeeded = number(&status["succeeded"]);
    let completions = match (spec["completions"].as_i64(), number(&spec["parallelism"])) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, beside) if beside > 1 => format!("{succeeded}/1 of {beside}"),
        (None, _) => format!("{succeeded}/1"),
    };
    let duration = match (&status["startTime"], &status["completionTime"]) {
        (Value::String(_), Value::String(end)) => span(&status["startTime"], end),
        (Value::String(_), _) => since(&status["startTime"], now),
        _ => String::new(),
    };
    let [names, images] = containers(&spec["template"]);
    vec![
        name(object),
        state(object).into(),
        completions.into(),
        duration.into(),
        born(object, now),
        names,
        images,
        selector_text(&spec["selector"]).into(),
    ]
}

fn state(job: &Value) -> &'static str {
    let has = |kind: &str| conditions::is_true(&job["status"], kind);
    match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if job["metadata"]["deletionTimestamp"].is_string() => "Terminating",
        () if has("Suspended") => "Suspended",
        () if has("FailureTarget") => "FailureTarget",
        () if has("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

/// Returns the cells of a cron job.
pub(super) fn cron_job(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let last = match &status["lastScheduleTime"] {
        Value::Null => "<none>".to_owned(),
        last => since(last, now),
    };
    let suspended = spec["suspend"].as_bool().map_or("<unset>", |it| if it { "True" } else { "False" });
    let [names, images] = containers(&spec["jobTemplate"]["spec"]["template"]);
    vec![
        name(object),
        text(&spec["schedule"]).into(),
        spec["timeZone"].as_str().unwrap_or("<none>").into(),
        suspended.into(),
        list(&status["active"]).len().into(),
        last.into(),
        born(object, now),
        names,
        images,
        selector_text(&spec["jobTemplate"]["spec"]["selector"]).into(),
    ]
}
