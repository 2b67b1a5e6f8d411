//! What is said of a new object: its name, image, port, resources, storage, host.
//!
//! One function takes one thing, with the small words around it; what none of them takes stays unused.

use serde_json::Value;

use super::super::{
    Arguments,
    values::{Side, amount, is_image, may_be_image, pair, take_number, take_resource},
};
use crate::{context::Context, segment::Segment, tokens::TokenKind};

const CALLED: &[&str] = &["called", "named", "with name"];
const IMAGE: &[&str] = &[
    "of image",
    "with image",
    "using image",
    "from image",
    "running image",
    "image",
    "from",
    "using",
    "running",
    "with",
];
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

/// Takes "deploy image web:1.4 as web".
pub(super) fn take_deployed_image(segment: &mut Segment, context: &Context<'_>, arguments: &mut Arguments) -> bool {
    let Some(verb) = segment.head().and_then(|head| segment.longest_at(head, &["deploy image", "deploy"])) else {
        return false;
    };
    let Some(image) = segment.free(verb.end).filter(|token| is_image(token)).map(|token| token.text.clone()) else {
        return false;
    };
    let Some(name) = segment.longest_at(verb.end + 1, &["as", "as deployment", "under name"]) else { return false };
    if !context.is_name_at(segment, name.end) {
        return false;
    }
    arguments.insert("kind".to_owned(), "deployment".into());
    arguments.insert("image".to_owned(), image.into());
    arguments.insert("name".to_owned(), segment.tokens()[name.end].text.clone().into());
    segment.use_range(verb.start, name.end + 1);
    take_port(segment, arguments);
    take_replicas(segment, arguments);
    true
}

/// Takes "every 5 minutes", "every hour" as a cron expression. An interval that does not divide the hour or the day has
/// none.
pub(crate) fn take_schedule(segment: &mut Segment) -> Option<String> {
    let every = segment.find(&["every", "each"])?;
    let (count, noun) = match segment.word(every.end).and_then(|word| word.parse::<u32>().ok()) {
        Some(count) => (count, every.end + 1),
        None => (1, every.end),
    };
    let minutes = segment.longest_at(noun, &["minutes", "minute", "min", "mins"]);
    let hours = segment.longest_at(noun, &["hours", "hour"]);
    let (schedule, end) = match (minutes, hours) {
        (Some(noun), _) if (1..60).contains(&count) && 60 % count == 0 => (format!("*/{count} * * * *"), noun.end),
        (_, Some(noun)) if count == 1 => ("0 * * * *".to_owned(), noun.end),
        (_, Some(noun)) if (2..24).contains(&count) && 24 % count == 0 => (format!("0 */{count} * * *"), noun.end),
        _ => return None,
    };
    segment.use_range(every.start, end);
    Some(if schedule == "*/1 * * * *" { "* * * * *".to_owned() } else { schedule })
}

/// Takes "with LOG_LEVEL=debug" and `--from-literal=LOG_LEVEL=debug`.
pub(super) fn take_data(segment: &mut Segment, arguments: &mut Arguments) {
    let mut data = serde_json::Map::new();
    while let Some(literal) = segment.take_flag(&["--from-literal"]) {
        let Some((name, value)) = literal.split_once('=') else { return };
        data.insert(name.to_owned(), value.into());
    }
    for at in 0..segment.len() {
        let Some((name, value)) = segment.free(at).and_then(pair) else { continue };
        let (name, value) = (name.to_owned(), value.to_owned());
        segment.use_range(with_before(segment, at), at + 1);
        data.insert(name, value.into());
    }
    if !data.is_empty() {
        arguments.insert("data".to_owned(), Value::Object(data));
    }
}

pub(super) fn take_image(segment: &mut Segment, arguments: &mut Arguments) {
    if let Some(image) = segment.take_flag(&["--image"]) {
        arguments.insert("image".to_owned(), image.into());
        return;
    }
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
    let flag = segment.take_flag(&["--port"]).and_then(|port| port.parse::<i64>().ok());
    if let Some(port) = flag.or_else(|| take_number(segment, PORT)) {
        arguments.insert("port".to_owned(), port.into());
    }
}

/// Takes "with 3 replicas".
pub(super) fn take_replicas(segment: &mut Segment, arguments: &mut Arguments) {
    if let Some(count) = segment.take_flag(&["--replicas"]).and_then(|count| count.parse::<u32>().ok()) {
        arguments.insert("replicas".to_owned(), count.into());
        return;
    }
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
