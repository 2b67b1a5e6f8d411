//! Text from outside made safe to look at: control and direction characters become visible, widths are
//! those a terminal uses, long texts are cut in the middle and say so.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Returns the text with every control, direction-changing and invisible character shown as an escape.
/// Newlines and tabs stay where `multiline` says so.
pub fn visible(text: &str, lines: Lines) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let keep = lines == Lines::Keep && matches!(character, '\n' | '\t');
        if keep || !is_hidden(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_unicode());
        }
    }
    shown
}

/// Whether line breaks and tabs are part of a text or an intrusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// The text may span lines.
    Keep,
    /// The text is one line: a name, a value, a message in a table.
    Escape,
}

/// Returns whether a character could hide or reorder its neighbours: C0 and C1 controls, bidirectional
/// marks and overrides, zero-width characters, line and paragraph separators, tags.
/// Source: Unicode 16, UAX #9 and the Default_Ignorable_Code_Point property.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Returns the number of terminal columns the text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Returns the text in pieces of at most `width` columns, broken at spaces where there are any. Only
/// the one space at a break is left out.
pub fn wrap(text: &str, width: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let Some(fits) = first_beyond(rest, width) else {
            pieces.push(rest);
            return pieces;
        };
        let at_space = rest[..fits].rfind(' ').filter(|&space| !rest[..space].trim().is_empty());
        if rest[fits..].starts_with(' ') {
            pieces.push(&rest[..fits]);
            rest = &rest[fits + 1..];
        } else if let Some(space) = at_space {
            pieces.push(&rest[..space]);
            rest = &rest[space + 1..];
        } else {
            pieces.push(&rest[..fits]);
            rest = &rest[fits..];
        }
    }
}

/// Returns the byte at which the text exceeds `width` columns; `None` where all of it fits.
fn first_beyond(text: &str, width: usize) -> Option<usize> {
    let mut columns = 0;
    for (start, character) in text.char_indices() {
        columns += character.width().unwrap_or(0);
        if columns > width && start > 0 {
            return Some(start);
        }
    }
    None
}

/// Returns the text cut to `limit` bytes with head and tail kept and the cut named.
pub fn middle_out(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let note_space = 48;
    let keep = limit.saturating_sub(note_space);
    let head_end = text.floor_char_boundary(keep / 2);
    let tail_start = text.ceil_char_boundary(text.len() - (keep - keep / 2));
    let cut = tail_start - head_end;
    format!("{}\n… {cut} bytes left out …\n{}", &text[..head_end], &text[tail_start..])
}

/// Returns a count with its noun: `1 pod`, `3 pods`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown() {
        assert_eq!(visible("a\u{202e}b\u{1b}[2J", Lines::Escape), "a\\u{202e}b\\u{1b}[2J");
        assert_eq!(visible("a\nb", Lines::Keep), "a\nb");
        assert_eq!(visible("a\nb", Lines::Escape), "a\\u{a}b");
        assert_eq!(visible("größe 你好 ✓", Lines::Escape), "größe 你好 ✓");
    }

    #[test]
    fn cutting_keeps_head_and_tail() {
        let long = format!("head{}tail", "ü".repeat(500));
        let cut = middle_out(&long, 200);
        assert!(cut.len() <= 200 && cut.starts_with("head") && cut.ends_with("tail"), "{cut}");
        assert!(cut.contains("bytes left out"));
    }

    #[test]
    fn wide_characters_count_as_two_columns() {
        assert_eq!(wrap("你好你好", 4), ["你好", "你好"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("one two", 3), ["one", "two"]);
    }
}
