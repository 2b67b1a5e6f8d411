//! Which pod a session leads into: the one that is named, or one that runs of a workload or behind a Service.
//!
//! A pod is chosen once, before the preview, so that what is approved is one pod and not whichever comes.

use serde_json::Value;
use todo_agent_core::{ObjectRef, Reader, ToolError};
use todo_agent_kube_rules::kinds;

use crate::{
    names,
    pods::{self, PodStatus},
    resolve::{self, Climb, Lookup, Order, Resolved},
    value, workloads,
};

/// A pod that a session can lead into.
#[derive(Debug)]
pub(super) struct RunningPod {
    pub(super) pod: ObjectRef,
    pub(super) live: Value,
    /// The Service it was found behind.
    pub(super) service: Option<Value>,
    /// What to say about the choice.
    pub(super) notes: Vec<String>,
    /// How the person's word led here.
    pub(super) resolved: Resolved,
}

/// Returns what a word means: a pod, or something with pods.
pub(super) async fn named(reader: &dyn Reader, word: &str, namespace: &str) -> Result<Resolved, ToolError> {
    let lookup = Lookup {
        argument: "target",
        word,
        namespace,
        tiers: vec![names::types(workloads::ROLLING), names::types(&["Pod", "Service", "Job", "ReplicaSet"])],
        order: Order::ExactFirst,
        climb: Climb::Stay,
    };
    resolve::find(reader, &lookup).await
}

/// Returns the pod, or one that runs of what has several.
///
/// # Errors
/// Returns an error where none of them runs.
pub(super) async fn of(reader: &dyn Reader, resolved: Resolved) -> Result<RunningPod, ToolError> {
    let live = reader.get(&resolved.object).await?;
    let notes = resolved.notes.clone();
    let kind = resolved.object.resource.kind.as_str();
    if kind == "Pod" {
        runs(&resolved.object, &live)?;
        return Ok(RunningPod { pod: resolved.object.clone(), live, service: None, notes, resolved });
    }
    let is_service = kind == "Service";
    if is_service && value::entries(&live, "/spec/selector").next().is_none() {
        let short = resolved.object.short();
        return Err(ToolError::state(format!("{short} selects no pods, so there is none to connect to")));
    }
    let found = workloads::pods(reader, &resolved.object, &live).await?;
    let service = is_service.then_some(live);
    let pod = chosen(&resolved.object, found)?;
    let Some(kind) = kinds::find("pod") else { return Err(ToolError::state("pods are not known here")) };
    let namespace = resolved.object.namespace.clone().unwrap_or_default();
    let reference = ObjectRef::new(kind, &namespace, value::name(&pod));
    let mut notes = notes;
    notes.push(format!("{} of {}", reference.short(), resolved.object.short()));
    Ok(RunningPod { pod: reference, live: pod, service, notes, resolved })
}

/// Takes a ready pod, else one that runs; by name, so that the same one is taken again.
fn chosen(of: &ObjectRef, mut found: Vec<Value>) -> Result<Value, ToolError> {
    if found.is_empty() {
        return Err(ToolError::state(format!("{} has no pods", of.short()))
            .hint(format!("look at it first: describe {}", of.short())));
    }
    found.sort_by(|one, two| value::name(one).cmp(value::name(two)));
    let is_ready = |pod: &Value| PodStatus::of(pod).is_ready();
    let index = found.iter().position(is_ready).or_else(|| found.iter().position(is_running));
    if let Some(index) = index {
        return Ok(found.swap_remove(index));
    }
    let why = found.iter().find_map(pods::trouble).map(|why| format!(" ({why})")).unwrap_or_default();
    Err(ToolError::state(format!("no pod of {} runs{why}", of.short()))
        .hint(format!("look at it first: describe {}", of.short())))
}

fn is_running(pod: &Value) -> bool {
    value::text(pod, "/status/phase") == "Running" && value::some_text(pod, "/metadata/deletionTimestamp").is_none()
}

fn runs(pod: &ObjectRef, live: &Value) -> Result<(), ToolError> {
    if is_running(live) {
        return Ok(());
    }
    Err(ToolError::state(format!("{} does not run: {}", pod.short(), PodStatus::of(live).status))
        .hint(format!("look at it first: describe {}", pod.short())))
}
