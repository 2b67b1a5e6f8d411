//! Streams bent at random: whatever a server sends, the parser ends with an answer or an error, the same one wherever the
//! bytes are cut, and within its bounds.
//!
//! Usually a few hundred cases. `PROPTEST_CASES` sets how many; `TODO_AGENT_FUZZ_SECONDS` goes on for so long, watches time
//! and memory, and prints how many there were.

use std::{
    fs,
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use crate::corpus::{files, read, violations};

/// What one case may take; the slowest stream takes milliseconds.
const MOST_TIME: Duration = Duration::from_secs(10);
/// What all cases together may take of memory, in KiB: the bounds of one answer many times over.
const MOST_MEMORY: u64 = 512 * 1024;

/// Pieces that mean something to the parser, and so find their way further into it than random bytes.
const TOKENS: &[&str] = &[
    "data: ",
    "data:",
    "\n\n",
    "\r\n",
    "\r",
    "\n",
    ": ping\n",
    "event: error\n",
    "[DONE]",
    "data: [DONE]\n\n",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "\\u0000",
    "\\ud83d",
    "null",
    "0",
    "-1",
    "1e400",
    "18446744073709551616",
    "true",
    ",",
    ":",
    "<think>",
    "</think>",
    "<html>",
    "\"choices\":[",
    "\"delta\":{",
    "\"message\":{",
    "\"content\":",
    "\"tool_calls\":[",
    "\"index\":0,",
    "\"id\":\"call_1\",",
    "\"name\":\"list\",",
    "\"arguments\":",
    "\"function\":{",
    "\"error\":{",
    "\"error\":\"x\",",
    "\"finish_reason\":\"stop\"",
    "\"usage\":{\"prompt_tokens\":1}",
    "\u{feff}",
    "\u{1b}[2J",
    "{}{}",
    "\"reasoning_content\":\"x\",",
    "\"refusal\":\"x\",",
    "\"extra_content\":{},",
];

/// One way to bend a stream.
#[derive(Debug, Clone)]
enum Bend {
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    Insert(Index, usize),
    Bytes(Index, Vec<u8>),
    Flip(Index, u8),
    /// The rest of another stream from there.
    Splice(Index, usize, Index),
}

fn bend() -> impl Strategy<Value = Bend> {
    let place = any::<Index>;
    prop_oneof![
        1 => place().prop_map(Bend::Cut),
        3 => (place(), 1..200_usize).prop_map(|(at, length)| Bend::Remove(at, length)),
        2 => (place(), 1..400_usize, 1..80_usize).prop_map(|(at, length, times)| Bend::Repeat(at, length, times)),
        6 => (place(), 0..TOKENS.len()).prop_map(|(at, token)| Bend::Insert(at, token)),
        2 => (place(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Bend::Bytes(at, bytes)),
        3 => (place(), any::<u8>()).prop_map(|(at, bits)| Bend::Flip(at, bits)),
        3 => (place(), any::<usize>(), place()).prop_map(|(at, other, from)| Bend::Splice(at, other, from)),
    ]
}

/// Returns a stream after all that was done to it.
fn bent(streams: &[Vec<u8>], stream: usize, bends: &[Bend]) -> Vec<u8> {
    let mut bytes = streams[stream % streams.len()].clone();
    for bend in bends {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match bend {
            Bend::Cut(at) => bytes.truncate(place(at)),
            Bend::Remove(at, length) => {
                let at = place(at);
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Bend::Repeat(at, length, times) => {
                let at = place(at);
                let piece = bytes[at..(at + length).min(bytes.len())].repeat(*times);
                bytes.splice(at..at, piece);
            }
            Bend::Insert(at, token) => {
                let at = place(at);
                bytes.splice(at..at, TOKENS[*token].bytes());
            }
            Bend::Bytes(at, more) => {
                let at = place(at);
                bytes.splice(at..at, more.iter().copied());
            }
            Bend::Flip(at, bits) => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Bend::Splice(at, other, from) => {
                let other = &streams[other % streams.len()];
                bytes.truncate(place(at));
                bytes.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }
    bytes
}

#[test]
fn a_bent_stream_ends_in_the_same_way_wherever_it_is_cut() {
    let streams: Vec<Vec<u8>> = files().iter().map(|file| fs::read(file).unwrap()).collect();
    let seconds = std::env::var("TODO_AGENT_FUZZ_SECONDS").ok().map(|text| text.parse().expect("a number of seconds"));
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let input = (any::<usize>(), prop::collection::vec(bend(), 1..10), prop::collection::vec(1..60_usize, 1..20));
    let mut rounds = 0_u64;
    let config = Config { failure_persistence: None, ..Config::default() };
    loop {
        let mut runner = match until {
            // The same cases each time, so that a failure is one for everybody.
            None => TestRunner::new_with_rng(config.clone(), TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
            Some(_) => TestRunner::new(config.clone()),
        };
        let result = runner.run(&input, |(stream, bends, sizes)| {
            let bytes = bent(&streams, stream, &bends);
            let begun = Instant::now();
            let whole = read([bytes.as_slice()]);
            if until.is_some() {
                prop_assert!(begun.elapsed() < MOST_TIME, "it took {:?}", begun.elapsed());
            }
            let broken = violations(&whole);
            prop_assert!(broken.is_empty(), "{broken:?}\n{}", String::from_utf8_lossy(&bytes));
            let mut rest = bytes.as_slice();
            let pieces = sizes.iter().cycle().map_while(|size| {
                let (piece, after) = rest.split_at((*size).min(rest.len()));
                rest = after;
                (!piece.is_empty()).then_some(piece)
            });
            let in_pieces = read(pieces);
            prop_assert_eq!(&in_pieces, &whole, "{}", String::from_utf8_lossy(&bytes));
            Ok(())
        });
        result.unwrap_or_else(|failure| panic!("{failure}"));
        rounds += 1;
        if until.is_none_or(|until| Instant::now() >= until) {
            break;
        }
    }
    if until.is_some() {
        let cases = rounds * u64::from(config.cases);
        let memory = peak_memory();
        println!("report: fuzzing of the wire parser: {cases} bent streams, 0 findings, {memory} KiB at most");
        assert!(memory < MOST_MEMORY, "{memory} KiB");
    }
}

/// Returns the most memory this process had, in KiB; nothing where the system does not say.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or_default()
}
