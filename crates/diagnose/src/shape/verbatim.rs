//! A part of an object that rules only hand on, such as an affinity: kept as its text, which takes a fraction of the
//! memory of a tree. A snapshot holds one for each of thousands of pods.

use serde::de::Deserializer;
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A JSON value, kept as text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verbatim(Option<Box<str>>);

impl<'de> Deserialize<'de> for Verbatim {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        Ok(Self((!value.is_null()).then(|| value.to_string().into_boxed_str())))
    }
}

impl Serialize for Verbatim {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None => to.serialize_unit(),
            Some(text) => serde_json::from_str::<Value>(text).map_err(S::Error::custom)?.serialize(to),
        }
    }
}
