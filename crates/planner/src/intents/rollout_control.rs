//! "restart backend", "roll back frontend to revision 3", "pause the rollout of backend": steer a rollout.
//!
//! The verb must stand first. A restart that is only spoken of ("the restart of backend") is none.

use serde_json::Value;

use super::{Arguments, Heard, Hearing, Intent, lacks_target};
use crate::{
    context::Context,
    lexicon::kinds,
    number::{self, Amount},
    planned::Missing,
    segment::Segment,
    target::Mention,
};

pub(crate) struct RolloutControl;

const RESTART: &[&str] = &[
    "restart",
    "re-start",
    "rollout restart",
    "rolling restart",
    "rolling-restart",
    "roll restart",
    "bounce",
    "reboot",
    "recycle",
    "cycle",
    "kick",
    "rolling restart of",
    "restart rollout of",
];
/// Verbs before the noun "restart".
const DOING: &[&str] =
    &["do", "perform", "trigger", "make", "execute", "initiate", "run", "start", "issue", "request", "force"];
const RESTART_NOUNS: &[&str] = &["restart", "rolling restart", "rollout restart", "reboot", "rolling update restart"];
const GIVING: &[&str] = &["restart", "rolling restart", "kick", "bounce", "reboot"];
const UNDO: &[&str] = &[
    "rollout undo",
    "roll back",
    "rollback",
    "roll-back",
    "undo rollout of",
    "undo rollout for",
    "undo deployment of",
    "undo last rollout of",
    "undo latest rollout of",
    "undo last deployment of",
    "revert",
    "do rollback of",
    "perform rollback of",
    "do roll back of",
    "make rollback of",
    "revert rollout of",
    "roll back rollout of",
    "trigger rollback of",
    "revert last rollout of",
    "roll back last rollout of",
    "roll back deployment of",
    "rollback deployment of",
    "undo rollout on",
];
/// Verbs that mean a rollback only with an earlier version.
const RETURN: &[&str] = &[
    "go back",
    "return",
    "switch back",
    "switch",
    "restore",
    "bring back",
    "get back",
    "set back",
    "move back",
    "change back",
    "bring",
    "set",
    "put",
    "take",
    "reset",
];
const PAUSE: &[&str] = &[
    "rollout pause",
    "pause",
    "pause rollout of",
    "pause rollout for",
    "pause rollouts of",
    "freeze rollout of",
    "pause rolling out",
    "pause updates of",
    "pause deployment of",
];
const RESUME: &[&str] = &[
    "rollout resume",
    "resume",
    "unpause",
    "un-pause",
    "resume rollout of",
    "resume rollout for",
    "continue rollout of",
    "unfreeze rollout of",
    "continue with rollout of",
    "continue rolling out",
    "unpause rollout of",
    "resume rolling out",
    "unpause rollout for",
    "continue rollout for",
    "resume deployment of",
];
/// Ways to say "the version before".
const EARLIER: &[&str] = &[
    "previous version",
    "previous revision",
    "previous release",
    "previous deployment",
    "previous one",
    "previous state",
    "previous rollout",
    "last version",
    "last revision",
    "last release",
    "last working version",
    "earlier version",
    "earlier revision",
    "version before",
    "revision before",
    "old version",
    "former version",
    "prior version",
    "prior revision",
    "one version",
    "one revision",
    "one step",
    "previous",
    "last good version",
    "last known good version",
    "last good revision",
];
const OF: &[&str] = &["pods of", "pods for", "pods from", "rollout of", "rollouts of", "deployment of", "rollout for"];
const NOUNS: &[&str] = &["rollout", "rollouts", "rolling update"];

impl Intent for RolloutControl {
    fn tool(&self) -> &'static str {
        "rollout_control"
    }

    fn writes(&self) -> bool {
        true
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &["of", "for", "on"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["restart backend", "roll back frontend to revision 3", "pause backend"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let action = take_action(segment);
        let Some(action) = action else {
            if hearing == Hearing::Fresh {
                return None;
            }
            // "… and frontend to revision 2"
            let mut heard = Heard::default();
            take_revision(segment, &mut heard);
            return Some(heard);
        };
        let mut heard = Heard::default();
        heard.arguments.insert("action".to_owned(), action.into());
        segment.take(OF);
        if action == "undo" {
            take_revision(segment, &mut heard);
            if segment.find(&["back"]).is_some() {
                segment.take(&["back"]);
            }
        }
        if action != "restart" {
            segment.take(NOUNS);
        }
        if !kinds::only_with_pods(segment) {
            return None;
        }
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        arguments.insert("workload".to_owned(), target.workload().into());
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        lacks_target(arguments, "workload")
    }

    fn question(&self, _: Missing, arguments: &Arguments) -> String {
        let what = match arguments.get("action").and_then(Value::as_str) {
            Some("undo") => "rolled back",
            Some("pause") => "paused",
            Some("resume") => "resumed",
            _ => "restarted",
        };
        format!("Which workload should be {what}?")
    }
}

fn take_action(segment: &mut Segment) -> Option<&'static str> {
    let head = segment.head()?;
    // "do a rolling restart of", "give backend a restart"
    if let Some(verb) = segment.longest_at(head, DOING)
        && let Some(noun) = segment.longest_at(verb.end, RESTART_NOUNS)
    {
        segment.use_range(verb.start, noun.end);
        return Some("restart");
    }
    if let Some(verb) = segment.longest_at(head, &["give"])
        && let Some(noun) = segment.find(GIVING)
        && segment.free(noun.end).is_none()
    {
        segment.use_range(verb.start, verb.end);
        segment.use_range(noun.start, noun.end);
        return Some("restart");
    }
    // "roll backend back"
    if segment.match_at(head, "roll").is_some()
        && let Some(back) = segment.find(&["back"])
        && back.start > head + 1
    {
        segment.use_range(head, head + 1);
        segment.use_range(back.start, back.end);
        return Some("undo");
    }
    let tables = [(RESTART, "restart"), (UNDO, "undo"), (PAUSE, "pause"), (RESUME, "resume")];
    let found = tables
        .into_iter()
        .filter_map(|(verbs, action)| segment.longest_at(head, verbs).map(|found| (found, action)))
        .max_by_key(|(found, _)| found.end);
    // "continue the backend rollout"
    let stem = [
        ("continue", "resume"),
        ("continue with", "resume"),
        ("proceed with", "resume"),
        ("unfreeze", "resume"),
        ("freeze", "pause"),
        ("undo", "undo"),
        ("revert", "undo"),
        ("roll back", "undo"),
        ("rollback", "undo"),
    ];
    if found.is_none_or(|(found, _)| !found.phrase.contains(' '))
        && let Some((end, action)) =
            stem.into_iter().filter_map(|(verb, action)| Some((segment.match_at(head, verb)?, action))).max()
        && let Some(noun) = segment.find(NOUNS).filter(|noun| noun.start > end)
    {
        segment.use_range(head, end);
        segment.use_range(noun.start, noun.end);
        return Some(action);
    }
    if let Some((found, action)) = found {
        segment.use_range(found.start, found.end);
        return Some(action);
    }
    // "go back to the previous version of", "set backend back to revision 2"
    let verb = segment.longest_at(head, RETURN)?;
    let strong = verb.phrase.contains("back") || matches!(verb.phrase, "restore" | "return");
    let back = segment.find(&["back"]);
    let revision = segment.find(&["revision", "rev"]).is_some() || segment.find(EARLIER).is_some();
    if !revision || !(strong || back.is_some()) {
        return None;
    }
    segment.use_range(verb.start, verb.end);
    if let Some(back) = back {
        segment.use_range(back.start, back.end);
    }
    Some("undo")
}

/// Takes "to revision 3" or "to the previous version".
fn take_revision(segment: &mut Segment, heard: &mut Heard) {
    if let Some(value) = segment.take_flag(&["--to-revision"]) {
        return set_revision(heard, number::of_word(&value), &value);
    }
    for index in 0..segment.len() {
        let begin = segment
            .longest_at(index, &["back to its", "back to", "to its", "to", "by", "its"])
            .map_or(index, |found| found.end);
        if let Some(word) = segment.longest_at(begin, &["revision number", "revision", "rev", "version", "generation"])
            && let Some((amount, end)) = number::at(segment, word.end)
        {
            let text = segment.tokens()[word.end].text.clone();
            segment.use_range(index, end);
            return set_revision(heard, Some(amount), &text);
        }
        if let Some(found) = segment.longest_at(begin, EARLIER) {
            segment.use_range(index, found.end);
            return;
        }
    }
}

fn set_revision(heard: &mut Heard, amount: Option<Amount>, text: &str) {
    match amount {
        Some(Amount::Whole { value: value @ 0.., signed: false }) => {
            heard.arguments.insert("to_revision".to_owned(), value.into());
        }
        _ => heard.problem = Some(format!("\"{text}\" is not a revision: which whole number is meant?")),
    }
}
