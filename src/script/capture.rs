//! Looks on while a step runs: keeps what a person would see of it, and holds it back where only the step's
//! end is to be shown.
//!
//! When nobody reads any more, that is no reason to stop: the script goes on unseen to its end and its clean-up,
//! and its exit code says what came of it.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use todo_agent_core::Event;

use crate::{
    terminal::{Detail, Look, TerminalUi, silent_progress},
    ui::{Shown, Ui},
};

/// Wide enough that no line of an answer is wrapped.
const WIDTH: usize = 100_000;

/// What was seen of a step.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What a person would have seen, without colour, not wrapped.
    pub(super) screen: String,
    /// The output of the last tool that answered.
    pub(super) output: Option<Value>,
    /// Whether a change was shown before it was decided about.
    pub(super) previewed: bool,
    /// Whether something was sent that may have changed the cluster.
    pub(super) touched: bool,
    /// Why it ended as it did, where it said so.
    pub(super) reason: Option<String>,
}

/// The handle of a [`Capturing`].
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    running: bool,
    seen: Seen,
    /// Why nothing more could be shown.
    closed: Option<io::Error>,
    is_closed: bool,
}

impl Capture {
    /// Begins to look on.
    pub(super) fn begin(&self) {
        let mut state = self.lock();
        state.seen = Seen::default();
        state.running = true;
    }

    /// Ends it, and returns what was seen.
    pub(super) fn end(&self) -> Seen {
        let mut state = self.lock();
        state.running = false;
        std::mem::take(&mut state.seen)
    }

    /// Returns whether writing failed, after which nothing more is shown.
    fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Returns why nothing more could be shown, once.
    pub(crate) fn closed(&self) -> Option<io::Error> {
        self.lock().closed.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of what a step shows, beside being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aside {
    /// It is shown at once.
    Shown,
    /// It is held back.
    HeldBack,
}

/// A user interface that keeps what passes through it while a step runs.
pub(crate) struct Capturing {
    inner: Box<dyn Ui>,
    aside: Aside,
    capture: Capture,
    /// The screen of a person who sees everything.
    screen: TerminalUi,
}

impl Capturing {
    /// Returns a user interface around `inner`.
    pub(crate) fn new(inner: Box<dyn Ui>, aside: Aside, capture: Capture) -> Self {
        let stream = || Box::new(Screen(capture.clone())) as Box<dyn Write + Send>;
        let look = Look::plain(WIDTH);
        let screen = TerminalUi::on([stream(), stream()], [look, look], silent_progress(look), Detail::Normal);
        Self { inner, aside, capture, screen }
    }

    fn keep(&mut self, shown: &Shown<'_>) {
        // The screen is in memory, where writing does not fail.
        let _ = self.screen.show(shown);
        let seen = &mut self.capture.lock().seen;
        match shown {
            Shown::ToolResult { output, .. } => seen.output = Some((**output.for_json()).clone()),
            Shown::Preview(_) => seen.previewed = true,
            Shown::Report(report) => {
                seen.touched |= report.effects.iter().any(|effect| effect.outcome.touched_the_cluster());
                let failed = report.effects.iter().find(|effect| !effect.outcome.is_done());
                seen.reason = failed.map(|effect| effect.outcome.text().to_owned()).or(seen.reason.take());
            }
            Shown::Decision { verdict, reason, .. } if *verdict != "approved" => {
                let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
                seen.reason = Some(format!("{}{reason}", verdict.replace('_', " ")));
            }
            Shown::Question { text, .. } => seen.reason = Some(format!("it asked: {}", ***text)),
            Shown::Error(failure) => seen.reason = Some(failure.message.clone().into_inner()),
            _ => {}
        }
    }
}

impl Ui for Capturing {
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        let running = self.capture.lock().running;
        if running {
            self.keep(shown);
        }
        if (running && self.aside == Aside::HeldBack) || self.capture.is_closed() {
            return Ok(());
        }
        if let Err(error) = self.inner.show(shown) {
            let mut state = self.capture.lock();
            state.closed = Some(error);
            state.is_closed = true;
        }
        Ok(())
    }

    fn progress(&mut self, event: &Event) {
        let is_answer = matches!(event, Event::Line(_)) && self.capture.lock().running;
        if is_answer {
            self.screen.progress(event);
        }
        let is_held_back = is_answer && self.aside == Aside::HeldBack;
        if !is_held_back && !self.capture.is_closed() {
            self.inner.progress(event);
        }
    }
}

/// Writes to what is seen.
struct Screen(Capture);

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().seen.screen.push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use todo_agent_core::{Output, Redactor};

    use super::*;
    use crate::ui::Audience;

    /// A reader who has gone.
    struct Gone;

    impl Ui for Gone {
        fn show(&mut self, _: &Shown<'_>) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn progress(&mut self, _: &Event) {}
    }

    #[test]
    fn what_a_step_shows_is_kept_though_nobody_reads() {
        let redactor = Redactor::new([1; 32]);
        let capture = Capture::default();
        let mut ui = Capturing::new(Box::new(Gone), Aside::Shown, capture.clone());
        let output = Output::build(&redactor, &serde_json::json!({"total": 2})).text("2 pods").build();
        capture.begin();
        ui.show(&Shown::Text(&redactor.text("first"))).unwrap();
        assert!(capture.is_closed());
        ui.show(&Shown::ToolResult { tool: "list", output: &output, audience: Audience::Person }).unwrap();
        ui.progress(&Event::Line(redactor.text("a line of a log")));
        ui.progress(&Event::Progress(redactor.text("waiting")));
        let seen = capture.end();
        assert_eq!(seen.screen, "first\n2 pods\na line of a log\n");
        assert_eq!(seen.output, Some(serde_json::json!({"total": 2})));
        assert!(capture.closed().is_some() && capture.closed().is_none());
    }
}
