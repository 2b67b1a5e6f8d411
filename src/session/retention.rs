//! Which recorded sessions are kept, and how one is removed.
//!
//! Old ones, and the oldest of too many, go when a new one begins or when a person says so. What a person
//! names is removed all or not at all: an id that is none removes nothing.

use std::{fs, num::NonZero, path::Path};

use jiff::{SignedDuration, Timestamp};

use super::{FOLDER, Listed, read};
use crate::{problem::Problem, state::StateDirectory};

/// How long and how many sessions are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Older ones go; none keeps them whatever their age.
    pub age: Option<SignedDuration>,
    /// The oldest beyond so many go; none keeps them all.
    pub files: Option<usize>,
}

impl Retention {
    /// Returns the age of so many days.
    pub fn age_of_days(days: NonZero<u32>) -> SignedDuration {
        SignedDuration::from_hours(24 * i64::from(days.get()))
    }

    /// Returns the days after which sessions go.
    pub fn days(&self) -> Option<i64> {
        self.age.map(|age| age.as_hours() / 24)
    }

    /// Returns which of these ids, the newest first, are not kept. Ids begin with the time they started at.
    fn beyond(&self, ids: Vec<String>, now: Timestamp) -> Vec<String> {
        let oldest = self.age.map(|age| {
            let oldest = now.saturating_sub(age).unwrap_or(Timestamp::MIN);
            oldest.strftime("%Y%m%d-%H%M%S").to_string()
        });
        let too_old = |id: &String| oldest.as_ref().is_some_and(|oldest| id < oldest);
        let too_many = |index: usize| self.files.is_some_and(|files| index >= files);
        ids.into_iter().enumerate().filter(|(index, id)| too_many(*index) || too_old(id)).map(|(_, id)| id).collect()
    }
}

impl Default for Retention {
    /// Thirty days, two hundred files.
    fn default() -> Self {
        Self { age: Some(SignedDuration::from_hours(24 * 30)), files: Some(200) }
    }
}

/// Makes room for a new session. A file that cannot be removed stays.
pub(super) fn make_room(folder: &Path, now: Timestamp, retention: Retention) {
    // One less than is kept: a new file is about to appear.
    let files = retention.files.map(|files| files.saturating_sub(1));
    for id in (Retention { files, ..retention }).beyond(read::ids(folder), now) {
        let _ = fs::remove_file(read::path(folder, &id));
    }
}

/// Returns the sessions that are not kept, newest first.
pub fn beyond(state: &StateDirectory, now: Timestamp, retention: Retention) -> Vec<Listed> {
    let folder = state.path().join(FOLDER);
    retention.beyond(read::ids(&folder), now).into_iter().map(|id| read::listed(&folder, id)).collect()
}

/// Returns the sessions with these ids, or with the only ids that start like this, each once.
///
/// # Errors
/// Returns the first that is none, or several.
pub fn find(state: &StateDirectory, starts: &[String]) -> Result<Vec<Listed>, Problem> {
    let folder = state.path().join(FOLDER);
    let mut found: Vec<String> = Vec::new();
    for start in starts {
        let id = read::find(&folder, start)?;
        if !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found.into_iter().map(|id| read::listed(&folder, id)).collect())
}

/// Removes sessions.
///
/// # Errors
/// Returns the first that cannot be removed, and how many were before it.
pub fn remove(state: &StateDirectory, sessions: &[Listed]) -> Result<(), Problem> {
    let folder = state.path().join(FOLDER);
    for (index, session) in sessions.iter().enumerate() {
        fs::remove_file(read::path(&folder, &session.id)).map_err(|error| {
            Problem::state(format!("session {} cannot be removed: {error}", session.id))
                .hint(format!("{index} of {} were removed before it", sessions.len()))
        })?;
    }
    Ok(())
}
