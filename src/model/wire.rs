//! From the bytes of an answer to its [`Delta`]s and the whole [`Reply`]: the chat-completions format as servers really
//! send it.
//!
//! Pure and bounded, whatever comes: a [`Reading`] takes bytes in pieces of any size and never panics. Fields that are
//! missing or strange are read patiently; an answer that does not end as one is an error, never half an answer.

use std::{borrow::Cow, ops::RangeInclusive};

use serde_json::{Deserializer, Map, Value, json};

use super::{
    Delta, Failure, Finish, Reply, Trouble, Usage,
    calls::Calls,
    extra::Extra,
    failure::{CHECK_ADDRESS, Complaint, described, shown},
    sse::{Event, Events},
    thinking::{Piece, Thinking},
};

/// The most bytes of the words of one answer, and of its reasoning.
pub(crate) const MOST_TEXT_BYTES: usize = 1024 * 1024;
/// The most bytes of a whole answer.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Fields of a message that are read here, or that only a server says and no server wants back.
const KNOWN: &[&str] = &[
    "role",
    "content",
    "tool_calls",
    "function_call",
    "refusal",
    "reasoning_content",
    "reasoning",
    "thinking",
    "name",
    "annotations",
    "audio",
    "citations",
    "images",
    "token_ids",
    "channel",
];

/// An answer that is being read.
#[derive(Debug, Default)]
pub struct Reading {
    events: Events,
    answer: Answer,
    bytes: usize,
}

/// What was read so far.
#[derive(Debug, Default)]
struct Answer {
    text: String,
    reasoning: String,
    refusal: String,
    thinking: Thinking,
    calls: Calls,
    extra: Extra,
    finish: Option<Finish>,
    usage: Option<Usage>,
    /// Whether the server said that this was all.
    is_done: bool,
    /// Whether anything of the format was seen.
    has_begun: bool,
}

impl Reading {
    /// Takes the next bytes and gives out what they settle.
    ///
    /// # Errors
    /// Returns why this is no answer.
    pub fn push(&mut self, bytes: &[u8], give: &mut impl FnMut(Delta)) -> Result<(), Failure> {
        self.bytes += bytes.len();
        if self.bytes > MOST_BYTES {
            let message = format!("the server's answer has more than {} MiB", MOST_BYTES / 1024 / 1024);
            return Err(Failure::lasting(Trouble::Nonsense, message));
        }
        let Self { events, answer, .. } = self;
        events.push(bytes, &mut |event| answer.event(&event, give))
    }

    /// Returns whether nothing more is to come, although the connection may still be open.
    pub fn is_done(&self) -> bool {
        self.answer.is_done
    }

    /// Returns whether the model has finished, although the server may still have something to say.
    pub fn is_finished(&self) -> bool {
        self.answer.is_done || self.answer.finish.is_some()
    }

    /// Takes the end of the bytes and returns the whole answer.
    ///
    /// # Errors
    /// Returns that it broke off, or why it is none.
    pub fn finish(mut self, give: &mut impl FnMut(Delta)) -> Result<Reply, Failure> {
        let Self { events, answer, .. } = &mut self;
        events.finish(&mut |event| answer.event(&event, give))?;
        if !self.is_finished() {
            return Err(self.broken_off());
        }
        self.answer.reply(give)
    }

    fn broken_off(&self) -> Failure {
        let stray = self.events.stray();
        if self.answer.has_begun {
            return Failure::passing(Trouble::Unreachable, "the model's answer broke off before its end");
        }
        if stray.is_empty() {
            return Failure::passing(Trouble::Unreachable, "the server ended the connection without an answer");
        }
        let message = format!("the server answered with {}", described(stray));
        Failure::lasting(Trouble::Nonsense, message).hint(CHECK_ADDRESS)
    }
}

impl Answer {
    fn event(&mut self, event: &Event, give: &mut impl FnMut(Delta)) -> Result<(), Failure> {
        if self.is_done {
            return Ok(());
        }
        let text = match event {
            Event::Done => {
                self.is_done = true;
                return Ok(());
            }
            Event::Error(text) => return self.complain(complaint(text)),
            Event::Data(text) | Event::Body(text) => text,
        };
        // Some servers glue one object to the next.
        let mended = mended(text);
        for value in Deserializer::from_str(&mended).into_iter::<Value>() {
            match value {
                Ok(value) => self.chunk(&value, give)?,
                Err(error) if error.is_eof() => {
                    let message = "the model's answer broke off in the middle of a piece";
                    return Err(Failure::passing(Trouble::Unreachable, message));
                }
                Err(_) => {
                    let message = format!("the server sent something that is no answer: {}", described(text));
                    return Err(Failure::lasting(Trouble::Nonsense, message).hint(CHECK_ADDRESS));
                }
            }
        }
        Ok(())
    }

    fn chunk(&mut self, chunk: &Value, give: &mut impl FnMut(Delta)) -> Result<(), Failure> {
        if let Some(complaint) = Complaint::read(chunk) {
            return self.complain(complaint);
        }
        let Some(fields) = chunk.as_object() else {
            let message = format!("the server sent something that is no answer: {}", described(&chunk.to_string()));
            return Err(Failure::lasting(Trouble::Nonsense, message).hint(CHECK_ADDRESS));
        };
        if let Some(usage) = usage(&chunk["usage"]).or_else(|| usage(&chunk["x_groq"]["usage"])) {
            self.usage = Some(usage);
            self.has_begun = true;
        }
        let Some(choices) = fields.get("choices").and_then(Value::as_array) else { return Ok(()) };
        self.has_begun = true;
        // Never more than one is asked for.
        let first = |choice: &&Value| choice["index"].as_u64().unwrap_or(0) == 0;
        choices.iter().filter(first).try_for_each(|choice| self.choice(choice, give))
    }

    /// Takes an error; what goes wrong after the answer takes nothing from it.
    fn complain(&mut self, complaint: Complaint) -> Result<(), Failure> {
        self.is_done = self.finish.is_some();
        if self.is_done { Ok(()) } else { Err(complaint.failure()) }
    }

    fn choice(&mut self, choice: &Value, give: &mut impl FnMut(Delta)) -> Result<(), Failure> {
        if let Some(complaint) = Complaint::read(choice) {
            return Err(complaint.failure());
        }
        if let Some(delta) = choice["delta"].as_object() {
            self.message(delta, give)?;
        } else if let Some(message) = choice["message"].as_object() {
            self.message(message, give)?;
            // A message is whole, whatever the server says of why.
            self.finish = self.finish.or(Some(Finish::Stop));
        }
        match choice["finish_reason"].as_str().or_else(|| choice["finishReason"].as_str()) {
            // Empty in every piece of some servers; it says nothing.
            None | Some("") => {}
            Some("error") => {
                let message = "the server failed in the middle of the answer";
                return Err(Failure::passing(Trouble::Unreachable, message));
            }
            Some(reason) => self.finish = Some(finish(reason)),
        }
        Ok(())
    }

    fn message(&mut self, message: &Map<String, Value>, give: &mut impl FnMut(Delta)) -> Result<(), Failure> {
        let reasoning = ["reasoning_content", "reasoning", "thinking"]
            .iter()
            .filter_map(|key| message.get(*key))
            .map(text_of_parts)
            .find(|text| !text.is_empty());
        if let Some(reasoning) = reasoning {
            self.say(Piece::Reasoning, &reasoning, give)?;
        }
        match message.get("content") {
            Some(Value::String(text)) => self.words(text, give)?,
            Some(Value::Array(parts)) => parts.iter().try_for_each(|part| self.part(part, give))?,
            Some(part @ Value::Object(_)) => self.part(part, give)?,
            _ => {}
        }
        if let Some(refusal) = message.get("refusal").and_then(Value::as_str) {
            self.refuse(refusal)?;
        }
        if let Some(pieces) = message.get("tool_calls").and_then(Value::as_array) {
            pieces.iter().try_for_each(|piece| self.calls.piece(piece, give))?;
        }
        if let Some(piece) = message.get("function_call").filter(|piece| piece.is_object()) {
            self.calls.piece(piece, give)?;
        }
        if message.get("extra_content") == Some(&json!({ "google": { "thought": true } })) {
            // Says of the words that they are reasoning, which is not to be said of the whole answer.
            return Ok(());
        }
        self.extra.keep(message, KNOWN)
    }

    fn part(&mut self, part: &Value, give: &mut impl FnMut(Delta)) -> Result<(), Failure> {
        if let Some(text) = part.as_str() {
            return self.words(text, give);
        }
        match part["type"].as_str().unwrap_or("text") {
            "thinking" | "reasoning" => {
                let inner = ["thinking", "reasoning", "text"].iter().map(|key| text_of_parts(&part[*key]));
                let text = inner.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
                self.say(Piece::Reasoning, &text, give)
            }
            "refusal" => self.refuse(part["refusal"].as_str().unwrap_or_default()),
            _ => self.words(part["text"].as_str().unwrap_or_default(), give),
        }
    }

    /// Takes words that may hold reasoning between marks.
    fn words(&mut self, words: &str, give: &mut impl FnMut(Delta)) -> Result<(), Failure> {
        if words.is_empty() {
            return Ok(());
        }
        let mut told = Vec::new();
        self.thinking.push(words, &mut |piece, text| told.push((piece, text.to_owned())));
        told.into_iter().try_for_each(|(piece, text)| self.say(piece, &text, give))
    }

    fn say(&mut self, piece: Piece, text: &str, give: &mut impl FnMut(Delta)) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        let whole = match piece {
            Piece::Text => &mut self.text,
            Piece::Reasoning => &mut self.reasoning,
        };
        if whole.len() + text.len() > MOST_TEXT_BYTES {
            return Err(endless());
        }
        whole.push_str(text);
        give(match piece {
            Piece::Text => Delta::Text(text.to_owned()),
            Piece::Reasoning => Delta::Reasoning(text.to_owned()),
        });
        Ok(())
    }

    fn refuse(&mut self, words: &str) -> Result<(), Failure> {
        if self.refusal.len() + words.len() > MOST_TEXT_BYTES {
            return Err(endless());
        }
        self.refusal.push_str(words);
        Ok(())
    }

    fn reply(mut self, give: &mut impl FnMut(Delta)) -> Result<Reply, Failure> {
        let mut told = Vec::new();
        self.thinking.finish(&mut |piece, text| told.push((piece, text.to_owned())));
        told.into_iter().try_for_each(|(piece, text)| self.say(piece, &text, give))?;
        let Self { mut text, reasoning, refusal, calls, extra, finish, usage, .. } = self;
        let calls = calls.finish(give);
        let mut finish = finish.unwrap_or_default();
        if !refusal.is_empty() {
            finish = Finish::Refused;
            text.push_str(&refusal);
        }
        Ok(Reply { text, reasoning, calls, extra: extra.into_fields(), finish, usage })
    }
}

fn endless() -> Failure {
    let message = format!("the model wrote more than {} KiB of text", MOST_TEXT_BYTES / 1024);
    Failure::lasting(Trouble::Nonsense, message)
}

fn complaint(text: &str) -> Complaint {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => Complaint::read(&value).unwrap_or_else(|| Complaint::of(&value)),
        Err(_) => Complaint { message: shown(text), ..Complaint::default() },
    }
}

fn finish(reason: &str) -> Finish {
    match reason.to_ascii_lowercase().as_str() {
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "content_filter" | "safety" | "refusal" | "recitation" | "prohibited_content" | "blocklist" | "spii" => {
            Finish::Refused
        }
        _ => Finish::Stop,
    }
}

/// Returns a text whose escapes are characters: half of a surrogate pair, as some servers write where a token ends in the
/// middle of a character, becomes a replacement character.
fn mended(text: &str) -> Cow<'_, str> {
    let half = |at: usize, range: RangeInclusive<u32>| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok().filter(|code| range.contains(code))
    };
    let mut mended = String::new();
    let (mut done, mut at) = (0, 0);
    while let Some(found) = text[at..].find('\\') {
        at += found;
        if half(at, 0xd800..=0xdbff).is_some() && half(at + 6, 0xdc00..=0xdfff).is_some() {
            at += 12;
        } else if half(at, 0xd800..=0xdfff).is_some() {
            mended.push_str(&text[done..at]);
            mended.push_str("\\ufffd");
            at += 6;
            done = at;
        } else {
            // Whatever is escaped is passed over with its backslash.
            at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8);
        }
    }
    if done == 0 { Cow::Borrowed(text) } else { Cow::Owned(mended + &text[done..]) }
}

fn text_of_parts(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text_of_parts).collect(),
        Value::Object(fields) => {
            fields.get("text").or_else(|| fields.get("content")).map(text_of_parts).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn usage(value: &Value) -> Option<Usage> {
    let number = |value: &Value| value.as_u64().or_else(|| value.as_f64().filter(|n| *n >= 0.0).map(as_count));
    let input = number(&value["prompt_tokens"]);
    let output = number(&value["completion_tokens"]);
    if input.is_none() && output.is_none() {
        return None;
    }
    let cached = number(&value["prompt_tokens_details"]["cached_tokens"])
        .or_else(|| number(&value["prompt_cache_hit_tokens"]))
        .unwrap_or_default();
    Some(Usage { input: input.unwrap_or_default(), cached, output: output.unwrap_or_default() })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not negative")]
fn as_count(number: f64) -> u64 {
    number as u64
}
