//! Findings: one cause each, with the evidence for it and the symptoms that follow from it. Every claim of a
//! text is in an evidence; what could not be checked is said, with the smallest permission that would allow it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::kind::{Kind, ObjectRef};
use crate::remedy::Remedy;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing fails.
    Info,
    /// Something fails or will, but something else still serves.
    Warning,
    /// Something does not work at all.
    Critical,
}

/// How sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Likely, from what is usual.
    Guessed,
    /// Several signs point to it.
    Supported,
    /// The cluster says so itself.
    Proved,
}

/// Where in an object a value stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// A field, as a path such as `status.containerStatuses[0].state.waiting.reason`.
    Field(String),
    /// All objects of the kind were read, and this one is not among them.
    Absent,
    /// A line of a container's log.
    Log {
        /// The container.
        container: String,
        /// The line, from 1, within what was read.
        line: usize,
    },
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// In which object.
    pub object: ObjectRef,
    /// Where in it.
    pub place: Place,
    /// The value that stands there.
    pub value: String,
    /// When the cluster noted it, where it says so.
    pub at: Option<Timestamp>,
}

impl Evidence {
    /// Returns what stands in a field.
    pub fn field(object: &ObjectRef, path: impl Into<String>, value: impl fmt::Display) -> Self {
        Self { object: object.clone(), place: Place::Field(path.into()), value: value.to_string(), at: None }
    }

    /// Returns that an object does not exist.
    pub fn absent(object: &ObjectRef) -> Self {
        Self { object: object.clone(), place: Place::Absent, value: "not found".to_owned(), at: None }
    }

    /// Returns the same, seen at this time.
    #[must_use]
    pub fn at(mut self, at: Option<Timestamp>) -> Self {
        self.at = at;
        self
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Field(path) => write!(out, "{}: {path} = {}", self.object, self.value),
            Place::Absent => write!(out, "{}: {}", self.object, self.value),
            Place::Log { container, line } => {
                write!(out, "{}: log of {container}, line {line}: {}", self.object, self.value)
            }
        }
    }
}

/// A symptom that follows from the cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Consequence {
    /// The signature of the symptom; 0 where it is none of its own.
    pub rule: u16,
    /// What suffers.
    pub object: ObjectRef,
    /// How, in words.
    pub text: String,
    /// What was seen of it.
    pub evidence: Vec<Evidence>,
}

/// Something that could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unknown {
    /// What.
    pub what: String,
    /// The smallest RBAC rule that would allow it, where a permission is what lacks.
    pub grant: Option<String>,
}

impl Unknown {
    /// Returns that objects of a kind could not be looked at.
    pub fn unread(kind: Kind, what: impl Into<String>) -> Self {
        Self { what: what.into(), grant: Some(kind.rule_to_list()) }
    }

    /// Returns that something cannot be seen from outside, whatever the permissions.
    pub fn unseen(what: impl Into<String>) -> Self {
        Self { what: what.into(), grant: None }
    }
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The same in every snapshot of the same trouble.
    pub id: String,
    /// The number of the signature in the catalogue.
    pub rule: u16,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// The cause, in one sentence.
    pub cause: String,
    /// What it is about first, then what else is affected directly.
    pub objects: Vec<ObjectRef>,
    /// What proves it.
    pub evidence: Vec<Evidence>,
    /// The symptoms that follow from it.
    pub consequences: Vec<Consequence>,
    /// What would help.
    pub remedies: Vec<Remedy>,
    /// What could not be checked.
    pub unknowns: Vec<Unknown>,
}
