//! `create` and `update`: decode, default, allocate, validate, record, store. In this order, as the real
//! server does.

use serde_json::Value;

use super::escalation;
use super::form::Form;
use super::incoming::Incoming;
use super::managed_fields;
use super::metadata::object_as;
use super::read::existing;
use super::reply::Reply;
use super::route::Target;
use super::status::ApiError;
use crate::object::{self, metadata_mut};
use crate::ownership::Managers;
use crate::schema::{self, Resource, Unknown, custom};
use crate::store::{Key, Part, Store};
use crate::{admission, allocation, defaults, validation};

/// The letters of generated names: no vowels, no digits that look like letters.
const NAME_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The longest prefix that `generateName` may have; the rest of 63 bytes is generated.
const GENERATED_PREFIX: usize = 58;

/// What a client cannot say of a new object (`WipeObjectMetaSystemFields`).
const SYSTEM_FIELDS: [&str; 6] =
    ["uid", "selfLink", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "managedFields"];

/// Who holds what after a write.
pub(super) enum Ownership {
    /// Who made the request takes what it changes.
    Taken,
    /// An apply has settled it.
    Settled(Managers),
}

/// Answers `create`.
pub(crate) fn create(incoming: &Incoming, target: &Target, store: &mut Store) -> Result<Reply, ApiError> {
    incoming.check_options()?;
    let (mut object, warnings) = read_object(incoming, target.resource)?;
    let sent = object.clone();
    place(&mut object, target)?;
    generate_name(&mut object, store);
    for field in SYSTEM_FIELDS {
        metadata_mut(&mut object).remove(field);
    }
    let manager = incoming.manager();
    insert(incoming, target, object, store, warnings, |object| {
        managed_fields::record_creation(object, &sent, &manager, incoming.now);
    })
}

/// Stores a new object, for `create` and for an apply of what is not there; `record` says who holds what of it.
pub(super) fn insert(
    incoming: &Incoming,
    target: &Target,
    mut object: Value,
    store: &mut Store,
    warnings: Vec<String>,
    record: impl FnOnce(&mut Value),
) -> Result<Reply, ApiError> {
    let form = incoming.form()?;
    let dry_run = incoming.is_dry_run()?;
    let resource = target.resource;
    let warnings = [warnings, fit(incoming, resource, &mut object, store)?].concat();
    admit_namespace(&object, resource, store)?;
    admit_service_account(&object, resource, store)?;
    escalation::check(incoming, target, &object, None, store)?;
    defaults::apply(&mut object);
    // Whose fields they are is written down before the server adds its own.
    let mut claimed = object.clone();
    record(&mut claimed);
    admission::complete(&mut object, store);
    defaults::initial_status(&mut object, incoming.now);
    allocation::allocate(&mut object, store);
    allocation::select_own_pods(&mut object, store);
    let name = object::name(&object).to_owned();
    let causes = validation::on_create(&object);
    if !causes.is_empty() {
        if resource.is("batch", "jobs") {
            // Its selector has used up a uid.
            store.next_uid();
        }
        return Err(ApiError::invalid(resource, &name, &causes));
    }
    admission::check(&object, None, store).map_err(|why| ApiError::forbidden(resource, &name, &why))?;
    set_managed_fields(&mut object, claimed["metadata"]["managedFields"].clone());
    let refused = |error| ApiError::of_store(&error, resource, &name);
    let reply = if dry_run {
        let drafted = store.drafted(object, incoming.now).map_err(refused)?;
        Reply::json(object_as(&drafted, form)?)
    } else {
        let created = store.create(object, incoming.now).map_err(refused)?;
        Reply::json(object_as(&created, form)?).written()
    };
    Ok(reply.code(201).warning(warnings))
}

/// Answers `update` of an object or its status.
pub(crate) fn update(incoming: &Incoming, target: &Target, store: &mut Store) -> Result<Reply, ApiError> {
    incoming.check_options()?;
    let (mut object, warnings) = read_object(incoming, target.resource)?;
    let found = object::name(&object);
    if found.is_empty() {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            target.name
        )));
    }
    if found != target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({found}) does not match the name on the URL ({})",
            target.name
        )));
    }
    place(&mut object, target)?;
    existing(target, store)?;
    replace(incoming, target, object, store, warnings, Ownership::Taken, object_as)
}

/// Stores an object in place of the target, for `update`, `patch` and apply; `shown` is what the client gets to see.
pub(super) fn replace(
    incoming: &Incoming,
    target: &Target,
    mut object: Value,
    store: &mut Store,
    warnings: Vec<String>,
    ownership: Ownership,
    shown: impl Fn(&Value, Form) -> Result<Value, ApiError>,
) -> Result<Reply, ApiError> {
    let form = incoming.form()?;
    let dry_run = incoming.is_dry_run()?;
    let resource = target.resource;
    let warnings = [warnings, fit(incoming, resource, &mut object, store)?].concat();
    let part = if target.subresource == "status" { Part::Status } else { Part::Spec };
    if part == Part::Spec {
        defaults::apply(&mut object);
        keep_assigned(&mut object, store, target);
        allocation::allocate(&mut object, store);
    }
    let sent = object["metadata"].get("managedFields").cloned().unwrap_or_default();
    let refused = |error| ApiError::of_store(&error, resource, &target.name);
    if part == Part::Spec
        && let Some(current) = store.get(&Key::of(resource.kind, &target.namespace, &target.name))
    {
        defaults::count_template(&mut object, &current);
    }
    let (current, mut merged) = store.merged(object, part).map_err(refused)?;
    if part == Part::Spec {
        escalation::check(incoming, target, &merged, Some(&current), store)?;
        let causes = validation::on_update(&merged, &current);
        if !causes.is_empty() {
            return Err(ApiError::invalid(resource, &target.name, &causes));
        }
        admission::check(&merged, Some(&current), store)
            .map_err(|why| ApiError::forbidden(resource, &target.name, &why))?;
    }
    match ownership {
        Ownership::Settled(managers) => managers.write(&mut merged),
        Ownership::Taken => match managed_fields::inherited(&sent, &current, &target.subresource) {
            Some(managers) if managed_fields::is_tracked(&managers, &current) => {
                let manager = incoming.manager();
                managed_fields::record_on(managers, &mut merged, &current, &manager, &target.subresource, incoming.now);
            }
            _ => drop(metadata_mut(&mut merged).remove("managedFields")),
        },
    }
    managed_fields::keep_times(&mut merged, &current);
    if dry_run {
        return Ok(Reply::json(shown(&merged, form)?).warning(warnings));
    }
    let stored = store.replace(merged, part, incoming.now).map_err(refused)?;
    Ok(Reply::json(shown(&stored, form)?).warning(warnings).written())
}

fn set_managed_fields(object: &mut Value, entries: Value) {
    let metadata = metadata_mut(object);
    if entries.is_null() {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".into(), entries);
    }
}

/// A Service that is replaced without its addresses keeps them.
fn keep_assigned(object: &mut Value, store: &Store, target: &Target) {
    if object["kind"] != "Service" || object["spec"]["type"] == "ExternalName" {
        return;
    }
    let Some(current) = store.get(&Key::of(target.resource.kind, &target.namespace, &target.name)) else { return };
    let spec = object::map_at(object, "spec");
    for field in ["clusterIP", "clusterIPs"] {
        let old = &current["spec"][field];
        let empty = spec.get(field).is_none_or(|value| value == "" || value.is_null());
        if empty && !old.is_null() {
            spec.insert(field.into(), old.clone());
        }
    }
}

/// Reads the body as an object of the resource's kind: checks its type, drops or refuses unknown fields.
pub(crate) fn read_object(incoming: &Incoming, resource: &Resource) -> Result<(Value, Vec<String>), ApiError> {
    let mut object = incoming.object()?;
    let warnings = decode(incoming, resource, &mut object)?;
    Ok((object, warnings))
}

/// Checks and cleans an object of the resource's kind; returns warnings.
pub(crate) fn decode(incoming: &Incoming, resource: &Resource, object: &mut Value) -> Result<Vec<String>, ApiError> {
    let kind = resource.kind;
    if !object.is_object() {
        return Err(ApiError::bad_request(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            match object {
                Value::Array(_) => "array",
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                _ => "null",
            }
        )));
    }
    let own = kind.api_version();
    let version = object["apiVersion"].as_str().unwrap_or(&own).to_owned();
    let name = object["kind"].as_str().unwrap_or(kind.kind).to_owned();
    if version != own || name != kind.kind {
        return Err(ApiError::bad_request(format!(
            "the API version in the data ({version}, Kind={name}) does not match the expected API version ({own}, Kind={})",
            kind.kind
        )));
    }
    let handled = |why: &str| {
        format!("{} in version \"{}\" cannot be handled as a {}: {why}", kind.kind, kind.version, kind.kind)
    };
    let unknown =
        schema::decode(kind.kind, object).map_err(|error| ApiError::bad_request(handled(&error.to_string())))?;
    object::set(object, "apiVersion", own);
    object::set(object, "kind", kind.kind);
    schema::as_written(kind.kind, object);
    report_unknown(incoming, &unknown).map_err(|why| ApiError::bad_request(handled(&why)))
}

/// Brings a custom resource into the form of its definition; returns warnings.
fn fit(incoming: &Incoming, resource: &Resource, object: &mut Value, store: &Store) -> Result<Vec<String>, ApiError> {
    if !resource.is_custom() {
        return Ok(Vec::new());
    }
    let schema = custom::schema(store, resource);
    let kind = resource.kind;
    let unknown = custom::prune(object, &schema);
    let warnings = report_unknown(incoming, &unknown).map_err(|why| {
        let (name, version) = (kind.kind, kind.version);
        ApiError::bad_request(format!("{name} in version \"{version}\" cannot be handled as a {name}: {why}"))
    })?;
    let causes = custom::check(object, &schema);
    if causes.is_empty() {
        return Ok(warnings);
    }
    Err(ApiError::invalid(resource, object::name(object), &causes))
}

/// Applies `fieldValidation` to the fields that the body has twice and to those that were dropped.
pub(crate) fn report_unknown(incoming: &Incoming, unknown: &[Unknown]) -> Result<Vec<String>, String> {
    let validation = incoming.query.get("fieldValidation").unwrap_or("Warn");
    let is_json = incoming.content_type().is_empty() || incoming.content_type().ends_with("json");
    let twice = if is_json && validation != "Ignore" { schema::duplicates(&incoming.body) } else { Vec::new() };
    let twice = twice.into_iter().map(|field| format!("duplicate field \"{field}\""));
    let texts: Vec<String> =
        twice.chain(unknown.iter().map(|field| format!("unknown field \"{}\"", field.0))).collect();
    match validation {
        "Strict" if !texts.is_empty() => Err(format!("strict decoding error: {}", texts.join(", "))),
        "Ignore" | "Strict" => Ok(Vec::new()),
        _ => Ok(texts),
    }
}

/// Puts the object into the namespace of the path.
pub(crate) fn place(object: &mut Value, target: &Target) -> Result<(), ApiError> {
    let found = object::namespace(object).to_owned();
    if !target.resource.kind.namespaced {
        metadata_mut(object).remove("namespace");
        return Ok(());
    }
    if target.namespace.is_empty() {
        return Err(ApiError::bad_request("an empty namespace may not be set during creation"));
    }
    if !found.is_empty() && found != target.namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    metadata_mut(object).insert("namespace".into(), target.namespace.clone().into());
    Ok(())
}

/// Fills in the name when only `generateName` is given. The letters follow from the resourceVersion, so
/// that the same requests make the same names.
fn generate_name(object: &mut Value, store: &Store) {
    let prefix = object::metadata_text(object, "generateName");
    if !object::name(object).is_empty() || prefix.is_empty() {
        return;
    }
    let prefix: String = prefix.chars().take(GENERATED_PREFIX).collect();
    let mut number = store.resource_version().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
    let mut name = prefix;
    for _ in 0..5 {
        let count = NAME_LETTERS.len() as u64;
        let at = usize::try_from(number % count).unwrap_or_default();
        name.push(char::from(NAME_LETTERS[at]));
        number /= count;
    }
    metadata_mut(object).insert("name".into(), name.into());
}

/// The ServiceAccount admission: a pod's account must be there. The default one comes with its namespace.
fn admit_service_account(object: &Value, resource: &Resource, store: &Store) -> Result<(), ApiError> {
    let account = object["spec"]["serviceAccountName"].as_str().unwrap_or("default");
    if !resource.is("", "pods") || ["", "default"].contains(&account) {
        return Ok(());
    }
    let accounts = schema::resource("", "v1", "serviceaccounts").ok_or_else(ApiError::no_such_path)?;
    let namespace = object::namespace(object);
    if store.get(&Key::of(accounts.kind, namespace, account)).is_some() {
        return Ok(());
    }
    let why = format!("error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found");
    Err(ApiError::forbidden(resource, object::name(object), &why))
}

/// The NamespaceLifecycle admission: the namespace must be there, and not on its way out.
fn admit_namespace(object: &Value, resource: &Resource, store: &Store) -> Result<(), ApiError> {
    let namespace = object::namespace(object);
    if !resource.kind.namespaced || namespace.is_empty() {
        return Ok(());
    }
    let namespaces = schema::resource("", "v1", "namespaces").ok_or_else(ApiError::no_such_path)?;
    let found = store
        .get(&Key::of(namespaces.kind, "", namespace))
        .ok_or_else(|| ApiError::not_found(namespaces, namespace))?;
    if object::is_terminating(&found) {
        return Err(ApiError::namespace_terminating(resource, object::name(object), namespace));
    }
    Ok(())
}
