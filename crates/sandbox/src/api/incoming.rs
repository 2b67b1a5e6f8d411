//! One request, read once: who asks for what, in which form the answer is wanted.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use jiff::Timestamp;
use serde_json::Value;
use todo_agent_kube_rules::rbac::User;

use super::query::Query;
use super::status::{ApiError, Cause};

/// Requests above this size are refused, as the real server does.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// A request whose body has arrived.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Who asks, after authentication and impersonation.
    pub(crate) user: User,
    /// The simulated present.
    pub(crate) now: Timestamp,
}

/// How the client wants objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are.
    Full,
    /// Only the metadata, as `PartialObjectMetadata`.
    Metadata,
    /// Only the metadata, as `PartialObjectMetadataList`.
    MetadataList,
}

/// Who a write is recorded for in `managedFields`.
pub(crate) const MANAGER_LIMIT: usize = 128;

impl Incoming {
    pub(crate) fn new(method: Method, uri: &Uri, headers: HeaderMap, body: Bytes, now: Timestamp) -> Self {
        Self {
            method,
            path: uri.path().to_owned(),
            query: Query::parse(uri.query().unwrap_or_default()),
            headers,
            body,
            user: User::default(),
            now,
        }
    }

    /// Returns a header's text, "" when absent or not text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns the body's media type without parameters, in lower case.
    pub(crate) fn content_type(&self) -> String {
        let full = self.header("content-type");
        full.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Returns the name that `managedFields` records: the `fieldManager` parameter, else the program's name
    /// in the user agent.
    pub(crate) fn manager(&self) -> Result<String, ApiError> {
        let manager = match self.query.get("fieldManager") {
            Some(named) => named.to_owned(),
            None => self.header("user-agent").split('/').next().unwrap_or_default().to_owned(),
        };
        let manager = if manager.is_empty() { "unknown".to_owned() } else { manager };
        if manager.len() > MANAGER_LIMIT {
            return Err(ApiError::bad_request(format!("fieldManager may not be more than {MANAGER_LIMIT} bytes")));
        }
        Ok(manager)
    }

    /// Returns whether the request must leave no trace.
    pub(crate) fn is_dry_run(&self) -> Result<bool, ApiError> {
        let mut dry = false;
        for value in self.query.all("dryRun") {
            if value != "All" {
                let kind = match self.method {
                    Method::POST => "CreateOptions",
                    Method::PUT => "UpdateOptions",
                    Method::PATCH => "PatchOptions",
                    _ => "DeleteOptions",
                };
                let cause = Cause::not_supported("dryRun", &serde_json::json!([value]), &["All"]);
                return Err(ApiError::invalid_kind(kind, "meta.k8s.io", "", &[cause]));
            }
            dry = true;
        }
        Ok(dry)
    }

    /// Returns the form that the `Accept` header asks for, the first that can be given.
    pub(crate) fn form(&self) -> Result<Form, ApiError> {
        let accept = self.header("accept");
        if accept.is_empty() {
            return Ok(Form::Full);
        }
        let mut table = false;
        for wanted in accept.split(',') {
            let mut parts = wanted.split(';').map(str::trim);
            let media = parts.next().unwrap_or_default().to_ascii_lowercase();
            if !["application/json", "application/*", "*/*"].contains(&media.as_str()) {
                continue;
            }
            match parts.find_map(|part| part.strip_prefix("as=")) {
                None => return Ok(Form::Full),
                Some("PartialObjectMetadata") => return Ok(Form::Metadata),
                Some("PartialObjectMetadataList") => return Ok(Form::MetadataList),
                Some("Table") => table = true,
                Some(_) => {}
            }
        }
        let message = if table {
            "the sandbox does not make tables yet; ask for application/json as well"
        } else {
            "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf"
        };
        Err(ApiError::not_acceptable(message))
    }

    /// Reads the body as JSON (or YAML, when it says so).
    pub(crate) fn object(&self) -> Result<Value, ApiError> {
        let invalid = |error: &dyn std::fmt::Display| {
            ApiError::bad_request(format!("the object provided is unrecognized (must be of type JSON): {error}"))
        };
        match self.content_type().as_str() {
            "" | "application/json" => serde_json::from_slice(&self.body).map_err(|error| invalid(&error)),
            "application/yaml" => {
                let text = std::str::from_utf8(&self.body).map_err(|error| invalid(&error))?;
                serde_saphyr::from_str(text).map_err(|error| invalid(&error))
            }
            "application/vnd.kubernetes.protobuf" => {
                Err(ApiError::not_implemented("request bodies in protobuf; send application/json"))
            }
            _ => Err(ApiError::unsupported_media(
                "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
            )),
        }
    }

    /// Reads the body as JSON, null when there is none.
    pub(crate) fn optional_object(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() { Ok(Value::Null) } else { self.object() }
    }
}
