//! Secrets and ConfigMaps: the names of their keys and when they were last written, never a value. From
//! metadata alone both come from `managedFields`, which lists the fields that each writer has set.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Meta;

/// A Secret or ConfigMap without what is in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Keyed {
    /// Its metadata.
    pub metadata: Meta,
    /// The type of a Secret, where it is known.
    pub r#type: Option<String>,
    /// The names of its keys, where they are known.
    pub keys: Option<BTreeSet<String>>,
    /// When its content was last written.
    pub written: Option<Timestamp>,
}

impl Keyed {
    /// Projects an object, whole or only its metadata.
    ///
    /// # Errors
    /// When the metadata is not that of an object.
    pub fn project(object: &Value) -> Result<Self, serde_json::Error> {
        let metadata = Meta::deserialize(object.get("metadata").unwrap_or(&Value::Null))?;
        let mut keys: Option<BTreeSet<String>> = None;
        let mut written = metadata.creation_timestamp;
        for part in ["data", "binaryData", "stringData"] {
            let found = object[part].as_object().into_iter().flat_map(|part| part.keys().cloned());
            for key in found {
                keys.get_or_insert_default().insert(key);
            }
        }
        for entry in object["metadata"]["managedFields"].as_array().into_iter().flatten() {
            let fields = &entry["fieldsV1"];
            for part in ["f:data", "f:binaryData"] {
                let Some(fields) = fields[part].as_object() else { continue };
                let found = fields.keys().filter_map(|key| key.strip_prefix("f:"));
                keys.get_or_insert_default().extend(found.map(str::to_owned));
                let time = entry["time"].as_str().and_then(|time| time.parse().ok());
                written = written.max(time);
            }
        }
        let r#type = object["type"].as_str().map(str::to_owned);
        Ok(Self { metadata, r#type, keys, written })
    }
}
