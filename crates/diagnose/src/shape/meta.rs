//! What every object has: its names, its labels, who owns it, and the few annotations that rules read. Other
//! annotations are dropped, since some hold whole objects.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

/// Labels, or another map of texts.
pub type Texts = BTreeMap<String, String>;

/// The annotations that are kept.
const ANNOTATIONS: &[&str] = &[
    "deployment.kubernetes.io/revision",
    "ingressclass.kubernetes.io/is-default-class",
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
    "kubernetes.io/ingress.class",
    "nginx.ingress.kubernetes.io/canary",
    "volume.kubernetes.io/storage-provisioner",
];

projections! {
    /// `metadata`.
    pub struct Meta {
        name: String,
        namespace: String,
        uid: String,
        generation: i64,
        labels: Texts,
        annotations: Annotations,
        creation_timestamp: Option<Timestamp>,
        deletion_timestamp: Option<Timestamp>,
        finalizers: Vec<String>,
        owner_references: Vec<Owner>,
    }

    /// An owner reference.
    pub struct Owner {
        kind: String,
        name: String,
        uid: String,
        controller: bool,
    }

    /// A condition of any kind of object.
    pub struct Condition {
        r#type: String,
        status: String,
        reason: String,
        message: String,
        last_transition_time: Option<Timestamp>,
        last_update_time: Option<Timestamp>,
    }

    /// A reference to an object by its name.
    pub struct NameRef {
        name: String,
    }
}

/// The annotations that rules read; the others are dropped while reading.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Annotations(Texts);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = Option::<Texts>::deserialize(from)?.unwrap_or_default();
        Ok(Self(all.into_iter().filter(|(key, _)| ANNOTATIONS.contains(&key.as_str())).collect()))
    }
}

impl Annotations {
    /// Returns the value of one of the annotations that are kept.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl Meta {
    /// Returns the owner that controls this object.
    pub fn controller(&self) -> Option<&Owner> {
        self.owner_references.iter().find(|owner| owner.controller)
    }

    /// Returns the value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}

/// Returns the condition of a type.
pub fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.r#type == kind)
}

/// A number or a name, as ports are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum IntOrText {
    /// A number.
    Number(i64),
    /// A name, or a percentage.
    Text(String),
}

impl Default for IntOrText {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl fmt::Display for IntOrText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => out.write_str(text),
        }
    }
}
