//! Folds lines that say the same: equal but for numbers, times and ids. A line joins a similar one that
//! is not far above it, so that two alternating messages take two lines, not two hundred.
//!
//! The first of them is kept as it was written; nothing is reordered.

use std::{collections::BTreeSet, sync::LazyLock};

use jiff::Timestamp;
use regex::Regex;

use super::parse::Line;

/// How many different messages back a similar line is looked for.
const WINDOW: usize = 8;

/// A line with how often it and similar ones came.
#[derive(Debug)]
pub(super) struct Folded<'l> {
    /// The first of them.
    pub(super) line: &'l Line,
    /// How many there were.
    pub(super) count: usize,
    /// When the last one came.
    pub(super) last: Option<Timestamp>,
    /// Which sources they came from.
    pub(super) sources: BTreeSet<usize>,
    form: String,
}

/// Folds lines that are in the order of time. Only lines of the same group of sources are folded: the same
/// container of several replicas, but not its run before a restart.
pub(super) fn fold(lines: &[Line], group: impl Fn(usize) -> String) -> Vec<Folded<'_>> {
    let mut folded: Vec<Folded<'_>> = Vec::new();
    for line in lines {
        let form = format!("{}\n{}", group(line.source), form(&line.text));
        let start = folded.len().saturating_sub(WINDOW);
        match folded[start..].iter_mut().rev().find(|one| one.form == form) {
            Some(one) => {
                one.count += 1;
                one.sources.insert(line.source);
                one.last = line.time.or(one.last);
            }
            None => {
                folded.push(Folded { line, count: 1, last: line.time, sources: BTreeSet::from([line.source]), form });
            }
        }
    }
    folded
}

/// Returns a line's form: ids and runs of digits replaced by one sign.
fn form(text: &str) -> String {
    let mut form = String::with_capacity(text.len());
    for word in text.split_inclusive(|character: char| !character.is_ascii_alphanumeric()) {
        let bare = word.trim_end_matches(|character: char| !character.is_ascii_alphanumeric());
        let is_id = bare.len() >= 8
            && bare.bytes().all(|byte| byte.is_ascii_hexdigit())
            && bare.bytes().any(|byte| byte.is_ascii_digit());
        let mut in_digits = false;
        let mut rest = word;
        if is_id {
            form.push('#');
            rest = &word[bare.len()..];
        }
        for character in rest.chars() {
            if character.is_ascii_digit() {
                if !in_digits {
                    form.push('#');
                }
                in_digits = true;
            } else {
                in_digits = false;
                form.push(character);
            }
        }
    }
    form
}

/// Words that only a line about an end has.
static FATAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?ix)\b(fatal|panic(ked)?|critical|emerg|traceback|segfault|segmentation\ fault|oom-?kill(ed|er)?
        |out\ of\ memory|unhandled(\ \w+)?|uncaught|cannot\ start|failed\ to\ start|exited\ with|core\ dumped)\b",
    )
    .ok()
});

/// Words of a line about an error, where none is about an end.
static ERROR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)\b(ERROR|Error|ERR|[A-Z]\w*(Error|Exception))\b|\blevel=error\b|\x22level\x22:\s*\x22error\x22|^E\d{4}\s",
    )
    .ok()
});

/// Returns the first line that tells of an end, else the first that tells of an error.
pub(super) fn first_fatal(folded: &[Folded<'_>]) -> Option<usize> {
    let first = |pattern: &Option<Regex>| {
        let pattern = pattern.as_ref()?;
        folded.iter().position(|one| pattern.is_match(&one.line.text))
    };
    first(&FATAL).or_else(|| first(&ERROR))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<Line> {
        texts.iter().map(|&text| Line { time: None, source: 0, text: text.to_owned() }).collect()
    }

    fn all(lines: &[Line]) -> Vec<Folded<'_>> {
        fold(lines, |_| String::new())
    }

    #[test]
    fn lines_equal_but_for_numbers_and_ids_are_one() {
        let lines = lines(&[
            "GET /health 200 in 3ms",
            "GET /ready 200 in 1ms",
            "GET /health 200 in 12ms",
            "request 4f2a9c01b7 done",
            "GET /ready 200 in 4ms",
            "request 99ffab1200 done",
            "feedback",
        ]);
        let folded = all(&lines);
        let shown: Vec<(&str, usize)> = folded.iter().map(|one| (one.line.text.as_str(), one.count)).collect();
        assert_eq!(
            shown,
            [
                ("GET /health 200 in 3ms", 2),
                ("GET /ready 200 in 1ms", 2),
                ("request 4f2a9c01b7 done", 2),
                ("feedback", 1)
            ]
        );
    }

    #[test]
    fn an_end_is_graver_than_an_error_before_it() {
        let texts = lines(&["starting", "ERROR cannot reach redis", "thread 'main' panicked at src/main.rs"]);
        assert_eq!(first_fatal(&all(&texts)), Some(2));
        assert_eq!(first_fatal(&all(&texts[..2])), Some(1));
        assert_eq!(first_fatal(&all(&texts[..1])), None);
        assert_eq!(first_fatal(&all(&lines(&["0 errors, no panics"]))), None);
    }
}
