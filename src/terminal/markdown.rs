//! A model's markdown for a terminal, word by word as it comes.
//!
//! A word, a marked span or a link is shown when it is complete; nothing shown is ever laid out again. Prose
//! is wrapped; code and tables are shown as they were written. Everything is made visible before it is read,
//! so that no control character reaches the terminal; links are text, HTML has no meaning. Without colour the
//! marks stay, since they alone say what they mark. What is no markdown after all is shown as it was written.

mod inline;
mod wrap;

use todo_agent_core::text::{self, Lines};

use self::wrap::Wrapped;
use super::style::{Color, Glyphs, Look, Role};

/// The longest mark at the start of a line that is waited for.
const LONGEST_START: usize = 64;

/// Shows markdown that arrives in pieces, on a terminal or as its source.
#[derive(Debug)]
pub struct Markdown {
    form: Form,
    out: Wrapped,
    /// What has come of the current line and is not shown yet; already visible.
    pending: String,
    line: Line,
    /// The fence that ends the code, while in code.
    fence: Option<String>,
    /// A carriage return that may belong to a line's end.
    carriage: bool,
}

/// What is made of the markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// It is laid out.
    Rendered,
    /// It is passed on as it is.
    Source,
}

/// What the current line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Its start has not come completely.
    Unknown,
    /// Prose; the role of what has no mark of its own.
    Prose(Role),
    /// Shown as it is written: code, its fences, tables.
    Literal(Role),
}

impl Markdown {
    /// Returns a renderer for a terminal.
    pub fn new(look: Look) -> Self {
        Self::of(Form::Rendered, look)
    }

    /// Returns one that passes the source on, made visible: for a file or another program.
    pub fn source() -> Self {
        Self::of(Form::Source, Look::plain(usize::MAX))
    }

    fn of(form: Form, look: Look) -> Self {
        let out = Wrapped::new(look);
        Self { form, out, pending: String::new(), line: Line::Unknown, fence: None, carriage: false }
    }

    /// Takes the next piece and returns what is to be shown now.
    pub fn push(&mut self, piece: &str) -> String {
        let visible = self.visible(piece);
        match self.form {
            Form::Source => self.out.literal(Role::Plain, &visible),
            Form::Rendered => {
                self.pending.push_str(&visible);
                self.show(Ending::Open);
            }
        }
        self.out.take()
    }

    /// Ends the text: what was kept is shown, and what follows begins on a line of its own.
    pub fn finish(&mut self) -> String {
        if std::mem::take(&mut self.carriage) {
            self.pending.push_str(&text::visible("\r", Lines::Escape));
        }
        if self.form == Form::Source {
            let rest = std::mem::take(&mut self.pending);
            self.out.literal(Role::Plain, &rest);
        }
        self.show(Ending::Final);
        self.out.end_line();
        self.fence = None;
        self.out.take()
    }

    /// Returns the text with everything hidden as escapes; a line's end may be written with a carriage return.
    fn visible(&mut self, piece: &str) -> String {
        let mut joined = String::with_capacity(piece.len() + 1);
        if std::mem::take(&mut self.carriage) {
            joined.push('\r');
        }
        joined.push_str(piece);
        if joined.ends_with('\r') {
            joined.pop();
            self.carriage = true;
        }
        text::visible(&joined.replace("\r\n", "\n"), Lines::Keep)
    }

    /// Shows what is complete.
    fn show(&mut self, ending: Ending) {
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_str();
        while let Some(end) = rest.find('\n') {
            let (line, after) = rest.split_at(end);
            self.show_line(line, Ending::Final);
            self.end_line();
            rest = &after[1..];
        }
        let kept = self.show_line(rest, ending);
        kept.clone_into(&mut self.pending);
        if ending == Ending::Final {
            self.line = Line::Unknown;
        }
    }

    fn end_line(&mut self) {
        self.out.new_line();
        self.line = Line::Unknown;
    }

    /// Shows what is complete of a line, or all of it at its end, and returns the rest.
    fn show_line<'t>(&mut self, mut rest: &'t str, ending: Ending) -> &'t str {
        if self.line == Line::Unknown {
            let Some(after) = self.begin_line(rest, ending) else { return rest };
            rest = after;
        }
        match self.line {
            Line::Unknown => rest,
            Line::Literal(role) => {
                self.out.literal(role, rest);
                ""
            }
            Line::Prose(role) => self.show_prose(rest, role, ending),
        }
    }

    fn show_prose<'t>(&mut self, mut rest: &'t str, role: Role, ending: Ending) -> &'t str {
        while let Some(next) = inline::next(rest, self.out.last(), ending, self.out.look().color) {
            for (own, text) in next.parts {
                self.out.prose(if own == Role::Plain { role } else { own }, &text);
            }
            rest = &rest[next.length..];
        }
        if ending == Ending::Final {
            self.out.end_word();
        }
        rest
    }

    /// Finds out what a line is and shows its start. Returns what follows, or none while it may still be
    /// several things.
    fn begin_line<'t>(&mut self, line: &'t str, ending: Ending) -> Option<&'t str> {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let (indentation, text) = line.split_at(indent);
        // Nothing that matters begins further to the right, and no such line is waited for.
        let short = line.len() < LONGEST_START;
        let waiting = short && ending == Ending::Open;
        if let Some(fence) = &self.fence {
            if waiting && may_close(text, fence) {
                return None;
            }
            if short && closes(text, fence) {
                self.fence = None;
                self.line = Line::Literal(Role::Faint);
            } else {
                self.line = Line::Literal(Role::Code);
            }
            return Some(line);
        }
        if waiting && may_grow(text) {
            return None;
        }
        if short && let Some(fence) = opened_fence(text) {
            self.fence = Some(fence.to_owned());
            self.line = Line::Literal(Role::Faint);
            return Some(line);
        }
        if text.starts_with('|') {
            self.line = Line::Literal(Role::Plain);
            return Some(line);
        }
        self.line = Line::Prose(Role::Plain);
        if !text.is_empty() {
            self.out.indent(indentation);
        }
        Some(self.marks(text))
    }

    /// Shows the marks of quotes, list items and headings at the start of a line.
    fn marks<'t>(&mut self, mut text: &'t str) -> &'t str {
        let Look { color, glyphs, .. } = self.out.look();
        while let Some(rest) = text.strip_prefix('>') {
            text = rest.strip_prefix(' ').unwrap_or(rest);
            self.out.repeated_mark(if color == Color::On && glyphs == Glyphs::Unicode { "│ " } else { "> " });
        }
        if let Some((mark, rest)) = list_mark(text) {
            let bullet = mark.starts_with(['-', '*', '+']) && color == Color::On && glyphs == Glyphs::Unicode;
            self.out.mark(if bullet { "• " } else { mark });
            text = rest;
        }
        let level = text.bytes().take_while(|&byte| byte == b'#').count();
        if let (1..=6, Some(rest)) = (level, text[level..].strip_prefix(' ')) {
            self.line = Line::Prose(Role::Strong);
            if color == Color::Off {
                self.out.mark(&text[..=level]);
            }
            return rest;
        }
        text
    }
}

/// Whether more of a text may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// More may come.
    Open,
    /// This is all of it, or of its line.
    Final,
}

/// Returns the fence a line opens code with (CommonMark 0.31 §4.5).
fn opened_fence(line: &str) -> Option<&str> {
    let fence = |sign: char| line.split_at(line.len() - line.trim_start_matches(sign).len());
    [fence('`'), fence('~')]
        .into_iter()
        // Behind a fence stands a language; with a tick in it, the line is code within prose.
        .find(|(fence, language)| fence.len() >= 3 && !language.contains('`'))
        .map(|(fence, _)| fence)
}

fn closes(line: &str, fence: &str) -> bool {
    line.starts_with(fence) && may_close(line, fence)
}

/// Returns whether the start of a line may become the end of code.
fn may_close(line: &str, fence: &str) -> bool {
    line.trim_end_matches([' ', '\t']).bytes().all(|byte| byte == fence.as_bytes()[0])
}

/// Returns whether the start of a line may still become another mark than it is.
fn may_grow(text: &str) -> bool {
    let text = text.trim_start_matches(['>', ' ']);
    if let Some((_, item)) = list_mark(text) {
        return item.bytes().all(|byte| byte == b'#');
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match &text[digits..] {
        "" => digits < 10,
        "." | ")" => digits > 0,
        "-" | "*" | "+" => digits == 0,
        rest => {
            // The language of a fence is complete at the line's end.
            let fence = matches!(rest, "`" | "``" | "~" | "~~") || opened_fence(rest).is_some();
            digits == 0 && (fence || rest.bytes().all(|byte| byte == b'#'))
        }
    }
}

/// Returns a list item's mark with the space after it, and what follows (CommonMark 0.31 §5.2).
fn list_mark(text: &str) -> Option<(&str, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    let sign = match digits {
        0 => rest.starts_with(['-', '*', '+']),
        1..=9 => rest.starts_with(['.', ')']),
        _ => false,
    };
    (sign && rest[1..].starts_with(' ')).then(|| text.split_at(digits + 2))
}

#[cfg(test)]
mod tests;
