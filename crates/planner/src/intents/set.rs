//! "set the backend image to v1.1.0", "give the backend 1Gi memory", "set LOG_LEVEL to debug on backend": other values
//! for a workload's pods.
//!
//! Each form must have its own noun (image, memory, a variable in capitals) and its value. "Give it more" has none and
//! is not planned.

use serde_json::{Value, json};

use super::{
    Arguments, Heard, Hearing, Intent, lacks_target,
    values::{Side, is_image, is_variable, is_version, may_be_image, pair, take_resource},
};
use crate::{context::Context, lexicon::kinds, planned::Missing, segment::Segment, target::Mention, tokens::TokenKind};

pub(crate) struct Set;

const VERBS: &[&str] =
    &["set", "change", "update", "switch", "use", "upgrade", "bump", "put", "adjust", "modify", "downgrade", "pin"];
const AMOUNT_VERBS: &[&str] = &[
    "set", "change", "update", "adjust", "modify", "give", "increase", "raise", "bump", "decrease", "lower", "reduce",
    "limit", "put", "assign", "allocate",
];
const VERSION_VERBS: &[&str] = &["upgrade", "update", "bump", "downgrade"];
const IMAGES: &[&str] = &["image tag", "image version", "container image", "docker image", "image"];
const VARIABLES: &[&str] =
    &["environment variable", "env variable", "env var", "environment", "variable", "env", "environment variables"];
const SETTING: &[&str] = &["set", "add", "change", "update", "define", "export", "put"];
const REMOVING: &[&str] = &["remove", "unset", "delete", "drop", "clear"];

impl Intent for Set {
    fn tool(&self) -> &'static str {
        "set"
    }

    fn writes(&self) -> bool {
        true
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &["of", "for", "on", "in", "to", "from"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["set the backend image to v1.1.0", "give the backend 1Gi memory", "set LOG_LEVEL to debug on backend"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if hearing == Hearing::GoingOn {
            return None;
        }
        let mut arguments = Arguments::new();
        let heard = take_resource_flags(segment, &mut arguments)
            || take_variable(segment, &mut arguments)
            || take_image(segment, &mut arguments)
            || take_version(segment, &mut arguments)
            || take_amount(segment, &mut arguments);
        (heard && kinds::only_with_pods(segment)).then(|| Heard { arguments, ..Heard::default() })
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        if !target.plural {
            arguments.insert("workload".to_owned(), target.workload().into());
        }
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        let has_value = ["image", "requests", "limits", "env"].iter().any(|key| arguments.contains_key(*key));
        lacks_target(arguments, "workload").or((!has_value).then_some(Missing::Image))
    }

    fn question(&self, missing: Missing, arguments: &Arguments) -> String {
        let workload = arguments.get("workload").and_then(Value::as_str).unwrap_or("it");
        match missing {
            Missing::Image => format!("Which image should {workload} have?"),
            _ => "Which workload is meant?".to_owned(),
        }
    }
}

/// Takes "set the image of … to v2", "use image nginx:1.27 for …", `set image deployment/backend backend=nginx:1.25`.
fn take_image(segment: &mut Segment, arguments: &mut Arguments) -> bool {
    let Some(head) = segment.head() else { return false };
    // "make the backend use image …"
    let making =
        segment.match_at(head, "make").and_then(|_| segment.find(&["use image", "run image", "use container image"]));
    if let Some(using) = making {
        segment.use_range(using.start, using.start + 1);
    }
    let verbs: &[&str] = if making.is_some() { &["make"] } else { VERBS };
    let Some(verb) = segment.longest_at(head, verbs) else { return false };
    let Some(noun) = segment.find(IMAGES).filter(|noun| noun.start >= verb.end) else { return false };
    segment.use_range(verb.start, verb.end);
    // "to image nginx:1.26"
    let begin = noun
        .start
        .checked_sub(1)
        .filter(|&at| segment.word(at).is_some_and(|word| matches!(word, "to" | "with" | "on")));
    segment.use_range(begin.unwrap_or(noun.start), noun.end);
    take_container(segment, arguments);
    let to = (0..segment.len()).find(|&at| {
        segment.word(at).is_some_and(|word| matches!(word, "to" | "into"))
            && segment.free(at + 1).is_some_and(may_be_image)
    });
    if let Some((at, container, image)) = assigned_image(segment) {
        segment.use_range(at, at + 1);
        arguments.insert("container".to_owned(), container.into());
        arguments.insert("image".to_owned(), image.into());
    } else if let Some(at) = to {
        arguments.insert("image".to_owned(), segment.tokens()[at + 1].text.clone().into());
        segment.use_range(at, at + 2);
    } else if segment.free(noun.end).is_some_and(is_image) {
        arguments.insert("image".to_owned(), segment.tokens()[noun.end].text.clone().into());
        segment.use_range(noun.end, noun.end + 1);
    }
    true
}

fn assigned_image(segment: &Segment) -> Option<(usize, String, String)> {
    (0..segment.len()).find_map(|at| {
        let (name, value) = segment.free(at).and_then(pair)?;
        let is_name = name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-');
        let image = crate::tokens::Token::word(value);
        (is_name && is_image(&image)).then(|| (at, name.to_owned(), value.to_owned()))
    })
}

/// Takes "of the container proxy".
fn take_container(segment: &mut Segment, arguments: &mut Arguments) {
    let found = segment.find(&["of container", "for container", "in container", "on container"]);
    if let Some(found) = found
        && let Some(name) =
            segment.free(found.end).filter(|token| token.kind != TokenKind::Mark).map(|token| token.text.clone())
    {
        segment.use_range(found.start, found.end + 1);
        arguments.insert("container".to_owned(), name.into());
    }
}

/// Takes "upgrade backend to v1.1.0"; a bare number may be a count and is not taken.
fn take_version(segment: &mut Segment, arguments: &mut Arguments) -> bool {
    let Some(head) = segment.head() else { return false };
    let Some(verb) = segment.longest_at(head, VERSION_VERBS) else { return false };
    for at in verb.end..segment.len() {
        let Some(to) = segment.longest_at(at, &["to version", "to"]) else { continue };
        let marked = to.phrase == "to version";
        let Some(token) = segment.free(to.end).filter(|token| is_version(token) || (marked && is_image(token))) else {
            continue;
        };
        arguments.insert("image".to_owned(), token.text.clone().into());
        segment.use_range(verb.start, verb.end);
        segment.use_range(at, to.end + 1);
        return true;
    }
    false
}

/// Takes "give … 1Gi memory", "set the cpu request of … to 500m".
fn take_amount(segment: &mut Segment, arguments: &mut Arguments) -> bool {
    let Some(head) = segment.head() else { return false };
    let Some(verb) = segment.longest_at(head, AMOUNT_VERBS) else { return false };
    let mut trial = segment.clone();
    trial.use_range(verb.start, verb.end);
    let side = if verb.phrase == "limit" { Side::Limits } else { Side::Both };
    let found = take_resource(&mut trial, side, arguments);
    if found {
        *segment = trial;
    }
    found
}

/// Takes "set LOG_LEVEL to debug", "add the variable A=b", "unset LOG_LEVEL".
fn take_variable(segment: &mut Segment, arguments: &mut Arguments) -> bool {
    let Some(head) = segment.head() else { return false };
    let noun = segment.find(VARIABLES);
    if let Some(verb) = segment.longest_at(head, REMOVING) {
        let at = (verb.end..segment.len()).find(|&at| segment.free(at).is_some_and(|token| is_variable(&token.text)));
        let Some(at) = at.filter(|_| noun.is_some() || verb.phrase == "unset") else { return false };
        let name = segment.tokens()[at].text.clone();
        segment.use_range(verb.start, verb.end);
        segment.use_range(at, at + 1);
        segment.take(VARIABLES);
        arguments.insert("env".to_owned(), json!({name: Value::Null}));
        return true;
    }
    let Some(verb) = segment.longest_at(head, SETTING) else { return false };
    for at in verb.end..segment.len() {
        let Some(token) = segment.free(at) else { continue };
        // kubectl's way to remove one: `set env deployment/backend LOG_LEVEL-`
        if let Some(name) = token.text.strip_suffix('-').filter(|name| noun.is_some() && is_variable(name)) {
            let one = json!({name: Value::Null});
            segment.use_range(verb.start, verb.end);
            segment.use_range(at, at + 1);
            segment.take(VARIABLES);
            arguments.insert("env".to_owned(), one);
            return true;
        }
        if let Some((name, value)) = pair(token).filter(|(name, _)| is_variable(name)) {
            let one = json!({name: value});
            segment.use_range(verb.start, verb.end);
            segment.use_range(at, at + 1);
            segment.take(VARIABLES);
            arguments.insert("env".to_owned(), one);
            return true;
        }
        if token.kind == TokenKind::Word && is_variable(&token.text) {
            let name = token.text.clone();
            let to = (at + 1..segment.len()).find(|&to| segment.word(to) == Some("to"));
            let value = to.and_then(|to| segment.free(to + 1)).filter(|token| token.kind != TokenKind::Mark);
            let (Some(to), Some(value)) = (to, value.map(|token| token.text.clone())) else { return false };
            segment.use_range(verb.start, verb.end);
            segment.use_range(at, at + 1);
            segment.use_range(to, to + 2);
            segment.take(VARIABLES);
            arguments.insert("env".to_owned(), json!({name: value}));
            return true;
        }
    }
    false
}

/// Takes `set resources deployment/backend --limits=cpu=500m,memory=1Gi`.
fn take_resource_flags(segment: &mut Segment, arguments: &mut Arguments) -> bool {
    if segment.take_head(&["set resources"]).is_none() {
        return false;
    }
    for (flag, key) in [("--limits", "limits"), ("--requests", "requests")] {
        let Some(given) = segment.take_flag(&[flag]) else { continue };
        let pairs = given
            .split(',')
            .map(|one| one.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty()));
        let Some(amounts) = pairs.collect::<Option<Vec<_>>>() else { return false };
        let amounts = amounts.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        arguments.insert(key.to_owned(), Value::Object(amounts));
    }
    !arguments.is_empty()
}
