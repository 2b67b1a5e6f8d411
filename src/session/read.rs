//! Recorded sessions as they are found again: listed, opened, and their chain checked.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{FOLDER, VERSION, line_hash};
use crate::{problem::Problem, problem::nearest, state::StateDirectory};

/// One line of the list of sessions.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Listed {
    /// The session's id.
    pub id: String,
    /// When it started, RFC 3339.
    pub started: String,
    /// The kubeconfig context.
    pub context: String,
    /// The namespace it started in.
    pub namespace: String,
    /// The first sentence; none where it was a call.
    pub sentence: Option<String>,
    /// How its last turn ended.
    pub outcome: String,
}

/// A session read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The first line: version, id, context, namespace.
    pub meta: Value,
    /// The events after it.
    pub events: Vec<Value>,
    /// Whether the file is as it was written.
    pub chain: Chain,
    /// The SHA-256 of the last whole line, hexadecimal.
    pub end: String,
}

/// Whether a session's file is as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// Every line fits the one after it.
    Whole,
    /// The last line is unfinished: the program or the machine stopped.
    Torn,
    /// This line, counted from 1, is not the one that was written.
    Broken(usize),
}

/// Returns the sessions' ids, newest first.
pub(super) fn ids(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut ids: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".jsonl").map(str::to_owned))
        .filter(|id| id.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    ids.sort_unstable_by(|left, right| right.cmp(left));
    ids
}

/// Returns the newest sessions, newest first, at most `limit`. A file that cannot be read is passed over.
pub fn list(state: &StateDirectory, limit: usize) -> Vec<Listed> {
    let folder = state.path().join(FOLDER);
    ids(&folder).into_iter().filter_map(|id| read(&folder, &id).ok()).take(limit).map(|it| it.listed()).collect()
}

/// Returns the session with this id, or with the only id that starts like this.
///
/// # Errors
/// Returns that there is none, or several, or why it cannot be read.
pub fn open(state: &StateDirectory, start: &str) -> Result<Recorded, Problem> {
    let folder = state.path().join(FOLDER);
    let id = find(&folder, start)?;
    read(&folder, &id).map_err(|error| Problem::state(format!("session {id} cannot be read: {error}")))
}

/// Returns the id that is this one, or the only one that starts like this.
///
/// # Errors
/// Returns that there is none, or several.
pub(super) fn find(folder: &Path, start: &str) -> Result<String, Problem> {
    let mut ids = ids(folder);
    let found: Vec<usize> = (0..ids.len()).filter(|&at| !start.is_empty() && ids[at].starts_with(start)).collect();
    match found.as_slice() {
        [at] => Ok(ids.swap_remove(*at)),
        [] => {
            let problem = Problem::unknown(format!("there is no session {start:?}"));
            Err(match nearest(start, ids.iter().map(String::as_str)) {
                Some(id) => problem.hint(format!("did you mean {id}?")),
                None => problem.hint("todo-agent sessions list shows them"),
            })
        }
        several => {
            let names: Vec<&str> = several.iter().take(5).map(|&at| ids[at].as_str()).collect();
            let message = format!("{} sessions start with {start:?}", several.len());
            Err(Problem::unknown(message).hint(format!("give more of the id: {}", names.join(", "))))
        }
    }
}

/// Returns where a session is kept.
pub(super) fn path(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("{id}.jsonl"))
}

/// Returns a session as it is listed; of one that cannot be read, its id.
pub(super) fn listed(folder: &Path, id: String) -> Listed {
    match read(folder, &id) {
        Ok(recorded) => Listed { id, ..recorded.listed() },
        Err(_) => Listed {
            id,
            started: String::new(),
            context: String::new(),
            namespace: String::new(),
            sentence: None,
            outcome: "cannot be read".to_owned(),
        },
    }
}

fn read(folder: &Path, id: &str) -> io::Result<Recorded> {
    read_file(&path(folder, id))
}

/// Returns the session in a file.
///
/// # Errors
/// Returns why the file cannot be read, or that it holds no session.
pub fn read_file(path: &Path) -> io::Result<Recorded> {
    let bytes = fs::read(path)?;
    let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut lines: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
    // What follows the last line's end: nothing, or a line that was being written.
    let torn = lines.pop().is_some_and(|rest| !rest.is_empty());
    let mut events = Vec::with_capacity(lines.len());
    let mut chain = if torn { Chain::Torn } else { Chain::Whole };
    let mut previous: Option<String> = None;
    for (index, line) in lines.iter().enumerate() {
        let parsed: Result<Value, _> = serde_json::from_slice(line);
        let named = parsed.as_ref().ok().and_then(|event| event.get("prev")).and_then(Value::as_str);
        if !matches!(chain, Chain::Broken(_)) {
            if parsed.is_err() {
                chain = Chain::Broken(index + 1);
            } else if named != previous.as_deref() {
                // The line before is not the one whose hash this line carries.
                chain = Chain::Broken(index.max(1));
            }
        }
        previous = Some(line_hash(line));
        events.extend(parsed);
    }
    if events.is_empty() {
        return Err(broken("it has no complete line"));
    }
    let meta = events.remove(0);
    match meta["v"].as_u64() {
        Some(version) if version <= u64::from(VERSION) => {
            Ok(Recorded { meta, events, chain, end: previous.unwrap_or_default() })
        }
        Some(version) => Err(broken(&format!("it has version {version}, written by a later todo-agent"))),
        None => Err(broken("its first line does not say what it is")),
    }
}

impl Recorded {
    fn listed(&self) -> Listed {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let sentence = self.events.iter().find(|event| event["event"] == "sentence");
        Listed {
            id: text(&self.meta["id"]),
            started: text(&self.meta["at"]),
            context: text(&self.meta["context"]),
            namespace: text(&self.meta["namespace"]),
            sentence: sentence.map(|event| text(&event["text"])),
            outcome: self.outcome(),
        }
    }

    /// Returns how the last turn ended, in a few words.
    fn outcome(&self) -> String {
        if let Chain::Broken(line) = self.chain {
            return format!("changed afterwards, line {line}");
        }
        let mut answered = false;
        for event in self.events.iter().rev() {
            let word = match event["event"].as_str().unwrap_or_default() {
                // An answer only closes a turn; what came before it says how it went.
                "answer" => {
                    answered = true;
                    continue;
                }
                "error" => format!("error: {}", event["code"].as_str().unwrap_or("unknown")),
                "report" if all_done(event) => "changed".to_owned(),
                "report" => "not achieved".to_owned(),
                "decision" if event["verdict"] == "approved" => "interrupted".to_owned(),
                "decision" => event["verdict"].as_str().unwrap_or("unknown").replace('_', " "),
                "question" => "asked back".to_owned(),
                "tool_result" if event["achieved"] == false => "not achieved".to_owned(),
                "tool_result" => "answered".to_owned(),
                "sentence" | "tool_call" | "preview" if answered => "answered".to_owned(),
                "sentence" | "tool_call" | "preview" => "interrupted".to_owned(),
                _ => continue,
            };
            return word;
        }
        "nothing asked".to_owned()
    }
}

fn all_done(report: &Value) -> bool {
    let done = |effect: &Value| effect["outcome"] == "done";
    report["effects"].as_array().is_some_and(|effects| effects.iter().all(done))
        && report["remaining"].as_array().is_none_or(Vec::is_empty)
}
