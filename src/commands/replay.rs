//! `todo-agent replay FILE|ID`: whether this program would do again what a recorded session did.

use std::path::Path;

use serde_json::json;
use todo_agent_core::{Output, Redactor, text};

use crate::{
    problem::Problem,
    replay::{Replayed, replay},
    session::{self, Recorded},
    state::StateDirectory,
};

/// Replays the session in a file, or the one with this id. One that differs is not an achieved answer.
///
/// # Errors
/// Returns that there is no such session, or why it cannot be replayed.
pub(crate) async fn run(
    wanted: &str,
    state: Result<StateDirectory, Problem>,
    redactor: &Redactor,
) -> Result<Output, Problem> {
    let path = Path::new(wanted);
    let recorded = if path.is_file() || wanted.contains(['/', '.']) {
        let read = session::read_file(path);
        read.map_err(|error| Problem::usage(format!("{wanted} cannot be read as a session: {error}")))?
    } else {
        session::open(state.as_ref().map_err(Clone::clone)?, wanted)?
    };
    let replayed = replay(&recorded, |id| earlier(id, path, state.as_ref())).await?;
    Ok(shown(&recorded, &replayed, redactor))
}

/// Finds the session that one goes on from: beside its file, else where sessions are kept.
fn earlier(id: &str, path: &Path, state: Result<&StateDirectory, &Problem>) -> Result<Recorded, Problem> {
    let beside = path.with_file_name(format!("{id}.jsonl"));
    if beside.is_file() {
        let read = session::read_file(&beside);
        return read.map_err(|error| Problem::state(format!("session {id} cannot be read: {error}")));
    }
    let found = state.map_err(Clone::clone).and_then(|state| session::open(state, id));
    found.map_err(|problem| Problem::state(format!("the session goes on from another one: {problem}")))
}

fn shown(recorded: &Recorded, replayed: &Replayed, redactor: &Redactor) -> Output {
    let id = recorded.id();
    let difference = replayed
        .difference
        .as_ref()
        .map(|difference| json!({ "line": difference.line, "recorded": difference.recorded, "now": difference.now }));
    let data = json!({
        "session": id,
        "turns": replayed.turns,
        "events": replayed.events,
        "identical": replayed.difference.is_none(),
        "whole": replayed.is_whole,
        "difference": difference,
    });
    let output = Output::build(redactor, &data);
    let Some(difference) = &replayed.difference else {
        let turns = text::count(replayed.turns, "turn");
        let end = if replayed.is_whole { "" } else { "; the record ends before the last one was over" };
        let events = text::count(replayed.events, "event");
        return output.text(format!("Session {id} replays as recorded: {turns}, {events}{end}.")).build();
    };
    output.text(format!("Session {id} does not replay as recorded.")).text(difference.describe()).not_achieved().build()
}
