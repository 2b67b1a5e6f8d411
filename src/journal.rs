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

/// Writes the journal of one cluster.
#[derive(Debug)]
pub struct FileJournal {
    path: PathBuf,
    file: File,
}

impl FileJournal {
    /// Opens the journal of the cluster with this identity, creating it where it is missing.
    ///
    /// # Errors
    /// Returns why it cannot be written; nothing may then be changed.
    pub fn open(state: &StateDirectory, identity: &str) -> Result<Self, Problem> {
        let path = state.directory("journal")?.join(file_name(identity));
        let file = private_append(&path)
            .map_err(|error| Problem::state(format!("the journal {} cannot be written: {error}", path.display())))?;
        Ok(Self { path, file })
    }

    /// Returns the reader of the same journal.
    pub fn history(&self) -> FileHistory {
        FileHistory { path: self.path.clone() }
    }

    fn write(&mut self, record: &JournalRecord) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.file.lock()?;
        let written = self.close_torn_line().and_then(|()| self.file.write_all(&line)).and_then(|()| {
            // The metadata that matters, the length, is part of what this flushes.
            self.file.sync_data()
        });
        self.file.unlock()?;
        written
    }

    /// Ends a line that another process left unfinished, so that the next record stands on its own.
    fn close_torn_line(&mut self) -> io::Result<()> {
        let length = self.file.seek(SeekFrom::End(0))?;
        if length == 0 {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(length - 1))?;
        let mut last = [0];
        self.file.read_exact(&mut last)?;
        if last == *b"\n" { Ok(()) } else { self.file.write_all(b"\n") }
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
            .find(|change| change.undoes.is_none() && change.undone_by.is_none() && change.touched_the_cluster())
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
