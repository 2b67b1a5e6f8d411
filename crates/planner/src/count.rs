//! How many replicas, as people say it: "to 3", "by two", "one more", "by 50%", "in half", `--replicas=3`.
//!
//! Exactly one number is taken; a second one stays unused, so that "to 2 3" is never read as either.

use serde_json::Value;

use crate::{
    number::{self, Amount},
    segment::Segment,
};

/// Which way a verb goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// More.
    Up,
    /// Fewer.
    Down,
    /// Not said.
    Neither,
}

/// A count that was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Count {
    /// `replicas`, `delta` or `percent`; empty if there is no usable number.
    pub(crate) arguments: serde_json::Map<String, Value>,
    /// Whether "to", "by" or a flag stood before the number.
    pub(crate) prepositioned: bool,
    /// Whether it is a difference ("one more").
    pub(crate) relative: bool,
    /// Whether the number stood alone, so that a verb before ("add one … and two …") decides what it means.
    pub(crate) plain: bool,
    /// A question about a number that cannot be used.
    pub(crate) problem: Option<String>,
}

const UNITS: &[&str] = &[
    "number of replicas",
    "number of pods",
    "number of instances",
    "number of copies",
    "count of replicas",
    "amount of replicas",
    "amount of pods",
    "replica count",
    "replicas count",
    "replica number",
    "pod count",
    "number of",
    "replicas",
    "replica",
    "instances",
    "instance",
    "copies",
    "pods of",
    "pods for",
    "pods to",
];
const TO: &[&str] = &[
    "back to", "up to", "down to", "to be", "to have", "to run", "to", "at", "with", "on", "into", "=", "->", "→", "=>",
];
const MORE: &[&str] = &["more", "additional", "extra", "further"];
const FEWER: &[&str] = &["fewer", "less"];
const ANOTHER: &[&str] = &["another", "additional", "extra", "one more", "one extra", "one additional"];

/// Takes the words for replicas; returns whether there were any.
pub(crate) fn take_units(segment: &mut Segment) -> bool {
    segment.take(UNITS).is_some()
}

/// Returns whether pods are spoken of.
pub(crate) fn names_pods(segment: &Segment) -> bool {
    segment.find(&["pods", "pod"]).is_some()
}

/// Takes the count. `difference` says that the verb itself means a difference ("add 2").
pub(crate) fn take(segment: &mut Segment, direction: Direction, difference: bool) -> Count {
    if let Some(value) = segment.take_flag(&["--replicas", "replicas"]) {
        let amount = number::of_word(&value.to_lowercase()).unwrap_or(Amount::Unclear);
        return Count { prepositioned: true, ..absolute(amount, &value) };
    }
    take_from(segment);
    for index in 0..segment.len() {
        if let Some(by) = segment.longest_at(index, &["by factor of", "by factor", "by"])
            && let Some((amount, end)) = number::at(segment, by.end)
        {
            let text = text(segment, by.end, end);
            let amount = match (amount, by.phrase) {
                (Amount::Whole { value, signed: false }, "by factor of" | "by factor") => Amount::Times(value),
                _ => amount,
            };
            segment.use_range(index, end);
            take_pods(segment, end);
            return Count { prepositioned: true, ..by_amount(amount, direction, &text) };
        }
    }
    for index in 0..segment.len() {
        if let Some(to) = segment.longest_at(index, TO)
            && let Some((amount, end)) = number::at(segment, to.end)
        {
            let text = text(segment, to.end, end);
            // "to two more", "to 2 fewer": neither a total nor a difference.
            if segment.longest_at(end, MORE).or_else(|| segment.longest_at(end, FEWER)).is_some() && to.phrase != "with"
            {
                return Count::default();
            }
            segment.use_range(index, end);
            take_pods(segment, end);
            segment
                .longest_at(end, &["its size", "size", "that"])
                .map(|found| segment.use_range(found.start, found.end))
                .unwrap_or_default();
            return Count {
                prepositioned: matches!(
                    to.phrase,
                    "to" | "back to" | "up to" | "down to" | "on" | "=" | "at" | "->" | "→" | "=>" | "to be"
                ),
                ..absolute(amount, &text)
            };
        }
        if segment.match_at(index, "in half").is_some() {
            segment.use_range(index, index + 2);
            return Count { prepositioned: true, ..absolute(Amount::Half, "half") };
        }
    }
    bare(segment, direction, difference)
}

/// Takes a number without "to" or "by".
fn bare(segment: &mut Segment, direction: Direction, difference: bool) -> Count {
    for index in 0..segment.len() {
        if let Some((amount, end)) = number::at(segment, index) {
            let text = text(segment, index, end);
            // "one replica less": the noun between was used before.
            let after = segment.next_unused(end);
            let sign = segment
                .longest_at(after, MORE)
                .map(|found| (1, found.end))
                .or_else(|| segment.longest_at(after, FEWER).map(|found| (-1, found.end)));
            if let Some((_, end)) = sign {
                segment.use_range(after, end);
            }
            let (sign, end) = match sign {
                Some((sign, end)) => (Some(sign), end),
                None if difference && direction == Direction::Down => (Some(-1), end),
                None if difference => (Some(1), end),
                None => (None, end),
            };
            segment.use_range(index, end.max(index + 1));
            take_pods(segment, end);
            let plain = sign.is_none();
            let count = match (sign, amount) {
                (Some(sign), Amount::Whole { value, signed: false }) => delta(sign * value),
                (Some(_), _) => unclear(&text),
                (None, Amount::Whole { value, signed: true }) if value > 0 => delta(value),
                (None, Amount::Whole { .. } | Amount::Percent(_)) if direction != Direction::Neither => {
                    Count { problem: Some(format!("To {text}, or by {text}?")), ..Count::default() }
                }
                (None, Amount::Percent(_)) => unclear_percent(&text),
                (None, amount) => absolute(amount, &text),
            };
            return Count { plain, ..count };
        }
    }
    if let Some(found) = segment.take(ANOTHER) {
        take_pods(segment, found.end);
        return delta(if direction == Direction::Down { -1 } else { 1 });
    }
    // "add a replica": the article was dropped, so the singular says one.
    let one_replica =
        segment.tokens().iter().any(|token| matches!(token.word.as_str(), "replica" | "instance" | "copy"));
    let one_pod = || segment.find(&["pod to", "pod from", "pod of", "pod for"]);
    if difference && (one_replica || one_pod().is_some()) {
        if let Some(pod) = one_pod().filter(|_| !one_replica) {
            segment.use_range(pod.start, pod.start + 1);
        }
        return delta(if direction == Direction::Down { -1 } else { 1 });
    }
    Count::default()
}

/// Takes "from 2" where "to 4" follows.
fn take_from(segment: &mut Segment) {
    for index in 0..segment.len() {
        if segment.match_at(index, "from").is_some()
            && let Some((Amount::Whole { signed: false, .. }, end)) = number::at(segment, index + 1)
            && segment.match_at(end, "to").is_some_and(|to| number::at(segment, to).is_some())
        {
            segment.use_range(index, end);
            return;
        }
    }
}

/// Takes "pods" straight after a number.
fn take_pods(segment: &mut Segment, at: usize) {
    if let Some(found) =
        segment.longest_at(at, &["pods", "pod", "replicas", "replica", "instances", "instance", "copies", "copy"])
    {
        segment.use_range(found.start, found.end);
    }
}

fn text(segment: &Segment, start: usize, end: usize) -> String {
    segment.tokens()[start..end].iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn absolute(amount: Amount, text: &str) -> Count {
    match amount {
        Amount::Whole { value: value @ 0.., signed: false } if i32::try_from(value).is_ok() => one("replicas", value),
        Amount::Percent(value @ 0..=100_000) => one("percent", value),
        Amount::Times(value @ 1..=1000) => one("percent", value * 100),
        Amount::Half => one("percent", 50),
        _ => unclear(text),
    }
}

fn by_amount(amount: Amount, direction: Direction, text: &str) -> Count {
    match (amount, direction) {
        (Amount::Whole { value, signed: false }, Direction::Down) => delta(-value),
        (Amount::Whole { value, signed: false }, _) | (Amount::Whole { value, signed: true }, Direction::Neither) => {
            delta(value)
        }
        (Amount::Percent(value), Direction::Up) => one("percent", 100 + value),
        (Amount::Percent(value @ 0..=100), Direction::Down) => one("percent", 100 - value),
        (Amount::Percent(_), Direction::Neither) => unclear_percent(text),
        (Amount::Half, Direction::Up) => one("percent", 150),
        (Amount::Times(value @ 1..=1000), Direction::Up | Direction::Neither) => one("percent", value * 100),
        (Amount::Half | Amount::Times(2), Direction::Down) => one("percent", 50),
        _ => unclear(text),
    }
}

fn delta(value: i64) -> Count {
    if value == 0 {
        return unclear("0");
    }
    Count { relative: true, ..one("delta", value) }
}

fn one(key: &str, value: i64) -> Count {
    Count { arguments: std::iter::once((key.to_owned(), Value::from(value))).collect(), ..Count::default() }
}

fn unclear(text: &str) -> Count {
    let problem = format!("\"{text}\" is not a count of replicas: which whole number from 0 up is meant?");
    Count { problem: Some(problem), ..Count::default() }
}

fn unclear_percent(text: &str) -> Count {
    Count { problem: Some(format!("By {text} up or down, or to {text} of what it is now?")), ..Count::default() }
}
