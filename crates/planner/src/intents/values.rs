//! Values that people give beside names: images, versions, amounts, variables, labels. Shapes only.
//!
//! What does not look like the value that is expected stays unused, so that no change is planned over it. The
//! person's word is passed on as it was typed; the tools judge it.

use serde_json::{Map, Value, json};

use crate::{
    lexicon::common::is_common,
    segment::Segment,
    tokens::{Token, TokenKind},
};

/// Returns whether a token is a version: `v2`, `1.25.3`, `v1.1.0-rc1`; a bare number may be a count.
pub(super) fn is_version(token: &Token) -> bool {
    let word = token.word.as_str();
    let after = word.strip_prefix('v').unwrap_or(word);
    let marked = after.len() < word.len() || after.contains('.');
    token.kind != TokenKind::Mark
        && marked
        && after.starts_with(|character: char| character.is_ascii_digit())
        && after.chars().all(|character| character.is_ascii_alphanumeric() || "._-+".contains(character))
}

/// Returns whether a token can only be an image: with a tag, a registry or a version.
pub(super) fn is_image(token: &Token) -> bool {
    let text = token.text.as_str();
    let allowed = |character: char| character.is_ascii_alphanumeric() || "._-/:@".contains(character);
    let marked = text.trim_start_matches(':').contains([':', '/']) || text.starts_with(':');
    is_version(token)
        || (token.kind != TokenKind::Mark
            && marked
            && text.chars().all(allowed)
            && text.ends_with(|character: char| character.is_ascii_alphanumeric()))
}

/// Returns whether a token can be an image where one is expected: also a plain word such as `nginx`.
pub(crate) fn may_be_image(token: &Token) -> bool {
    let plain = token.kind != TokenKind::Mark
        && token.word.starts_with(|character: char| character.is_ascii_alphabetic())
        && token.word.chars().all(|character| character.is_ascii_alphanumeric() || "._-".contains(character));
    is_image(token) || token.word == "latest" || (plain && !is_common(&token.word))
}

/// Returns whether a token is written like a variable: `LOG_LEVEL`.
pub(super) fn is_variable(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|character: char| character.is_ascii_uppercase())
        && text
            .chars()
            .all(|character| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_')
}

/// Returns the two sides of `name=value`.
pub(super) fn pair(token: &Token) -> Option<(&str, &str)> {
    let (name, value) = token.text.split_once('=')?;
    let is_word = token.kind == TokenKind::Word && !name.is_empty() && !value.is_empty() && !name.starts_with('-');
    is_word.then_some((name, value))
}

/// Which side of a container's resources an amount is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Requests,
    Limits,
    Both,
}

const MEMORY: &[&str] = &["of memory", "of ram", "of mem", "memory", "ram", "mem"];
const CPU: &[&str] = &["of cpu", "cpu", "cpus", "cores", "core", "of cpus", "vcpus", "vcpu"];
const LIMITS: &[&str] = &["limits", "limit"];
const REQUESTS: &[&str] = &["requests", "request"];
const UNITS: &[&str] = &[
    "gb",
    "gib",
    "gi",
    "g",
    "mb",
    "mib",
    "mi",
    "m",
    "gigabytes",
    "megabytes",
    "gigs",
    "millicores",
    "cores",
    "core",
    "cpus",
    "cpu",
];

/// Takes an amount of memory or CPU with the words around it, and writes it into the arguments. Returns whether
/// there was one.
pub(super) fn take_resource(segment: &mut Segment, side: Side, arguments: &mut Map<String, Value>) -> bool {
    let (resource, nouns) = match (segment.find(MEMORY), segment.find(CPU)) {
        (Some(_), None) => ("memory", MEMORY),
        (None, Some(_)) => ("cpu", CPU),
        // Two resources in one breath: which amount is whose would be a guess.
        _ => return false,
    };
    let Some((amount, start, end)) = amount(segment, resource) else { return false };
    let side = match (segment.find(LIMITS), segment.find(REQUESTS)) {
        (Some(_), None) => Side::Limits,
        (None, Some(_)) => Side::Requests,
        (None, None) => side,
        (Some(_), Some(_)) => return false,
    };
    let start = if start > 0 && segment.word(start - 1).is_some_and(|word| matches!(word, "to" | "with" | "of" | "at"))
    {
        start - 1
    } else {
        start
    };
    segment.use_range(start, end);
    segment.take_all(nouns);
    segment.take(LIMITS);
    segment.take(REQUESTS);
    let one = json!({resource: amount});
    if side != Side::Limits {
        arguments.insert("requests".to_owned(), one.clone());
    }
    if side != Side::Requests {
        arguments.insert("limits".to_owned(), one);
    }
    true
}

/// Returns the first amount, with where it stands: `1Gi`, `2 GB`, `500m`, `2 cores`.
pub(super) fn amount(segment: &Segment, resource: &str) -> Option<(String, usize, usize)> {
    let at = (0..segment.len()).find(|&at| {
        let by = at > 0 && segment.word(at - 1) == Some("by");
        !by && segment.free(at).is_some_and(is_amount)
    })?;
    let text = segment.free(at)?.text.clone();
    let plain = text.ends_with(|character: char| character.is_ascii_digit());
    match segment.free(at + 1).filter(|unit| plain && UNITS.contains(&unit.word.as_str())) {
        // Cores need no unit; their word stays for whoever looks for it.
        Some(unit) if resource == "cpu" && unit.word.starts_with('c') => Some((text, at, at + 1)),
        Some(unit) => Some((format!("{text}{}", unit.text), at, at + 2)),
        None => Some((text, at, at + 1)),
    }
}

fn is_amount(token: &Token) -> bool {
    let word = token.text.as_str();
    let end = word.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(word.len());
    let (number, unit) = word.split_at(end);
    token.kind == TokenKind::Word
        && number.starts_with(|character: char| character.is_ascii_digit())
        && number.parse::<f64>().is_ok()
        && unit.len() <= 3
        && unit.chars().all(|character| character.is_ascii_alphabetic())
}

/// Takes `phrase NUMBER` and returns the number, if it is whole and plain.
pub(super) fn take_number(segment: &mut Segment, before: &[&'static str]) -> Option<i64> {
    for index in 0..segment.len() {
        let Some(found) = segment.longest_at(index, before) else { continue };
        let number = segment.word(found.end).and_then(|word| word.parse::<i64>().ok());
        if let Some(number) = number {
            segment.use_range(found.start, found.end + 1);
            return Some(number);
        }
    }
    None
}
