//! `Status` objects: every error the API answers with, in the real server's words.
//!
//! Source: `k8s.io/apimachinery/pkg/api/errors` and `pkg/util/validation/field`. Anything that cannot be
//! done here is `not_implemented` with a reason, never a made-up answer.

use serde_json::{Value, json};

use crate::ownership::Conflicts;
use crate::schema::Resource;
use crate::store::{Expired, StoreError};

/// What is wrong with a field (`field.ErrorType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CauseKind {
    Invalid,
    WrongType,
    Required,
    Duplicate,
    NotSupported,
    Forbidden,
    NotFound,
    TooLong,
}

impl CauseKind {
    fn reason(self) -> &'static str {
        match self {
            Self::Invalid => "FieldValueInvalid",
            Self::WrongType => "FieldValueTypeInvalid",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::NotFound => "FieldValueNotFound",
            Self::TooLong => "FieldValueTooLong",
        }
    }
}

/// One thing wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) field: String,
    pub(crate) kind: CauseKind,
    /// The text after the field's path, for example `Invalid value: -1: must be …`.
    pub(crate) text: String,
}

impl Cause {
    /// An unacceptable value.
    pub(crate) fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self { field: field.into(), kind: CauseKind::Invalid, text: format!("Invalid value: {value}: {why}") }
    }

    /// A value of the wrong type in a custom resource; the real server shows the type instead of the value.
    pub(crate) fn wrong_type(field: &str, wanted: &str, found: &str) -> Self {
        let text = format!("Invalid value: \"{found}\": {field} in body must be of type {wanted}: \"{found}\"");
        Self { field: field.to_owned(), kind: CauseKind::WrongType, text }
    }

    /// A missing value.
    pub(crate) fn required(field: impl Into<String>, why: &str) -> Self {
        let text = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Self { field: field.into(), kind: CauseKind::Required, text }
    }

    /// A value that occurs twice.
    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self { field: field.into(), kind: CauseKind::Duplicate, text: format!("Duplicate value: {value}") }
    }

    /// A value outside a closed set.
    pub(crate) fn not_supported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|word| format!("\"{word}\"")).collect();
        let text = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self { field: field.into(), kind: CauseKind::NotSupported, text }
    }

    /// A change that is not allowed.
    pub(crate) fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self { field: field.into(), kind: CauseKind::Forbidden, text: format!("Forbidden: {why}") }
    }

    /// A reference to something that is not there.
    pub(crate) fn not_found(field: impl Into<String>, value: &Value) -> Self {
        Self { field: field.into(), kind: CauseKind::NotFound, text: format!("Not found: {value}") }
    }

    /// A value above its size limit.
    pub(crate) fn too_long(field: impl Into<String>, limit: usize) -> Self {
        let text = format!("Too long: may not be more than {limit} bytes");
        Self { field: field.into(), kind: CauseKind::TooLong, text }
    }

    fn json(&self) -> Value {
        json!({"reason": self.kind.reason(), "message": self.text, "field": self.field})
    }
}

/// The reason of an answer that is no `Status`.
const PAGE: &str = "Page";

/// An answer that refuses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    reason: &'static str,
    message: String,
    details: Option<Value>,
    /// A continue token that the client may go on with (only for an expired one).
    pub(crate) continue_token: Option<String>,
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None, continue_token: None }
    }

    fn about(mut self, resource: &Resource, name: &str) -> Self {
        let mut details = json!({"kind": resource.kind.plural});
        if !name.is_empty() {
            details["name"] = name.into();
        }
        if !resource.kind.group.is_empty() {
            details["group"] = resource.kind.group.into();
        }
        self.details = Some(details);
        self
    }

    /// 400.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403 for an object or a collection; `why` follows `is forbidden: `.
    pub(crate) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let quoted = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
        let message = format!("{}{quoted} is forbidden: {why}", resource.qualified());
        Self::new(403, "Forbidden", message).about(resource, name)
    }

    /// 403 for something that is no served resource; the whole message.
    pub(crate) fn forbidden_text(message: impl Into<String>) -> Self {
        let mut error = Self::new(403, "Forbidden", message);
        error.details = Some(json!({}));
        error
    }

    /// 403 because the namespace is going away.
    pub(crate) fn namespace_terminating(resource: &Resource, name: &str, namespace: &str) -> Self {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut error = Self::forbidden(resource, name, &why);
        if let Some(details) = &mut error.details {
            details["causes"] = json!([{
                "reason": "NamespaceTerminating",
                "message": format!("namespace {namespace} is being terminated"),
                "field": "metadata.namespace"
            }]);
        }
        error
    }

    /// 404 for an object.
    pub(crate) fn not_found(resource: &Resource, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} \"{name}\" not found", resource.qualified())).about(resource, name)
    }

    /// 404 for something that another server serves.
    pub(crate) fn not_found_named(kind: &str, name: &str) -> Self {
        let mut error = Self::new(404, "NotFound", format!("{kind} \"{name}\" not found"));
        error.details = Some(json!({"name": name, "kind": kind}));
        error
    }

    /// 404 for a path or a resource that is not served.
    pub(crate) fn no_such_path() -> Self {
        let mut error = Self::new(404, "NotFound", "the server could not find the requested resource");
        error.details = Some(json!({}));
        error
    }

    /// 404 for a path outside every served group; the answer is a page, not a `Status`.
    pub(crate) fn no_such_page() -> Self {
        Self::new(404, PAGE, "404 page not found\n")
    }

    /// Returns the text to answer with instead of a `Status`.
    pub(crate) fn page(&self) -> Option<&str> {
        (self.reason == PAGE).then_some(self.message.as_str())
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        let mut error = Self::new(405, "MethodNotAllowed", message);
        error.details = Some(json!({}));
        error
    }

    /// 406.
    pub(crate) fn not_acceptable(message: impl Into<String>) -> Self {
        Self::new(406, "NotAcceptable", message)
    }

    /// 406 because the client wants no media type that there is.
    pub(crate) fn no_representation() -> Self {
        let message = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf";
        let mut error = Self::not_acceptable(message);
        error.details = Some(json!({}));
        error
    }

    /// 409 because the object exists.
    pub(crate) fn already_exists(resource: &Resource, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{} \"{name}\" already exists", resource.qualified()))
            .about(resource, name)
    }

    /// 409 because the object is not as the client thought.
    pub(crate) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self::new(409, "Conflict", message).about(resource, name)
    }

    /// 410 because the asked resourceVersion is forgotten.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 413.
    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {limit}"))
    }

    /// 415.
    pub(crate) fn unsupported_media(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 415 for a patch of a type that there is not.
    pub(crate) fn unsupported_patch() -> Self {
        let mut error = Self::unsupported_media("415: Unsupported Media Type");
        error.details = Some(json!({}));
        error
    }

    /// 409 because others hold what an apply would change.
    pub(crate) fn apply_conflict(conflicts: &Conflicts) -> Self {
        let mut error = Self::new(409, "Conflict", conflicts.message());
        error.details = Some(json!({"causes": conflicts.causes()}));
        error
    }

    /// 500 for what the real server passes on of its libraries; such an answer has no reason.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// 422 for an object of a served resource.
    pub(crate) fn invalid(resource: &Resource, name: &str, causes: &[Cause]) -> Self {
        Self::invalid_kind(resource.kind.kind, resource.kind.group, name, causes)
    }

    /// 422 for any kind.
    pub(crate) fn invalid_kind(kind: &str, group: &str, name: &str, causes: &[Cause]) -> Self {
        let texts: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.text)).collect();
        let all = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let mut details = json!({"causes": causes.iter().map(Cause::json).collect::<Vec<_>>()});
        for (field, text) in [("kind", kind), ("group", group), ("name", name)] {
            if !text.is_empty() {
                details[field] = text.into();
            }
        }
        let mut error = Self::new(422, "Invalid", format!("{qualified} \"{name}\" is invalid: {all}"));
        error.details = Some(details);
        error
    }

    /// 422 because a patch could not be applied.
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        let mut error = Self::new(422, "Invalid", message);
        error.details = Some(json!({}));
        error
    }

    /// 429, with its cause; `retry` seconds are told unless there are none.
    pub(crate) fn too_many_requests(message: &str, retry: u64, cause: &str, why: &str) -> Self {
        let mut error = Self::new(429, "TooManyRequests", message);
        let mut details = json!({"causes": [{"reason": cause, "message": why}]});
        if retry > 0 {
            details["retryAfterSeconds"] = retry.into();
        }
        error.details = Some(details);
        error
    }

    /// 501: the sandbox cannot do this; the message says what and why.
    pub(crate) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(501, "NotImplemented", format!("the sandbox does not implement this: {}", message.into()))
    }

    /// 504 because the asked resourceVersion has not been reached.
    pub(crate) fn future_version(asked: u64, current: u64) -> Self {
        let message = format!("Too large resource version: {asked}, current: {current}");
        let mut error = Self::new(504, "Timeout", format!("Timeout: {message}"));
        error.details = Some(json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1
        }));
        error
    }

    /// Turns a refusal of the store into the answer for an object of `resource`.
    pub(crate) fn of_store(error: &StoreError, resource: &Resource, name: &str) -> Self {
        match error {
            StoreError::NotFound => Self::not_found(resource, name),
            StoreError::AlreadyExists => Self::already_exists(resource, name),
            StoreError::Conflict => Self::conflict(resource, name, &error.to_string()),
            StoreError::Forbidden(why) => Self::forbidden(resource, name, why),
            StoreError::Precondition(why) => {
                let message =
                    format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified_kind());
                let mut error = Self::new(409, "Conflict", message).about(resource, name);
                if let Some(details) = &mut error.details {
                    details["kind"] = resource.kind.kind.into();
                }
                error
            }
        }
    }

    /// Returns the `Status` object.
    pub(crate) fn body(&self) -> Value {
        let mut metadata = json!({});
        if let Some(token) = &self.continue_token {
            metadata["continue"] = token.clone().into();
        }
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code
        });
        if self.reason.is_empty()
            && let Some(status) = status.as_object_mut()
        {
            status.remove("reason");
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}

impl From<Expired> for ApiError {
    fn from(expired: Expired) -> Self {
        Self::expired(expired.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::resource;

    fn message(error: &ApiError) -> String {
        error.body()["message"].as_str().unwrap().to_owned()
    }

    #[test]
    fn errors_read_as_those_of_the_real_server() {
        let deployments = resource("apps", "v1", "deployments").unwrap();
        let pods = resource("", "v1", "pods").unwrap();
        assert_eq!(message(&ApiError::not_found(deployments, "web")), r#"deployments.apps "web" not found"#);
        assert_eq!(message(&ApiError::already_exists(pods, "a")), r#"pods "a" already exists"#);
        let cause = Cause::invalid("spec.replicas", &json!(-1), "must be greater than or equal to 0");
        let invalid = ApiError::invalid(deployments, "web", &[cause]);
        assert_eq!(
            message(&invalid),
            r#"Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"#
        );
        assert_eq!(
            invalid.body()["details"]["causes"][0],
            json!({"reason": "FieldValueInvalid", "field": "spec.replicas",
                   "message": "Invalid value: -1: must be greater than or equal to 0"})
        );
    }
}
