//! Redaction of a text that arrives in pieces: what is settled is given out at once, what may yet turn out
//! to be part of a secret is kept until more has come.
//!
//! Everything given out, put together, is what [`Redactor::text`] makes of the whole text, wherever it was
//! cut. As there, values the process holds come first and shapes are looked for in what remains. The work
//! for a piece depends on the piece and on what is kept, which in plain text is the last word.

use super::{MASK, PLACEHOLDER, Redacted, Redactor, open::OpenShapes, shapes};

/// One text that arrives in pieces.
#[derive(Default)]
pub struct StreamingRedaction {
    /// The end of what has come, as far as it may be part of a value the process holds.
    raw: String,
    /// What comes before that, those values masked. It begins with the last character that was given out: a
    /// shape may depend on what stands before it.
    masked: String,
    /// Where in it begins what was not given out yet.
    from: usize,
    open: OpenShapes,
    /// Where the earliest open shape began when something was last looked for: before another one is the
    /// earliest, no more can be settled.
    tried: Option<usize>,
}

impl StreamingRedaction {
    /// Takes the next piece and returns what is settled now.
    pub fn push(&mut self, redactor: &Redactor, piece: &str) -> Option<Redacted<String>> {
        self.raw.push_str(piece);
        let settled = self.raw.drain(..redactor.known_until(&self.raw)).collect::<String>();
        let read = self.masked.len();
        self.masked.push_str(&redactor.known_masked(&settled));
        self.open.read(&self.masked, read);
        let open = self.open.earliest();
        if open.is_some() && open == self.tried {
            return None;
        }
        self.tried = open;
        self.settled(redactor, open)
    }

    /// Ends the text and returns what was kept of it. The next piece begins another text.
    pub fn finish(&mut self, redactor: &Redactor) -> Option<Redacted<String>> {
        let Self { raw, mut masked, from, .. } = std::mem::take(self);
        masked.push_str(&redactor.known_masked(&raw));
        let found = shapes::found(&masked, from);
        let rest = redactor.shapes_masked(&masked, from..masked.len(), &found);
        Some(rest).filter(|rest| !rest.is_empty())
    }

    /// Gives out what comes before the first open shape, and before a found one that reaches into it.
    fn settled(&mut self, redactor: &Redactor, open: Option<usize>) -> Option<Redacted<String>> {
        let open = open.unwrap_or(self.masked.len());
        let mut found = shapes::found(&self.masked, self.from);
        found.retain(|found| found.whole.start < open);
        let wholes = shapes::merged(found.iter().map(|found| found.whole.clone()).collect());
        let reaching = wholes.into_iter().find(|whole| whole.start < open && open < whole.end);
        let until = reaching.map_or(open, |whole| whole.start);
        found.retain(|found| found.whole.start < until);
        let settled = redactor.shapes_masked(&self.masked, self.from..until, &found);

        let before = self.masked[..until].char_indices().next_back().map_or(0, |(index, _)| index);
        self.masked.drain(..before);
        self.open.forget(before);
        self.tried = self.tried.map(|tried| tried - before);
        self.from = until - before;
        Some(settled).filter(|settled| !settled.is_empty())
    }
}

impl std::fmt::Debug for StreamingRedaction {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is kept is not redacted yet.
        formatter.write_str("StreamingRedaction")
    }
}

impl Redactor {
    /// Returns how much of a text, from its start, is settled as to the values the process holds: more text
    /// neither completes one there nor changes where one is found.
    fn known_until(&self, text: &str) -> usize {
        let state = self.lock();
        let values = state.registered.iter().filter_map(|(value, _)| open_start(text, value));
        let open = values.chain(open_mask(text)).min().unwrap_or(text.len());
        let clusters = state.known(text);
        clusters
            .into_iter()
            .find(|(range, _)| range.start < open && open < range.end)
            .map_or(open, |(range, _)| range.start)
    }
}

/// Returns where the text's longest end begins that is the start of `value`, but not all of it.
fn open_start(text: &str, value: &str) -> Option<usize> {
    let longest = text.len().min(value.len() - 1);
    let length = (1..=longest).rev().find(|&length| text.as_bytes().ends_with(&value.as_bytes()[..length]))?;
    Some(text.len() - length)
}

/// Returns where a mask or placeholder begins whose end has not come yet.
fn open_mask(text: &str) -> Option<usize> {
    let start = text.rfind('‹')?;
    let rest = &text[start..];
    let open = [MASK, PLACEHOLDER].iter().any(|kind| {
        let kind = kind.trim_end_matches(':');
        kind.starts_with(rest)
            || rest.strip_prefix(kind).is_some_and(|number| {
                number.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                    || number.is_empty()
            })
    });
    open.then_some(start)
}

#[cfg(test)]
#[path = "streaming_tests.rs"]
mod tests;
