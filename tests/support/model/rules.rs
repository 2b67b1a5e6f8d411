//! What must hold for every request to a model, whatever a test does: each call has its result, nothing is unbounded, no
//! secret leaves, and the model knows where it stands.

use serde_json::{Map, Value};

use crate::support::secrets::{VALUES, forms};

/// The most bytes of one result, with the note that says what was left out.
const MOST_RESULT_BYTES: usize = 8 * 1024 + 256;
/// The most bytes of a whole request.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// The rules of one model.
pub(super) struct Rules {
    /// Context and namespace that the system's message names.
    pub(super) place: Option<(String, String)>,
    /// Texts that no request holds.
    pub(super) canaries: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { place: Some(("sandbox".to_owned(), "todo".to_owned())), canaries: VALUES.map(str::to_owned).to_vec() }
    }
}

impl Rules {
    /// Returns the rules that a request breaks.
    pub(super) fn broken_by(&self, body: &Value) -> Vec<String> {
        let mut broken = Vec::new();
        let text = body.to_string();
        if text.len() > MOST_BYTES {
            broken.push(format!("it has {} bytes", text.len()));
        }
        if body["stream"] != true {
            broken.push("it asks for no stream".to_owned());
        }
        if body["model"].as_str().unwrap_or_default().is_empty() {
            broken.push("it names no model".to_owned());
        }
        for canary in &self.canaries {
            broken.extend(
                forms(canary)
                    .into_iter()
                    .filter(|form| text.contains(form))
                    .map(|form| format!("it holds the canary {canary:?} as {form:?}")),
            );
        }
        match body["messages"].as_array() {
            Some(messages) if !messages.is_empty() => {
                self.system(messages, &mut broken);
                pairs(messages, &mut broken);
            }
            _ => broken.push("it has no messages".to_owned()),
        }
        broken
    }

    fn system(&self, messages: &[Value], broken: &mut Vec<String>) {
        let (first, rest) = messages.split_first().unwrap();
        if first["role"] != "system" {
            broken.push(format!("its first message is from {}", first["role"]));
        }
        if rest.iter().any(|message| message["role"] == "system") {
            broken.push("it has a second system message".to_owned());
        }
        if let Some((context, namespace)) = &self.place {
            let content = first["content"].as_str().unwrap_or_default();
            for (what, name) in [("context", context), ("namespace", namespace)] {
                if !content.contains(name.as_str()) {
                    broken.push(format!("its system message does not name the {what} {name}"));
                }
            }
        }
    }
}

/// Looks at calls and results: each call has exactly one result, directly after its message and in order.
fn pairs(messages: &[Value], broken: &mut Vec<String>) {
    let mut ids: Vec<String> = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for (number, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default().to_owned();
            match open.iter().position(|known| *known == id) {
                Some(0) => drop(open.remove(0)),
                Some(at) => {
                    broken.push(format!("message {number}: the result of {id} is out of order"));
                    open.remove(at);
                }
                None => broken.push(format!("message {number}: a result without its call ({id:?})")),
            }
            let bytes = message["content"].as_str().map(str::len);
            match bytes {
                None => broken.push(format!("message {number}: a result that is no text")),
                Some(bytes) if bytes > MOST_RESULT_BYTES => {
                    broken.push(format!("message {number}: a result of {bytes} bytes"));
                }
                Some(_) => {}
            }
            continue;
        }
        for id in open.drain(..) {
            broken.push(format!("message {number}: the call {id} before it has no result"));
        }
        if !matches!(role, "system" | "user" | "assistant") {
            broken.push(format!("message {number}: an unknown role {role:?}"));
        }
        let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
        if calls.is_empty() && !message["content"].is_string() {
            broken.push(format!("message {number}: neither words nor calls"));
        }
        for call in calls {
            let id = call["id"].as_str().unwrap_or_default().to_owned();
            if id.is_empty() || ids.contains(&id) {
                broken.push(format!("message {number}: the id {id:?} is not unique"));
            }
            let name = call["function"]["name"].as_str().unwrap_or_default();
            let is_valid = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
            if name.is_empty() || name.len() > 64 || !name.chars().all(is_valid) {
                broken.push(format!("message {number}: {name:?} is no name of a function"));
            }
            let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
            if serde_json::from_str::<Map<String, Value>>(arguments).is_err() {
                broken.push(format!("message {number}: the arguments of {id} are no JSON object"));
            }
            ids.push(id.clone());
            open.push(id);
        }
    }
    broken.extend(open.into_iter().map(|id| format!("the call {id} has no result")));
}
