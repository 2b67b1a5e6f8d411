//! The values of Secrets, and what looks like one: never on the screen, in a session, in a journal; and nothing else is masked.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;
use todo_agent_core::Redactor;

use crate::support::{TestEnvironment, secrets, world};

/// Returns everything the program kept, as one text.
fn kept(environment: &TestEnvironment) -> String {
    secrets::kept(&environment.state()).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn no_way_of_asking_shows_a_secret() {
    let environment = TestEnvironment::new();
    let runs: &[&[&str]] = &[
        &["list secrets"],
        &["list secrets in all namespaces"],
        &["describe secret todo-secrets"],
        &["describe backend"],
        &["show the value of DATABASE_URL in todo-secrets"],
        &["call", "list", r#"{"kind": "secrets"}"#],
        &["call", "describe", r#"{"name": "secret/todo-secrets"}"#],
        &["call", "describe", r#"{"kind": "secret", "name": "todo-secrets"}"#],
    ];
    for arguments in runs {
        for form in ["--json", "-vv"] {
            let all = ["--sandbox", form].into_iter().chain(arguments.iter().copied());
            // That none shows a value is checked for every output of these tests.
            environment.run(all).enough();
        }
    }
    // As is that none is kept, and only metadata of Secrets was asked for, when the environment is dropped.
    assert!(environment.requests().iter().any(|request| request["path"].as_str().unwrap().contains("/secrets")));
}

#[test]
fn a_secret_is_shown_by_its_keys() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "describe secret todo-secrets"]).stdout_filtered(), @r"
    secret/todo-secrets in namespace todo

    age     2m
    labels  app.kubernetes.io/name=todo-chatbot
    values  never shown

    no events
    ");
}

#[test]
fn a_value_under_a_telling_name_is_masked() {
    let environment = TestEnvironment::new();
    let loud = world("loud");
    environment.run([&loud, "describe painter"]).exits(0).says("DB_PASSWORD").never_says("correct-horse").enough();
    let logs = environment.run([&loud, "logs of preacher"]).exits(0);
    logs.says("password=").never_says("hunter2hunter2").never_says("sk-proj-abcdefghij").enough();
    let kept = kept(&environment);
    assert!(!kept.contains("hunter2hunter2") && !kept.contains("correct-horse") && !kept.contains("sk-proj-abc"));
}

#[test]
fn a_key_that_a_person_typed_is_not_kept() {
    let environment = TestEnvironment::new();
    let key = "sk-proj-Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4";
    let sentence = format!("set OPENAI_API_KEY={key} on backend");
    environment.run(["--sandbox", sentence.as_str(), "--yes=high"]).never_says(key).enough();
    assert!(!kept(&environment).contains(key));
}

/// Returns what a redactor changes in a value, as path and text.
fn masked_in(before: &Value, after: &Value, path: &str, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                masked_in(value, after.get(key).unwrap_or(&Value::Null), &format!("{path}.{key}"), found);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            before.iter().zip(after).for_each(|(before, after)| masked_in(before, after, path, found));
        }
        (before, after) if before != after => found.push(format!("{path}: {before} is shown as {after}")),
        _ => {}
    }
}

#[test]
fn what_a_real_cluster_answers_has_no_false_mask() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");
    let (mut found, mut strings) = (Vec::new(), 0);
    for recorded in ["contract/recorded", "kubectl/recorded"] {
        for file in fs::read_dir(format!("{folder}/{recorded}")).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            for line in text.lines() {
                let redactor = Redactor::new([3; 32]);
                let answer: Value = serde_json::from_str(line).unwrap();
                strings += line.matches('"').count() / 2;
                masked_in(&answer, &redactor.value(&answer), "", &mut found);
            }
        }
    }
    assert!(strings > 10_000, "{strings}");
    // What is masked with reason: a Secret's data, the token of a review.
    found.retain(|mask| {
        !mask.contains("data.password: ") && !mask.contains("status.token: ") && !mask.contains("kind: Secret")
    });
    assert_eq!(found, [] as [String; 0]);
}
