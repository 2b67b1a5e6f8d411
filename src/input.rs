//! Standard input as it is used: one sentence per line where no words are given, or data beside a sentence.
//!
//! It never carries an approval. Lines are bounded, and a line that is no text is an error, not a guess.

use std::{
    io::{self, BufRead, Read},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use crate::problem::Problem;

/// No sentence is longer than this, in bytes.
pub const LONGEST_LINE: usize = 1024 * 1024;

/// Reads the next sentence; blank lines are passed over. `None` at the end of the input.
///
/// # Errors
/// Returns which line cannot be a sentence and why. What follows it is then not read.
pub fn next_sentence(input: &mut impl BufRead, line_number: &mut usize) -> Result<Option<String>, Problem> {
    loop {
        *line_number += 1;
        let number = *line_number;
        let mut line = Vec::new();
        // One byte more than allowed shows that there is more.
        let bound = LONGEST_LINE as u64 + 1;
        let read = input.by_ref().take(bound).read_until(b'\n', &mut line).map_err(|error| unreadable(&error))?;
        if read == 0 {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') && line.len() > LONGEST_LINE {
            return Err(Problem::usage(format!("line {number} of standard input is longer than 1 MiB"))
                .hint("each line is one sentence; give files by name instead"));
        }
        let text = String::from_utf8(line).map_err(|error| {
            let place = error.utf8_error().valid_up_to();
            Problem::usage(format!("line {number} of standard input is not UTF-8 text, from byte {}", place + 1))
        })?;
        let sentence = text.trim();
        if !sentence.is_empty() {
            return Ok(Some(sentence.to_owned()));
        }
    }
}

/// Reads all of the input as one sentence.
///
/// # Errors
/// Returns why it cannot be one.
pub fn whole_input(input: &mut impl Read) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    input.take(LONGEST_LINE as u64 + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() > LONGEST_LINE {
        return Err(Problem::usage("standard input is longer than 1 MiB").hint("give files by name instead"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Problem::usage(format!("standard input is not UTF-8 text, from byte {}", place + 1))
    })?;
    match text.trim() {
        "" => Err(Problem::usage("there is no task on standard input, so there is nothing to do")),
        task => Ok(task.to_owned()),
    }
}

/// What is piped in beside a sentence: untrusted data, never a part of the sentence. It is read in the
/// background, because a pipe that nobody writes to must not hold up the answer.
#[derive(Debug, Clone, Default)]
pub struct Attached {
    bytes: Arc<Mutex<Vec<u8>>>,
}

impl Attached {
    /// Starts reading, at most as much as one line may have.
    pub fn read(mut input: impl Read + Send + 'static) -> Self {
        let attached = Self::default();
        let bytes = Arc::clone(&attached.bytes);
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = input.read(&mut chunk) {
                let mut bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner);
                let room = LONGEST_LINE - bytes.len();
                bytes.extend(chunk.iter().take(read.min(room)));
                if room <= read {
                    return;
                }
            }
        });
        attached
    }

    /// Returns how many bytes have come so far.
    pub fn arrived(&self) -> usize {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

fn unreadable(error: &io::Error) -> Problem {
    Problem::usage(format!("standard input cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentences(input: &[u8]) -> Result<Vec<String>, String> {
        let mut input = io::BufReader::with_capacity(7, input);
        let mut number = 0;
        let mut read = Vec::new();
        while let Some(sentence) = next_sentence(&mut input, &mut number).map_err(|problem| problem.message)? {
            read.push(sentence);
        }
        Ok(read)
    }

    #[test]
    fn each_line_is_a_sentence_and_blank_ones_are_none() {
        assert_eq!(
            sentences(b"list pods\n\n  \r\nscale backend to 3\r\nno end").unwrap(),
            ["list pods", "scale backend to 3", "no end"]
        );
        assert!(sentences(b"").unwrap().is_empty());
    }

    #[test]
    fn a_line_that_is_no_text_is_named() {
        assert_eq!(
            sentences(b"list pods\nscale \xff to 3\n").unwrap_err(),
            "line 2 of standard input is not UTF-8 text, from byte 7"
        );
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut longest = vec![b'a'; LONGEST_LINE];
        assert_eq!(sentences(&longest).unwrap()[0].len(), LONGEST_LINE);
        longest.push(b'a');
        assert_eq!(sentences(&longest).unwrap_err(), "line 1 of standard input is longer than 1 MiB");
    }
}
