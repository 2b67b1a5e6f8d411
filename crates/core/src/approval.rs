//! How a person is asked, as data: the gate decides *that* somebody is asked, an [`Approver`] asks.

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::view::ChangeView;

/// Asks a person about a change. Terminals, scripts, JSON and MCP each have their own.
pub trait Approver: Send {
    /// Shows the change and returns the person's answer. Must never answer by itself.
    fn ask<'a>(&'a mut self, question: &'a ApprovalQuestion<'a>) -> BoxFuture<'a, Answer>;
}

/// What a person is asked.
#[derive(Debug)]
pub struct ApprovalQuestion<'a> {
    /// The change.
    pub view: &'a ChangeView,
    /// Why it is asked, in a few words.
    pub reason: &'a str,
    /// The names the person must type, for protected objects; a plain yes is not enough for these.
    pub type_names: &'a [String],
    /// Whether a grant for the session may be offered.
    pub grant_offered: bool,
    /// Ends the question with [`Answer::Stop`] when the turn is cancelled.
    pub cancel: &'a CancellationToken,
}

/// A person's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes, once.
    Yes,
    /// Yes, and also for the same operation on the same object for the rest of the session.
    YesForSession,
    /// The names typed, for protected objects.
    Typed(Vec<String>),
    /// Only these steps, by number.
    Only(Vec<usize>),
    /// Change the arguments of a step first.
    Edit {
        /// The step's number.
        step: usize,
        /// The new arguments as JSON text.
        args: String,
    },
    /// No, with what the person said.
    No(String),
    /// Stop the whole turn.
    Stop,
    /// Nobody can be asked: there is no terminal.
    Nobody,
}

/// Who wants a change and whose words its values are. Computed by the program, never by a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Who made the call.
    pub by: By,
    /// Whether untrusted text is in the history the call was made from.
    pub tainted: bool,
    /// For each step, whether verb, target and values all come from the person's own words.
    pub own_words: Vec<bool>,
    /// Namespaces other than the pinned one that the person named.
    pub named_namespaces: Vec<String>,
}

/// Who made a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The person, through the planner or `call`.
    Person,
    /// A model.
    Model,
    /// The diagnosis engine's remedy, computed from typed fields.
    Remedy,
}

impl Origin {
    /// Returns the origin of a change that a person ordered in plain words.
    pub fn person() -> Self {
        Self { by: By::Person, tainted: false, own_words: Vec::new(), named_namespaces: Vec::new() }
    }

    /// Returns whether a step's every word is the person's own.
    pub fn is_own_words(&self, step: usize) -> bool {
        self.by == By::Person || self.own_words.get(step).copied().unwrap_or(false)
    }
}
