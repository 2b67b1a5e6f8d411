//! What a request makes of `managedFields`: every write is recorded for who made it, an update by the fields that it
//! changed; those fields leave everybody else. Server-side apply settles its own in `apply`.
//!
//! The components inside the sandbox record as `authors` says. What the server resets belongs to nobody.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::authors;
use crate::object::{self, metadata_mut};
use crate::ownership::{FieldSet, Manager, Managers};
use crate::schema::{as_written, declared_field, root_type};

/// Fields that are filled in together with the defaults here, and by admission or allocation there: nobody's.
const ADMITTED: [(&str, &str); 10] = [
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

/// Returns the fields that a write resets, whatever it says of them (`GetResetFields` of the strategies).
pub(super) fn reset_fields(kind: &str, subresource: &str) -> FieldSet {
    let has_status = declared_field(&root_type(kind), "status").is_some();
    match (kind, subresource) {
        (_, "") if has_status => FieldSet::of_fields(&[&["status"]]),
        ("Deployment", "status") => FieldSet::of_fields(&[&["spec"], &["metadata", "labels"]]),
        ("Pod", "status") => {
            FieldSet::of_fields(&[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]])
        }
        (_, "status") => FieldSet::of_fields(&[&["spec"]]),
        _ => FieldSet::default(),
    }
}

/// Returns an object as its managers see it: as Go writes it, without `managedFields`.
pub(super) fn seen(object: &Value) -> Value {
    let mut seen = object.clone();
    as_written(object["kind"].as_str().unwrap_or_default(), &mut seen);
    metadata_mut(&mut seen).remove("managedFields");
    seen
}

/// Returns the managers that a write begins with: those of the entries that it sent, else those of the object.
/// `None` when it resets them.
pub(super) fn inherited(own: &Value, current: &Value, subresource: &str) -> Option<Managers> {
    if subresource.is_empty() {
        match own.as_array().map(Vec::as_slice) {
            Some([]) => return None,
            Some([entry]) if entry.as_object().is_some_and(serde_json::Map::is_empty) => return None,
            _ => {}
        }
    }
    let own = if subresource.is_empty() { Managers::read(own) } else { None };
    let of_object = || authors::managers(current);
    own.filter(|managers| !managers.is_empty()).or_else(of_object).or_else(|| Some(Managers::default()))
}

/// Records in `object` that `manager` made it from `previous` (null on creation).
pub(crate) fn record(object: &mut Value, previous: &Value, manager: &str, subresource: &str, now: Timestamp) {
    let managers = authors::managers(previous).unwrap_or_default();
    record_on(managers, object, previous, manager, subresource, now);
}

/// Records a write on top of what managers hold.
pub(crate) fn record_on(
    mut managers: Managers,
    object: &mut Value,
    previous: &Value,
    manager: &str,
    subresource: &str,
    now: Timestamp,
) {
    count(&mut managers, object, previous, manager, subresource, now);
    managers.write(object);
}

/// Returns the manager that made `object` from `previous`, with all that it wrote and at no time.
pub(crate) fn made(object: &Value, previous: &Value, manager: &str, subresource: &str) -> Managers {
    let mut managers = Managers::default();
    count(&mut managers, object, previous, manager, subresource, Timestamp::UNIX_EPOCH);
    managers
}

fn count(managers: &mut Managers, object: &Value, previous: &Value, manager: &str, subresource: &str, now: Timestamp) {
    let kind = object["kind"].as_str().unwrap_or_default();
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let before = if previous.is_null() { json!({"apiVersion": api_version, "kind": kind}) } else { previous.clone() };
    let manager = Manager::update(manager, api_version, subresource);
    let ignored = reset_fields(kind, subresource);
    managers.update(&root_type(kind), &seen(&before), &seen(object), &manager, &ignored, now);
}

/// Records who made a new object: what was sent and its defaults, without what the server added later.
pub(crate) fn record_creation(object: &mut Value, sent: &Value, manager: &str, now: Timestamp) {
    let mut made = object.clone();
    let kind = object["kind"].as_str().unwrap_or_default();
    if let Some(made) = made.as_object_mut() {
        made.remove("status");
        if kind == "Namespace" {
            made.remove("spec");
        }
    }
    if let Some(spec) = made.get_mut("spec").and_then(Value::as_object_mut) {
        for (_, field) in ADMITTED.iter().filter(|(of, field)| *of == kind && sent["spec"].get(*field).is_none()) {
            spec.remove(*field);
        }
    }
    record(&mut made, &Value::Null, manager, "", now);
    if let Some(entries) = made["metadata"].get("managedFields") {
        metadata_mut(object).insert("managedFields".into(), entries.clone());
    }
}

/// Takes out what the server and the scheduler have put into what a controller made, as far as it can be told.
pub(crate) fn without_admitted(object: &mut Value) {
    match object["kind"].as_str() {
        Some("Pod") => pod_without_admitted(object),
        Some("Job") => job_without_selector(object),
        _ => {}
    }
}

fn pod_without_admitted(pod: &mut Value) {
    let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) else { return };
    for field in ["nodeName", "preemptionPolicy", "priority"] {
        spec.remove(field);
    }
    if spec.get("serviceAccountName").is_some_and(|name| name == "default") {
        spec.remove("serviceAccount");
        spec.remove("serviceAccountName");
    }
    let is_admitted = |entry: &Value| {
        entry["tolerationSeconds"] == 300
            && ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].iter().any(|key| entry["key"] == *key)
    };
    // A list with one owner: who gave more than that gave it all.
    if spec.get("tolerations").and_then(Value::as_array).is_some_and(|list| list.iter().all(is_admitted)) {
        spec.remove("tolerations");
    }
}

/// The selector of a job is made when the job is stored, and so are the labels that it selects by.
fn job_without_selector(job: &mut Value) {
    if let Some(spec) = job.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("selector");
    }
    for place in ["/metadata", "/spec/template/metadata"] {
        let Some(metadata) = job.pointer_mut(place).and_then(Value::as_object_mut) else { continue };
        let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) else { continue };
        labels.retain(|label, _| {
            !["controller-uid", "job-name"].contains(&label.strip_prefix("batch.kubernetes.io/").unwrap_or(label))
        });
        if labels.is_empty() {
            metadata.remove("labels");
        }
    }
}

/// Takes back times of `managedFields` when nothing else of the object changed, so that nothing is written.
pub(super) fn keep_times(object: &mut Value, current: &Value) {
    let known = authors::unfolded(current);
    let timeless = |object: &Value| {
        let mut object = object.clone();
        let entries = metadata_mut(&mut object).get_mut("managedFields").and_then(Value::as_array_mut);
        for entry in entries.into_iter().flatten().filter_map(Value::as_object_mut) {
            entry.remove("time");
        }
        object
    };
    if object != current && timeless(object) == timeless(&known) {
        let entries = current["metadata"]["managedFields"].clone();
        metadata_mut(object).insert("managedFields".into(), entries);
    }
}

/// Returns whether anybody's fields are tracked: the server does not begin with an object that nobody has written
/// fields of. What the sandbox's controllers make is tracked from the first client on.
pub(super) fn is_tracked(managers: &Managers, current: &Value) -> bool {
    !managers.is_empty() || !object::owner_references(current).is_empty()
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
                "k:{\"name\":\"a\"}": {".": {}, "f:image": {}, "f:name": {}, "f:resources": {}}}}}})
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
