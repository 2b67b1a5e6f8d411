//! What is kept of a deleted object, so that it can be made again: what its owners wrote, and nothing secret.
//!
//! Pure. What the server or a controller gave it is left out, since it would be refused or belong to another.

use serde_json::{Map, Value};
use todo_agent_core::{ObjectRef, Run};

use crate::value;

/// The largest object that is kept in the journal.
const LARGEST: usize = 64 * 1024;

/// Kinds that are more than their object.
const NEVER: &[(&str, &str)] = &[
    ("Secret", "the values of a Secret are never kept, so it cannot be made again from here"),
    ("Namespace", "what is in a namespace is not kept, so it cannot be made again from here"),
    ("PersistentVolume", "a volume's data is not kept, so it cannot be made again from here"),
    ("CustomResourceDefinition", "the objects of its kind go with it and are not kept, so it cannot be taken back"),
    ("Node", "a node registers itself; it cannot be made again from here"),
];

/// Annotations that belong to the object as it was.
const PASSING: &[&str] = &[
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/selected-node",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-provisioner",
    "control-plane.alpha.kubernetes.io/",
    "batch.kubernetes.io/",
];

/// Returns what to make the object from again, or why that cannot be.
pub(super) fn of(object: &ObjectRef, live: &Value, run: &Run) -> Result<Value, String> {
    let kind = object.resource.kind.as_str();
    if let Some((_, why)) = NEVER.iter().find(|(never, _)| *never == kind) {
        return Err((*why).to_owned());
    }
    if let Some((owner, name)) = value::controller(live) {
        return Err(format!(
            "{}/{name} makes it as it needs it, so there is nothing to take back",
            owner.to_lowercase()
        ));
    }
    let saved = without_what_was_given(live);
    if saved.to_string().len() > LARGEST {
        return Err("it is larger than 64 KiB and is not kept, so it cannot be made again from here".to_owned());
    }
    if *run.redactor.value(&saved) != saved {
        return Err(
            "it holds what looks like a secret, which is never kept, so it cannot be made again from here".to_owned()
        );
    }
    Ok(saved)
}

fn without_what_was_given(live: &Value) -> Value {
    let mut saved = live.clone();
    let mut metadata = Map::new();
    for field in ["name", "namespace", "labels", "annotations"] {
        if let Some(given) = live["metadata"].get(field) {
            metadata.insert(field.to_owned(), given.clone());
        }
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| !PASSING.iter().any(|passing| key.starts_with(passing)));
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    saved["metadata"] = Value::Object(metadata);
    if let Some(fields) = saved.as_object_mut() {
        fields.remove("status");
    }
    let fields: &[&str] = match live["kind"].as_str() {
        Some("Pod") => &["nodeName", "serviceAccount"],
        Some("PersistentVolumeClaim") => &["volumeName"],
        Some("Service") if live["spec"]["clusterIP"] != "None" => &["clusterIP", "clusterIPs"],
        Some("Job") if live["spec"]["manualSelector"] != true => &["selector"],
        _ => &[],
    };
    if let Some(spec) = saved["spec"].as_object_mut() {
        spec.retain(|key, _| !fields.contains(&key.as_str()));
    } else if saved.get("spec").is_some_and(Value::is_null)
        && let Some(all) = saved.as_object_mut()
    {
        all.remove("spec");
    }
    if live["kind"] == "Job"
        && let Some(labels) = saved.pointer_mut("/spec/template/metadata/labels").and_then(Value::as_object_mut)
    {
        labels.retain(|key, _| !key.contains("controller-uid") && !key.contains("job-name"));
    }
    saved
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_server_gave_is_left_out() {
        let live = json!({"kind": "Service", "metadata": {"name": "a", "namespace": "todo", "uid": "u", "generation": 3,
            "annotations": {"deployment.kubernetes.io/revision": "2"}}, "spec": {"clusterIP": "10.0.0.1",
            "clusterIPs": ["10.0.0.1"], "ports": [{"port": 80}]}, "status": {"loadBalancer": {}}});
        let saved = json!({"kind": "Service", "metadata": {"name": "a", "namespace": "todo"},
            "spec": {"ports": [{"port": 80}]}});
        assert_eq!(without_what_was_given(&live), saved);
        let map = json!({"kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}});
        assert_eq!(without_what_was_given(&map), map);
    }
}
