//! One step of a path into an object: a field, or an item of a list by its keys or by what it is.
//!
//! Source: `fieldpath/element.go` and `fieldpath/serialize-pe.go` of structured-merge-diff. The order of the variants
//! is the order in which the real server writes and reports them.

use std::fmt;

use serde_json::{Map, Value};

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    /// A field of a map.
    Field(String),
    /// The item of a list that has these values, sorted by name.
    Key(Vec<(String, Scalar)>),
    /// The item of a list that is this value.
    Item(Scalar),
}

/// A value that tells items apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scalar {
    Number(i64),
    Text(String),
    Bool(bool),
    /// Anything else, as JSON.
    Other(String),
}

impl From<&Value> for Scalar {
    fn from(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Bool(flag) => Self::Bool(*flag),
            other => other.as_i64().map_or_else(|| Self::Other(other.to_string()), Self::Number),
        }
    }
}

impl Scalar {
    fn json(&self) -> Value {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Bool(flag) => (*flag).into(),
            Self::Other(json) => serde_json::from_str(json).unwrap_or_default(),
        }
    }
}

impl Element {
    /// Returns the step into a field.
    pub(crate) fn field(name: impl Into<String>) -> Self {
        Self::Field(name.into())
    }

    /// Returns the step as a key of `FieldsV1`.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => {
                let keys: Map<String, Value> = keys.iter().map(|(name, value)| (name.clone(), value.json())).collect();
                format!("k:{}", Value::Object(keys))
            }
            Self::Item(value) => format!("v:{}", value.json()),
        }
    }

    /// Reads a key of `FieldsV1`; `None` when it is none that has a meaning.
    pub(super) fn of_key(text: &str) -> Option<Self> {
        let (sort, rest) = text.split_once(':')?;
        match sort {
            "f" => Some(Self::field(rest)),
            "k" => {
                let keys: Map<String, Value> = serde_json::from_str(rest).ok()?;
                let mut keys: Vec<_> = keys.iter().map(|(name, value)| (name.clone(), Scalar::from(value))).collect();
                keys.sort();
                Some(Self::Key(keys))
            }
            "v" => serde_json::from_str::<Value>(rest).ok().map(|value| Self::Item(Scalar::from(&value))),
            _ => None,
        }
    }
}

impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(out, ".{name}"),
            Self::Key(keys) => {
                let keys: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={}", value.json())).collect();
                write!(out, "[{}]", keys.join(","))
            }
            Self::Item(value) => write!(out, "[={}]", value.json()),
        }
    }
}
