//! The scripts that are shown: in the documentation and in `examples/`. They run, and what they name is there.

use std::fs;

use serde_json::Value;
use todo_agent::{
    cli::{Input, Parsed, parse},
    options::{Command, Form},
};

use crate::{scripts::run, support::TestEnvironment};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_script_of_the_documentation_runs() {
    let text = fs::read_to_string(format!("{ROOT}/docs/SCRIPTS.md")).unwrap();
    let script = text.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    run(&TestEnvironment::new(), script, &["--yes"]).exits(0).says("Todo smoke test passed: 5 passed").enough();
}

#[test]
fn the_example_runs() {
    let environment = TestEnvironment::new();
    let log = environment.request_log().display().to_string();
    let file = format!("{ROOT}/examples/smoke.yaml");
    environment.run(["run", &*file, "--yes", "--sandbox-log", &*log]).exits(0).says("7 passed").enough();
    assert!(!environment.requests().is_empty());
}

#[test]
fn editors_accept_what_the_program_accepts() {
    let schema = fs::read_to_string(format!("{ROOT}/docs/script.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    for name in ["examples/smoke.yaml", "tests/smoke/todo.yaml"] {
        let text = fs::read_to_string(format!("{ROOT}/{name}")).unwrap();
        // An editor finds the schema from where the script is.
        let first = text.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=").unwrap();
        let named = format!("{ROOT}/{name}").rsplit_once('/').unwrap().0.to_owned() + "/" + first;
        assert!(fs::exists(&named).unwrap(), "{named}");
        let script: Value = serde_saphyr::from_str(&text).unwrap();
        assert!(schema.is_valid(&script), "{name}: {:?}", schema.validate(&script));
    }
    for wrong in ["step: []", "steps: none", "steps: [{say: 1}]", "steps: [{say: list pods, on_failure: diagnose}]"] {
        assert!(!schema.is_valid(&serde_saphyr::from_str(wrong).unwrap()), "{wrong}");
    }
}

/// Returns every text in a YAML value.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_examples_for_ci_servers_run_what_there_is_and_upload_what_it_writes() {
    for name in ["github-actions.yml", "gitlab-ci.yml"] {
        let text = fs::read_to_string(format!("{ROOT}/examples/{name}")).unwrap();
        let example: Value = serde_saphyr::from_str(&text).unwrap();
        let texts = texts(&example);
        let command = texts.iter().find(|text| text.starts_with("todo-agent ")).unwrap();
        let words = command.replace('"', "");
        let words = words.split_whitespace().map(std::ffi::OsString::from);
        let Parsed::Run(invocation) = parse(words, Input::Piped) else {
            panic!("{name}: {command}");
        };
        let Command::Run(run) = invocation.command else { panic!("{name}: {command}") };
        assert!(fs::exists(format!("{ROOT}/{}", run.file.display())).unwrap(), "{name}");
        let junit = run.reports.iter().find(|report| report.form == Form::Junit).unwrap();
        let uploaded = texts.iter().filter(|text| **text == junit.file.display().to_string()).count();
        assert_eq!(uploaded, 1, "{name} shows the report that it writes");
    }
}

#[test]
fn completion_knows_that_a_script_is_a_file() {
    let environment = TestEnvironment::new();
    let script = environment.run(["completions", "zsh"]).exits(0).stdout;
    let arguments = script.split("(run)").nth(1).unwrap();
    assert!(arguments.contains(":file -- The script, a YAML file:_files"), "{arguments}");
    environment.run(["run", "--help"]).exits(0).says("130 interrupted").enough();
}
