//! What came of an approved change, effect by effect, as the cluster shows it.

use serde::{Deserialize, Serialize};

use crate::view::TargetView;

/// The result of executing a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "a report says whether the change was made"]
pub struct Report {
    /// The change's id.
    pub change_id: String,
    /// One entry per effect that was reached.
    pub effects: Vec<EffectReport>,
    /// What was approved and not sent, in a few words each.
    pub remaining: Vec<String>,
    /// How the change can be taken back, in a few words.
    pub undo: Option<String>,
    /// How long it lasts, where it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<String>,
}

/// The result of one effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectReport {
    /// What was to happen, in a few words.
    pub summary: String,
    /// The object.
    pub target: TargetView,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What a command printed, redacted; `None` where no command was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub printed: Option<Printed>,
}

/// What a command printed: text that may say anything, also what is not true.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// Its output; bytes that are no text are escaped.
    pub stdout: String,
    /// Its errors; bytes that are no text are escaped.
    pub stderr: String,
    /// Whether there was more than is kept.
    pub cut: bool,
}

impl Printed {
    /// Returns its lines, each with a mark that no line of this program's own begins with: `|` for output, `!` for
    /// errors.
    pub fn marked(&self) -> impl Iterator<Item = (char, &str)> {
        [('|', &self.stdout), ('!', &self.stderr)]
            .into_iter()
            .flat_map(|(mark, text)| text.lines().map(move |line| (mark, line)))
    }

    /// Returns whether it printed nothing.
    pub fn is_empty(&self) -> bool {
        self.stdout.is_empty() && self.stderr.is_empty()
    }
}

/// What came of one effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Sent, accepted, and seen to hold.
    Done {
        /// What was seen: `3 of 3 replicas available`.
        output: String,
    },
    /// Sent and accepted, but what should follow was not seen.
    NotVerified {
        /// What was seen instead.
        why: String,
    },
    /// Not sent: the object changed after it was previewed.
    Moved {
        /// What changed.
        why: String,
    },
    /// The server refused it; nothing changed.
    Failed {
        /// The server's reason.
        why: String,
    },
    /// Sent, and no answer came; the object's present state does not tell.
    Unknown {
        /// What is known.
        why: String,
    },
}

impl Outcome {
    /// Returns whether the effect is done and seen.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }

    /// Returns whether something was sent that may have changed the cluster.
    pub fn touched_the_cluster(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::NotVerified { .. } | Self::Unknown { .. })
    }

    /// Returns the sentence about it.
    pub fn text(&self) -> &str {
        match self {
            Self::Done { output } => output,
            Self::NotVerified { why } | Self::Moved { why } | Self::Failed { why } | Self::Unknown { why } => why,
        }
    }
}

impl Report {
    /// Returns whether every effect was done and nothing remains.
    pub fn is_complete(&self) -> bool {
        self.remaining.is_empty() && self.effects.iter().all(|effect| effect.outcome.is_done())
    }

    /// Returns whether the change stopped because an object had changed since the preview.
    pub fn moved(&self) -> bool {
        self.effects.iter().any(|effect| matches!(effect.outcome, Outcome::Moved { .. }))
    }
}
