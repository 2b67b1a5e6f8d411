//! What a model was asked, in few bytes: a session keeps it, so that a replay knows whether it would be asked the same.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    model::{Message, Request, SaidCall},
    session::{Fact, hex},
};

/// The SHA-256 of each part of a request, hexadecimal.
pub(super) struct Digest {
    system: String,
    tools: String,
    conversation: String,
    messages: usize,
}

impl Digest {
    pub(super) fn of(request: &Request) -> Self {
        let system = |message: &&Message| matches!(message, Message::System(_));
        let (rules, said): (Vec<&Message>, Vec<&Message>) = request.messages.iter().partition(system);
        let tool = |tool: &todo_agent_tools::ToolSpec| json!([tool.name, *tool.description, tool.parameters]);
        Self {
            system: sum(rules.into_iter().map(plain)),
            tools: sum(request.tools.iter().map(tool)),
            messages: said.len(),
            conversation: sum(said.into_iter().map(plain)),
        }
    }

    pub(super) fn fact(&self) -> Fact<'_> {
        let Self { system, tools, conversation, messages } = self;
        Fact::Request { system, tools, conversation, messages: *messages }
    }
}

fn sum(parts: impl Iterator<Item = Value>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.to_string());
        hash.update(b"\n");
    }
    hex(&hash.finalize())
}

/// Returns a message without what is only echoed: a record does not keep that.
fn plain(message: &Message) -> Value {
    match message {
        Message::System(text) => json!(["system", **text]),
        Message::User(text) => json!(["user", **text]),
        Message::Assistant(said) => {
            let call = |call: &SaidCall| json!([call.id, call.name, *call.arguments]);
            json!(["assistant", *said.text, said.calls.iter().map(call).collect::<Vec<_>>()])
        }
        Message::Tool { call_id, tool, text } => json!(["tool", call_id, tool, **text]),
    }
}
