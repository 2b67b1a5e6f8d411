//! Tool calls for models that know none.
//!
//! The tools are described in the system's message; a call is a block of JSON at the end of the text; results come back in
//! messages of the user. What is broken becomes a call with its broken arguments, so that the model hears what was wrong
//! with it. The block itself is not shown to the person.

mod blocks;

use std::fmt::Write as _;

use futures::{
    SinkExt, StreamExt,
    channel::mpsc,
    future::ready,
    stream::{self, BoxStream},
};
use serde_json::{Map, Value, json};
use todo_agent_core::{Redacted, Redactor};
use todo_agent_tools::ToolSpec;

use self::blocks::{Curtain, Written, split};
use super::{Delta, Message, Model, ModelError, Reply, ReplyCall, Request, Said, SaidCall, Trouble, calls::MOST_CALLS};

/// What a model is told about calls; the tools follow.
const RULES: &str = include_str!("../../prompts/text_protocol.md");

/// A model that writes its calls as text.
pub struct TextProtocol<M> {
    model: M,
    /// Everything that goes through it was redacted before; nothing else makes the type of a redacted text.
    redactor: Redactor,
}

impl<M: Model> TextProtocol<M> {
    /// Wraps a model.
    pub fn new(model: M) -> Self {
        Self { model, redactor: Redactor::new([0; 32]) }
    }
}

impl<M: Model> Model for TextProtocol<M> {
    fn describe(&self) -> String {
        self.model.describe()
    }

    fn stream<'a>(&'a self, request: &'a Request) -> BoxStream<'a, Result<Delta, ModelError>> {
        let plain = Request { messages: self.plain(request), tools: Vec::new() };
        let shown = |curtain: &mut Curtain, delta| {
            let shown = match delta {
                Ok(Delta::Text(text)) => words(curtain.push(&text)),
                Ok(Delta::End(reply)) => end(curtain, reply),
                other => vec![other],
            };
            ready(Some(stream::iter(shown)))
        };
        asked(&self.model, plain).scan(Curtain::default(), shown).flatten().boxed()
    }
}

/// Asks with a request that lives as long as its answer.
fn asked<M: Model>(model: &M, request: Request) -> BoxStream<'_, Result<Delta, ModelError>> {
    let (mut sender, receiver) = mpsc::channel(1);
    let asking = async move {
        let mut answer = model.stream(&request);
        while let Some(delta) = answer.next().await {
            if sender.send(delta).await.is_err() {
                break;
            }
        }
    };
    stream::select(receiver, stream::once(asking).filter_map(|()| ready(None))).boxed()
}

fn words(text: String) -> Vec<Result<Delta, ModelError>> {
    if text.is_empty() { Vec::new() } else { vec![Ok(Delta::Text(text))] }
}

/// Ends an answer: takes the calls out of its text and shows what was held back without being one.
fn end(curtain: &mut Curtain, reply: Reply) -> Vec<Result<Delta, ModelError>> {
    let Written { text, calls } = split(&reply.text);
    if calls.len() > MOST_CALLS {
        let message = format!("the model wrote more than {MOST_CALLS} calls in one message");
        return vec![Err(ModelError::new(Trouble::Nonsense, message))];
    }
    let mut shown = words(curtain.rest_of(text));
    let call = |(number, (name, arguments)): (usize, (String, String))| ReplyCall {
        id: format!("call_{}", number + 1),
        name,
        arguments,
        extra: Map::new(),
    };
    // A model that knows calls after all may make them properly.
    let mut all = reply.calls;
    all.extend(calls.into_iter().enumerate().map(call));
    shown.extend(all.iter().map(|call| Ok(Delta::Calling(call.name.clone()))));
    shown.push(Ok(Delta::End(Reply { text: curtain.shown().to_owned(), calls: all, ..reply })));
    shown
}

impl<M> TextProtocol<M> {
    /// Returns the conversation without tools: every message is from the system, the user or the assistant, and the last two
    /// take turns, as many chat templates demand.
    fn plain(&self, request: &Request) -> Vec<Message> {
        let mut plain: Vec<Message> = Vec::new();
        let mut results = 0;
        for message in &request.messages {
            let next = match message {
                Message::System(text) if request.tools.is_empty() => Message::System(text.clone()),
                Message::System(text) => {
                    Message::System(self.text(&format!("{}\n\n{RULES}{}", **text, described(&request.tools))))
                }
                Message::User(text) => Message::User(text.clone()),
                Message::Assistant(said) => {
                    results = 0;
                    Message::Assistant(self.written(said))
                }
                Message::Tool { tool, text, .. } => {
                    results += 1;
                    Message::User(self.text(&format!("Result of call {results}, {tool}:\n{}", **text)))
                }
            };
            match (plain.last_mut(), next) {
                (Some(Message::User(before)), Message::User(more)) => {
                    *before = self.text(&format!("{}\n\n{}", **before, *more));
                }
                (_, next) => plain.push(next),
            }
        }
        plain
    }

    /// Returns what was said with its calls as a block.
    fn written(&self, said: &Said) -> Said {
        let mut text = said.text.to_string();
        if !said.calls.is_empty() {
            // In the order in which the model was told to write it.
            let call = |call: &SaidCall| format!("{{\"tool\": {}, \"args\": {}}}", json!(call.name), *call.arguments);
            let calls: Vec<String> = said.calls.iter().map(call).collect();
            let block = match calls.as_slice() {
                [only] => only.clone(),
                several => format!("[{}]", several.join(", ")),
            };
            let _ = write!(text, "{}```json\n{block}\n```", if text.is_empty() { "" } else { "\n\n" });
        }
        Said { text: self.text(&text), reasoning: self.text(""), calls: Vec::new(), extra: Map::new() }
    }

    fn text(&self, text: &str) -> Redacted<String> {
        self.redactor.text(text)
    }
}

/// Returns the tools in few words: name, purpose, and each argument with its type and meaning.
fn described(tools: &[ToolSpec]) -> String {
    let mut text = String::new();
    for ToolSpec { name, description, parameters } in tools {
        let _ = writeln!(text, "- {name}: {description}");
        let required = parameters["required"].as_array().cloned().unwrap_or_default();
        for (argument, schema) in parameters["properties"].as_object().into_iter().flatten() {
            let kind = match (&schema["enum"], schema["type"].as_str()) {
                (Value::Array(values), _) => values.iter().map(Value::to_string).collect::<Vec<_>>().join(" | "),
                (_, Some(kind)) => kind.to_owned(),
                (_, None) => schema.to_string(),
            };
            let needed = if required.contains(&json!(argument)) { ", required" } else { "" };
            let about = schema["description"].as_str().map(|about| format!(": {about}")).unwrap_or_default();
            let _ = writeln!(text, "  {argument} ({kind}{needed}){about}");
        }
    }
    text
}

#[cfg(test)]
#[path = "text_protocol/tests.rs"]
mod tests;
