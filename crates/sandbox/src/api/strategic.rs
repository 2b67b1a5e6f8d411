//! Strategic merge patch: maps merge, lists of objects merge by their key, and directives say what does not follow
//! from that: `$patch`, `$retainKeys`, `$deleteFromPrimitiveList`, `$setElementOrder`.
//!
//! Source: `k8s.io/apimachinery/pkg/util/strategicpatch`, whose words the errors have. Which lists merge is in the
//! types table; `lists` merges them.

mod lists;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::go;
use crate::schema::{Merge, Shape, field_of, field_shape};

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
const ELEMENT_ORDER: &str = "$setElementOrder";

/// Why a patch cannot be applied, by the code that the real server answers with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum StrategicError {
    /// 400.
    #[error("{0}")]
    Format(&'static str),
    /// 422.
    #[error("{0}")]
    Unprocessable(&'static str),
    /// 500: what its library says.
    #[error("{0}")]
    Internal(String),
}

const RETAIN_KEYS_FORMAT: StrategicError = StrategicError::Format("invalid patch format of retainKeys");
const DELETE_FROM_FORMAT: StrategicError = StrategicError::Format("invalid patch format of primitive list");
const ELEMENT_ORDER_FORMAT: StrategicError = StrategicError::Format("invalid patch format of setElementOrder list");

fn internal(why: impl Into<String>) -> StrategicError {
    StrategicError::Internal(why.into())
}

fn wrong_type(expected: &str, found: &Value) -> StrategicError {
    let found = if found.is_null() { "%!s(<nil>)" } else { go::type_name(found) };
    internal(format!("expected a {expected}, but received a {found}"))
}

/// Applies `patch` to `object`, both of the given shape.
pub(crate) fn merge(object: &mut Value, patch: &Map<String, Value>, shape: &Shape) -> Result<(), StrategicError> {
    let original = match object.take() {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    *object = Value::Object(merge_map(original, patch.clone(), shape)?);
    Ok(())
}

fn merge_map(
    mut original: Map<String, Value>,
    mut patch: Map<String, Value>,
    shape: &Shape,
) -> Result<Map<String, Value>, StrategicError> {
    if let Some(directive) = patch.get(PATCH) {
        return match directive.as_str() {
            Some("replace") => {
                patch.remove(PATCH);
                Ok(patch)
            }
            Some("delete") => Ok(Map::new()),
            _ => Err(unknown_directive(directive, &patch)),
        };
    }
    retain_keys(&mut original, &mut patch)?;
    lists::order_elements(&mut original, &mut patch, shape)?;
    for (name, change) in patch {
        let deleted_from = name.starts_with(DELETE_FROM);
        let name = if deleted_from { list_name(&name, DELETE_FROM, DELETE_FROM_FORMAT)?.to_owned() } else { name };
        if change.is_null() {
            original.remove(&name);
            continue;
        }
        match (original.remove(&name), change) {
            (Some(Value::Object(inner)), Value::Object(change)) => {
                let is_replaced = field_of(shape, &name).is_some_and(|field| field.is_replaced);
                let merged = if is_replaced { change } else { merge_map(inner, change, field_shape(shape, &name))? };
                original.insert(name, Value::Object(merged));
            }
            (Some(Value::Array(items)), Value::Array(changes)) => {
                let merged = match field_shape(shape, &name) {
                    _ if deleted_from => lists::delete(items, &changes),
                    list @ Shape::List { merge: Merge::Set | Merge::ByKey(_), .. } => {
                        lists::merge(items, changes, list)?
                    }
                    _ => changes,
                };
                original.insert(name, Value::Array(merged));
            }
            (kept, _) if deleted_from => drop(kept.map(|kept| original.insert(name, kept))),
            (_, mut change) => {
                discard_nulls(&mut change);
                if let Some(change) = without_directives(change) {
                    original.insert(name, change);
                }
            }
        }
    }
    Ok(original)
}

fn unknown_directive(directive: &Value, patch: &Map<String, Value>) -> StrategicError {
    let patch = go::text(&Value::Object(patch.clone()));
    internal(format!("unknown patch type: {} in map: {patch}", go::text(directive)))
}

/// Returns the list that a directive's field names after a slash.
fn list_name<'a>(name: &'a str, directive: &str, error: StrategicError) -> Result<&'a str, StrategicError> {
    match name.split_once('/') {
        Some((prefix, list)) if prefix == directive => Ok(list),
        _ => Err(error),
    }
}

/// Drops the fields that `$retainKeys` does not name; a patch may not set others.
fn retain_keys(original: &mut Map<String, Value>, patch: &mut Map<String, Value>) -> Result<(), StrategicError> {
    let Some(retained) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let Value::Array(retained) = retained else { return Err(RETAIN_KEYS_FORMAT) };
    let is_retained = |name: &String| retained.iter().any(|kept| kept == name);
    for (name, change) in patch.iter() {
        let is_directive = name.starts_with(DELETE_FROM) || name.starts_with(ELEMENT_ORDER);
        if !change.is_null() && !is_directive && !is_retained(name) {
            return Err(RETAIN_KEYS_FORMAT);
        }
    }
    original.retain(|name, _| is_retained(name));
    Ok(())
}

/// Removes nulls, which say that something is to be removed, from something new.
fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, inner| !inner.is_null());
            fields.values_mut().for_each(discard_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}

/// Returns something new without the maps that are directives.
fn without_directives(value: Value) -> Option<Value> {
    Some(match value {
        Value::Object(fields) if fields.contains_key(PATCH) => return None,
        Value::Object(fields) => Value::Object(
            fields.into_iter().filter_map(|(name, inner)| Some((name, without_directives(inner)?))).collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().filter_map(without_directives).collect()),
        other => other,
    })
}
