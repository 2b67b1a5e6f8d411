//! `get` and `list`: selectors, pages, resourceVersions.
//!
//! A page goes on from the state in which its list began, as etcd's snapshots allow: the store's ring of
//! changes is undone back to that resourceVersion. Once the ring has forgotten, the answer is 410.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use todo_agent_kube_rules::selectors::{FieldSelector, LabelSelector};

use super::form::Form;
use super::incoming::Incoming;
use super::list_options;
use super::metadata::{list_as, object_as};
use super::reply::Reply;
use super::route::Target;
use super::status::ApiError;
use crate::authors::{self, Unfolding};
use crate::object;
use crate::store::{Key, Store};

const TOO_OLD: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/// What a list or watch lets through.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) namespace: Option<String>,
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Filter {
    /// Reads the selectors of a request.
    pub(crate) fn of(incoming: &Incoming, target: &Target) -> Result<Self, ApiError> {
        let refused = |error: &dyn std::fmt::Display| ApiError::bad_request(error.to_string());
        let labels = LabelSelector::parse(incoming.query.get("labelSelector").unwrap_or_default())
            .map_err(|error| refused(&error))?;
        let fields = FieldSelector::parse(incoming.query.get("fieldSelector").unwrap_or_default())
            .map_err(|error| refused(&error))?;
        for requirement in &fields.requirements {
            let known = match requirement.field.as_str() {
                "metadata.name" => true,
                "metadata.namespace" => target.resource.kind.namespaced,
                field => target.resource.field_labels.contains(&field),
            };
            if !known {
                if target.resource.field_labels.is_empty() && target.resource.kind.namespaced {
                    return Err(refused(&format!(
                        "\"{}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
                        requirement.field
                    )));
                }
                return Err(refused(&format!("field label not supported: {}", requirement.field)));
            }
        }
        let namespace = (!target.namespace.is_empty()).then(|| target.namespace.clone());
        Ok(Self { namespace, labels, fields })
    }

    /// Returns whether an object is in the collection and selected.
    pub(crate) fn selects(&self, object: &Value) -> bool {
        self.namespace.as_deref().is_none_or(|namespace| object::namespace(object) == namespace)
            && self.labels.matches(&object["metadata"]["labels"])
            && self.fields.matches(object)
    }

    fn is_everything(&self) -> bool {
        self.labels.is_everything() && self.fields.requirements.is_empty()
    }
}

/// Answers `get` of an object or its status.
pub(crate) fn get(incoming: &Incoming, target: &Target, store: &Store) -> Result<Reply, ApiError> {
    let object = existing(target, store)?;
    Ok(Reply::json(object_as(&object, incoming.form()?)?))
}

/// Returns the target's object, or 404.
pub(crate) fn existing(target: &Target, store: &Store) -> Result<Arc<Value>, ApiError> {
    let stored = store.get(&Key::of(target.resource.kind, &target.namespace, &target.name));
    let stored = stored.ok_or_else(|| ApiError::not_found(target.resource, &target.name))?;
    Ok(match authors::unfolded(&stored) {
        Cow::Borrowed(_) => stored,
        Cow::Owned(unfolded) => Arc::new(unfolded),
    })
}

/// Where a page begins: after this object, in the state of this resourceVersion.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Continue {
    /// `None` goes on in the present state, whatever has changed.
    revision: Option<u64>,
    after: (String, String),
}

impl Continue {
    fn token(&self) -> String {
        let revision = self.revision.map_or(json!(-1), |revision| json!(revision));
        let start = format!("{}/{}\u{0}", self.after.0, self.after.1);
        URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": revision, "start": start}).to_string())
    }

    fn parse(token: &str) -> Result<Self, ApiError> {
        let invalid = || ApiError::bad_request("continue key is not valid");
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
        let parsed: Value = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        let start = parsed["start"].as_str().and_then(|start| start.strip_suffix('\u{0}')).ok_or_else(invalid)?;
        let (namespace, name) = start.split_once('/').ok_or_else(invalid)?;
        let revision = match parsed["rv"].as_i64().ok_or_else(invalid)? {
            -1 => None,
            other => Some(u64::try_from(other).map_err(|_| invalid())?),
        };
        Ok(Self { revision, after: (namespace.to_owned(), name.to_owned()) })
    }
}

/// Answers `list`.
pub(crate) fn list(incoming: &Incoming, target: &Target, store: &Store) -> Result<Reply, ApiError> {
    let form = incoming.form()?;
    list_options::check_list(&incoming.query)?;
    let filter = Filter::of(incoming, target)?;
    let limit = incoming.query.number("limit")?.unwrap_or(0);
    let limit = usize::try_from(limit)
        .map_err(|_| ApiError::bad_request(format!("Invalid value: {limit}: must be greater than or equal to 0")))?;
    let start = incoming.query.get("continue").map(Continue::parse).transpose()?;
    let asked = asked_version(incoming)?;
    if start.is_some() && asked.is_some_and(|version| version != 0) {
        return Err(ApiError::bad_request("specifying resource version is not allowed when using continue"));
    }
    let exact = incoming.query.get("resourceVersionMatch") == Some("Exact");
    if let Some(version) = asked
        && version > store.resource_version()
    {
        return Err(ApiError::future_version(version, store.resource_version()));
    }
    let snapshot = match (&start, asked) {
        (Some(Continue { revision: Some(revision), .. }), _) => Some(*revision),
        (None, Some(version)) if exact => Some(version),
        _ => None,
    };
    let revision = snapshot.unwrap_or_else(|| store.resource_version());
    let all = match snapshot {
        None => store.list(target.resource.kind.group, target.resource.kind.plural, filter.namespace.as_deref()),
        Some(revision) => state_at(store, target, revision).ok_or_else(|| too_old(start.as_ref()))?,
    };
    let after = start.as_ref().map(|start| &start.after);
    let last_of_all = all.last().map(|last| (object::namespace(last).to_owned(), object::name(last).to_owned()));
    let mut selected: Vec<Arc<Value>> = all
        .into_iter()
        .filter(|object| {
            after.is_none_or(|(namespace, name)| {
                (object::namespace(object), object::name(object)) > (namespace.as_str(), name.as_str())
            })
        })
        .filter(|object| filter.selects(object))
        .collect();
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    // With a selector the server does not know whether anything that follows will match.
    let may_follow = selected
        .last()
        .is_some_and(|last| last_of_all != Some((object::namespace(last).to_owned(), object::name(last).to_owned())));
    if limit > 0 && (selected.len() > limit || selected.len() == limit && may_follow) {
        let remaining = selected.len() - limit;
        selected.truncate(limit);
        if let Some(last) = selected.last() {
            let after = (object::namespace(last).to_owned(), object::name(last).to_owned());
            metadata["continue"] = Continue { revision: Some(revision), after }.token().into();
        }
        if filter.is_everything() {
            metadata["remainingItemCount"] = remaining.into();
        }
    }
    let is_custom = target.resource.is_custom();
    if is_custom && form == Form::Full && metadata["continue"].is_null() {
        // The server of custom resources writes what others leave out: this, and the kind of each item.
        metadata["continue"] = "".into();
    }
    let mut unfolding = Unfolding::default();
    let shown = |object: &Arc<Value>| if is_custom { Value::clone(object) } else { item(unfolding.of(object)) };
    let items: Vec<Value> = selected.iter().map(shown).collect();
    Ok(Reply::json(list_as(collection(target, metadata, items), form)?))
}

/// Returns a list object of the target's kind.
pub(crate) fn collection(target: &Target, metadata: Value, items: Vec<Value>) -> Value {
    let kind = target.resource.kind;
    let mut list = json!({"kind": format!("{}List", kind.kind), "apiVersion": kind.api_version()});
    list["metadata"] = metadata;
    list["items"] = Value::Array(items);
    list
}

/// Returns an object as lists hold it: without apiVersion and kind, which the list tells.
pub(crate) fn item(object: Cow<'_, Value>) -> Value {
    let mut item = object.into_owned();
    if let Some(map) = item.as_object_mut() {
        map.remove("apiVersion");
        map.remove("kind");
    }
    item
}

/// Reads `resourceVersion`: absent, or a number.
pub(crate) fn asked_version(incoming: &Incoming) -> Result<Option<u64>, ApiError> {
    let Some(text) = incoming.query.get("resourceVersion") else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let quoted = Value::from(text);
        ApiError::bad_request(format!("Invalid value: {quoted}: strconv.ParseUint: parsing {quoted}: invalid syntax"))
    })
}

fn too_old(start: Option<&Continue>) -> ApiError {
    match start {
        None => ApiError::expired("The resourceVersion for the provided list is too old."),
        Some(start) => {
            let mut error = ApiError::expired(TOO_OLD);
            error.continue_token = Some(Continue { revision: None, after: start.after.clone() }.token());
            error
        }
    }
}

/// Returns the collection as it was at `revision`, `None` when that is forgotten.
fn state_at(store: &Store, target: &Target, revision: u64) -> Option<Vec<Arc<Value>>> {
    let kind = target.resource.kind;
    let namespace = (!target.namespace.is_empty()).then_some(target.namespace.as_str());
    let here = |key: &Key| {
        key.group == kind.group
            && key.plural == kind.plural
            && namespace.is_none_or(|namespace| key.namespace == namespace)
    };
    let place = |object: &Value| (object::namespace(object).to_owned(), object::name(object).to_owned());
    let mut state: BTreeMap<(String, String), Arc<Value>> =
        store.list(kind.group, kind.plural, namespace).into_iter().map(|object| (place(&object), object)).collect();
    let changes: Vec<_> = store.events_since(revision).ok()?.filter(|event| here(&event.key)).collect();
    for change in changes.into_iter().rev() {
        let at = (change.key.namespace.clone(), change.key.name.clone());
        match &change.previous {
            Some(previous) => state.insert(at, Arc::clone(previous)),
            None => state.remove(&at),
        };
    }
    Some(state.into_values().collect())
}
