//! A record as the agent meets it: what came from outside is fed from it, what the agent does is held against it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::{BoxFuture, pending, ready};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use todo_agent_core::{
    Cause, ChangeView, Clock, ClusterError, Names, Output, Report, Run, ToolError,
    approval::{Answer, ApprovalQuestion, Approver},
    journal::{History, PastChange},
};

use super::Difference;
use crate::{dialogue, model::Reply, problem::Problem, session};

/// A record on its way through an agent.
pub struct Replay {
    state: Mutex<State>,
}

struct State {
    events: Vec<Value>,
    /// The next event that the agent must bring about.
    at: usize,
    /// The next event that was not fed to it yet.
    fed: usize,
    /// Why it goes no further.
    end: Option<End>,
    now: Timestamp,
    undoable: bool,
    /// The turn that runs: its number and what the person wanted.
    turn: Option<(usize, String)>,
}

/// Why a replay goes no further.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    Differs(Difference),
    /// The program that recorded it was stopped here.
    RecordEnds,
}

/// What a tool gave.
pub(crate) enum Fed {
    Output(Output),
    Proposed { effects: usize },
}

impl Replay {
    /// Returns a record that begins at this time.
    pub(super) fn new(events: Vec<Value>, now: Timestamp) -> Self {
        let state = State { events, at: 0, fed: 0, end: None, now, undoable: false, turn: None };
        Self { state: Mutex::new(state) }
    }

    /// Holds what the agent does against the record.
    pub(crate) fn compare(&self, event: &str, fields: &Value) {
        let mut state = self.lock();
        if state.end.is_some() {
            return;
        }
        let mut now = fields.clone();
        if let Some(now) = now.as_object_mut() {
            now.insert("event".to_owned(), Value::from(event));
        }
        let Some(expected) = state.events.get(state.at).cloned() else {
            state.end = Some(End::RecordEnds);
            return;
        };
        let (expected, now) = (comparable(expected), comparable(now));
        if expected != now {
            state.differs(Some(expected), Some(now));
            return;
        }
        state.take_up(&now);
        state.at += 1;
    }

    /// Returns whether everything was as recorded so far.
    ///
    /// # Errors
    /// Returns that it was not, as the error that ends a turn at once.
    pub(crate) fn goes_on(&self) -> std::io::Result<()> {
        match self.lock().end {
            None => Ok(()),
            Some(_) => Err(std::io::Error::other("the replay has ended")),
        }
    }

    /// Returns whether the record is interrupted at this point.
    pub(crate) fn is_interrupted_next(&self) -> bool {
        let state = self.lock();
        state.end.is_none() && state.events.get(state.at).is_some_and(is_interruption)
    }

    /// Returns what a tool gave. Where the turn was interrupted instead, it interrupts this one.
    pub(crate) async fn tool(&self, run: &Run) -> Result<Fed, ToolError> {
        let event = self.feed_or_interrupt(run).await;
        match kind(&event) {
            "error" => Err(error(&event)),
            "tool_result" if event["error"].is_object() => Err(error(&event["error"])),
            "tool_result" => {
                let text = event["text"].as_str().unwrap_or_default();
                let achieved = event["achieved"].as_bool().unwrap_or_default();
                Ok(Fed::Output(Output::recorded(&run.redactor, &event["output"], text, achieved)))
            }
            "proposed" => Ok(Fed::Proposed { effects: field(&event, "effects").unwrap_or_default() }),
            _ => Err(strayed()),
        }
    }

    /// Returns the view of a previewed plan, in the same way.
    pub(crate) async fn preview(&self, run: &Run) -> Result<ChangeView, ClusterError> {
        let event = self.feed_or_interrupt(run).await;
        match kind(&event) {
            "preview" => field(&event, "change").ok_or_else(nothing),
            "error" => match error(&event) {
                ToolError::Cluster(error) => Err(error),
                _ => Err(nothing()),
            },
            _ => Err(nothing()),
        }
    }

    /// Returns why the approval could not be written down, if so.
    pub(crate) fn journal_failure(&self) -> Option<String> {
        let event = self.peek()?;
        (kind(&event) == "error").then(|| event["message"].as_str().unwrap_or_default().to_owned())
    }

    /// Returns what came of a plan.
    pub(crate) fn report(&self) -> Option<Report> {
        let event = self.feed_past_interruption()?;
        (kind(&event) == "report").then(|| serde_json::from_value(event).ok()).flatten()
    }

    /// Returns the names in the cluster.
    pub(crate) fn names(&self) -> Names {
        let event = self.peek().filter(|event| kind(event) == "names");
        event.and_then(|event| field(&event, "names")).unwrap_or_default()
    }

    /// Returns what was piped in.
    pub(crate) fn piped(&self) -> Option<String> {
        let event = self.peek().filter(|event| kind(event) == "piped")?;
        field(&event, "text")
    }

    /// Returns what a model said, or why it said nothing.
    pub(crate) fn model(&self, run: &Run) -> Result<Reply, Problem> {
        let event = self.feed().unwrap_or_default();
        match kind(&event) {
            "model" | "summary" => Ok(session::reply(&event)),
            "interrupted" => {
                run.cancel.cancel();
                Err(dialogue::interrupted())
            }
            _ => {
                let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
                Err(dialogue::failed(&text("code"), text("message"), field(&event, "hints").unwrap_or_default()))
            }
        }
    }

    fn answer(&self) -> Answer {
        let said = self.feed_past_interruption().filter(|event| kind(event) == "said");
        said.and_then(|event| field(&event, "answer")).unwrap_or(Answer::Stop)
    }

    /// Returns the next event, where the agent is between turns.
    pub(super) fn peek(&self) -> Option<Value> {
        let state = self.lock();
        state.events.get(state.at.max(state.fed)).filter(|_| state.end.is_none()).cloned()
    }

    /// Passes over an event that no agent brings about.
    pub(super) fn pass_over(&self) {
        self.lock().at += 1;
    }

    /// Notes that the agent does not do what comes next.
    pub(super) fn undone(&self, event: Value) {
        self.lock().differs(Some(comparable(event)), None);
    }

    /// Begins a turn.
    pub(super) fn begin_turn(&self, number: usize, wanted: String) {
        self.lock().turn = Some((number, wanted));
    }

    /// Returns how it ended, and how many events were as recorded.
    pub(super) fn end(&self) -> (Option<End>, usize) {
        let state = self.lock();
        (state.end.clone(), state.at)
    }

    /// Takes the next event that was not fed yet. An interruption is there for everybody who waits.
    fn feed(&self) -> Option<Value> {
        let mut state = self.lock();
        if state.end.is_some() {
            return None;
        }
        let next = state.at.max(state.fed);
        let Some(event) = state.events.get(next).cloned() else {
            state.end = Some(End::RecordEnds);
            return None;
        };
        if !is_interruption(&event) {
            state.fed = next + 1;
        }
        Some(event)
    }

    /// Takes the next event, nothing where the record says no more. Where the turn was interrupted instead, it interrupts
    /// this one, and nothing ever comes.
    async fn feed_or_interrupt(&self, run: &Run) -> Value {
        let event = self.feed().unwrap_or_default();
        if is_interruption(&event) {
            run.cancel.cancel();
            pending::<()>().await;
        }
        event
    }

    /// Takes the next event; what cannot be interrupted goes on to its end.
    fn feed_past_interruption(&self) -> Option<Value> {
        {
            let mut state = self.lock();
            let next = state.at.max(state.fed);
            if state.events.get(next).is_some_and(is_interruption) {
                state.fed = next + 1;
            }
        }
        self.feed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn differs(&mut self, recorded: Option<Value>, now: Option<Value>) {
        // The first line of the file says what it is.
        let line = self.at + 2;
        let difference = Difference { line, turn: self.turn.clone(), recorded, now };
        self.end.get_or_insert(End::Differs(difference));
    }

    /// Takes up what clock and journal say from here on.
    fn take_up(&mut self, event: &Value) {
        if let Some(now) = time(event) {
            self.now = now;
        }
        if let Some(undoable) = event["undoable"].as_bool() {
            self.undoable = undoable;
        }
    }
}

/// Time is what the record says it was where it matters, and late where the record ran out of it.
impl Clock for Replay {
    fn now(&self) -> Timestamp {
        let state = self.lock();
        let next = state.events.get(state.at);
        if next.is_some_and(|event| event["code"] == Cause::TimedOut.code()) {
            return Timestamp::MAX;
        }
        next.and_then(time).unwrap_or(state.now)
    }

    fn sleep(&self, _: std::time::Duration) -> BoxFuture<'static, ()> {
        Box::pin(ready(()))
    }
}

/// All that is asked of the journal is whether it holds anything.
impl History for Replay {
    fn find(&self, _: &str) -> Option<PastChange> {
        None
    }

    fn last(&self) -> Option<PastChange> {
        let state = self.lock();
        let next = state.events.get(state.at).and_then(|event| event["undoable"].as_bool());
        next.unwrap_or(state.undoable).then(|| PastChange {
            change_id: String::new(),
            at: state.now,
            cluster: String::new(),
            steps: Vec::new(),
            undo: Vec::new(),
            undoes: None,
            undone_by: None,
            outcomes: Vec::new(),
            unanswered: Vec::new(),
        })
    }

    fn unfinished(&self) -> Vec<PastChange> {
        Vec::new()
    }
}

/// Answers as the person did.
pub(super) struct Remembering(pub(super) std::sync::Arc<Replay>);

impl Approver for Remembering {
    fn ask<'a>(&'a mut self, _: &'a ApprovalQuestion<'a>) -> BoxFuture<'a, Answer> {
        Box::pin(ready(self.0.answer()))
    }
}

/// Returns which event or fact it is.
pub(super) fn kind(event: &Value) -> &str {
    event["fact"].as_str().or_else(|| event["event"].as_str()).unwrap_or_default()
}

/// Returns a field of an event.
pub(super) fn field<T: DeserializeOwned>(event: &Value, name: &str) -> Option<T> {
    serde_json::from_value(event[name].clone()).ok()
}

fn time(event: &Value) -> Option<Timestamp> {
    event["now"].as_str()?.parse().ok()
}

fn is_interruption(event: &Value) -> bool {
    kind(event) == "interrupted"
}

/// Returns an event without what differs from one run of the same to the next.
fn comparable(mut event: Value) -> Value {
    let estimated = event["event"] == "usage" && event["estimated"] == true;
    if let Some(fields) = event.as_object_mut() {
        for name in ["at", "prev"] {
            fields.remove(name);
        }
        if fields["event"] == "meta" {
            fields.retain(|name, _| matches!(name.as_str(), "event" | "context" | "namespace" | "server"));
        }
        // How long a model's words are is only known of those that were said.
        if estimated {
            fields.retain(|name, _| name == "event");
        }
    }
    event
}

/// Returns a tool's error as it was.
fn error(failure: &Value) -> ToolError {
    let text = |name: &str| failure[name].as_str().unwrap_or_default().to_owned();
    let hints = field(failure, "hints").unwrap_or_default();
    ToolError::recorded(&text("code"), text("message"), hints).unwrap_or_else(|| ToolError::state(text("message")))
}

fn strayed() -> ToolError {
    ToolError::state("the record says nothing of this")
}

fn nothing() -> ClusterError {
    ClusterError::new(Cause::NotKubernetes, "the record says nothing of this")
}
