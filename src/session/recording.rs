//! A user interface that records what passes through it.

use std::{io, sync::Arc};

use todo_agent_core::{Event, Redacted, Redactor};

use super::Session;
use crate::ui::{Shown, Ui};

/// Records everything shown, then shows it. Where recording fails, that is said once and the turn goes on.
pub struct Recording {
    inner: Box<dyn Ui>,
    session: Option<Session>,
    redactor: Arc<Redactor>,
}

impl Recording {
    /// Returns a recording of what `inner` shows; without a session it only shows.
    pub fn new(inner: Box<dyn Ui>, session: Option<Session>, redactor: Arc<Redactor>) -> Self {
        Self { inner, session, redactor }
    }

    /// Returns the session's id, while it is recorded.
    pub fn session_id(&self) -> Option<&str> {
        self.session.as_ref().map(Session::id)
    }

    /// Records a person's sentence, which a person need not be shown again.
    pub fn sentence(&mut self, sentence: &Redacted<String>) {
        let recorded = self.session.as_mut().map_or(Ok(()), |session| session.sentence(sentence));
        self.stop_if_failed(recorded);
    }

    fn stop_if_failed(&mut self, recorded: io::Result<()>) {
        if let Err(error) = recorded {
            self.session = None;
            let text = format!("this session is not recorded: {error}");
            self.inner.progress(&Event::Warning(self.redactor.text(&text)));
        }
    }
}

impl Ui for Recording {
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        let recorded = self.session.as_mut().map_or(Ok(()), |session| session.shown(shown));
        self.stop_if_failed(recorded);
        self.inner.show(shown)
    }

    fn progress(&mut self, event: &Event) {
        self.inner.progress(event);
    }
}
