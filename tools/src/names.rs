//! Fetches the names that exist in a cluster, metadata only: for resolving a person's word, for the
//! planner's second look, and for completion at the prompt.
//!
//! Secrets have names too, so only metadata is ever asked for.

use futures::future::join_all;
use serde_json::Value;
use todo_agent_core::{Cause, ClusterError, ListQuery, NameEntry, Names, Reader, ResourceType, Run, Within};
use todo_agent_kube_rules::kinds;

use crate::value;

/// The kinds whose names the planner and completion know.
pub const COMMON_KINDS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "Pod", "Service", "ConfigMap"];

/// Returns the names of these kinds in the pinned namespace, and every namespace that may be listed. What
/// is forbidden is left out.
///
/// # Errors
/// Returns an error where the cluster cannot be asked at all.
pub async fn names(reader: &dyn Reader, run: &Run, kinds: &[&str]) -> Result<Names, ClusterError> {
    run.check()?;
    let types = types(kinds);
    let within = Within::Namespace(reader.scope().namespace.clone());
    let (fetched, namespaces) = futures::join!(fetch(reader, &types, &within), namespaces(reader));
    Ok(Names { entries: fetched?.entries, namespaces: tolerate_refusal(namespaces)? })
}

/// Returns the built-in types with these kinds.
pub(crate) fn types(kinds: &[&str]) -> Vec<ResourceType> {
    kinds.iter().filter_map(|kind| kinds::find(kind)).map(ResourceType::from).collect()
}

/// What one round of metadata lists gave.
#[derive(Debug, Default)]
pub(crate) struct Fetched {
    pub(crate) entries: Vec<NameEntry>,
    /// What could not be listed, and why.
    pub(crate) refused: Vec<(ResourceType, ClusterError)>,
}

/// Lists the metadata of several types at the same time. A refused type is noted, not an error.
pub(crate) async fn fetch(
    reader: &dyn Reader,
    types: &[ResourceType],
    within: &Within,
) -> Result<Fetched, ClusterError> {
    let lists = types.iter().map(|resource| async move {
        let within = if resource.namespaced { within.clone() } else { Within::Everywhere };
        reader.list(&ListQuery::new(resource.clone(), within).metadata_only().only(ENTRY)).await
    });
    let mut fetched = Fetched::default();
    for (resource, listed) in types.iter().zip(join_all(lists).await) {
        match listed {
            Ok(objects) => fetched.entries.extend(objects.iter().map(|object| entry(resource, object))),
            Err(error) if is_refusal(&error) => fetched.refused.push((resource.clone(), error)),
            Err(error) => return Err(error),
        }
    }
    Ok(fetched)
}

/// Returns the names of every namespace.
pub(crate) async fn namespaces(reader: &dyn Reader) -> Result<Vec<String>, ClusterError> {
    let mut names = Vec::new();
    for resource in types(&["Namespace"]) {
        let listed = reader.list(&ListQuery::new(resource, Within::Everywhere).metadata_only().only(ENTRY)).await?;
        names.extend(listed.iter().map(|namespace| value::name(namespace).to_owned()));
    }
    Ok(names)
}

/// Returns an empty list where the person may not look or the cluster does not know the kind.
pub(crate) fn tolerate_refusal<T>(listed: Result<Vec<T>, ClusterError>) -> Result<Vec<T>, ClusterError> {
    match listed {
        Err(error) if is_refusal(&error) => Ok(Vec::new()),
        other => other,
    }
}

/// Returns whether an error only concerns what was asked for, not the cluster as a whole.
pub(crate) fn is_refusal(error: &ClusterError) -> bool {
    error.is(Cause::Forbidden) || error.is(Cause::NotFound)
}

/// What [`entry`] reads of an object.
const ENTRY: &[&str] = &["metadata.name", "metadata.namespace", "metadata.labels", "metadata.ownerReferences"];

/// Returns an object's entry among the names.
pub(crate) fn entry(resource: &ResourceType, object: &Value) -> NameEntry {
    NameEntry {
        kind: resource.kind.clone(),
        namespace: value::some_text(object, "/metadata/namespace").filter(|_| resource.namespaced).map(str::to_owned),
        name: value::name(object).to_owned(),
        labels: value::entries(object, "/metadata/labels")
            .map(|(key, label)| (key.to_owned(), value::plain(label)))
            .collect(),
        owner: value::controller(object).map(|(kind, name)| (kind.to_owned(), name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeReader, FakeRun, pod, workload};

    fn objects() -> Vec<Value> {
        vec![
            workload("Deployment", "todo", "backend", 1),
            pod("todo", "backend-1", "backend", ("ReplicaSet", "backend-hash")),
            workload("Deployment", "shop", "cart", 1),
        ]
    }

    #[tokio::test]
    async fn names_are_metadata_of_the_pinned_namespace() {
        let turn = FakeRun::new(FakeReader::new(objects()));
        let names = names(&turn.reader, &turn.run, &["Deployment", "Pod"]).await.unwrap();
        let found: Vec<(&str, &str)> =
            names.entries.iter().map(|entry| (entry.kind.as_str(), entry.name.as_str())).collect();
        assert_eq!(found, [("Deployment", "backend"), ("Pod", "backend-1")]);
        assert_eq!(names.entries[1].owner, Some(("ReplicaSet".to_owned(), "backend-hash".to_owned())));
        assert_eq!(names.namespaces, ["todo", "shop"]);
        assert!(turn.reader.requests().iter().all(|request| request.contains("metadata")));
    }

    #[tokio::test]
    async fn what_is_forbidden_is_left_out() {
        let turn = FakeRun::new(FakeReader::new(objects()).forbid("list Pod").forbid("list Namespace"));
        let names = names(&turn.reader, &turn.run, COMMON_KINDS).await.unwrap();
        assert_eq!((names.entries.len(), names.namespaces.len()), (1, 0));
    }
}
