//! The form in which a client wants objects: the `Accept` header, read as the real server reads it.
//!
//! The clauses are tried in order; one that cannot be given is passed over. Source: `negotiation` and
//! `optionsForTransform` of `k8s.io/apiserver/pkg/endpoints/handlers`.

use serde_json::Value;

use super::incoming::Incoming;
use super::status::ApiError;
use crate::tables::{Headers, Include, Table};

/// How the client wants objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    Full,
    /// Only the metadata, as `PartialObjectMetadata`.
    Metadata,
    /// Only the metadata, as `PartialObjectMetadataList`.
    MetadataList,
    /// What people look at, as `Table`.
    Table(Table),
}

impl Incoming {
    /// Returns the form that the `Accept` header asks for, the first that can be given.
    pub(crate) fn form(&self) -> Result<Form, ApiError> {
        let accept = self.header("accept");
        if accept.is_empty() {
            return Ok(Form::Full);
        }
        let mut speaks_json = false;
        for wanted in accept.split(',') {
            let mut parts = wanted.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            if !["application/json", "application/*", "*/*"].contains(&media.as_str()) {
                continue;
            }
            speaks_json = true;
            let parameter = |name: &str| parts.clone().find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
            match parameter("as") {
                None => return Ok(Form::Full),
                Some("PartialObjectMetadata") => return Ok(Form::Metadata),
                Some("PartialObjectMetadataList") => return Ok(Form::MetadataList),
                Some("Table") => match (parameter("g"), parameter("v")) {
                    (Some("meta.k8s.io"), Some("v1")) => return self.table("v1"),
                    (Some("meta.k8s.io"), Some("v1beta1")) => return self.table("v1beta1"),
                    _ => {}
                },
                Some(_) => {}
            }
        }
        // Who speaks no known language is turned away before the server looks at forms.
        Err(if speaks_json {
            ApiError::not_acceptable(
                "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
            )
        } else {
            ApiError::no_representation()
        })
    }

    fn table(&self, version: &'static str) -> Result<Form, ApiError> {
        let include = match self.query.get("includeObject").unwrap_or_default() {
            "None" => Include::Nothing,
            "" | "Metadata" => Include::Metadata,
            "Object" => Include::Object,
            other => {
                return Err(ApiError::bad_request(format!(
                    "Unable to convert to Table as requested: includeObject: Invalid value: {}: must be 'Metadata', 'Object', 'None', or empty",
                    Value::from(other)
                )));
            }
        };
        Ok(Form::Table(Table { version, include, headers: Headers::Shown, now: self.now }))
    }
}
