//! The conversation with a model: what it is sent, what it may do, when it ends.
//!
//! `history` is the conversation as the model gets it, `calls` reads what it wants done, `own_words` judges whose
//! words a call is made of, `budget` bounds it all, and `answering` runs a turn. Whatever a model says is text from
//! outside: its calls go the same way through tools, preview and gate as anybody's.

mod answering;
mod budget;
mod calls;
mod compaction;
mod digest;
mod failure;
mod history;
pub(crate) mod own_words;
mod prompt;
mod setup;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod untrusted_tests;

use todo_agent_core::{Call, Redacted, Redactor};

pub use budget::{Budgets, Spent};
pub use calls::PlannerUse;
pub(crate) use failure::{failed, interrupted};
pub use history::History;
pub use setup::{dialogue, switch_model};

use crate::model::{Model, Prices, Reply, Usage};

/// A conversation with a model.
pub struct Dialogue {
    pub(crate) model: Box<dyn Model>,
    pub(crate) history: History,
    pub(crate) budgets: Budgets,
    /// Whether the offline planner answers what it understands.
    pub(crate) planner: PlannerUse,
    /// How many tokens a request may have.
    pub(crate) context_tokens: usize,
    pub(crate) prices: Option<Prices>,
    /// What was changed in this conversation, by the program's own account; the newest last.
    pub(crate) changes: Vec<String>,
    /// All tokens of this conversation.
    pub(crate) used: Usage,
    /// How many requests were answered.
    pub(crate) requests: u64,
}

impl Prices {
    /// Returns what this many tokens cost.
    #[expect(clippy::cast_precision_loss, reason = "token counts stay far below 2^52")]
    pub fn of(&self, usage: Usage) -> f64 {
        let fresh = usage.input.saturating_sub(usage.cached) as f64;
        let cached = usage.cached as f64 * self.cached.unwrap_or(self.input);
        (fresh * self.input + cached + usage.output as f64 * self.output) / 1e6
    }
}

impl Dialogue {
    /// Returns a conversation that has not begun.
    pub fn new(model: Box<dyn Model>, budgets: Budgets, planner: PlannerUse, context_tokens: usize) -> Self {
        Self {
            model,
            history: History::default(),
            budgets,
            planner,
            context_tokens,
            prices: None,
            changes: Vec::new(),
            used: Usage::default(),
            requests: 0,
        }
    }

    /// Takes up what the planner did, so that a later question can be about it.
    pub(crate) fn take_up_planned(
        &mut self,
        sentence: &Redacted<String>,
        calls: &[Call],
        results: Vec<Redacted<String>>,
        changes: &[String],
        redactor: &Redactor,
    ) {
        self.take_up_changes(changes);
        if self.planner == PlannerUse::Only {
            return;
        }
        if self.is_full() {
            self.drop_results(redactor);
        }
        self.history.person(sentence.clone());
        self.history.planned(calls, results, redactor);
    }

    /// Returns about what an answer cost, for servers that do not say so.
    pub(crate) fn estimate(&self, reply: &Reply) -> Usage {
        let calls = reply.calls.iter().map(|call| call.name.len() + call.arguments.len());
        let output = history::estimate(reply.text.len() + reply.reasoning.len() + calls.sum::<usize>());
        Usage { input: self.history.tokens() as u64 + compaction::BASE as u64, cached: 0, output: output as u64 }
    }

    /// Takes up what a turn changed.
    pub(crate) fn take_up_changes(&mut self, changes: &[String]) {
        self.changes.extend_from_slice(changes);
        let over = self.changes.len().saturating_sub(MOST_CHANGES);
        self.changes.drain(..over);
    }

    /// Forgets everything that was said, as when another cluster is chosen.
    pub(crate) fn forget(&mut self) {
        self.history.clear();
        self.changes.clear();
    }
}

/// How many changes a summary can name.
const MOST_CHANGES: usize = 100;

impl std::fmt::Debug for Dialogue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Dialogue").field("model", &self.model.describe()).finish_non_exhaustive()
    }
}
