//! Defaults of storage, limits, networks and priorities.

use serde_json::{Map, Value, json};

use super::list_mut;
use crate::object::{default, map_at};

/// Fills in a claim, as an object or as a template.
pub(super) fn claim(object: &mut Value) {
    let spec = map_at(object, "spec");
    default(spec, "volumeMode", "Filesystem");
    default(spec, "resources", json!({}));
}

/// Fills in a volume.
pub(super) fn volume(object: &mut Value) {
    let spec = map_at(object, "spec");
    default(spec, "persistentVolumeReclaimPolicy", "Retain");
    default(spec, "volumeMode", "Filesystem");
    if let Some(path) = spec.get_mut("hostPath").and_then(Value::as_object_mut) {
        default(path, "type", "");
    }
}

/// Fills in a storage class.
pub(super) fn storage_class(object: &mut Value) {
    if let Some(class) = object.as_object_mut() {
        default(class, "reclaimPolicy", "Delete");
        default(class, "volumeBindingMode", "Immediate");
    }
}

/// Fills in limits: the most is the default, the default is the default request, else the least.
pub(super) fn limit_range(object: &mut Value) {
    for item in list_mut(map_at(object, "spec").get_mut("limits")) {
        if item["type"] != "Container" {
            continue;
        }
        let bound = |field: &str| item[field].as_object().cloned().unwrap_or_default();
        let (most, least) = (bound("max"), bound("min"));
        let (mut limits, mut requests) = (bound("default"), bound("defaultRequest"));
        fill(&mut limits, &most);
        fill(&mut requests, &limits);
        fill(&mut requests, &least);
        for (field, amounts) in [("default", limits), ("defaultRequest", requests)] {
            if !amounts.is_empty() {
                item[field] = Value::Object(amounts);
            }
        }
    }
}

fn fill(amounts: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (resource, amount) in from {
        default(amounts, resource, amount.clone());
    }
}

/// Fills in a network policy.
pub(super) fn network_policy(object: &mut Value) {
    let spec = map_at(object, "spec");
    default(spec, "podSelector", json!({}));
    let is_empty = |field: Option<&Value>| field.and_then(Value::as_array).is_none_or(Vec::is_empty);
    if is_empty(spec.get("policyTypes")) {
        let types = if is_empty(spec.get("egress")) { json!(["Ingress"]) } else { json!(["Ingress", "Egress"]) };
        spec.insert("policyTypes".into(), types);
    }
    for direction in ["ingress", "egress"] {
        for rule in list_mut(spec.get_mut(direction)) {
            super::protocol_of_each(rule.get_mut("ports"));
        }
    }
}

/// Fills in an ingress class.
pub(super) fn ingress_class(object: &mut Value) {
    if let Some(parameters) = map_at(object, "spec").get_mut("parameters").and_then(Value::as_object_mut) {
        default(parameters, "scope", "Cluster");
    }
}

/// Fills in a priority class.
pub(super) fn priority_class(object: &mut Value) {
    if let Some(class) = object.as_object_mut() {
        default(class, "value", 0);
        default(class, "preemptionPolicy", "PreemptLowerPriority");
    }
}
