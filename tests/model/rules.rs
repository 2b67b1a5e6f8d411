//! The scripted model itself: it must see what it is there to see, or the tests that rely on it prove nothing.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use crate::{
    asking::run,
    support::model::{FakeModel, Reply},
};

/// Returns the rules that a request with these messages breaks.
fn broken(messages: &Value) -> Vec<String> {
    let model = FakeModel::start([Reply::text("x")]).at("prod", "shop").canary("sk-canary-1234567890");
    run(async {
        let body = json!({"model": "fake", "stream": true, "messages": messages}).to_string();
        let sent =
            reqwest::Client::builder().no_proxy().build().unwrap().post(format!("{}/chat/completions", model.url()));
        sent.body(body).send().await.unwrap();
    });
    model.take_violations()
}

fn system() -> Value {
    json!({"role": "system", "content": "You work in context prod, namespace shop."})
}

fn call(id: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "list", "arguments": "{}"}})
}

fn calls(ids: &[&str]) -> Value {
    json!({"role": "assistant", "content": null, "tool_calls": ids.iter().map(|id| call(id)).collect::<Vec<_>>()})
}

fn result(id: &str, content: &str) -> Value {
    json!({"role": "tool", "tool_call_id": id, "content": content})
}

#[test]
fn a_proper_conversation_breaks_no_rule() {
    let user = json!({"role": "user", "content": "list the pods"});
    let messages = json!([system(), user, calls(&["a", "b"]), result("a", "1"), result("b", "2"), user]);
    assert_eq!(broken(&messages), [""; 0]);
}

#[test]
fn every_rule_is_seen_to_be_broken() {
    let user = |content: &str| json!({"role": "user", "content": content});
    let encoded = |lead: &str| BASE64.encode(format!("{lead}sk-canary-1234567890 and more"));
    let broken_call = |name: &str, arguments: &str| {
        json!({"role": "assistant", "content": "", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": name, "arguments": arguments}}]})
    };
    let table: Vec<(Value, &str)> = vec![
        (json!([]), "it has no messages"),
        (json!([user("x")]), "its first message is from \"user\""),
        (json!([system(), system()]), "a second system message"),
        (json!([{"role": "system", "content": "context prod"}]), "does not name the namespace shop"),
        (json!([{"role": "system", "content": "namespace shop"}]), "does not name the context prod"),
        (json!([system(), calls(&["a"])]), "the call a has no result"),
        (json!([system(), calls(&["a"]), user("x")]), "the call a before it has no result"),
        (json!([system(), calls(&["a"]), user("x"), result("a", "1")]), "a result without its call"),
        (json!([system(), calls(&["a"]), result("a", "1"), result("a", "1")]), "a result without its call"),
        (json!([system(), result("a", "1")]), "a result without its call"),
        (json!([system(), calls(&["a", "b"]), result("b", "1"), result("a", "2")]), "out of order"),
        (json!([system(), calls(&["a", "a"]), result("a", "1"), result("a", "2")]), "the id \"a\" is not unique"),
        (json!([system(), calls(&["a"]), result("a", &"x".repeat(9000))]), "a result of 9000 bytes"),
        (json!([system(), broken_call("a b", "{}"), result("a", "1")]), "\"a b\" is no name of a function"),
        (json!([system(), broken_call("list", "{"), result("a", "1")]), "are no JSON object"),
        (json!([system(), {"role": "assistant", "content": null}]), "neither words nor calls"),
        (json!([system(), {"role": "developer", "content": "x"}]), "an unknown role"),
        (json!([system(), user("the key is sk-canary-1234567890")]), "it holds the canary"),
        (json!([system(), user(&encoded(""))]), "it holds the canary"),
        (json!([system(), user(&encoded("x"))]), "it holds the canary"),
        (json!([system(), user(&encoded("xx"))]), "it holds the canary"),
    ];
    for (messages, expected) in table {
        let broken = broken(&messages);
        assert!(broken.iter().any(|line| line.contains(expected)), "{expected:?} is not in {broken:?} for {messages}");
    }
}

#[test]
fn a_request_too_many_is_seen() {
    let model = FakeModel::start([]).anywhere();
    run(async {
        let body = json!({"model": "fake", "stream": true, "messages": [system()]}).to_string();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.post(format!("{}/chat/completions", model.url())).body(body).send().await.unwrap();
    });
    assert_eq!(model.take_violations(), ["request 1: the script has no reply for it"]);
}

#[test]
#[should_panic(expected = "it has no messages")]
fn a_broken_rule_fails_the_test() {
    let model = FakeModel::start([Reply::text("x")]).anywhere();
    run(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let body = r#"{"model": "fake", "stream": true}"#;
        client.post(format!("{}/chat/completions", model.url())).body(body).send().await.unwrap();
    });
}
