//! `diagnose`: what is wrong with an object, a namespace or the cluster, and why: one finding per cause, with
//! what follows from it, what proves it and what would help.
//!
//! The engine decides (`crates/diagnose`); here is only what to read for it and how to tell it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{ObjectRef, Output, Reader, Run, ToolError};
use todo_agent_diagnose::{About, Kind, Snapshot};
use todo_agent_kube_rules::kinds;

use crate::{
    arguments,
    diagnosis::{self, Detail, Diagnosis},
    names,
    resolve::{self, Climb, Lookup, Order},
    snapshot::{self, Reach},
    tool::Read,
    words, workloads,
};

/// Find what is wrong and why, with remedies. Without a target of the whole namespace.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiagnoseArgs {
    /// backend, service/web, node/n
    target: Option<String>,
    namespace: Option<String>,
    all_namespaces: Option<bool>,
    /// with proof
    evidence: Option<bool>,
}

/// The tool.
pub(crate) struct Diagnose;

impl Read for Diagnose {
    const NAME: &'static str = "diagnose";
    type Args = DiagnoseArgs;

    fn example(&self) -> Value {
        json!({"target": "backend"})
    }

    async fn read<'a>(&'a self, args: DiagnoseArgs, reader: &'a dyn Reader, run: &'a Run) -> Result<Output, ToolError> {
        let detail = if args.evidence == Some(true) { Detail::Evidence } else { Detail::Brief };
        let looked = look_at(&args, reader, run).await?;
        Ok(looked.diagnosis().output(&run.redactor, detail, &looked.notes))
    }
}

/// A snapshot of what was asked about.
#[derive(Debug)]
pub struct Looked {
    /// The snapshot.
    pub snapshot: Snapshot,
    subject: Subject,
    notes: Vec<String>,
}

#[derive(Debug)]
enum Subject {
    Everything,
    Namespace(String),
    Object(todo_agent_diagnose::ObjectRef),
}

impl Looked {
    /// Looks at a snapshot that was read before: at one object, one namespace or everything.
    ///
    /// # Errors
    /// Returns an error where the snapshot has no such object.
    pub fn again(snapshot: Snapshot, target: Option<&str>, namespace: Option<&str>) -> Result<Self, ToolError> {
        let subject = match (target, namespace) {
            (None, None) => Subject::Everything,
            (None, Some(namespace)) => Subject::Namespace(namespace.to_owned()),
            (Some(target), namespace) => {
                let word = words::parse("target", target)?;
                let kind = match word.kind {
                    Some(kind) => Some(named_kind(kind)?),
                    None => None,
                };
                let found = named(&snapshot, kind, word.name, namespace);
                match found.as_slice() {
                    [one] => Subject::Object(one.clone()),
                    [] => return Err(ToolError::name(format!("the snapshot has no \"{target}\""))),
                    several => {
                        let several: Vec<String> = several
                            .iter()
                            .map(|one| format!("{} in namespace {}", one.short(), one.namespace))
                            .collect();
                        let message = format!("\"{target}\" means several things: {}", several.join(", "));
                        return Err(ToolError::name(message).hint("name the kind, and the namespace with -n"));
                    }
                }
            }
        };
        Ok(Self { snapshot, subject, notes: Vec::new() })
    }

    /// Returns what is wrong.
    pub fn diagnosis(&self) -> Diagnosis {
        let about = match &self.subject {
            Subject::Everything => About::Everything,
            Subject::Namespace(namespace) => About::Namespace(namespace),
            Subject::Object(object) => About::Object(object),
        };
        Diagnosis::of(&self.snapshot, about)
    }
}

/// Reads what the arguments of `diagnose` ask about.
///
/// # Errors
/// Returns an error about the arguments or the name, or the cluster's refusal.
pub async fn look(args: Value, reader: &dyn Reader, run: &Run) -> Result<Looked, ToolError> {
    look_at(&arguments::parse(Diagnose::NAME, args, &run.redactor)?, reader, run).await
}

async fn look_at(args: &DiagnoseArgs, reader: &dyn Reader, run: &Run) -> Result<Looked, ToolError> {
    run.check()?;
    let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
    let target = args.target.as_deref().map(str::trim).filter(|target| !target.is_empty());
    match target {
        Some(_) if args.all_namespaces == Some(true) => {
            Err(ToolError::arguments("target needs one namespace; leave all_namespaces out"))
        }
        Some(target) => of_object(target, namespace, reader, run).await,
        None if args.all_namespaces == Some(true) => {
            let snapshot = snapshot::read(reader, run, &Reach::Everywhere).await?;
            Ok(Looked { snapshot, subject: Subject::Everything, notes: Vec::new() })
        }
        None => of_namespace(namespace, reader, run).await,
    }
}

fn named_kind(word: &str) -> Result<Kind, ToolError> {
    kinds::find(word)
        .and_then(|kind| Kind::of(kind.kind))
        .ok_or_else(|| ToolError::arguments(format!("target names an unknown kind \"{word}\"")))
}

/// Returns the objects of a snapshot with this name. What a person means by a bare name is a workload or what leads
/// to one; a Service named like its workload is meant by its kind.
fn named(
    snapshot: &Snapshot,
    kind: Option<Kind>,
    name: &str,
    namespace: Option<&str>,
) -> Vec<todo_agent_diagnose::ObjectRef> {
    const MEANT: &[&[Kind]] = &[
        &[Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet],
        &[Kind::Pod, Kind::Job, Kind::CronJob],
        &[Kind::Service, Kind::Ingress],
        &[Kind::PersistentVolumeClaim, Kind::HorizontalPodAutoscaler, Kind::PodDisruptionBudget, Kind::Node],
    ];
    let of = |kinds: &[Kind]| -> Vec<_> {
        let all = kinds.iter().flat_map(|kind| snapshot.named_like(*kind, name));
        all.filter(|one| namespace.is_none_or(|namespace| one.namespace.is_empty() || one.namespace == namespace))
            .collect()
    };
    match kind {
        Some(kind) => of(&[kind]),
        None => MEANT.iter().map(|tier| of(tier)).find(|found| !found.is_empty()).unwrap_or_default(),
    }
}

async fn of_namespace(namespace: &str, reader: &dyn Reader, run: &Run) -> Result<Looked, ToolError> {
    let snapshot = snapshot::read(reader, run, &Reach::Namespace(namespace)).await?;
    require_namespace(namespace, &snapshot, reader).await?;
    Ok(Looked { snapshot, subject: Subject::Namespace(namespace.to_owned()), notes: Vec::new() })
}

/// Returns the error for a namespace that is not there; of one that is not, every list is empty.
pub(super) async fn require_namespace(
    namespace: &str,
    snapshot: &Snapshot,
    reader: &dyn Reader,
) -> Result<(), ToolError> {
    let is_known = snapshot.objects().namespaces.iter().any(|known| known.metadata.name == namespace);
    if !is_known && let Some(error) = resolve::missing_namespace(reader, namespace).await? {
        return Err(error);
    }
    Ok(())
}

async fn of_object(target: &str, namespace: &str, reader: &dyn Reader, run: &Run) -> Result<Looked, ToolError> {
    let (object, live, notes) = find(target, namespace, reader).await?;
    let Some(subject) = diagnosis::reference(&object) else {
        let kind = object.resource.kind.to_lowercase();
        return Err(ToolError::arguments(format!(
            "nothing is known about what is wrong with {}",
            words::with_article(&kind)
        ))
        .hint(format!("todo-agent \"describe {}\" shows it", object.short())));
    };
    let reach = match (&live, object.resource.kind.as_str()) {
        (Some(live), _) => Reach::Pod { namespace, live },
        // What runs on a node is of any namespace.
        (None, "Node") => Reach::Everywhere,
        (None, _) => Reach::Namespace(namespace),
    };
    let snapshot = snapshot::read(reader, run, &reach).await?;
    Ok(Looked { snapshot, subject: Subject::Object(subject), notes })
}

/// Returns the object that is meant, and of a pod how it is now.
async fn find(
    target: &str,
    namespace: &str,
    reader: &dyn Reader,
) -> Result<(ObjectRef, Option<Value>, Vec<String>), ToolError> {
    let word = words::parse("target", target)?;
    let pod = kinds::find("pod");
    // The exact name of a pod needs no search.
    if let Some(kind) = word.kind.and_then(kinds::find).filter(|kind| Some(*kind) == pod) {
        let object = ObjectRef::new(kind, namespace, word.name);
        match reader.get(&object).await {
            Ok(live) => return Ok((object, Some(live), Vec::new())),
            Err(error) if names::is_refusal(&error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let lookup = Lookup {
        argument: "target",
        word: target,
        namespace,
        tiers: vec![
            names::types(workloads::ROLLING),
            names::types(&["Pod", "Service", "Ingress", "Job", "CronJob"]),
            names::types(&["PersistentVolumeClaim", "HorizontalPodAutoscaler", "PodDisruptionBudget", "ReplicaSet"]),
            names::types(&["Node"]),
        ],
        order: Order::ExactFirst,
        climb: Climb::Stay,
    };
    let found = resolve::find(reader, &lookup).await?;
    let live = match found.object.resource.kind.as_str() {
        "Pod" => Some(reader.get(&found.object).await?),
        _ => None,
    };
    Ok((found.object, live, found.notes))
}

#[cfg(test)]
mod tests;
