//! A conversation as JSON, in the form that one server wants it.
//!
//! What the published format calls optional is left out where a server refused it; that is learnt once and kept in a
//! [`Shape`]. Everything that is echoed is made valid first: a name that no tool can have would be refused with every later
//! request.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    Message, Request, Said, SaidCall,
    failure::Complaint,
    preset::{CallIds, LimitField, ParallelCalls, Quirks},
};

/// The longest name of a function that servers take.
const LONGEST_NAME: usize = 64;

/// Which optional fields a server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    stream_options: Sent,
    parallel_calls: Sent,
    limit: Option<LimitField>,
    other_limit: Sent,
}

/// Whether a field is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Yes,
    No,
}

impl Shape {
    /// Returns the shape that a server should take.
    pub(crate) fn of(quirks: Quirks) -> Self {
        let parallel_calls = match quirks.parallel_calls {
            ParallelCalls::Default => Sent::No,
            ParallelCalls::Asked => Sent::Yes,
        };
        Self { stream_options: Sent::Yes, parallel_calls, limit: Some(quirks.limit), other_limit: Sent::Yes }
    }

    /// Learns from a refusal; returns whether the request is worth sending again in the new shape.
    pub(crate) fn learn(&mut self, complaint: &Complaint) -> bool {
        let before = *self;
        if complaint.names("stream_options") || complaint.names("include_usage") {
            self.stream_options = Sent::No;
        } else if complaint.names("parallel_tool_calls") {
            self.parallel_calls = Sent::No;
        } else if let Some(limit) = self.limit
            && complaint.names(name_of(limit))
        {
            self.limit = match (limit, self.other_limit) {
                (_, Sent::No) => None,
                (LimitField::CompletionTokens, Sent::Yes) => Some(LimitField::Tokens),
                (LimitField::Tokens, Sent::Yes) => Some(LimitField::CompletionTokens),
            };
            self.other_limit = Sent::No;
        }
        *self != before
    }
}

fn name_of(limit: LimitField) -> &'static str {
    match limit {
        LimitField::CompletionTokens => "max_completion_tokens",
        LimitField::Tokens => "max_tokens",
    }
}

/// Returns the body of a request.
pub(crate) fn body(request: &Request, model: &str, answer_tokens: Option<u32>, quirks: Quirks, shape: Shape) -> Value {
    let mut ids = Ids::new(quirks.call_ids);
    let messages: Vec<Value> = request.messages.iter().map(|message| one(message, quirks, &mut ids)).collect();
    let mut body = json!({ "model": model, "messages": messages, "stream": true });
    if shape.stream_options == Sent::Yes {
        body["stream_options"] = json!({ "include_usage": true });
    }
    if !request.tools.is_empty() {
        let tool = |tool| json!({ "type": "function", "function": tool });
        body["tools"] = request.tools.iter().map(tool).collect();
        if shape.parallel_calls == Sent::Yes {
            body["parallel_tool_calls"] = json!(true);
        }
    }
    if let (Some(tokens), Some(limit)) = (answer_tokens, shape.limit) {
        body[name_of(limit)] = json!(tokens);
    }
    body
}

fn one(message: &Message, quirks: Quirks, ids: &mut Ids) -> Value {
    match message {
        Message::System(text) => json!({ "role": "system", "content": **text }),
        Message::User(text) => json!({ "role": "user", "content": **text }),
        Message::Assistant(said) => assistant(said, quirks, ids),
        Message::Tool { call_id, text, .. } => {
            json!({ "role": "tool", "tool_call_id": ids.sent(call_id), "content": **text })
        }
    }
}

fn assistant(said: &Said, quirks: Quirks, ids: &mut Ids) -> Value {
    let mut message = said.extra.clone();
    message.insert("role".to_owned(), json!("assistant"));
    let content = match (said.text.is_empty(), said.calls.is_empty()) {
        (false, _) => json!(*said.text),
        (true, false) => Value::Null,
        // Nothing at all is refused by some servers.
        (true, true) => json!("(no answer)"),
    };
    message.insert("content".to_owned(), content);
    if let (Some(field), false) = (quirks.reasoning_field, said.reasoning.is_empty()) {
        message.insert(field.to_owned(), json!(*said.reasoning));
    }
    if !said.calls.is_empty() {
        message.insert("tool_calls".to_owned(), said.calls.iter().map(|call| echoed(call, ids)).collect());
    }
    Value::Object(message)
}

fn echoed(call: &SaidCall, ids: &mut Ids) -> Value {
    let mut fields = call.extra.clone();
    let mut function = match fields.remove("function") {
        Some(Value::Object(function)) => function,
        _ => Map::new(),
    };
    function.insert("name".to_owned(), json!(valid_name(&call.name)));
    let is_object = serde_json::from_str::<Map<String, Value>>(&call.arguments).is_ok();
    function.insert("arguments".to_owned(), json!(if is_object { call.arguments.as_str() } else { "{}" }));
    fields.insert("id".to_owned(), json!(ids.sent(&call.id)));
    fields.insert("type".to_owned(), json!("function"));
    fields.insert("function".to_owned(), Value::Object(function));
    Value::Object(fields)
}

/// Returns a name that servers take for one.
fn valid_name(name: &str) -> String {
    let valid = |character: char| {
        if character.is_ascii_alphanumeric() || matches!(character, '_' | '-') { character } else { '_' }
    };
    let name: String = name.chars().take(LONGEST_NAME).map(valid).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

/// Call ids as a server takes them: the same id for the same call within one request.
struct Ids {
    form: CallIds,
    made: HashMap<String, String>,
}

impl Ids {
    fn new(form: CallIds) -> Self {
        Self { form, made: HashMap::new() }
    }

    fn sent(&mut self, id: &str) -> String {
        let is_nine = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if self.form == CallIds::Any || is_nine {
            return id.to_owned();
        }
        let next = self.made.len() + 1;
        self.made.entry(id.to_owned()).or_insert_with(|| format!("ta{next:07}")).clone()
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
