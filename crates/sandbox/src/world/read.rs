//! Reading worlds from YAML. Errors keep the line and column; YAML 1.1 octal numbers mean what they mean
//! to kubectl.

use std::path::Path;

use base64::Engine as _;
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde_json::Value;
use todo_agent_kube_rules::quantities::Quantity;

use super::builtin::{self, BUILTIN};
use super::{Effect, World, WorldError};
use crate::usage;

impl World {
    /// Returns a shipped world, or `None` for any other name.
    pub fn builtin(name: &str) -> Option<Self> {
        builtin::text(name).and_then(|text| Self::from_yaml(text, name).ok())
    }

    /// Returns the world that a text describes; `name` is for messages.
    ///
    /// # Errors
    /// [`WorldError::Invalid`] with the line and column.
    pub fn from_yaml(text: &str, name: &str) -> Result<Self, WorldError> {
        let invalid = |message| WorldError::Invalid { name: name.to_owned(), message };
        let mut world: Self = if text.trim().is_empty() {
            return Err(invalid("the file is empty".to_owned()));
        } else {
            parse(text).map_err(invalid)?
        };
        name.clone_into(&mut world.name);
        world.check().map_err(invalid)?;
        Ok(world)
    }

    /// Returns the world in a file.
    ///
    /// # Errors
    /// [`WorldError::Read`] or [`WorldError::Invalid`].
    pub fn load(path: &Path) -> Result<Self, WorldError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| WorldError::Read { path: path.to_path_buf(), source })?;
        Self::from_yaml(&text, &path.display().to_string())
    }

    /// Returns the world that a person means: a shipped name, or else a path.
    ///
    /// # Errors
    /// [`WorldError::Unknown`] with the nearest shipped name when there is no such file either.
    pub fn open(name_or_path: &str) -> Result<Self, WorldError> {
        if let Some(text) = builtin::text(name_or_path) {
            return Self::from_yaml(text, name_or_path);
        }
        let path = Path::new(name_or_path);
        if path.exists() || name_or_path.contains('/') || path.extension().is_some() {
            return Self::load(path);
        }
        let nearest = BUILTIN
            .iter()
            .map(|known| (strsim::damerau_levenshtein(known, name_or_path), *known))
            .min()
            .filter(|(distance, _)| *distance <= 2)
            .map(|(_, known)| known);
        Err(WorldError::Unknown { name: name_or_path.to_owned(), nearest })
    }
}

impl World {
    fn has_node(&self, name: &str) -> bool {
        self.nodes.iter().any(|node| node.name == name)
            || self.manifests.iter().any(|it| it["kind"] == "Node" && it["metadata"]["name"] == name)
    }

    /// Finds what is well-formed but cannot mean anything.
    fn check(&self) -> Result<(), String> {
        for object in self.manifests.iter().chain(self.changes.iter().flat_map(|change| &change.manifests)) {
            check_manifest(object)?;
        }
        let targets = (self.faults.iter().map(|fault| &fault.target))
            .chain(self.logs.iter().map(|rule| &rule.target))
            .chain(self.usage.iter().map(|rule| &rule.target))
            .chain(self.answers.iter().map(|rule| &rule.target));
        for target in targets {
            target.check()?;
        }
        for quantity in self.nodes.iter().flat_map(|node| [&node.cpu, &node.memory]) {
            check_quantity(quantity)?;
        }
        for fault in &self.faults {
            fault.when.memory_limit_below.as_ref().map_or(Ok(()), |quantity| check_quantity(quantity))?;
            match &fault.effect {
                Effect::Oom(oom) => oom.usage.as_ref().map_or(Ok(()), |quantity| check_quantity(quantity))?,
                Effect::NodeDown(name) if !self.has_node(name) => {
                    return Err(format!("nodeDown: there is no node `{name}`"));
                }
                _ => {}
            }
        }
        for amount in self.usage.iter().flat_map(|rule| [&rule.cpu, &rule.memory]).flatten() {
            usage::check(amount, &self.load).map_err(|why| format!("usage: {why}"))?;
        }
        for answers in &self.answers {
            answers.check()?;
        }
        for rule in &self.logs {
            if let Some(text) = &rule.base64 {
                base64::prelude::BASE64_STANDARD.decode(text).map_err(|error| format!("logs: base64: {error}"))?;
            }
        }
        Ok(())
    }
}

fn check_quantity(text: &str) -> Result<(), String> {
    text.parse::<Quantity>()
        .map(|_| ())
        .map_err(|_| format!("`{text}` is not a quantity; write it like 250m, 2 or 512Mi"))
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}

fn check_manifest(object: &Value) -> Result<(), String> {
    let present = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    if present(&object["apiVersion"]) && present(&object["kind"]) && present(&object["metadata"]["name"]) {
        return Ok(());
    }
    let text: String = object.to_string().chars().take(80).collect();
    Err(format!("a manifest needs apiVersion, kind and metadata.name: {text}"))
}

/// Reads manifests given as a list of objects or as one text of documents separated by `---`.
pub(super) fn manifests<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    deserializer.deserialize_any(Manifests)
}

struct Manifests;

impl<'de> Visitor<'de> for Manifests {
    type Value = Vec<Value>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list of manifests, or a text of manifests separated by `---`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<Value>, E> {
        let options = serde_saphyr::options! { legacy_octal_numbers: true };
        let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
            .map_err(|error| E::custom(format!("in the manifests: {error}")))?;
        Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Vec<Value>, A::Error> {
        Vec::deserialize(de::value::SeqAccessDeserializer::new(sequence))
    }
}
