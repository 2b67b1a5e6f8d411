//! Which fields of an object are wanted. What is not wanted is dropped while the answer is parsed, so that a
//! list of thousands of objects never holds them whole.
//!
//! It works on any deserialiser, on bytes from a server as on values in a test.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The wanted fields of an object, as a seed: `projection.deserialize(..)` gives the object with these alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection(Part);

/// What is wanted of a part of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Whole,
    Nothing,
    /// Parts by their name, and what is wanted of all others.
    Fields(Vec<(&'static str, Part)>, Box<Part>),
}

impl Projection {
    /// Returns the projection to everything but `managedFields`, which say who wrote what and are often half
    /// of an object.
    pub fn all() -> Self {
        let metadata = Part::Fields(vec![("managedFields", Part::Nothing)], Box::new(Part::Whole));
        Self(Part::Fields(vec![("metadata", metadata)], Box::new(Part::Whole)))
    }

    /// Returns the projection to what these dotted paths lead to. An array on the way means each of its items:
    /// `status.conditions.type`. A name cannot hold a dot, so that one label can only be had with all of them.
    pub fn only(paths: &[&'static str]) -> Self {
        let mut root = Part::Nothing;
        for path in paths {
            root.add(path);
        }
        Self(root)
    }

    /// Returns an object with the wanted fields alone.
    pub fn of(&self, object: &Value) -> Value {
        // A value is never refused: every shape it can have is visited below.
        self.deserialize(object).unwrap_or_default()
    }
}

impl Part {
    fn add(&mut self, path: &'static str) {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        if *self == Self::Nothing {
            *self = Self::Fields(Vec::new(), Box::new(Self::Nothing));
        }
        // What is wanted whole stays so, whatever else is asked of it.
        let Self::Fields(fields, _) = self else { return };
        let index = fields.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            fields.push((name, Self::Nothing));
            fields.len() - 1
        });
        match rest {
            Some(rest) => fields[index].1.add(rest),
            None => fields[index].1 = Self::Whole,
        }
    }
}

impl<'de> DeserializeSeed<'de> for &Projection {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.deserialize(deserializer)
    }
}

impl<'de> DeserializeSeed<'de> for &Part {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self {
            Part::Whole => Value::deserialize(deserializer),
            Part::Nothing => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| Value::Null),
            Part::Fields(..) => deserializer.deserialize_any(self),
        }
    }
}

/// Reads an object or an array of them. Whatever else stands there has no fields and stays as it is.
impl<'de> Visitor<'de> for &Part {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some((part, name)) = map.next_key_seed(Name(self))? {
            match name {
                Some(name) => {
                    fields.insert(name, map.next_value_seed(part)?);
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Value::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            kept.push(item);
        }
        Ok(Value::Array(kept))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// Reads a field's name: what is wanted of the field, and the name unless that is nothing.
struct Name<'p>(&'p Part);

impl<'de, 'p> DeserializeSeed<'de> for Name<'p> {
    type Value = (&'p Part, Option<String>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'p> Visitor<'_> for Name<'p> {
    type Value = (&'p Part, Option<String>);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let part = match self.0 {
            Part::Fields(fields, others) => {
                fields.iter().find(|(known, _)| *known == name).map_or(&**others, |(_, part)| part)
            }
            other => other,
        };
        Ok((part, (*part != Part::Nothing).then(|| name.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({
            "apiVersion": "v1",
            "metadata": {"name": "backend", "labels": {"app.kubernetes.io/name": "b"}, "managedFields": [{"manager": "x"}]},
            "spec": {"containers": [{"name": "app", "env": [{"name": "A", "value": "1"}]}], "priority": -1},
            "status": {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026"}], "ratio": 0.5},
        })
    }

    #[test]
    fn everything_is_all_but_managed_fields() {
        let mut expected = pod();
        expected["metadata"].as_object_mut().unwrap().remove("managedFields");
        expected["spec"]["managedFields"] = json!("of somebody else's making");
        let mut whole = pod();
        whole["spec"]["managedFields"] = expected["spec"]["managedFields"].clone();
        assert_eq!(Projection::all().of(&whole), expected);
    }

    #[test]
    fn only_what_the_paths_lead_to_is_kept() {
        let wanted = Projection::only(&[
            "metadata.labels",
            "spec.containers.name",
            "spec.priority",
            "status.conditions.type",
            "status.conditions.status",
            "status.absent.deeper",
        ]);
        let expected = json!({
            "metadata": {"labels": {"app.kubernetes.io/name": "b"}},
            "spec": {"containers": [{"name": "app"}], "priority": -1},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        });
        assert_eq!(wanted.of(&pod()), expected);
        let bytes = pod().to_string();
        let mut read = serde_json::Deserializer::from_str(&bytes);
        assert_eq!((&wanted).deserialize(&mut read).unwrap(), expected);
    }

    #[test]
    fn a_field_that_is_wanted_whole_stays_whole() {
        for paths in [["spec", "spec.containers.name"], ["spec.containers.name", "spec"]] {
            assert_eq!(Projection::only(&paths).of(&pod()), json!({"spec": pod()["spec"]}));
        }
    }

    #[test]
    fn another_shape_than_expected_is_left_as_it_is() {
        let wanted = Projection::only(&["status.conditions.type"]);
        for status in [json!(null), json!("x"), json!({"conditions": null}), json!({"conditions": [1, true, 0.5, "x"]})]
        {
            let object = json!({"status": status});
            assert_eq!(wanted.of(&object), object);
        }
    }
}
