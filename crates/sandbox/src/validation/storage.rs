//! Claims, volumes and storage classes.

use serde_json::Value;
use todo_agent_kube_rules::quantities::Quantity;

use super::{immutable, kind, names, pods};
use crate::api::Cause;
use crate::controllers::claims::storage;

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
/// Fields of a volume's spec that are no source of storage.
const NO_SOURCES: [&str; 10] = [
    "capacity",
    "accessModes",
    "claimRef",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "mountOptions",
    "volumeMode",
    "nodeAffinity",
    "volumeAttributesClassName",
    "csiMigration",
];

/// Checks the content of an object.
pub(super) fn content(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match kind(object) {
        "PersistentVolumeClaim" => claim(&object["spec"], &mut causes),
        "PersistentVolume" => volume(&object["spec"], &mut causes),
        _ => class(object, &mut causes),
    }
    causes
}

fn modes(spec: &Value, why: &str, causes: &mut Vec<Cause>) {
    let modes = spec["accessModes"].as_array().map_or(&[][..], Vec::as_slice);
    if modes.is_empty() {
        causes.push(Cause::required("spec.accessModes", why));
    }
    for mode in modes.iter().filter(|mode| !mode.as_str().is_some_and(|mode| MODES.contains(&mode))) {
        causes.push(Cause::not_supported("spec.accessModes", mode, &MODES));
    }
    let once = |mode: &Value| mode == "ReadWriteOncePod";
    if modes.iter().any(once) && modes.iter().any(|mode| !once(mode)) {
        let why = "may not use ReadWriteOncePod with other access modes";
        causes.push(Cause::forbidden("spec.accessModes", why));
    }
}

fn positive(value: &Value, field: &str) -> Option<Cause> {
    let amount: Quantity = value.as_str()?.parse().ok()?;
    (amount <= Quantity::ZERO).then(|| Cause::invalid(field, value, "must be greater than zero"))
}

fn claim(spec: &Value, causes: &mut Vec<Cause>) {
    modes(spec, "at least 1 access mode is required", causes);
    let wanted = &spec["resources"]["requests"]["storage"];
    if wanted.is_null() {
        causes.push(Cause::required("spec.resources[storage]", ""));
    }
    causes.extend(positive(wanted, "spec.resources[storage]"));
    class_name(&spec["storageClassName"], causes);
    pods::one_of(&spec["volumeMode"], "spec.volumeMode", &["Block", "Filesystem"], causes);
}

fn class_name(value: &Value, causes: &mut Vec<Cause>) {
    if let Some(name) = value.as_str().filter(|name| !name.is_empty())
        && !names::is_dns_subdomain(name)
    {
        causes.push(Cause::invalid("spec.storageClassName", value, names::DNS_SUBDOMAIN));
    }
}

fn volume(spec: &Value, causes: &mut Vec<Cause>) {
    modes(spec, "", causes);
    let capacity = spec["capacity"].as_object().cloned().unwrap_or_default();
    if capacity.is_empty() {
        causes.push(Cause::required("spec.capacity", ""));
    }
    if !capacity.contains_key("storage") || capacity.len() > 1 {
        causes.push(Cause::not_supported("spec.capacity", &spec["capacity"], &["storage"]));
    }
    for (name, amount) in &capacity {
        causes.extend(positive(amount, &format!("spec.capacity[{name}]")));
    }
    let policies = ["Delete", "Recycle", "Retain"];
    pods::one_of(&spec["persistentVolumeReclaimPolicy"], "spec.persistentVolumeReclaimPolicy", &policies, causes);
    let sources = spec.as_object().into_iter().flatten().filter(|(name, _)| !NO_SOURCES.contains(&name.as_str()));
    let sources: Vec<&String> = sources.map(|(name, _)| name).collect();
    if sources.is_empty() {
        causes.push(Cause::required("spec", "must specify a volume type"));
    }
    for second in sources.iter().skip(1) {
        causes.push(Cause::forbidden(format!("spec.{second}"), "may not specify more than 1 volume type"));
    }
    class_name(&spec["storageClassName"], causes);
    pods::one_of(&spec["volumeMode"], "spec.volumeMode", &["Block", "Filesystem"], causes);
}

fn class(object: &Value, causes: &mut Vec<Cause>) {
    pods::one_of(&object["reclaimPolicy"], "reclaimPolicy", &["Delete", "Retain"], causes);
    let modes = ["Immediate", "WaitForFirstConsumer"];
    pods::one_of(&object["volumeBindingMode"], "volumeBindingMode", &modes, causes);
    if object["provisioner"].as_str().unwrap_or_default().is_empty() {
        causes.push(Cause::required("provisioner", ""));
    }
}

/// Checks what may not change.
pub(super) fn update(object: &Value, current: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match kind(object) {
        "StorageClass" => {
            for field in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
                let before = if field == "parameters" { &current[field] } else { &Value::Null };
                if object[field] != current[field] {
                    causes.push(Cause::invalid(field, before, "field is immutable"));
                }
            }
        }
        "PersistentVolumeClaim" => claim_update(object, current, &mut causes),
        _ => {
            let mode = immutable(&object["spec"]["volumeMode"], &current["spec"]["volumeMode"], "volumeMode");
            causes.extend(mode);
            let source = |spec: &Value| -> Value {
                let all = spec.as_object().into_iter().flatten();
                let sources = all.filter(|(name, _)| !NO_SOURCES.contains(&name.as_str()));
                Value::Object(sources.map(|(name, value)| (name.clone(), value.clone())).collect())
            };
            if source(&object["spec"]) != source(&current["spec"]) {
                let why = "spec.persistentvolumesource is immutable after creation";
                causes.push(Cause::forbidden("spec.persistentvolumesource", why));
            }
        }
    }
    causes
}

fn claim_update(object: &Value, current: &Value, causes: &mut Vec<Cause>) {
    const FIXED: &str =
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    let mut after = object["spec"].clone();
    let before = &current["spec"];
    if before["volumeName"].is_null()
        && let Some(spec) = after.as_object_mut()
    {
        spec.remove("volumeName");
    }
    if current["status"]["phase"] == "Bound" && after["resources"]["requests"].is_object() {
        after["resources"]["requests"]["storage"] = before["resources"]["requests"]["storage"].clone();
    }
    if after != *before {
        causes.push(Cause::forbidden("spec", FIXED));
    }
    let (new, old) = (storage(&object["spec"]["resources"]["requests"]), storage(&before["resources"]["requests"]));
    // A claim may go back to a size that its volume has not reached yet.
    if new < old && new <= storage(&current["status"]["capacity"]) {
        let field = "spec.resources.requests.storage";
        causes.push(Cause::forbidden(field, "field can not be less than status.capacity"));
    }
}
