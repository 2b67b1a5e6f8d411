//! A value of a YAML file together with the place where it stands, so that a mistake found later can be shown
//! there. The only file that knows the YAML library's positions and errors.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_saphyr::{Error, Location, Spanned};

use crate::problem::nearest;

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl Place {
    /// The beginning of a file.
    pub(crate) const START: Self = Self { line: 1, column: 1 };

    fn of(location: Location) -> Self {
        if location == Location::UNKNOWN {
            return Self::START;
        }
        Self { line: location.line(), column: location.column() }
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::deserialize(deserializer)?;
        Ok(Self { value, place: Place::of(referenced) })
    }
}

/// In the schema a placed value is the value.
impl<T: JsonSchema> JsonSchema for Placed<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Something wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mistake {
    pub(crate) place: Place,
    pub(crate) message: String,
}

/// What the YAML library says of a value of the wrong kind, and what a person calls that kind.
const IN_PLAIN_WORDS: [(&str, &str); 5] = [
    ("expected sequence start", "a list"),
    ("expected mapping start", "something with keys"),
    ("expected string scalar", "a text"),
    ("invalid boolean", "true or false"),
    ("invalid u8", "a whole number from 0 to 255"),
];

/// Reads a text that is one YAML document.
///
/// # Errors
/// Returns the first thing that is no YAML or does not fit the type.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Mistake> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().map_or(Place::START, Place::of);
        Mistake { place, message: message(&error) }
    })
}

fn message(error: &Error) -> String {
    match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let near = nearest(field, expected.iter().copied());
            let hint = near.map_or_else(
                || format!("the keys here are {}", expected.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            format!("there is no key {field:?}; {hint}")
        }
        Error::SerdeMissingField { field, .. } => format!("the key {field:?} is missing"),
        Error::DuplicateMappingKey { key: Some(key), .. } => format!("the key {key:?} stands here a second time"),
        other => {
            let text = other.to_string();
            // The place is said in front, in the form that editors follow.
            let text = text.split(" at line ").next().unwrap_or(&text);
            let text = text.trim_start_matches("error: ").trim_end_matches('.');
            let plain = IN_PLAIN_WORDS.iter().find(|(technical, _)| *technical == text);
            plain.map_or_else(|| text.replace('\n', ", "), |(_, plain)| format!("{plain} is expected here"))
        }
    }
}
