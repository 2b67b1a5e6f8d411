//! What a real server answered, as it answered: one file per behaviour, one line per case.
//!
//! The first line says where the recording is from. Answers are kept raw, so that a rule of the
//! normaliser can change without a cluster; only tokens and the name of the machine are left out.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::answer::Answers;
use super::case::{Behaviour, Case};

/// The recorded answers of one behaviour.
#[derive(Default)]
pub(crate) struct Recording {
    origin: Value,
    cases: BTreeMap<String, Answers>,
}

impl Recording {
    /// Reads a recording; one that is not there yet is empty.
    pub(crate) fn load(file: &Path) -> Self {
        let Ok(text) = std::fs::read_to_string(file) else { return Self::default() };
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let origin = lines.next().unwrap_or_default();
        let cases = lines
            .map(|line| {
                let answers = json!({"namespace": line["namespace"], "answers": line["answers"]});
                (line["case"].as_str().unwrap().to_owned(), serde_json::from_value(answers).unwrap())
            })
            .collect();
        Self { origin, cases }
    }

    /// Returns the answers of a case.
    pub(crate) fn get(&self, case: &Case) -> Option<&Answers> {
        self.cases.get(&case.name)
    }

    /// Replaces the answers of a case.
    pub(crate) fn put(&mut self, case: &Case, mut answers: Answers, version: &str) {
        // What opens a cluster is not kept, be the cluster as short-lived as it may.
        for answer in &mut answers.answers {
            if let Some(token) = answer.body.pointer_mut("/status/token") {
                *token = "left out".into();
            }
            leave_out_host(&mut answer.body);
        }
        let today = jiff::Timestamp::now().strftime("%F").to_string();
        self.origin = json!({
            "server": format!("kube-apiserver {version}"), "date": today,
            "command": "TODO_AGENT_CONTRACT_RECORD=1 TODO_AGENT_CONTRACT_KUBECONFIG=$(tests/cluster/up) cargo test --test contract"
        });
        self.cases.insert(case.name.clone(), answers);
    }

    /// Writes the recording; cases that were removed go with it, unless only some were selected.
    pub(crate) fn store(&self, file: &Path, behaviour: &Behaviour) {
        let selected = std::env::var_os("TODO_AGENT_CONTRACT_CASES").is_some();
        let mut lines = vec![self.origin.to_string()];
        for (name, answers) in &self.cases {
            if selected || behaviour.cases.iter().any(|case| case.name == *name) {
                let line = json!({"case": name, "namespace": answers.namespace, "answers": answers.answers});
                lines.push(line.to_string());
            }
        }
        std::fs::write(file, lines.join("\n") + "\n").unwrap();
    }
}

/// Replaces the name of the machine that the scheduler signs its events with.
fn leave_out_host(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("default-scheduler-") => "default-scheduler-host".clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(leave_out_host),
        Value::Object(map) => map.values_mut().for_each(leave_out_host),
        _ => {}
    }
}
