//! One stretch of a sentence between "and", "then" and punctuation, and which of its words were used.
//!
//! A word is used once, by one rule. What is left unused at the end was not understood; a change is never
//! planned over such a word.

use crate::tokens::{Token, TokenKind};

/// How a segment hangs together with the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    /// The first one.
    Start,
    /// "and", "&" or a comma.
    And,
    /// "then".
    Then,
    /// A full stop, a semicolon or a new line.
    Stop,
}

/// One stretch of a sentence.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    tokens: Vec<Token>,
    used: Vec<bool>,
    /// How it follows the one before.
    pub(crate) join: Join,
    /// Whether "too", "also" or "as well" was said.
    pub(crate) too: bool,
    /// Whether it began as a wish ("I need …", "can you …").
    pub(crate) wish: bool,
}

/// Where a phrase was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    /// The index of its first token.
    pub(crate) start: usize,
    /// The index after its last token.
    pub(crate) end: usize,
    /// The phrase, as the caller spelt it.
    pub(crate) phrase: &'static str,
}

impl Segment {
    /// Returns a segment with every word unused.
    pub(crate) fn new(tokens: Vec<Token>, join: Join, too: bool, wish: bool) -> Self {
        let used = vec![false; tokens.len()];
        Self { tokens, used, join, too, wish }
    }

    /// Returns the number of tokens.
    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Returns all tokens, used or not.
    pub(crate) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Returns the tokens for correction of typing errors.
    pub(crate) fn tokens_mut(&mut self) -> &mut [Token] {
        &mut self.tokens
    }

    /// Returns the lower-case word at `index` if it is a word and unused.
    pub(crate) fn word(&self, index: usize) -> Option<&str> {
        self.free(index).filter(|token| token.kind == TokenKind::Word).map(|token| token.word.as_str())
    }

    /// Returns the token at `index` if it is unused.
    pub(crate) fn free(&self, index: usize) -> Option<&Token> {
        (!*self.used.get(index)?).then(|| &self.tokens[index])
    }

    /// Returns the indices of the unused tokens.
    pub(crate) fn unused(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.tokens.len()).filter(|&index| !self.used[index])
    }

    /// Returns the unused tokens as typed.
    pub(crate) fn unused_texts(&self) -> Vec<String> {
        self.unused().map(|index| self.tokens[index].text.clone()).collect()
    }

    /// Returns the used words as typed.
    pub(crate) fn used_texts(&self) -> Vec<String> {
        (0..self.tokens.len()).filter(|&index| self.used[index]).map(|index| self.tokens[index].text.clone()).collect()
    }

    /// Returns the first index from `index` on that is unused.
    pub(crate) fn next_unused(&self, index: usize) -> usize {
        (index..self.tokens.len()).find(|&at| !self.used[at]).unwrap_or(self.tokens.len())
    }

    /// Returns the first unused token's index.
    pub(crate) fn head(&self) -> Option<usize> {
        self.unused().next()
    }

    /// Marks the tokens from `start` to before `end` as used.
    pub(crate) fn use_range(&mut self, start: usize, end: usize) {
        self.used[start..end].fill(true);
    }

    /// Returns the index after `phrase` (words separated by spaces) if its words stand unused at `index`.
    pub(crate) fn match_at(&self, index: usize, phrase: &str) -> Option<usize> {
        let mut at = index;
        for expected in phrase.split(' ') {
            if self.word(at)? != expected {
                return None;
            }
            at += 1;
        }
        Some(at)
    }

    /// Returns the longest of `phrases` that stands at `index`.
    pub(crate) fn longest_at(&self, index: usize, phrases: &[&'static str]) -> Option<Found> {
        phrases
            .iter()
            .filter_map(|&phrase| self.match_at(index, phrase).map(|end| Found { start: index, end, phrase }))
            .max_by_key(|found| found.end)
    }

    /// Returns the first place where one of `phrases` stands.
    pub(crate) fn find(&self, phrases: &[&'static str]) -> Option<Found> {
        (0..self.len()).find_map(|index| self.longest_at(index, phrases))
    }

    /// Finds one of `phrases` and uses its words.
    pub(crate) fn take(&mut self, phrases: &[&'static str]) -> Option<Found> {
        let found = self.find(phrases)?;
        self.use_range(found.start, found.end);
        Some(found)
    }

    /// Uses the words of one of `phrases` if it stands first among the unused words.
    pub(crate) fn take_head(&mut self, phrases: &[&'static str]) -> Option<Found> {
        let found = self.longest_at(self.head()?, phrases)?;
        self.use_range(found.start, found.end);
        Some(found)
    }

    /// Uses every occurrence of `phrases`.
    pub(crate) fn take_all(&mut self, phrases: &[&'static str]) {
        while self.take(phrases).is_some() {}
    }

    /// Takes a flag's value: `--name=value` or `--name value`, for any of the given spellings.
    pub(crate) fn take_flag(&mut self, names: &[&str]) -> Option<String> {
        for index in 0..self.len() {
            let Some(token) = self.free(index).filter(|token| token.kind == TokenKind::Word) else { continue };
            let (name, value) =
                token.text.split_once('=').map_or((token.text.as_str(), None), |(name, value)| (name, Some(value)));
            if !names.contains(&name) {
                continue;
            }
            if let Some(value) = value {
                let value = value.to_owned();
                self.use_range(index, index + 1);
                return Some(value);
            }
            if !name.starts_with('-') {
                continue;
            }
            let value = self.free(index + 1)?.text.clone();
            self.use_range(index, index + 2);
            return Some(value);
        }
        None
    }
}
