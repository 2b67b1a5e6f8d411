//! Who keeps an object, read from the marks they leave on it: a controller, Helm, Argo CD, Flux.

use serde_json::Value;
use todo_agent_core::Remark;

/// Returns a remark per keeper that will act against, or be surprised by, a change of this object.
pub(crate) fn keepers(object: &Value) -> Vec<Remark> {
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
    remarks
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
        assert_eq!(keepers(&object).len(), 4);
        assert!(keepers(&json!({"metadata": {"labels": {"app": "backend"}}})).is_empty());
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
