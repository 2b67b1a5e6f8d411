//! Values by their shape: what tells the items of a list apart, whether a value fits, which paths it has.
//!
//! Source: `typed/validate.go`, `typed/tofieldset.go` and `typed/helpers.go` of structured-merge-diff; the words of
//! the errors are its own, which clients get to see.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::element::{Element, Scalar};
use super::set::FieldSet;
use crate::go;
use crate::schema::{Items, Owned, Shape, Written, declared_field, row};

/// What a value is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A value with one owner: a scalar, or a map or list that is owned as a whole.
    Leaf,
    /// A list whose items have owners.
    List,
    /// A map whose fields have owners.
    Map,
}

/// Returns what a value of this shape is made of.
pub(super) fn form(shape: &Shape, value: &Value) -> Form {
    match shape {
        Shape::Custom | Shape::Map { owned: Owned::InParts, .. } => Form::Map,
        Shape::List { items: Items::Set | Items::Keyed(_), .. } => Form::List,
        Shape::Struct { name, owned } => match owned.or_else(|| row(name).map(|row| row.owned)) {
            Some(Owned::Whole) => Form::Leaf,
            Some(Owned::InParts) | None => Form::Map,
        },
        Shape::Free if value.is_object() || value.is_null() => Form::Map,
        _ => Form::Leaf,
    }
}

/// Returns what tells an item apart from the others of its list.
pub(super) fn element(shape: &Shape, item: &Value) -> Result<Element, String> {
    match shape {
        Shape::List { of, items: Items::Keyed(keys), .. } => keyed(of, keys, item),
        Shape::List { items: Items::Set, .. } => match item {
            Value::Object(_) => Err("associative list without keys has an element that's a map type".into()),
            Value::Array(_) => Err("not supported: associative list with lists as elements".into()),
            Value::Null => Err("associative list without keys has an element that's an explicit null".into()),
            scalar => Ok(Element::Item(Scalar::from(scalar))),
        },
        _ => Err("invalid indexing of non-associative list".into()),
    }
}

fn keyed(of: &Shape, keys: &[&str], item: &Value) -> Result<Element, String> {
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Null => return Err("associative list with keys may not have a null element".into()),
        _ => return Err("associative list with keys may not have non-map elements".into()),
    };
    let value = |key: &str| fields.get(key).map(Scalar::from).or_else(|| default(of, key));
    let mut found: Vec<(String, Scalar)> =
        keys.iter().filter_map(|key| Some(((*key).to_owned(), value(key)?))).collect();
    if found.is_empty() {
        let keys: Vec<String> = keys.iter().map(|key| format!("\"{key}\"")).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            keys.join(" ")
        ));
    }
    found.sort();
    Ok(Element::Key(found))
}

/// Returns the value that a key has when it is not given: its default, or zero where Go writes it always.
fn default(of: &Shape, key: &str) -> Option<Scalar> {
    let Shape::Struct { name, .. } = of else { return None };
    let field = row(name)?.fields.get(key)?;
    match (field.default, &field.shape) {
        (Some(text), Shape::Text) => Some(Scalar::Text(text.to_owned())),
        (Some(text), _) => text.parse().ok().map(Scalar::Number),
        (None, Shape::Text) if field.written == Written::Always => Some(Scalar::Text(String::new())),
        (None, Shape::Int32 | Shape::Int64) if field.written == Written::Always => Some(Scalar::Number(0)),
        (None, _) => None,
    }
}

/// Returns what keeps a value from being of this shape, one sentence per place.
pub(super) fn misfits(shape: &Shape, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(shape, value, &mut String::new(), &mut found);
    found
}

fn check(shape: &Shape, value: &Value, path: &mut String, found: &mut Vec<String>) {
    let mut wrong = |why: String| found.push(if path.is_empty() { why } else { format!("{path}: {why}") });
    match (shape, value) {
        (_, Value::Null)
        | (Shape::Any | Shape::Free, _)
        | (Shape::Int32 | Shape::Int64, Value::Number(_))
        | (Shape::Text | Shape::Bytes, Value::String(_))
        | (Shape::Bool, Value::Bool(_)) => {}
        (Shape::Map { .. } | Shape::Struct { .. } | Shape::Custom, Value::Object(fields)) => {
            check_fields(shape, fields, path, found);
        }
        (Shape::Map { .. } | Shape::Struct { .. } | Shape::Custom, other) => {
            wrong(format!("expected map, got {}", go::boxed(other)));
        }
        (Shape::List { .. }, Value::Array(items)) => check_items(shape, items, path, found),
        (Shape::List { .. }, other) => wrong(format!("expected list, got {}", go::boxed(other))),
        (Shape::Int32 | Shape::Int64, other) => {
            wrong(format!("expected numeric (int or float), got {}", go::type_name(other)));
        }
        (Shape::Text | Shape::Bytes, other) => wrong(format!("expected string, got {}", go::boxed_source(other))),
        (Shape::Bool, other) => wrong(format!("expected boolean, got {}", go::boxed(other))),
        (_, Value::Array(_) | Value::Object(_)) => wrong(format!("expected any scalar, got {}", go::boxed(value))),
        _ => {}
    }
}

fn check_fields(shape: &Shape, fields: &Map<String, Value>, path: &mut String, found: &mut Vec<String>) {
    for (name, value) in fields {
        let length = path.len();
        path.push('.');
        path.push_str(name);
        match declared_field(shape, name) {
            Some(inner) => check(inner, value, path, found),
            None => found.push(format!("{path}: field not declared in schema")),
        }
        path.truncate(length);
    }
}

fn check_items(shape: &Shape, items: &[Value], path: &mut String, found: &mut Vec<String>) {
    let Shape::List { of, items: told, .. } = shape else { return };
    let mut seen = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let length = path.len();
        if *told == Items::Whole {
            let _ = write!(path, "[{at}]");
        } else {
            match element(shape, item) {
                Err(why) => {
                    found.push(format!("{path}: element {at}: {why}"));
                    return;
                }
                Ok(element) => {
                    if seen.contains(&element) {
                        found.push(format!("{path}: duplicate entries for key {element}"));
                    }
                    let _ = write!(path, "{element}");
                    seen.push(element);
                }
            }
        }
        check(of, item, path, found);
        path.truncate(length);
    }
}

/// Returns whether a field has its place in the shape, so that who owns it does not own that it is there.
pub(super) fn is_declared(shape: &Shape, name: &str) -> bool {
    match shape {
        Shape::Struct { .. } => true,
        Shape::Custom => name == "metadata",
        _ => false,
    }
}

/// Returns every path of a value.
pub(super) fn paths(shape: &Shape, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    collect(shape, value, &mut Vec::new(), &mut set);
    set
}

fn collect(shape: &Shape, value: &Value, path: &mut Vec<Element>, set: &mut FieldSet) {
    match (form(shape, value), value) {
        (Form::Leaf, _) => set.insert(path),
        (Form::Map, Value::Object(fields)) => {
            for (name, inner) in fields {
                let Some(inner_shape) = declared_field(shape, name) else { continue };
                path.push(Element::field(name));
                collect(inner_shape, inner, path, set);
                if !is_declared(shape, name) || inner.is_null() || inner.as_object().is_some_and(Map::is_empty) {
                    set.insert(path);
                }
                path.pop();
            }
        }
        (Form::List, Value::Array(items)) => {
            let Shape::List { of, .. } = shape else { return };
            let elements: Vec<Option<Element>> = items.iter().map(|item| element(shape, item).ok()).collect();
            for (item, element) in items.iter().zip(&elements) {
                let Some(element) = element else { continue };
                path.push(element.clone());
                // What there is twice has no parts.
                if elements.iter().flatten().filter(|other| *other == element).count() == 1 {
                    collect(of, item, path, set);
                }
                set.insert(path);
                path.pop();
            }
        }
        _ => {}
    }
}
