//! What a turn shows, as data: one list of events, shown by a terminal, as JSON lines, or recorded.
//!
//! Everything in here has passed the redactor. A [`Ui`] never decides anything; asking a person is an
//! [`todo_agent_core::approval::Approver`]'s work.

use std::time::Duration;

use serde_json::Value;
use todo_agent_core::{ChangeView, Event, Output, Redacted, Report};

use crate::{
    model::{Finish, Usage},
    script::StepResult,
};

/// One thing to show.
#[derive(Debug)]
pub enum Shown<'a> {
    /// Where the program stands; first of all.
    Meta(&'a Meta),
    /// A paragraph for the person.
    Text(&'a Redacted<String>),
    /// A tool is about to run.
    ToolCall {
        /// The tool's name.
        tool: &'a str,
        /// Its arguments.
        args: &'a Redacted<Value>,
    },
    /// A read tool's answer.
    ToolResult {
        /// The tool's name.
        tool: &'a str,
        /// What it found.
        output: &'a Output,
        /// Who asked for it.
        audience: Audience<'a>,
    },
    /// A tool that a model called could not answer or propose.
    ToolFailed {
        /// The tool's name.
        tool: &'a str,
        /// Why.
        failure: &'a Failure,
        /// The call.
        ran: Ran<'a>,
    },
    /// What a model got as the result of a call; for the record only.
    Heard {
        /// The call's id.
        call_id: &'a str,
        /// The tool's name.
        tool: &'a str,
        /// The text.
        text: &'a Redacted<String>,
    },
    /// More of what a model is saying.
    Words(&'a Redacted<String>),
    /// A whole message of a model.
    Model(&'a ModelMessage),
    /// What a turn with a model took.
    Usage(&'a UsageShown),
    /// A change, before anyone decides.
    Preview(&'a ChangeView),
    /// What was decided about the change shown last.
    Decision {
        /// The change.
        change_id: &'a str,
        /// `approved`, `declined`, `needs_approval`, `forbidden`, `dry_run`, `suggested`, `stopped`.
        verdict: &'a str,
        /// Who or what decided: `person`, `--yes`, `grant`, `policy`.
        by: &'a str,
        /// Why, where there is more to say.
        reason: Option<&'a str>,
    },
    /// What came of an approved change.
    Report(&'a Report),
    /// Something the person must answer before it can go on.
    Question {
        /// The question.
        text: &'a Redacted<String>,
        /// The answers offered.
        choices: &'a [String],
    },
    /// The end of a turn.
    Answer(&'a Answer),
    /// Something failed.
    Error(&'a Failure),
    /// A step of a script is over.
    Step(&'a StepResult),
}

/// Who asked for a tool's answer.
#[derive(Debug, Clone, Copy)]
pub enum Audience<'a> {
    /// The person, who sees it whole.
    Person,
    /// A model; the person sees that it was called.
    Model(Ran<'a>),
}

/// A call of a model that was run.
#[derive(Debug, Clone, Copy)]
pub struct Ran<'a> {
    /// The call on one line.
    pub call: &'a Redacted<String>,
    /// How long it took.
    pub took: Duration,
}

/// A whole message of a model, as it is recorded.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ModelMessage {
    /// Its words.
    pub text: Redacted<String>,
    /// Its reasoning, where the server gives it apart.
    #[serde(skip_serializing_if = "str_is_empty")]
    pub reasoning: Redacted<String>,
    /// Its calls.
    pub calls: Vec<ModelCall>,
    /// Why it ended, where it did not just stop: `length`, `refused`.
    #[serde(skip_serializing_if = "has_stopped")]
    pub finish: Finish,
    /// The tokens it took, where the server says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// A call as a model wrote it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ModelCall {
    /// The call's id.
    pub id: String,
    /// The tool's name, which may not exist.
    pub tool: Redacted<String>,
    /// The arguments; a string where they are no JSON.
    pub args: Redacted<Value>,
}

/// What a turn with a model took.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct UsageShown {
    /// Requests to the model.
    pub requests: usize,
    /// Their tokens.
    #[serde(flatten)]
    pub usage: Usage,
    /// Whether the server left out some of it, so that it was estimated here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// What they cost, where prices are configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

fn str_is_empty(text: &Redacted<String>) -> bool {
    text.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn has_stopped(finish: &Finish) -> bool {
    *finish == Finish::Stop
}

/// Where the program stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Meta {
    /// The program's version.
    pub version: &'static str,
    /// The pinned context.
    pub context: String,
    /// The pinned namespace.
    pub namespace: String,
    /// The API server.
    pub server: String,
    /// The session's id.
    pub session: Option<String>,
}

/// The end of a turn.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Answer {
    /// What is said at the end; may be empty where the results speak.
    pub text: Redacted<String>,
    /// How the sentence was understood: the calls, one per line.
    pub understood: Vec<String>,
    /// The program's own account of what was changed in this turn, one line per effect; empty for none.
    pub ledger: Vec<String>,
}

/// Something failed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Failure {
    /// A stable word for programs.
    pub code: String,
    /// What happened.
    pub message: Redacted<String>,
    /// What to do.
    pub hints: Vec<Redacted<String>>,
}

/// Shows a turn to somebody.
pub trait Ui: Send {
    /// Shows one event.
    ///
    /// # Errors
    /// Returns an error when nobody reads any more (a closed pipe), which ends the program with exit 0.
    fn show(&mut self, shown: &Shown<'_>) -> std::io::Result<()>;
    /// Shows progress; replaced by the next one, gone when something is shown.
    fn progress(&mut self, event: &Event);
}
