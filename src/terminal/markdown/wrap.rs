//! Words put on lines of a terminal: at the width they go to the next line, under the start of the text.
//! What is longer than a line is not broken; the terminal does that, and it can be copied whole.

use todo_agent_core::text;

use crate::terminal::style::{Look, Role};

/// Text being laid out.
#[derive(Debug)]
pub(super) struct Wrapped {
    look: Look,
    /// What was laid out and not taken yet.
    out: String,
    /// The column on the current line.
    column: usize,
    /// What a line that continues another begins with, and how wide that is.
    hanging: String,
    hanging_width: usize,
    /// The space before the word.
    space: String,
    /// The word that is being put together, and how wide it is.
    word: Vec<(Role, String)>,
    word_width: usize,
    /// The last character of the line's text.
    last: Option<char>,
}

impl Wrapped {
    pub(super) fn new(look: Look) -> Self {
        Self {
            look,
            out: String::new(),
            column: 0,
            hanging: String::new(),
            hanging_width: 0,
            space: String::new(),
            word: Vec::new(),
            word_width: 0,
            last: None,
        }
    }

    pub(super) fn look(&self) -> Look {
        self.look
    }

    /// Returns the last character of the line's text; none at its start.
    pub(super) fn last(&self) -> Option<char> {
        self.last
    }

    /// Returns what was laid out since the last time.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    /// Adds text as it is, which may span lines.
    pub(super) fn literal(&mut self, role: Role, text: &str) {
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.new_line();
            }
            self.out.push_str(&self.look.paint(role, line));
            self.column += text::width(line);
        }
    }

    /// Begins a line with white space, which lines that continue it have, too.
    pub(super) fn indent(&mut self, space: &str) {
        let width = space.chars().map(|character| if character == '\t' { 4 } else { 1 }).sum();
        // Deeper than half the screen no text would fit.
        let width = usize::min(width, self.look.width / 2);
        self.mark_with(&" ".repeat(width), &" ".repeat(width));
    }

    /// Adds a mark at the start of a line; lines that continue it stand under what follows.
    pub(super) fn mark(&mut self, mark: &str) {
        self.mark_with(mark, &" ".repeat(text::width(mark)));
    }

    /// Adds a mark that lines that continue this one have, too.
    pub(super) fn repeated_mark(&mut self, mark: &str) {
        if self.hanging_width < self.look.width / 2 {
            self.mark_with(mark, mark);
        } else {
            self.mark_with(mark, "");
        }
    }

    fn mark_with(&mut self, mark: &str, hanging: &str) {
        self.out.push_str(&self.look.paint(Role::Faint, mark));
        self.column += text::width(mark);
        self.hanging.push_str(hanging);
        self.hanging_width += text::width(hanging);
    }

    /// Adds text; each space in it ends a word.
    pub(super) fn prose(&mut self, role: Role, text: &str) {
        for (index, word) in text.split([' ', '\t']).enumerate() {
            if index > 0 {
                self.end_word();
                self.space.push(' ');
                self.last = Some(' ');
            }
            if !word.is_empty() {
                match self.word.last_mut() {
                    Some((last, part)) if *last == role => part.push_str(word),
                    _ => self.word.push((role, word.to_owned())),
                }
                self.word_width += text::width(word);
                self.last = word.chars().next_back();
            }
            if self.word_width >= self.look.width {
                // It fits nowhere, so that nothing is gained by waiting for the rest.
                self.end_word();
            }
        }
    }

    /// Puts the current word on a line.
    pub(super) fn end_word(&mut self) {
        if self.word.is_empty() {
            return;
        }
        let fits = self.column + self.space.len() + self.word_width <= self.look.width;
        if fits || self.space.is_empty() || self.column <= self.hanging_width {
            self.column += self.space.len();
            self.out.push_str(&self.space);
        } else {
            self.out.push('\n');
            self.out.push_str(&self.look.paint(Role::Faint, &self.hanging));
            self.column = self.hanging_width;
        }
        self.space.clear();
        for (role, part) in self.word.drain(..) {
            self.out.push_str(&self.look.paint(role, &part));
        }
        self.column += self.word_width;
        self.word_width = 0;
    }

    /// Ends the line.
    pub(super) fn new_line(&mut self) {
        self.end_word();
        self.out.push('\n');
        self.column = 0;
        self.hanging.clear();
        self.hanging_width = 0;
        self.space.clear();
        self.last = None;
    }

    /// Ends the line if something stands on it.
    pub(super) fn end_line(&mut self) {
        self.end_word();
        if self.column > 0 {
            self.new_line();
        }
        self.space.clear();
        self.last = None;
    }
}
