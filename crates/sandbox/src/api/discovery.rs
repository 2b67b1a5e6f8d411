//! Discovery: what the API serves, in the aggregated form (`apidiscovery.k8s.io/v2`) and the older one.

use serde_json::{Value, json};

use super::incoming::Incoming;
use super::reply::Reply;
use super::route::{Review, all_groups};
use super::status::ApiError;
use crate::schema::{Resource, Subresource, custom, served};
use crate::store::Store;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Answers `/version`.
pub(crate) fn version() -> Reply {
    Reply::json(json!({
        "major": "1", "minor": "37", "gitVersion": "v1.37.1", "gitTreeState": "clean",
        "gitCommit": "0000000000000000000000000000000000000000", "buildDate": "2026-09-09T00:00:00Z",
        "goVersion": "go1.26.0", "compiler": "gc", "platform": "linux/amd64",
        "emulationMajor": "1", "emulationMinor": "37", "minCompatibilityMajor": "1", "minCompatibilityMinor": "36"
    }))
}

/// Answers `/api`.
pub(crate) fn core_versions(incoming: &Incoming, store: &Store) -> Reply {
    if wants_aggregated(incoming) {
        return aggregated(&[("", "v1")], store);
    }
    Reply::json(json!({
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}]
    }))
}

/// Answers `/apis`.
pub(crate) fn group_list(incoming: &Incoming, store: &Store) -> Reply {
    if wants_aggregated(incoming) {
        return aggregated(&all_groups(store), store);
    }
    let groups: Vec<Value> = all_groups(store).into_iter().map(|(group, version)| group_of(group, version)).collect();
    Reply::json(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

/// Answers `/apis/<group>`.
pub(crate) fn group(name: &str, store: &Store) -> Result<Reply, ApiError> {
    let (group, version) =
        all_groups(store).into_iter().find(|(group, _)| *group == name).ok_or_else(ApiError::no_such_page)?;
    let mut body = group_of(group, version);
    body["kind"] = "APIGroup".into();
    body["apiVersion"] = "v1".into();
    Ok(Reply::json(body))
}

fn group_of(group: &str, version: &str) -> Value {
    let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
    json!({"name": group, "versions": [version], "preferredVersion": version})
}

/// Answers `/api/v1` and `/apis/<group>/<version>`.
pub(crate) fn resources(group: &str, version: &str, store: &Store) -> Result<Reply, ApiError> {
    let core = (group, version) == ("", "v1");
    if !core && !all_groups(store).contains(&(group, version)) {
        return Err(ApiError::no_such_path());
    }
    let mut entries: Vec<Value> = Vec::new();
    for (_, plural, kind) in Review::of(group).iter().map(|review| review.names()) {
        entries.push(json!({
            "name": plural, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind,
            "verbs": ["create"]
        }));
    }
    for resource in of_group(group, store) {
        let kind = resource.kind;
        let mut entry = json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": resource.verbs()
        });
        add_names(&mut entry, resource);
        entries.push(entry);
        for subresource in resource.subresources {
            let mut entry = json!({
                "name": format!("{}/{}", kind.plural, subresource.word()), "singularName": "",
                "namespaced": kind.namespaced, "kind": kind.kind, "verbs": subresource_verbs(*subresource)
            });
            if let Some((group, version, kind)) = own_kind(*subresource) {
                // What is of the list's own group is named by its kind alone.
                if !group.is_empty() {
                    entry["group"] = group.into();
                    entry["version"] = version.into();
                }
                entry["kind"] = kind.into();
            }
            entries.push(entry);
        }
    }
    entries.sort_by(|left, right| left["name"].as_str().cmp(&right["name"].as_str()));
    let group_version = if core { version.to_owned() } else { format!("{group}/{version}") };
    let mut list = json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": entries});
    // The legacy list of the core group has no version of its own.
    if !core {
        list["apiVersion"] = "v1".into();
    }
    Ok(Reply::json(list))
}

fn of_group(group: &str, store: &Store) -> impl Iterator<Item = &'static Resource> {
    served().chain(custom::served(store)).filter(move |resource| resource.kind.group == group)
}

fn add_names(entry: &mut Value, resource: &Resource) {
    if !resource.kind.short.is_empty() {
        entry["shortNames"] = json!(resource.kind.short);
    }
    if resource.in_all() {
        entry["categories"] = json!(["all"]);
    }
    if resource.kind.kind == "CustomResourceDefinition" {
        entry["categories"] = json!(["api-extensions"]);
    }
}

/// Returns the group, version and kind of what a subresource is, where that is not its resource's.
fn own_kind(subresource: Subresource) -> Option<(&'static str, &'static str, &'static str)> {
    match subresource {
        Subresource::Scale => Some(("autoscaling", "v1", "Scale")),
        Subresource::Token => Some(("authentication.k8s.io", "v1", "TokenRequest")),
        Subresource::Eviction => Some(("policy", "v1", "Eviction")),
        Subresource::Exec => Some(("", "", "PodExecOptions")),
        Subresource::PortForward => Some(("", "", "PodPortForwardOptions")),
        Subresource::Status | Subresource::Log => None,
    }
}

fn subresource_verbs(subresource: Subresource) -> &'static [&'static str] {
    match subresource {
        Subresource::Log => &["get"],
        Subresource::Token | Subresource::Eviction => &["create"],
        Subresource::Exec | Subresource::PortForward => &["create", "get"],
        Subresource::Status | Subresource::Scale => &["get", "patch", "update"],
    }
}

fn wants_aggregated(incoming: &Incoming) -> bool {
    incoming.header("accept").split(',').any(|wanted| {
        let mut parts = wanted.split(';').map(str::trim);
        parts.next() == Some("application/json")
            && parts.clone().any(|part| part == "g=apidiscovery.k8s.io")
            && parts.clone().any(|part| part == "v=v2")
            && parts.any(|part| part == "as=APIGroupDiscoveryList")
    })
}

fn aggregated(groups: &[(&str, &str)], store: &Store) -> Reply {
    let items: Vec<Value> = groups
        .iter()
        .map(|(group, version)| {
            let mut resources: Vec<Value> =
                of_group(group, store).map(|resource| aggregated_resource(resource, group, version)).collect();
            for (_, plural, kind) in Review::of(group).iter().map(|review| review.names()) {
                resources.push(json!({
                    "resource": plural, "scope": "Cluster", "singularResource": kind.to_lowercase(),
                    "responseKind": {"group": group, "version": version, "kind": kind}, "verbs": ["create"]
                }));
            }
            resources.sort_by(|left, right| left["resource"].as_str().cmp(&right["resource"].as_str()));
            json!({
                "metadata": if group.is_empty() { json!({}) } else { json!({"name": group}) },
                "versions": [{"version": version, "resources": resources, "freshness": "Current"}]
            })
        })
        .collect();
    let mut reply = Reply::json(json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items
    }));
    reply.content_type = AGGREGATED;
    reply
}

fn aggregated_resource(resource: &Resource, group: &str, version: &str) -> Value {
    let kind = resource.kind;
    // The core group leaves its version out, as 1.37 does.
    let own_version = if group.is_empty() { "" } else { version };
    let mut entry = json!({
        "resource": kind.plural, "singularResource": kind.singular, "verbs": resource.verbs(),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "responseKind": {"group": group, "version": own_version, "kind": kind.kind}
    });
    add_names(&mut entry, resource);
    let subresources: Vec<Value> = resource
        .subresources
        .iter()
        .map(|subresource| {
            let (group, version, kind) = own_kind(*subresource).unwrap_or((group, own_version, kind.kind));
            json!({
                "subresource": subresource.word(),
                "responseKind": {"group": group, "version": version, "kind": kind},
                "verbs": subresource_verbs(*subresource)
            })
        })
        .collect();
    if !subresources.is_empty() {
        entry["subresources"] = subresources.into();
    }
    entry
}
