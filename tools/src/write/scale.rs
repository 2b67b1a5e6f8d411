//! `scale`: proposes a new number of replicas, through the scale subresource.
//!
//! The count may be given, or as a change of the present one; what was computed is shown. Zero takes the
//! service away, so it needs the workload's exact name.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{
    Change, Effect, Expectation, FullReader, ObjectRef, Op, Output, Phase, Reader, Recipe, Remark, Run, ToolError,
    text::count,
};

use crate::{
    autoscalers, names,
    resolve::{self, Climb, Lookup, Order, Resolved},
    tool::{Proposal, Write},
    value, words, workloads,
};

/// The most replicas this tool sets; more is nearly always a slip of the finger.
const MOST_REPLICAS: u32 = 1000;
/// How long scaling may take to be seen.
const DEADLINE: Duration = Duration::from_mins(3);

/// Propose a number of replicas for a workload. Give one of replicas, delta, percent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScaleArgs {
    /// backend, or deployment/backend
    workload: String,
    namespace: Option<String>,
    /// the new count
    #[schemars(with = "Option<i64>")]
    replicas: Option<Value>,
    /// change of the count: 2, -1
    #[schemars(with = "Option<i64>")]
    delta: Option<Value>,
    /// of the present count: 200 doubles
    #[schemars(with = "Option<i64>")]
    percent: Option<Value>,
}

/// The tool.
pub(crate) struct Scale;

impl Write for Scale {
    const NAME: &'static str = "scale";
    type Args = ScaleArgs;

    fn example(&self) -> Value {
        json!({"workload": "backend", "replicas": 3})
    }

    async fn propose<'a>(
        &'a self,
        args: ScaleArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        let asked = Asked::read(&args)?;
        let reader = reader.as_reader();
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let resolved = find(reader, &args.workload, namespace).await?;
        let (live, kept_by) = futures::join!(reader.get(&resolved.object), autoscalers::of(reader, &resolved.object));
        let live = live?;
        let before = present(&live);
        let after = asked.of(before)?;
        if after == 0 && before != 0 {
            resolve::require_exact(&resolved, "scaling to 0")?;
        }
        if after == before {
            return Ok(Proposal::Nothing(already(&resolved, &live, before, run)));
        }
        let mut remarks: Vec<Remark> = resolved.notes.iter().cloned().map(Remark::Fact).collect();
        remarks.extend(asked.remark(before, after));
        remarks.extend(kept_by?.iter().map(|autoscaler| autoscaler.remark(after.into())));
        Ok(Proposal::Changes(vec![change(Self::NAME, resolved.object, &live, after, remarks)]))
    }
}

/// Returns the scalable workload a word means.
async fn find(reader: &dyn Reader, word: &str, namespace: &str) -> Result<Resolved, ToolError> {
    let lookup = Lookup {
        argument: "workload",
        word,
        namespace,
        tiers: vec![names::types(workloads::SCALABLE), names::types(&["ReplicaSet", "Pod", "DaemonSet"])],
        order: Order::FirstMatch,
        climb: Climb::ToWorkload(&["Deployment", "StatefulSet", "ReplicaSet", "DaemonSet"]),
    };
    let resolved = resolve::find(reader, &lookup).await?;
    if resolved.object.resource.kind == "DaemonSet" {
        let short = resolved.object.short();
        return Err(ToolError::state(format!("{short} runs one pod on every matching node and has no replica count"))
            .hint("change its node selector or the nodes' labels instead"));
    }
    Ok(resolved)
}

/// Returns the change that sets the count. The undo tool proposes through this too.
pub(super) fn change(
    tool: &'static str,
    target: ObjectRef,
    live: &Value,
    after: u32,
    mut remarks: Vec<Remark>,
) -> Change {
    let before = present(live);
    if workloads::is_paused(live) {
        remarks.push(Remark::Fact("its rollout is paused; the replica count changes all the same".to_owned()));
    }
    if after < before && !value::items(live, "/spec/volumeClaimTemplates").is_empty() {
        remarks.push(Remark::Fact(volumes_after_scaling_down(live)));
    }
    Change {
        tool,
        summary: format!("scale {} from {before} to {}", target.short(), count(after as usize, "replica")),
        equivalent: format!(
            "kubectl scale {} --replicas={after}{}",
            target.short(),
            workloads::namespace_flag(&target)
        ),
        phases: vec![Phase {
            effects: vec![Effect::Object { target: target.clone(), op: Op::Scale { replicas: after } }],
            settle: vec![Expectation::Replicas { object: target.clone(), replicas: after }],
            deadline: DEADLINE,
        }],
        undo: Some(Recipe::Scale { target, before, after }),
        undoes: None,
        remarks,
    }
}

fn volumes_after_scaling_down(live: &Value) -> String {
    // Source: StatefulSetSpec.persistentVolumeClaimRetentionPolicy, Retain where it is left out.
    match value::text(live, "/spec/persistentVolumeClaimRetentionPolicy/whenScaled") {
        "Delete" => "the volume claims of the removed pods are deleted with them (whenScaled: Delete)".to_owned(),
        _ => "the volume claims of the removed pods stay".to_owned(),
    }
}

/// Returns the count the spec asks for.
pub(super) fn present(live: &Value) -> u32 {
    u32::try_from(workloads::desired(live)).unwrap_or(0)
}

/// Returns the answer for a workload that already has the count.
pub(super) fn already(resolved: &Resolved, live: &Value, replicas: u32, run: &Run) -> Output {
    let short = resolved.object.short();
    let available = workloads::available(live);
    let why = format!(
        "{short} already has {} ({available} available); nothing to change",
        count(replicas as usize, "replica")
    );
    let data = json!({
        "changed": false, "why": why, "object": short, "namespace": resolved.object.namespace,
        "replicas": replicas, "available": available,
    });
    let mut output = Output::build(&run.redactor, &data);
    for note in &resolved.notes {
        output = output.text(note);
    }
    output.text(why).build()
}

/// The count as asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Replicas(u32),
    Delta(i64),
    Percent(i64),
}

impl Asked {
    fn read(args: &ScaleArgs) -> Result<Self, ToolError> {
        match (&args.replicas, &args.delta, &args.percent) {
            (Some(given), None, None) => whole("replicas", given, 0, i64::from(MOST_REPLICAS))
                .map(|replicas| Self::Replicas(u32::try_from(replicas).unwrap_or(MOST_REPLICAS))),
            (None, Some(given), None) => {
                let most = i64::from(MOST_REPLICAS);
                whole("delta", given, -most, most).map(Self::Delta)
            }
            (None, None, Some(given)) => whole("percent", given, 0, 10_000).map(Self::Percent),
            (None, None, None) => Err(ToolError::arguments("scale needs one of replicas, delta or percent")),
            _ => Err(ToolError::arguments("scale takes only one of replicas, delta and percent")),
        }
    }

    /// Returns the new count for the present one.
    fn of(self, present: u32) -> Result<u32, ToolError> {
        let (after, how) = match self {
            Self::Replicas(replicas) => return Ok(replicas),
            Self::Delta(delta) => (i64::from(present) + delta, format!("{present} {delta:+}")),
            // Rounded up: half of three is asked as "half", and one would be less than that.
            Self::Percent(percent) => {
                ((i64::from(present) * percent + 99) / 100, format!("{percent} percent of {present}"))
            }
        };
        if present == 0 && matches!(self, Self::Percent(_)) {
            return Err(ToolError::state("it has 0 replicas, and a percentage of 0 stays 0").hint("give replicas"));
        }
        u32::try_from(after)
            .ok()
            .filter(|after| *after <= MOST_REPLICAS)
            .ok_or_else(|| ToolError::arguments(format!("{how} is {after}; replicas go from 0 to {MOST_REPLICAS}")))
    }

    fn remark(self, before: u32, after: u32) -> Option<Remark> {
        match self {
            Self::Replicas(_) => None,
            Self::Delta(delta) if delta < 0 => Some(Remark::Fact(format!("{} fewer than {before} is {after}", -delta))),
            Self::Delta(delta) => Some(Remark::Fact(format!("{delta} more than {before} is {after}"))),
            Self::Percent(percent) => Some(Remark::Fact(format!("{percent} percent of {before} is {after}"))),
        }
    }
}

/// Reads a whole number from JSON: `3` and `3.0`, but not `3.5`, `"3"` or `1e9`.
fn whole(argument: &str, given: &Value, least: i64, most: i64) -> Result<i64, ToolError> {
    let as_whole = given.as_i64().or_else(|| {
        let float = given.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e15)?;
        format!("{float:.0}").parse().ok()
    });
    as_whole.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        let shown = as_whole.map_or_else(|| given.to_string(), |number| number.to_string());
        ToolError::arguments(format!("{argument} must be a whole number from {least} to {most}, got {shown}"))
    })
}

#[cfg(test)]
mod tests;
