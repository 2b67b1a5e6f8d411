//! Daemon sets, jobs and cron jobs.

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use todo_agent_kube_rules::selectors::LabelSelector;

use super::{immutable, kind, names, not_negative, pods, workloads};
use crate::api::Cause;
use crate::controllers::Schedule;
use crate::object;

/// The longest name of a cron job: its jobs add eleven letters.
const CRON_NAME: usize = 52;

/// Checks the content of a daemon set.
pub(super) fn daemon_set(object: &Value) -> Vec<Cause> {
    let spec = &object["spec"];
    let mut causes = Vec::new();
    match LabelSelector::from_object(&spec["selector"]) {
        Ok(selector) if !spec["selector"].is_null() && selector.is_everything() => {
            let why = "empty selector is invalid for daemonset";
            causes.push(Cause::invalid("spec.selector", &json!({}), why));
        }
        Ok(selector) if spec["selector"].is_null() || !selector.matches(&spec["template"]["metadata"]["labels"]) => {
            causes.push(mismatch(spec));
        }
        _ => {}
    }
    template(&spec["template"], "spec.template", &mut causes);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    if policy.as_str().is_some_and(|policy| policy != "Always") {
        causes.push(Cause::not_supported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
    if spec["template"]["spec"]["activeDeadlineSeconds"].is_number() {
        let field = "spec.template.spec.activeDeadlineSeconds";
        causes.push(Cause::forbidden(field, "activeDeadlineSeconds in DaemonSet is not Supported"));
    }
    causes.extend(not_negative(&spec["minReadySeconds"], "spec.minReadySeconds"));
    let strategy = &spec["updateStrategy"];
    match strategy["type"].as_str() {
        Some("OnDelete") => {}
        Some("RollingUpdate") => rolling(&strategy["rollingUpdate"], &mut causes),
        _ => {
            let known = strategy["type"].as_str().unwrap_or_default();
            // The real server prints the struct as Go names its fields.
            let value = format!("{{\"Type\":{},\"RollingUpdate\":null}}", json!(known));
            let text = format!("Unsupported value: {value}: supported values: \"RollingUpdate\", \"OnDelete\"");
            causes.push(Cause { text, ..Cause::not_supported("spec.updateStrategy", &strategy["type"], &[]) });
        }
    }
    causes.extend(not_negative(&spec["revisionHistoryLimit"], "spec.revisionHistoryLimit"));
    causes
}

fn mismatch(spec: &Value) -> Cause {
    let labels = &spec["template"]["metadata"]["labels"];
    Cause::invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
}

fn template(template: &Value, path: &str, causes: &mut Vec<Cause>) {
    causes.extend(names::labels_and_annotations(&template["metadata"], &format!("{path}.metadata")));
    causes.extend(pods::spec(&template["spec"], &format!("{path}.spec")));
}

fn rolling(rolling: &Value, causes: &mut Vec<Cause>) {
    let field = |name: &str| format!("spec.updateStrategy.rollingUpdate.{name}");
    for name in ["maxUnavailable", "maxSurge"] {
        causes.extend(workloads::int_or_percent(&rolling[name], &field(name)));
    }
    let zero = |name: &str| rolling[name] == 0 || rolling[name] == "0%" || rolling[name].is_null();
    match (zero("maxUnavailable"), zero("maxSurge")) {
        (false, false) => {
            let why = "may not be set when maxUnavailable is non-zero";
            causes.push(Cause::invalid(field("maxSurge"), &rolling["maxSurge"], why));
        }
        (true, true) => causes.push(Cause::required(field("maxUnavailable"), "cannot be 0 when maxSurge is 0")),
        _ => {}
    }
}

/// Checks the content of a job.
pub(super) fn job(object: &Value) -> Vec<Cause> {
    let spec = &object["spec"];
    let mut causes = Vec::new();
    let labels = &spec["template"]["metadata"]["labels"];
    if spec["manualSelector"] != true && !spec["selector"].is_null() {
        let generated = json!({
            "job-name": object::name(object), "batch.kubernetes.io/job-name": object::name(object),
            "controller-uid": labels["controller-uid"],
            "batch.kubernetes.io/controller-uid": labels["batch.kubernetes.io/controller-uid"],
        });
        if !LabelSelector::from_object(&spec["selector"]).is_ok_and(|selector| selector.matches(&generated)) {
            causes.push(Cause::invalid("spec.selector", &spec["selector"], "`selector` not auto-generated"));
        }
    }
    job_spec(spec, "spec", &mut causes);
    if spec["selector"].is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else if !LabelSelector::from_object(&spec["selector"]).is_ok_and(|selector| selector.matches(labels)) {
        causes.push(mismatch(spec));
    }
    causes
}

fn job_spec(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let field = |name: &str| format!("{path}.{name}");
    for name in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        causes.extend(not_negative(&spec[name], &field(name)));
    }
    let mode = &spec["completionMode"];
    pods::one_of(mode, &field("completionMode"), &["NonIndexed", "Indexed"], causes);
    if mode == "Indexed" && spec["completions"].is_null() {
        causes.push(Cause::required(field("completions"), "when completion mode is Indexed"));
    }
    if mode != "Indexed" {
        for name in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if spec[name].is_number() {
                causes.push(Cause::invalid(field(name), &spec[name], "requires indexed completion mode"));
            }
        }
    }
    let replacement: &[&str] =
        if spec["podFailurePolicy"].is_object() { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    pods::one_of(&spec["podReplacementPolicy"], &field("podReplacementPolicy"), replacement, causes);
    template(&spec["template"], &field("template"), causes);
    let policy = field("template.spec.restartPolicy");
    match spec["template"]["spec"]["restartPolicy"].as_str().unwrap_or_default() {
        "" | "Always" => causes.push(Cause::required(policy, "valid values: \"OnFailure\", \"Never\"")),
        // Others are refused with the pod's own fields.
        _ => {}
    }
}

/// Checks the content of a cron job.
pub(super) fn cron_job(object: &Value) -> Vec<Cause> {
    let spec = &object["spec"];
    let mut causes = Vec::new();
    let policies = ["Allow", "Forbid", "Replace"];
    pods::one_of(&spec["concurrencyPolicy"], "spec.concurrencyPolicy", &policies, &mut causes);
    let schedule = spec["schedule"].as_str().unwrap_or_default();
    if schedule.is_empty() {
        causes.push(Cause::required("spec.schedule", ""));
    } else if let Err(why) = Schedule::parse(schedule) {
        causes.push(Cause::invalid("spec.schedule", &spec["schedule"], &why));
    } else if schedule.contains("TZ") {
        let why = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        causes.push(Cause::invalid("spec.schedule", &spec["schedule"], why));
    }
    causes.extend(not_negative(&spec["startingDeadlineSeconds"], "spec.startingDeadlineSeconds"));
    if let Some(zone) = spec["timeZone"].as_str() {
        let why = match zone {
            "" => Some("timeZone must be nil or non-empty string".to_owned()),
            _ if TimeZone::get(zone).is_err() => Some(format!("unknown time zone {zone}")),
            _ => None,
        };
        causes.extend(why.map(|why| Cause::invalid("spec.timeZone", &spec["timeZone"], &why)));
    }
    let job = &spec["jobTemplate"]["spec"];
    job_spec(job, "spec.jobTemplate.spec", &mut causes);
    if !job["selector"].is_null() {
        let field = "spec.jobTemplate.spec.selector";
        causes.push(Cause::invalid(field, &job["selector"], "`selector` will be auto-generated"));
    }
    for name in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        causes.extend(not_negative(&spec[name], &format!("spec.{name}")));
    }
    if object["metadata"]["resourceVersion"].is_null() && object::name(object).len() > CRON_NAME {
        let name = &object["metadata"]["name"];
        causes.push(Cause::invalid("metadata.name", name, &format!("must be no more than {CRON_NAME} characters")));
    }
    causes
}

/// Checks what may not change.
pub(super) fn update(object: &Value, current: &Value) -> Vec<Cause> {
    let (spec, before) = (&object["spec"], &current["spec"]);
    let fixed: &[&str] = match kind(object) {
        "DaemonSet" => &["selector"],
        "Job" => &["completions", "selector", "template", "completionMode", "podFailurePolicy", "backoffLimitPerIndex"],
        _ => &[],
    };
    let held = before["suspend"] == true;
    let causes = fixed.iter().filter_map(|field| match *field {
        "completions" if spec["completionMode"] == "Indexed" => {
            let together = spec["completions"] == spec["parallelism"] || spec["completions"] == before["completions"];
            let why = "can only be modified in tandem with spec.parallelism";
            (!together).then(|| Cause::invalid("spec.completions", &spec["completions"], why))
        }
        "template" => {
            let (new, old) = (settled(&spec["template"], held), settled(&before["template"], held));
            immutable(&new["spec"], &old["spec"], "spec.template.spec")
                .or_else(|| immutable(&new, &old, "spec.template"))
        }
        field => immutable(&spec[field], &before[field], &format!("spec.{field}")),
    });
    causes.collect()
}

/// Returns a template without what may change while a job is held: where its pods go.
fn settled(template: &Value, held: bool) -> Value {
    let mut template = template.clone();
    if let Some(spec) = template["spec"].as_object_mut().filter(|_| held) {
        for field in ["nodeSelector", "tolerations", "affinity", "schedulingGates"] {
            spec.remove(field);
        }
    }
    if let Some(metadata) = template["metadata"].as_object_mut().filter(|_| held) {
        metadata.remove("labels");
        metadata.remove("annotations");
    }
    template
}
