//! Nobody gives more than they have: who writes a role must hold its rules, who binds one those of the role, unless
//! they may `escalate` or `bind`.
//!
//! Source: `pkg/registry/rbac/*/policybased` and `component-helpers/auth/rbac/validation` (v1.37). As there, members of
//! `system:masters` give what they like.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use todo_agent_kube_rules::rbac::{Request, User};

use super::auth::{self, Stored};
use super::incoming::Incoming;
use super::route::Target;
use super::status::ApiError;
use crate::object::metadata_mut;
use crate::schema;
use crate::store::{Key, Store};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Refuses a role or binding that gives what its writer does not have.
pub(super) fn check(
    incoming: &Incoming,
    target: &Target,
    object: &Value,
    current: Option<&Value>,
    store: &Store,
) -> Result<(), ApiError> {
    let resource = target.resource;
    let user = &incoming.user;
    let is_master = user.groups.iter().any(|group| group == "system:masters");
    if resource.kind.group != GROUP || is_master || current.is_some_and(|current| is_same(object, current)) {
        return Ok(());
    }
    let role = &object["roleRef"];
    let (verb, plural, name) = match role["kind"].as_str() {
        None if role.is_null() => ("escalate", resource.kind.plural, target.name.as_str()),
        Some("ClusterRole") => ("bind", "clusterroles", role["name"].as_str().unwrap_or_default()),
        // What is no role is refused by validation.
        _ => ("bind", "roles", role["name"].as_str().unwrap_or_default()),
    };
    let namespace = target.namespace.as_str();
    let request = Request::Resource { verb, group: GROUP, resource: plural, subresource: "", namespace, name };
    if auth::decide(user, &request, store).is_allowed() {
        return Ok(());
    }
    let given = if verb == "escalate" { object["rules"].clone() } else { rules_of(plural, namespace, name, store)? };
    let missing = missing(user, &given, namespace, store);
    if missing.is_empty() {
        return Ok(());
    }
    let why = format!(
        "user {} (groups={}) is attempting to grant RBAC permissions not currently held:\n{}",
        json!(user.name),
        quoted(&user.groups),
        missing.into_iter().collect::<Vec<_>>().join("\n")
    );
    Err(ApiError::forbidden(resource, crate::object::name(object), &why))
}

/// Returns whether only what the garbage collector changes differs.
fn is_same(object: &Value, current: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        let metadata = metadata_mut(&mut object);
        for field in ["ownerReferences", "finalizers", "managedFields", "resourceVersion"] {
            metadata.remove(field);
        }
        object
    };
    bare(object) == bare(current)
}

fn rules_of(plural: &str, namespace: &str, name: &str, store: &Store) -> Result<Value, ApiError> {
    let role = schema::resource(GROUP, "v1", plural).ok_or_else(ApiError::no_such_path)?;
    let namespace = if role.kind.namespaced { namespace } else { "" };
    let found = store.get(&Key::of(role.kind, namespace, name)).ok_or_else(|| ApiError::not_found(role, name))?;
    Ok(found["rules"].clone())
}

/// One thing that a rule allows: a verb on a resource (perhaps of one name) or on a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Right<'a> {
    Resource { group: &'a str, resource: &'a str, name: Option<&'a str> },
    Path(&'a str),
}

/// Returns what of the rules the user does not hold, as the real server describes it.
fn missing(user: &User, rules: &Value, namespace: &str, store: &Store) -> BTreeSet<String> {
    let stored = Stored::of(store);
    let policy = stored.policy();
    let held = policy.rules_for(user, namespace);
    let mut verbs: BTreeMap<Right<'_>, Vec<&str>> = BTreeMap::new();
    for rule in rules.as_array().into_iter().flatten() {
        for right in rights(rule) {
            for verb in words(rule, "verbs") {
                if !held.iter().any(|held| covers(held, &right, verb)) {
                    verbs.entry(right.clone()).or_default().push(verb);
                }
            }
        }
    }
    verbs.into_iter().map(|(right, verbs)| described(&right, &verbs)).collect()
}

fn words<'a>(rule: &'a Value, field: &str) -> Vec<&'a str> {
    rule[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn rights(rule: &Value) -> Vec<Right<'_>> {
    let names = words(rule, "resourceNames");
    let mut rights = Vec::new();
    for group in words(rule, "apiGroups") {
        for resource in words(rule, "resources") {
            if names.is_empty() {
                rights.push(Right::Resource { group, resource, name: None });
            }
            rights.extend(names.iter().map(|name| Right::Resource { group, resource, name: Some(name) }));
        }
    }
    rights.extend(words(rule, "nonResourceURLs").into_iter().map(Right::Path));
    rights
}

fn covers(held: &Value, right: &Right<'_>, verb: &str) -> bool {
    let has = |field: &str, wanted: &str| words(held, field).iter().any(|word| *word == wanted || *word == "*");
    if !has("verbs", verb) {
        return false;
    }
    match right {
        Right::Path(path) => words(held, "nonResourceURLs")
            .iter()
            .any(|known| known == path || known.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))),
        Right::Resource { group, resource, name } => {
            let subresources = resource.split_once('/').map(|(_, subresource)| format!("*/{subresource}"));
            let names = words(held, "resourceNames");
            has("apiGroups", group)
                && (has("resources", resource) || subresources.is_some_and(|all| has("resources", &all)))
                && (names.is_empty() || name.is_some_and(|name| names.contains(&name)))
        }
    }
}

fn described(right: &Right<'_>, verbs: &[&str]) -> String {
    match right {
        Right::Path(path) => format!("{{NonResourceURLs:{}, Verbs:{}}}", quoted(&[path]), quoted(verbs)),
        Right::Resource { group, resource, name } => {
            let name = name.map(|name| format!(", ResourceNames:{}", quoted(&[name]))).unwrap_or_default();
            format!(
                "{{APIGroups:{}, Resources:{}{name}, Verbs:{}}}",
                quoted(&[group]),
                quoted(&[resource]),
                quoted(verbs)
            )
        }
    }
}

/// Returns words as `%q` of Go prints a list.
fn quoted(words: &[impl AsRef<str>]) -> String {
    let words: Vec<String> = words.iter().map(|word| json!(word.as_ref()).to_string()).collect();
    format!("[{}]", words.join(" "))
}
