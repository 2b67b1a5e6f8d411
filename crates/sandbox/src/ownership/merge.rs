//! Puts a configuration onto an object, and takes paths out of one.
//!
//! Source: `typed/merge.go` and `typed/remove.go` of structured-merge-diff. A merge removes nothing; the items of a
//! list come in the order of the configuration where that says something about them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::element::Element;
use super::set::FieldSet;
use super::typed::{Form, element, form};
use crate::schema::{Shape, field_shape};

/// Returns `live` with what `config` says; `None` when nothing is left of either.
pub(super) fn merge(shape: &Shape, live: Option<&Value>, config: Option<&Value>) -> Option<Value> {
    let (live, config) = match (live, config) {
        (live, None) => return live.cloned(),
        (None, config) => return config.cloned(),
        (Some(live), Some(config)) => (live, config),
    };
    let wanted = form(shape, config);
    if form(shape, live) != wanted {
        return Some(config.clone());
    }
    let nothing = (Map::new(), Vec::new());
    match wanted {
        Form::Leaf => Some(config.clone()),
        Form::Map => {
            let [left, right] = [live, config].map(|value| value.as_object().unwrap_or(&nothing.0));
            if left.is_empty() && right.is_empty() {
                return Some(config.clone());
            }
            let names = left.keys().chain(right.keys().filter(|name| !left.contains_key(*name)));
            let merged: Map<String, Value> = names
                .filter_map(|name| {
                    Some((name.clone(), merge(field_shape(shape, name), left.get(name), right.get(name))?))
                })
                .collect();
            (!merged.is_empty()).then_some(Value::Object(merged))
        }
        Form::List => {
            let [left, right] = [live, config].map(|value| value.as_array().unwrap_or(&nothing.1));
            if left.is_empty() && right.is_empty() {
                return Some(config.clone());
            }
            let merged = merge_items(shape, left, right);
            (!merged.is_empty()).then_some(Value::Array(merged))
        }
    }
}

/// Merges two lists: items of both in the order of the configuration, the others where they were in between.
fn merge_items(shape: &Shape, live: &[Value], config: &[Value]) -> Vec<Value> {
    let Shape::List { of, .. } = shape else { return config.to_vec() };
    let index =
        |items: &[Value]| -> Vec<Element> { items.iter().filter_map(|item| element(shape, item).ok()).collect() };
    let (left, right) = (index(live), index(config));
    let mut found: BTreeMap<&Element, Option<&Value>> = BTreeMap::new();
    for (element, item) in left.iter().zip(live) {
        // What there is twice is not merged with anything.
        found.entry(element).and_modify(|known| *known = None).or_insert(Some(item));
    }
    let wanted: BTreeMap<&Element, &Value> = right.iter().zip(config).collect();
    let together = |element: &Element| {
        let live = found.get(element).copied().flatten();
        merge(of, live, wanted.get(element).copied())
    };
    let mut shared = right.iter().filter(|element| found.contains_key(element));
    let mut next = shared.next();
    let mut merged = Vec::new();
    let mut done: Vec<&Element> = Vec::new();
    let (mut at, mut to) = (0, 0);
    while at < left.len() || to < right.len() {
        if let (Some(mine), Some(theirs)) = (left.get(at), right.get(to)) {
            if mine == theirs {
                done.push(mine);
                merged.extend(together(mine));
                at += 1;
                to += 1;
                next = shared.next();
                continue;
            }
            if wanted.contains_key(mine) && next.is_some_and(|next| next != mine) {
                at += 1;
                continue;
            }
        }
        if let Some(mine) = left.get(at) {
            if !wanted.contains_key(mine) {
                merged.push(live[at].clone());
                at += 1;
                continue;
            }
            if done.contains(&mine) {
                at += 1;
            }
        }
        if let Some(theirs) = right.get(to) {
            done.push(theirs);
            merged.extend(together(theirs));
            to += 1;
            if next == Some(theirs) {
                next = shared.next();
            }
        }
    }
    merged
}

/// Returns a value without the fields and items at these paths; null when nothing is left.
pub(super) fn remove(shape: &Shape, value: &Value, paths: &FieldSet) -> Value {
    match (form(shape, value), value) {
        (Form::Map, Value::Object(fields)) => {
            let mut kept = Map::new();
            for (name, inner) in fields {
                let element = Element::field(name);
                if paths.has(std::slice::from_ref(&element)) {
                    continue;
                }
                let inner = match paths.below(&element) {
                    Some(below) => remove(field_shape(shape, name), inner, below),
                    None => inner.clone(),
                };
                kept.insert(name.clone(), inner);
            }
            if kept.is_empty() { Value::Null } else { Value::Object(kept) }
        }
        (Form::List, Value::Array(items)) => {
            let Shape::List { of, .. } = shape else { return value.clone() };
            let mut kept = Vec::new();
            for item in items {
                let Ok(element) = element(shape, item) else { continue };
                if paths.has(std::slice::from_ref(&element)) {
                    continue;
                }
                kept.push(match paths.below(&element) {
                    Some(below) => remove(of, item, below),
                    None => item.clone(),
                });
            }
            if kept.is_empty() { Value::Null } else { Value::Array(kept) }
        }
        // Nothing is taken out of what has one owner: reached only below a path that others hold.
        (Form::Leaf, Value::Array(_) | Value::Object(_)) => Value::Null,
        _ => value.clone(),
    }
}
