//! The binder, claim by claim: finds or asks for a volume, binds the two, and keeps claims that are in use.
//!
//! `volumes` looks at the other side, `provisioning` is what answers for a storage class.
//!
//! Source: `pkg/controller/volume/persistentvolume` and `pvcprotection` of Kubernetes 1.37.

use std::sync::Arc;

use serde_json::{Value, json};
use todo_agent_kube_rules::quantities::Quantity;
use todo_agent_kube_rules::selectors::LabelSelector;

use super::provisioning;
use crate::conditions::{self, Condition};
use crate::events::{Occurrence, Source};
use crate::object;
use crate::simulation::State;
use crate::store::{Key, Part, Store};

pub(super) const SOURCE: Source = Source::Controller("persistentvolume-controller");
/// The finalizer of a claim that pods may use.
pub(crate) const PROTECTED: &str = "kubernetes.io/pvc-protection";
/// The annotation of a claim whose binding is complete.
const BOUND: &str = "pv.kubernetes.io/bind-completed";
/// The annotation of what the binder has chosen.
const BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
/// The annotation with the node that the scheduler has chosen for the claim's first pod.
pub(crate) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// Moves one claim towards its volume.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(claim) = state.store.get(key) else { return };
    if object::is_terminating(&claim) {
        release(state, key, &claim);
        return;
    }
    if is_bound(&claim) {
        keep(state, key, &claim);
        return;
    }
    match volume_for(&state.store, &claim) {
        Some(volume) => bind(state, &claim, &volume),
        None if claim["spec"]["volumeName"].is_string() => {}
        None => ask(state, key, &claim),
    }
}

/// Returns whether a claim and its volume belong together for good.
pub(crate) fn is_bound(claim: &Value) -> bool {
    claim["metadata"]["annotations"][BOUND].is_string()
}

/// Returns the class of a claim, `None` for a class that is not there.
pub(crate) fn class(store: &Store, claim: &Value) -> Option<Arc<Value>> {
    let name = claim["spec"]["storageClassName"].as_str()?;
    store.get(&Key {
        group: "storage.k8s.io".into(),
        plural: "storageclasses".into(),
        namespace: String::new(),
        name: name.into(),
    })
}

/// Returns whether a claim waits for its first pod.
pub(crate) fn waits_for_pod(store: &Store, claim: &Value) -> bool {
    class(store, claim).is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer")
}

/// Returns the volume that a claim is to have: the one that it or the volume names, else the smallest that
/// fits.
fn volume_for(store: &Store, claim: &Value) -> Option<Arc<Value>> {
    let mut volumes = store.list("", "persistentvolumes", None);
    volumes.retain(|volume| !object::is_terminating(volume));
    if let Some(name) = claim["spec"]["volumeName"].as_str() {
        let named = volumes.into_iter().find(|volume| object::name(volume) == name)?;
        return (named["spec"]["claimRef"].is_null() && fits(&named, claim) || is_meant_for(&named, claim))
            .then_some(named);
    }
    if let Some(meant) = volumes.iter().find(|volume| is_meant_for(volume, claim)) {
        return Some(Arc::clone(meant));
    }
    if waits_for_pod(store, claim) {
        return None;
    }
    smallest(&volumes, claim)
}

/// Returns the smallest free volume that fits a claim.
pub(crate) fn smallest(volumes: &[Arc<Value>], claim: &Value) -> Option<Arc<Value>> {
    let free = volumes
        .iter()
        .filter(|volume| volume["spec"]["claimRef"].is_null() && volume["status"]["phase"] == "Available");
    free.filter(|volume| fits(volume, claim)).min_by_key(|volume| storage(&volume["spec"]["capacity"])).cloned()
}

/// Returns whether a volume is reserved for a claim.
fn is_meant_for(volume: &Value, claim: &Value) -> bool {
    let reference = &volume["spec"]["claimRef"];
    let uid = reference["uid"].as_str().unwrap_or_default();
    reference["name"] == claim["metadata"]["name"]
        && reference["namespace"] == claim["metadata"]["namespace"]
        && (uid.is_empty() || uid == object::uid(claim))
}

fn fits(volume: &Value, claim: &Value) -> bool {
    let (spec, wanted) = (&volume["spec"], &claim["spec"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let modes = wanted["accessModes"].as_array().into_iter().flatten();
    let has = |mode: &Value| spec["accessModes"].as_array().is_some_and(|modes| modes.contains(mode));
    let selected = wanted["selector"].is_null()
        || LabelSelector::from_object(&wanted["selector"])
            .is_ok_and(|selector| selector.matches(&volume["metadata"]["labels"]));
    text(&spec["storageClassName"]) == text(&wanted["storageClassName"])
        && spec["volumeMode"] == wanted["volumeMode"]
        && modes.clone().all(has)
        && selected
        && storage(&spec["capacity"]) >= storage(&wanted["resources"]["requests"])
}

/// Returns the bytes of an amount of storage.
pub(crate) fn storage(amounts: &Value) -> Quantity {
    amounts["storage"].as_str().and_then(|text| text.parse().ok()).unwrap_or(Quantity::ZERO)
}

/// Binds a claim and a volume to each other.
pub(crate) fn bind(state: &mut State, claim: &Value, volume: &Value) {
    let now = state.now;
    let reference = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": object::name(claim),
        "namespace": object::namespace(claim), "uid": object::uid(claim),
        "resourceVersion": claim["metadata"]["resourceVersion"],
    });
    let volume_key = Key::of_object(volume);
    state.store.edit(&volume_key, Part::Spec, now, |volume| {
        if volume["spec"]["claimRef"].is_null() {
            object::map_at(&mut volume["metadata"], "annotations").insert(BY_CONTROLLER.into(), "yes".into());
        }
        if volume["spec"]["claimRef"]["uid"].is_null() {
            volume["spec"]["claimRef"] = reference;
        }
    });
    state.store.edit(&volume_key, Part::Status, now, |volume| super::volumes::set_phase(volume, "Bound", now));
    let key = Key::of_object(claim);
    state.store.edit(&key, Part::Spec, now, |claim| {
        let chosen = claim["spec"]["volumeName"].is_null();
        let annotations = object::map_at(&mut claim["metadata"], "annotations");
        annotations.insert(BOUND.into(), "yes".into());
        if chosen {
            annotations.insert(BY_CONTROLLER.into(), "yes".into());
        }
        claim["spec"]["volumeName"] = json!(object::name(volume));
    });
    state.store.edit(&key, Part::Status, now, |claim| {
        claim["status"]["phase"] = json!("Bound");
        claim["status"]["accessModes"] = volume["spec"]["accessModes"].clone();
        claim["status"]["capacity"] = volume["spec"]["capacity"].clone();
    });
}

/// Says what an unbound claim waits for, or asks its provisioner.
fn ask(state: &mut State, key: &Key, claim: &Value) {
    let name = claim["spec"]["storageClassName"].as_str().unwrap_or_default();
    let selected = claim["metadata"]["annotations"][SELECTED_NODE].is_string();
    if waits_for_pod(&state.store, claim) && !selected {
        let message = "waiting for first consumer to be created before binding";
        state.record(&SOURCE, claim, &Occurrence::normal("WaitForFirstConsumer", message));
    } else if name.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        state.record(&SOURCE, claim, &Occurrence::normal("FailedBinding", message));
    } else if let Some(class) = class(&state.store, claim) {
        provisioning::request(state, key, claim, &class);
    } else {
        let message = format!("storageclass.storage.k8s.io \"{name}\" not found");
        state.record(&SOURCE, claim, &Occurrence::warning("ProvisioningFailed", message));
    }
}

/// Looks after a bound claim: its volume may be lost, its size may change, pods come and go.
fn keep(state: &mut State, key: &Key, claim: &Value) {
    let now = state.now;
    let volume = volume_of(&state.store, claim);
    if volume.is_none() && claim["status"]["phase"] != "Lost" {
        state.store.edit(key, Part::Status, now, |claim| claim["status"] = json!({"phase": "Lost"}));
        let message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
        state.record(&SOURCE, claim, &Occurrence::warning("ClaimLost", message));
        return;
    }
    if let Some(volume) = volume {
        provisioning::resize(state, key, claim, &volume);
    }
    let is_used = pods_of(&state.store, claim).iter().any(|pod| !is_finished(pod));
    let (status, reason, message) = if is_used {
        ("False", "PodUsingPVC", "A pod is currently referencing this PVC")
    } else {
        ("True", "NoPodsUsingPVC", "No pods are currently referencing this PVC")
    };
    state.store.edit(key, Part::Status, now, |claim| {
        let condition = Condition { kind: "Unused", status, reason, message };
        conditions::set(&mut claim["status"], &condition, &[("lastProbeTime", Value::Null)], now);
    });
}

/// Returns the volume that a claim names.
pub(crate) fn volume_of(store: &Store, claim: &Value) -> Option<Arc<Value>> {
    let name = claim["spec"]["volumeName"].as_str()?;
    store.get(&Key {
        group: String::new(),
        plural: "persistentvolumes".into(),
        namespace: String::new(),
        name: name.into(),
    })
}

/// Lets a claim go that is being deleted, once no pod on a node uses it.
fn release(state: &mut State, key: &Key, claim: &Value) {
    let in_use = |pod: &Arc<Value>| !is_finished(pod) && pod["spec"]["nodeName"].is_string();
    if pods_of(&state.store, claim).iter().any(in_use) {
        return;
    }
    let now = state.now;
    state.store.edit(key, Part::Metadata, now, |claim| object::remove_finalizer(claim, PROTECTED));
}

fn is_finished(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

fn pods_of(store: &Store, claim: &Value) -> Vec<Arc<Value>> {
    let mut pods = store.list("", "pods", Some(object::namespace(claim)));
    pods.retain(|pod| names(pod).any(|name| name == object::name(claim)));
    pods
}

/// Returns the names of the claims that a pod mounts.
pub(crate) fn names(pod: &Value) -> impl Iterator<Item = &str> {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    volumes.filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
}
