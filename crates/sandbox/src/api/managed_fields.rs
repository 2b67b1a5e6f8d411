//! `managedFields`: which manager last wrote which field, in the FieldsV1 form.
//!
//! Every write through the API is recorded as an `Update` of the fields it changed; those fields leave
//! the sets of other managers. Controllers inside the sandbox do not record. Server-side apply is not here.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::object::{metadata_mut, time_text};
use crate::schema::{Merge, OPEN, Shape, field_shape, root_type};

/// A set of fields as FieldsV1 nests it: `{"f:data": {"f:a": {}}}`.
type Set = Map<String, Value>;

/// Records in `object` that `manager` made it from `previous` (null on creation).
pub(crate) fn record(object: &mut Value, previous: &Value, manager: &str, subresource: &str, now: Timestamp) {
    let entries = previous["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let shape = root_type(object["kind"].as_str().unwrap_or_default());
    let changed = changed(&shape, object, previous, Depth::Root);
    let is_own = |entry: &Value| {
        entry["manager"] == manager
            && entry["operation"] == "Update"
            && entry["subresource"].as_str().unwrap_or_default() == subresource
    };
    let mut kept = Vec::new();
    let mut own = Set::new();
    for mut entry in entries {
        let mut fields = entry["fieldsV1"].as_object().cloned().unwrap_or_default();
        prune(&mut fields, &shape, object);
        if is_own(&entry) {
            own = fields;
        } else {
            subtract(&mut fields, &changed);
            if !fields.is_empty() {
                entry["fieldsV1"] = Value::Object(fields);
                kept.push(entry);
            }
        }
    }
    let before = own.clone();
    union(&mut own, &changed);
    if !own.is_empty() {
        let unchanged = changed.is_empty() && before == own;
        let old = previous["metadata"]["managedFields"].as_array().into_iter().flatten().find(|entry| is_own(entry));
        let time = match old {
            Some(entry) if unchanged => entry["time"].clone(),
            _ => time_text(now).into(),
        };
        let mut entry = json!({
            "manager": manager, "operation": "Update", "apiVersion": object["apiVersion"], "time": time,
            "fieldsType": "FieldsV1", "fieldsV1": own
        });
        if !subresource.is_empty() {
            entry["subresource"] = subresource.into();
        }
        if subresource == "scale"
            && let Some(entry) = entry.as_object_mut()
        {
            entry.remove("time");
        }
        kept.push(entry);
    }
    // Sorted as the server does; a write through `scale` has no time.
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    kept.sort_by_key(|entry| {
        (entry["operation"] != "Apply", text(entry, "time"), text(entry, "manager"), text(entry, "subresource"))
    });
    let metadata = metadata_mut(object);
    if kept.is_empty() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".into(), kept.into());
    }
}

/// Metadata that nobody manages: the server sets it.
const UNMANAGED: [&str; 9] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
];

/// Structs that have one owner as a whole (`structType=atomic` in `k8s.io/api`).
const ATOMIC_STRUCTS: [&str; 7] = [
    "LabelSelector",
    "KeySelector",
    "LocalObjectReference",
    "ObjectReference",
    "OwnerReference",
    "RoleRef",
    "ServiceBackendPort",
];

/// Maps that have one owner as a whole (`mapType=atomic`): selectors of services and pods.
const ATOMIC_MAPS: [&str; 2] = ["selector", "nodeSelector"];

/// Fields that even an empty object writes (no `omitempty`), so that nobody adds them.
const ALWAYS_WRITTEN: [&str; 11] = [
    "names",
    "scaleTargetRef",
    "spec",
    "status",
    "template",
    "metadata",
    "strategy",
    "updateStrategy",
    "containers",
    "source",
    "jobTemplate",
];

/// Of these, what nobody owns while it is empty.
const UNOWNED_EMPTY: [&str; 2] = ["metadata", "podSelector"];

/// Fields that the server fills in after the manager's fields were taken down: admission and allocation.
const ADMITTED: [(&str, &str); 11] = [
    ("StatefulSet", "serviceName"),
    ("Pod", "preemptionPolicy"),
    ("Pod", "priority"),
    ("Pod", "serviceAccount"),
    ("Pod", "serviceAccountName"),
    ("Pod", "tolerations"),
    ("Service", "clusterIP"),
    ("Service", "clusterIPs"),
    ("Service", "healthCheckNodePort"),
    ("Service", "ipFamilies"),
    ("Service", "ipFamilyPolicy"),
];

/// Records who made a new object: what was sent and its defaults, without what the server added later.
pub(crate) fn record_creation(object: &mut Value, sent: &Value, manager: &str, now: Timestamp) {
    let mut seen = object.clone();
    let kind = object["kind"].as_str().unwrap_or_default();
    if let Some(seen) = seen.as_object_mut() {
        seen.remove("status");
        if kind == "Namespace" {
            seen.remove("spec");
        }
        for field in ["reportingComponent", "reportingInstance"] {
            if sent.get(field).is_none() {
                seen.remove(field);
            }
        }
        if let Some(spec) = seen.get_mut("spec").and_then(Value::as_object_mut) {
            for (_, field) in ADMITTED.iter().filter(|(of, field)| *of == kind && sent["spec"].get(*field).is_none()) {
                spec.remove(*field);
            }
        }
    }
    record(&mut seen, &Value::Null, manager, "", now);
    if let Some(entries) = seen["metadata"].get("managedFields") {
        metadata_mut(object).insert("managedFields".into(), entries.clone());
    }
}

/// Returns what tells a list's item from the others, as FieldsV1 writes it.
fn identity(key: &str, item: &Value) -> Value {
    match key {
        "port" | "containerPort" => json!({key: item[key], "protocol": item["protocol"]}),
        _ => json!({key: item[key]}),
    }
}

fn is_atomic(shape: &Shape) -> bool {
    matches!(shape, Shape::Struct(name) if ATOMIC_STRUCTS.contains(name))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    Root,
    Metadata,
    Below,
}

/// Returns the fields of `new` that are not as in `old`.
fn changed(shape: &Shape, new: &Value, old: &Value, depth: Depth) -> Set {
    let mut set = Set::new();
    match (shape, new) {
        (Shape::List { of, merge: Merge::ByKey(key) }, Value::Array(items)) => {
            for item in items {
                let identity = identity(key, item);
                let matching =
                    old.as_array().into_iter().flatten().find(|other| self::identity(key, other) == identity);
                let name = format!("k:{identity}");
                if is_atomic(of) {
                    if matching != Some(item) {
                        set.insert(name, json!({}));
                    }
                    continue;
                }
                let inner = changed(of, item, matching.unwrap_or(&Value::Null), Depth::Below);
                insert(&mut set, name, inner, matching.is_none(), true);
            }
        }
        (Shape::List { merge: Merge::Set, .. }, Value::Array(items)) => {
            for item in items.iter().filter(|item| !old.as_array().is_some_and(|old| old.contains(item))) {
                set.insert(format!("v:{item}"), json!({}));
            }
        }
        (_, Value::Object(fields)) => {
            for (name, value) in fields {
                let skipped = match depth {
                    Depth::Root => ["apiVersion", "kind"].contains(&name.as_str()),
                    Depth::Metadata => UNMANAGED.contains(&name.as_str()),
                    Depth::Below => false,
                };
                let before = &old[name];
                let is_empty = UNOWNED_EMPTY.contains(&name.as_str()) && *value == json!({}) && before.is_null();
                if skipped || value == before || is_empty {
                    continue;
                }
                let inner_shape = field_shape(shape, name);
                let deeper = if depth == Depth::Root && name == "metadata" { Depth::Metadata } else { Depth::Below };
                if is_leaf(&inner_shape, value) || ATOMIC_MAPS.contains(&name.as_str()) {
                    set.insert(format!("f:{name}"), json!({}));
                } else {
                    let inner = changed(&inner_shape, value, before, deeper);
                    let dotted = inner_shape == OPEN
                        || !ALWAYS_WRITTEN.contains(&name.as_str()) && inner_shape != Shape::Struct("VolumeResources");
                    insert(&mut set, format!("f:{name}"), inner, before.is_null() && deeper == Depth::Below, dotted);
                }
            }
        }
        _ => {}
    }
    set
}

/// Adds a nested set. A container that is new itself is owned too: `"."` beside its fields.
fn insert(set: &mut Set, key: String, mut inner: Set, new: bool, dotted: bool) {
    if new && dotted {
        inner.insert(".".into(), json!({}));
    }
    if new || !inner.is_empty() {
        set.insert(key, Value::Object(inner));
    }
}

fn is_leaf(shape: &Shape, value: &Value) -> bool {
    match value {
        Value::Object(_) if is_atomic(shape) => true,
        Value::Object(fields) => fields.is_empty() || matches!(shape, Shape::Any),
        Value::Array(_) => !matches!(shape, Shape::List { merge: Merge::ByKey(_) | Merge::Set, .. }),
        _ => true,
    }
}

fn union(into: &mut Set, from: &Set) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => union(inner, more),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Takes the leaves of `other` out of `from`.
fn subtract(from: &mut Set, other: &Set) {
    for (key, value) in other {
        let Some(Value::Object(inner)) = from.get_mut(key) else { continue };
        match value {
            Value::Object(more) if !more.is_empty() => subtract(inner, more),
            _ => inner.clear(),
        }
        if inner.is_empty() {
            from.remove(key);
        }
    }
}

/// Takes out the fields that the object no longer has.
fn prune(set: &mut Set, shape: &Shape, value: &Value) {
    let keys: BTreeSet<String> = set.keys().cloned().collect();
    for key in keys {
        let (present, inner_shape) = match key.split_at_checked(2) {
            Some(("f:", name)) => (value.get(name).filter(|it| !it.is_null()), field_shape(shape, name)),
            Some(("k:", text)) => {
                let wanted: Value = serde_json::from_str(text).unwrap_or_default();
                let fits = |item: &&Value| {
                    wanted.as_object().is_some_and(|wanted| wanted.iter().all(|(name, part)| item[name] == *part))
                };
                let inner = if let Shape::List { of, .. } = shape { Shape::clone(of) } else { Shape::Any };
                (value.as_array().and_then(|items| items.iter().find(fits)), inner)
            }
            Some(("v:", text)) => {
                let wanted: Value = serde_json::from_str(text).unwrap_or_default();
                (value.as_array().and_then(|items| items.iter().find(|item| **item == wanted)), Shape::Any)
            }
            _ => continue,
        };
        let emptied = match (present, set.get_mut(&key)) {
            (Some(present), Some(Value::Object(inner))) if !inner.is_empty() => {
                prune(inner, &inner_shape, present);
                inner.is_empty()
            }
            (present, _) => present.is_none(),
        };
        if emptied {
            set.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn fields(object: &Value, manager: &str) -> Value {
        let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        entries
            .into_iter()
            .find(|entry| entry["manager"] == manager)
            .map_or(Value::Null, |entry| entry["fieldsV1"].clone())
    }

    #[test]
    fn a_new_secret_names_its_keys() {
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "labels": {"x": "y"}},
            "data": {"password": "eA=="}, "type": "Opaque"
        });
        record(&mut secret, &Value::Null, "kubectl-create", "", NOW);
        assert_eq!(
            fields(&secret, "kubectl-create"),
            json!({"f:data": {".": {}, "f:password": {}}, "f:metadata": {"f:labels": {".": {}, "f:x": {}}}, "f:type": {}})
        );
    }

    #[test]
    fn a_changed_field_changes_hands() {
        let mut first = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "a", "image": "a:1"}]}}}
        });
        record(&mut first, &Value::Null, "helm", "", NOW);
        let mut second = first.clone();
        second["spec"]["replicas"] = 3.into();
        record(&mut second, &first, "kubectl", "scale", NOW);
        assert_eq!(fields(&second, "kubectl"), json!({"f:spec": {"f:replicas": {}}}));
        assert_eq!(
            fields(&second, "helm")["f:spec"],
            json!({"f:template": {"f:spec": {"f:containers": {
                "k:{\"name\":\"a\"}": {".": {}, "f:image": {}, "f:name": {}}}}}})
        );
        assert_eq!(second["metadata"]["managedFields"][0]["subresource"], "scale");
    }

    #[test]
    fn fields_that_are_gone_are_forgotten_and_no_change_leaves_no_trace() {
        let mut first =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": "1", "b": "2"}});
        record(&mut first, &Value::Null, "one", "", NOW);
        let mut same = first.clone();
        record(&mut same, &first, "one", "", NOW.checked_add(jiff::Span::new().seconds(5)).unwrap());
        assert_eq!(same, first);
        let mut second = first.clone();
        second["data"] = json!({"a": "1"});
        record(&mut second, &first, "two", "", NOW);
        assert_eq!(fields(&second, "one"), json!({"f:data": {".": {}, "f:a": {}}}));
        assert_eq!(fields(&second, "two"), Value::Null);
    }
}
