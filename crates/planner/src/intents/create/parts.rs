//! What is said of a new object: its name, image, port, resources, storage, host.
//!
//! One function takes one thing, with the small words around it; what none of them takes stays unused.

use serde_json::Value;

use super::super::{
    Arguments,
    values::{Side, amount, is_image, may_be_image, take_number, take_resource},
};
use crate::{context::Context, segment::Segment, tokens::TokenKind};

const CALLED: &[&str] = &["called", "named", "with name"];
const IMAGE: &[&str] =
    &["with image", "using image", "from image", "running image", "image", "from", "using", "running", "with"];
const PORT: &[&str] = &["listening on port", "on port", "with port", "at port", "port", "listening on"];
const STORAGE: &[&str] = &[
    "of persistent storage",
    "with persistent storage",
    "persistent storage",
    "of storage",
    "with storage",
    "storage",
    "with persistence",
    "with persistent volume",
    "of disk",
];
const NOUNS: &[&str] =
    &["app", "application", "service", "server", "website", "site", "api", "frontend", "backend", "container"];

/// Takes "called web", "deployment web", "a Redis statefulset" and "a 2Gi volume claim".
pub(super) fn take_name(
    segment: &mut Segment,
    context: &Context<'_>,
    verb_end: usize,
    kind: usize,
    kind_end: usize,
    arguments: &mut Arguments,
) {
    if let Some(called) = segment.find(CALLED)
        && let Some(name) =
            segment.free(called.end).filter(|token| token.kind != TokenKind::Mark).map(|token| token.text.clone())
    {
        segment.use_range(called.start, called.end + 1);
        arguments.insert("name".to_owned(), name.into());
        return;
    }
    let workload = matches!(arguments.get("kind").and_then(Value::as_str), Some("deployment" | "statefulset"));
    if workload && kind == verb_end + 1 && context.is_name_at(segment, verb_end) {
        let name = segment.tokens()[verb_end].word.clone();
        segment.use_range(verb_end, kind);
        arguments.insert("name".to_owned(), name.into());
        return;
    }
    if context.is_name_after_kind(segment, kind_end) {
        let name = segment.tokens()[kind_end].text.clone();
        segment.use_range(kind_end, kind_end + 1);
        arguments.insert("name".to_owned(), name.into());
    }
}

/// Takes "for a Next.js app": a name is made of it, since no object can be called so.
pub(super) fn take_purpose(segment: &mut Segment, arguments: &mut Arguments) {
    let Some(found) = segment.find(&["for"]) else { return };
    let Some(token) = segment.free(found.end).filter(|token| token.kind == TokenKind::Word) else { return };
    let name: String =
        token.word.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '-').collect();
    let is_common = crate::lexicon::common::is_common(&token.word);
    if name.is_empty() || is_common || arguments.contains_key("name") {
        return;
    }
    let end = segment.longest_at(found.end + 1, NOUNS).map_or(found.end + 1, |noun| noun.end);
    segment.use_range(found.start, end);
    arguments.insert("name".to_owned(), name.into());
}

pub(super) fn take_image(segment: &mut Segment, arguments: &mut Arguments) {
    for at in 0..segment.len() {
        let Some(found) = segment.longest_at(at, IMAGE) else { continue };
        let named = found.phrase.contains("image");
        let fits =
            segment.free(found.end).is_some_and(|token| if named { may_be_image(token) } else { is_image(token) });
        // "with 3 replicas" and "with 1.5Gi": amounts are no versions here.
        let is_number =
            segment.word(found.end).is_some_and(|word| word.starts_with(|first: char| first.is_ascii_digit()));
        if fits && (named || !is_number) {
            arguments.insert("image".to_owned(), segment.tokens()[found.end].text.clone().into());
            segment.use_range(at, found.end + 1);
            return;
        }
    }
}

pub(super) fn take_port(segment: &mut Segment, arguments: &mut Arguments) {
    if let Some(port) = take_number(segment, PORT) {
        arguments.insert("port".to_owned(), port.into());
    }
}

/// Takes "with 3 replicas".
pub(super) fn take_replicas(segment: &mut Segment, arguments: &mut Arguments) {
    for at in 0..segment.len() {
        let Some(count) = segment.word(at).and_then(|word| word.parse::<u32>().ok()) else { continue };
        let Some(noun) = segment.longest_at(at + 1, &["replicas", "replica", "instances", "pods"]) else { continue };
        segment.use_range(with_before(segment, at), noun.end);
        arguments.insert("replicas".to_owned(), count.into());
        return;
    }
}

/// Takes "with 1GB memory limit" and "with a memory limit of 1GB".
pub(super) fn take_resources(segment: &mut Segment, arguments: &mut Arguments) {
    if take_resource(segment, Side::Both, arguments) {
        segment.take(&["with", "of"]);
    }
}

/// Takes "with persistent storage", "with 5Gi of storage", "with 5Gi". Without an amount it is one Gi.
pub(super) fn take_storage(segment: &mut Segment, arguments: &mut Arguments) {
    let noun = segment.find(STORAGE);
    let is_claim = arguments.get("kind").and_then(Value::as_str) == Some("pvc");
    let near = |start: usize, end: usize| noun.is_some_and(|noun| end == noun.start || start == noun.end);
    let found = amount(segment, "storage").filter(|(_, start, end)| is_claim || near(*start, *end));
    if let Some((text, start, end)) = found {
        segment.use_range(with_before(segment, start), end);
        arguments.insert("storage".to_owned(), text.into());
    } else if noun.is_some() && !is_claim {
        arguments.insert("storage".to_owned(), "1Gi".into());
    }
    if noun.is_some() {
        segment.take(STORAGE);
    }
}

/// Takes "at shop.example.com".
pub(super) fn take_host(segment: &mut Segment, arguments: &mut Arguments) {
    for at in 0..segment.len() {
        let Some(found) = segment.longest_at(at, &["with host", "for host", "at", "under", "host", "on"]) else {
            continue;
        };
        let is_host = |word: &str| word.contains('.') && word.starts_with(|first: char| first.is_ascii_alphabetic());
        if let Some(host) = segment.word(found.end).filter(|word| is_host(word)).map(str::to_owned) {
            segment.use_range(at, found.end + 1);
            arguments.insert("host".to_owned(), host.into());
            return;
        }
    }
}

/// Returns where "with" begins that stands before `at`.
fn with_before(segment: &Segment, at: usize) -> usize {
    match at.checked_sub(1) {
        Some(before) if segment.word(before).is_some_and(|word| matches!(word, "with" | "of")) => before,
        _ => at,
    }
}
