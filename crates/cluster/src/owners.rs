//! Who keeps an object, read from the marks they leave on it: a controller, Helm, Argo CD, Flux.

use serde_json::Value;
use todo_agent_core::{Remark, view::FieldChange};

/// Returns a remark per keeper that will act against, or be surprised by, these changes of an object.
pub(crate) fn keepers(object: &Value, diff: &[FieldChange]) -> Vec<Remark> {
    let metadata = &object["metadata"];
    let annotation = |key: &str| metadata["annotations"][key].as_str();
    let label = |key: &str| metadata["labels"][key].as_str();
    let mut remarks = Vec::new();
    for owner in metadata["ownerReferences"].as_array().into_iter().flatten() {
        if owner["controller"] == true
            && let (Some(kind), Some(name)) = (owner["kind"].as_str(), owner["name"].as_str())
        {
            let owner = format!("{}/{name}", kind.to_lowercase());
            remarks
                .push(Remark::KeptBy(format!("{owner} made this object and will set it back; change {owner} instead")));
        }
    }
    if let Some(release) = annotation("meta.helm.sh/release-name") {
        remarks.push(Remark::KeptBy(format!(
            "Helm release {release} made this object; its next upgrade may set this back or report a conflict"
        )));
    }
    if annotation("argocd.argoproj.io/tracking-id").is_some() || label("argocd.argoproj.io/instance").is_some() {
        remarks.push(Remark::KeptBy(
            "Argo CD keeps this object and may revert the change; change its source instead".to_owned(),
        ));
    }
    for mark in ["kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name"] {
        if let Some(name) = label(mark) {
            remarks.push(Remark::KeptBy(format!(
                "Flux ({name}) keeps this object and will revert the change; change its source instead"
            )));
        }
    }
    remarks.extend(appliers(object, diff).into_iter().map(|(manager, path)| {
        Remark::KeptBy(format!("{manager} applied {path}; its next apply sets it back or reports a conflict"))
    }));
    remarks
}

/// Returns who keeps changed fields by server-side apply, each with the first such field.
fn appliers<'o>(object: &'o Value, diff: &'o [FieldChange]) -> Vec<(&'o str, &'o str)> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let applied = entries.filter(|entry| entry["operation"] == "Apply");
    applied
        .filter_map(|entry| {
            let manager = entry["manager"].as_str().filter(|manager| *manager != "todo-agent")?;
            let change = diff.iter().find(|change| owns(&entry["fieldsV1"], &change.path))?;
            Some((manager, change.path.as_str()))
        })
        .collect()
}

/// Returns whether a set of fields holds a path such as `spec.template.spec.containers[backend].image`, or
/// something in it.
fn owns(fields: &Value, path: &str) -> bool {
    let mut at = fields;
    for segment in segments(path) {
        let found = match segment {
            Segment::Field(name) => at.get(format!("f:{name}")),
            // Source: structured-merge-diff, fieldpath: an item of a list is named by its keys as JSON.
            Segment::Item(name) => at.as_object().and_then(|items| {
                let is_it = |key: &str| {
                    let keys = key.strip_prefix("k:").and_then(|keys| serde_json::from_str::<Value>(keys).ok());
                    keys.is_some_and(|keys| keys["name"] == name.as_str())
                };
                let field = items.get(&format!("f:{name}"));
                field.or_else(|| items.iter().find(|(key, _)| is_it(key)).map(|(_, item)| item))
            }),
        };
        match found {
            Some(inner) => at = inner,
            None => return false,
        }
    }
    true
}

enum Segment {
    Field(String),
    /// The item of a list, or a key with dots or slashes in it.
    Item(String),
}

fn segments(path: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let quoted = inner.starts_with('"');
            let end = if quoted { inner.find("\"]").map(|end| end + 1) } else { inner.find(']') };
            let Some(end) = end else { break };
            let name = &inner[..end];
            segments.push(Segment::Item(serde_json::from_str(name).unwrap_or_else(|_| name.to_owned())));
            rest = inner[end + 1..].trim_start_matches('.');
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            segments.push(Segment::Field(rest[..end].to_owned()));
            rest = rest[end..].trim_start_matches('.');
        }
    }
    segments
}

/// Returns who wrote the object's content last, from `managedFields`; status writers do not count.
pub(crate) fn last_writer(object: &Value) -> Option<&str> {
    writer_of(object, &[])
}

/// Returns who wrote a field last. Whoever changes a field takes it from the owners before, so the owners
/// that are left are asked; the entry of a `scale` writer has no time on a real server and is then newest.
pub(crate) fn writer_of<'o>(object: &'o Value, path: &[&str]) -> Option<&'o str> {
    let owns = |entry: &&Value| {
        let field = path.iter().try_fold(&entry["fieldsV1"], |fields, name| fields.get(format!("f:{name}")));
        entry["subresource"] != "status" && field.is_some()
    };
    object["metadata"]["managedFields"]
        .as_array()?
        .iter()
        .filter(owns)
        .max_by_key(|entry| entry["time"].as_str().unwrap_or("newest"))?["manager"]
        .as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keepers_are_recognised_by_their_marks() {
        let object = json!({"metadata": {
            "labels": {"kustomize.toolkit.fluxcd.io/name": "apps"},
            "annotations": {"meta.helm.sh/release-name": "todo", "argocd.argoproj.io/tracking-id": "x"},
            "ownerReferences": [{"controller": true, "kind": "Deployment", "name": "backend"}],
        }});
        assert_eq!(keepers(&object, &[]).len(), 4);
        assert!(keepers(&json!({"metadata": {"labels": {"app": "backend"}}}), &[]).is_empty());
    }

    #[test]
    fn who_applies_a_field_keeps_it() {
        let image = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"app\"}": {".": {}, "f:name": {}, "f:image": {}}}}}}});
        let labels = json!({"f:metadata": {"f:labels": {"f:example.com/tier": {}}}});
        let object = json!({"metadata": {"managedFields": [
            {"manager": "helm", "operation": "Apply", "fieldsV1": image},
            {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": image},
            {"manager": "labeller", "operation": "Apply", "fieldsV1": labels},
        ]}});
        let kept = |path: &str| {
            let change = FieldChange { path: path.to_owned(), before: None, after: None };
            keepers(&object, &[change]).len()
        };
        assert_eq!(kept("spec.template.spec.containers[app].image"), 1);
        assert_eq!(kept("metadata.labels[\"example.com/tier\"]"), 1);
        assert_eq!(kept("spec.template.spec.containers[side].image"), 0);
        assert_eq!(kept("spec.replicas"), 0);
    }

    /// As Kubernetes 1.37.1 shows it after an autoscaler has set the count again.
    #[test]
    fn the_writer_of_a_field_is_its_owner_not_the_latest_entry() {
        let object = json!({"metadata": {"managedFields": [
            {"manager": "kube-controller-manager", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "todo-agent", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:template": {}}}},
            {"manager": "kube-controller-manager", "subresource": "status", "time": "2026-01-03T00:00:00Z",
                "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        ]}});
        assert_eq!(writer_of(&object, &["spec", "replicas"]), Some("kube-controller-manager"));
        assert_eq!(writer_of(&object, &["spec", "template"]), Some("todo-agent"));
        assert_eq!(writer_of(&object, &["spec", "paused"]), None);
    }
}
