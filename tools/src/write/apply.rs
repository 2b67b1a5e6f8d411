//! `apply`: proposes to bring objects to what manifests say, by server-side apply.
//!
//! Every document is one step, in the order in which they need each other. A conflict is shown with its owner and
//! never forced. A Secret may come with its values from a file of the person's, never in what is said.

mod documents;
mod object;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{
    Cause, Change, Effect, Expectation, FullReader, ObjectRef, Op, Payload, Phase, Recipe, Redactor, Remark, Run,
    ToolError,
};

use crate::{
    files,
    tool::{Proposal, Write},
    value, words, workloads,
};

const DEADLINE: Duration = Duration::from_secs(30);
const ROLLOUT: Duration = Duration::from_mins(5);

/// Propose to apply manifests. Give one of manifests and file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyArgs {
    /// YAML or JSON
    manifests: Option<String>,
    /// below the working directory
    file: Option<String>,
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

    fn register_secrets(&self, args: &Value, redactor: &Redactor) {
        let Some(text) = args["manifests"].as_str().filter(|text| text.contains("Secret")) else { return };
        let documents = documents::read(text, "the manifests").ok();
        let secrets =
            documents.iter().flatten().filter(|document| document["kind"] == "Secret" && has_values(document));
        let mut holds_values = documents.is_none();
        for secret in secrets {
            redactor.register_secret(secret);
            holds_values = true;
        }
        if holds_values {
            // A value that is spread over lines stands in the text in another form than it has.
            redactor.register(text);
        }
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
        let source = Source::of(&args)?;
        let documents = documents::read(source.text(), source.noun())?;
        let defined = object::definitions(&documents);
        let mut objects = Vec::new();
        for (n, document) in documents.into_iter().enumerate() {
            let place = format!("document {} of {}", n + 1, source.noun());
            objects.push(object::read(reader, &place, document, namespace, &defined).await?);
        }
        objects.sort_by_key(|(target, _)| rank(&target.resource.kind));
        if let Some(twice) = objects.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(ToolError::arguments(format!("{} is in {} twice", twice[0].0, source.noun())));
        }
        let mut changes = Vec::new();
        for (target, object) in objects {
            if target.resource.kind == "Secret" {
                source.take_values(&object, run)?;
            }
            let live = match reader.get(&target).await {
                Ok(live) => Some(live),
                Err(error) if error.is(Cause::NotFound) => None,
                Err(error) => return Err(error.into()),
            };
            changes.push(change(&target, object, live.as_ref(), source.path()));
        }
        Ok(Proposal::Changes(changes))
    }
}

/// Where manifests come from.
enum Source<'a> {
    /// They were said, and stand in whatever keeps what was said.
    Said(&'a str),
    /// They stand in a file of the person's, by its name.
    File(String, String),
}

impl<'a> Source<'a> {
    fn of(args: &'a ApplyArgs) -> Result<Self, ToolError> {
        match (&args.manifests, &args.file) {
            (Some(text), None) => Ok(Self::Said(text)),
            (None, Some(file)) => {
                let file = file.trim();
                Ok(Self::File(words::shown(file), files::read(file, documents::LARGEST as u64)?))
            }
            (None, None) => Err(ToolError::arguments("apply needs manifests or a file")),
            (Some(_), Some(_)) => Err(ToolError::arguments("apply takes manifests or a file, not both")),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Said(text) => text,
            Self::File(_, text) => text,
        }
    }

    fn noun(&self) -> &str {
        self.path().unwrap_or("the manifests")
    }

    fn path(&self) -> Option<&str> {
        match self {
            Self::Said(_) => None,
            Self::File(path, _) => Some(path),
        }
    }

    /// Masks the values of a Secret from here on. Those that were said are known to whoever reads what was said, and are
    /// not sent.
    fn take_values(&self, secret: &Value, run: &Run) -> Result<(), ToolError> {
        run.redactor.register_secret(secret);
        if !has_values(secret) || self.path().is_some() {
            return Ok(());
        }
        let name = value::name(secret);
        Err(ToolError::arguments(format!(
            "secret/{name} comes with values, which do not belong in what is said to an agent"
        ))
        .hint("put it into a file and give that, or leave it out"))
    }
}

fn has_values(secret: &Value) -> bool {
    ["data", "stringData"].iter().any(|field| !secret[*field].is_null())
}

fn change(target: &ObjectRef, object: Value, live: Option<&Value>, file: Option<&str>) -> Change {
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
        equivalent: format!(
            "kubectl apply --server-side -f {}{}",
            file.unwrap_or("FILE"),
            workloads::namespace_flag(target)
        ),
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
