//! What a pod spec refers to that does not exist: ConfigMaps and their keys, Secrets, claims, the service
//! account. A Secret's keys are not known, because its content is never read.
//!
//! Optional references are no fault and are passed over.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde_json::Value;
use todo_agent_core::{Cause, ClusterError, ObjectRef, Reader};
use todo_agent_kube_rules::kinds;

use crate::value;

/// The most references that are looked up.
const MOST_LOOKUPS: usize = 20;

/// Who refers to an object and to which of its keys.
#[derive(Debug, Default)]
struct Uses {
    by: BTreeSet<String>,
    /// Keys that must be there, with who needs them.
    keys: BTreeMap<String, String>,
}

type References = BTreeMap<(&'static str, String), Uses>;

/// Returns one line for each missing reference. What may not be read is passed over.
pub(super) async fn missing(
    reader: &dyn Reader,
    namespace: Option<&str>,
    spec: Option<&Value>,
) -> Result<Vec<String>, ClusterError> {
    let Some((spec, namespace)) = spec.zip(namespace) else { return Ok(Vec::new()) };
    let references = references(spec);
    let looked_up = references.iter().take(MOST_LOOKUPS).filter_map(|((kind, name), uses)| {
        let object = ObjectRef::new(kinds::find(kind)?, namespace, name);
        Some(async move { (kind, name, uses, reader.get(&object).await) })
    });
    let mut lines = Vec::new();
    for (kind, name, uses, found) in join_all(looked_up.collect::<Vec<_>>()).await {
        let short = format!("{}/{name}", kind.to_lowercase());
        match found {
            Ok(object) => lines.extend(missing_keys(kind, &short, uses, &object)),
            Err(error) if error.is(Cause::NotFound) => {
                let by: Vec<&str> = uses.by.iter().map(String::as_str).collect();
                lines.push(format!("{short} does not exist ({})", by.join(", ")));
            }
            Err(error) if error.is(Cause::Forbidden) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(lines)
}

fn missing_keys(kind: &str, short: &str, uses: &Uses, object: &Value) -> Vec<String> {
    if kind != "ConfigMap" {
        return Vec::new();
    }
    let has = |key: &str| {
        ["data", "binaryData"].iter().any(|part| object.get(part).is_some_and(|data| data.get(key).is_some()))
    };
    let missing = uses.keys.iter().filter(|(key, _)| !has(key));
    missing.map(|(key, by)| format!("{short} has no key {key} ({by})")).collect()
}

/// Returns what the pod cannot start without.
fn references(spec: &Value) -> References {
    let mut found = References::new();
    let is_optional = |part: &Value| value::is_true(part, "/optional");
    let mut note = |kind: &'static str, name: Option<&str>, key: Option<&str>, by: String| {
        let Some(name) = name else { return };
        let uses = found.entry((kind, name.to_owned())).or_default();
        if let Some(key) = key {
            uses.keys.entry(key.to_owned()).or_insert_with(|| by.clone());
        }
        uses.by.insert(by);
    };
    let containers = value::items(spec, "/initContainers").iter().chain(value::items(spec, "/containers"));
    for container in containers {
        let of = value::name_of(container);
        for variable in value::items(container, "/env") {
            for (kind, at) in [("ConfigMap", "/valueFrom/configMapKeyRef"), ("Secret", "/valueFrom/secretKeyRef")] {
                if let Some(source) = variable.pointer(at).filter(|source| !is_optional(source)) {
                    let by = format!("variable {} of {of}", value::name_of(variable));
                    note(kind, value::some_text(source, "/name"), value::some_text(source, "/key"), by);
                }
            }
        }
        for source in value::items(container, "/envFrom") {
            for (kind, at) in [("ConfigMap", "/configMapRef"), ("Secret", "/secretRef")] {
                if let Some(source) = source.pointer(at).filter(|source| !is_optional(source)) {
                    note(kind, value::some_text(source, "/name"), None, format!("variables of {of}"));
                }
            }
        }
    }
    for volume in value::items(spec, "/volumes") {
        let by = format!("volume {}", value::name_of(volume));
        let projected = value::items(volume, "/projected/sources").iter().chain([volume]);
        for source in projected {
            for (kind, at, name_at) in [("ConfigMap", "/configMap", "/name"), ("Secret", "/secret", "/secretName")] {
                let Some(part) = source.pointer(at).filter(|part| !is_optional(part)) else { continue };
                let name = value::some_text(part, name_at).or_else(|| value::some_text(part, "/name"));
                let keys: Vec<&Value> = value::items(part, "/items").iter().collect();
                note(kind, name, None, by.clone());
                for item in keys {
                    note(kind, name, value::some_text(item, "/key"), by.clone());
                }
            }
        }
        let claim = value::some_text(volume, "/persistentVolumeClaim/claimName");
        note("PersistentVolumeClaim", claim, None, by);
    }
    for secret in value::items(spec, "/imagePullSecrets") {
        note("Secret", value::some_text(secret, "/name"), None, "pulling images".to_owned());
    }
    let account = value::some_text(spec, "/serviceAccountName").filter(|account| *account != "default");
    note("ServiceAccount", account, None, "service account".to_owned());
    found
}
