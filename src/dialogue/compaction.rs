//! Keeps a conversation within what the model can take: results are dropped first, then all is summarised.
//!
//! The summary keeps the person's sentences and the program's own account of changes word for word; only the rest is the
//! model's prose, and taint stays with it.

use futures::StreamExt;
use todo_agent_core::Redactor;

use super::{Dialogue, prompt};
use crate::model::{Delta, Finish, Message, ModelError, Reply, Request, Trouble};

/// The share of the context that a conversation may take before something is dropped.
const FULL: (usize, usize) = (7, 10);
/// About how many tokens the system's message and the specifications have at most.
pub(super) const BASE: usize = 4_000;
/// How many tokens a conversation is given at least, however little the model takes.
const SMALLEST: usize = 2_000;
/// How far it is brought down then.
const AFTER: (usize, usize) = (4, 10);
/// How many of the newest messages keep their results.
const KEPT: usize = 6;
/// The most bytes of a person's sentences that a summary repeats.
const SENTENCES: usize = 8 * 1024;
/// The most bytes of a summary.
const SUMMARY: usize = 8 * 1024;

impl Dialogue {
    /// Returns a share of what is left for the conversation beside the system's message and the specifications.
    fn share(&self, (part, of): (usize, usize)) -> usize {
        self.context_tokens.saturating_sub(BASE).max(SMALLEST) * part / of
    }

    /// Returns whether the conversation must be shortened before the next request.
    pub(super) fn is_full(&self) -> bool {
        self.history.tokens() > self.share(FULL)
    }

    /// Drops old results; returns whether that was enough.
    pub(super) fn drop_results(&mut self, redactor: &Redactor) -> bool {
        let wanted = self.share(AFTER);
        self.history.drop_results(wanted, KEPT, redactor);
        self.history.tokens() <= self.share(FULL)
    }

    /// Asks the model for a summary.
    ///
    /// # Errors
    /// Returns why there is none.
    pub(super) async fn summary(&self, redactor: &Redactor) -> Result<Reply, ModelError> {
        let mut short = self.history.clone();
        // What is too long to be sent cannot be summarised either.
        short.drop_results(self.share(AFTER), 0, redactor);
        let mut messages = short.messages(redactor.text("You summarise a conversation."));
        messages.push(Message::User(redactor.text(prompt::COMPACT)));
        let request = Request { messages, tools: Vec::new() };
        let mut stream = self.model.stream(&request);
        let mut summary = Reply::default();
        while let Some(delta) = stream.next().await {
            if let Delta::End(reply) = delta? {
                summary = reply;
            }
        }
        Ok(summary)
    }

    /// Goes on from a summary.
    ///
    /// # Errors
    /// Returns that it is none; the conversation is then as it was.
    pub(super) fn summarise(&mut self, reply: &Reply, redactor: &Redactor) -> Result<(), ModelError> {
        let text = reply.text.trim();
        if text.is_empty() || reply.finish != Finish::Stop {
            return Err(ModelError::new(
                Trouble::Nonsense,
                "the model gave no summary, so the conversation stays as it is",
            ));
        }
        let sentences: Vec<String> =
            self.history.sentences().iter().map(|sentence| format!("- {}", **sentence)).collect();
        let summary = format!(
            "The person said:\n{}\n\nChanges made, by the program's own account:\n{}\n\nThe model's summary:\n{}",
            todo_agent_core::text::middle_out(&sentences.join("\n"), SENTENCES),
            if self.changes.is_empty() { "none".to_owned() } else { self.changes.join("\n") },
            todo_agent_core::text::middle_out(text, SUMMARY),
        );
        self.history.summarise(&summary, redactor);
        Ok(())
    }
}
