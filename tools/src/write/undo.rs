//! `undo`: proposes to take a journalled change back, through the same proposals as the other tools.
//!
//! The recipe knows the state the change left. Where the object is no longer in it, somebody else has
//! worked on it since, and their work is never undone silently.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{
    Cause, Change, FieldBack, FullReader, ObjectRef, Outcome, Output, Propagation, Reader, Recipe, Remark, Run,
    ToolError,
    journal::{PastChange, StepRecord},
};

use super::{
    delete, make, patch,
    rollout_control::{Came, Paused, Target},
    scale,
};
use crate::{
    autoscalers,
    tool::{Proposal, Write},
    value, words, workloads,
};

/// Propose to take back a change made through this program.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UndoArgs {
    /// default the last change
    change_id: Option<String>,
}

/// The tool.
pub(crate) struct Undo;

impl Write for Undo {
    const NAME: &'static str = "undo";
    type Args = UndoArgs;

    fn example(&self) -> Value {
        json!({})
    }

    async fn propose<'a>(
        &'a self,
        args: UndoArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        let past = past_change(args.change_id.as_deref(), run)?;
        let reader = reader.as_reader();
        let (mut changes, mut reasons) = (Vec::new(), Vec::new());
        // The last thing done is the first taken back.
        for recipe in past.undo.iter().rev().filter(|recipe| was_reached(&past, recipe.target())) {
            match take_back(reader, &past, recipe, run).await? {
                Came::To(mut change) => {
                    change.undoes = Some(past.change_id.clone());
                    change.remarks.insert(0, Remark::Fact(format!("takes back {}", described(&past))));
                    changes.push(*change);
                }
                Came::Nothing(why) => reasons.push(why),
            }
        }
        if changes.is_empty() {
            let why = reasons.join("; ");
            let data = json!({"changed": false, "why": why, "change_id": past.change_id});
            return Ok(Proposal::Nothing(Output::build(&run.redactor, &data).text(why).build()));
        }
        Ok(Proposal::Changes(changes))
    }
}

/// What is said of a change that leaves nothing behind.
const ENDS_BY_ITSELF: &str = "it ends with the session that made it; there is nothing to take back";

/// Returns the change to take back.
fn past_change(id: Option<&str>, run: &Run) -> Result<PastChange, ToolError> {
    let past = match id.map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => {
            let unknown = || {
                let shown = words::shown(id);
                let error = ToolError::name(format!("there is no change \"{shown}\" in this cluster's journal"));
                match run.history.last() {
                    Some(last) => error.hint(format!("the last one is {}", described(&last))),
                    None => error.hint("nothing that can be undone was changed here"),
                }
            };
            run.history.find(id).ok_or_else(unknown)?
        }
        None => run
            .history
            .last()
            .ok_or_else(|| ToolError::state("there is nothing to undo: no change of this cluster is in the journal"))?,
    };
    if let Some(later) = &past.undone_by {
        return Err(ToolError::state(format!("{} was already taken back by {later}", described(&past)))
            .hint(format!("undo {later} brings it back")));
    }
    if !past.touched_the_cluster() {
        return Err(ToolError::state(format!(
            "{} never reached the cluster; there is nothing to undo",
            described(&past)
        )));
    }
    if past.undo.is_empty() {
        return Err(ToolError::state(format!("{} cannot be undone", described(&past))));
    }
    Ok(past)
}

/// Returns `c-7k2m9q (scale deployment/backend from 2 to 3 replicas)`.
fn described(past: &PastChange) -> String {
    let steps: Vec<&str> = past.steps.iter().map(|step| step.summary.as_str()).collect();
    if steps.is_empty() { past.change_id.clone() } else { format!("{} ({})", past.change_id, steps.join(", ")) }
}

async fn take_back(reader: &dyn Reader, past: &PastChange, recipe: &Recipe, run: &Run) -> Result<Came, ToolError> {
    if let Recipe::EndOfSession { .. } = recipe {
        return Ok(Came::Nothing(ENDS_BY_ITSELF.to_owned()));
    }
    let object = recipe.target().clone();
    let live = match reader.get(&object).await {
        Ok(live) => live,
        Err(error) if error.is(Cause::NotFound) => return of_nothing(&object, recipe),
        Err(error) => return Err(error.into()),
    };
    if let Recipe::Recreate { .. } = recipe {
        return Err(ToolError::state(format!("{object} is there again, so nothing is made")));
    }
    if made_anew(past, &object, &live) {
        return Err(ToolError::state(format!("{object} was made anew since, so nothing can be taken back")));
    }
    let target = Target { tool: <Undo as Write>::NAME, object, live };
    match recipe {
        Recipe::Scale { before, after, .. } => scale_back(reader, target, *before, *after).await,
        Recipe::Revision { before, after, .. } => revision_back(reader, &target, *before, after).await,
        Recipe::Paused { before, .. } => {
            let wanted = if *before { Paused::Yes } else { Paused::No };
            target.pause(wanted)
        }
        Recipe::Fields { fields, .. } => fields_back(&target, fields),
        Recipe::Remove { .. } => {
            let Target { tool, object, live } = target;
            let mut change = delete::change(tool, reader, object, &live, Propagation::Background, run).await?;
            if let Some(generation) = value::number(&live, "/metadata/generation").filter(|generation| *generation > 1)
            {
                let fact = format!("it was changed since it was made (generation {generation})");
                change.remarks.push(Remark::Fact(fact));
            }
            Ok(Came::To(Box::new(change)))
        }
        // There is an object, so it was refused above.
        Recipe::Recreate { .. } => Ok(Came::Nothing("nothing is made".to_owned())),
        // Answered before the object was read.
        Recipe::EndOfSession { .. } => Ok(Came::Nothing(ENDS_BY_ITSELF.to_owned())),
    }
}

/// Returns what a recipe comes to where its object is not there.
fn of_nothing(object: &ObjectRef, recipe: &Recipe) -> Result<Came, ToolError> {
    match recipe {
        Recipe::Recreate { object: saved, .. } => {
            let summary = format!("make {} again", object.short());
            let mut change = make::change(<Undo as Write>::NAME, object, saved.clone(), summary);
            let fact = "it is made from what it was when it was deleted; what else was lost with it does not come back";
            change.remarks.push(Remark::Fact(fact.to_owned()));
            Ok(Came::To(Box::new(change)))
        }
        Recipe::Remove { .. } => Ok(Came::Nothing(format!("{} is gone already; nothing to change", object.short()))),
        _ => Err(ToolError::state(format!("{object} no longer exists, so nothing can be taken back"))),
    }
}

/// Sets fields back that are still as the change left them.
fn fields_back(target: &Target, fields: &[FieldBack]) -> Result<Came, ToolError> {
    let is = |field: &FieldBack, wanted: &Option<Value>| target.live.pointer(&field.pointer) == wanted.as_ref();
    if fields.iter().all(|field| is(field, &field.before)) {
        return Ok(Came::Nothing(format!("{} is as it was before; nothing to change", target.object.short())));
    }
    if let Some(field) = fields.iter().find(|field| !is(field, &field.after)) {
        let path = field.pointer.trim_start_matches('/').replace('/', ".");
        return Err(moved(&target.object, &format!("{path} was changed again since")));
    }
    Ok(Came::To(Box::new(patch::back(target.tool, &target.object, &target.live, fields))))
}

/// Returns the steps of a change that are about an object, with their numbers.
fn steps_of<'p>(past: &'p PastChange, object: &ObjectRef) -> impl Iterator<Item = (usize, &'p StepRecord)> {
    let is_step = move |(_, step): &(usize, &StepRecord)| {
        step.target.kind == object.resource.kind
            && step.target.namespace == object.namespace
            && step.target.name == object.name
    };
    past.steps.iter().enumerate().map(|(index, step)| (index + 1, step)).filter(is_step)
}

/// Returns whether something of the change may have reached the object. A plan that stopped half-way leaves
/// the rest to whoever works on it since.
fn was_reached(past: &PastChange, object: &ObjectRef) -> bool {
    steps_of(past, object).any(|(n, _)| {
        let outcome = past.outcomes.get(n - 1).and_then(Option::as_ref);
        past.unanswered.contains(&n) || outcome.is_some_and(Outcome::touched_the_cluster)
    })
}

/// Returns whether the object of this name is not the one that was changed.
fn made_anew(past: &PastChange, object: &ObjectRef, live: &Value) -> bool {
    let uid = steps_of(past, object).next().and_then(|(_, step)| step.uid.as_deref());
    uid.is_some() && uid != live["metadata"]["uid"].as_str()
}

async fn scale_back(reader: &dyn Reader, target: Target, before: u32, after: u32) -> Result<Came, ToolError> {
    let present = scale::present(&target.live);
    let short = target.object.short();
    if present == before {
        return Ok(Came::Nothing(format!("{short} already has {before} replicas again; nothing to change")));
    }
    if present != after {
        return Err(moved(&target.object, &format!("it has {present} replicas now, the change left {after}"))
            .hint(format!("say the count you want, for example: scale {short} to {before}")));
    }
    let autoscalers = autoscalers::of(reader, &target.object).await?;
    let remarks = autoscalers.iter().map(|autoscaler| autoscaler.remark(before.into())).collect();
    let change: Change = scale::change(target.tool, target.object, &target.live, before, remarks);
    Ok(Came::To(Box::new(change)))
}

async fn revision_back(reader: &dyn Reader, target: &Target, before: i64, after: &str) -> Result<Came, ToolError> {
    let template = target.live.pointer("/spec/template").cloned().unwrap_or_default();
    if value::digest(&template) == after {
        return target.roll_back(reader, Some(before)).await;
    }
    let short = target.object.short();
    let paused = if workloads::is_paused(&target.live) { " (it is paused, too)" } else { "" };
    Err(moved(&target.object, &format!("its pod template was changed again since{paused}"))
        .hint(format!("look at its revisions first: rollout history of {short}"))
        .hint(format!("to go back all the same: roll {short} back to revision {before}")))
}

fn moved(object: &ObjectRef, what: &str) -> ToolError {
    ToolError::state(format!("{} is no longer as the change left it: {what}", object.short()))
}

#[cfg(test)]
mod tests;
