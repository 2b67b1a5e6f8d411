//! Disruption budgets, quotas, limits, and the taints of nodes.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use todo_agent_kube_rules::fit::Amounts;
use todo_agent_kube_rules::quantities::Quantity;

use super::{kind, names, pods, workloads};
use crate::api::Cause;

/// Resource names of a quota that stand alone.
const QUOTA_NAMES: [&str; 22] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
    "requests.hugepages-2Mi",
    "hugepages-2Mi",
    "hugepages-1Gi",
];
/// Names that are counted in whole numbers.
const WHOLE: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
];
const SCOPES: [&str; 6] =
    ["Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity"];

/// Checks the content of an object.
pub(super) fn content(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match kind(object) {
        "PodDisruptionBudget" => budget(&object["spec"], &mut causes),
        "ResourceQuota" => quota(&object["spec"], &mut causes),
        "LimitRange" => limits(&object["spec"], &mut causes),
        _ => taints(&object["spec"], &mut causes),
    }
    causes
}

fn budget(spec: &Value, causes: &mut Vec<Cause>) {
    let (least, most) = (&spec["minAvailable"], &spec["maxUnavailable"]);
    if !least.is_null() && !most.is_null() {
        let policy = &spec["unhealthyPodEvictionPolicy"];
        // The real server prints the struct as Go names its fields.
        let value = format!(
            "{{\"MinAvailable\":{least},\"Selector\":{},\"MaxUnavailable\":{most},\"UnhealthyPodEvictionPolicy\":{policy}}}",
            spec["selector"]
        );
        let text = format!("Invalid value: {value}: minAvailable and maxUnavailable cannot be both set");
        causes.push(Cause { text, ..Cause::invalid("spec", &Value::Null, "") });
    }
    for (name, value) in [("minAvailable", least), ("maxUnavailable", most)] {
        causes.extend(workloads::int_or_percent(value, &format!("spec.{name}")));
    }
    let policies = ["AlwaysAllow", "IfHealthyBudget"];
    pods::one_of(&spec["unhealthyPodEvictionPolicy"], "spec.unhealthyPodEvictionPolicy", &policies, causes);
}

fn quota(spec: &Value, causes: &mut Vec<Cause>) {
    for (name, amount) in spec["hard"].as_object().into_iter().flatten() {
        let field = format!("spec.hard[{name}]");
        let value = Value::from(name.as_str());
        if !name.contains('/') && !QUOTA_NAMES.contains(&name.as_str()) {
            let why = "must be a standard resource type or fully qualified";
            causes.push(Cause::invalid(field.clone(), &value, why));
            causes.push(Cause::invalid(field.clone(), &value, "must be a standard resource for quota"));
        }
        let Some(parsed) = amount.as_str().and_then(|text| text.parse::<Quantity>().ok()) else { continue };
        if parsed < Quantity::ZERO {
            causes.push(Cause::invalid(field.clone(), amount, "must be greater than or equal to 0"));
        }
        if WHOLE.contains(&name.as_str()) && parsed.milli() % 1000 != 0 {
            causes.push(Cause::invalid(field, amount, "must be an integer"));
        }
    }
    let scopes = &spec["scopes"];
    let listed = |scope: &str| scopes.as_array().is_some_and(|all| all.iter().any(|it| it == scope));
    for scope in scopes.as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !SCOPES.contains(&scope) {
            causes.push(Cause::invalid("spec.scopes", scopes, "unsupported scope"));
        } else if scope == "BestEffort"
            && spec["hard"].as_object().is_some_and(|hard| hard.keys().any(|it| it != "pods"))
        {
            causes.push(Cause::invalid("spec.scopes", scopes, "unsupported scope applied to resource"));
        }
    }
    if listed("BestEffort") && listed("NotBestEffort") || listed("Terminating") && listed("NotTerminating") {
        causes.push(Cause::invalid("spec.scopes", scopes, "conflicting scopes"));
    }
}

fn limits(spec: &Value, causes: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    for (at, item) in spec["limits"].as_array().into_iter().flatten().enumerate() {
        let field = |name: &str| format!("spec.limits[{at}].{name}");
        let sort = item["type"].as_str().unwrap_or_default();
        if !["Pod", "Container", "PersistentVolumeClaim"].contains(&sort) && !sort.contains('/') {
            let why = "must be a standard limit type or fully qualified";
            causes.push(Cause::invalid(field("type"), &sort.into(), why));
        }
        if !seen.insert(sort.to_owned()) {
            causes.push(Cause::duplicate(field("type"), &sort.into()));
        }
        if sort == "Pod" {
            for name in ["default", "defaultRequest"] {
                if item[name].as_object().is_some_and(|amounts| !amounts.is_empty()) {
                    causes.push(Cause::forbidden(field(name), "may not be specified when `type` is 'Pod'"));
                }
            }
        }
        let has = |name: &str| !item[name]["storage"].is_null();
        if sort == "PersistentVolumeClaim" && !has("min") && !has("max") {
            let why = "either minimum or maximum storage value is required, but neither was provided";
            causes.push(Cause::required(field("limits"), why));
        }
        bounds(item, sort, &field, causes);
    }
}

/// Checks that the bounds of one item do not contradict each other.
fn bounds(item: &Value, sort: &str, field: &dyn Fn(&str) -> String, causes: &mut Vec<Cause>) {
    let amounts = |name: &str| -> Amounts {
        if sort == "Pod" && name.starts_with("default") {
            return Amounts::new();
        }
        let all = item[name].as_object().into_iter().flatten();
        all.filter_map(|(name, amount)| Some((name.clone(), amount.as_str()?.parse().ok()?))).collect()
    };
    let (least, most) = (amounts("min"), amounts("max"));
    let (limit, request, ratio) = (amounts("default"), amounts("defaultRequest"), amounts("maxLimitRequestRatio"));
    let mut resources: BTreeSet<&String> = BTreeSet::new();
    for map in [&least, &most, &limit, &request, &ratio] {
        resources.extend(map.keys());
    }
    for resource in resources {
        let mut above = |low: Option<&Quantity>,
                         high: Option<&Quantity>,
                         place: &str,
                         shown: Option<&Quantity>,
                         words: [&str; 2]| {
            if let (Some(low), Some(high), Some(shown)) = (low, high, shown)
                && low > high
            {
                let why = format!("{} value {low} is greater than {} value {high}", words[0], words[1]);
                let place = format!("{}[{resource}]", field(place));
                causes.push(Cause::invalid(place, &shown.to_string().into(), &why));
            }
        };
        let (least, most) = (least.get(resource), most.get(resource));
        let (limit, request) = (limit.get(resource), request.get(resource));
        above(least, most, "min", least, ["min", "max"]);
        above(least, request, "defaultRequest", request, ["min", "default request"]);
        above(request, most, "defaultRequest", request, ["default request", "max"]);
        above(request, limit, "defaultRequest", request, ["default request", "default limit"]);
        above(least, limit, "default", least, ["min", "default"]);
        above(limit, most, "default", most, ["default", "max"]);
        if let Some(ratio) = ratio.get(resource)
            && *ratio < Quantity::from_units(1)
        {
            let place = format!("{}[{resource}]", field("maxLimitRequestRatio"));
            causes.push(Cause::invalid(place, &ratio.to_string().into(), &format!("ratio {ratio} is less than 1")));
        }
    }
}

fn taints(spec: &Value, causes: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    for (at, taint) in spec["taints"].as_array().into_iter().flatten().enumerate() {
        // The real server looks for them in the metadata.
        let field = |name: &str| format!("metadata.taints[{at}]{name}");
        let (key, effect) = (taint["key"].as_str().unwrap_or_default(), taint["effect"].as_str().unwrap_or_default());
        if !names::is_qualified(key) {
            causes.push(Cause::invalid(field(".key"), &key.into(), names::QUALIFIED_NAME));
        }
        let effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
        match effect {
            "" => causes.push(Cause::required(field(".effect"), "")),
            _ => pods::one_of(&taint["effect"], &field(".effect"), &effects, causes),
        }
        if !seen.insert((key.to_owned(), effect.to_owned())) {
            let value = taint["value"].as_str().unwrap_or_default();
            let shown = format!(
                "{{\"Key\":{},\"Value\":{},\"Effect\":{},\"TimeAdded\":{}}}",
                json!(key),
                json!(value),
                json!(effect),
                taint["timeAdded"]
            );
            let text = format!("Duplicate value: {shown}: taints must be unique by key and effect pair");
            causes.push(Cause { text, ..Cause::duplicate(field(""), &Value::Null) });
        }
    }
}
