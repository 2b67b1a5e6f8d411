//! ConfigMaps, Namespaces and volume claims: objects that are what was given, and little more.
//!
//! What looks like a secret in a ConfigMap is said before it is made.

use serde_json::{Map, Value, json};
use todo_agent_core::ToolError;

use super::{Built, Making};
use crate::{amounts, value, words};

pub(super) fn config_map(making: &Making<'_>) -> Result<Built, ToolError> {
    let mut object = making.object("configmap", &making.name()?);
    let (mut data, mut notes) = (Map::new(), Vec::new());
    for (key, given) in making.args.data.iter().flatten() {
        let allowed = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if key.is_empty() || key.len() > 253 || !key.chars().all(allowed) {
            return Err(ToolError::arguments(format!("data has the key \"{}\"", words::shown(key)))
                .hint("a key is of letters, digits, - _ and ."));
        }
        let text = match given {
            Value::Object(_) | Value::Array(_) | Value::Null => {
                return Err(ToolError::arguments(format!("data {key} must be a text, got {given}")));
            }
            plain => value::plain(plain),
        };
        let placed = json!({key: text});
        if *making.run.redactor.value(&placed) != placed {
            notes.push(format!(
                "{key} looks like a secret, and everybody who reads the namespace reads a ConfigMap; a Secret hides it"
            ));
        }
        data.insert(key.clone(), json!(text));
    }
    if data.is_empty() {
        notes.push("it is empty".to_owned());
    }
    object["data"] = Value::Object(data);
    Ok(Built { objects: vec![object], notes })
}

pub(super) fn namespace(making: &Making<'_>) -> Result<Built, ToolError> {
    let mut object = making.object("namespace", &making.name()?);
    // Source: k8s.io/pod-security-admission: pods that ask for more are let in, and warned of.
    object["metadata"]["labels"]["pod-security.kubernetes.io/warn"] = json!("restricted");
    let notes = vec!["pods in it that ask for privileges are warned of".to_owned()];
    Ok(Built { objects: vec![object], notes })
}

pub(super) fn claim(making: &Making<'_>) -> Result<Built, ToolError> {
    let mut object = making.object("pvc", &making.name()?);
    let storage = making
        .args
        .storage
        .as_ref()
        .ok_or_else(|| ToolError::arguments("create pvc needs storage: how much").hint("for example 1Gi"))?;
    let amount = amounts::read("storage", "storage", &json!(storage))?;
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": amount.quantity}}});
    if let Some(class) = &making.args.storage_class {
        words::check("storage_class", class)?;
        spec["storageClassName"] = json!(class);
    }
    object["spec"] = spec;
    Ok(Built { objects: vec![object], notes: amount.note.into_iter().collect() })
}
