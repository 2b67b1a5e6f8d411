//! `rollout_control`: proposes to restart a workload, to go back to an earlier revision, or to pause or
//! resume a rollout.
//!
//! The payloads are those of `kubectl rollout`: an annotation for a restart, the whole pod template for
//! going back. A paused Deployment is neither restarted nor rolled back, as kubectl has it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{
    Change, Effect, Expectation, FullReader, ObjectRef, Op, Output, PatchStyle, Payload, Phase, Reader, Recipe, Remark,
    Run, ToolError, text::count,
};

use crate::{
    names,
    resolve::{self, Climb, Lookup, Order, Resolved},
    revisions::{self, Revision},
    tool::{Proposal, Write},
    value, words, workloads,
};

/// The annotation that `kubectl rollout restart` sets.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
/// How long pausing or resuming may take to be seen.
const PAUSE_DEADLINE: Duration = Duration::from_secs(30);
/// How long a rollout may take where the Deployment does not say (API default of progressDeadlineSeconds).
const ROLLOUT_SECONDS: u64 = 600;

/// Propose to restart a workload, roll it back, or pause or resume its rollout.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolloutControlArgs {
    /// backend, or deployment/backend
    workload: String,
    namespace: Option<String>,
    action: Action,
    /// for undo; default the previous one
    to_revision: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Action {
    Restart,
    Undo,
    Pause,
    Resume,
}

/// The tool.
pub(crate) struct RolloutControl;

impl Write for RolloutControl {
    const NAME: &'static str = "rollout_control";
    type Args = RolloutControlArgs;

    fn example(&self) -> Value {
        json!({"workload": "backend", "action": "restart"})
    }

    async fn propose<'a>(
        &'a self,
        args: RolloutControlArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        if args.to_revision.is_some() && args.action != Action::Undo {
            return Err(ToolError::arguments("to_revision only goes with action undo"));
        }
        let reader = reader.as_reader();
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let resolved = find(reader, &args.workload, namespace).await?;
        let live = reader.get(&resolved.object).await?;
        let target = Target { tool: Self::NAME, object: resolved.object.clone(), live };
        let result = match args.action {
            Action::Restart => target.restart(reader, run).await?,
            Action::Undo => target.roll_back(reader, args.to_revision).await?,
            Action::Pause => target.pause(Paused::Yes)?,
            Action::Resume => target.pause(Paused::No)?,
        };
        Ok(result.into_proposal(&resolved, run))
    }
}

/// Returns the workload with revisions that a word means.
pub(crate) async fn find(reader: &dyn Reader, word: &str, namespace: &str) -> Result<Resolved, ToolError> {
    let lookup = Lookup {
        argument: "workload",
        word,
        namespace,
        tiers: vec![names::types(workloads::ROLLING), names::types(workloads::PARTS)],
        order: Order::FirstMatch,
        climb: Climb::ToWorkload(workloads::ROLLING),
    };
    resolve::find(reader, &lookup).await
}

/// What an action came to: a change, or why there is nothing to do.
pub(super) enum Came {
    To(Box<Change>),
    Nothing(String),
}

impl Came {
    pub(super) fn into_proposal(self, resolved: &Resolved, run: &Run) -> Proposal {
        match self {
            Self::To(mut change) => {
                change.remarks.splice(0..0, resolved.notes.iter().cloned().map(Remark::Fact));
                Proposal::Changes(vec![*change])
            }
            Self::Nothing(why) => {
                let data = json!({"changed": false, "why": why, "object": resolved.object.short(),
                    "namespace": resolved.object.namespace});
                Proposal::Nothing(Output::build(&run.redactor, &data).text(why).build())
            }
        }
    }
}

/// Whether a rollout is to be paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paused {
    Yes,
    No,
}

/// A workload to act on, and the tool that acts.
pub(super) struct Target {
    pub(super) tool: &'static str,
    pub(super) object: ObjectRef,
    pub(super) live: Value,
}

impl Target {
    async fn restart(&self, reader: &dyn Reader, run: &Run) -> Result<Came, ToolError> {
        self.refuse_paused("restarted")?;
        let before = self.current_revision(reader).await?;
        let at = run.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let body = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}});
        let mut after = self.live.pointer("/spec/template").cloned().unwrap_or_default();
        set_annotation(&mut after, RESTARTED_AT, &at);
        let mut change = self.change(
            format!("restart {}", self.object.short()),
            &format!("kubectl rollout restart {}", self.object.short()),
            PatchStyle::Merge,
            body,
        );
        change.undo = self.back_to(before, &after, &mut change.remarks);
        change.remarks.extend(self.interruption().map(Remark::Fact));
        Ok(Came::To(Box::new(change)))
    }

    /// Proposes the template of an earlier revision; `None` means the one before the present one.
    pub(super) async fn roll_back(&self, reader: &dyn Reader, to: Option<i64>) -> Result<Came, ToolError> {
        self.refuse_paused("rolled back")?;
        let revisions = revisions::of(reader, &self.object, &self.live).await?;
        let short = self.object.short();
        let current = revisions.iter().rev().find(|revision| revision.is_current).or(revisions.last());
        let Some(current) = current else {
            return Err(ToolError::state(format!("{short} has no recorded revisions")));
        };
        let wanted = match to {
            Some(number) => revisions.iter().find(|revision| revision.number == number).ok_or_else(|| {
                ToolError::state(format!("{short} has no revision {number}")).hint(existing(&revisions))
            })?,
            None => revisions.iter().rev().find(|revision| revision.number < current.number).ok_or_else(|| {
                ToolError::state(format!("{short} has no revision before {}", current.number))
                    .hint("only revisions that are still recorded can be gone back to")
            })?,
        };
        let live = self.live.pointer("/spec/template").cloned().unwrap_or_default();
        if value::digest(&live) == value::digest(&wanted.template) {
            return Ok(Came::Nothing(format!("{short} already is at revision {}; nothing to change", wanted.number)));
        }
        let mut patch = vec![json!({"op": "replace", "path": "/spec/template", "value": wanted.template})];
        patch.extend(self.change_cause(wanted));
        let mut change = self.change(
            format!("roll {short} back from revision {} to {}", current.number, wanted.number),
            &format!("kubectl rollout undo {short} --to-revision={}", wanted.number),
            PatchStyle::Json,
            Value::Array(patch),
        );
        change.undo = self.back_to(Some(current.number), &wanted.template, &mut change.remarks);
        change.remarks.extend(self.interruption().map(Remark::Fact));
        Ok(Came::To(Box::new(change)))
    }

    /// Proposes to pause or to resume.
    pub(super) fn pause(&self, paused: Paused) -> Result<Came, ToolError> {
        let (verb, wanted) = match paused {
            Paused::Yes => ("pause", true),
            Paused::No => ("resume", false),
        };
        let short = self.object.short();
        if self.object.resource.kind != "Deployment" {
            return Err(ToolError::state(format!("{short} cannot be {verb}d; only deployments can")));
        }
        let before = workloads::is_paused(&self.live);
        if before == wanted {
            let state = if wanted { "already paused" } else { "not paused" };
            return Ok(Came::Nothing(format!("{short} is {state}; nothing to change")));
        }
        let mut change = self.change(
            format!("{verb} the rollout of {short}"),
            &format!("kubectl rollout {verb} {short}"),
            PatchStyle::Merge,
            // Resuming takes the field away: the API leaves it out where it is false.
            json!({"spec": {"paused": if wanted { Value::Bool(true) } else { Value::Null }}}),
        );
        change.phases =
            change.phases.into_iter().map(|phase| self.settled_by_field(phase, Value::Bool(wanted))).collect();
        change.undo = Some(Recipe::Paused { target: self.object.clone(), before });
        if wanted {
            let fact = "while it is paused, changes of its pod template start no rollout; scaling still works";
            change.remarks.push(Remark::Fact(fact.to_owned()));
        }
        Ok(Came::To(Box::new(change)))
    }

    fn settled_by_field(&self, phase: Phase, value: Value) -> Phase {
        let settle =
            vec![Expectation::Field { object: self.object.clone(), pointer: "/spec/paused".to_owned(), value }];
        Phase { settle, deadline: PAUSE_DEADLINE, ..phase }
    }

    pub(super) fn change(&self, summary: String, command: &str, style: PatchStyle, body: Value) -> Change {
        let seconds = value::number(&self.live, "/spec/progressDeadlineSeconds")
            .and_then(|seconds| u64::try_from(seconds).ok())
            .unwrap_or(ROLLOUT_SECONDS);
        Change {
            tool: self.tool,
            summary,
            equivalent: format!("{command}{}", workloads::namespace_flag(&self.object)),
            phases: vec![Phase {
                effects: vec![Effect::Object {
                    target: self.object.clone(),
                    op: Op::Patch { style, body: Payload::new(body) },
                }],
                settle: vec![Expectation::RolledOut { object: self.object.clone() }],
                deadline: Duration::from_secs(seconds),
            }],
            undo: None,
            undoes: None,
            remarks: Vec::new(),
        }
    }

    fn refuse_paused(&self, done: &str) -> Result<(), ToolError> {
        if !workloads::is_paused(&self.live) {
            return Ok(());
        }
        let short = self.object.short();
        Err(ToolError::state(format!("{short} is paused and cannot be {done}"))
            .hint(format!("resume it first: resume the rollout of {short}")))
    }

    /// Returns the number of the revision the workload is at; `None` where none is recorded.
    pub(super) async fn current_revision(&self, reader: &dyn Reader) -> Result<Option<i64>, ToolError> {
        if let Some(number) = revisions::current_number(&self.live) {
            return Ok(Some(number));
        }
        let revisions = revisions::of(reader, &self.object, &self.live).await?;
        Ok(revisions.iter().rev().find(|revision| revision.is_current).map(|revision| revision.number))
    }

    pub(super) fn back_to(&self, before: Option<i64>, after: &Value, remarks: &mut Vec<Remark>) -> Option<Recipe> {
        let keeps_none = value::number(&self.live, "/spec/revisionHistoryLimit") == Some(0);
        match before {
            Some(before) if !keeps_none => {
                Some(Recipe::Revision { target: self.object.clone(), before, after: value::digest(after) })
            }
            Some(_) | None => {
                remarks.push(Remark::Fact("no earlier revision is kept, so it cannot be taken back".to_owned()));
                None
            }
        }
    }

    /// Returns what the replacement of the pods means for those who use them, where it is noticeable.
    pub(super) fn interruption(&self) -> Option<String> {
        let desired = workloads::desired(&self.live);
        if desired == 0 {
            return Some("it has 0 replicas, so no pod is replaced now".to_owned());
        }
        if value::text(&self.live, "/spec/strategy/type") == "Recreate" {
            let pods = count(usize::try_from(desired).unwrap_or(0), "pod");
            return Some(format!("its strategy is Recreate: {pods} stop before new ones start"));
        }
        if value::text(&self.live, "/spec/updateStrategy/type") == "OnDelete" {
            return Some("its strategy is OnDelete: pods change only when they are deleted".to_owned());
        }
        match (desired, self.object.resource.kind.as_str()) {
            (1, "StatefulSet") => Some("its only pod stops before the new one starts".to_owned()),
            (1, "Deployment") => Some("it has a single replica; users may notice the change".to_owned()),
            _ => None,
        }
    }

    /// Returns the patch that puts the revision's change cause beside its template, as kubectl does.
    fn change_cause(&self, revision: &Revision) -> Option<Value> {
        let path = "/metadata/annotations/kubernetes.io~1change-cause";
        let live = value::meta(&self.live, "annotations", revisions::CHANGE_CAUSE);
        match (live, &revision.cause) {
            (Some(_), None) => Some(json!({"op": "remove", "path": path})),
            (live, Some(cause)) if live != Some(cause) && self.live.pointer("/metadata/annotations").is_some() => {
                Some(json!({"op": "add", "path": path, "value": cause}))
            }
            _ => None,
        }
    }
}

fn existing(revisions: &[Revision]) -> String {
    let numbers: Vec<String> = revisions.iter().map(|revision| revision.number.to_string()).collect();
    format!("the recorded revisions are {}", numbers.join(", "))
}

fn set_annotation(template: &mut Value, key: &str, text: &str) {
    if let Some(template) = template.as_object_mut() {
        let metadata = template.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
            if !annotations.is_object() {
                *annotations = json!({});
            }
            annotations[key] = Value::from(text);
        }
    }
}

#[cfg(test)]
mod tests;
