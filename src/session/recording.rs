//! A user interface that records what passes through it, or holds it against a record.

use std::{io, sync::Arc};

use jiff::Timestamp;
use todo_agent_core::{Event, Redacted, Redactor};
use tokio_util::sync::CancellationToken;

use super::{Fact, Session, recorded};
use crate::{
    replay::Replay,
    ui::{Shown, Ui},
};

/// Records everything shown, then shows it. Where recording fails, that is said once and the turn goes on.
pub struct Recording {
    inner: Box<dyn Ui>,
    record: Record,
    redactor: Arc<Redactor>,
    /// Whether the record knows that this turn was interrupted.
    interrupted: bool,
}

/// Where everything shown goes besides.
enum Record {
    Nowhere,
    File(Box<Session>),
    /// It must be what a record says.
    Compared(Arc<Replay>),
}

impl Recording {
    /// Returns a recording of what `inner` shows; without a session it only shows.
    pub fn new(inner: Box<dyn Ui>, session: Option<Session>, redactor: Arc<Redactor>) -> Self {
        let record = session.map_or(Record::Nowhere, |session| Record::File(Box::new(session)));
        Self { inner, record, redactor, interrupted: false }
    }

    /// Returns one that holds everything against a record.
    pub(crate) fn comparing(inner: Box<dyn Ui>, replay: Arc<Replay>, redactor: Arc<Redactor>) -> Self {
        Self { inner, record: Record::Compared(replay), redactor, interrupted: false }
    }

    /// Returns the session's id, while it is recorded.
    pub fn session_id(&self) -> Option<&str> {
        match &self.record {
            Record::File(session) => Some(session.id()),
            Record::Nowhere | Record::Compared(_) => None,
        }
    }

    /// Returns what masks secrets.
    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor)
    }

    /// Records a person's sentence, said at this time of the cluster, which a person need not be shown again.
    pub fn sentence(&mut self, sentence: &Redacted<String>, now: Timestamp) {
        self.interrupted = false;
        let recorded = match &mut self.record {
            Record::Nowhere => Ok(()),
            Record::File(session) => session.sentence(sentence, now),
            Record::Compared(replay) => {
                replay.compare("sentence", &serde_json::json!({ "text": **sentence, "now": now }));
                Ok(())
            }
        };
        self.stop_if_failed(recorded);
    }

    /// Records what a turn rests on.
    pub(crate) fn fact(&mut self, fact: &Fact<'_>) {
        self.interrupted &= !matches!(fact, Fact::Ended { .. });
        let recorded = match &mut self.record {
            Record::Nowhere => Ok(()),
            Record::File(session) => session.fact(fact),
            Record::Compared(replay) => {
                replay.compare(super::fact::EVENT, &fact.fields());
                Ok(())
            }
        };
        self.stop_if_failed(recorded);
    }

    /// Records, once in a turn, that it was interrupted. Whatever asks whether it was, asks after this: a replay is
    /// interrupted where the record is.
    pub(crate) fn interruption(&mut self, cancel: &CancellationToken) {
        if let Record::Compared(replay) = &self.record
            && replay.is_interrupted_next()
        {
            cancel.cancel();
        }
        if cancel.is_cancelled() && !std::mem::replace(&mut self.interrupted, true) {
            self.fact(&Fact::Interrupted);
        }
    }

    fn stop_if_failed(&mut self, recorded: io::Result<()>) {
        if let Err(error) = recorded {
            self.record = Record::Nowhere;
            let text = format!("this session is not recorded: {error}");
            self.inner.progress(&Event::Warning(self.redactor.text(&text)));
        }
    }
}

impl Ui for Recording {
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        let done = match &mut self.record {
            Record::Nowhere => Ok(()),
            Record::File(session) => session.shown(shown),
            Record::Compared(_) if matches!(shown, Shown::Words(_)) => Ok(()),
            Record::Compared(replay) => {
                let (event, fields) = recorded(shown);
                replay.compare(event, &fields);
                // What differs ends the replay, as a closed pipe ends a turn.
                return replay.goes_on();
            }
        };
        self.stop_if_failed(done);
        self.inner.show(shown)
    }

    fn progress(&mut self, event: &Event) {
        self.inner.progress(event);
    }
}
