//! The journal on disk: one file per cluster, one JSON record per line, on disk before anything is sent.
//!
//! Several processes may write and read the same file: each record is appended whole under a lock. A line
//! that a crash tore is passed over when reading and closed off before the next record, never repaired.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use todo_agent_core::journal::{History, Journal, JournalError, JournalRecord, PastChange, read_changes};

use crate::{
    problem::Problem,
    state::{StateDirectory, private_append},
};

/// How many journals of in-process sandboxes are kept; each of those clusters lived for one run only.
const KEPT_SANDBOXES: usize = 50;

/// What the identity of an in-process sandbox starts with; the time of its start follows.
pub const SANDBOX_IDENTITY: &str = "sandbox-";

/// Writes the journal of one cluster. The file appears with the first change.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
}

impl FileJournal {
    /// Opens the journal of the cluster with this identity.
    ///
    /// # Errors
    /// Returns why there can be none; nothing may then be changed.
    pub fn open(state: &StateDirectory, identity: &str) -> Result<Self, Problem> {
        let folder = state.directory("journal")?;
        if identity.starts_with(SANDBOX_IDENTITY) {
            forget_old_sandboxes(&folder);
        }
        Ok(Self { path: folder.join(file_name(identity)) })
    }

    /// Returns the reader of the same journal.
    pub fn history(&self) -> FileHistory {
        FileHistory { path: self.path.clone() }
    }

    fn write(&self, record: &JournalRecord) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        // Opened anew for each record: one that was removed meanwhile must not swallow what follows.
        let made = !self.path.exists();
        let mut file = private_append(&self.path)?;
        file.lock()?;
        let written = close_torn_line(&mut file).and_then(|()| file.write_all(&line)).and_then(|()| {
            // The metadata that matters, the length, is part of what this flushes.
            file.sync_data()
        });
        file.unlock()?;
        written?;
        if made { sync_folder(&self.path) } else { Ok(()) }
    }
}

/// Makes the name of a new file as lasting as its content.
#[cfg(unix)]
fn sync_folder(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
fn sync_folder(_file: &Path) -> io::Result<()> {
    Ok(())
}

/// Ends a line that another process left unfinished, so that the next record stands on its own.
fn close_torn_line(file: &mut File) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    if length == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::Start(length - 1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last == *b"\n" { Ok(()) } else { file.write_all(b"\n") }
}

/// Removes the oldest journals of clusters that ended with the process that made them.
fn forget_old_sandboxes(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
    let mut names: Vec<_> =
        names.filter(|name| name.to_str().is_some_and(|name| name.starts_with(SANDBOX_IDENTITY))).collect();
    names.sort_unstable();
    let surplus = (names.len() + 1).saturating_sub(KEPT_SANDBOXES);
    for name in names.into_iter().take(surplus) {
        let _ = fs::remove_file(folder.join(name));
    }
}

impl Journal for FileJournal {
    fn append(&mut self, record: &JournalRecord) -> Result<(), JournalError> {
        self.write(record).map_err(|error| JournalError(format!("{}: {error}", self.path.display())))
    }
}

/// Reads the journal of one cluster, anew for each question, because other processes write it too.
#[derive(Debug, Clone)]
pub struct FileHistory {
    path: PathBuf,
}

impl FileHistory {
    /// Returns the reader of the journal of the cluster with this identity, which need not exist.
    pub fn new(state: &StateDirectory, identity: &str) -> Self {
        Self { path: state.path().join("journal").join(file_name(identity)) }
    }

    /// Returns every change, oldest first.
    fn changes(&self) -> Vec<PastChange> {
        read_changes(read_records(&self.path).unwrap_or_default())
    }
}

impl History for FileHistory {
    fn find(&self, change_id: &str) -> Option<PastChange> {
        self.changes().into_iter().rev().find(|change| change.change_id == change_id)
    }

    fn last(&self) -> Option<PastChange> {
        self.changes()
            .into_iter()
            .rev()
            .filter(|change| change.undoes.is_none() && change.undone_by.is_none() && change.touched_the_cluster())
            .find(|change| !change.ends_by_itself())
    }

    fn unfinished(&self) -> Vec<PastChange> {
        self.changes().into_iter().filter(|change| !change.unanswered.is_empty()).collect()
    }
}

/// Returns the records that can be read, oldest first. A record of a later version of this program is
/// passed over like a torn one.
fn read_records(path: &Path) -> io::Result<Vec<JournalRecord>> {
    let bytes = fs::read(path)?;
    Ok(bytes.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

/// Returns a file name for an identity: a uid or a hash, but whatever it is, it stays in its folder.
fn file_name(identity: &str) -> String {
    let safe: String = identity
        .chars()
        .take(100)
        .map(|character| if character.is_ascii_alphanumeric() || character == '-' { character } else { '_' })
        .collect();
    format!("{safe}.jsonl")
}

#[cfg(test)]
mod tests;
