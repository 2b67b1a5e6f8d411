//! "rollout status of backend", "is the backend ready?", "which revisions does backend have?".
//!
//! Asking whether something is ready or how many replicas it has is answered by the same tool: its state and
//! its revisions.

use super::{Arguments, Heard, Hearing, Intent, lacks_target, reading};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention};

pub(crate) struct Rollout;

const NOUNS: &[&str] = &[
    "rollout status",
    "rollout state",
    "rollout history",
    "rollout progress",
    "rollout revisions",
    "revision history",
    "deployment history",
    "deployment status",
    "replica status",
    "history of rollouts",
    "history of revisions",
    "rollout",
    "rollouts",
    "revisions",
    "revision",
    "history",
    "status",
    "state",
    "progress",
    "current status",
    "current state",
    "version history",
    "running status",
    "statuses",
];
/// Conditions that a question may ask about: "is backend …?".
const STATES: &[&str] = &[
    "ready",
    "available",
    "up",
    "running",
    "rolled out",
    "alive",
    "deployed",
    "done",
    "finished",
    "complete",
    "completed",
    "online",
    "fully rolled out",
    "fully available",
    "fully ready",
    "back",
    "back up",
    "stable",
    "up to date",
    "updated",
    "restarted",
    "started",
    "finished rolling out",
    "done rolling out",
    "finish rolling out",
    "finish",
    "succeed",
    "succeeded",
    "successful",
    "successfully rolled out",
    "complete rolling out",
    "progressing",
    "scaled",
    "rolling out",
    "still rolling out",
    "still running",
    "still up",
    "paused",
    "live",
];
const QUESTIONS: &[&str] = &[
    "is",
    "are",
    "has",
    "did",
    "was",
    "were",
    "does",
    "check if",
    "check whether",
    "see if",
    "tell me if",
    "verify that",
    "verify if",
    "check that",
    "know if",
];
const COUNTS: &[&str] = &[
    "how many replicas",
    "how many instances",
    "how many copies",
    "how many pods",
    "number of replicas",
    "replica count",
    "how many running replicas",
];
const HOW: &[&str] = &["how is", "how's", "how are", "how far is", "how does", "how did"];
const HOW_ENDS: &[&str] = &["going", "doing", "go", "progressing", "coming along", "look", "looking"];
const GLUE: &[&str] = &[
    "all replicas of",
    "replicas of",
    "all pods of",
    "pods of",
    "replicas",
    "replica",
    "replicas running",
    "running",
    "available",
    "ready",
    "up",
    "all",
    "already",
    "yet",
    "again",
    "still",
    "now",
    "currently",
    "with",
    "rollout",
    "going",
    "go",
    "in",
    "fully",
    "successfully",
    "have",
    "has",
    "does",
    "there",
    "of",
    "for",
    "every replica of",
    "desired",
    "correctly",
    "everything",
];

impl Intent for Rollout {
    fn tool(&self) -> &'static str {
        "rollout"
    }

    fn examples(&self) -> &'static [&'static str] {
        &["rollout status of backend", "is backend ready?", "history of frontend"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let mut heard = Heard::default();
        if hearing == Hearing::GoingOn {
            return Some(heard);
        }
        if let Some(found) = segment.take(COUNTS) {
            // "how many pods are running" counts pods of the namespace, not of one workload.
            heard.weak = found.phrase == "how many pods";
            segment.take_all(GLUE);
            reading::take_head(segment);
            return Some(heard);
        }
        let first = segment.head()?;
        if let Some(how) = segment.longest_at(first, HOW) {
            let end = segment.find(HOW_ENDS);
            let noun = segment.find(NOUNS);
            if end.is_none() && noun.is_none() {
                return None;
            }
            segment.use_range(how.start, how.end);
            segment.take(NOUNS);
            segment.take(HOW_ENDS);
            heard.weak = true;
            return Some(heard);
        }
        if let Some(question) = segment.longest_at(first, QUESTIONS)
            && let Some(state) = (question.end..segment.len()).rev().find_map(|at| segment.longest_at(at, STATES))
        {
            segment.use_range(question.start, question.end);
            let state = (question.end..=state.start).find_map(|at| segment.longest_at(at, STATES)).unwrap_or(state);
            segment.use_range(state.start, state.end);
            segment.take_all(GLUE);
            heard.weak = true;
            return Some(heard);
        }
        segment.take(NOUNS)?;
        segment.take(NOUNS);
        reading::take_head(segment);
        segment.take_all(&[
            "all", "running", "active", "live", "past", "previous", "full", "current", "does", "have", "exist",
            "there", "exists",
        ]);
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        arguments.insert("workload".to_owned(), target.workload().into());
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        lacks_target(arguments, "workload")
    }
}
