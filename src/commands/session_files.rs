//! `todo-agent sessions rm|prune|export`: what is done with the files of recorded sessions.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde_json::json;
use todo_agent_core::{Output, Redactor, text};

use crate::{
    options::Existing,
    problem::Problem,
    session::{
        self, Listed, Retention,
        export::{self, Format},
    },
    state::{StateDirectory, private, write_atomically},
};

/// Where and how a session is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The session's id, or the start of it.
    pub id: String,
    /// The format; none follows the file's name.
    pub format: Option<Format>,
    /// The file; none means standard output.
    pub out: Option<PathBuf>,
    /// What happens to a file that is there already.
    pub existing: Existing,
}

/// Whether sessions are removed or only named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// They are removed.
    Done,
    /// They are named.
    Shown,
}

/// Removes the sessions with these ids, all of them or none.
///
/// # Errors
/// Returns which id is none or several, or what cannot be removed.
pub(crate) fn remove(
    state: &StateDirectory,
    ids: &[String],
    removal: Removal,
    redactor: &Redactor,
) -> Result<Output, Problem> {
    let found = session::find(state, ids)?;
    removed(state, found, removal, redactor)
}

/// Removes the sessions that a retention does not keep.
///
/// # Errors
/// Returns what cannot be removed.
pub(crate) fn prune(
    state: &StateDirectory,
    retention: Retention,
    removal: Removal,
    redactor: &Redactor,
) -> Result<Output, Problem> {
    let found = session::beyond(state, Timestamp::now(), retention);
    removed(state, found, removal, redactor)
}

fn removed(
    state: &StateDirectory,
    sessions: Vec<Listed>,
    removal: Removal,
    redactor: &Redactor,
) -> Result<Output, Problem> {
    let number = text::count(sessions.len(), "session");
    let (key, said) = match removal {
        Removal::Done => ("removed", format!("{number} removed")),
        Removal::Shown => ("would_remove", format!("dry run: {number} would be removed")),
    };
    if removal == Removal::Done {
        session::remove(state, &sessions)?;
    }
    let output = Output::build(redactor, &json!({ key: sessions })).text(said);
    if sessions.is_empty() {
        return Ok(output.build());
    }
    let rows = sessions
        .into_iter()
        .map(|listed| vec![listed.id, listed.outcome, listed.sentence.unwrap_or_else(|| "(a call)".to_owned())]);
    Ok(output.table(&["SESSION", "OUTCOME", "FIRST SENTENCE"], rows).build())
}

/// What an export made.
#[derive(Debug, Clone, PartialEq)]
pub enum Exported {
    /// The report, for standard output.
    Text(String),
    /// A file, and what is said of it.
    File(Output),
}

/// Exports a session as an incident report, to a file only this person can read or to standard output.
///
/// # Errors
/// Returns that there is no such session, or why the file is not written.
pub fn export(state: &StateDirectory, wish: &Export, redactor: &Redactor) -> Result<Exported, Problem> {
    let recorded = session::open(state, &wish.id)?;
    let named = wish.out.as_deref().and_then(Format::of_file);
    let report = export::export(&recorded, wish.format.or(named).unwrap_or_default(), redactor);
    let Some(path) = &wish.out else { return Ok(Exported::Text(report)) };
    write(path, &report, wish.existing).map_err(|error| not_written(path, &error))?;
    let file = path.display().to_string();
    let data = json!({ "exported": recorded.meta["id"], "file": file, "bytes": report.len() });
    let said = format!("session {} is exported to {file}", recorded.meta["id"].as_str().unwrap_or(&wish.id));
    Ok(Exported::File(Output::build(redactor, &data).text(said).build()))
}

fn write(path: &Path, report: &str, existing: Existing) -> io::Result<()> {
    match existing {
        Existing::Kept => io::Write::write_all(&mut private(path)?, report.as_bytes()),
        // A device or a directory is not a report to be replaced.
        Existing::Replaced if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) => {
            Err(io::Error::other("it is not a regular file"))
        }
        Existing::Replaced => write_atomically(path, report.as_bytes()),
    }
}

fn not_written(path: &Path, error: &io::Error) -> Problem {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Problem::usage(format!("{path} is there already")).hint("--force replaces it; another --out leaves it")
        }
        _ => Problem::state(format!("{path} cannot be written: {error}")),
    }
}
