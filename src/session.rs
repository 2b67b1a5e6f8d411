//! The record of what was said and done: one JSONL file per session, redacted, only this person's to read.
//!
//! The first line says what the file is; each later line is one event and carries the SHA-256 of the line
//! before, so that a changed file is noticed. The file appears with the first sentence or call. A session
//! that cannot be written never stops a turn: changes have their own record, the journal.

pub mod export;
pub(crate) mod fact;
mod read;
mod recording;
mod resume;
mod retention;

use std::{fmt::Write as _, fs, io, io::Write, path::PathBuf, sync::Arc};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use todo_agent_core::{Clock, Redacted, output::MODEL_BYTES, text};

pub(crate) use fact::{Fact, ModelTerms, Terms};
pub use read::{Chain, Listed, Recorded, list, open, read_file};
pub use recording::Recording;
pub(crate) use resume::reply;
pub use resume::{Resumed, place, resume};
pub use retention::{Retention, beyond, find, remove};

use crate::{
    json::described,
    problem::Problem,
    state::{StateDirectory, private, random_word},
    ui::Shown,
};

/// The version of the file's format. 2 brought what a replay needs.
pub const VERSION: u32 = 2;

/// How many bytes of one field are kept; more is cut and says so.
const FIELD_BYTES: usize = 32 * 1024;

/// Where a session takes place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The kubeconfig context, or `sandbox`.
    pub context: String,
    /// The pinned namespace.
    pub namespace: String,
    /// The API server.
    pub server: String,
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
    /// What holds from the beginning, until it is written.
    pending: Vec<Value>,
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
        Ok(Self { id, started, place, folder, clock, retention: Retention::default(), file: None, pending: Vec::new() })
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

    /// Records a person's sentence, said at this time of the cluster.
    ///
    /// # Errors
    /// Returns why it cannot be written.
    pub fn sentence(&mut self, sentence: &Redacted<String>, now: Timestamp) -> io::Result<()> {
        self.create()?;
        self.append("sentence", json!({ "text": **sentence, "now": now }))
    }

    /// Records what a turn rests on. Before the first sentence or call, only what lasts is kept.
    ///
    /// # Errors
    /// Returns why it cannot be written.
    pub(crate) fn fact(&mut self, fact: &Fact<'_>) -> io::Result<()> {
        if fact.begins() {
            self.create()?;
        }
        let fields = fact.fields();
        if self.file.is_none() && fact.lasts() {
            self.pending.retain(|earlier| earlier["fact"] != fields["fact"]);
            self.pending.push(fields);
            return Ok(());
        }
        self.append(fact::EVENT, fields)
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
            self.place =
                Place { context: meta.context.clone(), namespace: meta.namespace.clone(), server: meta.server.clone() };
        }
        if matches!(shown, Shown::ToolCall { .. } | Shown::Preview(_)) {
            self.create()?;
        }
        let (event, fields) = recorded(shown);
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
            "server": self.place.server,
        });
        self.append("session", meta)?;
        for fact in std::mem::take(&mut self.pending) {
            self.append(fact::EVENT, fact)?;
        }
        Ok(())
    }

    fn append(&mut self, event: &str, fields: Value) -> io::Result<()> {
        let at = self.clock.now();
        let Some(chained) = self.file.as_mut() else { return Ok(()) };
        let prev = Some(chained.previous.as_str()).filter(|previous| !previous.is_empty());
        let mut line = serde_json::to_vec(&Record { at, event, prev, fields })?;
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
    hex(&Sha256::digest(line))
}

/// Returns bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Returns something shown as it is recorded: its event and its fields.
pub(crate) fn recorded(shown: &Shown<'_>) -> (&'static str, Value) {
    let (event, mut fields) = described(shown);
    if let Shown::ToolResult { output, .. } = shown {
        fields["text"] = Value::String(output.for_model(MODEL_BYTES));
    }
    // A plan is replayed whole or not at all.
    let is_whole = matches!(shown, Shown::Preview(_) | Shown::Report(_));
    (event, if is_whole { fields } else { bounded(fields) })
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
            if whole.len() > FIELD_BYTES && value.get("cut_bytes").is_none() {
                *value = json!({ "cut_bytes": whole.len(), "text": text::middle_out(&whole, FIELD_BYTES) });
            }
        }
    }
    fields
}

#[cfg(test)]
mod tests;
