//! Strategic merge patch: merges lists of objects by their key, with `$patch`, `$retainKeys`,
//! `$deleteFromPrimitiveList` and `$setElementOrder`.
//!
//! Source: `k8s.io/apimachinery/pkg/util/strategicpatch`. Which lists merge is in the schema's table.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::schema::{Merge, Shape, field_shape};

/// Why a patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum StrategicError {
    #[error("map: {item} does not contain declared merge key: {key}")]
    MissingKey { item: String, key: &'static str },
    #[error("unrecognized value for $patch: {0}")]
    Directive(String),
}

/// Applies `patch` to `object`, both of the given shape.
pub(crate) fn merge(object: &mut Value, patch: &Value, shape: &Shape) -> Result<(), StrategicError> {
    let Value::Object(changes) = patch else {
        *object = patch.clone();
        return Ok(());
    };
    match changes.get("$patch").and_then(Value::as_str) {
        None | Some("merge") => {}
        Some("replace") => {
            let kept = changes.iter().filter(|(name, _)| *name != "$patch");
            *object = Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect());
            return Ok(());
        }
        Some("delete") => {
            *object = Value::Object(Map::new());
            return Ok(());
        }
        Some(other) => return Err(StrategicError::Directive(other.to_owned())),
    }
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Some(fields) = object.as_object_mut() else { return Ok(()) };
    if let Some(Value::Array(retained)) = changes.get("$retainKeys") {
        fields.retain(|name, _| retained.iter().any(|kept| kept == name));
    }
    for (name, change) in changes {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(items)), Value::Array(gone)) = (fields.get_mut(list), change) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if name.starts_with('$') {
            continue;
        }
        if change.is_null() {
            fields.remove(name);
            continue;
        }
        let inner = field_shape(shape, name);
        match (&inner, change) {
            (Shape::List { of, merge: Merge::ByKey(key) }, Value::Array(changes)) => {
                let slot = fields.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                merge_by_key(slot, changes, key, of)?;
            }
            (Shape::List { merge: Merge::Set, .. }, Value::Array(changes)) => {
                let slot = fields.entry(name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                if let Some(items) = slot.as_array_mut() {
                    let before = items.clone();
                    for change in changes {
                        if !items.contains(change) {
                            items.push(change.clone());
                        }
                    }
                    interleave(items, &before, |item| changes.contains(item));
                }
            }
            (_, Value::Object(_)) => {
                let slot = fields.entry(name.clone()).or_insert(Value::Null);
                merge(slot, change, &inner)?;
            }
            _ => {
                fields.insert(name.clone(), change.clone());
            }
        }
    }
    for (name, order) in changes {
        if let (Some(list), Value::Array(order)) = (name.strip_prefix("$setElementOrder/"), order)
            && let Some(Value::Array(items)) = fields.get_mut(list)
        {
            let key = match field_shape(shape, list) {
                Shape::List { merge: Merge::ByKey(key), .. } => Some(key),
                _ => None,
            };
            sort(items, order, key);
        }
    }
    Ok(())
}

fn merge_by_key(slot: &mut Value, changes: &[Value], key: &'static str, shape: &Shape) -> Result<(), StrategicError> {
    if !slot.is_array() {
        *slot = Value::Array(Vec::new());
    }
    let Some(items) = slot.as_array_mut() else { return Ok(()) };
    if changes.iter().any(|change| change["$patch"] == "replace" && change.get(key).is_none()) {
        let kept = changes.iter().filter(|change| change.get("$patch").is_none());
        *items = kept.cloned().collect();
        return Ok(());
    }
    let before = items.clone();
    for change in changes {
        let Some(value) = change.get(key) else {
            return Err(StrategicError::MissingKey { item: change.to_string(), key });
        };
        let at = items.iter().position(|item| item.get(key) == Some(value));
        if change["$patch"] == "delete" {
            items.retain(|item| item.get(key) != Some(value));
            continue;
        }
        if let Some(at) = at {
            merge(&mut items[at], change, shape)?;
        } else {
            let mut added = Value::Object(Map::new());
            merge(&mut added, change, shape)?;
            items.push(added);
        }
    }
    let before: Vec<Value> = before.iter().map(|item| item[key].clone()).collect();
    let named = |item: &Value| changes.iter().any(|change| change.get(key) == item.get(key));
    interleave_by(items, |item| before.iter().position(|other| item.get(key) == Some(other)), named);
    Ok(())
}

/// Puts new items before the first one that the patch does not name (`normalizeElementOrder`).
fn interleave(items: &mut Vec<Value>, before: &[Value], named: impl Fn(&Value) -> bool) {
    interleave_by(items, |item| before.iter().position(|other| other == item), named);
}

fn interleave_by(items: &mut Vec<Value>, place: impl Fn(&Value) -> Option<usize>, named: impl Fn(&Value) -> bool) {
    let (in_patch, others): (Vec<Value>, Vec<Value>) = std::mem::take(items).into_iter().partition(named);
    let mut others = others.into_iter().peekable();
    for item in in_patch {
        while place(&item).is_some_and(|at| others.peek().is_some_and(|other| place(other) < Some(at))) {
            items.extend(others.next());
        }
        items.push(item);
    }
    items.extend(others);
}

/// Sorts items into the order that the patch names; those it does not name keep their place at the end.
fn sort(items: &mut [Value], order: &[Value], key: Option<&str>) {
    let rank = |item: &Value| {
        let found = order.iter().position(|wanted| match key {
            Some(key) => wanted[key] == item[key],
            None => wanted == item,
        });
        found.unwrap_or(order.len())
    };
    items.sort_by_key(rank);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::root_type;

    fn patched(mut object: Value, patch: &Value) -> Value {
        merge(&mut object, patch, &root_type("Deployment")).unwrap();
        object
    }

    fn deployment() -> Value {
        json!({"spec": {"template": {"spec": {"containers": [
            {"name": "a", "image": "a:1", "args": ["x"], "env": [{"name": "X", "value": "1"}]},
            {"name": "b", "image": "b:1"}
        ]}}}})
    }

    fn template(spec: &Value) -> Value {
        json!({"spec": {"template": {"spec": spec}}})
    }

    #[test]
    fn containers_merge_by_name_and_their_arguments_are_replaced() {
        let change =
            json!({"containers": [{"name": "a", "image": "a:2", "args": ["y"], "env": [{"name": "Y", "value": "2"}]}]});
        let result = patched(deployment(), &template(&change));
        assert_eq!(
            result["spec"]["template"]["spec"]["containers"],
            json!([
                {"name": "a", "image": "a:2", "args": ["y"], "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": "1"}]},
                {"name": "b", "image": "b:1"}
            ])
        );
    }

    #[test]
    fn a_restart_annotation_is_merged_into_the_template() {
        let change =
            json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}});
        let result = patched(deployment(), &change);
        assert_eq!(result["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"], "now");
        assert_eq!(result["spec"]["template"]["spec"], deployment()["spec"]["template"]["spec"]);
    }

    #[test]
    fn directives_delete_replace_and_order() {
        let change = json!({
            "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
            "containers": [{"name": "b", "$patch": "delete"}, {"name": "c", "image": "c:1"}]
        });
        let result = patched(deployment(), &template(&change));
        let names: Vec<&str> = result["spec"]["template"]["spec"]["containers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["c", "a"]);
        let object = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
        let change = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
        assert_eq!(patched(object, &change), json!({"spec": {"strategy": {"type": "Recreate"}}}));
        let object = json!({"metadata": {"finalizers": ["a", "b"]}});
        let change = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}});
        assert_eq!(patched(object, &change)["metadata"]["finalizers"], json!(["c", "b"]));
    }

    #[test]
    fn an_item_without_its_key_is_refused() {
        let change = template(&json!({"containers": [{"image": "x"}]}));
        assert!(merge(&mut deployment(), &change, &root_type("Deployment")).is_err());
    }
}
