//! `create`: proposes a new object of a usual kind from a few words, with secure defaults.
//!
//! The preview shows the whole manifest as the server would keep it. One file per group of kinds builds it; an
//! argument that a kind has no use for is refused, never dropped.

mod access;
mod known;
mod network;
mod plain;
mod pods;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use todo_agent_core::{Cause, FullReader, ObjectRef, Output, Reader, Remark, ResourceType, Run, ToolError};
use todo_agent_kube_rules::kinds;

use super::make;
use crate::{
    amounts::Amounts,
    resolve,
    tool::{Proposal, Write},
    words,
};

/// Propose a new object with secure defaults. Which arguments apply depends on the kind.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateArgs {
    kind: NewKind,
    name: Option<String>,
    namespace: Option<String>,
    image: Option<String>,
    #[schemars(with = "Option<i64>")]
    port: Option<Value>,
    replicas: Option<u32>,
    /// {"cpu":"500m","memory":"1Gi"}
    #[schemars(with = "Option<Map<String, Value>>")]
    requests: Option<Amounts>,
    #[schemars(with = "Option<Map<String, Value>>")]
    limits: Option<Amounts>,
    /// as in set
    #[schemars(with = "Option<Map<String, Value>>")]
    env: Option<BTreeMap<String, Value>>,
    command: Option<Vec<String>>,
    /// default 1000; 0 is root
    run_as_user: Option<u32>,
    /// of a statefulset or pvc: 1Gi
    storage: Option<String>,
    storage_class: Option<String>,
    /// where storage is mounted
    mount: Option<String>,
    /// of a cronjob: */5 * * * *
    schedule: Option<String>,
    /// the workload of a service or network_policy, the service of an ingress
    target: Option<String>,
    service_type: Option<ServiceType>,
    /// of an ingress
    host: Option<String>,
    /// of an ingress; default /
    prefix: Option<String>,
    /// of a configmap
    #[schemars(with = "Option<Map<String, Value>>")]
    data: Option<BTreeMap<String, Value>>,
    /// who gets a role: user:alice, group:dev, serviceaccount:ci
    subject: Option<String>,
    /// of a role; default get, list, watch
    verbs: Option<Vec<String>>,
    /// of a role: pods, deployments
    resources: Option<Vec<String>>,
    /// the workloads a network_policy lets in
    from: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum NewKind {
    #[default]
    Deployment,
    Statefulset,
    Job,
    Cronjob,
    Service,
    Ingress,
    Configmap,
    Namespace,
    Role,
    NetworkPolicy,
    Pvc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ServiceType {
    ClusterIp,
    NodePort,
    LoadBalancer,
}

impl NewKind {
    fn word(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::Statefulset => "statefulset",
            Self::Job => "job",
            Self::Cronjob => "cronjob",
            Self::Service => "service",
            Self::Ingress => "ingress",
            Self::Configmap => "configmap",
            Self::Namespace => "namespace",
            Self::Role => "role",
            Self::NetworkPolicy => "network_policy",
            Self::Pvc => "pvc",
        }
    }

    /// Returns the arguments that it takes beside kind, name and namespace.
    fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Deployment => &["image", "port", "replicas", "requests", "limits", "env", "command", "run_as_user"],
            Self::Statefulset => &[
                "image",
                "port",
                "replicas",
                "requests",
                "limits",
                "env",
                "command",
                "run_as_user",
                "storage",
                "storage_class",
                "mount",
            ],
            Self::Job => &["image", "requests", "limits", "env", "command", "run_as_user"],
            Self::Cronjob => &["image", "requests", "limits", "env", "command", "run_as_user", "schedule"],
            Self::Service => &["target", "port", "service_type"],
            Self::Ingress => &["target", "port", "host", "prefix"],
            Self::Configmap => &["data"],
            Self::Namespace => &[],
            Self::Role => &["subject", "verbs", "resources"],
            Self::NetworkPolicy => &["target", "from", "port"],
            Self::Pvc => &["storage", "storage_class"],
        }
    }
}

/// The tool.
pub(crate) struct Create;

impl Write for Create {
    const NAME: &'static str = "create";
    type Args = CreateArgs;

    fn example(&self) -> Value {
        json!({"kind": "deployment", "name": "shop", "image": "shop:1.0", "port": 3000})
    }

    async fn propose<'a>(
        &'a self,
        args: CreateArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        args.refuse_what_does_not_apply()?;
        let reader = reader.as_reader();
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?.to_owned();
        if args.namespace.is_some()
            && let Some(error) = resolve::missing_namespace(reader, &namespace).await?
        {
            return Err(error);
        }
        let making = Making { args: &args, reader, namespace: &namespace, run };
        let built = match args.kind {
            NewKind::Deployment | NewKind::Statefulset | NewKind::Job | NewKind::Cronjob => pods::build(&making)?,
            NewKind::Service => match network::service(&making).await? {
                network::Asked::For(built) => built,
                network::Asked::Already(why) => {
                    let data = json!({"changed": false, "why": why});
                    return Ok(Proposal::Nothing(Output::build(&run.redactor, &data).text(why).build()));
                }
            },
            NewKind::Ingress => network::ingress(&making).await?,
            NewKind::NetworkPolicy => network::policy(&making).await?,
            NewKind::Role => access::role(&making).await?,
            NewKind::Configmap => plain::config_map(&making)?,
            NewKind::Namespace => plain::namespace(&making)?,
            NewKind::Pvc => plain::claim(&making)?,
        };
        let mut changes = Vec::new();
        for object in built.objects {
            let target = reference(&object, &namespace)?;
            refuse_existing(reader, &target).await?;
            let summary = format!("create {}", target.short());
            changes.push(make::change(Self::NAME, &target, object, summary));
        }
        if let Some(last) = changes.last_mut() {
            last.remarks.extend(built.notes.into_iter().map(Remark::Fact));
        }
        Ok(Proposal::Changes(changes))
    }
}

/// What a kind is built from.
struct Making<'a> {
    args: &'a CreateArgs,
    reader: &'a dyn Reader,
    namespace: &'a str,
    run: &'a Run,
}

/// What was built: the objects in the order they are made, and what to say about them.
#[derive(Default)]
struct Built {
    objects: Vec<Value>,
    notes: Vec<String>,
}

impl Making<'_> {
    /// Returns the name that was given, checked.
    fn name(&self) -> Result<String, ToolError> {
        match self.args.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => named(name),
            None => Err(ToolError::arguments(format!("create {} needs a name", self.args.kind.word()))),
        }
    }

    /// Returns the name that was given, or the one that follows from what it is for.
    fn name_or(&self, other: &str) -> Result<String, ToolError> {
        if self.args.name.is_some() { self.name() } else { named(other) }
    }

    /// Returns an object of a kind, without its content.
    fn object(&self, kind: &str, name: &str) -> Value {
        let Some(kind) = kinds::find(kind) else { return Value::Null };
        let mut metadata = json!({"name": name, "labels": {"app.kubernetes.io/managed-by": "todo-agent"}});
        if kind.namespaced {
            metadata["namespace"] = json!(self.namespace);
        }
        json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": metadata})
    }
}

impl CreateArgs {
    fn refuse_what_does_not_apply(&self) -> Result<(), ToolError> {
        let given = [
            ("image", self.image.is_some()),
            ("port", self.port.is_some()),
            ("replicas", self.replicas.is_some()),
            ("requests", self.requests.is_some()),
            ("limits", self.limits.is_some()),
            ("env", self.env.is_some()),
            ("command", self.command.is_some()),
            ("run_as_user", self.run_as_user.is_some()),
            ("storage", self.storage.is_some()),
            ("storage_class", self.storage_class.is_some()),
            ("mount", self.mount.is_some()),
            ("schedule", self.schedule.is_some()),
            ("target", self.target.is_some()),
            ("service_type", self.service_type.is_some()),
            ("host", self.host.is_some()),
            ("prefix", self.prefix.is_some()),
            ("data", self.data.is_some()),
            ("subject", self.subject.is_some()),
            ("verbs", self.verbs.is_some()),
            ("resources", self.resources.is_some()),
            ("from", self.from.is_some()),
        ];
        let takes = self.kind.takes();
        match given.iter().find(|(name, is_given)| *is_given && !takes.contains(name)) {
            None => Ok(()),
            Some((name, _)) => {
                let noun = words::with_article(self.kind.word());
                let error = ToolError::arguments(format!("{noun} has no {name}"));
                Err(match takes {
                    [] => error.hint("it takes a name only"),
                    takes => error.hint(format!("it takes name and {}", takes.join(", "))),
                })
            }
        }
    }
}

/// Source: k8s.io/apimachinery/pkg/util/validation, IsDNS1123Label: fits for every kind made here.
pub(super) fn named(name: &str) -> Result<String, ToolError> {
    words::check("name", name)?;
    let allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    let fits = name.len() <= 63 && name.chars().all(allowed) && !name.starts_with('-') && !name.ends_with('-');
    if fits {
        return Ok(name.to_owned());
    }
    let better: String = name
        .to_ascii_lowercase()
        .chars()
        .map(|character| if allowed(character) { character } else { '-' })
        .take(63)
        .collect();
    Err(ToolError::arguments(format!("name \"{}\" cannot be the name of a new object", words::shown(name)))
        .hint(format!("it has at most 63 of a-z, 0-9 and -: {}", better.trim_matches('-'))))
}

fn reference(object: &Value, namespace: &str) -> Result<ObjectRef, ToolError> {
    let kind = object["kind"].as_str().and_then(kinds::find);
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let kind = kind.ok_or_else(|| ToolError::state("this kind is not known here"))?;
    let resource = ResourceType::from(kind);
    let namespace = resource.namespaced.then(|| namespace.to_owned());
    Ok(ObjectRef { resource, namespace, name })
}

pub(super) async fn refuse_existing(reader: &dyn Reader, target: &ObjectRef) -> Result<(), ToolError> {
    match reader.get(target).await {
        Ok(_) => Err(ToolError::state(format!("{target} already exists"))
            .hint("choose another name, or change it with set, patch or scale")),
        Err(error) if error.is(Cause::NotFound) || error.is(Cause::Forbidden) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
