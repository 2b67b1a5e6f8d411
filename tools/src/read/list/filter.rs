//! How a list is narrowed by status words and sorted.
//!
//! The words are those people use (`failing`, `not ready`); each kind's row says how its object does, so
//! that a word means the same for pods, workloads and nodes.

use schemars::JsonSchema;
use serde::Deserialize;
use todo_agent_core::{ResourceType, ToolError};

use super::columns::{self, Health, Row};

/// What a status word means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Status {
    Ready,
    NotReady,
    Failing,
    Crashing,
    Pending,
    Running,
    Completed,
    /// The STATUS column contains this, in any case.
    Word(String),
}

impl Status {
    /// Reads a word such as `not_ready`, `not ready`, `Crashing`. Kinds without a status take none.
    pub(super) fn read(word: &str, resource: &ResourceType) -> Result<Self, ToolError> {
        if !columns::has_status(resource) {
            return Err(ToolError::arguments(format!("{} have no status to filter by", resource.plural)));
        }
        let folded: String = word.trim().to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        Ok(match folded.as_str() {
            "" => return Err(ToolError::arguments("status is empty")),
            "ready" | "healthy" | "available" => Self::Ready,
            "notready" | "unready" | "unhealthy" | "unavailable" => Self::NotReady,
            "failing" | "failed" | "broken" | "error" | "bad" => Self::Failing,
            "crashing" | "crashed" | "crashloop" => Self::Crashing,
            "pending" | "waiting" => Self::Pending,
            "running" => Self::Running,
            "completed" | "succeeded" | "finished" | "done" => Self::Completed,
            _ => Self::Word(word.trim().to_lowercase()),
        })
    }

    /// Returns whether a row has this status.
    pub(super) fn fits(&self, row: &Row) -> bool {
        let status = row.status.to_lowercase();
        match self {
            Self::Ready => row.health == Health::Ready,
            Self::NotReady => row.health.is_not_ready(),
            Self::Failing => row.health == Health::Failing,
            Self::Crashing => status.contains("crashloop") || (row.health == Health::Failing && row.restarts > 0),
            Self::Pending => row.is_pending,
            Self::Running => status == "running",
            Self::Completed => row.health == Health::Completed,
            Self::Word(word) => status.contains(word.as_str()),
        }
    }
}

// No doc comment: models would be sent it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sort {
    #[default]
    Name,
    Restarts,
    Age,
}

impl Sort {
    /// Sorts: names ascending, most restarts first, youngest first.
    pub(super) fn apply(self, rows: &mut [Row]) {
        rows.sort_by(|one, two| (&one.namespace, &one.name).cmp(&(&two.namespace, &two.name)));
        match self {
            Self::Name => {}
            Self::Restarts => rows.sort_by_key(|row| std::cmp::Reverse(row.restarts)),
            Self::Age => rows.sort_by_key(|row| std::cmp::Reverse(row.created)),
        }
    }
}
