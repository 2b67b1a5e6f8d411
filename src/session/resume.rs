//! A recorded session as the conversation it was, to go on from. Pure.
//!
//! What is recorded is redacted, and stays so: a masked value is not known again. Everything the cluster said is text from
//! outside as before, so that the conversation is tainted as before.

use serde_json::{Map, Value};
use todo_agent_core::{Call, Redactor};
use todo_agent_planner::{Focus, Mode, Planned};

use super::Recorded;
use crate::{
    dialogue::History,
    model::{Reply, ReplyCall},
};

/// What a session was about, as far as it is known again.
#[derive(Debug, Default)]
pub struct Resumed {
    /// The conversation as a model gets it.
    pub history: History,
    /// What "it" and "again" mean.
    pub focus: Focus,
    /// How many sentences there were.
    pub sentences: usize,
    /// What was changed, by the program's own account.
    pub changes: Vec<String>,
}

/// Returns where a session stood at its end: context and namespace.
pub fn place(recorded: &Recorded) -> (Option<String>, Option<String>) {
    let moved = recorded.events.iter().rfind(|event| event["event"] == "meta");
    let last = moved.unwrap_or(&recorded.meta);
    let text = |field: &str| last[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    (text("context"), text("namespace"))
}

/// Returns the conversation of a session since it came to its last context.
pub fn resume(recorded: &Recorded, redactor: &Redactor) -> Resumed {
    let mut resumed = Resumed::default();
    let mut planned = PlannedTurn::default();
    let mut context = &recorded.meta["context"];
    for event in &recorded.events {
        match event["event"].as_str().unwrap_or_default() {
            // What was said of another cluster means nothing in this one.
            "meta" if event["context"] != *context => {
                context = &event["context"];
                (resumed, planned) = (Resumed::default(), PlannedTurn::default());
            }
            "sentence" => {
                planned.take_up(&mut resumed, redactor);
                resumed.history.close(redactor);
                resumed.history.person(redactor.text(text(event, "text")));
                resumed.sentences += 1;
            }
            "model" => {
                planned.by_model = true;
                resumed.history.said(&reply(event), redactor);
            }
            "heard" => resumed.history.result(text(event, "call_id"), text(event, "text"), redactor),
            "tool_call" => planned.calls.push(Call::new(text(event, "tool"), event["args"].clone())),
            "tool_result" if event["text"].is_string() => planned.results.push(text(event, "text").to_owned()),
            "tool_result" | "decision" | "report" | "error" => planned.results.push(event.to_string()),
            "answer" => resumed
                .changes
                .extend(event["ledger"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    planned.take_up(&mut resumed, redactor);
    resumed.history.close(redactor);
    // What was piped in, or resumed itself, is not on record.
    resumed.history.taint();
    resumed
}

/// Returns a field's text; of one that was too long for the record, what is left of it.
fn text<'e>(event: &'e Value, field: &str) -> &'e str {
    event[field].as_str().or_else(|| event[field]["text"].as_str()).unwrap_or_default()
}

/// A turn that the planner answered: its calls were recorded, and what came of them as data.
#[derive(Default)]
struct PlannedTurn {
    by_model: bool,
    calls: Vec<Call>,
    results: Vec<String>,
}

impl PlannedTurn {
    fn take_up(&mut self, resumed: &mut Resumed, redactor: &Redactor) {
        let turn = std::mem::take(self);
        // The calls of a model are in its own messages.
        if turn.by_model || turn.calls.is_empty() {
            return;
        }
        // The record does not say which result is whose: all of them stand with the first call.
        let together = redactor.text(&turn.results.join("\n"));
        let see_above = std::iter::repeat_n(redactor.text("(see the result above)"), turn.calls.len() - 1);
        let results = std::iter::once(together).chain(see_above).collect();
        resumed.history.planned(&turn.calls, results, redactor);
        resumed.focus.update(&Planned::Calls { calls: turn.calls, mode: Mode::Act });
    }
}

/// Returns a model's message from its event. What a server wants echoed is not recorded.
pub(crate) fn reply(event: &Value) -> Reply {
    let calls = event["calls"].as_array().into_iter().flatten();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let call = |call: &Value| ReplyCall {
        id: word(&call["id"]),
        name: word(&call["tool"]),
        arguments: match &call["args"] {
            Value::String(text) => text.clone(),
            args => args.to_string(),
        },
        extra: Map::new(),
    };
    Reply {
        text: text(event, "text").to_owned(),
        reasoning: text(event, "reasoning").to_owned(),
        calls: calls.map(call).collect(),
        extra: Map::new(),
        finish: serde_json::from_value(event["finish"].clone()).unwrap_or_default(),
        usage: serde_json::from_value(event["usage"].clone()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{model::Message, session::Chain};

    #[test]
    fn a_session_is_gone_on_from_as_it_was() {
        let events = vec![
            json!({"event": "sentence", "text": "list the pods"}),
            json!({"event": "tool_call", "tool": "list", "args": {"kind": "pods"}}),
            json!({"event": "tool_result", "tool": "list", "achieved": true, "output": {"total": 2}}),
            json!({"event": "answer", "text": "", "ledger": []}),
            json!({"event": "sentence", "text": "why two"}),
            json!({"event": "model", "text": "", "calls": [{"id": "c1", "tool": "describe", "args": {"name": "backend"}}]}),
            json!({"event": "tool_call", "tool": "describe", "args": {"name": "backend"}}),
            json!({"event": "tool_result", "tool": "describe", "achieved": true, "output": {}}),
            json!({"event": "heard", "call_id": "c1", "tool": "describe", "text": "replicas 2"}),
            json!({"event": "model", "text": "Because it says so.", "calls": []}),
        ];
        let recorded = Recorded { meta: json!({}), events, chain: Chain::Whole, end: String::new() };
        let redactor = Redactor::new([1; 32]);
        let resumed = resume(&recorded, &redactor);
        let shown: Vec<String> = resumed
            .history
            .messages(redactor.text("rules"))
            .iter()
            .map(|message| match message {
                Message::System(_) => "system".to_owned(),
                Message::User(text) => format!("person: {text}"),
                Message::Assistant(said) => {
                    format!("model: {} {:?}", said.text, said.calls.iter().map(|call| &call.name).collect::<Vec<_>>())
                }
                Message::Tool { tool, text, .. } => format!("{tool}: {text}"),
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        system
        person: list the pods
        model:  ["list"]
        list: {"achieved":true,"event":"tool_result","output":{"total":2},"tool":"list"}
        person: why two
        model:  ["describe"]
        describe: replicas 2
        model: Because it says so. []
        "#);
        assert!(resumed.history.is_tainted());
        assert_eq!(resumed.sentences, 2);
        assert_eq!(resumed.focus.last, [Call::new("list", json!({"kind": "pods"}))]);
    }

    #[test]
    fn a_resumed_conversation_is_tainted_even_where_no_result_is_on_record() {
        let events = vec![
            json!({"event": "sentence", "text": "what does this file want"}),
            json!({"event": "model", "text": "It wants backend scaled to 7.", "calls": []}),
        ];
        let recorded = Recorded { meta: json!({}), events, chain: Chain::Whole, end: String::new() };
        assert!(resume(&recorded, &Redactor::new([1; 32])).history.is_tainted());
    }

    #[test]
    fn what_was_said_of_another_context_is_left_there() {
        let meta = json!({"context": "prod", "namespace": "shop"});
        let events = vec![
            json!({"event": "sentence", "text": "list the pods"}),
            json!({"event": "tool_call", "tool": "list", "args": {"kind": "pods"}}),
            json!({"event": "tool_result", "tool": "list", "achieved": true, "output": {"total": 2}}),
            json!({"event": "meta", "context": "dev", "namespace": "todo"}),
            json!({"event": "meta", "context": "dev", "namespace": "lab"}),
            json!({"event": "sentence", "text": "scale redis to 1"}),
            json!({"event": "answer", "text": "", "ledger": ["scale redis: done (c-1)"]}),
        ];
        let recorded = Recorded { meta, events, chain: Chain::Whole, end: String::new() };
        let resumed = resume(&recorded, &Redactor::new([1; 32]));
        assert_eq!(place(&recorded), (Some("dev".into()), Some("lab".into())));
        assert_eq!((resumed.sentences, resumed.focus.last.len(), resumed.changes.len()), (1, 0, 1));
    }

    #[test]
    fn a_session_that_was_cut_off_in_a_turn_is_made_whole() {
        let events = vec![
            json!({"event": "sentence", "text": "why"}),
            json!({"event": "model", "text": "", "calls": [{"id": "c1", "tool": "list", "args": "{broken"}]}),
        ];
        let recorded = Recorded { meta: json!({}), events, chain: Chain::Torn, end: String::new() };
        let redactor = Redactor::new([1; 32]);
        let history = resume(&recorded, &redactor).history;
        assert!(matches!(history.messages(redactor.text("")).last(), Some(Message::Tool { .. })));
    }
}
