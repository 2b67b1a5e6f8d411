//! `todo-agent --model-check`: a table that says what works with a server, and why not. Also what else a person sees of a
//! model before the first conversation: `config`, `doctor`, wrong names, proxies.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    TestEnvironment,
    hostile::closed_port,
    model::{FakeModel, Reply},
};

/// Returns the command line for a server.
fn check<'a>(url: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["--model-check", "--base-url", url, "--model", "fake"], more].concat()
}

fn call(word: &str) -> (&'static str, serde_json::Value) {
    ("check", json!({"word": word}))
}

fn good() -> Vec<Reply> {
    vec![
        Reply::text("ready"),
        Reply::calls(&[call("ready")]),
        Reply::text("The check went well."),
        Reply::calls(&[call("one"), call("two")]),
    ]
}

#[test]
fn a_server_with_which_everything_works() {
    let environment = TestEnvironment::new();
    let model = FakeModel::start(good()).anywhere();
    assert_snapshot!(environment.run(check(&model.url(), &[])), @r"
    exit 0
    --- stdout
    ok    model           fake at 127.0.0.1:[port]
    ok    reachable       127.0.0.1:[port] answers
    ok    key accepted    none is needed
    ok    model known     fake
    ok    streaming       the words came in 2 pieces
    ok    usage reported  100 tokens in, 20 out
    ok    tool calls      as the interface defines them
    ok    tool results    the conversation goes on after one
    ok    parallel calls  2 in one message
    ok    context         the server does not say; context_tokens in [model] of config.toml sets it
    ");
    let asked = model.heard();
    assert_eq!(asked[0].target, "GET /v1/models");
    assert!(asked.iter().all(|heard| heard.header("authorization").is_none()));
}

#[test]
fn the_same_as_data() {
    let environment = TestEnvironment::new();
    let model = FakeModel::start(good()).anywhere();
    let output = environment.run(check(&model.url(), &["--json"]));
    let event = output.exits(0).events().remove(0);
    assert_eq!((event["event"].clone(), event["about"].clone()), (json!("info"), json!("model_check")));
    assert_eq!(event["data"]["failed"], 0);
    let checks = event["data"]["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["state"] == "ok"), "{checks:?}");
}

#[test]
fn a_model_that_cannot_call_tools() {
    let environment = TestEnvironment::new();
    let model = FakeModel::start([Reply::text("ready"), Reply::text("I cannot do that.")]).anywhere();
    assert_snapshot!(environment.run(check(&model.url(), &[])), @r#"
    exit 1
    --- stdout
    ok    model           fake at 127.0.0.1:[port]
    ok    reachable       127.0.0.1:[port] answers
    ok    key accepted    none is needed
    ok    model known     fake
    ok    streaming       the words came in 2 pieces
    ok    usage reported  100 tokens in, 20 out
    FAIL  tool calls      none; the model answered in words
                          hint: try a model that is trained to call tools
                          hint: or set tools = "text" in [model] of config.toml, which asks for them as text
    ok    context         the server does not say; context_tokens in [model] of config.toml sets it
    "#);
}

#[test]
fn a_model_that_writes_its_calls_as_text() {
    let environment = TestEnvironment::new();
    let table = "[model]\ntools = \"text\"\n";
    environment.write("home/.config/todo-agent/config.toml", table);
    let block = |text: &str| Reply::text(&format!("```json\n{text}\n```"));
    let model = FakeModel::start([
        Reply::text("ready"),
        block(r#"{"tool": "check", "args": {"word": "ready"}}"#),
        Reply::text("It went well."),
        block(r#"[{"tool": "check", "args": {"word": "one"}}, {"tool": "check", "args": {"word": "two"}}]"#),
    ])
    .anywhere();
    environment.run(check(&model.url(), &[])).exits(0).says("tool calls as blocks of JSON in the text").enough();
    assert!(model.requests().iter().all(|body| body.get("tools").is_none()));
}

#[test]
fn a_context_that_is_too_small_and_would_be_cut_silently() {
    let environment = TestEnvironment::new();
    let local = |name: &'static str| ["--model-check", "--provider", name, "--model", "fake", "--base-url"];
    let loaded = |tokens: u64| json!({"models": [{"name": "fake:latest", "context_length": tokens}]});
    let ollama = FakeModel::start(good()).anywhere().beside("/api/ps", loaded(4096));
    let output = environment.run([&local("ollama")[..], &[&ollama.url()]].concat()).exits(0);
    let output = output.says("warn context 4096 tokens, which is small");
    output.says("it cuts longer conversations silently: OLLAMA_CONTEXT_LENGTH=32768 ollama serve").enough();
    assert_eq!(ollama.heard().last().unwrap().target, "GET /api/ps");

    let ollama = FakeModel::start(good()).anywhere().beside("/api/ps", loaded(65536));
    let output = environment.run([&local("ollama")[..], &[&ollama.url()]].concat()).exits(0);
    output.says("ok context 65536 tokens").enough();

    // Older versions do not say what a loaded model was given, only what its file sets.
    let old = json!({"models": [{"name": "fake:latest"}]});
    let set = json!({"parameters": "stop \"<eos>\"\nnum_ctx    8192\n", "model_info": {"x.context_length": 131_072}});
    let ollama = FakeModel::start(good()).anywhere().beside("/api/ps", old).beside("/api/show", set);
    let output = environment.run([&local("ollama")[..], &[&ollama.url()]].concat()).exits(0);
    output.says("warn context 8192 tokens, which is small").enough();

    let props = json!({"default_generation_settings": {"n_ctx": 32768}});
    let llamacpp = FakeModel::start(good()).anywhere().beside("/props", props);
    let output = environment.run([&local("llamacpp")[..], &[&llamacpp.url()]].concat()).exits(0);
    output.says("ok context 32768 tokens").enough();
}

#[test]
fn a_server_that_refuses_the_key() {
    let environment = TestEnvironment::new();
    environment.set("TODO_AGENT_API_KEY", "sk-canary-1234567890");
    let refused = || Reply::error(401, "invalid_api_key", "Incorrect API key provided: sk-canary-1234567890");
    let model = FakeModel::start([refused()]).anywhere().canary("sk-canary-1234567890");
    let output = environment.run(check(&model.url(), &[]));
    assert_snapshot!(output.clone(), @r"
    exit 1
    --- stdout
    ok    model         fake at 127.0.0.1:[port]
    ok    reachable     127.0.0.1:[port] answers
    FAIL  key accepted  the server refused the key (401): Incorrect API key provided: ‹key›
                        hint: the key comes from: environment variable TODO_AGENT_API_KEY
    ");
    output.never_says("canary").enough();
    let heard = model.heard();
    assert_eq!(heard[1].header("authorization"), Some("Bearer sk-canary-1234567890"));
}

#[test]
fn a_model_that_the_server_does_not_have() {
    let environment = TestEnvironment::new();
    let unknown = Reply::error(404, "model_not_found", "The model `fake` does not exist");
    let model = FakeModel::start([unknown]).anywhere().models(&["fake-2", "other"]);
    assert_snapshot!(environment.run(check(&model.url(), &[])), @r"
    exit 1
    --- stdout
    ok    model        fake at 127.0.0.1:[port]
    ok    reachable    127.0.0.1:[port] answers
    FAIL  model known  the server does not know the model or the address (404): The model `fake` does not exist
                       hint: the server has: fake-2, other
    ");
}

#[test]
fn a_server_that_is_not_there() {
    let environment = TestEnvironment::new();
    let url = format!("http://127.0.0.1:{}/v1", closed_port());
    let output = environment.run(["--model-check", "--provider", "ollama", "--model", "qwen3", "--base-url", &url]);
    assert_snapshot!(output, @r"
    exit 1
    --- stdout
    ok    model      qwen3 at 127.0.0.1:[port]
    FAIL  reachable  127.0.0.1:[port] cannot be reached: Connection refused (os error 111)
                     hint: is it running? ollama serve starts it
    ");
}

#[test]
fn no_model_and_a_provider_of_another_kind() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--model-check"]), @r"
    exit 2
    --- stderr
    error: no model is configured
    hint: name one: --provider ollama --model qwen3, or --base-url URL --model NAME
    hint: or set [model] in config.toml; todo-agent config shows where it is
    ");
    assert_snapshot!(environment.run(["--model-check", "--llm-provider", "bedrock", "--model", "claude"]), @r"
    exit 2
    --- stderr
    error: todo-agent speaks to OpenAI-compatible servers only, and bedrock has no preset for one
    hint: put an OpenAI-compatible gateway in front of Bedrock and name it with --base-url URL
    ");
    environment.run(["config", "--provider", "gemni"]).exits(2).says("did you mean gemini?").enough();
}

#[test]
fn the_configuration_says_which_model_is_in_force_and_not_its_key() {
    let environment = TestEnvironment::new();
    environment.set("OPENAI_API_KEY", "sk-canary-1234567890");
    environment.set("TODO_AGENT_MODEL", "gpt-5-mini");
    let output = environment.run(["config"]).exits(0);
    let output = output.says("model gpt-5-mini at api.openai.com (openai)");
    output.says("environment variable OPENAI_API_KEY").never_says("canary").enough();
    let data = environment.run(["config", "--json"]).exits(0).never_says("canary").events().remove(0);
    assert_eq!(data["data"]["model"]["key_source"], "environment variable OPENAI_API_KEY");
    environment.run(["--sandbox", "doctor"]).says("model gpt-5-mini at api.openai.com").enough();
}

#[test]
fn a_proxy_is_used_unless_it_is_ruled_out() {
    let environment = TestEnvironment::new();
    let proxy = FakeModel::start(good()).anywhere();
    let address = proxy.url().replace("/v1", "");
    environment.set("HTTP_PROXY", &address);
    environment.set("http_proxy", &address);
    environment.run(check("http://model.invalid/v1", &[])).exits(0).says("model.invalid answers").enough();
    assert_eq!(proxy.heard()[1].target, "POST http://model.invalid/v1/chat/completions");
    environment.set("NO_PROXY", "model.invalid");
    let output = environment.run(check("http://model.invalid/v1", &[])).exits(1);
    output.says("model.invalid cannot be reached").enough();
    // No proxy leads to this machine.
    let here = FakeModel::start(good()).anywhere();
    environment.run(check(&here.url(), &[])).exits(0).enough();
}
