//! `patch`: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch; not server-side apply.

use serde_json::{Value, json};

use super::incoming::Incoming;
use super::metadata::object_as;
use super::read::existing;
use super::reply::Reply;
use super::route::Target;
use super::status::{ApiError, Cause};
use super::strategic;
use super::write;
use crate::object::{self, metadata_mut};
use crate::schema;
use crate::store::Store;

/// A JSON patch may have at most this many operations, as in the real server.
const OPERATIONS_LIMIT: usize = 10_000;

/// The operations of a JSON patch.
const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];

/// Answers `patch` of an object or its status.
pub(crate) fn patch(incoming: &Incoming, target: &Target, store: &mut Store) -> Result<Reply, ApiError> {
    let kind = incoming.content_type();
    if kind == "application/apply-patch+yaml" || kind == "application/apply-patch+cbor" {
        return Err(ApiError::not_implemented(
            "server-side apply: it needs ownership of every field; send a merge, strategic or JSON patch",
        ));
    }
    if target.resource.is_custom() && kind == "application/strategic-merge-patch+json" {
        return Err(ApiError::unsupported_media(
            "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        ));
    }
    let current = existing(target, store)?;
    let mut object = apply(incoming, &current)?;
    let unknown = schema::decode(target.resource.kind.kind, &mut object).map_err(|error| {
        let patched = serde_json::to_string(&object).unwrap_or_default();
        ApiError::invalid_kind("", "", "", &[Cause::invalid("patch", &patched.into(), &error.to_string())])
    })?;
    let warnings = write::report_unknown(incoming, &unknown).map_err(|why| {
        ApiError::invalid_kind("", "", "", &[Cause::invalid("patch", &body_text(incoming).into(), &why)])
    })?;
    check_identity(&object, &current, target)?;
    write::replace(incoming, target, object, store, warnings, object_as)
}

/// Applies the request's patch to an object.
pub(crate) fn apply(incoming: &Incoming, current: &Value) -> Result<Value, ApiError> {
    let mut object = current.clone();
    let body: Value = match incoming.content_type().as_str() {
        "application/json-patch+json" | "application/merge-patch+json" | "application/strategic-merge-patch+json" => {
            serde_json::from_slice(&incoming.body)
                .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?
        }
        _ => {
            return Err(ApiError::unsupported_media(
                "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml",
            ));
        }
    };
    match incoming.content_type().as_str() {
        "application/json-patch+json" => {
            let mut body = body;
            add_what_is_missing(&mut body, &object);
            let all = body.as_array().into_iter().flatten();
            if all.filter_map(|it| it["op"].as_str()).any(|word| !OPERATIONS.contains(&word)) {
                return Err(ApiError::unprocessable("the server rejected our request due to an error in our request"));
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
            json_patch::patch(&mut object, &operations).map_err(|_| {
                ApiError::unprocessable("the server rejected our request due to an error in our request")
            })?;
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
            if !body.is_object() {
                return Err(ApiError::bad_request("error decoding patch: a strategic merge patch must be an object"));
            }
            let shape = schema::root_type(current["kind"].as_str().unwrap_or_default());
            strategic::merge(&mut object, &body, &shape).map_err(|error| ApiError::bad_request(error.to_string()))?;
        }
    }
    if !object.is_object() {
        return Err(ApiError::unprocessable("the server rejected our request due to an error in our request"));
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
fn check_identity(object: &Value, current: &Value, target: &Target) -> Result<(), ApiError> {
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

fn body_text(incoming: &Incoming) -> String {
    String::from_utf8_lossy(&incoming.body).into_owned()
}

/// Answers every verb on `scale`: the replica count of a workload as an `autoscaling/v1` Scale.
pub(crate) fn scale(incoming: &Incoming, target: &Target, store: &mut Store) -> Result<Reply, ApiError> {
    let current = existing(target, store)?;
    let before = scale_of(&current);
    let wanted = match incoming.method.as_str() {
        "GET" | "HEAD" => return Ok(Reply::json(object_as(&before, incoming.form()?)?)),
        "PUT" => incoming.object()?,
        "PATCH" if incoming.content_type() == "application/apply-patch+yaml" => {
            return Err(ApiError::not_implemented("server-side apply of a Scale"));
        }
        "PATCH" => apply(incoming, &before)?,
        _ => return Err(ApiError::method_not_allowed()),
    };
    let mut wanted = wanted;
    schema::decode("Scale", &mut wanted).map_err(|error| {
        ApiError::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {error}"))
    })?;
    let found = object::name(&wanted);
    if found != target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({found}) does not match the name on the URL ({})",
            target.name
        )));
    }
    let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or(0);
    if replicas < 0 {
        let cause = Cause::invalid("spec.replicas", &replicas.into(), "must be greater than or equal to 0");
        return Err(ApiError::invalid_kind("Scale", "autoscaling", &target.name, &[cause]));
    }
    let mut object = Value::clone(&current);
    object["spec"]["replicas"] = replicas.into();
    let claimed = object::metadata_text(&wanted, "resourceVersion").to_owned();
    if claimed.is_empty() {
        metadata_mut(&mut object).remove("resourceVersion");
    } else {
        metadata_mut(&mut object).insert("resourceVersion".into(), claimed.into());
    }
    write::replace(incoming, target, object, store, Vec::new(), |stored, form| object_as(&scale_of(stored), form))
}

fn scale_of(workload: &Value) -> Value {
    let metadata = &workload["metadata"];
    let mut own = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = metadata.get(field) {
            own[field] = value.clone();
        }
    }
    let selector = todo_agent_kube_rules::selectors::LabelSelector::from_object(&workload["spec"]["selector"]);
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": own,
        // Zero is not written (`omitempty`).
        "spec": workload["spec"]["replicas"].as_i64().filter(|count| *count != 0).map_or_else(|| json!({}), |count| json!({"replicas": count})),
        "status": {
            "replicas": workload["status"]["replicas"].as_i64().unwrap_or(0),
            "selector": selector.map(|selector| selector.to_string()).unwrap_or_default()
        }
    })
}
