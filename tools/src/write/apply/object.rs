//! One document of manifests: which object it is, and its content as it is sent.
//!
//! A kind is looked up in what is known, in the definitions that the manifests bring along, and in the cluster.

use serde_json::{Value, json};
use todo_agent_core::{Cause, ClusterError, ObjectRef, Reader, ResourceType, ToolError};
use todo_agent_kube_rules::kinds;

use crate::{arguments, value, words};

/// What the server keeps, which would be refused or tie a manifest to one moment.
const KEPT_BY_THE_SERVER: [&str; 6] =
    ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"];
/// Holds what an earlier apply sent, of a Secret also its values.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns the kinds that the manifests themselves define.
pub(super) fn definitions(documents: &[Value]) -> Vec<ResourceType> {
    let definitions = documents.iter().filter(|document| document["kind"] == "CustomResourceDefinition");
    let kinds = definitions.flat_map(|definition| {
        let text = |pointer: &str| value::some_text(definition, pointer).map(str::to_owned);
        let versions = value::items(definition, "/spec/versions").iter();
        versions.filter_map(move |version| {
            Some(ResourceType {
                group: text("/spec/group")?,
                version: value::some_text(version, "/name")?.to_owned(),
                kind: text("/spec/names/kind")?,
                plural: text("/spec/names/plural")?,
                namespaced: text("/spec/scope")? == "Namespaced",
            })
        })
    });
    kinds.collect()
}

/// Returns what a document is, and its content as it is sent. `place` says which document it is.
pub(super) async fn read(
    reader: &dyn Reader,
    place: &str,
    mut document: Value,
    namespace: &str,
    defined: &[ResourceType],
) -> Result<(ObjectRef, Value), ToolError> {
    let wrong = |why: &str| ToolError::arguments(format!("{place}: {why}"));
    let text = |pointer: &str| value::some_text(&document, pointer).map(str::to_owned);
    let kind = text("/kind").ok_or_else(|| wrong("it has no kind"))?;
    let api_version = text("/apiVersion").ok_or_else(|| wrong(&format!("{kind} has no apiVersion")))?;
    let resource = resource(reader, place, &api_version, &kind, defined).await?;
    let Some(name) = text("/metadata/name") else {
        let why = if text("/metadata/generateName").is_some() {
            "generateName makes another object each time, which cannot be applied; give it a name"
        } else {
            "it has no metadata.name"
        };
        return Err(wrong(&format!("{kind}: {why}")));
    };
    words::check("metadata.name", &name)?;
    let namespace = match (resource.namespaced, text("/metadata/namespace")) {
        (false, _) => None,
        (true, Some(own)) => {
            words::check("metadata.namespace", &own)?;
            Some(own)
        }
        (true, None) => Some(namespace.to_owned()),
    };
    if let Some(fields) = document.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = document["metadata"].as_object_mut() {
        for field in KEPT_BY_THE_SERVER {
            metadata.remove(field);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
        if let Some(namespace) = &namespace {
            metadata.insert("namespace".to_owned(), json!(namespace));
        }
    }
    Ok((ObjectRef { resource, namespace, name }, document))
}

async fn resource(
    reader: &dyn Reader,
    place: &str,
    api_version: &str,
    kind: &str,
    defined: &[ResourceType],
) -> Result<ResourceType, ToolError> {
    if let Some(known) = kinds::by_type(api_version, kind) {
        return Ok(known.into());
    }
    if let Some(own) = defined.iter().find(|own| own.api_version() == api_version && own.kind == kind) {
        return Ok(own.clone());
    }
    let shown = words::shown(kind);
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let no_version = |served: &str| {
        ToolError::arguments(format!("{place}: {shown} has no version {} here", words::shown(version)))
            .hint(format!("the cluster serves {served}"))
    };
    if let Some(known) = kinds::KINDS.iter().find(|known| known.kind == kind && known.group == group) {
        return Err(no_version(&known.api_version()));
    }
    let word = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
    match reader.kind(&word).await {
        Ok(found) if found.api_version() == api_version && found.kind == kind => Ok(found),
        Ok(found) if found.group != group || found.kind != kind => Err(unknown(place, &shown, api_version, kind)),
        Ok(found) => Err(no_version(&found.api_version())),
        Err(error) if error.is(Cause::NotFound) => Err(unknown(place, &shown, api_version, kind)),
        Err(error) => Err(placed(place, error)),
    }
}

/// Names the kind that is nearest to one that the cluster does not know.
fn unknown(place: &str, shown: &str, api_version: &str, kind: &str) -> ToolError {
    let error =
        ToolError::arguments(format!("{place}: the cluster has no kind {shown} of {}", words::shown(api_version)));
    if let Some(known) = kinds::KINDS.iter().find(|known| known.kind == kind) {
        return error.hint(format!("did you mean apiVersion: {}?", known.api_version()));
    }
    let near = arguments::nearest(kind, kinds::KINDS.iter().map(|known| known.kind));
    match near.and_then(|near| kinds::KINDS.iter().find(|known| known.kind == near)) {
        Some(known) => error.hint(format!("did you mean {} of {}?", known.kind, known.api_version())),
        None => error.hint("apply the CustomResourceDefinition of this kind first, or together with it"),
    }
}

fn placed(place: &str, error: ClusterError) -> ToolError {
    let mut worded = ToolError::arguments(format!("{place}: {}", error.message));
    for hint in error.hints {
        worded = worded.hint(hint);
    }
    worded
}
