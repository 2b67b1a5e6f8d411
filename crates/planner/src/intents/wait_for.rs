//! "wait until backend is ready", "tell me when the rollout of frontend is finished": wait for a condition.

use super::{Arguments, Heard, Hearing, Intent, lacks_target};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention, time};

pub(crate) struct WaitFor;

const VERBS: &[&str] = &[
    "wait for",
    "wait until",
    "wait till",
    "wait til",
    "wait that",
    "wait",
    "await",
    "hold on until",
    "hold until",
    "hold on till",
    "hang on until",
    "tell me when",
    "tell me once",
    "tell me as soon as",
    "let me know when",
    "let me know once",
    "let me know as soon as",
    "notify me when",
    "notify me once",
    "inform me when",
    "inform me once",
    "ping me when",
    "block until",
    "watch until",
    "watch backend until",
    "keep waiting until",
    "keep waiting for",
    "stay until",
    "report when",
    "report back when",
    "alert me when",
    "say when",
    "tell when",
    "make sure",
    "ensure",
];

/// Phrases for a condition; the longest at a place wins.
const CONDITIONS: &[(&str, &str)] = &[
    ("deleted", "deleted"),
    ("gone", "deleted"),
    ("removed", "deleted"),
    ("terminated", "deleted"),
    ("disappears", "deleted"),
    ("disappeared", "deleted"),
    ("disappear", "deleted"),
    ("deletion", "deleted"),
    ("exists", "exists"),
    ("exist", "exists"),
    ("created", "exists"),
    ("appears", "exists"),
    ("appear", "exists"),
    ("there", "exists"),
    ("rolled out", "rolled_out"),
    ("finish rolling out", "rolled_out"),
    ("finished rolling out", "rolled_out"),
    ("finishes rolling out", "rolled_out"),
    ("done rolling out", "rolled_out"),
    ("complete rolling out", "rolled_out"),
    ("completed rolling out", "rolled_out"),
    ("roll out", "rolled_out"),
    ("rollout", "rolled_out"),
    ("rollouts", "rolled_out"),
    ("fully deployed", "rolled_out"),
    ("deployed", "rolled_out"),
    ("updated", "rolled_out"),
    ("restarted", "rolled_out"),
    ("ready", "ready"),
    ("running", "ready"),
    ("available", "available"),
    ("availability", "available"),
    ("up again", "available"),
    ("back up", "available"),
    ("comes up", "available"),
    ("come up", "available"),
    ("come back", "available"),
    ("comes back", "available"),
    ("back online", "available"),
    ("up", "available"),
    ("online", "available"),
    ("back", "available"),
    ("alive", "available"),
    ("reachable", "available"),
];

const GLUE: &[&str] = &[
    "to be",
    "to become",
    "to get",
    "to have",
    "to",
    "is",
    "are",
    "be",
    "becomes",
    "become",
    "has",
    "have",
    "been",
    "gets",
    "fully",
    "completely",
    "again",
    "all",
    "finished",
    "finishes",
    "finish",
    "complete",
    "completes",
    "completed",
    "done",
    "over",
    "through",
    "succeeds",
    "succeeded",
    "ended",
    "ends",
    "it's",
    "properly",
    "state",
    "status",
    "condition",
    "until",
    "for",
    "of",
    "in",
    "replicas of",
    "replicas",
    "replica",
    "will be",
    "every",
    "started",
];

const LIMITS: &[&str] = &[
    "for up to",
    "for at most",
    "for max",
    "for maximum",
    "with timeout of",
    "with timeout",
    "timeout of",
    "timeout",
    "no longer than",
    "not longer than",
    "up to",
    "at most",
    "maximum of",
    "maximum",
    "max",
    "within",
    "for",
];

impl Intent for WaitFor {
    fn tool(&self) -> &'static str {
        "wait_for"
    }

    fn examples(&self) -> &'static [&'static str] {
        &["wait until backend is ready", "wait 60 seconds for backend"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let mut heard = Heard::default();
        let verb = segment.take_head(VERBS);
        if verb.is_none() && hearing == Hearing::Fresh {
            return None;
        }
        if verb.is_some_and(|verb| matches!(verb.phrase, "make sure" | "ensure")) {
            // "make sure backend is ready" may ask for a repair; waiting is not what is meant.
            return None;
        }
        if let Some(seconds) = take_limit(segment) {
            heard.arguments.insert("seconds".to_owned(), seconds.into());
        }
        let condition = take_condition(segment);
        segment.take_all(GLUE);
        if verb.is_some_and(|verb| !verb.phrase.starts_with("wait") && verb.phrase != "await") && condition.is_none() {
            return None;
        }
        if condition.is_some() || hearing == Hearing::Fresh {
            heard.arguments.insert("condition".to_owned(), condition.unwrap_or("available").into());
        }
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        super::describe::aim_at_object(target, arguments);
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        lacks_target(arguments, "name")
    }

    fn question(&self, _: Missing, _: &Arguments) -> String {
        "What should be waited for?".to_owned()
    }
}

fn take_limit(segment: &mut Segment) -> Option<u64> {
    if let Some(value) = segment.take_flag(&["--timeout"]) {
        let digits = value.trim_end_matches('s');
        return digits.parse().ok();
    }
    for index in 0..segment.len() {
        let begin = segment.longest_at(index, LIMITS).map_or(index, |found| found.end);
        if let Some((seconds, end)) = time::span_at(segment, begin, begin > index) {
            segment.use_range(index, end);
            segment
                .longest_at(end, &["at most", "max", "maximum"])
                .map(|found| segment.use_range(found.start, found.end))
                .unwrap_or_default();
            return Some(seconds);
        }
    }
    None
}

/// Takes the condition; "rollout" yields to a plainer word beside it only if that word is not "finished".
fn take_condition(segment: &mut Segment) -> Option<&'static str> {
    let phrases: Vec<&'static str> = CONDITIONS.iter().map(|(phrase, _)| *phrase).collect();
    let mut condition = None;
    while let Some(found) = segment.take(&phrases) {
        let meaning = CONDITIONS.iter().find(|(phrase, _)| *phrase == found.phrase).map(|(_, meaning)| *meaning);
        condition = match (condition, meaning) {
            (Some("rolled_out"), Some("ready" | "available")) => Some("rolled_out"),
            (Some(first), Some(second)) if first != second => return None,
            (_, meaning) => meaning,
        };
    }
    condition
}
