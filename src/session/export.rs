//! A recorded session as an incident report, to be read by people who were not there. Pure.
//!
//! `Report` is what is said, the same in each format; `markdown` and `html` only write it. Everything
//! in it but the headings comes from outside, so each format has one place where such text is made harmless.
//! A change is shown as the screen on which it was approved.

mod html;
mod markdown;

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use todo_agent_core::{ChangeView, Redactor, report};

use super::{Chain, Recorded};
use crate::terminal::{render_ledger, render_preview, render_report};

/// The width of what was laid out for a terminal.
const SCREEN_WIDTH: usize = 100;

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For a ticket or a repository.
    #[default]
    Markdown,
    /// For a browser: one file that needs nothing else.
    Html,
}

impl Format {
    /// Returns the format that a file's name asks for.
    pub fn of_file(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "md" | "markdown" => Some(Self::Markdown),
            "html" | "htm" => Some(Self::Html),
            _ => None,
        }
    }
}

/// Returns the report of a session. Whatever it shows has passed the redactor.
pub fn export(recorded: &Recorded, format: Format, redactor: &Redactor) -> String {
    let report = Report::of(recorded, redactor);
    match format {
        Format::Markdown => markdown::write(&report),
        Format::Html => html::write(&report),
    }
}

/// What a report says.
struct Report {
    /// The session's id.
    session: String,
    /// Where and when: a label and what is known.
    facts: Vec<(&'static str, String)>,
    chain: Chain,
    entries: Vec<Entry>,
}

/// One thing that was said or done.
struct Entry {
    /// The time of day, or nothing where it is not known.
    time: String,
    speaker: Speaker,
    title: &'static str,
    /// What the title is about, such as a tool's name.
    subject: Option<String>,
    body: Vec<Body>,
}

/// Who or what an entry comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Speaker {
    Person,
    Agent,
    Tool,
    Change,
    Failure,
}

/// A part of an entry.
enum Body {
    /// Sentences.
    Words(String),
    /// Laid out for a terminal.
    Screen(String),
    /// Long, and only for who wants to know.
    Folded(String),
}

impl Report {
    fn of(recorded: &Recorded, redactor: &Redactor) -> Self {
        let meta = redactor.value(&recorded.meta);
        let word = |key: &str| meta[key].as_str().unwrap_or("unknown").to_owned();
        let events: Vec<Value> = recorded.events.iter().map(|event| redactor.value(event).into_inner()).collect();
        let server = events.iter().find_map(|event| event["change"]["cluster"]["server"].as_str());
        let cluster = match server {
            Some(server) => format!("{} ({server})", word("context")),
            None => word("context"),
        };
        let ended = events.iter().rev().find_map(|event| event["at"].as_str()).unwrap_or("unknown").to_owned();
        Self {
            session: word("id"),
            facts: vec![
                ("Cluster", cluster),
                ("Namespace", word("namespace")),
                ("Started", word("at")),
                ("Last entry", ended),
                ("Recorded by", format!("todo-agent {}", word("version"))),
            ],
            chain: recorded.chain,
            entries: entries(&events),
        }
    }

    /// Returns what is to be known about the record before anything in it is believed.
    fn record(&self) -> Record {
        match self.chain {
            Chain::Whole => Record { is_whole: Whole::Yes, text: "The record is whole: every line fits the one after it.".to_owned() },
            Chain::Torn => Record {
                is_whole: Whole::Yes,
                text: "The record is whole up to its last line, which was not finished: the program or the machine stopped.".to_owned(),
            },
            Chain::Broken(line) => Record {
                is_whole: Whole::No,
                text: format!("THE RECORD WAS CHANGED AFTERWARDS: line {line} of the file is not the one that was written. Do not rely on what follows."),
            },
        }
    }
}

/// What is known about the record itself.
struct Record {
    is_whole: Whole,
    text: String,
}

#[derive(PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}

fn entries(events: &[Value]) -> Vec<Entry> {
    let mut entries = Vec::new();
    // What the model said last is often the answer, and is not said twice.
    let mut said = String::new();
    for event in events {
        if event["event"] == "model" {
            said = text(&event["text"]);
        }
        entries.extend(entry(event, &said));
    }
    entries
}

fn entry(event: &Value, said: &str) -> Option<Entry> {
    let word = |key: &str| text(&event[key]);
    let named = |key: &str| Some(word(key)).filter(|word| !word.is_empty());
    let (speaker, title, subject, body) = match event["event"].as_str().unwrap_or_default() {
        "sentence" => (Speaker::Person, "The person", None, vec![Body::Words(word("text"))]),
        "text" => (Speaker::Agent, "The agent", None, vec![Body::Words(word("text"))]),
        "model" => (Speaker::Agent, "The agent", None, model(event)),
        "tool_call" => (Speaker::Tool, "Call of", named("tool"), vec![Body::Folded(data(&event["args"]))]),
        "tool_result" => result(event),
        "preview" => {
            (Speaker::Change, "Change", Some(text(&event["change"]["change_id"])), vec![preview(&event["change"])])
        }
        "decision" => {
            let reason = named("reason").map(|reason| format!(": {reason}")).unwrap_or_default();
            let words = format!("{} by {}{reason}", word("verdict").replace('_', " "), word("by"));
            (Speaker::Change, "Decision on", named("change_id"), vec![Body::Words(words)])
        }
        "report" => (Speaker::Change, "Outcome of", named("change_id"), vec![outcome(event)]),
        "question" => {
            let choices =
                event["choices"].as_array().into_iter().flatten().map(|choice| format!("\n- {}", text(choice)));
            (Speaker::Agent, "A question", None, vec![Body::Words(word("text") + &choices.collect::<String>())])
        }
        "answer" => (Speaker::Agent, "The answer", None, answer(event, said)),
        "error" => {
            let hints = event["hints"].as_array().into_iter().flatten().map(|hint| format!("\nhint: {}", text(hint)));
            let words = word("message") + &hints.collect::<String>();
            (Speaker::Failure, "An error", named("code"), vec![Body::Words(words)])
        }
        "usage" => (Speaker::Agent, "Use of the model", None, vec![Body::Folded(data(&without_frame(event)))]),
        // What a model was told of a result that is shown already; where the program stood; pieces of a message; what
        // only a replay needs.
        "heard" | "meta" | "words" | "fact" => return None,
        _ => (Speaker::Agent, "Another entry", named("event"), vec![Body::Folded(data(&without_frame(event)))]),
    };
    Some(Entry { time: time(event), speaker, title, subject, body })
}

type Said = (Speaker, &'static str, Option<String>, Vec<Body>);

fn result(event: &Value) -> Said {
    let (speaker, title) = match event["achieved"] {
        Value::Bool(false) => (Speaker::Failure, "Not achieved by"),
        _ => (Speaker::Tool, "Result of"),
    };
    let mut body = Vec::new();
    if let Some(message) = event["error"]["message"].as_str() {
        body.push(Body::Words(message.to_owned()));
    }
    match event["text"].as_str() {
        Some(text) => body.push(Body::Folded(text.to_owned())),
        None if event["output"].is_null() => {}
        None => body.push(Body::Folded(data(&event["output"]))),
    }
    (speaker, title, Some(text(&event["tool"])), body)
}

fn model(event: &Value) -> Vec<Body> {
    let mut body = Vec::new();
    let said = text(&event["text"]);
    if !said.is_empty() {
        body.push(Body::Words(said));
    }
    // What became of them has its own entries.
    let calls: Vec<String> = event["calls"].as_array().into_iter().flatten().map(|call| text(&call["tool"])).collect();
    if !calls.is_empty() {
        body.push(Body::Words(format!("calls {}", calls.join(", "))));
    }
    let reasoning = text(&event["reasoning"]);
    if !reasoning.is_empty() {
        body.push(Body::Folded(format!("reasoning:\n{reasoning}")));
    }
    body
}

fn preview(change: &Value) -> Body {
    match ChangeView::deserialize(change) {
        Ok(view) => Body::Screen(render_preview(&view, SCREEN_WIDTH)),
        // Cut, or of another version.
        Err(_) => Body::Screen(data(change)),
    }
}

fn outcome(event: &Value) -> Body {
    match report::Report::deserialize(event) {
        Ok(report) => Body::Screen(render_report(&report, SCREEN_WIDTH)),
        Err(_) => Body::Screen(data(&without_frame(event))),
    }
}

fn answer(event: &Value, said: &str) -> Vec<Body> {
    let mut body = Vec::new();
    let words = text(&event["text"]);
    if !words.is_empty() && words != said {
        body.push(Body::Words(words));
    }
    let ledger: Vec<String> = event["ledger"].as_array().into_iter().flatten().map(text).collect();
    body.push(Body::Screen(render_ledger(&ledger, SCREEN_WIDTH)));
    body
}

/// Returns the time of day: `2026-05-01T10:00:00.123Z` → `10:00:00`. What is no time is left out.
fn time(event: &Value) -> String {
    let at = event["at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    at.map(|at| at.strftime("%H:%M:%S").to_string()).unwrap_or_default()
}

/// Returns a text; one that was cut says so itself.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(cut) if cut.contains_key("cut_bytes") => text(&value["text"]),
        other => other.to_string(),
    }
}

/// Returns data as people read it.
fn data(value: &Value) -> String {
    match value {
        Value::String(_) | Value::Null => text(value),
        Value::Object(cut) if cut.contains_key("cut_bytes") => text(value),
        other => serde_json::to_string_pretty(other).unwrap_or_else(|_| other.to_string()),
    }
}

fn without_frame(event: &Value) -> Value {
    let mut event = event.clone();
    if let Some(fields) = event.as_object_mut() {
        for frame in ["at", "event", "prev"] {
            fields.remove(frame);
        }
    }
    event
}

#[cfg(test)]
mod tests;
