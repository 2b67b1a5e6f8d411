//! `todo-agent resume [ID]`: goes on from a recorded session, where it took place.

use todo_agent_core::Redactor;

use crate::{
    agent::Agent,
    options::Options,
    problem::Problem,
    session::{self, Chain, Fact, Recorded, Resumed},
    state::StateDirectory,
};

/// How the sandbox is called where a context is named.
const SANDBOX: &str = "sandbox";

/// Finds the session, the newest where none is named, and goes to its place unless the command line says otherwise.
///
/// # Errors
/// Returns that there is no such session, that it was changed, or that its cluster is gone.
pub(crate) fn load(id: Option<&str>, state: &StateDirectory, options: &mut Options) -> Result<Recorded, Problem> {
    let newest = || session::list(state, 1).into_iter().next().map(|listed| listed.id);
    let Some(id) = id.map(str::to_owned).or_else(newest) else {
        return Err(Problem::unknown("there is no session to go on from yet"));
    };
    let recorded = session::open(state, &id)?;
    if let Chain::Broken(line) = recorded.chain {
        let message = format!("session {} was changed after it was written, at line {line}", recorded.id());
        return Err(Problem::state(message).hint("todo-agent sessions show shows what is in it"));
    }
    let (context, namespace) = session::place(&recorded);
    if let (Some(was), Some(asked)) = (&context, &options.context)
        && was != asked
    {
        let message = format!("session {} took place in context {was}, not in {asked}", recorded.id());
        return Err(Problem::usage(message).hint("leave --context out, or begin a new conversation"));
    }
    match (context, &options.sandbox) {
        (Some(context), None) if context == SANDBOX => {
            let message = format!("session {} took place in a sandbox, which is gone", recorded.id());
            return Err(Problem::usage(message).hint("--sandbox goes on with it in a new one"));
        }
        (Some(context), Some(_)) if context != SANDBOX => {
            let message = format!("session {} took place in context {context}, not in a sandbox", recorded.id());
            return Err(Problem::usage(message).hint("leave --sandbox out, or begin a new conversation"));
        }
        (Some(context), None) => drop(options.context.get_or_insert(context)),
        _ => {}
    }
    if let Some(namespace) = namespace {
        options.namespace.get_or_insert(namespace);
    }
    Ok(recorded)
}

/// Gives the agent the conversation, and returns what is said about it.
pub(crate) fn take_up(agent: &mut Agent, recorded: &Recorded, redactor: &Redactor) -> String {
    let Resumed { history, mut focus, sentences, changes } = session::resume(recorded, redactor);
    focus.can_undo = agent.has_changes();
    agent.parts.ui.fact(&Fact::Resumed { session: recorded.id(), sha256: &recorded.end });
    agent.focus = focus;
    let model = agent.parts.dialogue.as_mut().map(|dialogue| {
        dialogue.history = history;
        dialogue.take_up_changes(&changes);
    });
    let count = todo_agent_core::text::count(sentences, "sentence");
    let known = if model.is_some() { "" } else { "; no model is configured, so that only the last calls are known" };
    format!("Going on from session {} of {}: {count}{known}.", recorded.id(), recorded.started())
}

impl Recorded {
    /// Returns the session's id.
    pub(crate) fn id(&self) -> &str {
        self.meta["id"].as_str().unwrap_or("without an id")
    }

    fn started(&self) -> &str {
        self.meta["at"].as_str().and_then(|at| at.get(..10)).unwrap_or("an unknown day")
    }
}
