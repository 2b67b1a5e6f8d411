//! Defaults of daemon sets, jobs and cron jobs.

use serde_json::{Map, Value, json};

use super::pods;
use crate::object::{default, map_at};

/// The annotation in which `apps/v1` keeps the number of a daemon set's template.
pub(crate) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Fills in a daemon set.
pub(super) fn daemon_set(object: &mut Value) {
    let spec = map_at(object, "spec");
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "updateStrategy", json!({}));
    if let Some(strategy) = spec.get_mut("updateStrategy").and_then(Value::as_object_mut) {
        default(strategy, "type", "RollingUpdate");
        if strategy.get("type").is_some_and(|kind| kind == "RollingUpdate") {
            let rolling = strategy.entry("rollingUpdate").or_insert_with(|| json!({}));
            if let Some(rolling) = rolling.as_object_mut() {
                default(rolling, "maxUnavailable", 1);
                default(rolling, "maxSurge", 0);
            }
        }
    }
    pods::template(object);
    let metadata = map_at(object, "metadata");
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if let Some(annotations) = annotations.as_object_mut() {
        default(annotations, TEMPLATE_GENERATION, "1");
    }
}

/// Counts the templates of a daemon set that is replaced.
pub(crate) fn count_template(object: &mut Value, current: &Value) {
    if object["kind"] != "DaemonSet" {
        return;
    }
    let counted = current["metadata"]["annotations"][TEMPLATE_GENERATION].as_str();
    let before: u64 = counted.and_then(|text| text.parse().ok()).unwrap_or(1);
    let changed = object["spec"]["template"] != current["spec"]["template"];
    let count = before + u64::from(changed);
    map_at(&mut object["metadata"], "annotations").insert(TEMPLATE_GENERATION.into(), count.to_string().into());
}

/// Fills in a job. Its selector follows from its uid and is `allocation`'s.
pub(super) fn job(object: &mut Value) {
    let labels = object["spec"]["template"]["metadata"]["labels"].clone();
    let has_labels = object["metadata"]["labels"].as_object().is_some_and(|labels| !labels.is_empty());
    if labels.as_object().is_some_and(|labels| !labels.is_empty()) && !has_labels {
        crate::object::metadata_mut(object).insert("labels".into(), labels);
    }
    job_spec(map_at(object, "spec"));
    default(map_at(object, "spec"), "manualSelector", false);
    pods::template(object);
}

fn job_spec(spec: &mut Map<String, Value>) {
    let absent = |field: &str| spec.get(field).is_none_or(Value::is_null);
    if absent("completions") && absent("parallelism") {
        default(spec, "completions", 1);
    }
    default(spec, "parallelism", 1);
    let per_index = spec.get("backoffLimitPerIndex").is_some_and(Value::is_number);
    default(spec, "backoffLimit", if per_index { i32::MAX } else { 6 });
    default(spec, "completionMode", "NonIndexed");
    default(spec, "suspend", false);
    let has_policy = spec.get("podFailurePolicy").is_some_and(Value::is_object);
    default(spec, "podReplacementPolicy", if has_policy { "Failed" } else { "TerminatingOrFailed" });
}

/// Fills in a cron job. The job in it is completed when one is made of it.
pub(super) fn cron_job(object: &mut Value) {
    let spec = map_at(object, "spec");
    default(spec, "concurrencyPolicy", "Allow");
    default(spec, "suspend", false);
    default(spec, "successfulJobsHistoryLimit", 3);
    default(spec, "failedJobsHistoryLimit", 1);
    if let Some(template) = spec.get_mut("jobTemplate").filter(|it| it.is_object()) {
        map_at(template, "metadata");
        map_at(template, "spec");
        if let Some(pod) = template["spec"].get_mut("template").filter(|it| it.is_object()) {
            map_at(pod, "metadata");
        }
        pods::template(template);
    }
}
