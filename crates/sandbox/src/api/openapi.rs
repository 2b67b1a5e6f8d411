//! OpenAPI v3 as far as clients ask for it before they write: which paths there are and which parameters
//! their patches take. kubectl refuses to create or apply anything where it cannot read this.
//!
//! There are no schemas: nothing that needs one (`kubectl explain`) gets a made-up one.

use serde_json::{Map, Value, json};

use super::reply::Reply;
use super::route::groups;
use super::status::ApiError;
use crate::schema::RESOURCES;

/// Answers a path below `/openapi/`.
pub(crate) fn document(path: &str) -> Result<Reply, ApiError> {
    match path.trim_end_matches('/').strip_prefix("/openapi/").unwrap_or_default().split_once('/') {
        None if path.starts_with("/openapi/v3") => Ok(Reply::json(index())),
        Some(("v3", place)) => of_group(place).map(Reply::json).ok_or_else(ApiError::no_such_page),
        _ => Err(ApiError::not_implemented("OpenAPI v2; ask for /openapi/v3")),
    }
}

/// Returns where a group version is found: `api/v1`, `apis/apps/v1`.
fn place(group: &str, version: &str) -> String {
    if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") }
}

fn index() -> Value {
    let all = std::iter::once(("", "v1")).chain(groups());
    let paths: Map<String, Value> = all
        .map(|(group, version)| {
            let place = place(group, version);
            let url = format!("/openapi/v3/{place}");
            (place, json!({"serverRelativeURL": url}))
        })
        .collect();
    json!({"paths": paths})
}

fn of_group(wanted: &str) -> Option<Value> {
    let known = std::iter::once(("", "v1")).chain(groups());
    let (group, version) = known.into_iter().find(|(group, version)| place(group, version) == wanted)?;
    let parameters = ["dryRun", "fieldManager", "fieldValidation", "force"]
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}}));
    let mut paths = Map::new();
    for resource in RESOURCES.iter().filter(|it| it.kind.group == group) {
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
    Some(json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.37.1"}, "paths": paths}))
}
