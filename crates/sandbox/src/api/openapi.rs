//! OpenAPI v3 as far as clients ask for it: which paths there are, which parameters their patches take, and what
//! the fields of each kind mean. kubectl refuses to create or apply anything where it cannot read this.
//!
//! Source of a custom resource's part: `k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder` (v1.37).

mod schemas;

use serde_json::{Map, Value, json};

use super::reply::Reply;
use super::route::all_groups;
use super::status::ApiError;
use crate::schema::{RESOURCES, Resource, custom};
use crate::store::Store;

/// Answers a path below `/openapi/`.
pub(crate) fn document(path: &str, store: &Store) -> Result<Reply, ApiError> {
    match path.trim_end_matches('/').strip_prefix("/openapi/").unwrap_or_default().split_once('/') {
        None if path.starts_with("/openapi/v3") => Ok(Reply::json(index(store))),
        Some(("v3", place)) => of_group(place, store).map(Reply::json).ok_or_else(ApiError::no_such_page),
        _ => Err(ApiError::not_implemented("OpenAPI v2; ask for /openapi/v3")),
    }
}

/// Returns where a group version is found: `api/v1`, `apis/apps/v1`.
fn place(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

/// Returns the group versions that are served.
fn served(store: &Store) -> impl Iterator<Item = (&'static str, &'static str)> {
    std::iter::once(("", "v1")).chain(all_groups(store))
}

fn index(store: &Store) -> Value {
    let paths: Map<String, Value> = served(store)
        .map(|(group, version)| {
            let place = place(group, version);
            let url = format!("/openapi/v3/{place}");
            (place, json!({"serverRelativeURL": url}))
        })
        .collect();
    json!({"paths": paths})
}

fn of_group(wanted: &str, store: &Store) -> Option<Value> {
    let (group, version) = served(store).find(|(group, version)| place(group, version) == wanted)?;
    let parameters = ["dryRun", "fieldManager", "fieldValidation", "force"]
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}));
    let mut paths = Map::new();
    let mut components = schemas::of(group, version);
    let is_here = |resource: &&Resource| resource.kind.group == group && resource.kind.version == version;
    let custom = custom::served(store);
    for resource in RESOURCES.iter().filter(is_here).chain(custom.iter().copied().filter(is_here)) {
        let kind = resource.kind;
        let scope = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
        let operation = json!({
            "parameters": parameters,
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind.kind}
        });
        paths.insert(format!("/{wanted}/{scope}{}/{{name}}", kind.plural), json!({"patch": operation}));
    }
    for resource in custom.into_iter().filter(is_here) {
        schemas::add_custom(&mut components, resource, custom::schema(store, resource));
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.37.1"},
        "paths": paths,
        "components": {"schemas": components},
    }))
}
