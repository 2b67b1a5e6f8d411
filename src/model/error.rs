//! What can go wrong with a model, and what to do about it.

use std::fmt;

/// Why a model gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelError {
    /// What kind of trouble it is.
    pub trouble: Trouble,
    /// What happened, in a sentence without its end; never holds a key.
    pub message: String,
    /// What to do, one sentence each.
    pub hints: Vec<String>,
}

/// The kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The model cannot be asked as it is configured: no key, unknown preset, unreadable file.
    Configuration,
    /// The server refused the key.
    Key,
    /// The server does not know the model or the address.
    Unknown,
    /// The account has no quota left, or too many requests were sent.
    Quota,
    /// The conversation is longer than the model can take.
    TooLong,
    /// The server refused the request for another reason.
    Refused,
    /// The server could not be reached, or broke off.
    Unreachable,
    /// The server did not answer in time.
    Timeout,
    /// The server said something that is no answer.
    Nonsense,
}

impl ModelError {
    /// Returns an error without hints.
    pub fn new(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into(), hints: Vec::new() }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ModelError {}
