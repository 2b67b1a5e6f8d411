//! `node_control`: proposes to keep new pods from a node, to let them again, or to move its pods elsewhere.
//!
//! Draining is cordoning and then evicting, pod by pod: evictions ask the disruption budgets, deletions would not.
//! What does not come back elsewhere is said before.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{
    Change, Effect, Expectation, FullReader, ListQuery, ObjectRef, Op, PatchStyle, Phase, Reader, Remark, Run,
    ToolError, Within, text::count,
};
use todo_agent_kube_rules::{kinds, selectors::LabelSelector};

use super::{patch, rollout_control::Came};
use crate::{
    names,
    resolve::{self, Climb, Lookup, Order},
    tool::{Proposal, Write},
    value,
};

/// How long the pods of a node may take to leave; disruption budgets may make them wait for each other.
const DRAIN: Duration = Duration::from_mins(10);

/// Propose to cordon, uncordon or drain a node.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeControlArgs {
    node: String,
    action: NodeAction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum NodeAction {
    Cordon,
    Uncordon,
    Drain,
}

/// The tool.
pub(crate) struct NodeControl;

impl Write for NodeControl {
    const NAME: &'static str = "node_control";
    type Args = NodeControlArgs;

    fn example(&self) -> Value {
        json!({"node": "worker-1", "action": "cordon"})
    }

    async fn propose<'a>(
        &'a self,
        args: NodeControlArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        let reader = reader.as_reader();
        let lookup = Lookup {
            argument: "node",
            word: &args.node,
            namespace: "",
            tiers: vec![names::types(&["Node"])],
            order: Order::FirstMatch,
            climb: Climb::Stay,
        };
        let resolved = resolve::find(reader, &lookup).await?;
        let live = reader.get(&resolved.object).await?;
        let node = &resolved.object;
        let is_cordoned = value::is_true(&live, "/spec/unschedulable");
        let came = match args.action {
            NodeAction::Cordon if is_cordoned => {
                Came::Nothing(format!("{} is cordoned already; nothing to change", node.short()))
            }
            NodeAction::Uncordon if !is_cordoned => {
                Came::Nothing(format!("{} is not cordoned; nothing to change", node.short()))
            }
            NodeAction::Cordon => Came::To(Box::new(scheduling(node, &live, Scheduling::Off))),
            NodeAction::Uncordon => Came::To(Box::new(scheduling(node, &live, Scheduling::On))),
            NodeAction::Drain => {
                resolve::require_exact(&resolved, "draining")?;
                drain(reader, node, &live, is_cordoned).await?
            }
        };
        Ok(came.into_proposal(&resolved, run))
    }
}

/// Whether new pods may be placed on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheduling {
    On,
    Off,
}

fn scheduling(node: &ObjectRef, live: &Value, wanted: Scheduling) -> Change {
    let (verb, field) = match wanted {
        Scheduling::Off => ("cordon", json!(true)),
        Scheduling::On => ("uncordon", Value::Null),
    };
    let body = json!({"spec": {"unschedulable": field}});
    let pointers = vec!["/spec/unschedulable".to_owned()];
    let mut change = patch::change("node_control", node, live, PatchStyle::Merge, body, &pointers);
    change.summary = format!("{verb} {}", node.short());
    change.equivalent = format!("kubectl {verb} {}", node.name);
    if wanted == Scheduling::Off {
        change.remarks.push(Remark::Fact("its pods stay; only new ones are kept away".to_owned()));
    }
    change
}

async fn drain(reader: &dyn Reader, node: &ObjectRef, live: &Value, is_cordoned: bool) -> Result<Came, ToolError> {
    let Some(kind) = kinds::find("pod") else { return Err(ToolError::state("pods are not known here")) };
    let query = ListQuery::new(kind, Within::Everywhere).fields(format!("spec.nodeName={}", node.name));
    let pods = reader.list(&query).await?;
    let (staying, leaving): (Vec<&Value>, Vec<&Value>) = pods.iter().partition(|pod| stays(pod));
    if leaving.is_empty() && is_cordoned {
        return Ok(Came::Nothing(format!("{} is cordoned and has no pods to move; nothing to change", node.short())));
    }
    let mut change = scheduling(node, live, Scheduling::Off);
    change.summary = format!("drain {} of {}", node.short(), count(leaving.len(), "pod"));
    change.equivalent = format!("kubectl drain {} --ignore-daemonsets --delete-emptydir-data --force", node.name);
    change.remarks.clear();
    if is_cordoned {
        change.phases.clear();
        change.undo = None;
    }
    let reference = |pod: &&Value| ObjectRef::new(kind, value::text(pod, "/metadata/namespace"), value::name(pod));
    let targets: Vec<ObjectRef> = leaving.iter().map(reference).collect();
    if !targets.is_empty() {
        change.phases.push(Phase {
            effects: targets.iter().map(|target| Effect::Object { target: target.clone(), op: Op::Evict }).collect(),
            settle: targets.into_iter().map(|object| Expectation::Absent { object }).collect(),
            deadline: DRAIN,
        });
    }
    change.remarks.extend(facts(&staying, &leaving).into_iter().map(Remark::Fact));
    change.remarks.extend(budgets(reader, &leaving).await?.into_iter().map(Remark::KeptBy));
    Ok(Came::To(Box::new(change)))
}

/// Returns whether a pod is bound to its node: a daemon's comes back at once, a static one has no other place.
fn stays(pod: &Value) -> bool {
    let is_daemon = value::controller(pod).is_some_and(|(kind, _)| kind == "DaemonSet");
    // Source: k8s.io/kubernetes/pkg/kubelet/types, ConfigMirrorAnnotationKey.
    is_daemon || value::meta(pod, "annotations", "kubernetes.io/config.mirror").is_some()
}

fn facts(staying: &[&Value], leaving: &[&Value]) -> Vec<String> {
    let named = |pods: &[&Value]| {
        let names: Vec<String> = pods.iter().map(|pod| format!("pod/{}", value::name(pod))).collect();
        resolve::some_of(&names)
    };
    let mut facts = Vec::new();
    if !staying.is_empty() {
        facts.push(format!("what belongs to the node stays (DaemonSets, static pods): {}", named(staying)));
    }
    let lost: Vec<&Value> = leaving.iter().copied().filter(|pod| value::controller(pod).is_none()).collect();
    if !lost.is_empty() {
        facts.push(format!("nothing makes these again, so they are lost: {}", named(&lost)));
    }
    let has_data =
        |pod: &&Value| value::items(pod, "/spec/volumes").iter().any(|volume| volume.get("emptyDir").is_some());
    let data: Vec<&Value> = leaving.iter().copied().filter(has_data).collect();
    if !data.is_empty() {
        facts.push(format!("what these keep on the node (emptyDir) is lost: {}", named(&data)));
    }
    facts
}

/// Names the disruption budgets that let none of these pods go at the moment.
async fn budgets(reader: &dyn Reader, leaving: &[&Value]) -> Result<Vec<String>, ToolError> {
    let Some(kind) = kinds::find("pdb") else { return Ok(Vec::new()) };
    let found = match reader.list(&ListQuery::new(kind, Within::Everywhere)).await {
        Ok(found) => found,
        Err(error) if names::is_refusal(&error) => {
            return Ok(vec!["disruption budgets may not be listed; one may make the drain wait".to_owned()]);
        }
        Err(error) => return Err(error.into()),
    };
    let holds = |budget: &&Value| {
        let selector = LabelSelector::from_object(&budget["spec"]["selector"]);
        let covers = |pod: &&&Value| {
            pod["metadata"]["namespace"] == budget["metadata"]["namespace"]
                && selector.as_ref().is_ok_and(|selector| selector.matches(&pod["metadata"]["labels"]))
        };
        value::number(budget, "/status/disruptionsAllowed").unwrap_or(0) == 0 && leaving.iter().any(|pod| covers(&pod))
    };
    Ok(found
        .iter()
        .filter(holds)
        .map(|budget| {
            format!(
                "poddisruptionbudget/{} lets none of its pods go now; the drain waits for it, then gives up",
                value::name(budget)
            )
        })
        .collect())
}

#[cfg(test)]
mod tests;
