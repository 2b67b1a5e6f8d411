//! The checks the API server makes before it stores an object, with its words.
//!
//! Source: `k8s.io/kubernetes/pkg/apis/*/validation` (v1.37), the common ones. An object that passes here
//! could still fail on a real server in rare fields; nothing fails here that passes there.

mod autoscaling;
mod batch;
mod definitions;
mod names;
mod network;
mod pods;
mod policy;
mod resources;
mod storage;
#[cfg(test)]
mod tests;
mod workloads;

use serde_json::Value;

use crate::api::Cause;

/// Returns what is wrong with a new object.
pub(crate) fn on_create(object: &Value) -> Vec<Cause> {
    let mut causes = names::metadata(object);
    causes.extend(content(object));
    causes
}

/// Returns what is wrong with an object that replaces `current`.
pub(crate) fn on_update(object: &Value, current: &Value) -> Vec<Cause> {
    let mut causes = names::labels_and_annotations(&object["metadata"], "metadata");
    causes.extend(new_finalizers(object, current));
    match kind(object) {
        // In the order of the real server, which people see.
        "DaemonSet" => causes.extend(batch::update(object, current)),
        "Job" | "CronJob" => {
            causes.extend(content(object));
            causes.extend(batch::update(object, current));
            return causes;
        }
        "PersistentVolumeClaim" | "PersistentVolume" | "StorageClass" => {
            causes.extend(content(object));
            causes.extend(storage::update(object, current));
            return causes;
        }
        "CustomResourceDefinition" => causes.extend(definitions::update(object, current)),
        "IngressClass" => causes.extend(network::update(object, current)),
        "Deployment" | "ReplicaSet" | "StatefulSet" => {
            causes.extend(content(object));
            causes.extend(workloads::update(object, current));
            return causes;
        }
        "Pod" => causes.extend(pods::update(object, current)),
        _ => causes.extend(resources::update(object, current)),
    }
    causes.extend(content(object));
    causes
}

fn content(object: &Value) -> Vec<Cause> {
    match kind(object) {
        "Pod" => pods::spec(&object["spec"], "spec"),
        "Deployment" | "ReplicaSet" | "StatefulSet" => workloads::content(object),
        "CustomResourceDefinition" => definitions::content(object),
        "DaemonSet" => batch::daemon_set(object),
        "Job" => batch::job(object),
        "CronJob" => batch::cron_job(object),
        "PersistentVolumeClaim" | "PersistentVolume" | "StorageClass" => storage::content(object),
        "PodDisruptionBudget" | "ResourceQuota" | "LimitRange" | "Node" => policy::content(object),
        "Ingress" | "IngressClass" | "NetworkPolicy" => network::content(object),
        _ => resources::content(object),
    }
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

/// Returns a cause when an integer is below zero.
fn not_negative(value: &Value, field: &str) -> Option<Cause> {
    value
        .as_i64()
        .filter(|number| *number < 0)
        .map(|_| Cause::invalid(field, value, "must be greater than or equal to 0"))
}

/// Returns a cause when an object that is being deleted gets another finalizer.
fn new_finalizers(object: &Value, current: &Value) -> Option<Cause> {
    if !crate::object::is_terminating(current) {
        return None;
    }
    let known: Vec<&str> = crate::object::finalizers(current).collect();
    let added: Vec<String> = crate::object::finalizers(object)
        .filter(|name| !known.contains(name))
        .map(|name| format!("\"{name}\""))
        .collect();
    let why = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        added.join(", ")
    );
    (!added.is_empty()).then(|| Cause::forbidden("metadata.finalizers", &why))
}

/// Returns a cause when two values differ.
fn immutable(value: &Value, current: &Value, field: &str) -> Option<Cause> {
    (value != current).then(|| Cause::invalid(field, value, "field is immutable"))
}
