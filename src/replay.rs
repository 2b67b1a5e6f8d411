//! `todo-agent replay`: a recorded session once more, with this program and without a cluster, a model or a person.
//!
//! What came from outside then is fed from the record: sentences, names, what tools gave, the views of changes, answers,
//! the model's messages. What the program makes of it is made anew and held against the record, event by event: calls,
//! requests to the model, what policy says, what a person is asked and shown, outcomes, exit codes. Nothing can be sent:
//! there is nobody to send it to, and a recorded view cannot become an approval.

mod difference;
mod feed;

use std::{io, sync::Arc};

use futures::{StreamExt, stream, stream::BoxStream};
use serde_json::Value;
use todo_agent_cluster::{Cluster, DigestKey, Gate};
use todo_agent_core::{
    Call, Event, Redactor,
    journal::{Journal, JournalError, JournalRecord},
    reader::Scope,
};
use tokio_util::sync::CancellationToken;

pub use difference::Difference;
pub(crate) use feed::Fed;
pub use feed::Replay;
use feed::{End, Remembering, field, kind};

use crate::{
    agent::{Agent, Parts},
    dialogue::Dialogue,
    input::Attached,
    model::{Delta, Model, ModelError, Request, Trouble},
    problem::Problem,
    session::{Chain, Recorded, Recording, Terms},
    state::fill_random,
    ui::{Shown, Ui},
};

/// How a replay ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// How many turns there were.
    pub turns: usize,
    /// How many events were as recorded.
    pub events: usize,
    /// The first thing that was not.
    pub difference: Option<Difference>,
    /// Whether the record holds its last turn to the end.
    pub is_whole: bool,
}

/// Replays a session. `earlier` finds the session that it goes on from.
///
/// # Errors
/// Returns why the record cannot be replayed.
pub async fn replay(
    recorded: &Recorded,
    earlier: impl Fn(&str) -> Result<Recorded, Problem>,
) -> Result<Replayed, Problem> {
    if let Chain::Broken(line) = recorded.chain {
        let message = format!("the session was changed after it was written, at line {line}");
        return Err(Problem::state(message).hint("todo-agent sessions show shows what is in it"));
    }
    if recorded.meta["v"].as_u64() < Some(2) {
        let version = recorded.meta["version"].as_str().unwrap_or("an unknown version");
        let message =
            format!("the session was recorded by todo-agent {version}, which did not keep what a replay needs");
        return Err(Problem::state(message));
    }
    if let Some(at) = recorded.events.iter().position(is_cut) {
        let message =
            format!("line {} of the session was too long to be recorded whole, so it cannot be replayed", at + 2);
        return Err(Problem::state(message));
    }
    let begin = field(&recorded.meta, "at").ok_or_else(|| Problem::state("the session does not say when it began"))?;
    let replay = Arc::new(Replay::new(recorded.events.clone(), begin));
    let terms = terms(&replay)?;
    let mut agent = agent(&recorded.meta, &terms, &replay)?;
    if let Some(event) = replay.peek().filter(|event| kind(event) == "resumed") {
        go_on_from(&mut agent, &event, earlier)?;
    }
    let turns = turns(&mut agent, &replay).await?;
    let (end, events) = replay.end();
    let is_whole = end != Some(End::RecordEnds) && recorded.chain == Chain::Whole;
    let difference = match end {
        Some(End::Differs(difference)) => Some(difference),
        Some(End::RecordEnds) | None => None,
    };
    Ok(Replayed { turns, events, difference, is_whole })
}

/// Lets the agent do turn after turn.
async fn turns(agent: &mut Agent, replay: &Arc<Replay>) -> Result<usize, Problem> {
    let mut turns = 0;
    while let Some(event) = replay.peek() {
        let mut begin = |wanted: &str| {
            turns += 1;
            replay.begin_turn(turns, wanted.to_owned());
        };
        let cancel = CancellationToken::new();
        let text = event["text"].as_str().unwrap_or_default();
        let calls = || field::<Vec<Call>>(&event, "calls").unwrap_or_default();
        // That a turn ends early is known from the record; the error is only how it is ended.
        let _ended: io::Result<()> = match kind(&event) {
            "sentence" => {
                begin(text);
                agent.sentence(text, cancel).await.map(drop)
            }
            "by_hand" => {
                let tool = event["tool"].as_str().unwrap_or_default();
                begin(tool);
                agent.call(Call::new(tool, event["args"].clone()), cancel).await.map(drop)
            }
            "remedies" => {
                begin("the remedies");
                agent.remedy(&calls(), cancel).await.map(drop)
            }
            "plan" => {
                begin("plan");
                agent.preview(&calls(), cancel).await.map(drop)
            }
            "approve" => {
                begin("approve");
                if let Some(view) = field(&event, "view") {
                    agent.approve(calls(), &view, cancel).await.map(drop)
                } else {
                    replay.undone(event);
                    Ok(())
                }
            }
            "compact" => {
                begin("/compact");
                agent.compact(cancel).await.map(drop)
            }
            "meta" => {
                move_to(agent, replay, &event);
                Ok(())
            }
            "terms" => {
                let terms = terms(replay)?;
                take_up(agent, &terms);
                Ok(())
            }
            "forgotten" => {
                agent.forget_conversation();
                Ok(())
            }
            // What is said around turns is said by others than the agent.
            "text" | "step" | "error" | "question" => {
                replay.pass_over();
                Ok(())
            }
            _ => {
                replay.undone(event);
                Ok(())
            }
        };
    }
    Ok(turns)
}

/// Takes the terms that come next, and passes over them.
fn terms(replay: &Replay) -> Result<Terms, Problem> {
    let event = replay.peek().filter(|event| kind(event) == "terms");
    let terms = event.and_then(|event| serde_json::from_value(event).ok());
    replay.pass_over();
    terms.ok_or_else(|| Problem::state("the session does not say under which terms it was held"))
}

fn agent(meta: &Value, terms: &Terms, replay: &Arc<Replay>) -> Result<Agent, Problem> {
    let mut key = [0; 32];
    fill_random(&mut key)?;
    let redactor = Arc::new(Redactor::new(key));
    let mut parts = Parts {
        cluster: Cluster::nowhere(scope(meta)),
        gate: Gate::new(terms.rules.clone()),
        key: DigestKey::new(key),
        journal: Box::new(NoJournal),
        history: Arc::clone(replay) as _,
        clock: Arc::clone(replay) as _,
        sandbox: None,
        ui: Recording::comparing(Box::new(Silent), Arc::clone(replay), Arc::clone(&redactor)),
        redactor,
        approver: Box::new(Remembering(Arc::clone(replay))),
        dialogue: None,
        attached: Attached::nothing(),
        changes: terms.changes,
        timeout: terms.timeout,
        replay: Some(Arc::clone(replay)),
    };
    parts.dialogue = dialogue(terms, None);
    Ok(Agent::new(parts))
}

/// Returns the conversation with the model, with what was said before.
fn dialogue(terms: &Terms, before: Option<Dialogue>) -> Option<Dialogue> {
    let model = terms.model.as_ref()?;
    let gone = Box::new(Gone(model.name.clone()));
    let mut dialogue = match before {
        Some(before) => Dialogue { model: gone, budgets: model.budgets, planner: model.planner, ..before },
        None => Dialogue::new(gone, model.budgets, model.planner, model.context_tokens),
    };
    dialogue.context_tokens = model.context_tokens;
    dialogue.prices = model.prices;
    Some(dialogue)
}

fn take_up(agent: &mut Agent, terms: &Terms) {
    let parts = &mut agent.parts;
    parts.dialogue = dialogue(terms, parts.dialogue.take());
}

/// Goes to another place, as the person did.
fn move_to(agent: &mut Agent, replay: &Replay, meta: &Value) {
    agent.parts.cluster = Cluster::nowhere(scope(meta));
    replay.pass_over();
    if let Ok(terms) = terms(replay) {
        take_up(agent, &terms);
        // Grants belong to the place before.
        agent.parts.gate.reset(terms.rules);
    }
    agent.forget_everything();
}

fn go_on_from(
    agent: &mut Agent,
    event: &Value,
    earlier: impl Fn(&str) -> Result<Recorded, Problem>,
) -> Result<(), Problem> {
    let id = event["session"].as_str().unwrap_or_default();
    let before = earlier(id)?;
    if event["sha256"] != before.end.as_str() {
        return Err(Problem::state(format!("the session goes on from session {id}, which is not as it was then")));
    }
    let redactor = agent.redactor();
    crate::commands::resume::take_up(agent, &before, &redactor);
    Ok(())
}

fn scope(meta: &Value) -> Scope {
    let text = |name: &str| meta[name].as_str().unwrap_or_default().to_owned();
    Scope { context: text("context"), namespace: text("namespace"), server: text("server") }
}

/// Returns whether something of an event was left out that a replay needs.
fn is_cut(event: &Value) -> bool {
    let needed = ["text", "calls", "reasoning"];
    needed.iter().any(|name| event[*name]["cut_bytes"].is_u64())
}

/// Keeps nothing, so that nothing could be sent.
struct NoJournal;

impl Journal for NoJournal {
    fn append(&mut self, _: &JournalRecord) -> Result<(), JournalError> {
        Err(JournalError("this is a replay".to_owned()))
    }
}

/// Shows nothing: what is shown was shown then.
struct Silent;

impl Ui for Silent {
    fn show(&mut self, _: &Shown<'_>) -> io::Result<()> {
        Ok(())
    }
    fn progress(&mut self, _: &Event) {}
}

/// Stands for the model that answered then.
struct Gone(String);

impl Model for Gone {
    fn describe(&self) -> String {
        self.0.clone()
    }
    fn stream<'a>(&'a self, _: &'a Request) -> BoxStream<'a, Result<Delta, ModelError>> {
        let error = ModelError::new(Trouble::Unreachable, "a replay asks no model");
        stream::iter([Err(error)]).boxed()
    }
}
