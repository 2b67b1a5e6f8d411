//! Sentences that a model answers: a scripted server behind the real client, and what a person, the session and the model
//! see of it. The server fails a test whose requests break a rule of the protocol or hold a secret.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    TestEnvironment,
    model::{FakeModel, Reply},
};

/// A sentence that the planner leaves to a model.
const QUESTION: &str = "could you tell me how my application is doing";

#[test]
fn a_question_is_answered_from_what_the_tools_found() {
    let model = FakeModel::start([
        Reply::calls(&[("list", json!({"kind": "pods"})), ("events", json!({"warnings_only": true}))]),
        Reply::text("All **5** pods are ready and there are no warnings."),
    ]);
    let environment = TestEnvironment::with_model(&model.url());
    let output = environment.run(["--sandbox", QUESTION]).exits(0);
    assert_snapshot!(output, @r"
    exit 0
    --- stdout
    All **5** pods are ready and there are no warnings.
    Changes in this turn: none
    --- stderr
      list kind=pods (0.0 s)
      events warnings_only=true (0.0 s)
    2 requests, 200 tokens in (80 cached), 40 out
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
}

#[test]
fn a_change_that_a_model_wants_is_previewed_asked_about_and_proven() {
    let scale = || Reply::calls(&[("scale", json!({"workload": "backend", "replicas": 4}))]);
    let model = FakeModel::start([scale(), Reply::text("I scaled the backend to 4."), scale(), Reply::text("Done.")]);
    let environment = TestEnvironment::with_model(&model.url());
    let sentence = "make the backend strong enough for black friday";
    // Nobody can be asked here.
    assert_snapshot!(environment.run(["--sandbox", sentence]).exits(3), @r"
    exit 3
    --- stdout
    I scaled the backend to 4.
    Changes in this turn: none
    --- stderr
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. scale deployment/backend from 2 to 4 replicas
       action     scale Deployment backend in namespace todo (apps/v1)
       change     spec.replicas: 2 → 4
       risk       low
       proof      checked by the server (dry run)

    undo       scale deployment/backend back to 2
    same as    kubectl scale deployment/backend --replicas=4 -n todo
    approval needed: risk low, and there is no terminal to ask on. Nothing was sent.
    2 requests, 200 tokens in (80 cached), 40 out
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    // Nothing from outside is in the conversation yet, so that --yes answers.
    let made = environment.run(["--sandbox", "--yes", sentence]).exits(0);
    assert_snapshot!(made, @r"
    exit 0
    --- stdout
    ✓ ok: scale deployment/backend from 2 to 4 replicas
      4 of 4 replicas available
    undo: todo-agent undo c-change  (scale deployment/backend back to 2)
    Done.
    Changes in this turn: scale deployment/backend from 2 to 4 replicas: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. scale deployment/backend from 2 to 4 replicas
       action     scale Deployment backend in namespace todo (apps/v1)
       change     spec.replicas: 2 → 4
       risk       low
       proof      checked by the server (dry run)

    undo       scale deployment/backend back to 2
    same as    kubectl scale deployment/backend --replicas=4 -n todo
    approved by --yes
    2 requests, 200 tokens in (80 cached), 40 out
    this sandbox is discarded, and the way back with it; todo-agent sandbox serve keeps one
    ");
    let last = model.requests().pop().unwrap();
    let heard = made.filtered(last["messages"][3]["content"].as_str().unwrap());
    assert_snapshot!(heard, @r"
    approved by --yes
    scale deployment/backend from 2 to 4 replicas (c-change): done and verified: 4 of 4 replicas available
    ");
}

#[test]
fn what_the_planner_understands_costs_no_token() {
    let model = FakeModel::start([]);
    let environment = TestEnvironment::with_model(&model.url());
    environment.run(["--sandbox", "list pods"]).exits(0).says("backend-").enough();
    assert!(model.requests().is_empty());
}

#[test]
fn trouble_with_a_model_is_told_with_what_to_do() {
    for reply in [
        Reply::error(401, "invalid_api_key", "Incorrect API key provided"),
        Reply::error(404, "model_not_found", "The model `fake` does not exist"),
        Reply::error(429, "insufficient_quota", "You exceeded your current quota"),
        Reply::body(200, "text/html", "<html><body>Welcome to nginx!</body></html>"),
    ] {
        let model = FakeModel::start([reply]);
        let environment = TestEnvironment::with_model(&model.url());
        let output = environment.run(["--sandbox", QUESTION]);
        assert_ne!(output.code, Some(0));
        assert!(output.stderr.contains("error: ") && output.stderr.contains("hint: "), "{output}");
    }
}

#[test]
fn an_answer_that_is_cut_in_a_call_changes_nothing() {
    let call = Reply::message("I will stop it.", &[("scale", json!({"workload": "backend", "replicas": 0}))]);
    let model = FakeModel::start([call.ends_after(6)]);
    let environment = TestEnvironment::with_model(&model.url());
    let output = environment.run(["--sandbox", "--yes=high", QUESTION]).exits(1);
    output.never_says("scale deployment").enough();
    assert!(environment.journal().is_empty());
}

#[test]
fn control_characters_of_a_model_move_no_cursor() {
    let model = FakeModel::start([Reply::text("fine \u{1b}[2J\u{1b}]0;mine\u{7} \u{202e}evil")]);
    let environment = TestEnvironment::with_model(&model.url());
    let output = environment.run(["--sandbox", QUESTION]).exits(0);
    assert!(!output.stdout.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{}", output.stdout.escape_debug());
}

#[test]
fn a_secret_never_reaches_a_model_a_session_or_the_screen() {
    let model = FakeModel::start([
        Reply::calls(&[
            ("describe", json!({"kind": "secret", "name": "todo-secrets"})),
            ("describe", json!({"name": "backend"})),
            ("list", json!({"kind": "secrets", "all_namespaces": true})),
        ]),
        Reply::text("I cannot see the values."),
    ])
    .canary("sandbox-sandbox-sandbox-sandbox-01")
    .canary("postgresql://todo:sandbox@db.example")
    .canary("sandbox-no-real-key");
    let environment = TestEnvironment::with_model(&model.url());
    let output = environment.run(["--sandbox", "what is the password of the database then"]).exits(0);
    for canary in ["sandbox-sandbox", "todo:sandbox@", "no-real-key"] {
        assert!(!format!("{output}").contains(canary));
    }
    let sessions = environment.sessions();
    assert!(!sessions.contains("sandbox-sandbox") && !sessions.contains("c2FuZGJveC1zYW5kYm94"), "{sessions}");
}

#[test]
fn a_value_that_the_person_gives_stays_here() {
    let model = FakeModel::start([Reply::text("I have no tool for that yet.")]).canary("hunter22hunter22");
    let environment = TestEnvironment::with_model(&model.url());
    let output =
        environment.run(["--sandbox", "please put DB_PASSWORD=hunter22hunter22 into the settings of everything"]);
    output.exits(0).enough();
    assert!(!environment.sessions().contains("hunter22hunter22"));
    assert!(model.requests()[0].to_string().contains("‹given:1›"));
}

#[test]
fn as_json_a_turn_is_one_event_per_line() {
    let model = FakeModel::start([
        Reply::calls(&[("list", json!({"kind": "pods", "count_only": true}))]),
        Reply::text("Five pods.").usage(100, 40, 20),
    ]);
    let environment = TestEnvironment::with_model(&model.url());
    let output = environment.run(["--sandbox", "--json", QUESTION]).exits(0);
    let events: Vec<String> = output
        .stdout
        .lines()
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["event"].as_str().unwrap().to_owned()
        })
        .collect();
    let mut events = events;
    events.dedup();
    assert_snapshot!(events.join(" "), @"meta model tool_call tool_result words model usage answer");
}

#[test]
fn a_script_compares_what_a_model_says_and_does() {
    let model = FakeModel::start([
        Reply::calls(&[("list", json!({"kind": "pods"}))]),
        Reply::text("All six pods are **ready**."),
        Reply::calls(&[("scale", json!({"workload": "backend", "replicas": 4}))]),
        Reply::text("I scaled the backend to 4."),
        Reply::text("I scaled the frontend to 9."),
    ]);
    let environment = TestEnvironment::with_model(&model.url());
    let script = format!(
        r"
name: with a model
continue: true
steps:
  - say: {QUESTION}
    expect: {{text: [All six pods, ready, 'Changes in this turn: none'], json: {{/total: 6}}, changed: false}}
  - name: not in the person's words, after what was read
    say: make the backend strong enough for black friday
    expect: {{exit: 3, changed: false, replicas: {{backend: 2}}}}
  - name: a claim is no change
    say: make the frontend strong enough for black friday
    expect: {{changed: true, replicas: {{frontend: 9}}}}
always:
  - say: scale backend to 2
"
    );
    let file = environment.write("smoke.yaml", script).display().to_string();
    let output = environment.run(["run", &*file, "--sandbox", "--yes"]).exits(1);
    let shown =
        regex::Regex::new(r"\(\d+\.\d s").unwrap().replace_all(&output.stdout_filtered(), "(0.0 s").into_owned();
    assert_snapshot!(shown, @r"
    ✓ ok       could you tell me how my application is doing  (0.0 s)
    ✓ ok       not in the person's words, after what was read  (0.0 s)
    ✗ failed   a claim is no change  (0.0 s)
        changed: expected a change, but nothing was changed
        replicas frontend: expected 9, but 2 are wanted and 2 ready
        it showed:
        | I scaled the frontend to 9.
        | 1 request, 100 tokens in (40 cached), 20 out
        | Changes in this turn: none
    ✓ ok       always: scale backend to 2  (0.0 s)
    with a model failed: 3 passed, 1 failed
    ");
}

#[test]
fn a_conversation_is_gone_on_from() {
    let model = FakeModel::start([
        Reply::calls(&[("list", json!({"kind": "pods"}))]),
        Reply::text("Five pods are ready."),
        Reply::text("You asked how your application is doing."),
    ]);
    let environment = TestEnvironment::with_model(&model.url());
    environment.run(["--sandbox", QUESTION]).exits(0).enough();
    // Its sandbox is gone, which is said before anything is asked.
    environment.run(["resume"]).exits(2).says("took place in a sandbox").enough();
    let output = environment.run_with_input(["resume", "--sandbox"], b"remind me what it was that I wanted\n").exits(0);
    output.says("Going on from session").says("You asked how your application is doing.").enough();
    let last = model.requests().pop().unwrap();
    let roles: Vec<&str> =
        last["messages"].as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "assistant", "user"]);
    environment.run(["resume", "1999"]).exits(2).says("there is no session").enough();
}

#[test]
fn as_the_public_benchmark_calls_it() {
    let model = FakeModel::start([
        Reply::text("```json\n{\"tool\": \"scale\", \"args\": {\"workload\": \"backend\", \"replicas\": 4}}\n```"),
        Reply::text("The backend has four replicas now."),
    ]);
    let environment = TestEnvironment::with_model(&model.url());
    environment.set("OPENAI_API_KEY", "canary-of-the-key");
    let trace = environment.path("trace.jsonl").display().to_string();
    let output = environment.run_with_input(
        [
            "--sandbox",
            "--llm-provider",
            "openai",
            "--model",
            "fake",
            "--enable-tool-use-shim=true",
            "--quiet=true",
            "--trace-path",
            &trace,
            "--skip-permissions",
            "--show-tool-output",
            "--mcp-client=true",
        ],
        b"Make the backend strong enough for Friday.\nThen tell me how many there are.\n",
    );
    assert_snapshot!(output.exits(0), @r"
    exit 0
    --- stdout
    ✓ ok: scale deployment/backend from 2 to 4 replicas
      4 of 4 replicas available
    undo: todo-agent undo c-change  (scale deployment/backend back to 2)
    The backend has four replicas now.
    --- stderr
    warning: --unattended: every change is made without asking, protected objects included
    warning: --mcp-client: there is no MCP client; the built-in tools are used
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. scale deployment/backend from 2 to 4 replicas
       action     scale Deployment backend in namespace todo (apps/v1)
       change     spec.replicas: 2 → 4
       risk       low
       proof      checked by the server (dry run)

    undo       scale deployment/backend back to 2
    same as    kubectl scale deployment/backend --replicas=4 -n todo
    approved by --unattended
    2 requests, 200 tokens in (80 cached), 40 out
    Changes in this turn: scale deployment/backend from 2 to 4 replicas: done (c-change)
    this sandbox is discarded, and the way back with it; todo-agent sandbox serve keeps one
    ");
    let trace = std::fs::read_to_string(trace).unwrap();
    assert!(trace.lines().count() > 5 && !trace.contains("canary-of-the-key"), "{trace}");
    let other = environment.run(["--llm-provider", "bedrock", "--sandbox", QUESTION]);
    other.exits(2).says("OpenAI-compatible").enough();
}
