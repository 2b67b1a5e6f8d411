//! Short ways to look into a live object. Objects are JSON values, so that no field newer than this
//! program is lost; a missing field reads as absent, never as a failure.
//!
//! Nothing in here decides anything; it only reads.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Returns the string at a JSON pointer, or an empty one.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the string at a JSON pointer where it is there and not empty.
pub(crate) fn some_text<'v>(value: &'v Value, pointer: &str) -> Option<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Returns the whole number at a JSON pointer.
pub(crate) fn number(value: &Value, pointer: &str) -> Option<i64> {
    value.pointer(pointer).and_then(Value::as_i64)
}

/// Returns the items of the array at a JSON pointer; none where there is no array.
pub(crate) fn items<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Returns the entries of the object at a JSON pointer; none where there is no object.
pub(crate) fn entries<'v>(value: &'v Value, pointer: &str) -> impl Iterator<Item = (&'v str, &'v Value)> {
    value.pointer(pointer).and_then(Value::as_object).into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// Returns whether the boolean at a JSON pointer is true.
pub(crate) fn is_true(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
}

/// Returns the instant at a JSON pointer.
pub(crate) fn instant(value: &Value, pointer: &str) -> Option<Timestamp> {
    text(value, pointer).parse().ok()
}

/// Returns the object's name.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// Returns the `name` field of a part of an object: a container, a port, a variable.
pub(crate) fn name_of(part: &Value) -> &str {
    text(part, "/name")
}

/// Returns the annotation or label map's entry; `field` is `annotations` or `labels`.
pub(crate) fn meta<'v>(object: &'v Value, field: &str, key: &str) -> Option<&'v str> {
    object.get("metadata")?.get(field)?.get(key)?.as_str()
}

/// Returns the condition of this type.
pub(crate) fn condition<'v>(object: &'v Value, kind: &str) -> Option<&'v Value> {
    items(object, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

/// Returns whether the condition of this type is `True`.
pub(crate) fn condition_holds(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|condition| text(condition, "/status") == "True")
}

/// Returns the controlling owner as (kind, name).
pub(crate) fn controller(object: &Value) -> Option<(&str, &str)> {
    let owner = items(object, "/metadata/ownerReferences").iter().find(|owner| is_true(owner, "/controller"))?;
    Some((text(owner, "/kind"), text(owner, "/name")))
}

/// Returns the text of a JSON value without quotes around a string.
pub(crate) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the digest of a value's canonical JSON: keys sorted, absent and null the same, SHA-256 in
/// hexadecimal.
pub(crate) fn digest(value: &Value) -> String {
    use std::fmt::Write;
    let hash = Sha256::digest(canonical(value).to_string());
    hash.iter().fold(String::with_capacity(64), |mut digest, byte| {
        let _ = write!(digest, "{byte:02x}");
        digest
    })
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut sorted: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
            sorted.sort_by_key(|(key, _)| key.as_str());
            sorted.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect()
        }
        Value::Array(items) => items.iter().map(canonical).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_digest_does_not_depend_on_key_order_or_nulls() {
        let one = json!({"metadata": {"creationTimestamp": null, "labels": {"a": "1", "b": "2"}}});
        let two: Value = serde_json::from_str(r#"{"metadata": {"labels": {"b": "2", "a": "1"}}}"#).unwrap();
        assert_eq!(digest(&one), digest(&two));
        assert_ne!(digest(&one), digest(&json!({})));
    }
}
