//! Spans of time: `10m`, "10 minutes", "the last hour", "since half an hour".
//!
//! Looks back only. A time to come is never read here: it makes a change impossible (see `veto`).

use crate::{number, segment::Segment, tokens::TokenKind};

const UNITS: &[(&[&str], u64)] = &[
    (&["s", "sec", "secs", "second", "seconds"], 1),
    (&["m", "min", "mins", "minute", "minutes"], 60),
    (&["h", "hr", "hrs", "hour", "hours"], 3600),
    (&["d", "day", "days"], 86_400),
    (&["w", "week", "weeks"], 604_800),
];

/// Phrases before a span that make it "since".
const SINCE: &[&str] = &[
    "since the last",
    "for the last",
    "for last",
    "for past",
    "from last",
    "from past",
    "in last",
    "in past",
    "of last",
    "of past",
    "within last",
    "within past",
    "during last",
    "during past",
    "over last",
    "over past",
    "since last",
    "not older than",
    "newer than",
    "younger than",
    "no older than",
    "within",
    "during",
    "since",
    "last",
    "past",
    "for",
    "from",
];

/// Takes how far back the person wants to look, as the tools read it: `10m`, `1h`, `30s`.
pub(crate) fn take_since(segment: &mut Segment) -> Option<String> {
    if let Some(value) = segment.take_flag(&["--since"]) {
        return Some(value);
    }
    for index in 0..segment.len() {
        if let Some(found) = segment.longest_at(index, SINCE) {
            let bare = matches!(found.phrase, "last" | "past")
                || found.phrase.ends_with(" last")
                || found.phrase.ends_with(" past");
            if let Some((seconds, end)) = span_at(segment, found.end, bare) {
                let end = segment.match_at(end, "ago").unwrap_or(end);
                segment.use_range(index, end);
                return Some(short(seconds));
            }
        }
        if let Some((seconds, end)) = span_at(segment, index, false)
            && let Some(end) = segment.match_at(end, "ago")
        {
            segment.use_range(index, end);
            return Some(short(seconds));
        }
    }
    // "logs backend 10m"
    let index = (0..segment.len()).find(|&index| segment.word(index).is_some_and(|word| compact(word).is_some()))?;
    let seconds = compact(segment.word(index)?)?;
    segment.use_range(index, index + 1);
    Some(short(seconds))
}

/// Returns the span in seconds that begins at `index` and the index after it; `bare` also takes a unit without
/// a number ("last hour").
pub(crate) fn span_at(segment: &Segment, index: usize, bare: bool) -> Option<(u64, usize)> {
    let word = segment.word(index)?;
    if let Some(seconds) = compact(word) {
        return Some((seconds, index + 1));
    }
    if bare && let Some(seconds) = unit(word) {
        return Some((seconds, index + 1));
    }
    let (amount, end) = number::at(segment, index)?;
    let next = segment.free(end).filter(|token| token.kind == TokenKind::Word)?;
    let seconds = unit(&next.word)?;
    match amount {
        number::Amount::Whole { value, signed: false } => {
            Some((u64::try_from(value).ok()?.checked_mul(seconds)?, end + 1))
        }
        number::Amount::Half => Some((seconds / 2, end + 1)),
        _ => None,
    }
}

/// Returns the seconds of `90s`, `10m` or `1h30m`.
fn compact(word: &str) -> Option<u64> {
    if !word.starts_with(|character: char| character.is_ascii_digit()) {
        return None;
    }
    let mut total: u64 = 0;
    let mut rest = word;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_lowercase).count();
        let (name, tail) = tail.split_at(letters);
        if name.is_empty() || number.is_empty() || number.len() > 9 {
            return None;
        }
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit(name)?)?)?;
        rest = tail;
    }
    Some(total)
}

fn unit(word: &str) -> Option<u64> {
    UNITS.iter().find(|(names, _)| names.contains(&word)).map(|(_, seconds)| *seconds)
}

/// Returns the span in its largest whole unit up to hours.
fn short(seconds: u64) -> String {
    if seconds > 0 && seconds.is_multiple_of(3600) {
        format!("{}h", seconds / 3600)
    } else if seconds > 0 && seconds.is_multiple_of(60) {
        format!("{}m", seconds / 60)
    } else {
        format!("{seconds}s")
    }
}
