//! How a patch is taken back: the fields that differ between what was there and what the server makes of it.
//!
//! Pure. Maps are looked into, lists are taken whole; what holds a secret is not kept and cannot be taken back.

use serde_json::{Map, Value};
use todo_agent_core::{FieldBack, ObjectRef, Recipe, Redactor};

/// Returns the recipe that sets back what differs, or why there is none.
pub(crate) fn recipe(
    target: &ObjectRef,
    before: &Value,
    after: &Value,
    redactor: &Redactor,
) -> Result<Recipe, &'static str> {
    let mut fields = Vec::new();
    compare(&mut String::new(), Some(before), Some(after), &mut fields);
    let holds_secrets = fields.iter().any(|field| {
        // The name beside a value tells that it is secret, so it is looked at where it stands.
        let placed =
            |value: &Option<Value>| value.as_ref().is_some_and(|value| is_masked(&field.pointer, value, redactor));
        placed(&field.before) || placed(&field.after)
    });
    if holds_secrets {
        return Err("it changes what looks like a secret, which is not kept, so it cannot be taken back");
    }
    Ok(Recipe::Fields { target: target.clone(), fields })
}

fn is_masked(pointer: &str, value: &Value, redactor: &Redactor) -> bool {
    let key = pointer.rsplit('/').next().unwrap_or_default();
    let placed = Value::Object(Map::from_iter([(key.to_owned(), value.clone())]));
    *redactor.value(&placed) != placed
}

fn compare(pointer: &mut String, before: Option<&Value>, after: Option<&Value>, fields: &mut Vec<FieldBack>) {
    if before == after {
        return;
    }
    let map = |value: Option<&'_ Value>| match value {
        None => Some(Map::new()),
        Some(Value::Object(map)) if !map.is_empty() => Some(map.clone()),
        Some(_) => None,
    };
    match (map(before), map(after)) {
        (Some(old), Some(new)) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let length = pointer.len();
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                compare(pointer, old.get(key), new.get(key), fields);
                pointer.truncate(length);
            }
        }
        _ => fields.push(FieldBack { pointer: pointer.clone(), before: before.cloned(), after: after.cloned() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use todo_agent_kube_rules::kinds;

    use super::*;

    /// A pointer, and the value before and after.
    type Field = (String, Option<Value>, Option<Value>);

    fn fields(before: &Value, after: &Value) -> Result<Vec<Field>, &'static str> {
        let target = ObjectRef::new(kinds::find("deployment").unwrap(), "todo", "backend");
        let Recipe::Fields { fields, .. } = recipe(&target, before, after, &Redactor::new([1; 32]))? else { panic!() };
        Ok(fields.into_iter().map(|field| (field.pointer, field.before, field.after)).collect())
    }

    #[test]
    fn each_entry_of_a_map_is_a_field_of_its_own() {
        let before = json!({"metadata": {"name": "a"}, "spec": {"paused": true, "ports": [1]}});
        let after = json!({"metadata": {"name": "a", "annotations": {"x/y": "1"}}, "spec": {"ports": [1, 2]}});
        assert_eq!(
            fields(&before, &after).unwrap(),
            [
                ("/metadata/annotations/x~1y".to_owned(), None, Some(json!("1"))),
                ("/spec/paused".to_owned(), Some(json!(true)), None),
                ("/spec/ports".to_owned(), Some(json!([1])), Some(json!([1, 2]))),
            ]
        );
    }

    #[test]
    fn what_looks_like_a_secret_is_not_kept() {
        let with = |value: &str| json!({"data": {"password": value}});
        assert!(fields(&with("hunter22hunter"), &with("hunter33hunter")).is_err());
    }
}
