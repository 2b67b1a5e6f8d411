//! The streams beside this file: what servers really send and what they must not, each with its outcome and where it comes
//! from. Every one is read whole, byte by byte, and cut in two at every place, always with the same outcome.
//!
//! After a change of the parser, `TODO_AGENT_STREAMS_RECORD=1` writes the outcomes anew; read the difference.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use todo_agent::model::{Again, Delta, Failure, Reply, wire::Reading};

/// Streams longer than this are not cut at every place but at some.
const LONG: usize = 4 * 1024;

/// What was given out, and how it ended.
pub(crate) type Outcome = (Vec<Delta>, Result<Reply, Failure>);

/// Reads an answer that comes in these pieces.
pub(crate) fn read<'p>(pieces: impl IntoIterator<Item = &'p [u8]>) -> Outcome {
    let mut reading = Reading::default();
    let mut deltas = Vec::new();
    for piece in pieces {
        if let Err(failure) = reading.push(piece, &mut |delta| deltas.push(delta)) {
            return (deltas, Err(failure));
        }
        if reading.is_done() {
            break;
        }
    }
    let end = reading.finish(&mut |delta| deltas.push(delta));
    (deltas, end)
}

/// Returns the files of the streams, in order.
pub(crate) fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/model/streams");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().unwrap() != "outcome").collect();
    files.sort();
    files
}

/// Returns what must hold for every outcome, whatever came.
pub(crate) fn violations((deltas, end): &Outcome) -> Vec<String> {
    let mut broken = Vec::new();
    let Ok(reply) = end else { return broken };
    let given = |text: fn(&Delta) -> Option<&str>| deltas.iter().filter_map(text).collect::<String>();
    let text = given(|delta| if let Delta::Text(text) = delta { Some(text) } else { None });
    let reasoning = given(|delta| if let Delta::Reasoning(text) = delta { Some(text) } else { None });
    // A refusal is said at the end and not as it comes.
    if !reply.text.starts_with(&text) || (reply.text != text && reply.finish != todo_agent::model::Finish::Refused) {
        broken.push(format!("the words {text:?} were given out, but {:?} is the answer", reply.text));
    }
    if reply.reasoning != reasoning {
        broken.push("other reasoning was given out than the answer has".to_owned());
    }
    let begun = deltas.iter().filter(|delta| matches!(delta, Delta::Calling(_))).count();
    if begun != reply.calls.len() {
        broken.push(format!("{begun} calls were announced, {} made", reply.calls.len()));
    }
    let mut ids: Vec<&str> = reply.calls.iter().map(|call| call.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() != reply.calls.len() || ids.contains(&"") {
        broken.push("not every call has an id of its own".to_owned());
    }
    if deltas.iter().any(|delta| matches!(delta, Delta::End(_) | Delta::Retrying { .. })) {
        broken.push("the parser gave out what is not its own".to_owned());
    }
    broken
}

fn described((_, end): &Outcome) -> String {
    let mut text = String::new();
    match end {
        Err(Failure { error, again }) => {
            let again = if *again == Again::No { "" } else { ", which may pass" };
            let _ = writeln!(text, "error: {:?}{again}: {}", error.trouble, error.message);
            for hint in &error.hints {
                let _ = writeln!(text, "hint: {hint}");
            }
        }
        Ok(reply) => {
            for (name, words) in [("reasoning", &reply.reasoning), ("text", &reply.text)] {
                if !words.is_empty() {
                    let _ = writeln!(text, "{name}: {words:?}");
                }
            }
            for call in &reply.calls {
                let _ = writeln!(text, "call: {:?} {:?} {}", call.id, call.name, call.arguments.escape_debug());
                if !call.extra.is_empty() {
                    let _ = writeln!(text, "  echoed with it: {}", serde_json::to_string(&call.extra).unwrap());
                }
            }
            if !reply.extra.is_empty() {
                let _ = writeln!(text, "echoed: {}", serde_json::to_string(&reply.extra).unwrap());
            }
            let _ = writeln!(text, "finish: {:?}", reply.finish);
            if let Some(usage) = reply.usage {
                let _ =
                    writeln!(text, "usage: {} in, {} of them cached, {} out", usage.input, usage.cached, usage.output);
            }
        }
    }
    text
}

#[test]
fn every_stream_has_its_outcome_wherever_it_is_cut() {
    let record = std::env::var_os("TODO_AGENT_STREAMS_RECORD").is_some();
    let mut wrong = Vec::new();
    for file in files() {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&file).unwrap();
        let beside = file.with_extension("outcome");
        let expected = fs::read_to_string(&beside).unwrap_or_default();
        let Some((provenance, expected)) = expected.split_once('\n').filter(|(line, _)| line.starts_with("# ")) else {
            wrong.push(format!("{name}: the first line of its outcome does not say where it comes from"));
            continue;
        };
        let whole = read([bytes.as_slice()]);
        let outcome = described(&whole);
        if record {
            fs::write(&beside, format!("{provenance}\n{outcome}")).unwrap();
        } else if outcome != expected {
            wrong.push(format!("{name}: expected\n{expected}but it was\n{outcome}"));
        }
        wrong.extend(violations(&whole).into_iter().map(|broken| format!("{name}: {broken}")));
        if read(bytes.chunks(1)) != whole {
            wrong.push(format!("{name}: byte by byte it is another answer"));
        }
        let step = bytes.len() / LONG + 1;
        if let Some(at) = (0..bytes.len()).step_by(step).find(|&at| read([&bytes[..at], &bytes[at..]]) != whole) {
            wrong.push(format!("{name}: cut at byte {at} it is another answer"));
        }
    }
    assert!(wrong.is_empty(), "{} streams are read wrongly:\n\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn there_are_streams_of_every_server_and_broken_ones() {
    let names: Vec<String> =
        files().iter().map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names.len() >= 80, "{}", names.len());
    for server in
        ["openai", "azure", "gemini", "ollama", "vllm", "llamacpp", "openrouter", "groq", "deepseek", "mistral"]
    {
        let lead = format!("{server}-");
        assert!(names.iter().filter(|name| name.starts_with(&lead)).count() >= 3, "{server}");
    }
}

/// Returns a chunk with this delta as an event.
fn event(delta: &serde_json::Value) -> String {
    let chunk = serde_json::json!({"choices": [{"index": 0, "delta": delta}]});
    format!("data: {chunk}\n\n")
}

fn call(index: usize, arguments: &str) -> String {
    let function = serde_json::json!({"name": "list", "arguments": arguments});
    event(&serde_json::json!({"tool_calls": [{"index": index, "id": format!("call_{index}"), "function": function}]}))
}

const DONE: &str = "data: [DONE]\n\n";

#[test]
fn fifty_calls_are_calls_and_sixty_five_are_an_error() {
    let stream = |count: usize| (0..count).map(|index| call(index, "{}")).collect::<String>() + DONE;
    let (_, end) = read([stream(50).as_bytes()]);
    assert_eq!(end.unwrap().calls.len(), 50);
    let (_, end) = read([stream(65).as_bytes()]);
    assert_eq!(end.unwrap_err().error.message, "the model wrote more than 64 calls in one message");
}

#[test]
fn arguments_of_a_megabyte_are_an_error_in_one_piece_and_in_many() {
    let whole = call(0, &format!("{{\"kind\":\"{}\"}}", "x".repeat(1024 * 1024))) + DONE;
    let piece = event(&serde_json::json!({"tool_calls": [{"index": 0, "function": {"arguments": "x".repeat(1000)}}]}));
    let pieces = call(0, "") + &piece.repeat(1024) + DONE;
    for stream in [whole, pieces] {
        let error = read([stream.as_bytes()]).1.unwrap_err().error;
        assert_eq!(error.message, "the model wrote arguments of more than 256 KiB for list");
    }
}

#[test]
fn words_without_an_end_are_an_error() {
    for field in ["content", "reasoning_content", "refusal"] {
        let stream = event(&serde_json::json!({field: "word ".repeat(1000)})).repeat(300);
        let error = read([stream.as_bytes()]).1.unwrap_err().error;
        assert_eq!(error.message, "the model wrote more than 1024 KiB of text", "{field}");
    }
}

#[test]
fn unknown_fields_without_an_end_are_an_error() {
    let piece = |number: usize| event(&serde_json::json!({"x_pieces": [format!("{number}{}", "x".repeat(1000))]}));
    let stream: String = (0..300).map(piece).collect();
    let error = read([stream.as_bytes()]).1.unwrap_err().error;
    assert_eq!(error.message, "the server sent more than 256 KiB of unknown fields");
}

#[test]
fn keep_alives_without_an_end_are_an_error() {
    let piece = ": still here\n\n".repeat(100_000);
    let error = read(std::iter::repeat_n(piece.as_bytes(), 100)).1.unwrap_err().error;
    assert_eq!(error.message, "the server's answer has more than 64 MiB");
}
