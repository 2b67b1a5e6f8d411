//! Reading and writing `status.conditions`, with the transition time kept while the status stays.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::object::time_text;

/// Returns the condition of a type.
pub(crate) fn find<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

/// Returns whether a condition is True.
pub(crate) fn is_true(status: &Value, kind: &str) -> bool {
    find(status, kind).is_some_and(|condition| condition["status"] == "True")
}

/// Returns the RFC 3339 time at `field`.
pub(crate) fn time_at(value: &Value, field: &str) -> Option<Timestamp> {
    value[field].as_str()?.parse().ok()
}

/// What a condition is to say. Empty reasons and messages are left out, as Kubernetes does.
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

/// Sets a condition; its transition time moves only with its status. `extra` are further fields.
pub(crate) fn set(status: &mut Value, condition: &Condition<'_>, extra: &[(&str, Value)], now: Timestamp) {
    if !status.is_object() {
        *status = json!({});
    }
    if !status["conditions"].is_array() {
        status["conditions"] = json!([]);
    }
    let Some(list) = status["conditions"].as_array_mut() else { return };
    let index = list.iter().position(|existing| existing["type"] == condition.kind);
    let since = index
        .filter(|index| list[*index]["status"] == condition.status)
        .map_or_else(|| json!(time_text(now)), |index| list[index]["lastTransitionTime"].clone());
    let mut value = json!({"type": condition.kind, "status": condition.status, "lastTransitionTime": since});
    for (field, text) in [("reason", condition.reason), ("message", condition.message)] {
        if !text.is_empty() {
            value[field] = json!(text);
        }
    }
    for (field, extra) in extra {
        value[*field] = extra.clone();
    }
    match index {
        // As `SetDeploymentCondition` and its kin: what changed goes to the end.
        Some(index) if list[index]["status"] == value["status"] && list[index]["reason"] == value["reason"] => {
            list[index] = value;
        }
        Some(index) => {
            list.remove(index);
            list.push(value);
        }
        None => list.push(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_time_moves_with_the_status_alone() {
        let mut status = json!({});
        let mut at = |second: i64, state, reason| {
            let condition = Condition { kind: "Ready", status: state, reason, message: "" };
            set(&mut status, &condition, &[], Timestamp::from_second(second).unwrap());
            status["conditions"][0]["lastTransitionTime"].clone()
        };
        assert_eq!(at(1, "False", "ContainersNotReady"), "1970-01-01T00:00:01Z");
        assert_eq!(at(2, "False", "Other"), "1970-01-01T00:00:01Z");
        assert_eq!(at(3, "True", ""), "1970-01-01T00:00:03Z");
        assert!(is_true(&status, "Ready"));
        assert!(find(&status, "Ready").unwrap().get("reason").is_none());
    }
}
