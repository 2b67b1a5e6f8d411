//! The cells of claims, volumes and storage classes.

use jiff::Timestamp;
use serde_json::Value;

use super::age::since;
use super::{list, name, or, text};

fn born(object: &Value, now: Timestamp) -> Value {
    since(&object["metadata"]["creationTimestamp"], now).into()
}

fn phase(object: &Value) -> Value {
    if object["metadata"]["deletionTimestamp"].is_string() {
        return "Terminating".into();
    }
    text(&object["status"]["phase"]).into()
}

/// Returns access modes in the short form, each once, in the printers' order.
fn modes(modes: &Value) -> String {
    const SHORT: [(&str, &str); 4] =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let has = |long: &str| list(modes).iter().any(|mode| mode == long);
    let found: Vec<&str> = SHORT.iter().filter(|(long, _)| has(long)).map(|(_, short)| *short).collect();
    found.join(",")
}

fn unset(value: &Value) -> Value {
    value.as_str().unwrap_or("<unset>").into()
}

fn amount(value: &Value) -> Value {
    or(text(value), "0").into()
}

/// Returns the cells of a volume.
pub(super) fn volume(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let claim = match &spec["claimRef"] {
        Value::Object(claim) => format!("{}/{}", text(&claim["namespace"]), text(&claim["name"])),
        _ => String::new(),
    };
    vec![
        name(object),
        amount(&spec["capacity"]["storage"]),
        modes(&spec["accessModes"]).into(),
        text(&spec["persistentVolumeReclaimPolicy"]).into(),
        phase(object),
        claim.into(),
        text(&spec["storageClassName"]).into(),
        unset(&spec["volumeAttributesClassName"]),
        text(&object["status"]["reason"]).into(),
        born(object, now),
        unset(&spec["volumeMode"]),
    ]
}

/// Returns the cells of a claim.
pub(super) fn claim(object: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&object["spec"], &object["status"]);
    let volume = text(&spec["volumeName"]);
    let (capacity, modes) = match volume {
        "" => ("".into(), String::new()),
        _ => (amount(&status["capacity"]["storage"]), modes(&status["accessModes"])),
    };
    vec![
        name(object),
        phase(object),
        volume.into(),
        capacity,
        modes.into(),
        text(&spec["storageClassName"]).into(),
        unset(&spec["volumeAttributesClassName"]),
        born(object, now),
        unset(&spec["volumeMode"]),
    ]
}

/// Returns where in a list the storage class is that claims without one get: the newest of those that are marked.
/// Only lists show it.
pub(super) fn default_class(classes: &[Value]) -> Option<usize> {
    let is_marked = |class: &Value| {
        ["", ".beta"].iter().any(|beta| {
            class["metadata"]["annotations"][format!("storageclass{beta}.kubernetes.io/is-default-class")] == "true"
        })
    };
    let marked = classes.iter().enumerate().filter(|(_, class)| is_marked(class));
    let newest = marked.max_by_key(|(_, class)| {
        let metadata = &class["metadata"];
        (text(&metadata["creationTimestamp"]).to_owned(), std::cmp::Reverse(text(&metadata["name"]).to_owned()))
    });
    newest.map(|(at, _)| at)
}

/// Returns the cells of a storage class.
pub(super) fn class(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        name(object),
        text(&object["provisioner"]).into(),
        or(text(&object["reclaimPolicy"]), "Delete").into(),
        or(text(&object["volumeBindingMode"]), "Immediate").into(),
        (object["allowVolumeExpansion"] == true).into(),
        born(object, now),
    ]
}
