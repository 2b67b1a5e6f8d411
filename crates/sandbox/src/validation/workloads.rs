//! Deployments, ReplicaSets and StatefulSets.

use serde_json::{Value, json};
use todo_agent_kube_rules::selectors::LabelSelector;

use super::{immutable, kind, names, not_negative, pods};
use crate::api::Cause;

const STATEFUL_UPDATE: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/// Checks the content of a workload.
pub(super) fn content(object: &Value) -> Vec<Cause> {
    let spec = &object["spec"];
    let mut causes = Vec::new();
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        causes.extend(not_negative(&spec[field], &format!("spec.{field}")));
    }
    selector(object, &mut causes);
    match kind(object) {
        "Deployment" => strategy(spec, &mut causes),
        "StatefulSet" => {
            pods::one_of(
                &spec["podManagementPolicy"],
                "spec.podManagementPolicy",
                &["OrderedReady", "Parallel"],
                &mut causes,
            );
            pods::one_of(
                &spec["updateStrategy"]["type"],
                "spec.updateStrategy",
                &["OnDelete", "RollingUpdate"],
                &mut causes,
            );
        }
        _ => {}
    }
    let template = &spec["template"];
    causes.extend(names::labels_and_annotations(&template["metadata"], "spec.template.metadata"));
    let claims = spec["volumeClaimTemplates"].as_array().into_iter().flatten();
    let claimed: Vec<&str> = claims.filter_map(|claim| claim["metadata"]["name"].as_str()).collect();
    causes.extend(pods::spec_with(&template["spec"], "spec.template.spec", &claimed));
    let policy = &template["spec"]["restartPolicy"];
    if policy.as_str().is_some_and(|policy| policy == "OnFailure" || policy == "Never") {
        causes.push(Cause::not_supported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
    causes
}

fn selector(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    let labels = &spec["template"]["metadata"]["labels"];
    let mismatch =
        || Cause::invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`");
    let selector = &spec["selector"];
    if selector.is_null() {
        causes.push(Cause::required("spec.selector", ""));
        if kind(object) != "StatefulSet" {
            causes.push(mismatch());
        }
        return;
    }
    match LabelSelector::from_object(selector) {
        Err(error) => causes.push(Cause::invalid("spec.selector", selector, &error.to_string())),
        Ok(parsed) if parsed.is_everything() => {
            let why = format!("empty selector is invalid for {}", kind(object).to_lowercase());
            causes.push(Cause::invalid("spec.selector", &json!({}), &why));
        }
        Ok(parsed) if !parsed.matches(labels) => causes.push(mismatch()),
        Ok(_) => {}
    }
}

fn strategy(spec: &Value, causes: &mut Vec<Cause>) {
    let strategy = &spec["strategy"];
    let (known, supported) = (strategy["type"].as_str().unwrap_or_default(), ["Recreate", "RollingUpdate"]);
    if !known.is_empty() && !supported.contains(&known) {
        // The real server prints the struct as Go names its fields.
        let value = serde_json::json!({"Type": known, "RollingUpdate": null}).to_string();
        let value =
            value.replace("{\"RollingUpdate\":null,\"Type\"", "{\"Type\"").replace("\"}", "\",\"RollingUpdate\":null}");
        let text = format!("Unsupported value: {value}: supported values: \"Recreate\", \"RollingUpdate\"");
        causes.push(Cause { text, ..Cause::not_supported("spec.strategy", &strategy["type"], &supported) });
    }
    let rolling = &strategy["rollingUpdate"];
    if strategy["type"] == "Recreate" && rolling.is_object() {
        let why = "may not be specified when strategy `type` is 'Recreate'";
        causes.push(Cause::forbidden("spec.strategy.rollingUpdate", why));
    }
    for name in ["maxUnavailable", "maxSurge"] {
        let (value, field) = (&rolling[name], format!("spec.strategy.rollingUpdate.{name}"));
        causes.extend(not_negative(value, &field));
        let percent = value.as_str().map(|text| text.strip_suffix('%').and_then(|digits| digits.parse::<u32>().ok()));
        if percent == Some(None) {
            causes.push(Cause::invalid(field, value, PERCENT));
        }
    }
    let zero = |value: &Value| *value == 0 || *value == "0%";
    if zero(&rolling["maxUnavailable"]) && zero(&rolling["maxSurge"]) {
        let field = "spec.strategy.rollingUpdate.maxUnavailable";
        causes.push(Cause::invalid(field, &rolling["maxUnavailable"], "may not be 0 when `maxSurge` is 0"));
    }
}

/// Checks a number of pods or a percentage of them, at most all.
pub(super) fn int_or_percent(value: &Value, field: &str) -> Vec<Cause> {
    let mut causes: Vec<Cause> = not_negative(value, field).into_iter().collect();
    let Some(text) = value.as_str() else { return causes };
    match text.strip_suffix('%').and_then(|digits| digits.parse::<u32>().ok()) {
        None => causes.push(Cause::invalid(field, value, PERCENT)),
        Some(percent) if percent > 100 => causes.push(Cause::invalid(field, value, "must not be greater than 100%")),
        Some(_) => {}
    }
    causes
}

/// What may change in the spec of a StatefulSet.
const CHANGEABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// Checks what may not change.
pub(super) fn update(object: &Value, current: &Value) -> Vec<Cause> {
    let (spec, before) = (&object["spec"], &current["spec"]);
    if kind(object) != "StatefulSet" {
        return immutable(&spec["selector"], &before["selector"], "spec.selector").into_iter().collect();
    }
    let fixed = |spec: &Value| -> Value {
        let kept = spec.as_object().into_iter().flatten().filter(|(name, _)| !CHANGEABLE.contains(&name.as_str()));
        Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    if fixed(spec) == fixed(before) { Vec::new() } else { vec![Cause::forbidden("spec", STATEFUL_UPDATE)] }
}
