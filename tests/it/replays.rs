//! A recorded session once more: as it was, with what was changed in between named, without anything being sent.
//!
//! Beside these, every session that any test records is replayed when the test ends (`support::replays`).

use std::fs;

use insta::assert_snapshot;
use regex::Regex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{
    Output, TestEnvironment,
    evidence::hex,
    model::{FakeModel, Reply},
};

/// Returns the only recorded session: its id and its file's text.
fn session(environment: &TestEnvironment) -> (String, String) {
    let files: Vec<_> = fs::read_dir(environment.state().join("sessions")).unwrap().map(Result::unwrap).collect();
    let [file] = files.as_slice() else { panic!("there are {} sessions", files.len()) };
    let id = file.path().file_stem().unwrap().to_str().unwrap().to_owned();
    (id, fs::read_to_string(file.path()).unwrap())
}

/// Replays a changed copy of a session whose hashes fit again: what another program would have recorded.
fn replay_changed(environment: &TestEnvironment, record: &str, change: impl Fn(&mut Value)) -> Output {
    let mut previous: Option<String> = None;
    let mut text = String::new();
    for line in record.lines() {
        let mut event: Value = serde_json::from_str(line).unwrap();
        change(&mut event);
        if let Some(previous) = previous.take() {
            event["prev"] = Value::from(previous);
        }
        let line = event.to_string();
        previous = Some(hex(&Sha256::digest(&line)));
        text.push_str(&line);
        text.push('\n');
    }
    let path = environment.write("work/changed.jsonl", text);
    environment.run(["replay", path.to_str().unwrap()])
}

fn shown(output: &Output) -> String {
    let id = Regex::new(r"\d{8}-\d{6}-[a-z0-9]{6}").unwrap();
    id.replace_all(&output.filtered(&output.to_string()), "20260501-100000-abcdef").into_owned()
}

#[test]
fn a_session_replays_as_it_was_and_nothing_is_sent() {
    let environment = TestEnvironment::new();
    let sentences = b"list the deployments\nscale backend to 3\nundo that\nscale nothing to 4\nhow is the weather\n";
    environment.run_with_input(["--sandbox", "--yes"], sentences).enough();
    let (id, record) = session(&environment);
    let requests = environment.requests().len();
    assert_snapshot!(shown(&environment.run(["replay", &id])), @r"
    exit 0
    --- stdout
    Session 20260501-100000-abcdef replays as recorded: 5 turns, 32 events.
    ");
    assert_eq!((session(&environment).1, environment.requests().len()), (record, requests));
}

#[test]
fn a_conversation_with_a_model_replays_without_it() {
    let model = FakeModel::start([
        Reply::calls(&[
            ("list", json!({"kind": "pods"})),
            ("describe", json!({"kind": "deployment", "name": "backend"})),
        ]),
        Reply::message("I propose four.", &[("scale", json!({"workload": "backend", "replicas": 4}))]),
        Reply::text("It has four now."),
    ]);
    let environment = TestEnvironment::with_model(&model.url());
    environment.run(["--sandbox", "make the backend strong enough for black friday", "--yes=high"]).enough();
    let (id, record) = session(&environment);
    environment.run(["replay", &id]).exits(0).says("replays as recorded").enough();
    assert_eq!(model.requests().len(), 3);
    // Other words in a result are another request to the model.
    let changed = replay_changed(&environment, &record, |event| {
        if event["event"] == "tool_result" && event["tool"] == "list" {
            event["text"] = json!("no pods");
        }
    });
    assert_snapshot!(shown(&changed), @r"
    exit 1
    --- stdout
    Session 20260501-100000-abcdef does not replay as recorded.

    line 13, turn 1 (make the backend strong enough for black friday): heard text.line 1
    recorded  6 pods in namespace todo
    now       no pods
    ");
}

#[test]
fn what_policy_would_decide_differently_is_found() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "scale backend to 3", "--yes"]).exits(0).enough();
    let (_, record) = session(&environment);
    // A later program that thinks the change riskier than --yes may allow.
    let riskier = replay_changed(&environment, &record, |event| {
        if event["event"] == "preview" {
            event["change"]["steps"][0]["risk"] = json!("high");
        }
    });
    assert_snapshot!(shown(&riskier), @r#"
    exit 1
    --- stdout
    Session 20260501-100000-abcdef does not replay as recorded.

    line 8, turn 1 (scale backend to 3)
    recorded  decision {"by":"--yes","change_id":"c-change","verdict":"approved"}
    now       asked {"grant_offered":false,"reason":"risk high","shown":"Change c-change\n  context    sandbox (sandbox world todo)\n  namespace  todo\n\n1. scale deployment/backend from 2 to 3 re\u{a}… 138 bytes left out …\u{a}roof      checked by the server (dry run)\n\nundo       scale deployment/backend back to 2\nsame as    kubectl scale deployment/backend --replicas=3 -n todo\n","type_names":[]}
    "#);
    // One that understands the sentence in another way.
    let other = replay_changed(&environment, &record, |event| {
        if event["event"] == "sentence" {
            event["text"] = json!("scale backend to 5");
        }
    });
    assert_snapshot!(shown(&other), @r"
    exit 1
    --- stdout
    Session 20260501-100000-abcdef does not replay as recorded.

    line 5, turn 1 (scale backend to 5): tool_call args.replicas
    recorded  3
    now       5
    ");
    // One that thinks it was not done.
    let undone = replay_changed(&environment, &record, |event| {
        if event["event"] == "report" {
            event["effects"][0].as_object_mut().unwrap().remove("output");
            event["effects"][0]["outcome"] = json!("not_verified");
            event["effects"][0]["why"] = json!("1 of 3 replicas available");
        }
    });
    assert_snapshot!(shown(&undone), @r"
    exit 1
    --- stdout
    Session 20260501-100000-abcdef does not replay as recorded.

    line 11, turn 1 (scale backend to 3): answer ledger.0
    recorded  scale deployment/backend from 2 to 3 replicas: done (c-change)
    now       scale deployment/backend from 2 to 3 replicas: sent, not verified (c-change)
    ");
}

#[test]
fn a_changed_file_is_not_replayed() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "scale backend to 3", "--yes"]).exits(0).enough();
    let (id, record) = session(&environment);
    let path = environment.write("work/changed.jsonl", record.replace("scale backend to 3", "scale backend to 9"));
    assert_snapshot!(shown(&environment.run(["replay", path.to_str().unwrap()])), @r"
    exit 1
    --- stderr
    error: the session was changed after it was written, at line 4
    hint: todo-agent sessions show shows what is in it
    ");
    let path = environment.write("work/no.jsonl", "{}\n");
    environment.run(["replay", path.to_str().unwrap()]).exits(2).says("cannot be read as a session").enough();
    environment.run(["replay", "work/none.jsonl"]).exits(2).enough();
    environment.run(["replay", "2019"]).exits(2).says("there is no session").enough();
    // What was not finished is replayed as far as it goes.
    let torn = record.lines().take(6).collect::<Vec<_>>().join("\n");
    let path = environment.write("work/torn.jsonl", torn);
    environment.run(["replay", path.to_str().unwrap()]).exits(0).says("ends before the last one was over").enough();
    let output = environment.run(["replay", &id, "--json"]).exits(0);
    let [event] = lines_of(&output.stdout).try_into().unwrap();
    assert_eq!((&event["data"]["identical"], &event["data"]["turns"]), (&json!(true), &json!(1)));
}

fn lines_of(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_session_that_goes_on_from_another_replays_with_it() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "describe the backend"]).exits(0).enough();
    let (first, _) = session(&environment);
    environment.run_with_input(["--sandbox", "resume"], b"scale it to 3\n").enough();
    let files = fs::read_dir(environment.state().join("sessions")).unwrap();
    let ids = files.map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
    let [second] = ids.filter(|id| *id != first).collect::<Vec<_>>().try_into().unwrap();
    environment.run(["replay", &second]).exits(0).says("replays as recorded").enough();
    environment.run(["sessions", "rm", &first]).exits(0).enough();
    environment.run(["replay", &second]).exits(1).says("the session goes on from another one").enough();
    environment.run(["sessions", "rm", &second]).exits(0).enough();
}
