//! One request, read once: who asks for what. `form` says in which form the answer is wanted.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use jiff::Timestamp;
use serde_json::Value;
use todo_agent_kube_rules::rbac::User;

use super::query::Query;
use super::status::ApiError;
use crate::schema::protobuf::{self, Unreadable};

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
    pub(crate) fn manager(&self) -> String {
        let manager = match self.query.get("fieldManager") {
            Some(named) => named,
            None => self.header("user-agent").split('/').next().unwrap_or_default(),
        };
        if manager.is_empty() { "unknown".to_owned() } else { manager.to_owned() }
    }

    /// Reads the body as JSON (or YAML or protobuf, when it says so).
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
            "application/vnd.kubernetes.protobuf" => protobuf::decode(&self.body).map_err(|error| match error {
                Unreadable::Malformed => invalid(&"the body is no protobuf of Kubernetes"),
                Unreadable::Unknown(what) => ApiError::not_implemented(format!("{what}; send application/json")),
            }),
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
