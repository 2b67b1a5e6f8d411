//! Why a request to a model failed, and whether it may be sent again.
//!
//! Servers say it in many ways: a status, an object, a list, a string, a web page. This reads all of them into one
//! [`Complaint`] and decides once what kind of trouble it is.

use std::time::Duration;

use serde_json::Value;
use todo_agent_core::text::{Lines, middle_out, visible};

use super::{ModelError, Trouble};

/// The most bytes of a server's own words that are shown.
const MOST_SHOWN: usize = 600;

/// The most bytes of a body that is no answer and no error that are shown.
const MOST_DESCRIBED: usize = 160;

/// An error together with what may be done about it here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the person gets to read.
    pub error: ModelError,
    /// Whether the same request may be sent again.
    pub again: Again,
}

/// Whether the same request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It would fail in the same way.
    No,
    /// After a while that grows.
    Later,
    /// After what the server asked for.
    After(Duration),
}

impl Failure {
    /// Returns a failure that would only repeat itself.
    pub(crate) fn lasting(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { error: ModelError::new(trouble, message), again: Again::No }
    }

    /// Returns a failure that may pass.
    pub(crate) fn passing(trouble: Trouble, message: impl Into<String>) -> Self {
        Self { error: ModelError::new(trouble, message), again: Again::Later }
    }

    /// Adds a hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.error.hints.push(hint.into());
        self
    }
}

/// What a server says is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Complaint {
    /// The status of the answer, or what the body says it would have been.
    pub(crate) status: Option<u16>,
    /// Its code and type words, joined.
    pub(crate) code: String,
    /// Its own words, on one line, bounded and visible.
    pub(crate) message: String,
    /// How long it asks to wait.
    pub(crate) after: Option<Duration>,
}

impl Complaint {
    /// Reads what a JSON value complains of; `None` where it is no complaint.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Array(items) => items.iter().find_map(Self::read),
            Value::Object(fields) => {
                let error = fields.get("error").filter(|error| is_something(error));
                if let Some(error) = error {
                    return Some(Self::of(error).or_said(fields.get("message")));
                }
                let says_error = ["object", "type", "status"].iter().any(|key| {
                    fields.get(*key).and_then(Value::as_str).is_some_and(|word| word.eq_ignore_ascii_case("error"))
                });
                if says_error {
                    return Some(Self::of(value));
                }
                let detail = fields.get("detail").or_else(|| fields.get("errors"))?;
                (!fields.contains_key("choices")).then(|| Self::of(detail))
            }
            _ => None,
        }
    }

    /// Returns a complaint from the value of an `error` field.
    pub(crate) fn of(error: &Value) -> Self {
        match error {
            Value::String(text) => Self { message: shown(text), ..Self::default() },
            Value::Array(items) => items.first().map(Self::of).unwrap_or_default(),
            Value::Object(fields) => {
                let words = |key: &str| match fields.get(key) {
                    Some(Value::String(text)) => text.clone(),
                    Some(Value::Number(number)) => number.to_string(),
                    _ => String::new(),
                };
                let status = [words("code"), words("status"), words("status_code")];
                let status = status.iter().find_map(|word| word.parse().ok().filter(|code| (400..600).contains(code)));
                let code: Vec<String> =
                    ["code", "type", "status"].map(words).into_iter().filter(|word| !word.is_empty()).collect();
                let message = ["message", "msg", "error", "detail"].into_iter().map(words);
                let message = message.into_iter().find(|text| !text.is_empty());
                let upstream = fields.get("metadata").and_then(|metadata| metadata["raw"].as_str());
                let message = match (message, upstream) {
                    (Some(message), Some(upstream)) => format!("{message}: {upstream}"),
                    (Some(message), None) => message,
                    (None, _) => error.to_string(),
                };
                Self {
                    status,
                    code: code.join(" "),
                    message: shown(&message),
                    after: retry_delay(fields.get("details")),
                }
            }
            other => Self { message: shown(&other.to_string()), ..Self::default() },
        }
    }

    fn or_said(mut self, message: Option<&Value>) -> Self {
        if let (true, Some(text)) = (self.message.is_empty(), message.and_then(Value::as_str)) {
            self.message = shown(text);
        }
        self
    }

    /// Returns whether it is about this word: a parameter's name, for example.
    pub(crate) fn names(&self, word: &str) -> bool {
        self.message.contains(word) || self.code.contains(word)
    }

    /// Returns whether the server's filter refused the content.
    pub(crate) fn is_content_filter(&self) -> bool {
        let code = self.code.to_ascii_lowercase();
        code.contains("content_filter") || code.contains("content_policy") || self.names("content management policy")
    }

    /// Returns the failure that this complaint is, with what the server said.
    pub(crate) fn failure(self) -> Failure {
        let (trouble, again) = self.judged();
        let said = if self.message.is_empty() { String::new() } else { format!(": {}", self.message) };
        let status = self.status.map(|status| format!(" ({status})")).unwrap_or_default();
        let what = match trouble {
            Trouble::Key => "the server refused the key",
            Trouble::Unknown => "the server does not know the model or the address",
            Trouble::Quota if again == Again::No => "the account has no quota left",
            Trouble::Quota => "the server has had too many requests",
            Trouble::TooLong => "the conversation is longer than the model can take",
            Trouble::Unreachable => "the server is failing",
            Trouble::Timeout => "the server did not answer in time",
            _ => "the server refused the request",
        };
        let mut failure = Failure { error: ModelError::new(trouble, format!("{what}{status}{said}")), again };
        for hint in self.hints(trouble, again) {
            failure = failure.hint(hint);
        }
        failure
    }

    fn judged(&self) -> (Trouble, Again) {
        let later = self.after.map_or(Again::Later, Again::After);
        let code = self.code.to_ascii_lowercase();
        let message = self.message.to_ascii_lowercase();
        if is_too_long(&code, &message, self.status) {
            return (Trouble::TooLong, Again::No);
        }
        let has_no_money = ["insufficient_quota", "insufficient_credits", "billing_hard_limit", "insufficient balance"];
        if self.status == Some(402) || has_no_money.iter().any(|word| code.contains(word) || message.contains(word)) {
            return (Trouble::Quota, Again::No);
        }
        match self.status {
            Some(401 | 403) => (Trouble::Key, Again::No),
            Some(400) if ["api key not valid", "api_key_invalid"].iter().any(|word| message.contains(word)) => {
                (Trouble::Key, Again::No)
            }
            Some(404) => (Trouble::Unknown, Again::No),
            Some(408 | 504) => (Trouble::Timeout, later),
            Some(429) => (Trouble::Quota, later),
            Some(409 | 500 | 502 | 503 | 507..=599) => (Trouble::Unreachable, later),
            Some(_) => (Trouble::Refused, Again::No),
            None if code.contains("authentication") || code.contains("invalid_api_key") => (Trouble::Key, Again::No),
            None if code.contains("rate_limit") || code.contains("too_many_requests") => (Trouble::Quota, later),
            None if code.contains("not_found") || message.contains("not found") => (Trouble::Unknown, Again::No),
            None if code.contains("invalid_request") => (Trouble::Refused, Again::No),
            // In the middle of a stream there is no status; what is not the request's fault may pass.
            None => (Trouble::Unreachable, later),
        }
    }

    fn hints(&self, trouble: Trouble, again: Again) -> Vec<String> {
        let message = self.message.to_ascii_lowercase();
        let hint = match trouble {
            Trouble::Refused if message.contains("support tools") || message.contains("tool choice") => {
                "this model or server takes no tool calls: set tools = \"text\" in [model] of config.toml"
            }
            Trouble::Quota if again == Again::No => {
                "top up the account, or name another model or provider (--model, --provider)"
            }
            Trouble::TooLong => "a smaller context_tokens in [model] makes the program shorten conversations earlier",
            _ => return Vec::new(),
        };
        vec![hint.to_owned()]
    }
}

/// Source: the error texts of OpenAI, Azure, Gemini, vLLM, llama.cpp, Ollama, Groq, Mistral and Anthropic as published.
fn is_too_long(code: &str, message: &str, status: Option<u16>) -> bool {
    let codes = ["context_length_exceeded", "exceed_context_size", "string_above_max_length", "request_too_large"];
    let words = [
        "maximum context length",
        "context length",
        "context window",
        "context size",
        "prompt is too long",
        "prompt too long",
        "input is too long",
        "input too long",
        "too many tokens",
        "maximum number of tokens",
        "maximum prompt length",
        "too large for model",
        "reduce the length",
    ];
    status == Some(413)
        || codes.iter().any(|word| code.contains(word))
        || (status.is_none_or(|status| status != 401 && status != 404)
            && words.iter().any(|word| message.contains(word)))
}

/// Gemini says in its details how long to wait: `"retryDelay": "37s"`.
fn retry_delay(details: Option<&Value>) -> Option<Duration> {
    let delay = details?.as_array()?.iter().find_map(|detail| detail["retryDelay"].as_str())?;
    delay.strip_suffix('s')?.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// Returns words of a server as they may be shown: on one line, visible, bounded.
pub(crate) fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = visible(&middle_out(&line, MOST_SHOWN).replace('\n', " "), Lines::Escape);
    line.trim_end_matches('.').to_owned()
}

/// Returns what a body that is no JSON says, for an error.
pub(crate) fn described(body: &str) -> String {
    let start = body.trim_start().get(..64).unwrap_or(body.trim_start()).to_ascii_lowercase();
    if start.starts_with("<!doctype") || start.starts_with("<html") || start.starts_with("<?xml") {
        let title = body.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        let title = title.map(|(title, _)| format!(" titled {:?}", shown(title))).unwrap_or_default();
        return format!("a web page{title}");
    }
    if start.is_empty() {
        return "nothing".to_owned();
    }
    format!("{:?}", middle_out(&shown(body), MOST_DESCRIBED).replace('\n', " "))
}

/// What to do where a server answers with a web page or knows no address.
pub(crate) const CHECK_ADDRESS: &str = "is the base URL right? it usually ends in /v1";

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
