//! `autoscale`: proposes an autoscaler for a workload, or other bounds for the one it has.
//!
//! What would keep it from working is said before: containers without the requests that a percentage is of, and a
//! cluster without metrics.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{
    Cause, Change, Expectation, FullReader, ListQuery, ObjectRef, PatchStyle, Reader, Remark, Run, ToolError, Within,
};
use todo_agent_kube_rules::kinds;

use super::{make, patch, rollout_control::Came};
use crate::{
    names,
    resolve::{self, Climb, Lookup, Order, Resolved},
    tool::{Proposal, Write},
    value, words, workloads,
};

/// An autoscaler looks every 15 s; its first look may find no metrics yet.
const DEADLINE: Duration = Duration::from_mins(2);
const MOST_REPLICAS: i64 = 1000;

/// Propose an autoscaler for a workload, or change the one it has.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutoscaleArgs {
    workload: String,
    namespace: Option<String>,
    #[schemars(with = "Option<i64>")]
    min: Option<Value>,
    #[schemars(with = "Option<i64>")]
    max: Option<Value>,
    /// percent of the requests; default 80 where there is none
    #[schemars(with = "Option<i64>")]
    cpu: Option<Value>,
    #[schemars(with = "Option<i64>")]
    memory: Option<Value>,
    /// seconds to wait before scaling down
    #[schemars(with = "Option<i64>")]
    down_window: Option<Value>,
}

/// The tool.
pub(crate) struct Autoscale;

impl Write for Autoscale {
    const NAME: &'static str = "autoscale";
    type Args = AutoscaleArgs;

    fn example(&self) -> Value {
        json!({"workload": "frontend", "min": 2, "max": 5, "cpu": 70})
    }

    async fn propose<'a>(
        &'a self,
        args: AutoscaleArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        let wanted = Wanted::read(&args)?;
        let reader = reader.as_reader();
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let lookup = Lookup {
            argument: "workload",
            word: &args.workload,
            namespace,
            tiers: vec![names::types(workloads::SCALABLE), names::types(workloads::PARTS)],
            order: Order::FirstMatch,
            climb: Climb::ToWorkload(workloads::SCALABLE),
        };
        let resolved = resolve::find(reader, &lookup).await?;
        let live = reader.get(&resolved.object).await?;
        let present = present(reader, &resolved.object).await?;
        let mut change = match &present {
            Some(autoscaler) => {
                let Some(change) = wanted.change_of(&resolved, autoscaler)? else {
                    let why = format!("{} already keeps it so; nothing to change", short(autoscaler));
                    return Ok(Came::Nothing(why).into_proposal(&resolved, run));
                };
                change
            }
            None => wanted.new_for(&resolved.object)?,
        };
        change.remarks.extend(wanted.doubts(&live).map(Remark::Fact));
        if metrics_are_missing(reader).await {
            let fact = "the cluster serves no metrics, so it cannot scale until a metrics server runs";
            change.remarks.push(Remark::Fact(fact.to_owned()));
        }
        Ok(Came::To(Box::new(change)).into_proposal(&resolved, run))
    }
}

/// What is asked for, each checked.
struct Wanted {
    min: Option<i64>,
    max: Option<i64>,
    cpu: Option<i64>,
    memory: Option<i64>,
    down_window: Option<i64>,
}

impl Wanted {
    fn read(args: &AutoscaleArgs) -> Result<Self, ToolError> {
        let read = |name: &str, given: &Option<Value>, least: i64, most: i64| {
            let Some(given) = given else { return Ok(None) };
            let number = given.as_i64().filter(|number| (least..=most).contains(number));
            number.map(Some).ok_or_else(|| {
                ToolError::arguments(format!("{name} must be a whole number from {least} to {most}, got {given}"))
            })
        };
        let wanted = Self {
            min: read("min", &args.min, 1, MOST_REPLICAS)?,
            max: read("max", &args.max, 1, MOST_REPLICAS)?,
            cpu: read("cpu", &args.cpu, 1, 1000)?,
            memory: read("memory", &args.memory, 1, 1000)?,
            down_window: read("down_window", &args.down_window, 0, 3600)?,
        };
        if let (Some(min), Some(max)) = (wanted.min, wanted.max)
            && min > max
        {
            return Err(ToolError::arguments(format!("min is {min} and max is {max}; min cannot be more")));
        }
        Ok(wanted)
    }

    fn metrics(&self) -> Vec<Value> {
        let metric = |(name, percent): (&str, Option<i64>)| {
            Some(json!({"type": "Resource", "resource": {"name": name,
                "target": {"type": "Utilization", "averageUtilization": percent?}}}))
        };
        [("cpu", self.cpu), ("memory", self.memory)].into_iter().filter_map(metric).collect()
    }

    fn behavior(&self) -> Option<Value> {
        self.down_window.map(|seconds| json!({"scaleDown": {"stabilizationWindowSeconds": seconds}}))
    }

    fn new_for(&self, workload: &ObjectRef) -> Result<Change, ToolError> {
        let max = self.max.ok_or_else(|| {
            ToolError::arguments(format!("{} has no autoscaler yet, so max is needed", workload.short()))
        })?;
        let min = self.min.unwrap_or(1);
        if min > max {
            return Err(ToolError::arguments(format!("max is {max}; it cannot be less than min, which is {min}")));
        }
        let kind = kinds::find("hpa").ok_or_else(|| ToolError::state("autoscalers are not known here"))?;
        let target = ObjectRef::new(kind, workload.namespace.as_deref().unwrap_or_default(), &workload.name);
        let with_default = Self { cpu: self.cpu.or(self.memory.is_none().then_some(80)), ..*self };
        let mut spec = json!({
            "scaleTargetRef": {"apiVersion": workload.resource.api_version(), "kind": workload.resource.kind, "name": workload.name},
            "minReplicas": min, "maxReplicas": max, "metrics": with_default.metrics()});
        if let Some(behavior) = self.behavior() {
            spec["behavior"] = behavior;
        }
        let metadata = json!({"name": workload.name, "namespace": workload.namespace,
            "labels": {"app.kubernetes.io/managed-by": "todo-agent"}});
        let object = json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": metadata, "spec": spec});
        let percent = [("cpu", with_default.cpu), ("memory", self.memory)]
            .into_iter()
            .filter_map(|(name, percent)| Some(format!("{}% {name}", percent?)))
            .collect::<Vec<_>>()
            .join(" and ");
        let mut change = make::change(
            "autoscale",
            &target,
            object,
            format!("autoscale {} from {min} to {max} replicas at {percent}", workload.short()),
        );
        change.equivalent = format!(
            "kubectl autoscale {} --min={min} --max={max}{}{}{}",
            workload.short(),
            with_default.cpu.map_or_else(String::new, |percent| format!(" --cpu={percent}%")),
            self.memory.map_or_else(String::new, |percent| format!(" --memory={percent}%")),
            workloads::namespace_flag(workload)
        );
        Ok(able(change, &target))
    }

    /// Returns the change of an autoscaler that is there; `None` where it already is so.
    fn change_of(&self, resolved: &Resolved, autoscaler: &Value) -> Result<Option<Change>, ToolError> {
        let min = self.min.or(value::number(autoscaler, "/spec/minReplicas")).unwrap_or(1);
        let max = self.max.or(value::number(autoscaler, "/spec/maxReplicas")).unwrap_or(min);
        if min > max {
            return Err(ToolError::arguments(format!(
                "{} would go from {min} to {max}; min cannot be more",
                short(autoscaler)
            )));
        }
        let mut spec = json!({"minReplicas": min, "maxReplicas": max});
        if self.cpu.is_some() || self.memory.is_some() {
            let named = |metric: &Value| {
                let name = value::text(metric, "/resource/name");
                (name == "cpu" && self.cpu.is_some()) || (name == "memory" && self.memory.is_some())
            };
            let kept = value::items(autoscaler, "/spec/metrics").iter().filter(|metric| !named(metric)).cloned();
            spec["metrics"] = kept.chain(self.metrics()).collect();
        }
        if let Some(behavior) = self.behavior() {
            spec["behavior"] = behavior;
        }
        let is_so =
            spec.as_object().into_iter().flatten().all(|(key, wanted)| autoscaler["spec"].get(key) == Some(wanted));
        if is_so {
            return Ok(None);
        }
        let kind = kinds::find("hpa").ok_or_else(|| ToolError::state("autoscalers are not known here"))?;
        let namespace = resolved.object.namespace.as_deref().unwrap_or_default();
        let target = ObjectRef::new(kind, namespace, value::name(autoscaler));
        let pointers: Vec<String> =
            spec.as_object().into_iter().flatten().map(|(key, _)| format!("/spec/{key}")).collect();
        let body = json!({"spec": spec});
        let mut change = patch::change("autoscale", &target, autoscaler, PatchStyle::Merge, body, &pointers);
        change.summary = format!("autoscale {} from {min} to {max} replicas", resolved.object.short());
        Ok(Some(able(change, &target)))
    }

    /// Returns what would keep it from measuring.
    fn doubts(&self, live: &Value) -> impl Iterator<Item = String> {
        let cpu = self.cpu.is_some() || self.memory.is_none();
        let wanted = [("cpu", cpu), ("memory", self.memory.is_some())];
        let containers = value::items(live, "/spec/template/spec/containers").to_vec();
        wanted.into_iter().filter(|(_, is_wanted)| *is_wanted).flat_map(move |(resource, _)| {
            let without = containers.iter().filter(move |container| {
                // A limit alone is the request, too.
                ["requests", "limits"].iter().all(|field| container["resources"][field].get(resource).is_none())
            });
            let names: Vec<String> = without.map(|container| value::name_of(container).to_owned()).collect();
            names.into_iter().map(move |name| {
                format!(
                    "container {name} has no {resource} request, of which a percentage is; set one or it cannot scale"
                )
            })
        })
    }
}

/// An autoscaler is proven by its own word that it can act.
fn able(mut change: Change, target: &ObjectRef) -> Change {
    for phase in &mut change.phases {
        phase.settle = vec![Expectation::Condition { object: target.clone(), condition: "AbleToScale".to_owned() }];
        phase.deadline = DEADLINE;
    }
    change
}

fn short(autoscaler: &Value) -> String {
    format!("horizontalpodautoscaler/{}", value::name(autoscaler))
}

/// Returns the autoscaler of a workload.
async fn present(reader: &dyn Reader, workload: &ObjectRef) -> Result<Option<Value>, ToolError> {
    let Some(kind) = kinds::find("hpa") else { return Ok(None) };
    let namespace = workload.namespace.clone().unwrap_or_default();
    let found = reader.list(&ListQuery::new(kind, Within::Namespace(namespace))).await?;
    let is_its = |hpa: &&Value| {
        value::text(hpa, "/spec/scaleTargetRef/kind") == workload.resource.kind
            && value::text(hpa, "/spec/scaleTargetRef/name") == workload.name
    };
    Ok(found.iter().find(is_its).cloned())
}

/// Returns whether the cluster says that it serves no metrics; what it cannot tell is not said.
async fn metrics_are_missing(reader: &dyn Reader) -> bool {
    reader.kind("pods.metrics.k8s.io").await.is_err_and(|error| error.is(Cause::NotFound))
}

#[cfg(test)]
mod tests;
