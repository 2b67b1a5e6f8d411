//! Numbers in digits and words, percentages and multiples.
//!
//! A word that begins like a number but is not a plain one (`3.5`, `1e9`, `3-5`) is `Unclear`: it is never
//! rounded or shortened to the number it resembles.

use crate::{segment::Segment, tokens::TokenKind};

/// An amount as it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// A whole number; `signed` when a plus or minus sign was written.
    Whole { value: i64, signed: bool },
    /// A percentage.
    Percent(i64),
    /// A multiple: `3x`, "twice".
    Times(i64),
    /// "half".
    Half,
    /// Like a number, but none that can be used.
    Unclear,
}

const UNITS: &[(&str, i64)] = &[
    ("zero", 0),
    ("one", 1),
    ("single", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("dozen", 12),
];
const TENS: &[(&str, i64)] = &[
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
    ("hundred", 100),
];

/// Returns the amount that begins at `index` and the index after it.
pub(crate) fn at(segment: &Segment, index: usize) -> Option<(Amount, usize)> {
    let token = segment.free(index)?;
    if token.kind != TokenKind::Word {
        return None;
    }
    let amount = of_word(&token.word)?;
    let next = segment.word(index + 1);
    Some(match (amount, next) {
        (Amount::Whole { value, .. }, Some("percent" | "%" | "pct")) => (Amount::Percent(value), index + 2),
        (Amount::Whole { value, .. }, Some("times")) => (Amount::Times(value), index + 2),
        (Amount::Whole { signed: false, .. }, Some("point" | "comma")) => (Amount::Unclear, index + 2),
        _ => (amount, index + 1),
    })
}

/// Returns the amount that one word means.
pub(crate) fn of_word(word: &str) -> Option<Amount> {
    if let Some(value) = spelt(word) {
        return Some(Amount::Whole { value, signed: false });
    }
    match word {
        "half" => return Some(Amount::Half),
        "twice" => return Some(Amount::Times(2)),
        "thrice" => return Some(Amount::Times(3)),
        "once" | "another" => return None,
        _ => {}
    }
    let unsigned = word.trim_start_matches(['+', '-', '−', '~', '<', '>', '=', '≤', '≥']);
    let times = unsigned.strip_suffix(['x', '×']).or_else(|| unsigned.strip_prefix(['x', '×']));
    if let Some(value) = times.and_then(whole) {
        return Some(if unsigned == word { Amount::Times(value) } else { Amount::Unclear });
    }
    if !unsigned.starts_with(|character: char| character.is_ascii_digit() || character == '.') {
        return None;
    }
    let sign = &word[..word.len() - unsigned.len()];
    if let Some(value) = unsigned.strip_suffix('%').and_then(whole) {
        return Some(match sign {
            "" => Amount::Percent(value),
            _ => Amount::Unclear,
        });
    }
    Some(match (sign, whole(unsigned)) {
        ("", Some(value)) => Amount::Whole { value, signed: false },
        ("+", Some(value)) => Amount::Whole { value, signed: true },
        ("-" | "−", Some(value)) => Amount::Whole { value: -value, signed: true },
        _ => Amount::Unclear,
    })
}

/// Returns whether a word begins like a number.
pub(crate) fn is_numeric(word: &str) -> bool {
    of_word(word).is_some()
}

fn whole(digits: &str) -> Option<i64> {
    let plain = !digits.is_empty() && digits.len() <= 9 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn spelt(word: &str) -> Option<i64> {
    let lookup =
        |table: &[(&str, i64)], word: &str| table.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    if let Some(value) = lookup(UNITS, word).or_else(|| lookup(TENS, word)) {
        return Some(value);
    }
    let (tens, unit) = word.split_once('-')?;
    Some(lookup(TENS, tens)? + lookup(UNITS, unit).filter(|unit| (1..10).contains(unit))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_digits_are_numbers() {
        assert_eq!(of_word("twenty-five"), Some(Amount::Whole { value: 25, signed: false }));
        assert_eq!(of_word("-1"), Some(Amount::Whole { value: -1, signed: true }));
        assert_eq!(of_word("50%"), Some(Amount::Percent(50)));
        assert_eq!(of_word("3x"), Some(Amount::Times(3)));
        assert_eq!(of_word("backend"), None);
    }

    #[test]
    fn nothing_is_rounded() {
        for word in ["3.5", "1e9", "3-5", "2/3", "99999999999", "~3", "10m", "1gb", "-50%", "0x10"] {
            assert_eq!(of_word(word), Some(Amount::Unclear), "{word}");
        }
    }
}
