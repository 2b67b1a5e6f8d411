//! `apply`: proposes to bring objects to what manifests say, by server-side apply.
//!
//! Every document is one step, in the order in which they need each other. A conflict is shown with its owner and
//! never forced. A Secret that comes with its values is refused.

mod documents;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{
    Cause, Change, Effect, Expectation, FullReader, ObjectRef, Op, Payload, Phase, Reader, Recipe, Remark,
    ResourceType, Run, ToolError,
};
use todo_agent_kube_rules::kinds;

use crate::{
    tool::{Proposal, Write},
    value, words, workloads,
};

const DEADLINE: Duration = Duration::from_secs(30);
const ROLLOUT: Duration = Duration::from_mins(5);

/// Propose to apply manifests. Documents are separated by ---.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyArgs {
    /// YAML or JSON
    manifests: String,
    /// for documents that name none
    namespace: Option<String>,
}

/// The tool.
pub(crate) struct Apply;

impl Write for Apply {
    const NAME: &'static str = "apply";
    type Args = ApplyArgs;

    fn example(&self) -> Value {
        json!({"manifests": "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {k: v}}"})
    }

    async fn propose<'a>(
        &'a self,
        args: ApplyArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        let reader = reader.as_reader();
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let documents = documents::read(&args.manifests)?;
        let mut objects = Vec::new();
        for (n, document) in documents.into_iter().enumerate() {
            objects.push(object(reader, n + 1, document, namespace).await?);
        }
        objects.sort_by_key(|(target, _)| rank(&target.resource.kind));
        if let Some(twice) = objects.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(ToolError::arguments(format!("{} is in the manifests twice", twice[0].0)));
        }
        let mut changes = Vec::new();
        for (target, object) in objects {
            if target.resource.kind == "Secret" {
                refuse_values(&object, run)?;
            }
            let live = match reader.get(&target).await {
                Ok(live) => Some(live),
                Err(error) if error.is(Cause::NotFound) => None,
                Err(error) => return Err(error.into()),
            };
            changes.push(change(&target, object, live.as_ref()));
        }
        Ok(Proposal::Changes(changes))
    }
}

/// A value that was said is known to whoever reads what was said; it is masked from here on, and not sent.
fn refuse_values(secret: &Value, run: &Run) -> Result<(), ToolError> {
    run.redactor.register_secret(secret);
    if secret["data"].is_null() && secret["stringData"].is_null() {
        return Ok(());
    }
    let name = value::name(secret);
    Err(ToolError::arguments(format!(
        "secret/{name} comes with values, which do not belong in what is said to an agent"
    ))
    .hint("make the Secret from a file, and apply the rest"))
}

fn change(target: &ObjectRef, object: Value, live: Option<&Value>) -> Change {
    let is_rolled =
        workloads::ROLLING.contains(&target.resource.kind.as_str()) && !value::is_true(&object, "/spec/paused");
    let (settle, deadline) = if is_rolled {
        (Expectation::RolledOut { object: target.clone() }, ROLLOUT)
    } else {
        (Expectation::Exists { object: target.clone() }, DEADLINE)
    };
    let mut remarks = Vec::new();
    let undo = match live {
        None => Some(Recipe::Remove { target: target.clone() }),
        Some(_) if target.resource.kind == "Secret" => {
            let fact = "the values it had are never kept, so it cannot be taken back from here";
            remarks.push(Remark::Fact(fact.to_owned()));
            None
        }
        Some(_) => Some(Recipe::Fields { target: target.clone(), fields: Vec::new() }),
    };
    Change {
        tool: "apply",
        summary: format!("apply {}", target.short()),
        equivalent: format!("kubectl apply --server-side -f FILE{}", workloads::namespace_flag(target)),
        phases: vec![Phase {
            effects: vec![Effect::Object { target: target.clone(), op: Op::Apply { object: Payload::new(object) } }],
            settle: vec![settle],
            deadline,
        }],
        undo,
        undoes: None,
        remarks,
    }
}

/// Returns what a document is, and its content as it is sent.
async fn object(
    reader: &dyn Reader,
    n: usize,
    mut document: Value,
    namespace: &str,
) -> Result<(ObjectRef, Value), ToolError> {
    let wrong = |why: String| ToolError::arguments(format!("document {n}: {why}"));
    let text = |pointer: &str| value::some_text(&document, pointer).map(str::to_owned);
    let kind = text("/kind").ok_or_else(|| wrong("it has no kind".to_owned()))?;
    let api_version = text("/apiVersion").ok_or_else(|| wrong(format!("{kind} has no apiVersion")))?;
    let resource = resource(reader, &api_version, &kind).await.map_err(|error| match error {
        ToolError::Cluster(error) => {
            let mut worded = wrong(error.message);
            for hint in error.hints {
                worded = worded.hint(hint);
            }
            worded
        }
        other => other,
    })?;
    let Some(name) = text("/metadata/name") else {
        let why = if text("/metadata/generateName").is_some() {
            "generateName makes another object each time, which cannot be applied; give it a name"
        } else {
            "it has no metadata.name"
        };
        return Err(wrong(format!("{kind}: {why}")));
    };
    words::check("metadata.name", &name)?;
    let place = match (resource.namespaced, text("/metadata/namespace")) {
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
        // What the server keeps would be refused, or tie the manifest to one moment.
        for field in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink"] {
            metadata.remove(field);
        }
        if let Some(place) = &place {
            metadata.insert("namespace".to_owned(), json!(place));
        }
    }
    Ok((ObjectRef { resource, namespace: place, name }, document))
}

async fn resource(reader: &dyn Reader, api_version: &str, kind: &str) -> Result<ResourceType, ToolError> {
    if let Some(found) = kinds::by_type(api_version, kind) {
        return Ok(found.into());
    }
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    if let Some(known) = kinds::KINDS.iter().find(|known| known.kind == kind && known.group == group) {
        return Err(ToolError::arguments(format!("{kind} has no version {version} here"))
            .hint(format!("the cluster serves {}", known.api_version())));
    }
    let word = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
    let found = reader.kind(&word).await?;
    if found.version != version {
        return Err(ToolError::arguments(format!("{kind} has no version {version} here"))
            .hint(format!("the cluster serves {}", found.api_version())));
    }
    Ok(found)
}

/// Returns when a kind is applied: first what others need.
/// Source: helm.sh/helm/v4/pkg/release/v1/util, InstallOrder.
fn rank(kind: &str) -> usize {
    const ORDER: &[&str] = &[
        "Namespace",
        "CustomResourceDefinition",
        "PriorityClass",
        "ResourceQuota",
        "LimitRange",
        "ServiceAccount",
        "Secret",
        "ConfigMap",
        "StorageClass",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
        "Service",
        "NetworkPolicy",
        "DaemonSet",
        "Pod",
        "ReplicaSet",
        "Deployment",
        "StatefulSet",
        "HorizontalPodAutoscaler",
        "Job",
        "CronJob",
        "IngressClass",
        "Ingress",
    ];
    ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests;
