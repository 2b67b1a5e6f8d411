//! What a turn shows, as JSON: one object per line, `{"v":1,"event":…}`, for programs and for sessions.
//!
//! The schema is `docs/json-events.schema.json`. It grows and never changes: an event or a field may be
//! added, none is renamed, removed or given another meaning under the same `v`.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use serde::Serialize;
use serde_json::{Value, json};
use todo_agent_core::{Event, Redacted, text};

use crate::ui::{Shown, Ui};

/// The version of the envelope.
pub const VERSION: u32 = 1;

/// Writes each event as one line of JSON.
#[derive(Debug)]
pub struct JsonUi<W> {
    out: W,
    requests: Requests,
    closed: Option<io::Error>,
}

/// Whether requests to the cluster are events, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requests {
    /// They are shown (`-vv`).
    Shown,
    /// They are not.
    Hidden,
}

impl<W: Write> JsonUi<W> {
    /// Returns a user interface that writes to `out`.
    pub fn new(out: W, requests: Requests) -> Self {
        Self { out, requests, closed: None }
    }

    /// Writes data that is no part of a turn, such as a list of sessions.
    ///
    /// # Errors
    /// Returns an error when nobody reads any more.
    pub fn info(&mut self, about: &str, data: &Redacted<Value>) -> io::Result<()> {
        self.write("info", json!({ "about": about, "data": **data }))
    }

    fn write(&mut self, event: &str, fields: Value) -> io::Result<()> {
        if let Some(error) = self.closed.take() {
            return Err(error);
        }
        let mut line = escaped(&serde_json::to_string(&Envelope { v: VERSION, event, fields })?);
        line.push('\n');
        self.out.write_all(line.as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write + Send> Ui for JsonUi<W> {
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        // The tool's whole answer was written already.
        if matches!(shown, Shown::Heard { .. }) {
            return Ok(());
        }
        let (event, fields) = described(shown);
        self.write(event, fields)
    }

    fn progress(&mut self, event: &Event) {
        let (event, fields) = match event {
            Event::Warning(text) => ("warning", json!({ "text": **text })),
            Event::Line(text) => ("line", json!({ "text": **text })),
            Event::Request { method, path, purpose } if self.requests == Requests::Shown => {
                ("request", json!({ "method": method, "path": path, "purpose": purpose }))
            }
            // What is being waited for is replaced all the time; it would only bury the events.
            _ => return,
        };
        if let Err(error) = self.write(event, fields) {
            // Nobody can be told here; the next event is refused with it.
            self.closed = Some(error);
        }
    }
}

/// Returns JSON with the characters that hide or reorder their neighbours as escapes: a program reads the
/// same text, and whoever looks at the line sees them. They can only stand inside strings.
fn escaped(json: &str) -> String {
    let mut line = String::with_capacity(json.len() + 1);
    for character in json.chars() {
        if text::is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(character);
        }
    }
    line
}

/// Returns an event's name and its fields.
pub(crate) fn described(shown: &Shown<'_>) -> (&'static str, Value) {
    match shown {
        Shown::Meta(meta) => ("meta", data(meta)),
        Shown::Text(text) => ("text", json!({ "text": ***text })),
        Shown::ToolCall { tool, args } => ("tool_call", json!({ "tool": tool, "args": ***args })),
        Shown::ToolFailed { tool, failure, .. } => {
            ("tool_result", json!({ "tool": tool, "achieved": false, "output": null, "error": data(failure) }))
        }
        Shown::Heard { call_id, tool, text } => ("heard", json!({ "call_id": call_id, "tool": tool, "text": ***text })),
        Shown::Words(text) => ("words", json!({ "text": ***text })),
        Shown::Model(message) => ("model", data(message)),
        Shown::Usage(usage) => ("usage", data(usage)),
        Shown::ToolResult { tool, output, .. } => {
            ("tool_result", json!({ "tool": tool, "achieved": output.achieved(), "output": **output.for_json() }))
        }
        Shown::Preview(change) => ("preview", json!({ "change": data(change) })),
        Shown::Decision { change_id, verdict, by, reason } => {
            let mut fields = json!({ "change_id": change_id, "verdict": verdict, "by": by });
            if let Some(reason) = reason {
                fields["reason"] = json!(reason);
            }
            ("decision", fields)
        }
        Shown::Report(report) => ("report", data(report)),
        Shown::Question { text, choices } => ("question", json!({ "text": ***text, "choices": choices })),
        Shown::Answer(answer) => ("answer", data(answer)),
        Shown::Error(failure) => ("error", data(failure)),
        Shown::Step(step) => ("step", data(step)),
    }
}

/// One line. Version and name come first, for people who look at it.
#[derive(Serialize)]
struct Envelope<'a> {
    v: u32,
    event: &'a str,
    #[serde(flatten)]
    fields: Value,
}

fn data(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|error| json!({ "unserialisable": error.to_string() }))
}

#[cfg(test)]
mod tests;
