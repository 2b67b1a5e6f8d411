//! Lines laid out at a width: wrapped with a hanging indent, never cut, never folded.
//!
//! A line keeps the role of its text, so that the same page is written in colour or plain. Whatever is
//! added is one line of meaning: a line break in outside text cannot start a line of its own.

use todo_agent_core::text::{self, Lines, wrap};

use super::style::{Look, Role};

/// Lines to be shown together.
#[derive(Debug, Clone)]
#[must_use]
pub struct Page {
    width: usize,
    lines: Vec<(Role, String)>,
}

impl Page {
    /// Starts an empty page of this many columns.
    pub fn new(width: usize) -> Self {
        Self { width: width.max(20), lines: Vec::new() }
    }

    /// Adds an empty line, except at the top.
    pub fn gap(&mut self) {
        if !self.lines.is_empty() {
            self.lines.push((Role::Plain, String::new()));
        }
    }

    /// Adds text that begins with `lead` and continues below its own beginning. Control and direction
    /// characters are made visible; long words are broken, nothing is left out.
    pub fn add(&mut self, role: Role, lead: &str, text: &str) {
        let shown = text::visible(text, Lines::Escape);
        let indent = text::width(lead).min(self.width / 2);
        let mut first = true;
        for piece in wrap(&shown, self.width - indent) {
            let start = if first { lead.to_owned() } else { " ".repeat(indent) };
            self.lines.push((role, format!("{start}{piece}")));
            first = false;
        }
    }

    /// Adds a shell command that can be copied: broken only between words, each break escaped.
    pub fn add_command(&mut self, role: Role, lead: &str, command: &str) {
        let shown = text::visible(command, Lines::Escape);
        let indent = text::width(lead).min(self.width / 2);
        let mut words = shell_words(&shown).into_iter();
        let mut line = format!("{lead}{}", words.next().unwrap_or_default());
        for word in words {
            // Two columns stay free for the escaped break.
            if text::width(&line) + 1 + text::width(word) + 2 > self.width {
                self.lines.push((role, format!("{line} \\")));
                line = format!("{}{word}", " ".repeat(indent + 2));
            } else {
                line.push(' ');
                line.push_str(word);
            }
        }
        self.lines.push((role, line));
    }

    /// Adds a paragraph that may span lines. A line of two columns continues below its second one.
    pub fn add_paragraph(&mut self, role: Role, paragraph: &str) {
        for line in paragraph.lines() {
            let line = text::visible(&line.replace('\t', "    "), Lines::Escape);
            let (lead, rest) = line.split_at(second_column(&line));
            if line.trim().is_empty() {
                self.lines.push((Role::Plain, String::new()));
            } else if text::width(lead) < self.width / 2 {
                self.add(role, lead, rest);
            } else {
                self.add(role, "", &line);
            }
        }
    }

    /// Returns whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Returns the page without colour, each line ended.
    pub fn plain(&self) -> String {
        self.show(Look::plain(self.width))
    }

    /// Returns the page as a stream with this look shows it, each line ended.
    pub fn show(&self, look: Look) -> String {
        self.lines.iter().map(|(role, line)| look.paint(*role, line.trim_end()) + "\n").collect()
    }
}

/// Returns the byte at which the line's second column starts, behind two spaces or more; else where its
/// first word does.
fn second_column(line: &str) -> usize {
    let first = line.len() - line.trim_start().len();
    line[first..].find("  ").map_or(first, |gap| {
        let gap = first + gap;
        gap + line[gap..].len() - line[gap..].trim_start().len()
    })
}

/// Splits a command at the spaces outside of quotes.
fn shell_words(command: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut quote = None;
    for (at, character) in command.char_indices() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, ' ') => {
                words.push(&command[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&command[start..]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_below_its_own_beginning() {
        let mut page = Page::new(24);
        page.add(Role::Plain, "  note  ", "an autoscaler keeps this workload");
        assert_eq!(page.plain(), "  note  an autoscaler\n        keeps this\n        workload\n");
    }

    #[test]
    fn a_long_name_is_broken_and_loses_nothing() {
        let name = "x".repeat(253);
        let mut page = Page::new(40);
        page.add(Role::Plain, "object  ", &name);
        assert_eq!(page.plain().matches('x').count(), 253);
        assert!(page.plain().lines().all(|line| text::width(line) <= 40));
    }

    #[test]
    fn a_line_break_from_outside_cannot_start_a_line() {
        let mut page = Page::new(80);
        page.add(Role::Plain, "- ", "harmless\nrisk: low\u{1b}[2K");
        assert_eq!(page.plain(), "- harmless\\u{a}risk: low\\u{1b}[2K\n");
    }

    #[test]
    fn a_line_of_two_columns_continues_below_the_second() {
        let mut page = Page::new(30);
        page.add_paragraph(Role::Plain, "/undo  take back the last change of all\nand\u{1b}[2J\n\n  end");
        assert_eq!(page.plain(), "/undo  take back the last\n       change of all\nand\\u{1b}[2J\n\n  end\n");
    }

    #[test]
    fn a_command_stays_copyable() {
        let mut page = Page::new(40);
        page.add_command(Role::Plain, "", "kubectl annotate deployment/backend note='two words here' -n todo");
        assert_eq!(page.plain(), "kubectl annotate deployment/backend \\\n  note='two words here' -n todo\n");
    }
}
