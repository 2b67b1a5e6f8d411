//! What a write may do to an object: which part it changes, what stays fixed, when the generation rises,
//! how an object is marked for deletion and when nothing holds it any more. Pure functions.

use jiff::Timestamp;
use serde_json::Value;

use super::{Deletion, Key, Part, StoreError};
use crate::object::{self, metadata_mut, time_text};

/// Metadata that clients cannot change once the object exists.
const FIXED: [&str; 8] = [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
];

pub(super) fn merge_part(current: &Value, object: Value, what: Part, has_generation: bool) -> Value {
    let mut merged = match what {
        Part::Spec => {
            let mut merged = object;
            copy_field(current, &mut merged, "status");
            merged
        }
        Part::Status => {
            let mut merged = current.clone();
            copy_field(&object, &mut merged, "status");
            // The strategies of `apps` reset the labels, those of the core kinds keep them as sent.
            let metadata = metadata_mut(&mut merged);
            for field in ["labels", "annotations"] {
                let is_reset =
                    field == "labels" && object["apiVersion"].as_str().unwrap_or_default().starts_with("apps/");
                match object["metadata"].get(field) {
                    _ if is_reset => {}
                    Some(value) => drop(metadata.insert(field.into(), value.clone())),
                    None => drop(metadata.remove(field)),
                }
            }
            if let Some(entries) = object["metadata"].get("managedFields") {
                metadata_mut(&mut merged).insert("managedFields".into(), entries.clone());
            }
            merged
        }
        Part::Metadata => {
            let mut merged = current.clone();
            let mut object = object;
            *metadata_mut(&mut merged) = std::mem::take(metadata_mut(&mut object));
            merged
        }
    };
    for field in ["apiVersion", "kind"] {
        copy_field(current, &mut merged, field);
    }
    let metadata = metadata_mut(&mut merged);
    for field in FIXED {
        match current["metadata"].get(field) {
            Some(kept) => metadata.insert(field.into(), kept.clone()),
            None => metadata.remove(field),
        };
    }
    if has_generation && what == Part::Spec && !same_content(current, &merged) {
        let generation = current["metadata"]["generation"].as_u64().unwrap_or(0) + 1;
        metadata_mut(&mut merged).insert("generation".into(), generation.into());
    }
    merged
}

fn copy_field(from: &Value, to: &mut Value, field: &str) {
    match from.get(field) {
        Some(value) => object::set(to, field, value.clone()),
        None => {
            if let Some(map) = to.as_object_mut() {
                map.remove(field);
            }
        }
    }
}

/// Compares everything but metadata and status. Binding a pod to a node is no change of its content.
fn same_content(left: &Value, right: &Value) -> bool {
    let is_bound = left["kind"] == "Pod" && left["spec"]["nodeName"].is_null() && right["spec"]["nodeName"].is_string();
    if !is_bound {
        return same_but(left, right, &["metadata", "status"]);
    }
    same_but(&left["spec"], &right["spec"], &["nodeName"]) && same_but(left, right, &["metadata", "status", "spec"])
}

/// Compares two maps without some of their fields; what is no map has no fields.
fn same_but(left: &Value, right: &Value, ignored: &[&str]) -> bool {
    let is_compared = |field: &String| !ignored.contains(&field.as_str());
    let [left, right] = [left, right].map(|map| map.as_object().into_iter().flatten().filter(|it| is_compared(it.0)));
    left.eq(right)
}

pub(super) fn check_preconditions(current: &Value, how: &Deletion) -> Result<(), StoreError> {
    let checks = [
        ("UID", &how.uid, object::uid(current)),
        ("ResourceVersion", &how.resource_version, object::metadata_text(current, "resourceVersion")),
    ];
    for (what, wanted, actual) in checks {
        if let Some(wanted) = wanted
            && wanted != actual
        {
            return Err(StoreError::Precondition(format!(
                "Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {actual}"
            )));
        }
    }
    Ok(())
}

/// Returns the seconds that the object gets to stop. Only pods have any, and only once scheduled and while
/// running (as `podStrategy.CheckGracefulDelete`).
pub(super) fn grace_seconds(key: &Key, object: &Value, asked: Option<u64>) -> u64 {
    let phase = object["status"]["phase"].as_str().unwrap_or_default();
    let running = object["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    if !key.is_pod() || !running || ["Succeeded", "Failed"].contains(&phase) {
        return 0;
    }
    asked.unwrap_or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30))
}

/// Marks an object as terminating. A second deletion may only shorten the grace period.
pub(super) fn mark(object: &mut Value, key: &Key, grace: u64, now: Timestamp) {
    if key.is_namespace() {
        object::map_at(object, "status").insert("phase".into(), "Terminating".into());
    }
    let metadata = metadata_mut(object);
    let earlier = metadata.get("deletionGracePeriodSeconds").and_then(Value::as_u64);
    if earlier.is_some_and(|earlier| earlier <= grace) && metadata.contains_key("deletionTimestamp") {
        return;
    }
    let end = now.checked_add(jiff::Span::new().seconds(i64::try_from(grace.min(1 << 31)).unwrap_or(0))).unwrap_or(now);
    metadata.insert("deletionTimestamp".into(), time_text(end).into());
    if !key.is_namespace() {
        metadata.insert("deletionGracePeriodSeconds".into(), grace.into());
    }
    if earlier.is_none()
        && let Some(generation) = metadata.get("generation").and_then(Value::as_u64)
    {
        metadata.insert("generation".into(), (generation + 1).into());
    }
}

/// Returns whether nothing holds a terminating object: no finalizer, no grace period, no namespace content.
pub(super) fn is_released(key: &Key, object: &Value) -> bool {
    let held = if key.is_namespace() {
        object["spec"]["finalizers"].as_array().is_some_and(|list| !list.is_empty())
    } else {
        object["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0) > 0
    };
    object::is_terminating(object) && object::finalizers(object).next().is_none() && !held
}
