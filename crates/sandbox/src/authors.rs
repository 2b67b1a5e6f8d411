//! What the cluster's own components hold of the objects that they make and report on: their entries in
//! `managedFields`.
//!
//! A kubelet writes a pod ten times before it is ready, and hardly anybody looks at who holds what. So an entry of a
//! component is kept folded, without its fields, as long as these follow from the object: what a controller made is
//! its own, and so is a status with whoever reports it, but for what it began with. They are unfolded for a client;
//! from its write on they are counted write by write, as a client's are.

mod unfolding;

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::managed_fields::{self, made};
use crate::conditions;
use crate::defaults;
use crate::dispatch::controller_of;
use crate::object::{self, metadata_mut, time_text};
use crate::ownership::Managers;
use crate::store::Key;
pub(crate) use unfolding::Unfolding;

/// The controllers, all of which run in one program.
pub(crate) const CONTROLLERS: &str = "kube-controller-manager";
const SCHEDULER: &str = "kube-scheduler";
const KUBELET: &str = "kubelet";
/// The annotation that the Deployment controller writes together with the status.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// The conditions that a kubelet writes.
const OF_KUBELET: [&str; 4] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"];

/// Signs a new object for the controller that it belongs to.
pub(crate) fn sign_creation(object: &mut Value, now: Timestamp) {
    if controller_of(object).is_some() {
        let entry = folded(object, CONTROLLERS, "", now);
        metadata_mut(object).insert("managedFields".into(), json!([entry]));
    }
}

/// Signs a status for the component that has made it of the previous one.
pub(crate) fn sign_status(object: &mut Value, previous: &Value, key: &Key, now: Timestamp) {
    let Some(author) = author_of_status(key, object) else { return };
    let entries = previous["metadata"]["managedFields"].as_array().map_or(&[][..], Vec::as_slice);
    // The server does not begin with an object that nobody has written fields of.
    if entries.is_empty() {
        return;
    }
    let is_counted = |entry: &Value| entry["fieldsV1"].get("f:status").is_some();
    if entries.iter().any(is_counted) {
        let managers = managers(previous).unwrap_or_default();
        managed_fields::record_on(managers, object, previous, author, "status", now);
        return;
    }
    let entry = folded(object, author, "status", now);
    let is_own = |it: &Value| it["manager"] == author && it["subresource"] == "status" && is_folded(it);
    if let Some(Value::Array(entries)) = metadata_mut(object).get_mut("managedFields") {
        match entries.iter_mut().find(|it| is_own(it)) {
            Some(own) => own["time"] = entry["time"].clone(),
            None => entries.push(entry),
        }
    }
}

/// Signs a new size for the autoscaler, which writes it through `scale`.
pub(crate) fn sign_scale(object: &mut Value, previous: &Value, now: Timestamp) {
    if let Some(managers) = managers(previous).filter(|managers| !managers.is_empty()) {
        managed_fields::record_on(managers, object, previous, CONTROLLERS, "scale", now);
    }
}

/// Returns who writes the status of an object, `None` when that leaves no trace: the condition that a pod has a node
/// comes with its binding.
fn author_of_status(key: &Key, object: &Value) -> Option<&'static str> {
    match (key.group.as_str(), key.plural.as_str()) {
        ("", "pods") if object["spec"]["nodeName"].is_string() => Some(KUBELET),
        ("", "pods") if conditions::is_true(&object["status"], "PodScheduled") => None,
        ("", "pods") => Some(SCHEDULER),
        ("apps" | "autoscaling" | "batch" | "policy", _) => Some(CONTROLLERS),
        _ => None,
    }
}

fn folded(object: &Value, author: &str, subresource: &str, now: Timestamp) -> Value {
    let mut entry = json!({
        "manager": author, "operation": "Update", "apiVersion": object["apiVersion"], "time": time_text(now)
    });
    if !subresource.is_empty() {
        entry["subresource"] = subresource.into();
    }
    entry
}

fn is_folded(entry: &Value) -> bool {
    entry.get("fieldsType").is_none()
}

/// Returns who holds what of an object; `None` when an entry makes no sense.
pub(crate) fn managers(object: &Value) -> Option<Managers> {
    let entries = &object["metadata"]["managedFields"];
    let is_any_folded = entries.as_array().is_some_and(|entries| entries.iter().any(is_folded));
    if !is_any_folded {
        return Managers::read(entries);
    }
    let (folded, whole): (Vec<&Value>, Vec<&Value>) = entries.as_array()?.iter().partition(|it| is_folded(it));
    let mut managers = Managers::read(&json!(whole))?;
    for entry in folded {
        managers.join(unfolded_entry(entry, object), &entry["time"]);
    }
    Some(managers)
}

/// Returns an object as clients see it.
pub(crate) fn unfolded(object: &Value) -> Cow<'_, Value> {
    let entries = object["metadata"]["managedFields"].as_array();
    if !entries.is_some_and(|entries| entries.iter().any(is_folded)) {
        return Cow::Borrowed(object);
    }
    let mut shown = object.clone();
    managers(object).unwrap_or_default().write(&mut shown);
    Cow::Owned(shown)
}

/// Returns the manager of a folded entry with the fields that follow from the object.
fn unfolded_entry(entry: &Value, object: &Value) -> Managers {
    let text = |field: &str| entry[field].as_str().unwrap_or_default();
    let (author, subresource) = (text("manager"), text("subresource"));
    if subresource.is_empty() {
        return made(&as_it_began(object), &Value::Null, author, "");
    }
    let mut before = json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "spec": object["spec"]});
    let mut after = before.clone();
    defaults::initial_status(&mut before, Timestamp::UNIX_EPOCH);
    after["status"] = object["status"].clone();
    match object["kind"].as_str() {
        Some("Pod") if author == KUBELET => {
            let others = of_others(object);
            if !others.is_empty() {
                before["status"]["conditions"] = others.into();
            }
        }
        Some("Pod") => {
            after["status"] = before["status"].clone();
            after["status"]["conditions"] =
                conditions::find(&object["status"], "PodScheduled").cloned().into_iter().collect();
        }
        // What was resized has been of another size than none.
        Some("ReplicaSet" | "StatefulSet") if object["status"]["observedGeneration"].as_u64() > Some(1) => {
            before["status"] = json!({"replicas": -1, "availableReplicas": -1});
        }
        Some("Deployment") => {
            if let Some(revision) = object["metadata"]["annotations"].get(REVISION) {
                after["metadata"] = json!({"annotations": {REVISION: revision}});
            }
        }
        _ => {}
    }
    made(&after, &before, author, "status")
}

/// Returns the conditions of a pod that its kubelet has found there, as they were.
fn of_others(pod: &Value) -> Vec<Value> {
    let entries = pod["metadata"]["managedFields"].as_array();
    let was_refused = entries.is_some_and(|entries| entries.iter().any(|entry| entry["manager"] == SCHEDULER));
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    let others = conditions.filter(|it| !OF_KUBELET.iter().any(|kind| it["type"] == *kind));
    let found = others.cloned().map(|mut condition| {
        if let Some(condition) = condition.as_object_mut().filter(|it| it["type"] == "PodScheduled" && !was_refused) {
            condition.remove("observedGeneration");
        }
        condition
    });
    found.collect()
}

/// Returns an object without what others than its maker have added: its status, its node, the marks of its deletion.
fn as_it_began(object: &Value) -> Value {
    let mut began = object.clone();
    let metadata = metadata_mut(&mut began);
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds"] {
        metadata.remove(field);
    }
    for finalizer in [crate::store::FOREGROUND, crate::store::ORPHAN] {
        object::remove_finalizer(&mut began, finalizer);
    }
    if let Some(began) = began.as_object_mut() {
        began.remove("status");
    }
    managed_fields::without_admitted(&mut began);
    began
}
