//! Writes an object as Go would: fields that are never left out are there, empty ones that are left out are not.
//!
//! What the real server stores and compares went through the Go types once; what a client sent may say less or more.

use serde_json::{Map, Value, json};

use super::types::{Field, Shape, Written, row};

/// Completes an object of `kind` in place; of one of a kind without a row, the metadata.
pub(crate) fn as_written(kind: &str, object: &mut Value) {
    match object {
        Value::Object(fields) if row(kind).is_some() => complete(kind, fields),
        Value::Object(fields) => {
            if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
                complete("ObjectMeta", metadata);
            }
        }
        _ => {}
    }
}

fn complete(name: &str, fields: &mut Map<String, Value>) {
    let Some(row) = row(name) else { return };
    for (name, field) in &row.fields {
        match fields.get_mut(*name) {
            Some(value) => {
                within(&field.shape, value);
                if is_left_out(field, value) {
                    fields.remove(*name);
                }
            }
            None => match field.written {
                Written::Always => {
                    let mut value = zero(&field.shape);
                    within(&field.shape, &mut value);
                    fields.insert((*name).to_owned(), value);
                }
                Written::OrNull => drop(fields.insert((*name).to_owned(), Value::Null)),
                Written::WhenNotZero | Written::WhenSet => {}
            },
        }
    }
}

fn within(shape: &Shape, value: &mut Value) {
    match (shape, value) {
        (Shape::Struct { name, .. }, Value::Object(fields)) => complete(name, fields),
        (Shape::Map { of, .. }, Value::Object(fields)) => fields.values_mut().for_each(|inner| within(of, inner)),
        (Shape::List { of, .. }, Value::Array(items)) => items.iter_mut().for_each(|inner| within(of, inner)),
        _ => {}
    }
}

/// Returns whether a value is not written.
pub(super) fn is_left_out(field: &Field, value: &Value) -> bool {
    field.written == Written::WhenNotZero
        && match value {
            Value::Null => true,
            Value::Bool(flag) => !flag,
            Value::Number(number) => number.as_i64() == Some(0),
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
        }
        && !matches!(field.shape, Shape::Any | Shape::Free)
}

fn zero(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!(""),
        Shape::Int32 | Shape::Int64 | Shape::IntOrString => json!(0),
        Shape::Bool => json!(false),
        Shape::Quantity => json!("0"),
        Shape::Struct { .. } => json!({}),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_deployment_has_what_go_never_leaves_out() {
        let mut object = json!({"metadata": {"name": "a", "labels": {}}, "spec": {"paused": false, "replicas": 0}});
        as_written("Deployment", &mut object);
        assert_eq!(
            object,
            json!({
                "metadata": {"name": "a"}, "status": {},
                "spec": {"replicas": 0, "selector": null, "strategy": {},
                         "template": {"metadata": {}, "spec": {"containers": null}}}
            })
        );
    }

    #[test]
    fn a_role_has_rules_and_a_custom_object_stays_as_it_is() {
        let mut role = json!({"metadata": {}});
        as_written("Role", &mut role);
        assert_eq!(role, json!({"metadata": {}, "rules": null}));
        let mut custom = json!({"metadata": {"name": "a", "labels": {}}, "spec": {"size": 0}});
        as_written("Backup", &mut custom);
        assert_eq!(custom, json!({"metadata": {"name": "a"}, "spec": {"size": 0}}));
    }
}
