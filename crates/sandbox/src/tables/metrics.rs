//! The cells of measurements, as metrics-server prints them.

use jiff::Timestamp;
use serde_json::Value;
use todo_agent_kube_rules::quantities::Quantity;

use super::{list, name, text};

/// Returns the cells of a node's measurement.
pub(super) fn node(object: &Value, _now: Timestamp) -> Vec<Value> {
    let usage = &object["usage"];
    vec![name(object), text(&usage["cpu"]).into(), text(&usage["memory"]).into(), text(&object["window"]).into()]
}

/// Returns the cells of a pod's measurement: the sums over its containers.
pub(super) fn pod(object: &Value, _now: Timestamp) -> Vec<Value> {
    let sum = |resource: &str| {
        let amounts = list(&object["containers"]).iter().map(|container| text(&container["usage"][resource]));
        let total = amounts.filter_map(|text| text.parse::<Quantity>().ok()).fold(Quantity::ZERO, Quantity::plus);
        Value::from(total.to_string())
    };
    vec![name(object), sum("cpu"), sum("memory"), text(&object["window"]).into()]
}
