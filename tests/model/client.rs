//! The client and a scripted server: requests as they are sent, answers as they come, retries, and errors as a person reads
//! them.

use std::{io::Write, thread, time::Duration};

use insta::assert_snapshot;
use serde_json::{Map, Value, json};
use todo_agent::model::{Client, Delta, Finish, Message, Model, Reply as Answer, Said, SaidCall};
use todo_agent_core::Redactor;
use todo_agent_tools::ToolSpec;

use crate::{
    asking::{
        ask, ask_beyond, client, client_at, client_with, request, run, server, server_saying, settings, shown, words,
    },
    support::{
        hostile::{answer, closed_port},
        model::{FakeModel, Reply},
    },
};

fn said(model: &FakeModel) -> Answer {
    ask(&client(model), &request("are all pods ready?")).1.unwrap()
}

#[test]
fn words_come_as_they_are_said() {
    let model = FakeModel::start([Reply::text("All pods are ready.")]).anywhere();
    let (deltas, end) = ask(&client(&model), &request("are all pods ready?"));
    let reply = end.unwrap();
    assert_eq!(words(&deltas), "All pods are ready.");
    assert!(deltas.len() > 3, "{deltas:?}");
    assert_eq!(reply.text, "All pods are ready.");
    let usage = reply.usage.unwrap();
    assert_eq!((usage.input, usage.cached, usage.output), (100, 40, 20));
}

#[test]
fn each_piece_is_passed_on_before_the_next_is_sent() {
    use futures::StreamExt;
    let model = FakeModel::start([Reply::text("one two").gated()]).anywhere();
    let (client, request) = (client(&model), request("count"));
    run(async {
        let mut stream = client.stream(&request);
        // The role, which says nothing, and the first piece.
        model.open_gate();
        model.open_gate();
        assert_eq!(stream.next().await, Some(Ok(Delta::Text("on".into()))));
        model.open_gate();
        assert_eq!(stream.next().await, Some(Ok(Delta::Text("e ".into()))));
    });
}

#[test]
fn a_request_as_it_is_sent() {
    let redactor = Redactor::new([7; 32]);
    let text = |text: &str| redactor.text(text);
    let model = FakeModel::start([Reply::text("Done.")]).anywhere();
    let mut request = request("scale the backend to 3");
    let extra: Map<String, Value> =
        serde_json::from_value(json!({"extra_content": {"google": {"thought_signature": "c2ln"}}})).unwrap();
    request.messages.push(Message::Assistant(Said {
        text: text(""),
        reasoning: text("The person wants three."),
        calls: vec![SaidCall {
            id: "call_7".into(),
            name: "scale<|channel|>commentary".into(),
            arguments: text(r#"{"replicas":3,"workload":"backend"}"#),
            extra,
        }],
        extra: Map::new(),
    }));
    request.messages.push(Message::Tool { call_id: "call_7".into(), tool: "scale".into(), text: text("ok") });
    let parameters = json!({"type": "object", "properties": {}});
    request.tools = vec![ToolSpec { name: "scale", description: "Propose a number.".into(), parameters }];
    ask(&client(&model), &request).1.unwrap();
    let heard = model.heard().remove(0);
    assert_eq!(heard.target, "POST /v1/chat/completions");
    assert_eq!(heard.header("content-type"), Some("application/json"));
    assert_eq!(heard.header("authorization"), None);
    assert!(heard.header("user-agent").unwrap().starts_with("todo-agent/"));
    assert_snapshot!(serde_json::to_string_pretty(&heard.body).unwrap(), @r#"
    {
      "messages": [
        {
          "content": "You are a test.",
          "role": "system"
        },
        {
          "content": "scale the backend to 3",
          "role": "user"
        },
        {
          "content": null,
          "role": "assistant",
          "tool_calls": [
            {
              "extra_content": {
                "google": {
                  "thought_signature": "c2ln"
                }
              },
              "function": {
                "arguments": "{\"replicas\":3,\"workload\":\"backend\"}",
                "name": "scale__channel__commentary"
              },
              "id": "call_7",
              "type": "function"
            }
          ]
        },
        {
          "content": "ok",
          "role": "tool",
          "tool_call_id": "call_7"
        }
      ],
      "model": "fake",
      "stream": true,
      "stream_options": {
        "include_usage": true
      },
      "tools": [
        {
          "function": {
            "description": "Propose a number.",
            "name": "scale",
            "parameters": {
              "properties": {},
              "type": "object"
            }
          },
          "type": "function"
        }
      ]
    }
    "#);
}

#[test]
fn what_a_server_refuses_is_left_out_once_and_for_all() {
    let model = FakeModel::start([
        Reply::error(400, "unknown_parameter", "Unrecognized request argument supplied: stream_options"),
        Reply::error(
            400,
            "unsupported_parameter",
            "Unsupported parameter: 'max_tokens' is not supported with this \
            model. Use 'max_completion_tokens' instead.",
        ),
        Reply::text("one"),
        Reply::text("two"),
    ])
    .anywhere();
    let client = client_with(&model, "answer_tokens = 500");
    for word in ["one", "two"] {
        assert_eq!(ask(&client, &request("count")).1.unwrap().text, word);
    }
    let fields: Vec<[bool; 3]> = model
        .requests()
        .iter()
        .map(|body| ["stream_options", "max_tokens", "max_completion_tokens"].map(|field| body.get(field).is_some()))
        .collect();
    assert_eq!(fields, [[true, true, false], [false, true, false], [false, false, true], [false, false, true]]);
}

#[test]
fn a_server_that_refuses_everything_is_not_asked_for_ever() {
    let model = FakeModel::answering(|_, _| Reply::error(400, "bad", "stream_options")).anywhere();
    let error = ask(&client(&model), &request("x")).1.unwrap_err();
    assert_eq!(shown(&error), "Refused: the server refused the request (400): stream_options");
    assert_eq!(model.requests().len(), 2);
}

#[test]
fn a_busy_server_is_asked_again_after_what_it_says() {
    let model = FakeModel::start([
        Reply::error(429, "rate_limit_exceeded", "Rate limit reached").header("retry-after", "0"),
        Reply::error(503, "overloaded", "try later").header("retry-after-ms", "3"),
        Reply::hang_up(),
        Reply::text("ready"),
    ])
    .anywhere();
    let (deltas, end) = ask(&client(&model), &request("x"));
    assert_eq!(end.unwrap().text, "ready");
    let told: Vec<String> = deltas
        .iter()
        .filter_map(|delta| match delta {
            Delta::Retrying { why, seconds } => Some(format!("{why}, {seconds} s")),
            _ => None,
        })
        .collect();
    assert_eq!(told[0], "the server has had too many requests (429): Rate limit reached, 0 s");
    assert_eq!(told[1], "the server is failing (503): try later, 1 s");
    assert!(told[2].starts_with("127.0.0.1:"), "{told:?}");
    assert_eq!(told.len(), 3);
}

#[test]
fn a_server_that_stays_busy_is_given_up() {
    let busy = || Reply::error(529, "overloaded_error", "Overloaded").header("retry-after", "0");
    let model = FakeModel::start([busy(), busy(), busy(), busy()]).anywhere();
    let (deltas, end) = ask(&client(&model), &request("x"));
    assert_eq!(shown(&end.unwrap_err()), "Unreachable: the server is failing (529): Overloaded");
    assert_eq!(deltas.len(), 3);
    let model = FakeModel::start([busy().header("retry-after-ms", "3600000")]).anywhere();
    assert!(ask(&client(&model), &request("x")).1.is_err(), "an hour is not waited");
}

#[test]
fn no_quota_is_no_reason_to_ask_again() {
    let words = "You exceeded your current quota, please check your plan and billing details.";
    let model = FakeModel::start([Reply::error(429, "insufficient_quota", words)]).anywhere();
    let error = ask(&client(&model), &request("x")).1.unwrap_err();
    assert_snapshot!(shown(&error), @r"
    Quota: the account has no quota left (429): You exceeded your current quota, please check your plan and billing details
    hint: top up the account, or name another model or provider (--model, --provider)
    ");
}

#[test]
fn a_stream_that_is_cut_before_its_first_word_is_asked_for_again() {
    let model = FakeModel::start([Reply::text("one two").cut_after(1), Reply::text("one two")]).anywhere();
    let (deltas, end) = ask(&client(&model), &request("x"));
    assert_eq!(end.unwrap().text, "one two");
    assert!(matches!(&deltas[0], Delta::Retrying { .. }), "{deltas:?}");
    // Reasoning is no word yet, and that of the first try is no part of the answer.
    let thinking = |words: &str| json!({"reasoning_content": words});
    let first = Reply::deltas(&[thinking("Hm.")], "stop").cut_after(1);
    let second = Reply::deltas(&[thinking("Pods."), json!({"content": "Here."})], "stop");
    let model = FakeModel::start([first, second]).anywhere();
    let (deltas, end) = ask(&client(&model), &request("x"));
    let reply = end.unwrap();
    assert_eq!((reply.reasoning.as_str(), reply.text.as_str()), ("Pods.", "Here."));
    assert_eq!(deltas[0], Delta::Reasoning("Hm.".into()));
    assert!(matches!(&deltas[1], Delta::Retrying { .. }), "{deltas:?}");
}

#[test]
fn a_stream_that_is_cut_after_a_word_or_a_call_is_an_error() {
    let model = FakeModel::start([Reply::text("one two").cut_after(2)]).anywhere();
    let (deltas, end) = ask(&client(&model), &request("x"));
    assert_eq!(deltas, [Delta::Text("on".into())]);
    assert!(shown(&end.unwrap_err()).starts_with("Unreachable: the model's answer broke off: "));
    let call = [("list", json!({"kind": "pods"}))];
    let model = FakeModel::start([Reply::calls(&call).cut_after(3)]).anywhere();
    let (deltas, end) = ask(&client(&model), &request("x"));
    assert_eq!(deltas, [Delta::Calling("list".into())]);
    assert!(end.is_err());
    let model = FakeModel::start([Reply::text("one two").ends_after(3)]).anywhere();
    let error = ask(&client(&model), &request("x")).1.unwrap_err();
    assert_eq!(shown(&error), "Unreachable: the model's answer broke off before its end");
}

#[test]
fn a_server_that_has_finished_need_not_hang_up() {
    let model = FakeModel::start([Reply::text("one").silent_after(5)]).anywhere();
    assert_eq!(ask_beyond(&client(&model), || model.is_silent()).unwrap().text, "one");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let given_up = |model: &FakeModel| shown(&ask_beyond(&client(model), || model.is_silent()).unwrap_err());
    let model = FakeModel::start([Reply::silence()]).anywhere();
    assert!(given_up(&model).contains("gave no answer within"));
    let model = FakeModel::start([Reply::text("one two").silent_after(2)]).anywhere();
    assert!(given_up(&model).contains("in the middle of its answer"));
    let model = FakeModel::answering(|_, _| Reply::raw(": still here\n\n".repeat(3)).silent_after(1)).anywhere();
    assert!(given_up(&model).starts_with("Timeout: "));
}

#[test]
fn an_answer_without_an_end_ends() {
    let short = "timeouts = { whole = \"100ms\" }";
    // Each piece comes in time; together they never end.
    let url = server(|stream| {
        let mut said = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n");
        while said.is_ok() {
            thread::sleep(Duration::from_millis(5));
            said = stream.write_all(b": still here\n\n");
        }
    });
    let error = ask(&client_at(&url, short), &request("x")).1.unwrap_err();
    assert!(shown(&error).starts_with("Timeout: the model did not finish its answer within 0 s"), "{error:?}");
}

#[test]
fn dropping_the_answer_ends_the_request() {
    use futures::StreamExt;
    let model = FakeModel::start([Reply::error(503, "x", "busy").header("retry-after", "30")]).anywhere();
    let (client, request) = (client(&model), request("x"));
    run(async {
        let mut stream = client.stream(&request);
        assert!(matches!(stream.next().await, Some(Ok(Delta::Retrying { seconds: 30, .. }))));
        // The next step would wait for half a minute.
        let waiting = tokio::time::timeout(Duration::from_millis(1), stream.next()).await;
        assert!(waiting.is_err());
    });
    assert_eq!(model.requests().len(), 1);
}

#[test]
fn errors_as_a_person_reads_them() {
    let page = "<!DOCTYPE html><html><head><title>Welcome to nginx!</title></head><body>hello</body></html>";
    let table: Vec<(&str, Reply)> = vec![
        ("wrong key", Reply::error(401, "invalid_api_key", "Incorrect API key provided: canary-key-123.")),
        ("no access", Reply::error(403, "permission_denied", "Project does not have access to model")),
        (
            "too long",
            Reply::error(400, "context_length_exceeded", "This model's maximum context length is 8192 tokens."),
        ),
        (
            "too long, llama.cpp",
            Reply::json(
                400,
                &json!({"error": {"code": 400, "type": "exceed_context_size_error",
            "message": "the request exceeds the available context size, try increasing it"}}),
            ),
        ),
        (
            "too long, vLLM",
            Reply::json(
                400,
                &json!({"object": "error", "type": "BadRequestError", "code": 400,
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens"}),
            ),
        ),
        (
            "too long, Gemini",
            Reply::json(
                400,
                &json!([{"error": {"code": 400, "status": "INVALID_ARGUMENT",
            "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."}}]),
            ),
        ),
        (
            "no tools",
            Reply::json(
                400,
                &json!({"error": {"message": "registry.ollama.ai/library/gemma:2b does not support tools"}}),
            ),
        ),
        ("no money", Reply::json(402, &json!({"error": {"message": "Insufficient Balance"}}))),
        ("web page", Reply::body(200, "text/html", page)),
        ("web page with a status", Reply::body(404, "text/html", page)),
        ("plain words", Reply::body(200, "text/plain", "Ollama is running")),
        ("error as a string", Reply::json(400, &json!({"error": "model is required"}))),
        ("FastAPI", Reply::json(422, &json!({"detail": [{"loc": ["body", "messages"], "msg": "field required"}]}))),
        ("nothing", Reply::body(418, "text/plain", "")),
        (
            "redirect",
            Reply::body(308, "text/plain", "").header("location", "https://elsewhere.example/v1?token=canary-key-123"),
        ),
        ("control characters", Reply::error(400, "x", "no\u{1b}[2J\u{202e}such thing")),
        (
            "error in a stream",
            Reply::raw("data: {\"error\":{\"message\":\"Invalid request\",\"type\":\"invalid_request_error\"}}\n\n"),
        ),
    ];
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "canary-key-123\n").unwrap();
    let mut lines = Vec::new();
    for (name, reply) in table {
        let model = FakeModel::start([reply]).anywhere().models(&["fake", "fake-large"]);
        let client = client_with(&model, &format!("key = {{ file = {:?} }}", key.path()));
        let error = ask(&client, &request("x")).1.unwrap_err();
        let text = shown(&error).replace(&key.path().display().to_string(), "[key]");
        lines.push(format!("{name}\n{text}"));
    }
    assert_snapshot!(lines.join("\n\n"), @r#"
    wrong key
    Key: the server refused the key (401): Incorrect API key provided: ‹key›
    hint: the key comes from: file [key]

    no access
    Key: the server refused the key (403): Project does not have access to model
    hint: the key comes from: file [key]

    too long
    TooLong: the conversation is longer than the model can take (400): This model's maximum context length is 8192 tokens
    hint: a smaller context_tokens in [model] makes the program shorten conversations earlier

    too long, llama.cpp
    TooLong: the conversation is longer than the model can take (400): the request exceeds the available context size, try increasing it
    hint: a smaller context_tokens in [model] makes the program shorten conversations earlier

    too long, vLLM
    TooLong: the conversation is longer than the model can take (400): This model's maximum context length is 4096 tokens. However, you requested 5000 tokens
    hint: a smaller context_tokens in [model] makes the program shorten conversations earlier

    too long, Gemini
    TooLong: the conversation is longer than the model can take (400): The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)
    hint: a smaller context_tokens in [model] makes the program shorten conversations earlier

    no tools
    Refused: the server refused the request (400): registry.ollama.ai/library/gemma:2b does not support tools
    hint: this model or server takes no tool calls: set tools = "text" in [model] of config.toml

    no money
    Quota: the account has no quota left (402): Insufficient Balance
    hint: top up the account, or name another model or provider (--model, --provider)

    web page
    Nonsense: the server answered with a web page titled "Welcome to nginx!"
    hint: is the base URL right? it usually ends in /v1

    web page with a status
    Unknown: the server does not know the model or the address (404): it answered with a web page titled "Welcome to nginx!"
    hint: is the base URL right? it usually ends in /v1

    plain words
    Nonsense: the server answered with "Ollama is running"
    hint: is the base URL right? it usually ends in /v1

    error as a string
    Refused: the server refused the request (400): model is required

    FastAPI
    Refused: the server refused the request (422): field required

    nothing
    Refused: the server refused the request (418)

    redirect
    Refused: the server refused the request (308): it redirects to https://elsewhere.example/v1
    hint: name the address it redirects to with --base-url

    control characters
    Refused: the server refused the request (400): no\u{1b}[2J\u{202e}such thing

    error in a stream
    Refused: the server refused the request: Invalid request
    "#);
}

#[test]
fn a_content_filter_is_a_refusal() {
    let words = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.";
    let model =
        FakeModel::start([Reply::error(400, "content_filter", words), Reply::refusal("I cannot help.")]).anywhere();
    let reply = said(&model);
    assert_eq!((reply.finish, reply.text.as_str()), (Finish::Refused, words.trim_end_matches('.')));
    let reply = said(&model);
    assert_eq!((reply.finish, reply.text.as_str()), (Finish::Refused, "I cannot help."));
}

#[test]
fn an_unknown_model_gets_the_nearest_name() {
    let names: Vec<String> = (0..12).map(|number| format!("llama-{number}")).chain(["qwen3:8b".into()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let unknown = || Reply::error(404, "model_not_found", "model 'qwen3:8B' not found");
    let model = FakeModel::start([unknown()]).anywhere().models(&names);
    let error = ask(&client_with(&model, "model = \"qwen3:8B\""), &request("x")).1.unwrap_err();
    assert_snapshot!(shown(&error), @r#"
    Unknown: the server does not know the model or the address (404): model 'qwen3:8B' not found
    hint: the server has no model "qwen3:8B"; the nearest name is "qwen3:8b"
    "#);
}

#[test]
fn a_place_where_nobody_listens() {
    let table =
        format!("base_url = \"http://127.0.0.1:{}/v1\"\nmodel = \"fake\"\nprovider = \"ollama\"", closed_port());
    let client = Client::new(settings(&table)).unwrap();
    let (deltas, end) = ask(&client, &request("x"));
    assert_eq!(deltas.len(), 3);
    let error = shown(&end.unwrap_err());
    assert!(error.contains("cannot be reached: Connection refused"), "{error}");
    assert!(error.ends_with("hint: is it running? ollama serve starts it"), "{error}");
}

#[test]
fn a_server_that_speaks_no_http() {
    let url = server_saying("SSH-2.0-OpenSSH_9.6\r\n");
    let error = ask(&client_at(&url, ""), &request("x")).1.unwrap_err();
    assert!(shown(&error).starts_with("Unreachable: "), "{error:?}");
}

#[test]
fn a_long_error_is_not_read_to_its_end() {
    let body = format!("{{\"error\":{{\"message\":\"{}\"}}}}", "x".repeat(10 * 1024 * 1024));
    let url = server_saying(answer("400 Bad Request", "application/json", &body));
    let error = ask(&client_at(&url, ""), &request("x")).1.unwrap_err();
    assert!(shown(&error).len() < 1000, "{}", shown(&error).len());
}
