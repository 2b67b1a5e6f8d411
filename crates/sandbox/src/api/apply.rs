//! Server-side apply: reads a configuration, merges it into the object or makes that, and settles who holds what.
//!
//! Source: `applyPatcher` of `apiserver/pkg/endpoints/handlers/patch.go` and `managedfields` of apimachinery. What the
//! object becomes is decided in `ownership`; everything after that is as for other writes.

use serde_json::Value;

use super::auth;
use super::incoming::Incoming;
use super::managed_fields::{reset_fields, seen};
use super::metadata::object_as;
use super::patch::check_identity;
use super::reply::Reply;
use super::route::{Target, Verb};
use super::status::ApiError;
use super::write::{self, Ownership};
use crate::authors;
use crate::object;
use crate::ownership::{Application, Applied, Manager, Managers, Refused};
use crate::schema::{self, root_type};
use crate::store::{Key, Store};

/// Answers an apply of an object or its status.
pub(super) fn apply(incoming: &Incoming, target: &Target, store: &mut Store) -> Result<Reply, ApiError> {
    incoming.check_options()?;
    let kind = target.resource.kind;
    let (config, warnings) = config(incoming, &kind.api_version(), kind.kind)?;
    let found = store.get(&Key::of(kind, &target.namespace, &target.name));
    if found.is_none() && !target.subresource.is_empty() {
        return Err(ApiError::not_found(target.resource, &target.name));
    }
    let live = match &found {
        Some(current) => seen(current),
        None => seen(&serde_json::json!({"apiVersion": kind.api_version(), "kind": kind.kind})),
    };
    let managers = found.as_ref().map(|current| holders(current, &live, incoming)).unwrap_or_default();
    let application = Application {
        shape: &root_type(kind.kind),
        config: &config,
        api_version: &kind.api_version(),
        manager: Manager::apply(&incoming.manager(), &target.subresource),
        force: incoming.query.flag("force"),
        ignored: reset_fields(kind.kind, &target.subresource),
        now: incoming.now,
    };
    let Applied { mut object, managers } = application.to(&live, &managers).map_err(|why| refused(why, &config))?;
    schema::decode(kind.kind, &mut object).map_err(|error| {
        let (which, of) = (described(&config), described_kind(&kind.api_version(), kind.kind));
        let why = error.of_converter();
        ApiError::unknown(format!(
            "failed to convert new object ({which}) to proper version: unable to convert unstructured object to {of}: {why}"
        ))
    })?;
    schema::as_written(kind.kind, &mut object);
    let Some(current) = found else {
        auth::authorize(&incoming.user, target, Verb::Create, None, store)?;
        check_new(&object, target)?;
        write::place(&mut object, target)?;
        return write::insert(incoming, target, object, store, warnings, |object| managers.write(object));
    };
    write::place(&mut object, target)?;
    check_identity(&object, &current, target)?;
    write::replace(incoming, target, object, store, warnings, Ownership::Settled(managers), object_as)
}

/// Applies a configuration to the Scale of a workload; returns it and who holds what of the workload then.
pub(super) fn scale(
    incoming: &Incoming,
    target: &Target,
    workload: &Value,
    scale: &Value,
) -> Result<(Value, Managers), ApiError> {
    const API_VERSION: &str = "autoscaling/v1";
    incoming.check_options()?;
    let (config, _) = config(incoming, API_VERSION, "Scale")?;
    let live = seen(scale);
    let managers = holders(workload, &seen(workload), incoming);
    let application = Application {
        shape: &root_type("Scale"),
        config: &config,
        api_version: API_VERSION,
        manager: Manager::apply(&incoming.manager(), &target.subresource),
        force: incoming.query.flag("force"),
        ignored: reset_fields("Scale", ""),
        now: incoming.now,
    };
    let applied = application.to(&live, &managers.of_scale(API_VERSION)).map_err(|why| refused(why, &config))?;
    let version = workload["apiVersion"].as_str().unwrap_or_default();
    Ok((applied.object, managers.with_scale(&applied.managers, version)))
}

/// Returns who holds what of an object. One that nobody was recorded for is whose it was before.
fn holders(current: &Value, live: &Value, incoming: &Incoming) -> Managers {
    let mut managers = authors::managers(current).unwrap_or_default();
    if managers.is_empty() {
        let name =
            if object::owner_references(current).is_empty() { "before-first-apply" } else { "kube-controller-manager" };
        let (kind, version) = (current["kind"].as_str(), current["apiVersion"].as_str());
        let (kind, version) = (kind.unwrap_or_default(), version.unwrap_or_default());
        let nothing = seen(&serde_json::json!({"apiVersion": version, "kind": kind}));
        let manager = Manager::update(name, version, "");
        managers.update(&root_type(kind), &nothing, live, &manager, &reset_fields(kind, ""), incoming.now);
    }
    managers
}

/// Reads the configuration of the wanted kind; a key that is there twice is warned of or refused.
fn config(incoming: &Incoming, api_version: &str, kind: &str) -> Result<(Value, Vec<String>), ApiError> {
    let text = std::str::from_utf8(&incoming.body)
        .map_err(|error| ApiError::bad_request(format!("error encoding patch: {error}")))?;
    let read = |duplicate_keys| {
        let options = serde_saphyr::options! { legacy_octal_numbers: true, duplicate_keys: duplicate_keys };
        serde_saphyr::from_str_with_options::<Value>(text, options)
    };
    let config = read(serde_saphyr::DuplicateKeyPolicy::LastWins)
        .map_err(|error| ApiError::bad_request(format!("error encoding patch: {error}")))?;
    if !config.is_object() && !config.is_null() {
        let found = match config {
            Value::Array(_) => "array",
            Value::String(_) => "string",
            Value::Bool(_) => "bool",
            _ => "number",
        };
        return Err(ApiError::bad_request(format!(
            "error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
        )));
    }
    let (found_version, found_kind) = (config["apiVersion"].as_str(), config["kind"].as_str());
    if found_version != Some(api_version) || found_kind != Some(kind) {
        let found = described_kind(found_version.unwrap_or_default(), found_kind.unwrap_or_default());
        return Err(ApiError::bad_request(format!("invalid object type: {found}")));
    }
    if config["metadata"].get("managedFields").is_some_and(|entries| !entries.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let twice = read(serde_saphyr::DuplicateKeyPolicy::Error).err().map(|error| key_twice(&error));
    match (incoming.query.get("fieldValidation").unwrap_or("Warn"), twice) {
        ("Strict", Some(why)) => Err(ApiError::bad_request(format!(
            "error strict decoding patch: error converting YAML to JSON: yaml: unmarshal errors:\n  {why}"
        ))),
        ("Warn", Some(why)) => Ok((config, vec![why])),
        _ => Ok((config, Vec::new())),
    }
}

/// Returns where a key is there twice, in the words of Go's library.
fn key_twice(error: &serde_saphyr::Error) -> String {
    match error.without_snippet() {
        serde_saphyr::Error::DuplicateMappingKey { key, location } => {
            let key = key.as_deref().unwrap_or_default();
            format!("line {}: key \"{key}\" already set in map", location.line())
        }
        other => other.to_string(),
    }
}

fn refused(why: Refused, config: &Value) -> ApiError {
    match why {
        Refused::Conflicts(conflicts) => ApiError::apply_conflict(&conflicts),
        Refused::Misfit(why) => {
            ApiError::unknown(format!("failed to create typed patch object ({}): {why}", described(config)))
        }
    }
}

/// Returns which object a configuration is of, as errors say it.
fn described(config: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = described_kind(&text(&config["apiVersion"]), &text(&config["kind"]));
    format!("{}/{}; {kind}", object::namespace(config), object::name(config))
}

fn described_kind(api_version: &str, kind: &str) -> String {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    format!("{group}/{version}, Kind={kind}")
}

/// Checks that a new object is the one that the path names, and has no uid that another had.
fn check_new(object: &Value, target: &Target) -> Result<(), ApiError> {
    let uid = object::uid(object);
    if !uid.is_empty() {
        let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        return Err(ApiError::conflict(target.resource, &target.name, &why));
    }
    match object::name(object) {
        "" => Err(ApiError::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            target.name
        ))),
        name if name != target.name => Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        ))),
        _ => Ok(()),
    }
}
