//! The metrics and the behavior of horizontal pod autoscalers.

use serde_json::Value;
use todo_agent_kube_rules::quantities::Quantity;

use super::pods;
use crate::api::Cause;

/// Metric types and the field of each.
const SOURCES: [(&str, &str); 5] = [
    ("ContainerResource", "containerResource"),
    ("External", "external"),
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
];
/// The longest stabilisation window, in seconds.
const LONGEST_WINDOW: i64 = 3600;
/// The longest period of a policy, in seconds.
const LONGEST_PERIOD: i64 = 1800;

/// Checks the metrics of an autoscaler's spec.
pub(super) fn metrics(spec: &Value, causes: &mut Vec<Cause>) {
    let all = spec["metrics"].as_array().map_or(&[][..], Vec::as_slice);
    for (at, metric) in all.iter().enumerate() {
        self::metric(metric, &format!("spec.metrics[{at}]"), causes);
    }
    let reaches_zero = |metric: &Value| metric["type"] == "Object" || metric["type"] == "External";
    if spec["minReplicas"] == 0 && !all.iter().any(reaches_zero) {
        let why = "must specify at least one Object or External metric to support scaling to zero replicas";
        causes.push(Cause::forbidden("spec.metrics", why));
    }
}

fn metric(metric: &Value, place: &str, causes: &mut Vec<Cause>) {
    let types = SOURCES.map(|(name, _)| name);
    let own = SOURCES.iter().find(|(name, _)| metric["type"] == *name).map(|(_, field)| *field);
    let Some(own) = own else {
        causes.push(Cause::not_supported(format!("{place}.type"), &metric["type"], &types));
        return;
    };
    if metric[own].is_object() {
        source(&metric[own], own, &format!("{place}.{own}"), causes);
    } else {
        let why = "must populate information for the given metric source";
        causes.push(Cause::required(format!("{place}.{own}"), why));
    }
    for (_, other) in SOURCES.iter().filter(|(_, field)| *field != own && metric[*field].is_object()) {
        causes.push(Cause::forbidden(format!("{place}.{other}"), "must populate the given metric source only"));
    }
}

fn source(source: &Value, field: &str, place: &str, causes: &mut Vec<Cause>) {
    let target = &source["target"];
    let at = |name: &str| format!("{place}.target.{name}");
    let of_resource = field == "resource" || field == "containerResource";
    if of_resource && source["name"].as_str().unwrap_or_default().is_empty() {
        causes.push(Cause::required(format!("{place}.name"), "must specify a resource name"));
    }
    match target["type"].as_str().unwrap_or_default() {
        "" => causes.push(Cause::required(at("type"), "must specify a metric target type")),
        "Utilization" | "Value" | "AverageValue" => {}
        _ => {
            let why = "must be either Utilization, Value, or AverageValue";
            causes.push(Cause::invalid(at("type"), &target["type"], why));
        }
    }
    for name in ["value", "averageValue"] {
        let amount = target[name].as_str().and_then(|text| text.parse::<Quantity>().ok());
        if amount.is_some_and(|amount| amount <= Quantity::ZERO) {
            causes.push(Cause::invalid(at(name), &target[name], "must be positive"));
        }
    }
    let percent = target["averageUtilization"].as_i64();
    if percent.is_some_and(|percent| percent < 1) {
        causes.push(Cause::invalid(at("averageUtilization"), &target["averageUtilization"], "must be greater than 0"));
    }
    match (percent.is_some(), target["averageValue"].is_string()) {
        (false, false) if of_resource => {
            let why = "must set either a target raw value or a target utilization";
            causes.push(Cause::required(at("averageUtilization"), why));
        }
        (true, true) if of_resource => {
            let why = "may not set both a target raw value and a target utilization";
            causes.push(Cause::forbidden(at("averageValue"), why));
        }
        (_, false) if field == "pods" => {
            causes.push(Cause::required(at("averageValue"), "must specify a positive target averageValue"));
        }
        _ => {}
    }
}

/// Checks how fast an autoscaler may scale.
pub(super) fn behavior(behavior: &Value, causes: &mut Vec<Cause>) {
    for direction in ["scaleUp", "scaleDown"] {
        let rules = &behavior[direction];
        if !rules.is_object() {
            continue;
        }
        let place = format!("spec.behavior.{direction}");
        let window = &rules["stabilizationWindowSeconds"];
        let field = format!("{place}.stabilizationWindowSeconds");
        match window.as_i64() {
            Some(seconds) if seconds < 0 => {
                causes.push(Cause::invalid(field, window, "must be greater than or equal to zero"));
            }
            Some(seconds) if seconds > LONGEST_WINDOW => {
                let why = format!("must be less than or equal to {LONGEST_WINDOW}");
                causes.push(Cause::invalid(field, window, &why));
            }
            _ => {}
        }
        let selected = ["Disabled", "Max", "Min"];
        pods::one_of(&rules["selectPolicy"], &format!("{place}.selectPolicy"), &selected, causes);
        let policies = rules["policies"].as_array().map_or(&[][..], Vec::as_slice);
        if policies.is_empty() {
            causes.push(Cause::required(format!("{place}.policies"), "must specify at least one Policy"));
        }
        for (at, policy) in policies.iter().enumerate() {
            let place = format!("{place}.policies[{at}]");
            pods::one_of(&policy["type"], &format!("{place}.type"), &["Percent", "Pods"], causes);
            for name in ["value", "periodSeconds"] {
                if policy[name].as_i64().unwrap_or_default() <= 0 {
                    let value = if policy[name].is_null() { 0.into() } else { policy[name].clone() };
                    causes.push(Cause::invalid(format!("{place}.{name}"), &value, "must be greater than zero"));
                }
            }
            if policy["periodSeconds"].as_i64().unwrap_or_default() > LONGEST_PERIOD {
                let why = format!("must be less than or equal to {LONGEST_PERIOD}");
                causes.push(Cause::invalid(format!("{place}.periodSeconds"), &policy["periodSeconds"], &why));
            }
        }
    }
}
