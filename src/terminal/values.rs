//! How a field's value looks in a preview, and which of its characters could pass for others.
//!
//! A string that could be read as something else (a number, nothing, two words) is quoted, so that `3` and
//! `"3"` differ on the screen as they do in the cluster.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};
use todo_agent_core::view::FieldChange;

/// Values up to this many characters are shown as `before → after` on one line.
const ONE_LINE: usize = 60;

/// Unchanged lines shown around a change in a long value.
const CONTEXT: usize = 3;

/// A changed field as it is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// `2 → 3`.
    Line(String),
    /// The lines of a long value.
    Block(Vec<(Mark, String)>),
}

/// What became of a line of a long value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It stays; shown for orientation.
    Kept,
    /// Lines that stay and are not shown.
    Skipped,
}

/// Returns a changed field as it is shown.
pub(super) fn shown(change: &FieldChange) -> Shown {
    if change.path.is_empty() {
        return Shown::Block(diff(&manifest(change.before.as_ref()), &manifest(change.after.as_ref())));
    }
    match (one_line(change.before.as_ref()), one_line(change.after.as_ref())) {
        (Some(before), Some(after)) => Shown::Line(format!("{before} → {after}")),
        _ => Shown::Block(diff(&text(change.before.as_ref()), &text(change.after.as_ref()))),
    }
}

/// Returns a value whole, in quotes where it could be read as something else.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if reads_as_itself(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns a value in one line; `None` where it is too long for that.
fn one_line(value: Option<&Value>) -> Option<String> {
    let shown = match value {
        None => "(absent)".to_owned(),
        Some(Value::String(text)) if text.contains('\n') => return None,
        Some(value) => plain(value),
    };
    (shown.chars().count() <= ONE_LINE).then_some(shown)
}

/// Returns whether a string needs no quotes: one word that is no number, truth value or null.
fn reads_as_itself(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|character| character.is_alphanumeric() || "-._/:@+=,%‹›".contains(character))
        && serde_json::from_str::<Value>(text).is_err()
}

fn text(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => serde_json::to_string_pretty(other).unwrap_or_else(|_| other.to_string()),
    }
}

/// Returns a whole object as people write them.
fn manifest(object: Option<&Value>) -> String {
    object.map_or_else(String::new, |object| serde_saphyr::to_string(object).unwrap_or_else(|_| text(Some(object))))
}

/// Returns a unified diff: every changed line, whole, with a few unchanged ones around it.
fn diff(before: &str, after: &str) -> Vec<(Mark, String)> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    let mut reached = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let start = group.first().map_or(reached, |operation| operation.old_range().start);
        skip(&mut lines, start - reached);
        for operation in &group {
            for change in diff.iter_changes(operation) {
                let mark = match change.tag() {
                    ChangeTag::Equal => Mark::Kept,
                    ChangeTag::Delete => Mark::Removed,
                    ChangeTag::Insert => Mark::Added,
                };
                let ended = before.ends_with('\n') == after.ends_with('\n');
                lines.push((mark, whole_line(change.value(), ended || before.is_empty() || after.is_empty())));
            }
        }
        reached = group.last().map_or(reached, |operation| operation.old_range().end);
    }
    skip(&mut lines, before.lines().count().saturating_sub(reached));
    lines
}

/// Returns a line with what cannot be seen in it made visible: tabs, spaces at its end, and, where one
/// side has it and the other not, the missing line break.
fn whole_line(line: &str, same_end: bool) -> String {
    let content = line.strip_suffix('\n').unwrap_or(line);
    let trimmed = content.trim_end_matches(' ');
    let mut shown = trimmed.replace('\t', "⇥   ");
    shown.push_str(&"·".repeat(content.len() - trimmed.len()));
    if !same_end && !line.ends_with('\n') {
        shown.push_str("  (no line break at the end)");
    }
    shown
}

fn skip(lines: &mut Vec<(Mark, String)>, count: usize) {
    if count > 0 {
        lines.push((Mark::Skipped, format!("… {}", todo_agent_core::text::count(count, "unchanged line"))));
    }
}

/// Returns the characters of a name that are not ASCII, each once. Kubernetes names are ASCII
/// (RFC 1123 labels), so that any other character in one is there to be taken for something else.
pub(super) fn foreign(name: &str) -> Vec<char> {
    once(name.chars().filter(|character| !character.is_ascii()))
}

/// Returns the characters of a value that stand in one word with Latin letters and look like them:
/// Greek, Cyrillic, Armenian, Cherokee, letter-like and full-width forms. Source: UTS #39, the scripts
/// with whole-script confusables of Latin.
pub(super) fn look_alikes(value: &str) -> Vec<char> {
    let words = value.split(|character: char| !character.is_alphanumeric());
    once(words.filter(|word| word.chars().any(|character| character.is_ascii_alphanumeric())).flat_map(|word| {
        word.chars().filter(|character| {
            matches!(character,
                '\u{0370}'..='\u{03ff}' | '\u{0400}'..='\u{052f}' | '\u{0531}'..='\u{058f}'
                | '\u{13a0}'..='\u{13ff}' | '\u{2100}'..='\u{214f}' | '\u{ff01}'..='\u{ff5e}'
                | '\u{1d400}'..='\u{1d7ff}')
        })
    }))
}

fn once(characters: impl Iterator<Item = char>) -> Vec<char> {
    let mut found = Vec::new();
    for character in characters {
        if !found.contains(&character) {
            found.push(character);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(before: Option<Value>, after: Option<Value>) -> FieldChange {
        FieldChange { path: "field".into(), before, after }
    }

    #[test]
    fn a_string_is_quoted_where_it_could_be_read_as_something_else() {
        let line = |before, after| shown(&change(before, after));
        assert_eq!(line(Some(json!(2)), Some(json!(3))), Shown::Line("2 → 3".into()));
        assert_eq!(line(Some(json!("2")), Some(json!("nginx:1.27"))), Shown::Line("\"2\" → nginx:1.27".into()));
        assert_eq!(line(None, Some(json!("(absent)"))), Shown::Line("(absent) → \"(absent)\"".into()));
        assert_eq!(line(Some(json!("")), Some(json!("a → b"))), Shown::Line("\"\" → \"a → b\"".into()));
        assert_eq!(line(Some(json!("‹secret:1›")), None), Shown::Line("‹secret:1› → (absent)".into()));
    }

    #[test]
    fn a_long_value_is_a_diff_with_every_changed_line() {
        let before = (1..=20).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n") + "\n";
        let after = before.replace("line 10\n", "line ten\n");
        let Shown::Block(lines) = shown(&change(Some(json!(before)), Some(json!(after)))) else {
            panic!("must be a block");
        };
        let text: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(
            text,
            [
                "… 6 unchanged lines",
                "line 7",
                "line 8",
                "line 9",
                "line 10",
                "line ten",
                "line 11",
                "line 12",
                "line 13",
                "… 7 unchanged lines"
            ]
        );
        assert_eq!(lines[4].0, Mark::Removed);
        assert_eq!(lines[5].0, Mark::Added);
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        let lines = diff("\tkeep\nvalue \nlast\n", "\tkeep\nvalue\nlast");
        let text: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
        assert_eq!(text, ["⇥   keep", "value·", "last", "value", "last  (no line break at the end)"]);
    }

    #[test]
    fn characters_that_pass_for_others_are_found() {
        assert_eq!(foreign("b\u{0430}ckend"), ['\u{0430}']);
        assert_eq!(look_alikes("nginx.ex\u{0430}mple.com/web"), ['\u{0430}']);
        assert_eq!(look_alikes("größe привет 你好"), Vec::<char>::new());
    }
}
