//! What a server said to one request, and the request that a step becomes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

/// An answer: the parts of it that clients act on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) content_type: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
    pub(crate) body: Value,
}

impl Answer {
    /// Returns an answer whose body is JSON, the JSON lines of a watch, or else text.
    pub(crate) fn read(request: &Request, code: u16, content_type: String, warnings: Vec<String>, text: &str) -> Self {
        let is_watch = request.path.contains("watch=") && code == 200;
        let lines = || text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
        let body = match (is_watch, lines()) {
            (true, Ok(events)) => Value::Array(events),
            _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        };
        Self { code, content_type, warnings, body }
    }
}

/// The answers of a case and the namespace that they happened in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answers {
    pub(crate) namespace: String,
    pub(crate) answers: Vec<Answer>,
}
