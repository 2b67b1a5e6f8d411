//! Requests in the forms that servers differ in; the usual form is seen whole in the end-to-end tests.

use todo_agent_core::Redactor;

use super::*;
use crate::model::preset::find;

fn conversation() -> Request {
    let redactor = Redactor::new([1; 32]);
    let text = |text: &str| redactor.text(text);
    let call = |id: &str, name: &str, arguments: &str| SaidCall {
        id: id.into(),
        name: name.into(),
        arguments: text(arguments),
        extra: Map::new(),
    };
    let result = |id: &str| Message::Tool { call_id: id.into(), tool: "list".into(), text: text("none") };
    let said = |words: &str, calls| {
        Message::Assistant(Said { text: text(words), reasoning: text("because"), calls, extra: Map::new() })
    };
    let messages = vec![
        Message::User(text("list")),
        said("", vec![call("call_ta1", "list", "{}"), call("abcdef123", "", "{\"kind\": ")]),
        result("call_ta1"),
        result("abcdef123"),
        said("", vec![]),
    ];
    Request { messages, tools: Vec::new() }
}

fn sent(provider: &str, answer_tokens: Option<u32>) -> Value {
    let quirks = find(provider).unwrap().quirks;
    body(&conversation(), "m", answer_tokens, quirks, Shape::of(quirks))
}

#[test]
fn reasoning_goes_back_only_where_it_is_wanted() {
    for (provider, field) in
        [("openai", None), ("gemini", None), ("deepseek", Some("reasoning_content")), ("openrouter", Some("reasoning"))]
    {
        let message = &sent(provider, None)["messages"][1];
        for known in ["reasoning_content", "reasoning"] {
            assert_eq!(message.get(known).is_some(), field == Some(known), "{provider}: {message}");
        }
    }
}

#[test]
fn what_is_echoed_is_valid() {
    let body = sent("openai", None);
    let calls = &body["messages"][1]["tool_calls"];
    assert_eq!(calls[1]["function"], json!({"name": "unknown", "arguments": "{}"}));
    assert_eq!(body["messages"][4]["content"], "(no answer)");
    assert_eq!(valid_name("kubectl<|channel|>commentary"), "kubectl__channel__commentary");
    assert_eq!(valid_name(&"ü".repeat(100)), "_".repeat(64));
}

#[test]
fn ids_are_made_as_a_server_wants_them() {
    let ids = |body: &Value| {
        let messages = body["messages"].as_array().unwrap();
        let calls = messages[1]["tool_calls"].as_array().unwrap().iter().map(|call| call["id"].clone());
        let results = messages[2..4].iter().map(|message| message["tool_call_id"].clone());
        assert!(calls.clone().eq(results), "{body}");
        calls.map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&sent("openai", None)), ["call_ta1", "abcdef123"]);
    assert_eq!(ids(&sent("mistral", None)), ["ta0000001", "abcdef123"]);
}

#[test]
fn the_limit_has_the_name_that_the_server_knows() {
    for (provider, field) in [("openai", "max_completion_tokens"), ("mistral", "max_tokens")] {
        assert_eq!(sent(provider, Some(7))[field], 7, "{provider}");
    }
    assert_eq!(sent("openai", None).get("max_completion_tokens"), None);
}

#[test]
fn several_calls_at_once_are_asked_for_where_they_must_be() {
    let mut request = conversation();
    let parameters = json!({});
    request.tools = vec![todo_agent_tools::ToolSpec { name: "list", description: String::new(), parameters }];
    for (provider, expected) in [("llamacpp", json!(true)), ("openai", Value::Null)] {
        let quirks = find(provider).unwrap().quirks;
        let body = body(&request, "m", None, quirks, Shape::of(quirks));
        assert_eq!(body["parallel_tool_calls"], expected, "{provider}");
    }
}

#[test]
fn a_shape_learns_each_thing_once() {
    let mut shape = Shape::of(find("openai").unwrap().quirks);
    let complaint = |message: &str| Complaint { message: message.to_owned(), ..Complaint::default() };
    assert!(shape.learn(&complaint("unknown field stream_options")));
    assert!(!shape.learn(&complaint("unknown field stream_options")));
    assert!(shape.learn(&complaint("unsupported: max_completion_tokens")));
    assert!(shape.learn(&complaint("unsupported: max_tokens")));
    assert!(!shape.learn(&complaint("unsupported: max_tokens")));
    assert!(!shape.learn(&complaint("no")));
}
