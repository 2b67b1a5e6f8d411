//! The recent changes that watches are served from. Like the real server's watch cache, it forgets.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use thiserror::Error;

use super::Key;

/// How an object changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchEventKind {
    Added,
    Modified,
    Deleted,
}

/// One change of one object.
#[derive(Debug, Clone)]
pub(crate) struct WatchEvent {
    /// The resourceVersion of this change.
    pub(crate) revision: u64,
    pub(crate) kind: WatchEventKind,
    pub(crate) key: Key,
    /// The object after the change; its last state when deleted.
    pub(crate) object: Arc<Value>,
    /// The object before the change.
    pub(crate) previous: Option<Arc<Value>>,
}

/// The asked changes are no longer remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too old resource version: {asked} ({oldest})")]
pub(crate) struct Expired {
    /// The resourceVersion asked for.
    pub(crate) asked: u64,
    /// The oldest resourceVersion that could be asked for.
    pub(crate) oldest: u64,
}

/// The latest changes, oldest first.
#[derive(Debug)]
pub(super) struct Ring {
    events: VecDeque<WatchEvent>,
    capacity: usize,
    /// The resourceVersion of the latest forgotten change.
    forgotten: u64,
}

impl Default for Ring {
    fn default() -> Self {
        Self { events: VecDeque::new(), capacity: 4096, forgotten: 0 }
    }
}

impl Ring {
    pub(super) fn push(&mut self, event: WatchEvent) {
        self.events.push_back(event);
        self.trim();
    }

    #[cfg(test)]
    pub(super) fn resize(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.trim();
    }

    pub(super) fn since(&self, revision: u64) -> Result<impl Iterator<Item = &WatchEvent>, Expired> {
        if revision < self.forgotten {
            return Err(Expired { asked: revision, oldest: self.forgotten });
        }
        let start = self.events.partition_point(|event| event.revision <= revision);
        Ok(self.events.range(start..))
    }

    fn trim(&mut self) {
        while self.events.len() > self.capacity {
            if let Some(event) = self.events.pop_front() {
                self.forgotten = event.revision;
            }
        }
    }
}
