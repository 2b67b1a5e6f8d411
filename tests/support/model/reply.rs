//! What a scripted model says: streams as servers send them, whole or broken on purpose.

use std::path::Path;

use serde_json::{Value, json};

/// One scripted answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    pieces: Vec<Piece>,
}

/// One step of an answer.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// The head alone, before anything of the body.
    Head,
    /// Bytes of the body, sent at once.
    Bytes(Vec<u8>),
    /// Waits until the test opens a gate.
    Gate,
    /// Says nothing more until the test is over.
    Hang,
    /// Closes the connection without an end.
    Cut,
}

/// An answer that is about to be sent.
pub(super) struct Sending {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) pieces: Vec<Piece>,
}

/// Stands for the id of a call, which is made when the reply is sent: a model's ids differ from message to message.
const ID: &str = "%id%";

impl Reply {
    /// Says these words.
    pub(crate) fn text(words: &str) -> Self {
        Self::message(words, &[])
    }

    /// Makes these calls: tool and arguments.
    pub(crate) fn calls(calls: &[(&str, Value)]) -> Self {
        Self::message("", calls)
    }

    /// Says words, then makes calls.
    pub(crate) fn message(words: &str, calls: &[(&str, Value)]) -> Self {
        let calls: Vec<(&str, String)> = calls.iter().map(|(tool, args)| (*tool, args.to_string())).collect();
        Self::message_raw(words, &calls)
    }

    /// Says words, then makes calls whose arguments are sent as they are, JSON or not.
    pub(crate) fn message_raw(words: &str, calls: &[(&str, String)]) -> Self {
        let mut deltas = vec![json!({"role": "assistant", "content": ""})];
        deltas.extend(split(words).into_iter().map(|piece| json!({"content": piece})));
        for (index, (tool, arguments)) in calls.iter().enumerate() {
            let function = json!({"name": tool, "arguments": ""});
            deltas.push(json!({"tool_calls": [{"index": index, "id": format!("{ID}{index}"), "type": "function",
                "function": function}]}));
            for piece in split(arguments) {
                deltas.push(json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}));
            }
        }
        let finish = if calls.is_empty() { "stop" } else { "tool_calls" };
        Self::deltas(&deltas, finish).usage(100, 40, 20)
    }

    /// Says nothing at all.
    pub(crate) fn empty() -> Self {
        Self::deltas(&[json!({"role": "assistant", "content": ""})], "stop")
    }

    /// Refuses.
    pub(crate) fn refusal(words: &str) -> Self {
        Self::deltas(&[json!({"role": "assistant", "refusal": words})], "stop")
    }

    /// Sends these deltas, each as a chunk, and the reason for the end.
    pub(crate) fn deltas(deltas: &[Value], finish: &str) -> Self {
        let mut chunks: Vec<Value> = deltas.iter().map(|delta| chunk(delta, &Value::Null)).collect();
        chunks.push(chunk(&json!({}), &json!(finish)));
        Self::chunks(&chunks)
    }

    /// Sends these chunks and the mark of the end.
    pub(crate) fn chunks(chunks: &[Value]) -> Self {
        let mut pieces: Vec<Piece> = chunks.iter().map(event).collect();
        pieces.push(Piece::Bytes(b"data: [DONE]\n\n".to_vec()));
        Self { status: 200, headers: vec![header("content-type", "text/event-stream")], pieces }
    }

    /// Sends these bytes as the body.
    pub(crate) fn raw(bytes: impl AsRef<[u8]>) -> Self {
        let headers = vec![header("content-type", "text/event-stream")];
        Self { status: 200, headers, pieces: vec![Piece::Bytes(bytes.as_ref().to_vec())] }
    }

    /// Sends a file's bytes as the body.
    pub(crate) fn file(path: impl AsRef<Path>) -> Self {
        Self::raw(std::fs::read(path).unwrap())
    }

    /// Answers with a status and a JSON body.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::body(status, "application/json", &body.to_string())
    }

    /// Answers with a status and an error as the published interface has it.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(status, &json!({"error": {"message": message, "type": code, "param": null, "code": code}}))
    }

    /// Answers with any body.
    pub(crate) fn body(status: u16, content_type: &str, body: &str) -> Self {
        let pieces = vec![Piece::Bytes(body.as_bytes().to_vec())];
        Self { status, headers: vec![header("content-type", content_type)], pieces }
    }

    /// Takes the request and never says a word.
    pub(crate) fn silence() -> Self {
        Self { status: 200, headers: Vec::new(), pieces: vec![Piece::Hang] }
    }

    /// Takes the request and closes the connection.
    pub(crate) fn hang_up() -> Self {
        Self { status: 200, headers: Vec::new(), pieces: vec![Piece::Cut] }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(header(name, value));
        self
    }

    /// Says what it cost, in a chunk of its own before the end.
    pub(crate) fn usage(mut self, input: u64, cached: u64, output: u64) -> Self {
        let usage = json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
            "prompt_tokens_details": {"cached_tokens": cached}});
        let chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake",
            "choices": [], "usage": usage});
        let at = self.pieces.len().saturating_sub(1);
        self.pieces.insert(at, event(&chunk));
        self
    }

    /// Waits for an open gate before each piece.
    pub(crate) fn gated(mut self) -> Self {
        self.pieces = self.pieces.into_iter().flat_map(|piece| [Piece::Gate, piece]).collect();
        self
    }

    /// Waits for an open gate before anything is said, then says all of it.
    pub(crate) fn held(mut self) -> Self {
        self.pieces.insert(0, Piece::Gate);
        self
    }

    /// Sends the head and so many pieces and then cuts the connection.
    pub(crate) fn cut_after(self, count: usize) -> Self {
        self.ended_after(count, Piece::Cut)
    }

    /// Sends the head and so many pieces and then says nothing more.
    pub(crate) fn silent_after(self, count: usize) -> Self {
        self.ended_after(count, Piece::Hang)
    }

    /// Ends the body properly after so many pieces, as a server does whose model was cut.
    pub(crate) fn ends_after(mut self, count: usize) -> Self {
        self.pieces.truncate(count);
        self.pieces.insert(0, Piece::Head);
        self
    }

    fn ended_after(self, count: usize, end: Piece) -> Self {
        let mut reply = self.ends_after(count);
        reply.pieces.push(end);
        reply
    }

    /// Returns the answer with ids for its calls.
    pub(super) fn sending(self, number: usize) -> Sending {
        let id = format!("call_{}_", number + 1);
        let pieces = self.pieces.into_iter().map(|piece| match piece {
            Piece::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Piece::Bytes(text.replace(ID, &id).into_bytes()),
                Err(error) => Piece::Bytes(error.into_bytes()),
            },
            other => other,
        });
        Sending { status: self.status, headers: self.headers, pieces: pieces.collect() }
    }
}

fn chunk(delta: &Value, finish: &Value) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

fn event(chunk: &Value) -> Piece {
    Piece::Bytes(format!("data: {chunk}\n\n").into_bytes())
}

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Cuts words as a model's tokens would be: after each space, and longer ones in the middle.
fn split(words: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    for word in words.split_inclusive(' ') {
        let middle = word.floor_char_boundary(word.len() / 2);
        pieces.extend([&word[..middle], &word[middle..]].into_iter().filter(|piece| !piece.is_empty()));
    }
    pieces
}
