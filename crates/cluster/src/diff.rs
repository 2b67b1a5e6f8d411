//! The difference of two objects, field by field, as a person reads it.
//!
//! Lists whose items have names (containers, env, ports, volumes) are compared by name, so that adding
//! one container does not show every other as changed.

use serde_json::Value;
use todo_agent_core::view::FieldChange;

/// Returns what changes from `before` to `after`, in path order. `null` is an object that is not there: one that is
/// made is one change without a path, one that is deleted has no fields to show.
pub(crate) fn diff(before: &Value, after: &Value) -> Vec<FieldChange> {
    if after.is_null() {
        return Vec::new();
    }
    let mut changes = Vec::new();
    compare(&mut String::new(), Some(before).filter(|before| !before.is_null()), Some(after), &mut changes);
    changes
}

fn compare(path: &mut String, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                within(path, &field(key), |path| compare(path, old.get(key), new.get(key), changes));
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if named(old) && named(new) => {
            let mut names: Vec<&str> = old.iter().chain(new).filter_map(name).collect();
            names.sort_unstable();
            names.dedup();
            for wanted in names {
                let find = |items: &'_ [Value]| items.iter().find(|item| name(item) == Some(wanted)).cloned();
                let (old, new) = (find(old), find(new));
                within(path, &item(wanted), |path| compare(path, old.as_ref(), new.as_ref(), changes));
            }
        }
        _ => changes.push(FieldChange {
            path: path.trim_start_matches('.').to_owned(),
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

fn within(path: &mut String, segment: &str, run: impl FnOnce(&mut String)) {
    let length = path.len();
    path.push_str(segment);
    run(path);
    path.truncate(length);
}

/// Returns `.replicas`, or `["kubectl.kubernetes.io/restartedAt"]` for keys with dots or slashes.
fn field(key: &str) -> String {
    let plain = key.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_'));
    if plain { format!(".{key}") } else { format!("[{key:?}]") }
}

/// Returns `[backend]`, quoted where the name could be read as more of the path.
fn item(name: &str) -> String {
    let plain = name.chars().all(|character| character.is_ascii_alphanumeric() || "-_./:".contains(character));
    if plain && !name.is_empty() { format!("[{name}]") } else { format!("[{name:?}]") }
}

fn named(items: &[Value]) -> bool {
    let mut names: Vec<&str> = items.iter().filter_map(name).collect();
    let all = names.len() == items.len();
    names.sort_unstable();
    names.dedup();
    all && names.len() == items.len()
}

fn name(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(before: &Value, after: &Value) -> Vec<String> {
        diff(before, after).into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn only_what_changes_is_named() {
        let before = json!({"spec": {"replicas": 2, "paused": false}});
        let after = json!({"spec": {"replicas": 3, "paused": false}});
        let changes = diff(&before, &after);
        assert_eq!(
            changes,
            [FieldChange { path: "spec.replicas".into(), before: Some(json!(2)), after: Some(json!(3)) }]
        );
    }

    #[test]
    fn named_lists_are_compared_by_name() {
        let before = json!({"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]});
        let after = json!({"containers": [{"name": "b", "image": "b:2"}, {"name": "a", "image": "a:1"}]});
        assert_eq!(paths(&before, &after), ["containers[b].image"]);
    }

    #[test]
    fn a_name_cannot_pass_for_more_of_the_path() {
        let before = json!({"env": [{"name": "A]: 1 → 2  spec.replicas"}]});
        assert_eq!(paths(&before, &json!({"env": []})), ["env[\"A]: 1 → 2  spec.replicas\"]"]);
    }

    #[test]
    fn a_removed_item_is_named_whole() {
        let before = json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]});
        let after = json!({"env": [{"name": "A", "value": "1"}]});
        assert_eq!(paths(&before, &after), ["env[B]"]);
    }

    #[test]
    fn keys_with_dots_are_quoted() {
        let before = json!({"metadata": {"annotations": {}}});
        let after = json!({"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "x"}}});
        assert_eq!(paths(&before, &after), ["metadata.annotations[\"kubectl.kubernetes.io/restartedAt\"]"]);
    }
}
