//! Lists in a strategic merge patch: merged by key or as sets, deleted from, put in order.
//!
//! The order: items that the patch names come in its order, the others stay where they were between them.

use serde_json::{Map, Value};

use super::{
    ELEMENT_ORDER, ELEMENT_ORDER_FORMAT, PATCH, StrategicError, internal, list_name, merge_map, unknown_directive,
    without_directives, wrong_type,
};
use crate::go;
use crate::schema::{Merge, Shape, declared_field, field_of};

const LIST: &str = "[]interface {}";
const MAP: &str = "map[string]interface {}";

/// Returns what a list of this shape merges by: a key, or nothing where its items are what they are.
fn merge_key(shape: &Shape) -> Option<&'static str> {
    match shape {
        Shape::List { merge: Merge::ByKey(key), .. } => Some(key),
        _ => None,
    }
}

fn no_key(item: &Value, key: &str) -> StrategicError {
    internal(format!("map: {} does not contain declared merge key: {key}", go::text(item)))
}

/// Returns what tells an item from the others.
fn identity<'a>(item: &'a Value, key: Option<&str>) -> Option<&'a Value> {
    key.map_or(Some(item), |key| item.get(key))
}

/// Returns the items of `current` that are not in `gone`.
pub(super) fn delete(current: Vec<Value>, gone: &[Value]) -> Vec<Value> {
    current.into_iter().filter(|item| !gone.contains(item)).collect()
}

/// Merges `changes` into a list whose shape says how.
pub(super) fn merge(original: Vec<Value>, changes: Vec<Value>, shape: &Shape) -> Result<Vec<Value>, StrategicError> {
    if original.is_empty() && changes.is_empty() {
        return Ok(original);
    }
    let is_map = of_maps(&original, &changes)?;
    let key = merge_key(shape);
    let (original, changes, merged) = match (is_map, key) {
        (false, _) => {
            let mut both: Vec<Value> = Vec::new();
            for item in original.iter().chain(&changes) {
                if !both.contains(item) {
                    both.push(item.clone());
                }
            }
            (original, changes, both)
        }
        (true, None) => return Err(internal("cannot merge lists without merge key for struct")),
        (true, Some(key)) => {
            let (original, changes) = directed(original, changes, key)?;
            let merged = merge_maps(original.clone(), &changes, key, shape)?;
            (original, changes, merged)
        }
    };
    ordered(merged, &changes, &original, key)
}

/// Returns whether the items are maps; all of them must be of one type.
fn of_maps(original: &[Value], changes: &[Value]) -> Result<bool, StrategicError> {
    let mut items = original.iter().chain(changes);
    let first = items.next().ok_or_else(|| internal("no elements in any given slices"))?;
    if first.is_array() {
        return Err(StrategicError::Unprocessable("lists of lists are not supported"));
    }
    if items.any(|item| go::type_name(item) != go::type_name(first)) {
        let both = Value::from(vec![Value::from(original), Value::from(changes)]);
        return Err(internal(format!("list element types are not identical: {}", go::text(&both))));
    }
    Ok(first.is_object())
}

/// Follows the items that are directives; returns what is left of both lists.
fn directed(
    mut original: Vec<Value>,
    changes: Vec<Value>,
    key: &str,
) -> Result<(Vec<Value>, Vec<Value>), StrategicError> {
    let (mut rest, mut replaces) = (Vec::new(), false);
    for change in changes {
        let Some(directive) = change.get(PATCH) else {
            rest.push(change);
            continue;
        };
        match directive.as_str() {
            Some("delete") => {
                let value = change.get(key).ok_or_else(|| no_key(&change, key))?;
                original.retain(|item| item.get(key) != Some(value));
            }
            Some("replace") => replaces = true,
            Some("merge") => return Err(internal("merging lists cannot yet be specified in the patch")),
            _ => return Err(unknown_directive(directive, change.as_object().unwrap_or(&Map::new()))),
        }
    }
    // As in the original: what replaces the list is then merged into nothing.
    Ok(if replaces { (rest, Vec::new()) } else { (original, rest) })
}

fn merge_maps(
    mut merged: Vec<Value>,
    changes: &[Value],
    key: &str,
    shape: &Shape,
) -> Result<Vec<Value>, StrategicError> {
    let Shape::List { of, .. } = shape else { return Ok(merged) };
    for change in changes {
        let value = change.get(key).ok_or_else(|| no_key(change, key))?;
        let Value::Object(fields) = change else { continue };
        match merged.iter_mut().find(|item| item.get(key) == Some(value)) {
            Some(item) => {
                let before = item.as_object().cloned().unwrap_or_default();
                *item = Value::Object(merge_map(before, fields.clone(), of)?);
            }
            None => merged.push(change.clone()),
        }
    }
    Ok(merged)
}

/// Follows the `$setElementOrder` directives of a map: each list that has one is merged and put in that order.
pub(super) fn order_elements(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    shape: &Shape,
) -> Result<(), StrategicError> {
    let directives: Vec<String> = patch.keys().filter(|name| name.starts_with(ELEMENT_ORDER)).cloned().collect();
    for directive in directives {
        let Some(order) = patch.remove(&directive) else { continue };
        let Value::Array(order) = order else { return Err(wrong_type(LIST, &order)) };
        let name = list_name(&directive, ELEMENT_ORDER, ELEMENT_ORDER_FORMAT)?;
        let items = list_of(original.get(name))?;
        let changes = list_of(patch.get(name))?;
        let list = declared_list(shape, name)?;
        let key = merge_key(list);
        check_order(changes.as_deref().unwrap_or_default(), &order, key)?;
        let before = items.clone().unwrap_or_default();
        let after = changes.clone().unwrap_or_default();
        let merged = match (items, changes) {
            (None, None) => continue,
            (Some(items), None) => items,
            (None, Some(changes)) => changes.into_iter().filter_map(without_directives).collect(),
            (Some(items), Some(changes)) => match list {
                Shape::List { merge: Merge::Atomic, .. } => changes,
                _ => merge(items, changes, list)?,
            },
        };
        of_maps(&before, &after)?;
        original.insert(name.to_owned(), Value::Array(ordered(merged, &order, &before, key)?));
        patch.remove(name);
    }
    Ok(())
}

fn list_of(value: Option<&Value>) -> Result<Option<Vec<Value>>, StrategicError> {
    match value {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items.clone())),
        Some(other) => Err(wrong_type(LIST, other)),
    }
}

fn declared_list<'a>(shape: &'a Shape, name: &str) -> Result<&'a Shape, StrategicError> {
    let Shape::Struct { name: of, .. } = shape else {
        return Err(internal("merging an object in json but data type is not struct, instead is: map"));
    };
    if field_of(shape, name).is_none() {
        return Err(internal(format!("unable to find api field in struct {of} for the json field \"{name}\"")));
    }
    declared_field(shape, name)
        .filter(|list| matches!(list, Shape::List { .. }))
        .ok_or_else(|| internal("expected slice or array type, but got: struct"))
}

/// Checks that the patch's items are in the order that it wants to have them in.
fn check_order(changes: &[Value], order: &[Value], key: Option<&'static str>) -> Result<(), StrategicError> {
    if changes.is_empty() || order.is_empty() {
        return Ok(());
    }
    let mut wanted = order.iter();
    for change in changes.iter().filter(|change| change.get(PATCH).is_none()) {
        let is_next = |other: &Value| -> Result<bool, StrategicError> {
            for item in [change, other] {
                if key.is_some() && !item.is_object() {
                    return Err(wrong_type(MAP, item));
                }
            }
            match (identity(change, key), identity(other, key), key) {
                (None, _, Some(key)) => Err(no_key(change, key)),
                (_, None, Some(key)) => Err(no_key(other, key)),
                (mine, theirs, _) => Ok(mine == theirs),
            }
        };
        let mut found = false;
        for other in wanted.by_ref() {
            if is_next(other)? {
                found = true;
                break;
            }
        }
        if !found {
            let [changes, order] = [changes, order].map(|list| go::text(&Value::from(list)));
            return Err(internal(format!(
                "The order in patch list:\n{changes}\n doesn't match {ELEMENT_ORDER} list:\n{order}\n"
            )));
        }
    }
    Ok(())
}

/// Puts a merged list in order: the items that `order` names as it has them, the others as they were before.
fn ordered(
    merged: Vec<Value>,
    order: &[Value],
    before: &[Value],
    key: Option<&'static str>,
) -> Result<Vec<Value>, StrategicError> {
    if let Some(key) = key {
        for item in merged.iter().chain(order) {
            if !item.is_object() {
                return Err(wrong_type(MAP, item));
            }
            if item.get(key).is_none() {
                return Err(no_key(item, key));
            }
        }
    }
    let place = |list: &[Value], item: &Value| {
        list.iter().position(|other| identity(other, key).is_some() && identity(other, key) == identity(item, key))
    };
    let (mut named, mut others): (Vec<Value>, Vec<Value>) =
        merged.into_iter().partition(|item| place(order, item).is_some());
    named.sort_by_key(|item| place(order, item));
    others.sort_by_key(|item| place(before, item));
    let mut all = Vec::new();
    let mut others = others.into_iter().peekable();
    for item in named {
        let at = place(before, &item);
        while others.peek().is_some_and(|other| at.is_some() && place(before, other).is_some_and(|it| Some(it) < at)) {
            all.extend(others.next());
        }
        all.push(item);
    }
    all.extend(others);
    Ok(all)
}
