//! The check behind every other test bites: each way a write could go wrong is noticed.

use std::{fs, panic};

use serde_json::{Value, json};

use crate::support::{TestEnvironment, evidence, secrets};

/// A real change with its records, to be falsified.
struct Run {
    environment: TestEnvironment,
}

impl Run {
    fn new() -> Self {
        let environment = TestEnvironment::new();
        environment.run(["--sandbox", "scale backend to 3", "--yes"]).exits(0).enough();
        Self { environment }
    }

    /// Returns whether the check notices what somebody did to the request log or the journal.
    fn noticed(&self, falsify: impl Fn(&mut Vec<Value>, &mut Vec<Value>)) -> bool {
        let mut requests = self.environment.requests();
        let mut journal = self.environment.journal();
        falsify(&mut requests, &mut journal);
        let state = self.environment.path("falsified");
        fs::create_dir_all(state.join("journal")).unwrap();
        fs::copy(self.environment.state().join("digest.key"), state.join("digest.key")).unwrap();
        let text = |lines: &[Value]| lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
        fs::write(state.join("journal/cluster.jsonl"), text(&journal)).unwrap();
        let log = self.environment.write("falsified.jsonl", text(&requests));
        let check = || evidence::check(&log, std::slice::from_ref(&state), evidence::Clock::Shared);
        panic::catch_unwind(check).is_err()
    }
}

fn the_write(requests: &mut [Value]) -> &mut Value {
    requests.iter_mut().find(|request| evidence::is_write(request)).unwrap()
}

#[test]
fn an_honest_run_passes() {
    let run = Run::new();
    assert!(!run.noticed(|_, _| {}));
}

#[test]
fn a_write_that_was_not_approved_is_noticed() {
    let run = Run::new();
    assert!(run.noticed(|_, journal| journal.clear()));
    assert!(run.noticed(|_, journal| journal.retain(|record| record["record"] != "approved")));
    assert!(run.noticed(|_, journal| journal.retain(|record| record["record"] != "sending")));
    assert!(run.noticed(|_, journal| journal.swap(0, 1)));
    assert!(run.noticed(|_, journal| journal[0]["at"] = json!("2999-01-01T00:00:00Z")));
    assert!(run.noticed(|requests, _| the_write(requests)["userAgent"] = json!("todo-agent/0.1.0")));
}

#[test]
fn another_write_than_the_approved_one_is_noticed() {
    let run = Run::new();
    assert!(run.noticed(|requests, _| the_write(requests)["body"]["spec"]["replicas"] = json!(4)));
    assert!(run.noticed(|requests, _| the_write(requests)["body"]["spec"]["paused"] = json!(true)));
    assert!(run.noticed(|requests, _| {
        the_write(requests)["path"] = json!("/apis/apps/v1/namespaces/todo/deployments/frontend/scale");
    }));
    assert!(run.noticed(|requests, _| the_write(requests)["method"] = json!("DELETE")));
    assert!(run.noticed(|requests, _| the_write(requests)["contentType"] = json!("application/json-patch+json")));
    assert!(run.noticed(|requests, _| the_write(requests)["body"]["metadata"] = json!({})));
}

#[test]
fn a_session_that_was_not_approved_is_noticed_though_it_begins_with_a_read() {
    let environment = TestEnvironment::new();
    let call = ["call", "exec", r#"{"target": "redis", "command": ["redis-cli", "ping"]}"#];
    environment.run(["--sandbox", "--unattended"].into_iter().chain(call)).exits(0).enough();
    let run = Run { environment };
    assert!(!run.noticed(|_, _| {}));
    assert!(run.noticed(|_, journal| journal.retain(|record| record["record"] != "approved")));
    assert!(run.noticed(|requests, _| the_write(requests)["query"]["command"] = json!(["redis-cli", "flushall"])));
    assert!(run.noticed(|requests, _| the_write(requests)["query"]["container"] = json!("other")));
    assert!(run.noticed(|requests, _| {
        the_write(requests)["path"] = json!("/api/v1/namespaces/todo/pods/redis-1/exec");
    }));
}

#[test]
fn a_secret_that_was_read_is_noticed() {
    let run = Run::new();
    let read = |accept: &str| {
        json!({"userAgent": "todo-agent/0.1.0", "method": "GET", "accept": accept,
            "path": "/api/v1/namespaces/todo/secrets/todo-secrets"})
    };
    assert!(run.noticed(|requests, _| requests.push(read("application/json"))));
    let metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    assert!(run.noticed(|requests, _| requests.push(read(&format!("{metadata},application/json")))));
    assert!(!run.noticed(|requests, _| requests.push(read(metadata))));
}

#[test]
fn a_value_of_a_secret_is_noticed_wherever_it_stands() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    for value in secrets::VALUES {
        for lead in ["", "a", "ab"] {
            let encoded = STANDARD.encode(format!("{lead}{value} and more"));
            assert!(
                secrets::leaked(&format!("said {value}.")).is_some() && secrets::leaked(&encoded).is_some(),
                "{value}"
            );
        }
    }
    assert_eq!(secrets::leaked("secret/todo-secrets in namespace todo, sandbox"), None);
}
