//! What every tool, preview and execution is handed for one turn: how to stop, how long there is, what
//! time it is, where to show progress, what to mask, what was done before.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    error::{Cause, ClusterError},
    journal::History,
    redact::{Redacted, Redactor},
};

/// Something to show while a turn runs; never part of the answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// What is being waited for; replaces the progress before it.
    Progress(Redacted<String>),
    /// Something the person should know.
    Warning(Redacted<String>),
    /// Something worth knowing that is no warning, such as what becomes of a sandbox.
    Note(Redacted<String>),
    /// A line of a followed log.
    Line(Redacted<String>),
    /// A request to the cluster, for `-v` and for benchmarks.
    Request {
        /// The HTTP method.
        method: &'static str,
        /// The path with its query.
        path: String,
        /// Why it was sent.
        purpose: &'static str,
    },
}

/// The circumstances of one turn.
#[derive(Clone)]
pub struct Run {
    /// Cancelled by Ctrl-C. A request in flight is never cut off.
    pub cancel: CancellationToken,
    /// When the turn must end, on [`Run::clock`].
    pub deadline: Option<Timestamp>,
    /// Where progress goes.
    pub events: UnboundedSender<Event>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What masks secrets.
    pub redactor: Arc<Redactor>,
    /// What was done before.
    pub history: Arc<dyn History>,
}

impl Run {
    /// Shows what is being waited for.
    pub fn progress(&self, text: impl AsRef<str>) {
        self.send(Event::Progress(self.redactor.text(text.as_ref())));
    }

    /// Shows a warning.
    pub fn warn(&self, text: impl AsRef<str>) {
        self.send(Event::Warning(self.redactor.text(text.as_ref())));
    }

    /// Sends an event; nobody listening is not an error.
    pub fn send(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// Returns an error if the turn was cancelled or its time is up.
    pub fn check(&self) -> Result<(), ClusterError> {
        if self.cancel.is_cancelled() {
            return Err(ClusterError::new(Cause::Cancelled, "interrupted"));
        }
        match self.deadline {
            Some(deadline) if self.clock.now() >= deadline => {
                Err(ClusterError::new(Cause::TimedOut, "the time allowed ran out").hint("allow more with --timeout"))
            }
            _ => Ok(()),
        }
    }

    /// Waits for `duration`, or until cancelled.
    pub async fn sleep(&self, duration: Duration) -> Result<(), ClusterError> {
        self.check()?;
        tokio::select! {
            () = self.cancel.cancelled() => {}
            () = self.clock.sleep(duration) => {}
        }
        // A simulated clock never waits; whoever listens for Ctrl-C must still get a turn.
        tokio::task::yield_now().await;
        self.check()
    }

    /// Returns the earlier of the turn's deadline and `duration` from now.
    pub fn deadline_within(&self, duration: Duration) -> Timestamp {
        let limit = self.clock.now().saturating_add(duration).unwrap_or(Timestamp::MAX);
        self.deadline.map_or(limit, |deadline| deadline.min(limit))
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Run").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
