//! The revisions of a workload: ReplicaSets of a Deployment, ControllerRevisions of a StatefulSet or
//! DaemonSet; and what changed from one pod template to the next.
//!
//! Values of environment variables are never part of what is told; their names are.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use todo_agent_core::{ClusterError, ObjectRef, Reader};

use crate::{value, workloads};

/// The annotation with a ReplicaSet's revision number.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// The annotation in which people note why they changed something.
pub(crate) const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// The label the Deployment controller adds to a ReplicaSet's template; nobody asked for it.
const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// One revision of a workload.
#[derive(Debug, Clone)]
pub(crate) struct Revision {
    /// Its number; the highest is the newest.
    pub(crate) number: i64,
    /// The pod template, as the workload held it.
    pub(crate) template: Value,
    /// When it was first rolled out.
    pub(crate) created: Option<Timestamp>,
    /// What a person noted about it.
    pub(crate) cause: Option<String>,
    /// How many of its replicas there are and are ready; `None` where that is not recorded.
    pub(crate) replicas: Option<(i64, i64)>,
    /// The label that its pods carry, as key and value.
    pub(crate) pod_label: (&'static str, String),
    /// Whether it is the one the workload asks for now.
    pub(crate) is_current: bool,
}

/// Returns the workload's revisions, oldest first. Costs one request.
pub(crate) async fn of(reader: &dyn Reader, object: &ObjectRef, live: &Value) -> Result<Vec<Revision>, ClusterError> {
    let namespace = object.namespace.as_deref().unwrap_or_default();
    let kind = if object.resource.kind == "Deployment" { "ReplicaSet" } else { "ControllerRevision" };
    let mut found = workloads::list_matching(reader, kind, namespace, live).await?;
    found.retain(|candidate| workloads::is_controlled_by(candidate, live));
    let mut revisions: Vec<Revision> = if kind == "ReplicaSet" {
        found.iter().filter_map(|set| of_replica_set(set, live)).collect()
    } else {
        let of_one = |revision: &Value| of_controller_revision(revision, live);
        found.iter().filter_map(of_one).collect()
    };
    revisions.sort_by_key(|revision| revision.number);
    // A DaemonSet's status names no revision: its newest is the one it asks for.
    if !revisions.iter().any(|revision| revision.is_current)
        && let Some(newest) = revisions.last_mut()
    {
        newest.is_current = true;
    }
    Ok(revisions)
}

/// Returns the revision number a Deployment notes on itself.
pub(crate) fn current_number(live: &Value) -> Option<i64> {
    value::meta(live, "annotations", REVISION)?.parse().ok()
}

fn of_replica_set(set: &Value, deployment: &Value) -> Option<Revision> {
    let number = value::meta(set, "annotations", REVISION)?.parse().ok()?;
    let mut template = set.pointer("/spec/template")?.clone();
    let hash = value::meta(set, "labels", POD_TEMPLATE_HASH).unwrap_or_default().to_owned();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(POD_TEMPLATE_HASH);
    }
    let current =
        deployment.pointer("/spec/template").is_some_and(|live| value::digest(live) == value::digest(&template));
    Some(Revision {
        number,
        template,
        created: value::instant(set, "/metadata/creationTimestamp"),
        cause: value::meta(set, "annotations", CHANGE_CAUSE).map(str::to_owned),
        replicas: Some((
            value::number(set, "/status/replicas").unwrap_or(0),
            value::number(set, "/status/readyReplicas").unwrap_or(0),
        )),
        pod_label: (POD_TEMPLATE_HASH, hash),
        is_current: current,
    })
}

fn of_controller_revision(revision: &Value, owner: &Value) -> Option<Revision> {
    let mut template = revision.pointer("/data/spec/template")?.clone();
    if let Some(fields) = template.as_object_mut() {
        // The stored patch says "replace" to a strategic merge; it is no part of the template.
        fields.remove("$patch");
    }
    let name = value::name(revision);
    // A StatefulSet's pods carry the revision's name, a DaemonSet's the hash in it.
    let names_revision = owner.pointer("/status/updateRevision").is_some();
    let hash = value::meta(revision, "labels", "controller-revision-hash").filter(|_| !names_revision);
    Some(Revision {
        number: value::number(revision, "/revision")?,
        template,
        created: value::instant(revision, "/metadata/creationTimestamp"),
        cause: value::meta(revision, "annotations", CHANGE_CAUSE).map(str::to_owned),
        replicas: None,
        pod_label: ("controller-revision-hash", hash.unwrap_or(name).to_owned()),
        is_current: value::text(owner, "/status/updateRevision") == name,
    })
}

/// Returns what changed from one pod template to the next, one short line each.
pub(crate) fn changes(before: &Value, after: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let restarted = "kubectl.kubernetes.io/restartedAt";
    let annotation = |template: &Value| value::meta(template, "annotations", restarted).map(str::to_owned);
    if annotation(before) != annotation(after) {
        lines.push("restarted".to_owned());
    }
    for (field, what) in [("/spec/containers", ""), ("/spec/initContainers", "init ")] {
        let (old, new) = (by_name(before, field), by_name(after, field));
        for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            match (old.get(name), new.get(name)) {
                (Some(old), Some(new)) => lines.extend(container_changes(name, old, new)),
                (None, Some(_)) => lines.push(format!("{what}container {name} added")),
                (Some(_), None) => lines.push(format!("{what}container {name} removed")),
                (None, None) => {}
            }
        }
    }
    if without_containers(before) != without_containers(after) {
        let fields = changed_fields(&without_containers(before), &without_containers(after));
        lines.push(format!("changed: {}", fields.join(", ")));
    }
    lines
}

fn container_changes(name: &str, old: &Value, new: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let (old_image, new_image) = (value::text(old, "/image"), value::text(new, "/image"));
    if old_image != new_image {
        lines.push(format!("{name} image {old_image} → {new_image}"));
    }
    let (old_env, new_env) = (by_name(old, "/env"), by_name(new, "/env"));
    for variable in old_env.keys().chain(new_env.keys()).collect::<BTreeSet<_>>() {
        // Values may be secret; the name says enough.
        match (old_env.get(variable), new_env.get(variable)) {
            (None, Some(_)) => lines.push(format!("{name} env {variable} added")),
            (Some(_), None) => lines.push(format!("{name} env {variable} removed")),
            (Some(old), Some(new)) if old != new => lines.push(format!("{name} env {variable} changed")),
            _ => {}
        }
    }
    for amount in ["requests", "limits"] {
        for resource in ["cpu", "memory"] {
            let at = format!("/resources/{amount}/{resource}");
            let (old, new) = (value::text(old, &at), value::text(new, &at));
            if old != new {
                let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
                lines.push(format!("{name} {amount} {resource} {} → {}", shown(old), shown(new)));
            }
        }
    }
    let known = ["image", "env", "resources"];
    let rest = changed_fields(old, new);
    let rest: Vec<String> = rest.into_iter().filter(|field| !known.contains(&field.as_str())).collect();
    if !rest.is_empty() {
        lines.push(format!("{name} {} changed", rest.join(", ")));
    }
    lines
}

fn by_name<'v>(value: &'v Value, pointer: &str) -> BTreeMap<&'v str, &'v Value> {
    value::items(value, pointer).iter().map(|item| (value::name_of(item), item)).collect()
}

/// Returns the template's other parts: what is not a container and not a restart.
fn without_containers(template: &Value) -> Value {
    let mut spec = template.get("spec").cloned().unwrap_or_default();
    if let Some(fields) = spec.as_object_mut() {
        fields.remove("containers");
        fields.remove("initContainers");
    }
    let mut annotations = template.pointer("/metadata/annotations").cloned().unwrap_or_default();
    if let Some(fields) = annotations.as_object_mut() {
        fields.remove("kubectl.kubernetes.io/restartedAt");
    }
    if annotations.as_object().is_some_and(serde_json::Map::is_empty) {
        annotations = Value::Null;
    }
    json!({"spec": spec, "labels": template.pointer("/metadata/labels"), "annotations": annotations})
}

/// Returns the names of the fields that differ, one level below the top for `spec`.
fn changed_fields(before: &Value, after: &Value) -> Vec<String> {
    let keys: BTreeSet<&str> =
        value::entries(before, "").chain(value::entries(after, "")).map(|(key, _)| key).collect();
    let mut fields = Vec::new();
    for key in keys {
        let (old, new) = (before.get(key).unwrap_or(&Value::Null), after.get(key).unwrap_or(&Value::Null));
        if old != new {
            if key == "spec" {
                fields.extend(changed_fields(old, new));
            } else {
                fields.push(key.to_owned());
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_told_without_values_of_variables() {
        let before = json!({"metadata": {"labels": {"app": "a"}}, "spec": {
            "serviceAccountName": "a",
            "containers": [{"name": "app", "image": "a:1", "env": [{"name": "TOKEN", "value": "x"}],
                "resources": {"limits": {"memory": "1Gi"}}}]}});
        let after = json!({"metadata": {"labels": {"app": "a"}, "annotations": {"kubectl.kubernetes.io/restartedAt": "t"}}, "spec": {
            "serviceAccountName": "b",
            "containers": [
                {"name": "app", "image": "a:2", "env": [{"name": "TOKEN", "value": "y"}, {"name": "B", "value": "1"}],
                    "resources": {"limits": {"memory": "2Gi", "cpu": "1"}}, "command": ["run"]},
                {"name": "proxy", "image": "p:1"}]}});
        assert_eq!(
            changes(&before, &after),
            [
                "restarted",
                "app image a:1 → a:2",
                "app env B added",
                "app env TOKEN changed",
                "app limits cpu none → 1",
                "app limits memory 1Gi → 2Gi",
                "app command changed",
                "container proxy added",
                "changed: serviceAccountName",
            ]
        );
        assert!(changes(&before, &before).is_empty());
    }
}
