//! `describe`: one object projected to what matters: its state, containers, conditions, owner, pods,
//! events, and what it refers to that does not exist.
//!
//! A Secret is described by its metadata alone; its values are never read.

mod containers;
mod facts;
mod references;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{ClusterError, ListQuery, ObjectRef, Output, Reader, ResourceType, Run, ToolError, Within};

use super::events::fold;
use crate::{
    durations, names, pods,
    resolve::{self, Climb, Lookup, Order, Resolved},
    tool::Read,
    value, words, workloads,
};

/// The annotation that repeats the whole object.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Describe one object: state, containers, conditions, events, missing references.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DescribeArgs {
    /// any kubectl kind or alias; default a workload, else what has the name
    kind: Option<String>,
    name: String,
    namespace: Option<String>,
}

/// The tool.
pub(crate) struct Describe;

impl Read for Describe {
    const NAME: &'static str = "describe";
    type Args = DescribeArgs;

    fn example(&self) -> Value {
        json!({"kind": "deployment", "name": "backend"})
    }

    async fn read<'a>(&'a self, args: DescribeArgs, reader: &'a dyn Reader, run: &'a Run) -> Result<Output, ToolError> {
        run.check()?;
        let found = find(&args, reader).await?;
        let live = reader.get(&found.object).await?;
        let (events, its_pods, missing) = futures::join!(
            its_events(reader, &found.object),
            its_pods(reader, &found.object, &live),
            references::missing(reader, found.object.namespace.as_deref(), pod_spec(&found.object.resource, &live)),
        );
        let described = Described {
            object: &found.object,
            live: &live,
            pods: names::tolerate_refusal(its_pods)?,
            missing: missing?,
            events: names::tolerate_refusal(events)?,
        };
        Ok(described.output(&found.notes, run))
    }
}

async fn find(args: &DescribeArgs, reader: &dyn Reader) -> Result<Resolved, ToolError> {
    let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
    let word = words::parse("name", &args.name)?;
    let tiers = match args.kind.as_deref().map(str::trim).filter(|kind| !kind.is_empty()).or(word.kind) {
        Some(kind) => {
            words::check("kind", kind)?;
            vec![vec![reader.kind(kind).await?]]
        }
        None => vec![
            names::types(workloads::ROLLING),
            names::types(&["Pod", "Service", "Ingress", "Job", "CronJob"]),
            names::types(&["ConfigMap", "Secret", "PersistentVolumeClaim", "HorizontalPodAutoscaler", "ReplicaSet"]),
            names::types(&["Node", "Namespace"]),
        ],
    };
    let lookup =
        Lookup { argument: "name", word: word.name, namespace, tiers, order: Order::ExactFirst, climb: Climb::Stay };
    resolve::find(reader, &lookup).await
}

/// Returns the pod spec in an object: a pod's own, or its template's.
fn pod_spec<'v>(resource: &ResourceType, live: &'v Value) -> Option<&'v Value> {
    match resource.kind.as_str() {
        "Pod" => live.get("spec"),
        "CronJob" => live.pointer("/spec/jobTemplate/spec/template/spec"),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => live.pointer("/spec/template/spec"),
        _ => None,
    }
}

async fn its_events(reader: &dyn Reader, object: &ObjectRef) -> Result<Vec<Value>, ClusterError> {
    // Events of cluster-scoped objects are kept in the default namespace.
    let namespace = object.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let mut found = Vec::new();
    for resource in names::types(&["Event"]) {
        let selector = format!("involvedObject.name={},involvedObject.kind={}", object.name, object.resource.kind);
        let query = ListQuery::new(resource, Within::Namespace(namespace.clone())).fields(selector);
        found.extend(reader.list(&query).await?);
    }
    Ok(found)
}

/// Returns the pods of a workload, or those a Service sends to.
async fn its_pods(reader: &dyn Reader, object: &ObjectRef, live: &Value) -> Result<Vec<Value>, ClusterError> {
    match object.resource.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "Service" => {
            workloads::pods(reader, object, live).await
        }
        _ => Ok(Vec::new()),
    }
}

/// Everything known about the object.
struct Described<'a> {
    object: &'a ObjectRef,
    live: &'a Value,
    pods: Vec<Value>,
    missing: Vec<String>,
    events: Vec<Value>,
}

impl Described<'_> {
    fn output(&self, notes: &[String], run: &Run) -> Output {
        let now = run.clock.now();
        // Redacted as JSON first: there a key still tells that its value is secret.
        let shown = run.redactor.value(self.live).into_inner();
        let facts = facts::facts(self.object, &shown, &self.pods, now);
        let containers = pod_spec(&self.object.resource, &shown)
            .map(|spec| containers::described(spec, &shown, now))
            .unwrap_or_default();
        let events = fold::fold(&self.events);
        let troubles: Vec<String> = if self.object.resource.kind == "Pod" {
            pods::trouble(self.live).into_iter().collect()
        } else {
            let of = |pod: &Value| Some(format!("pod/{}: {}", value::name(pod), pods::trouble(pod)?));
            self.pods.iter().filter_map(of).take(5).collect()
        };
        let data = json!({
            "object": projected(self.object, self.live), "troubles": troubles, "missing": self.missing,
            "pods": self.pods.iter().map(value::name).collect::<Vec<_>>(),
            "events": events.iter().map(fold::Folded::data).collect::<Vec<_>>(),
        });
        let mut output = Output::build(&run.redactor, &data);
        for note in notes {
            output = output.text(note);
        }
        output = output.text(self.object.to_string()).fields(facts);
        for trouble in &troubles {
            output = output.text(format!("not ready: {trouble}"));
        }
        if !self.missing.is_empty() {
            output = output.text(format!("missing:\n{}", self.missing.join("\n")));
        }
        for (headline, fields) in containers {
            output = output.text(headline).fields(fields);
        }
        let conditions = facts::conditions(self.live, now);
        if !conditions.is_empty() {
            output = output.table(&["CONDITION", "STATUS", "SINCE", "REASON", "MESSAGE"], conditions);
        }
        if !self.pods.is_empty() {
            let rows = self.pods.iter().map(|pod| {
                let shown = pods::PodStatus::of(pod);
                let age = durations::age(value::instant(pod, "/metadata/creationTimestamp"), now);
                let (ready, restarts) = (shown.ready_text(), shown.restarts_text(now));
                vec![value::name(pod).to_owned(), ready, shown.status, restarts, age]
            });
            output = output.table(&["POD", "READY", "STATUS", "RESTARTS", "AGE"], rows);
        }
        output = if events.is_empty() {
            output.text("no events")
        } else {
            output.text("events:").lines(events.iter().flat_map(|event| event.lines(now)))
        };
        output.build()
    }
}

/// Returns the object for programs, without what repeats or must not be shown.
fn projected(object: &ObjectRef, live: &Value) -> Value {
    let mut shown = live.clone();
    if object.resource.kind == "Secret" {
        // Never anything but metadata, whatever the reader gave; annotations may repeat the data.
        shown = json!({"metadata": live.get("metadata")});
    }
    if let Some(metadata) = shown.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if object.resource.kind == "Secret" {
            metadata.remove("annotations");
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
        }
    }
    shown
}

#[cfg(test)]
mod tests;
