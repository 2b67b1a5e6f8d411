//! What is marked within a line: code, emphasis, links (CommonMark 0.31 §6, but stricter).
//!
//! A mark counts only where its other end stands on the same line, not far away, and where neither can be
//! part of a word: `*.example.com`, `snake_case` and `*/5 * * * *` are what people write about clusters. For
//! the same reason two underscores, as in `__init__`, are no mark.

use super::Ending;
use crate::terminal::style::{Color, Role};

/// How far the end of a marked span may be, in bytes; so long may a word wait.
const LONGEST_SPAN: usize = 400;

/// What a line goes on with.
#[derive(Debug)]
pub(super) struct Next {
    /// What is shown.
    pub(super) parts: Vec<(Role, String)>,
    /// The bytes of the source that this is.
    pub(super) length: usize,
}

/// Whether marks are part of what is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    /// Only they say what they mark.
    Shown,
    /// The style says it.
    Hidden,
}

/// A line, or what is left of it.
#[derive(Clone, Copy)]
struct Rest<'t> {
    text: &'t str,
    /// The character before it.
    before: Option<char>,
    ending: Ending,
    marks: Marks,
}

/// What a mark at the start of a text turns out to be.
enum Mark {
    Span(Next),
    /// More text decides.
    Undecided,
    /// Ordinary characters, so many bytes of them.
    Literal(usize),
}

/// Returns what a line goes on with; none where that is not certain yet, and at its end.
pub(super) fn next(text: &str, before: Option<char>, ending: Ending, color: Color) -> Option<Next> {
    let marks = if color == Color::On { Marks::Hidden } else { Marks::Shown };
    Rest { text, before, ending, marks }.next()
}

impl Rest<'_> {
    fn next(self) -> Option<Next> {
        let mark = match self.text.chars().next()? {
            '`' => self.code(),
            sign @ ('*' | '_') => self.emphasis(sign),
            '[' => self.link(),
            '\\' => self.escaped(),
            _ => Mark::Literal(self.text.find(['`', '*', '_', '[', '\\']).unwrap_or(self.text.len())),
        };
        match mark {
            Mark::Span(next) => Some(next),
            Mark::Literal(length) => Some(Next { parts: vec![(Role::Plain, self.text[..length].to_owned())], length }),
            Mark::Undecided => None,
        }
    }

    /// Returns what stands at the start once no end of it was found: it may still come, or is too far away.
    fn without_end(self, mark: usize) -> Mark {
        let may_come = self.ending == Ending::Open && self.text.len() < LONGEST_SPAN;
        if may_come { Mark::Undecided } else { Mark::Literal(mark) }
    }

    fn code(self) -> Mark {
        let window = near(self.text);
        let ticks = run(window, '`');
        let Some(end) = code_end(window, self.ending) else { return self.without_end(ticks) };
        let inner = &window[ticks..end - ticks];
        if inner.trim().is_empty() {
            return Mark::Literal(ticks);
        }
        // One space on both sides keeps ticks of the content apart from the marks.
        let bare = inner.strip_prefix(' ').and_then(|inner| inner.strip_suffix(' '));
        let shown = match self.marks {
            Marks::Shown => &window[..end],
            Marks::Hidden => bare.unwrap_or(inner),
        };
        Mark::Span(Next { parts: vec![(Role::Code, shown.to_owned())], length: end })
    }

    fn emphasis(self, sign: char) -> Mark {
        let window = near(self.text);
        let signs = run(window, sign);
        let after = window[signs..].chars().next();
        if after.is_none() {
            return self.without_end(signs);
        }
        let known = match sign {
            '_' => 1..=1,
            _ => 1..=3,
        };
        if !known.contains(&signs) || after.is_some_and(char::is_whitespace) || !self.before.is_none_or(may_surround) {
            return Mark::Literal(signs);
        }
        let Some(close) = self.emphasis_end(window, sign, signs) else { return self.without_end(signs) };
        let role = if signs == 1 { Role::Emphasis } else { Role::Strong };
        let mark = || (role, window[..signs].to_owned());
        let mut parts = Vec::new();
        parts.extend((self.marks == Marks::Shown).then(mark));
        parts.extend(self.within(&window[signs..close], role));
        parts.extend((self.marks == Marks::Shown).then(mark));
        Mark::Span(Next { parts, length: close + signs })
    }

    /// Returns where the signs stand that end an emphasis.
    fn emphasis_end(self, window: &str, sign: char, signs: usize) -> Option<usize> {
        let mut at = signs;
        while let Some(found) = window[at..].find([sign, '`']) {
            let start = at + found;
            if window[start..].starts_with('`') {
                // What is in code ends nothing, and code that goes on may hold what looks like the end.
                let code = code_end(&window[start..], self.ending);
                if code.is_none() && self.ending == Ending::Open && self.text.len() < LONGEST_SPAN {
                    return None;
                }
                at = start + code.unwrap_or_else(|| run(&window[start..], '`'));
                continue;
            }
            let length = run(&window[start..], sign);
            let after = self.text[start + length..].chars().next();
            let ends = match after {
                // The next character decides.
                None => self.ending == Ending::Final,
                Some(after) => may_surround(after),
            };
            if ends && length == signs && !window[..start].ends_with([' ', '\t']) {
                return Some(start);
            }
            at = start + length;
        }
        None
    }

    fn link(self) -> Mark {
        let window = near(self.text);
        let Some(close) = closing(window, '[', ']') else { return self.without_end(1) };
        match window[close + 1..].chars().next() {
            None => return self.without_end(1),
            Some('(') => {}
            Some(_) => return Mark::Literal(1),
        }
        let Some(length) = closing(&window[close + 1..], '(', ')') else { return self.without_end(1) };
        let (label, target) = (&window[1..close], &window[close + 2..=close + length]);
        let mut parts = self.within(label, Role::Plain);
        if label != target {
            let space = if label.is_empty() { "" } else { " " };
            parts.push((Role::Plain, format!("{space}({target})")));
        }
        Mark::Span(Next { parts, length: close + length + 2 })
    }

    fn escaped(self) -> Mark {
        match self.text[1..].chars().next() {
            None => self.without_end(1),
            Some(sign @ ('`' | '*' | '_' | '[' | ']' | '\\' | '#')) => {
                let shown = if self.marks == Marks::Shown { self.text[..2].to_owned() } else { sign.to_string() };
                Mark::Span(Next { parts: vec![(Role::Plain, shown)], length: 2 })
            }
            Some(_) => Mark::Literal(1),
        }
    }

    /// Returns the parts of a text within a mark, in this role unless they have one of their own.
    fn within(self, text: &str, role: Role) -> Vec<(Role, String)> {
        let mut rest = Rest { text, before: None, ending: Ending::Final, marks: self.marks };
        let mut parts = Vec::new();
        while let Some(next) = rest.next() {
            parts.extend(next.parts.into_iter().map(|(own, text)| (if own == Role::Plain { role } else { own }, text)));
            rest.before = rest.text[..next.length].chars().next_back();
            rest.text = &rest.text[next.length..];
        }
        parts
    }
}

/// Returns the part of a text in which the end of a mark is looked for.
fn near(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_SPAN)]
}

/// Returns how many bytes of this sign, which is one byte, a text begins with.
fn run(text: &str, sign: char) -> usize {
    text.len() - text.trim_start_matches(sign).len()
}

/// Returns where the code ends that a text begins with, its ticks included.
fn code_end(text: &str, ending: Ending) -> Option<usize> {
    let ticks = run(text, '`');
    let mut at = ticks;
    while let Some(found) = text[at..].find('`') {
        let length = run(&text[at + found..], '`');
        at += found + length;
        // More ticks may come.
        if length == ticks && (at < text.len() || ending == Ending::Final) {
            return Some(at);
        }
    }
    None
}

/// Returns where the bracket that a text begins with is closed.
fn closing(text: &str, opened: char, closed: char) -> Option<usize> {
    let mut depth = 0usize;
    for (index, character) in text.char_indices() {
        if character == opened {
            depth += 1;
        } else if character == closed {
            depth -= 1;
            if depth == 0 {
                return Some(index);
            }
        }
    }
    None
}

/// Returns whether a character can stand beside a mark on its outer side.
fn may_surround(character: char) -> bool {
    character.is_whitespace()
        || matches!(
            character,
            '.' | ','
                | ';'
                | ':'
                | '!'
                | '?'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '"'
                | '\''
                | '-'
                | '–'
                | '—'
                | '…'
                | '*'
                | '_'
                | '`'
                | '„'
                | '“'
                | '”'
                | '‘'
                | '’'
                | '«'
                | '»'
                | '|'
                | '/'
        )
}
