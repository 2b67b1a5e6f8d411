//! `delete` and `deletecollection`, with DeleteOptions from the body or the query.

use std::sync::Arc;

use serde_json::{Value, json};

use super::form::Form;
use super::incoming::Incoming;
use super::metadata::{list_as, object_as};
use super::read::{Filter, collection, existing, item};
use super::reply::Reply;
use super::route::Target;
use super::status::{ApiError, Cause};
use crate::authors;
use crate::object;
use crate::store::{Deleted, Deletion, Key, Propagation, Store, StoreError};

/// What deleting a job without a propagation policy is warned of.
const JOBS_STAY: &str = "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/// The kinds whose completed deletion is answered with the object.
const RETURNED: [&str; 8] = [
    "pods",
    "services",
    "serviceaccounts",
    "persistentvolumes",
    "persistentvolumeclaims",
    "resourcequotas",
    "storageclasses",
    "podtemplates",
];

/// How to delete, and whether to.
pub(super) struct Options {
    pub(super) deletion: Deletion,
    pub(super) dry_run: bool,
}

/// Answers `delete`.
pub(crate) fn delete(incoming: &Incoming, target: &Target, store: &mut Store) -> Result<Reply, ApiError> {
    let mut options = options(incoming)?;
    let form = incoming.form()?;
    let mut warnings = Vec::new();
    if target.resource.is("batch", "jobs") && !says_how(incoming)? {
        options.deletion.propagation = Propagation::Orphan;
        warnings.push(JOBS_STAY.to_owned());
    }
    let current = existing(target, store)?;
    check_preconditions(&current, &options.deletion, target)?;
    let key = Key::of(target.resource.kind, &target.namespace, &target.name);
    let deleted = carry_out(&key, &options, store, incoming)
        .map_err(|error| ApiError::of_store(&error, target.resource, &target.name))?;
    let body = match &deleted {
        // Most kinds answer a completed deletion with a Status; these with the object.
        Deleted::Removed(last) if RETURNED.contains(&key.plural.as_str()) => object_as(last, form)?,
        Deleted::Removed(last) => success(target, last),
        Deleted::Marked(marked) => object_as(marked, form)?,
    };
    let reply = Reply::json(body).warning(warnings);
    Ok(if options.dry_run { reply } else { reply.written() })
}

/// Returns whether a request says what becomes of the dependents.
fn says_how(incoming: &Incoming) -> Result<bool, ApiError> {
    let body = incoming.optional_object()?;
    let said = |field: &str| !body[field].is_null() || incoming.query.get(field).is_some();
    Ok(said("propagationPolicy") || said("orphanDependents"))
}

/// Answers `deletecollection`: deletes what the selectors let through and returns it as a list.
pub(crate) fn delete_collection(incoming: &Incoming, target: &Target, store: &mut Store) -> Result<Reply, ApiError> {
    let options = options(incoming)?;
    let form = incoming.form()?;
    let filter = Filter::of(incoming, target)?;
    let kind = target.resource.kind;
    let selected: Vec<Arc<Value>> = store
        .list(kind.group, kind.plural, filter.namespace.as_deref())
        .into_iter()
        .filter(|object| filter.selects(object))
        .collect();
    for object in &selected {
        // One that has gone in the meantime is what was wanted.
        match carry_out(&Key::of_object(object), &options, store, incoming) {
            Ok(_) | Err(StoreError::NotFound) => {}
            Err(error) => return Err(ApiError::of_store(&error, target.resource, object::name(object))),
        }
    }
    let items = selected.iter().map(|object| item(authors::unfolded(object))).collect();
    let metadata = json!({"resourceVersion": store.resource_version().to_string()});
    let reply = Reply::json(list_as(collection(target, metadata, items), form).or_else(|_| {
        // A client that wants single metadata objects cannot be given a list of them.
        list_as(collection(target, json!({}), Vec::new()), Form::Full)
    })?);
    Ok(if options.dry_run { reply } else { reply.written() })
}

pub(super) fn carry_out(
    key: &Key,
    options: &Options,
    store: &mut Store,
    incoming: &Incoming,
) -> Result<Deleted, StoreError> {
    if options.dry_run {
        store.deleted(key, &options.deletion, incoming.now)
    } else {
        store.delete(key, &options.deletion, incoming.now)
    }
}

fn success(target: &Target, last: &Value) -> Value {
    let mut details = json!({"name": target.name, "kind": target.resource.kind.plural, "uid": object::uid(last)});
    if !target.resource.kind.group.is_empty() {
        details["group"] = target.resource.kind.group.into();
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

fn options(incoming: &Incoming) -> Result<Options, ApiError> {
    options_of(&incoming.optional_object()?, incoming)
}

/// Reads `DeleteOptions`; the query says what they do not.
pub(super) fn options_of(body: &Value, incoming: &Incoming) -> Result<Options, ApiError> {
    if !body.is_null() && !body.is_object() {
        return Err(ApiError::bad_request("the body of a delete request must be DeleteOptions"));
    }
    if let Some(kind) = body["kind"].as_str()
        && kind != "DeleteOptions"
    {
        return Err(ApiError::bad_request(format!(
            "the body of a delete request must be DeleteOptions, not {}",
            Value::from(kind)
        )));
    }
    // With a body the query is not looked at, not even for dryRun (`DeleteResource`).
    let asked = body.is_null();
    let query = |field: &str| incoming.query.get(field).filter(|_| asked).map(str::to_owned);
    let text = |field: &str| body[field].as_str().map(str::to_owned).or_else(|| query(field));
    let grace = match body["gracePeriodSeconds"].as_i64() {
        Some(seconds) => Some(seconds),
        None if asked => incoming.query.number("gracePeriodSeconds")?,
        None => None,
    };
    let grace = grace.map(u64::try_from).transpose().map_err(|_| {
        let value = json!(grace);
        let cause = Cause::invalid("gracePeriodSeconds", &value, "must be greater than or equal to 0");
        ApiError::invalid_kind("DeleteOptions", "meta.k8s.io", "", &[cause])
    })?;
    let orphan = body["orphanDependents"]
        .as_bool()
        .or_else(|| query("orphanDependents").map(|_| incoming.query.flag("orphanDependents")));
    let policy = text("propagationPolicy");
    if orphan.is_some() && policy.is_some() {
        let why = "orphanDependents and deletionPropagation cannot be both set";
        let cause = Cause::invalid("propagationPolicy", &json!(policy), why);
        return Err(ApiError::invalid_kind("DeleteOptions", "meta.k8s.io", "", &[cause]));
    }
    let propagation = match policy.as_deref() {
        Some("Foreground") => Propagation::Foreground,
        Some("Orphan") => Propagation::Orphan,
        None if orphan == Some(true) => Propagation::Orphan,
        Some("Background") | None => Propagation::Background,
        Some(other) => {
            let supported = ["Foreground", "Background", "Orphan", "nil"];
            let cause = Cause::not_supported("propagationPolicy", &other.into(), &supported);
            return Err(ApiError::invalid_kind("DeleteOptions", "meta.k8s.io", "", &[cause]));
        }
    };
    let dry_in_body = match body["dryRun"].as_array().map(Vec::as_slice) {
        None | Some([]) => false,
        Some(values) if values.iter().all(|value| value == "All") => true,
        Some(values) => {
            let cause = Cause::not_supported("dryRun", &json!(values), &["All"]);
            return Err(ApiError::invalid_kind("DeleteOptions", "meta.k8s.io", "", &[cause]));
        }
    };
    let precondition = |field: &str| body["preconditions"][field].as_str().map(str::to_owned);
    Ok(Options {
        deletion: Deletion {
            propagation,
            grace,
            uid: precondition("uid"),
            resource_version: precondition("resourceVersion"),
        },
        dry_run: dry_in_body || (asked && incoming.is_dry_run()?),
    })
}

/// Checks what the options demand of the object.
pub(super) fn check_preconditions(current: &Value, how: &Deletion, target: &Target) -> Result<(), ApiError> {
    let checks = [
        (&how.uid, object::uid(current), "UID", "deleted and then recreated"),
        (&how.resource_version, object::metadata_text(current, "resourceVersion"), "ResourceVersion", "modified"),
    ];
    for (wanted, actual, what, might) in checks {
        if let Some(wanted) = wanted
            && wanted != actual
        {
            let why = format!(
                "the {what} in the precondition ({wanted}) does not match the {what} in record ({actual}). The object might have been {might}"
            );
            return Err(ApiError::of_store(&StoreError::Precondition(why), target.resource, &target.name));
        }
    }
    Ok(())
}
