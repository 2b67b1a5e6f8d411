//! Fields that are unknown here and must be echoed: some servers answer 400 where theirs are missing from the next request,
//! as Gemini does for its thought signatures. Kept within a bound.

use serde_json::{Map, Value};

use super::{Failure, Trouble};

/// The most bytes that are kept in one place.
const MOST_BYTES: usize = 256 * 1024;

/// Unknown fields of one message or call.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    fields: Map<String, Value>,
    bytes: usize,
}

impl Extra {
    /// Takes up the fields that are not known and say something.
    ///
    /// # Errors
    /// Returns that there are too many.
    pub(crate) fn keep(&mut self, fields: &Map<String, Value>, known: &[&str]) -> Result<(), Failure> {
        for (key, value) in fields {
            if known.contains(&key.as_str()) || says_nothing(value) || self.fields.get(key) == Some(value) {
                continue;
            }
            self.bytes += key.len() + value.to_string().len();
            if self.bytes > MOST_BYTES {
                let message = format!("the server sent more than {} KiB of unknown fields", MOST_BYTES / 1024);
                return Err(Failure::lasting(Trouble::Nonsense, message));
            }
            match (self.fields.get_mut(key), value) {
                // Lists come in pieces, everything else is said again.
                (Some(Value::Array(before)), Value::Array(more)) => before.extend(more.iter().cloned()),
                _ => drop(self.fields.insert(key.clone(), value.clone())),
            }
        }
        Ok(())
    }

    /// Returns the fields.
    pub(crate) fn into_fields(self) -> Map<String, Value> {
        self.fields
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
