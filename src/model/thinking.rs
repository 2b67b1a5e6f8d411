//! Reasoning that a local model writes into its text, told from the words for the person: `<think>…</think>` at the very
//! start. What stands later in a text is left alone; it may be what the person asked about.

use std::mem;

/// Opening and closing marks.
const MARKS: &[(&str, &str)] = &[("<think>", "</think>"), ("<thinking>", "</thinking>"), ("<thought>", "</thought>")];
/// White space at the start that is held back before it must be words.
const MOST_HELD: usize = 256;

/// Whom a piece of text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The person.
    Text,
    /// Nobody; it is the model's reasoning.
    Reasoning,
}

/// Tells reasoning from words in a text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Thinking {
    state: State,
    /// What cannot be told yet.
    held: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Inside {
        close: &'static str,
    },
    /// The white space between reasoning and words belongs to neither.
    After,
    Text,
}

impl Thinking {
    /// Takes the next piece and gives out what it settles.
    pub(crate) fn push(&mut self, text: &str, give: &mut impl FnMut(Piece, &str)) {
        if self.state == State::Text {
            return give(Piece::Text, text);
        }
        self.held.push_str(text);
        if self.state == State::Start {
            let begun = self.held.trim_start();
            if let Some((open, close)) = MARKS.iter().find(|(open, _)| begun.starts_with(open)) {
                self.held = begun[open.len()..].to_owned();
                self.state = State::Inside { close };
            } else if self.held.len() > MOST_HELD || !MARKS.iter().any(|(open, _)| open.starts_with(begun)) {
                self.state = State::Text;
                return give(Piece::Text, &mem::take(&mut self.held));
            }
        }
        if let State::Inside { close } = self.state {
            if let Some((reasoning, rest)) = self.held.split_once(close) {
                give(Piece::Reasoning, reasoning);
                self.held = rest.to_owned();
                self.state = State::After;
            } else {
                let held = (1..close.len()).rev().find(|&length| self.held.ends_with(&close[..length])).unwrap_or(0);
                let rest = self.held.split_off(self.held.len() - held);
                give(Piece::Reasoning, &mem::replace(&mut self.held, rest));
            }
        }
        if self.state == State::After {
            let words = mem::take(&mut self.held);
            let words = words.trim_start();
            if !words.is_empty() {
                self.state = State::Text;
                give(Piece::Text, words);
            }
        }
    }

    /// Gives out what was held back.
    pub(crate) fn finish(&mut self, give: &mut impl FnMut(Piece, &str)) {
        let held = mem::take(&mut self.held);
        let piece = if matches!(self.state, State::Inside { .. }) { Piece::Reasoning } else { Piece::Text };
        give(piece, &held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pieces: &[&str]) -> (String, String) {
        let (mut thinking, mut text, mut reasoning) = (Thinking::default(), String::new(), String::new());
        let mut give = |piece, words: &str| match piece {
            Piece::Text => text.push_str(words),
            Piece::Reasoning => reasoning.push_str(words),
        };
        for piece in pieces {
            thinking.push(piece, &mut give);
        }
        thinking.finish(&mut give);
        (reasoning, text)
    }

    #[test]
    fn wherever_the_marks_are_cut() {
        for (whole, expected) in [
            ("<think>why</think>\n\nHello", ("why", "Hello")),
            ("\n<think>\nwhy\n</think>Hello", ("\nwhy\n", "Hello")),
            ("<thinking>a<b</thinking>Hello", ("a<b", "Hello")),
            ("<think>never ends </thin", ("never ends </thin", "")),
            ("Hello <think>x</think>", ("", "Hello <think>x</think>")),
            ("<thin ice", ("", "<thin ice")),
            ("<", ("", "<")),
            ("<think></think>", ("", "")),
            ("größe <think>", ("", "größe <think>")),
        ] {
            let expected = (expected.0.to_owned(), expected.1.to_owned());
            assert_eq!(told(&[whole]), expected, "{whole:?}");
            for at in (0..whole.len()).filter(|at| whole.is_char_boundary(*at)) {
                assert_eq!(told(&[&whole[..at], &whole[at..]]), expected, "{whole:?} cut at {at}");
            }
            let letters: Vec<String> = whole.chars().map(String::from).collect();
            assert_eq!(told(&letters.iter().map(String::as_str).collect::<Vec<_>>()), expected, "{whole:?}");
        }
    }
}
