//! Typing errors in the words of the intents, at edit distance 1 (2 in words of seven letters and more).
//!
//! Only words that are neither common, nor a name in the cluster, nor shaped like a generated name are
//! corrected, and only when the sentence made no sense as typed. Names are never corrected.

use strsim::osa_distance;

use crate::{
    lexicon::common::is_common,
    segment::Segment,
    tokens::{Token, TokenKind},
};

/// Verbs that change something; corrected only at the start of a segment.
const CHANGES: &[&str] =
    &["scale", "restart", "rollback", "revert", "pause", "resume", "unpause", "undo", "increase", "decrease", "double"];

/// Other words that matter.
const WORDS: &[&str] = &[
    "events",
    "logs",
    "rollout",
    "status",
    "history",
    "replicas",
    "replica",
    "previous",
    "namespace",
    "namespaces",
    "revision",
    "revisions",
    "errors",
    "warnings",
    "minutes",
    "container",
    "until",
    "ready",
    "available",
    "version",
    "since",
    "failing",
    "running",
    "pending",
];

/// Words that are corrected only at the start of a segment, like verbs.
const ASKING: &[&str] = &["show", "list", "wait", "describe", "display", "details", "follow"];

/// Words that look like typing errors and are none.
const CORRECT: &[&str] = &[
    // other languages
    "scala",
    "skala",
    "scalare",
    "restarte",
    "restartet",
    "pausa",
    "pausiere",
    "repliche",
    "repliken",
    "zeige",
    "liste",
    "undici",
    "pauze",
    "starte",
    // English
    "reverse",
    "reserve",
    "revers",
    "rescue",
    "rescale",
    "resale",
    "restate",
    "restyle",
    "shop",
    "shops",
    "snow",
    "shot",
    "shoe",
    "slow",
    "lint",
    "lisp",
    "lost",
    "host",
    "post",
    "last",
    "wail",
    "bait",
    "lags",
    "legs",
    "dogs",
    "lugs",
    "pods",
    "pause",
    "paused",
    "cause",
    "scare",
    "stale",
    "scalar",
    "stage",
    "since",
    "reader",
    "reads",
    "redis",
    "avail",
    "undoes",
    "resumes",
    "pauses",
    "reverts",
    "reporter",
    "scaler",
    "logger",
    "replicate",
    "container",
    "lister",
    "waiter",
];

/// Returns the segment with likely typing errors corrected, or `None` if there is nothing to correct.
pub(crate) fn corrected(segment: &Segment, is_name: impl Fn(&str) -> bool) -> Option<Segment> {
    let mut fixed = segment.clone();
    let mut changed = false;
    for (index, token) in fixed.tokens_mut().iter_mut().enumerate() {
        if token.kind != TokenKind::Word || is_name(&token.word) {
            continue;
        }
        let candidates =
            WORDS.iter().chain(if index == 0 { CHANGES } else { &[] }).chain(if index == 0 { ASKING } else { &[] });
        if let Some(word) = nearest(&token.word, candidates) {
            *token = Token { text: token.text.clone(), word: word.to_owned(), kind: TokenKind::Word };
            changed = true;
        }
    }
    changed.then_some(fixed)
}

fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a &'static str>) -> Option<&'static str> {
    let length = word.chars().count();
    if length < 4
        || is_common(word)
        || CORRECT.contains(&word)
        || !word.chars().all(|character| character.is_ascii_lowercase())
    {
        return None;
    }
    let bound = if length >= 7 { 2 } else { 1 };
    candidates
        .filter(|candidate| candidate[..1] == word[..1])
        .map(|candidate| (osa_distance(candidate, word), *candidate))
        .filter(|(distance, _)| (1..=bound).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest_change(word: &str) -> Option<&'static str> {
        nearest(word, CHANGES.iter())
    }

    #[test]
    fn near_misses_are_corrected_and_other_words_are_not() {
        assert_eq!(nearest_change("scael"), Some("scale"));
        assert_eq!(nearest_change("restrat"), Some("restart"));
        assert_eq!(nearest_change("roolback"), Some("rollback"));
        for other in ["start", "scaled", "scales", "restarted", "report", "state", "skaliere", "backend", "scan"] {
            assert_eq!(nearest_change(other), None, "{other}");
        }
    }
}
