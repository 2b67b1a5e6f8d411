//! `patch`: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch; `apply` is server-side apply.

use serde_json::Value;

use super::incoming::Incoming;
use super::metadata::object_as;
use super::read::existing;
use super::reply::Reply;
use super::route::Target;
use super::status::{ApiError, Cause};
use super::strategic::{self, StrategicError};
use super::write::{self, Ownership};
use crate::go;
use crate::object;
use crate::schema::{self, Shape};
use crate::store::Store;

/// A JSON patch may have at most this many operations, as in the real server.
const OPERATIONS_LIMIT: usize = 10_000;

/// The operations of a JSON patch.
const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];

/// What the real server says of a patch that cannot be carried out.
const IN_ERROR: &str = "the server rejected our request due to an error in our request";

/// Answers `patch` of an object or its status.
pub(crate) fn patch(incoming: &Incoming, target: &Target, store: &mut Store) -> Result<Reply, ApiError> {
    if incoming.is_apply() {
        return super::apply::apply(incoming, target, store);
    }
    check(incoming)?;
    let kind = target.resource.kind.kind;
    if is_strategic(incoming) && schema::root_type(kind) == Shape::Custom {
        // Nothing says how the lists of custom objects merge.
        return Err(ApiError::unsupported_media(
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        ));
    }
    if target.resource.is_custom() && kind == "application/strategic-merge-patch+json" {
        return Err(ApiError::unsupported_media(
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        ));
    }
    let current = existing(target, store)?;
    let mut object = apply(incoming, &current)?;
    let invalid =
        |shown: &str, why: &str| ApiError::invalid_kind("", "", "", &[Cause::invalid("patch", &shown.into(), why)]);
    let unknown = schema::decode(kind, &mut object).map_err(|error| {
        if is_strategic(incoming) {
            return invalid(&shown(incoming), &error.of_converter());
        }
        invalid(&serde_json::to_string(&object).unwrap_or_default(), &error.to_string())
    })?;
    let warnings = write::report_unknown(incoming, &unknown).map_err(|why| invalid(&shown(incoming), &why))?;
    schema::as_written(kind, &mut object);
    check_identity(&object, &current, target)?;
    write::replace(incoming, target, object, store, warnings, Ownership::Taken, object_as)
}

/// 422 because of what a patch made of the object, or because of the patch.
pub(super) fn invalid(shown: &str, why: &str) -> ApiError {
    ApiError::invalid_kind("", "", "", &[Cause::invalid("patch", &shown.into(), why)])
}

/// Refuses what is no patch, and options that make no sense.
pub(super) fn check(incoming: &Incoming) -> Result<(), ApiError> {
    match incoming.content_type().as_str() {
        "application/json-patch+json" | "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
            incoming.check_options()
        }
        // Apply patches in CBOR too: the feature is off there.
        _ => Err(ApiError::unsupported_patch()),
    }
}

/// Applies the request's patch to an object.
pub(super) fn apply(incoming: &Incoming, current: &Value) -> Result<Value, ApiError> {
    let mut object = current.clone();
    let body: Value =
        serde_json::from_slice(&incoming.body).map_err(|_| ApiError::bad_request("invalid JSON patch"))?;
    match incoming.content_type().as_str() {
        "application/json-patch+json" => {
            let mut body = body;
            add_what_is_missing(&mut body, &object);
            let all = body.as_array().into_iter().flatten();
            if all.filter_map(|it| it["op"].as_str()).any(|word| !OPERATIONS.contains(&word)) {
                return Err(ApiError::unprocessable(IN_ERROR));
            }
            if let Some(found) = not_a_list(&body) {
                return Err(ApiError::bad_request(format!(
                    "error decoding patch: json: cannot unmarshal {found} into Go value of type []handlers.jsonPatchOp"
                )));
            }
            let operations: json_patch::Patch = serde_json::from_value(body)
                .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
            if operations.0.len() > OPERATIONS_LIMIT {
                return Err(ApiError::too_large(OPERATIONS_LIMIT));
            }
            json_patch::patch(&mut object, &operations).map_err(|_| ApiError::unprocessable(IN_ERROR))?;
        }
        "application/merge-patch+json" => {
            if !body.is_object() {
                return Err(ApiError::bad_request(
                    "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
                ));
            }
            json_patch::merge(&mut object, &body);
        }
        _ => {
            let Value::Object(patch) = &body else {
                let found = not_a_map(&body);
                return Err(ApiError::bad_request(format!(
                    "json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
                )));
            };
            let shape = schema::root_type(current["kind"].as_str().unwrap_or_default());
            strategic::merge(&mut object, patch, &shape).map_err(|error| match error {
                StrategicError::Format(why) => ApiError::bad_request(why),
                StrategicError::Unprocessable(_) => ApiError::unprocessable(IN_ERROR),
                StrategicError::Internal(why) => ApiError::unknown(why),
            })?;
        }
    }
    if !object.is_object() {
        return Err(ApiError::unprocessable(IN_ERROR));
    }
    Ok(object)
}

/// The server's library takes `replace` of a field that is not there as `add` when its parent is.
fn add_what_is_missing(operations: &mut Value, object: &Value) {
    for operation in operations.as_array_mut().into_iter().flatten() {
        let path = operation["path"].as_str().unwrap_or_default();
        let parent = path.rsplit_once('/').and_then(|(parent, _)| object.pointer(parent));
        if operation["op"] == "replace" && object.pointer(path).is_none() && parent.is_some_and(Value::is_object) {
            object::set(operation, "op", "add");
        }
    }
}

/// A patch may not make another object of the target.
pub(super) fn check_identity(object: &Value, current: &Value, target: &Target) -> Result<(), ApiError> {
    if object::name(object) != target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            object::name(object),
            target.name
        )));
    }
    if object::namespace(object) != object::namespace(current) {
        return Err(ApiError::bad_request("the namespace of the object does not match the namespace on the URL"));
    }
    for field in ["apiVersion", "kind"] {
        if object[field] != current[field] {
            return Err(ApiError::bad_request(format!(
                "the API version in the data ({}, Kind={}) does not match the expected API version ({}, Kind={})",
                object["apiVersion"].as_str().unwrap_or_default(),
                object["kind"].as_str().unwrap_or_default(),
                current["apiVersion"].as_str().unwrap_or_default(),
                current["kind"].as_str().unwrap_or_default()
            )));
        }
    }
    Ok(())
}

/// Returns what a body is that must be a list, in Go's words; `null` counts as a list of nothing.
fn not_a_list(body: &Value) -> Option<&'static str> {
    match body {
        Value::Object(_) => Some("object"),
        Value::String(_) => Some("string"),
        Value::Number(_) => Some("number"),
        Value::Bool(_) => Some("bool"),
        Value::Array(_) | Value::Null => None,
    }
}

fn not_a_map(body: &Value) -> &'static str {
    not_a_list(body).unwrap_or("array")
}

fn is_strategic(incoming: &Incoming) -> bool {
    incoming.content_type() == "application/strategic-merge-patch+json"
}

/// Returns the request's patch as an error shows it: a strategic one is a Go map by then.
fn shown(incoming: &Incoming) -> String {
    if is_strategic(incoming) {
        return go::text(&serde_json::from_slice(&incoming.body).unwrap_or_default());
    }
    String::from_utf8_lossy(&incoming.body).into_owned()
}
