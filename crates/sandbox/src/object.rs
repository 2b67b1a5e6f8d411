//! Reading and writing the common parts of a Kubernetes object held as JSON.
//!
//! Everything here tolerates objects of the wrong shape: a missing or mistyped field reads as absent, and
//! writing replaces it. Rejecting wrong shapes is the business of `validation`.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Returns an instant as Kubernetes writes it: whole seconds, UTC (`metav1.Time`).
pub(crate) fn time_text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Returns the string at `metadata.<field>`, or "" when it is absent.
pub(crate) fn metadata_text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// Returns the object's name.
pub(crate) fn name(object: &Value) -> &str {
    metadata_text(object, "name")
}

/// Returns the object's namespace, "" in cluster scope.
pub(crate) fn namespace(object: &Value) -> &str {
    metadata_text(object, "namespace")
}

/// Returns the object's uid.
pub(crate) fn uid(object: &Value) -> &str {
    metadata_text(object, "uid")
}

/// Returns whether deletion has begun.
pub(crate) fn is_terminating(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// Returns the finalizers still to be run.
pub(crate) fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Returns the owner references.
pub(crate) fn owner_references(object: &Value) -> &[Value] {
    object["metadata"]["ownerReferences"].as_array().map_or(&[], Vec::as_slice)
}

/// Returns the map at `field` of `object`, putting an empty one there if it is no map. An object that is no
/// map itself becomes one.
pub(crate) fn map_at<'a>(object: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    let inner = as_map(object).entry(field.to_owned()).or_insert(Value::Null);
    as_map(inner)
}

/// Returns the object's metadata map, made if missing.
pub(crate) fn metadata_mut(object: &mut Value) -> &mut Map<String, Value> {
    map_at(object, "metadata")
}

/// Sets `field` of `object`, which becomes a map if it was none.
pub(crate) fn set(object: &mut Value, field: &str, value: impl Into<Value>) {
    as_map(object).insert(field.to_owned(), value.into());
}

/// Sets `field` of `map` where it is absent or null, as Kubernetes defaulting does.
pub(crate) fn default(map: &mut Map<String, Value>, field: &str, value: impl Into<Value>) {
    let slot = map.entry(field.to_owned()).or_insert(Value::Null);
    if slot.is_null() {
        *slot = value.into();
    }
}

fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("just made a map"),
    }
}

/// Removes the finalizer `name`, and the list itself with its last entry.
pub(crate) fn remove_finalizer(object: &mut Value, name: &str) {
    let metadata = metadata_mut(object);
    if let Some(Value::Array(list)) = metadata.get_mut("finalizers") {
        list.retain(|entry| entry != name);
        if list.is_empty() {
            metadata.remove("finalizers");
        }
    }
}

/// Adds the finalizer `name` unless it is there.
pub(crate) fn add_finalizer(object: &mut Value, name: &str) {
    if finalizers(object).any(|entry| entry == name) {
        return;
    }
    let list = metadata_mut(object).entry("finalizers").or_insert(Value::Null);
    match list {
        Value::Array(entries) => entries.push(name.into()),
        _ => *list = Value::Array(vec![name.into()]),
    }
}
