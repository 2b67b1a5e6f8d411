//! Reads a JSON body by the types table, as the real server's decoder does: unknown fields are dropped and
//! reported, nulls count as absent, a value of the wrong type is an error in Go's words.
//!
//! The error texts are those of Go's `encoding/json`, because people search for them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use thiserror::Error;
use todo_agent_kube_rules::quantities::Quantity;

use super::types::{Shape, row};
use crate::go;

/// A field that the kind does not have, by its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown(pub(crate) String);

/// A value that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum TypeError {
    /// A value of the wrong JSON type.
    #[error("json: cannot unmarshal {found} into Go struct field {owner}.{path} of type {wanted}")]
    Type { found: String, owner: String, path: String, wanted: String, converted: String },
    /// A text that is no quantity.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Quantity,
    /// A text that is not base64.
    #[error("illegal base64 data at input byte 0")]
    Base64,
}

impl TypeError {
    /// Returns the error as the converter of Go maps has it, which strategic merge patches go through.
    pub(crate) fn of_converter(&self) -> String {
        match self {
            Self::Type { converted, .. } => converted.clone(),
            Self::Base64 => format!("error decoding from json: {self}"),
            Self::Quantity => self.to_string(),
        }
    }
}

/// Reads an object of `kind` in place and returns the fields that were dropped.
pub(crate) fn decode(kind: &str, object: &mut Value) -> Result<Vec<Unknown>, TypeError> {
    let mut decoder = Decoder { unknown: Vec::new() };
    let place = Place::default();
    if row(kind).is_some() {
        decoder.fields(kind, object, &place, true)?;
    } else if let Some(metadata) = object.get_mut("metadata") {
        decoder.fields("ObjectMeta", metadata, &place.field(kind, "metadata"), false)?;
    }
    Ok(decoder.unknown)
}

/// Where the decoder is: the path with list indices (for unknown fields) and without (for type errors).
#[derive(Debug, Clone, Default)]
struct Place {
    indexed: String,
    plain: String,
    owner: String,
}

impl Place {
    fn field(&self, owner: &str, name: &str) -> Self {
        let join = |path: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        Self { indexed: join(&self.indexed), plain: join(&self.plain), owner: owner.to_owned() }
    }

    fn index(&self, at: usize) -> Self {
        Self { indexed: format!("{}[{at}]", self.indexed), ..self.clone() }
    }
}

struct Decoder {
    unknown: Vec<Unknown>,
}

impl Decoder {
    fn fields(&mut self, name: &str, value: &mut Value, place: &Place, root: bool) -> Result<(), TypeError> {
        let Some(row) = row(name) else { return Ok(()) };
        let Value::Object(map) = value else {
            return Err(wrong(value, place, format!("v1.{}", name.rsplit('.').next().unwrap_or(name))));
        };
        let taken = std::mem::take(map);
        let mut kept = Map::new();
        for (field, mut inner) in taken {
            let place = place.field(name, &field);
            let shape = match field.as_str() {
                "apiVersion" | "kind" if root => Some(&Shape::Text),
                other => row.fields.get(other).map(|field| &field.shape),
            };
            match shape {
                _ if inner.is_null() => continue,
                Some(shape) => self.value(shape, &mut inner, &place)?,
                None => {
                    self.unknown.push(Unknown(place.indexed));
                    continue;
                }
            }
            kept.insert(field, inner);
        }
        *map = kept;
        Ok(())
    }

    fn value(&mut self, shape: &Shape, value: &mut Value, place: &Place) -> Result<(), TypeError> {
        let fits = match shape {
            Shape::Any | Shape::Free | Shape::Custom => true,
            Shape::Text | Shape::Time | Shape::MicroTime => value.is_string(),
            Shape::Bool => value.is_boolean(),
            Shape::Int32 => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            Shape::Int64 => value.is_i64(),
            Shape::IntOrString => value.is_i64() || value.is_string(),
            Shape::Quantity => {
                if let Value::Number(number) = value {
                    *value = Value::String(number.to_string());
                }
                if let Value::String(text) = value {
                    *text = text.parse::<Quantity>().map_err(|_| TypeError::Quantity)?.to_string();
                }
                value.is_string()
            }
            Shape::Bytes => {
                if let Value::String(text) = value {
                    STANDARD.decode(text.as_bytes()).map_err(|_| TypeError::Base64)?;
                }
                value.is_string()
            }
            Shape::Struct { name, .. } => return self.fields(name, value, place, false),
            Shape::Map { of, .. } => {
                let Value::Object(map) = value else { return Err(wrong(value, place, wanted(shape))) };
                for (key, inner) in map.iter_mut() {
                    let place = Place { indexed: format!("{}.{key}", place.indexed), ..place.clone() };
                    if inner.is_null() && **of == Shape::Text {
                        *inner = Value::String(String::new());
                    }
                    self.value(of, inner, &place)?;
                }
                return Ok(());
            }
            Shape::List { of, .. } => {
                let Value::Array(list) = value else { return Err(wrong(value, place, wanted(shape))) };
                for (at, inner) in list.iter_mut().enumerate() {
                    self.value(of, inner, &place.index(at))?;
                }
                return Ok(());
            }
        };
        if fits { Ok(()) } else { Err(wrong(value, place, wanted(shape))) }
    }
}

fn wrong(value: &Value, place: &Place, wanted: String) -> TypeError {
    let found = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(number) if wanted.starts_with("int") => format!("number {number}"),
        Value::Number(_) => "number".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    };
    let converted = converted(value, &wanted);
    TypeError::Type { found, owner: place.owner.clone(), path: place.plain.clone(), wanted, converted }
}

/// Source: `fromUnstructured` of `apimachinery/pkg/runtime/converter.go`.
fn converted(value: &Value, wanted: &str) -> String {
    let found = match value {
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
        scalar => go::type_name(scalar),
    };
    match wanted {
        "string" if found == "int64" => format!("cannot convert {found} to {wanted}"),
        "string" | "int32" | "int64" | "bool" => format!("unrecognized type: {wanted}"),
        wanted if wanted.starts_with("map") => format!("cannot restore map from {found}"),
        wanted if wanted.starts_with("[]") => format!("cannot restore slice from {found}"),
        _ => format!("cannot restore struct from: {found}"),
    }
}

fn wanted(shape: &Shape) -> String {
    match shape {
        Shape::Text => "string".to_owned(),
        Shape::Int32 => "int32".to_owned(),
        Shape::Int64 => "int64".to_owned(),
        Shape::Bool => "bool".to_owned(),
        Shape::Quantity => "resource.Quantity".to_owned(),
        Shape::IntOrString => "intstr.IntOrString".to_owned(),
        Shape::Time => "v1.Time".to_owned(),
        Shape::MicroTime => "v1.MicroTime".to_owned(),
        Shape::Bytes => "[]uint8".to_owned(),
        Shape::Any | Shape::Free | Shape::Custom => "interface {}".to_owned(),
        Shape::Map { of, .. } => format!("map[string]{}", wanted(of)),
        Shape::List { of, .. } => format!("[]{}", wanted(of)),
        Shape::Struct { name, .. } => format!("v1.{}", name.rsplit('.').next().unwrap_or(name)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn unknown_fields_are_dropped_and_named() {
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"replica": 3, "template": {"spec": {"containers": [{"name": "a", "imag": "x"}]}}}
        });
        let unknown = decode("Deployment", &mut object).unwrap();
        let mut paths: Vec<String> = unknown.into_iter().map(|field| field.0).collect();
        paths.sort();
        assert_eq!(paths, ["spec.replica", "spec.template.spec.containers[0].imag"]);
        assert_eq!(object["spec"], json!({"template": {"spec": {"containers": [{"name": "a"}]}}}));
    }

    #[test]
    fn wrong_types_are_named_in_the_words_of_go() {
        let mut object = json!({"spec": {"replicas": "three"}});
        assert_eq!(
            decode("Deployment", &mut object).unwrap_err().to_string(),
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        );
        let mut object = json!({"spec": {"replicas": 3.5}});
        assert_eq!(
            decode("Deployment", &mut object).unwrap_err().to_string(),
            "json: cannot unmarshal number 3.5 into Go struct field DeploymentSpec.spec.replicas of type int32"
        );
        let mut object = json!({"spec": {"replicas": 1e9}});
        assert!(decode("Deployment", &mut object).is_err());
        for mut object in
            [json!(null), json!([1]), json!("x"), json!({"metadata": 1}), json!({"metadata": {"labels": [1]}})]
        {
            assert!(decode("ConfigMap", &mut object).is_err());
        }
    }

    #[test]
    fn nulls_are_absent_and_quantities_are_text() {
        let mut object =
            json!({"spec": {"containers": [{"name": "a", "image": null, "resources": {"limits": {"cpu": 1}}}]}});
        decode("Pod", &mut object).unwrap();
        assert_eq!(object["spec"]["containers"], json!([{"name": "a", "resources": {"limits": {"cpu": "1"}}}]));
    }
}
