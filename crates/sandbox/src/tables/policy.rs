//! The cells of what bounds workloads: disruption budgets, quotas, priority classes.

use jiff::Timestamp;
use serde_json::Value;

use super::age::since;
use super::{name, number, or, text};

fn born(object: &Value, now: Timestamp) -> Value {
    since(&object["metadata"]["creationTimestamp"], now).into()
}

/// Returns the cells of a disruption budget.
pub(super) fn budget(object: &Value, now: Timestamp) -> Vec<Value> {
    let bound = |value: &Value| match value {
        Value::Number(number) => Value::from(number.to_string()),
        Value::String(percent) => percent.as_str().into(),
        _ => "N/A".into(),
    };
    vec![
        name(object),
        bound(&object["spec"]["minAvailable"]),
        bound(&object["spec"]["maxUnavailable"]),
        number(&object["status"]["disruptionsAllowed"]).into(),
        born(object, now),
    ]
}

/// Returns the cells of a quota.
pub(super) fn quota(object: &Value, now: Timestamp) -> Vec<Value> {
    let status = &object["status"];
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for (resource, most) in status["hard"].as_object().into_iter().flatten() {
        let used = or(text(&status["used"][resource]), "0");
        let line = format!("{resource}: {used}/{}", text(most));
        if resource.starts_with("limits.") { limits.push(line) } else { requests.push(line) }
    }
    vec![name(object), requests.join(", ").into(), limits.join(", ").into(), born(object, now)]
}

/// Returns the cells of a priority class.
pub(super) fn priority_class(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        number(&object["value"]).into(),
        (object["globalDefault"] == true).into(),
        born(object, now),
        text(&object["preemptionPolicy"]).into(),
    ]
}
