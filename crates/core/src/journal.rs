//! The record of every approved change, written before anything is sent, and how it is read back.
//!
//! Order per effect: `sending` (flushed to disk) → the request → `answered` → `settled`. A `sending`
//! with nothing after it means that the outcome is unknown: it is looked at again, never sent again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{change::Recipe, report::Outcome, view::TargetView};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalRecord {
    /// When it was written.
    pub at: Timestamp,
    /// The change it belongs to.
    pub change_id: String,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a journal line records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Entry {
    /// The gate admitted the change.
    Approved {
        /// The cluster's identity.
        cluster: String,
        /// Who decided: a person, `--yes`, a grant, policy.
        by: String,
        /// One summary per step.
        steps: Vec<StepRecord>,
        /// How to take it back, one recipe per changed object, in the order of the steps; empty where it
        /// cannot be.
        #[serde(default)]
        undo: Vec<Recipe>,
        /// The id of the change that this one takes back, where it is an undo.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undoes: Option<String>,
    },
    /// A request is about to be sent.
    Sending {
        /// The step's number, from 1.
        n: usize,
        /// The digest of the request, as approved.
        digest: String,
    },
    /// The server answered.
    Answered {
        /// The step's number.
        n: usize,
        /// The HTTP status.
        status: u16,
    },
    /// The step's outcome is known.
    Settled {
        /// The step's number.
        n: usize,
        /// What came of it.
        result: Outcome,
    },
    /// A later look at a request without an answer.
    Examined {
        /// The step's number.
        n: usize,
        /// What was found.
        finding: String,
    },
}

/// One step of an approved change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// What happens, in a few words.
    pub summary: String,
    /// The verb as policy knows it; empty in records of earlier versions.
    #[serde(default)]
    pub verb: String,
    /// The object.
    pub target: TargetView,
    /// The object's uid when it was approved.
    pub uid: Option<String>,
    /// The digest of the request.
    pub digest: String,
}

/// Why a journal record could not be written. Without a journal nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the journal cannot be written: {0}")]
pub struct JournalError(pub String);

/// Where records are written.
pub trait Journal: Send {
    /// Appends a record; returns once it is safely on disk.
    fn append(&mut self, record: &JournalRecord) -> Result<(), JournalError>;
}

/// A change as the journal remembers it.
#[derive(Debug, Clone, PartialEq)]
pub struct PastChange {
    /// Its id.
    pub change_id: String,
    /// When it was approved.
    pub at: Timestamp,
    /// The cluster's identity.
    pub cluster: String,
    /// Its steps.
    pub steps: Vec<StepRecord>,
    /// How to take it back.
    pub undo: Vec<Recipe>,
    /// The id of the change that this one takes back, where it is an undo.
    pub undoes: Option<String>,
    /// The id of the later change that took this one back, if one did.
    pub undone_by: Option<String>,
    /// What came of each step, by number − 1; `None` where no outcome is recorded.
    pub outcomes: Vec<Option<Outcome>>,
    /// The steps that were sent without an answer and not examined since, by number.
    pub unanswered: Vec<usize>,
}

impl PastChange {
    /// Returns whether nothing of it is left once the session that made it has ended.
    pub fn ends_by_itself(&self) -> bool {
        !self.undo.is_empty() && self.undo.iter().all(|recipe| matches!(recipe, Recipe::EndOfSession { .. }))
    }

    /// Returns whether any step may have changed the cluster.
    pub fn touched_the_cluster(&self) -> bool {
        !self.unanswered.is_empty() || self.outcomes.iter().flatten().any(Outcome::touched_the_cluster)
    }
}

/// Reads the journal of the connected cluster.
pub trait History: Send + Sync {
    /// Returns the change with this id.
    fn find(&self, change_id: &str) -> Option<PastChange>;
    /// Returns the newest change that touched the cluster, has not been undone, and is not itself an undo;
    /// undoing twice thus goes two changes back.
    fn last(&self) -> Option<PastChange>;
    /// Returns changes with requests whose outcome is unknown.
    fn unfinished(&self) -> Vec<PastChange>;
}

/// A history without a past.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHistory;

impl History for NoHistory {
    fn find(&self, _change_id: &str) -> Option<PastChange> {
        None
    }
    fn last(&self) -> Option<PastChange> {
        None
    }
    fn unfinished(&self) -> Vec<PastChange> {
        Vec::new()
    }
}

/// Reads changes out of journal records, oldest first. Records of unknown changes are passed over.
pub fn read_changes(records: impl IntoIterator<Item = JournalRecord>) -> Vec<PastChange> {
    let mut changes: Vec<PastChange> = Vec::new();
    for JournalRecord { at, change_id, entry } in records {
        if let Entry::Approved { cluster, steps, undo, undoes, .. } = entry {
            let outcomes = vec![None; steps.len()];
            changes.push(PastChange {
                change_id,
                at,
                cluster,
                steps,
                undo,
                undoes,
                undone_by: None,
                outcomes,
                unanswered: Vec::new(),
            });
            continue;
        }
        let Some(change) = changes.iter_mut().rev().find(|change| change.change_id == change_id) else {
            continue;
        };
        match entry {
            Entry::Sending { n, .. } => change.unanswered.push(n),
            Entry::Answered { n, .. } => change.unanswered.retain(|&other| other != n),
            Entry::Examined { n, finding } => {
                change.unanswered.retain(|&other| other != n);
                // Looked at is not known: it may have come about, and must then be possible to undo.
                if let Some(slot @ None) = change.outcomes.get_mut(n.wrapping_sub(1)) {
                    *slot = Some(Outcome::Unknown { why: finding });
                }
            }
            Entry::Settled { n, result } => {
                change.unanswered.retain(|&other| other != n);
                if let Some(slot) = change.outcomes.get_mut(n.wrapping_sub(1)) {
                    *slot = Some(result);
                }
            }
            Entry::Approved { .. } => {}
        }
    }
    mark_undone(&mut changes);
    changes
}

/// Notes which changes were taken back. Newest first, because an undo that was itself undone counts no more;
/// one that never reached the cluster never counted.
fn mark_undone(changes: &mut [PastChange]) {
    for index in (0..changes.len()).rev() {
        let (earlier, rest) = changes.split_at_mut(index);
        let Some(undo) = rest.first() else { continue };
        let Some(undone) = undo.undoes.as_ref() else { continue };
        if undo.undone_by.is_some() || !undo.touched_the_cluster() {
            continue;
        }
        if let Some(change) = earlier.iter_mut().rev().find(|change| change.change_id == *undone) {
            change.undone_by = Some(undo.change_id.clone());
        }
    }
}
