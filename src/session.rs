//! The record of what was said and done: one JSONL file per session, redacted, only this person's to read.
//!
//! The first line says what the file is; each later line is one event and carries the SHA-256 of the line
//! before, so that a changed file is noticed. The file appears with the first sentence or call. A session
//! that cannot be written never stops a turn: changes have their own record, the journal.

pub mod export;
mod read;
mod recording;
mod resume;
mod retention;

use std::{fmt::Write as _, fs, io, io::Write, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use todo_agent_core::{Clock, Redacted, text};

pub use read::{Chain, Listed, Recorded, list, open};
pub use recording::Recording;
pub use resume::{Resumed, place, resume};
pub use retention::{Retention, beyond, find, remove};

use crate::{
    json::described,
    problem::Problem,
    state::{StateDirectory, private, random_word},
    ui::Shown,
};

/// The version of the file's format.
pub const VERSION: u32 = 1;

/// How many bytes of one field are kept; more is cut and says so.
const FIELD_BYTES: usize = 32 * 1024;

/// Where a session takes place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The kubeconfig context, or `sandbox`.
    pub context: String,
    /// The pinned namespace.
    pub namespace: String,
}

/// Writes one session.
pub struct Session {
    id: String,
    started: Timestamp,
    place: Place,
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    retention: Retention,
    file: Option<Chained>,
}

struct Chained {
    file: fs::File,
    previous: String,
}

#[derive(Serialize)]
struct Record<'a> {
    at: Timestamp,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev: Option<&'a str>,
    #[serde(flatten)]
    fields: Value,
}

impl Session {
    /// Starts a session; nothing is written before its first sentence or call.
    ///
    /// # Errors
    /// Returns why sessions cannot be kept.
    pub fn start(state: &StateDirectory, clock: Arc<dyn Clock>, place: Place) -> Result<Self, Problem> {
        let started = clock.now();
        let id = format!("{}-{}", started.strftime("%Y%m%d-%H%M%S"), random_word(6)?);
        let folder = state.path().join(FOLDER);
        Ok(Self { id, started, place, folder, clock, retention: Retention::default(), file: None })
    }

    /// Sets which older sessions go when this one is first written.
    #[must_use]
    pub fn keeping(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Returns the session's id, by which it is shown again.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Records a person's sentence.
    ///
    /// # Errors
    /// Returns why it cannot be written.
    pub fn sentence(&mut self, sentence: &Redacted<String>) -> io::Result<()> {
        self.create()?;
        self.append("sentence", json!({ "text": **sentence }))
    }

    /// Records something shown. Before the first sentence or call nothing is recorded.
    ///
    /// # Errors
    /// Returns why it cannot be written.
    pub fn shown(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        // They are recorded together, with the model's message.
        if matches!(shown, Shown::Words(_)) {
            return Ok(());
        }
        // Before anything is on record, the place is where it will begin.
        if let (Shown::Meta(meta), None) = (shown, &self.file) {
            self.place = Place { context: meta.context.clone(), namespace: meta.namespace.clone() };
        }
        if matches!(shown, Shown::ToolCall { .. } | Shown::Preview(_)) {
            self.create()?;
        }
        let (event, fields) = described(shown);
        self.append(event, fields)
    }

    fn create(&mut self) -> io::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        folder.create(&self.folder)?;
        retention::make_room(&self.folder, self.started, self.retention);
        let file = private(&read::path(&self.folder, &self.id))?;
        self.file = Some(Chained { file, previous: String::new() });
        let meta = json!({
            "v": VERSION,
            "id": self.id,
            "version": env!("CARGO_PKG_VERSION"),
            "context": self.place.context,
            "namespace": self.place.namespace,
        });
        self.append("session", meta)
    }

    fn append(&mut self, event: &str, fields: Value) -> io::Result<()> {
        let at = self.clock.now();
        let Some(chained) = self.file.as_mut() else { return Ok(()) };
        let prev = Some(chained.previous.as_str()).filter(|previous| !previous.is_empty());
        let mut line = serde_json::to_vec(&Record { at, event, prev, fields: bounded(fields) })?;
        let hash = line_hash(&line);
        line.push(b'\n');
        chained.file.write_all(&line)?;
        chained.file.flush()?;
        chained.previous = hash;
        Ok(())
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The folder of all sessions, below the state directory.
pub(crate) const FOLDER: &str = "sessions";

/// Returns the SHA-256 of a line without its end, hexadecimal.
fn line_hash(line: &[u8]) -> String {
    Sha256::digest(line).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Cuts fields that would make a session grow without bound, such as a long log. A cut field becomes an
/// object that says how long it was.
fn bounded(mut fields: Value) -> Value {
    if let Some(fields) = fields.as_object_mut() {
        for value in fields.values_mut() {
            let whole = match &value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if whole.len() > FIELD_BYTES {
                *value = json!({ "cut_bytes": whole.len(), "text": text::middle_out(&whole, FIELD_BYTES) });
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests;
