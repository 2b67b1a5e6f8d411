//! `todo-agent plan` and `todo-agent approve`: a plan is made now, kept, and carried out later by a person.
//!
//! A kept plan holds typed calls and what they would do, no secret values and nothing that could be sent
//! as it is: approving proposes it anew and goes through the gate like any change.

use std::{io, path::Path};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use todo_agent_core::{Call, ChangeView};
use todo_agent_tools::find;
use tokio_util::sync::CancellationToken;

use crate::{
    agent::Agent,
    exit::Exit,
    options::{PlanSource, Request},
    problem::{Problem, nearest},
    state::{StateDirectory, write_atomically},
};

const FOLDER: &str = "plans";
const VERSION: u32 = 1;

/// A plan as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptPlan {
    /// The version of this format.
    pub(crate) v: u32,
    /// The id by which it is approved.
    pub(crate) id: String,
    /// When it was made.
    pub(crate) made: Timestamp,
    /// The context it was made in.
    pub(crate) context: String,
    /// The namespace it was made in.
    pub(crate) namespace: String,
    /// What is to be done.
    pub(crate) calls: Vec<Call>,
    /// What that would have changed when it was made.
    pub(crate) view: ChangeView,
}

/// Makes a plan, shows it and keeps it.
///
/// # Errors
/// Returns an error only when nobody reads the output any more.
pub(crate) async fn plan(
    agent: &mut Agent,
    state: Result<&StateDirectory, Problem>,
    request: Request,
    out: Option<&Path>,
    cancel: CancellationToken,
) -> io::Result<Exit> {
    let calls = match request {
        Request::Call(call) => Ok(vec![call]),
        Request::Sentence(sentence) => agent.planned_calls(&sentence, cancel.clone()).await,
    };
    let calls = match calls.and_then(only_writes) {
        Ok(calls) => calls,
        Err(problem) => return agent.fail(&problem),
    };
    let (exit, view) = agent.preview(&calls, cancel).await?;
    let Some(view) = view else { return Ok(exit) };
    let scope = agent.scope();
    let kept = KeptPlan {
        v: VERSION,
        id: view.change_id.replacen("c-", "p-", 1),
        made: Timestamp::now(),
        context: scope.context.clone(),
        namespace: scope.namespace.clone(),
        calls: calls.into_iter().map(|call| agent.redacted(call)).collect(),
        view,
    };
    match keep(&kept, state, out) {
        Ok(()) => {
            agent.say(&format!("plan {} is kept; carry it out with: todo-agent approve {}", kept.id, kept.id))?;
            Ok(Exit::Done)
        }
        Err(problem) => agent.fail(&problem),
    }
}

/// Proposes a kept plan again and carries it out once approved.
///
/// # Errors
/// Returns an error only when nobody reads the output any more.
pub(crate) async fn approve(agent: &mut Agent, kept: KeptPlan, cancel: CancellationToken) -> io::Result<Exit> {
    agent.approve(kept.calls, &kept.view, cancel).await
}

/// Reads a kept plan.
///
/// # Errors
/// Returns that there is none with this id, or what is wrong with the file.
pub(crate) fn load(source: &PlanSource, state: Result<&StateDirectory, Problem>) -> Result<KeptPlan, Problem> {
    let path = match source {
        PlanSource::File(path) => path.clone(),
        PlanSource::Id(id) => {
            let folder = state?.path().join(FOLDER);
            let path = folder.join(format!("{id}.json"));
            if !path.is_file() {
                return Err(unknown_plan(id, &folder));
            }
            path
        }
    };
    let shown = path.display();
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Problem::usage(format!("the plan {shown} cannot be read: {error}")))?;
    let plan: KeptPlan = serde_json::from_str(&text)
        .map_err(|error| Problem::usage(format!("{shown} is not a plan of todo-agent: {error}")))?;
    if plan.v != VERSION {
        return Err(Problem::usage(format!("{shown} is a plan of version {}, this program reads {VERSION}", plan.v)));
    }
    Ok(plan)
}

fn unknown_plan(id: &str, folder: &Path) -> Problem {
    let kept: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned()))
        .collect();
    let problem = Problem::unknown(format!("there is no plan {id:?}"));
    match nearest(id, kept.iter().map(String::as_str)) {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None if kept.is_empty() => problem.hint("none are kept; make one with: todo-agent plan \"…\""),
        None => problem.hint(format!("{} plans are kept in {}", kept.len(), folder.display())),
    }
}

/// A plan is for changes: a read needs no approval and would be stale by then.
fn only_writes(calls: Vec<Call>) -> Result<Vec<Call>, Problem> {
    for call in &calls {
        if !find(&call.tool)?.is_write() {
            return Err(Problem::usage(format!("{} changes nothing, so there is nothing to approve later", call.tool))
                .hint("run it now: leave out \"plan\""));
        }
    }
    Ok(calls)
}

fn keep(plan: &KeptPlan, state: Result<&StateDirectory, Problem>, out: Option<&Path>) -> Result<(), Problem> {
    let text = serde_json::to_string_pretty(plan)
        .map_err(|error| Problem::state(format!("the plan cannot be written: {error}")))?;
    let folder = state?.directory(FOLDER)?;
    let own = folder.join(format!("{}.json", plan.id));
    for path in [Some(own.as_path()), out].into_iter().flatten() {
        write_atomically(path, text.as_bytes())
            .map_err(|error| Problem::state(format!("the plan cannot be written to {}: {error}", path.display())))?;
    }
    Ok(())
}
