//! The file form of a snapshot: JSON with a version. It holds projections only; what is in them as text (logs,
//! messages, arguments) is redacted by whoever writes the file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Builder, Log, Objects, Scope, Snapshot, Unread};
use crate::kind::Kind;

/// The version that is written. A reader refuses newer ones.
const VERSION: u32 = 1;

/// A text that is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not the JSON of a snapshot.
    #[error("this is no snapshot file: {0}")]
    Parse(#[from] serde_json::Error),
    /// A newer program wrote it.
    #[error(
        "this snapshot file has version {0}; this program reads up to version {VERSION}: use the program that wrote it"
    )]
    Version(u32),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Writing<'a> {
    version: u32,
    now: Timestamp,
    covered: &'a BTreeMap<Kind, BTreeSet<Scope>>,
    unread: &'a [Unread],
    logs: &'a [Log],
    objects: &'a Objects,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reading {
    now: Timestamp,
    covered: BTreeMap<Kind, BTreeSet<Scope>>,
    unread: Vec<Unread>,
    logs: Vec<Log>,
    objects: Objects,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Snapshot {
    /// Returns the file form.
    ///
    /// # Errors
    /// Never for a snapshot that was built; the writer of JSON has the type.
    pub fn to_json(&self) -> Result<String, FileError> {
        let Self { now, covered, unread, logs, objects, .. } = self;
        Ok(serde_json::to_string(&Writing { version: VERSION, now: *now, covered, unread, logs, objects })?)
    }

    /// Reads the file form.
    pub fn from_json(text: &str) -> Result<Self, FileError> {
        let Version { version } = serde_json::from_str(text)?;
        if version > VERSION {
            return Err(FileError::Version(version));
        }
        let Reading { now, covered, unread, logs, objects } = serde_json::from_str(text)?;
        Ok(Builder::restored(now, objects, covered, unread, logs).build())
    }
}
