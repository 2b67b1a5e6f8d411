//! Standard input as it is used: one sentence per line where no words are given, or data beside a sentence.
//!
//! It never carries an approval. Lines are bounded, and a line that is no text is an error, not a guess.

use std::{
    io::{self, BufRead, Read},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

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
#[derive(Debug, Clone)]
pub struct Attached {
    state: Arc<Mutex<Arrived>>,
}

#[derive(Debug, Default)]
struct Arrived {
    bytes: Vec<u8>,
    ended: bool,
}

/// How often it is looked whether more has come.
const LOOK: Duration = Duration::from_millis(2);
/// A pipe that goes on for so long is taken as it is by then.
const PATIENCE: Duration = Duration::from_secs(10);
/// A pipe that says nothing for so long is not waited for.
const SILENCE: Duration = Duration::from_secs(1);

impl Attached {
    /// Starts reading, at most as much as one line may have.
    pub fn read(mut input: impl Read + Send + 'static) -> Self {
        let attached = Self::nothing();
        let state = Arc::clone(&attached.state);
        lock(&state).ended = false;
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = input.read(&mut chunk) {
                let mut state = lock(&state);
                let room = LONGEST_LINE.saturating_sub(state.bytes.len());
                state.bytes.extend(chunk.iter().take(read.min(room)));
                if room <= read {
                    break;
                }
            }
            lock(&state).ended = true;
        });
        attached
    }

    /// Returns nothing that could come.
    pub fn nothing() -> Self {
        Self { state: Arc::new(Mutex::new(Arrived { bytes: Vec::new(), ended: true })) }
    }

    /// Takes what was piped in, once it has ended, says nothing for a second or goes on for ten, or nobody wants it any
    /// more.
    pub async fn take(&self, cancel: &CancellationToken) -> Vec<u8> {
        let (mut known, mut silent, mut waited) = (0, Duration::ZERO, Duration::ZERO);
        loop {
            {
                let mut state = lock(&self.state);
                if state.ended || silent >= SILENCE || waited >= PATIENCE || cancel.is_cancelled() {
                    return std::mem::take(&mut state.bytes);
                }
                silent = if state.bytes.len() > known { Duration::ZERO } else { silent };
                known = state.bytes.len();
            }
            tokio::time::sleep(LOOK).await;
            silent += LOOK;
            waited += LOOK;
        }
    }

    /// Returns how many bytes have come so far.
    pub fn arrived(&self) -> usize {
        lock(&self.state).bytes.len()
    }
}

fn lock(state: &Mutex<Arrived>) -> std::sync::MutexGuard<'_, Arrived> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[tokio::test]
    async fn what_is_piped_in_is_taken_once() {
        let attached = Attached::read(io::Cursor::new(b"some log".to_vec()));
        let cancel = CancellationToken::new();
        assert_eq!(attached.take(&cancel).await, b"some log");
        assert!(attached.take(&cancel).await.is_empty() && attached.arrived() == 0);
        assert!(Attached::nothing().take(&cancel).await.is_empty());
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
