//! What a script may hold, and what is said of everything else: in front of each complaint stands the script.

use insta::assert_snapshot;
use serde_json::json;

use super::*;

fn script(text: &str) -> Script {
    check(text, Path::new("smoke.yaml")).unwrap_or_else(|problem| panic!("{}", problem.message))
}

fn complaint(text: &str) -> String {
    let problem = check(text, Path::new("smoke.yaml")).unwrap_err();
    assert_eq!((problem.exit, problem.hints.len()), (Exit::Usage, usize::from(!text.trim().is_empty())));
    problem.message
}

/// Returns each script with what is said of it.
fn complaints(scripts: &[&str]) -> String {
    let told: Vec<String> = scripts.iter().map(|text| format!("{text}\n=> {}\n", complaint(text))).collect();
    told.join("\n").trim_start().to_owned()
}

#[test]
fn a_whole_script_is_understood() {
    let text = r#"
name: Todo smoke test
namespace: todo
sandbox: todo
variables: {replicas: 3, name: backend, ready: "2/2"}
timeout: 5m
continue: true
steps:
  - name: scale up
    say: scale ${name} to ${replicas}
    expect:
      exit: 0
      text: ["of ${replicas} replicas"]
      not_text: [error]
      json: {"/total": "${replicas}", "/items/0": {ready: "${ready}", "n": [1, null]}}
      replicas: {"${name}": "${replicas}", redis: 1}
      changed: true
    timeout: 90
  - call: {tool: scale, args: {workload: "${name}", replicas: "${replicas}"}}
  - call: {tool: events}
always:
  - say: undo that
"#;
    let found = script(text);
    assert_eq!(found.name, "Todo smoke test");
    assert_eq!((found.namespace.as_deref(), found.sandbox.as_deref()), (Some("todo"), Some("todo")));
    assert_eq!((found.timeout, found.after_failure), (Some(Duration::from_mins(5)), AfterFailure::GoOn));
    let first = Step {
        name: "scale up".into(),
        action: Action::Say("scale backend to 3".into()),
        expected: Expected {
            exit: 0,
            text: vec!["of 3 replicas".into()],
            not_text: vec!["error".into()],
            json: vec![("/items/0".into(), json!({"ready": "2/2", "n": [1, null]})), ("/total".into(), json!(3))],
            replicas: vec![("backend".into(), 3), ("redis".into(), 1)],
            changed: Some(true),
        },
        timeout: Some(Duration::from_secs(90)),
    };
    assert_eq!(found.steps[0], first);
    let call = Call::new("scale", json!({"workload": "backend", "replicas": 3}));
    assert_eq!(found.steps[1].name, call.to_string());
    assert_eq!(found.steps[1].action, Action::Call(call));
    assert_eq!(found.steps[2].action, Action::Call(Call::new("events", json!({}))));
    assert_eq!(found.always[0].name, "undo that");
}

#[test]
fn a_script_without_a_name_is_called_after_its_file() {
    let found = script("steps: [{say: list pods}]");
    assert_eq!((found.name.as_str(), found.after_failure), ("smoke", AfterFailure::Stop));
    assert_eq!(found.steps[0].expected, Expected::default());
}

#[test]
fn what_is_no_script_is_told_at_its_place() {
    let scripts = [
        "",
        "steps: [",
        "just words",
        "- say: list pods",
        "name: smoke",
        "steps: []",
        "steps:",
        "steps: none",
        "step:\n  - say: list pods",
        "steps:\n  - say: list pods\n    expct: {exit: 0}",
        "steps:\n  - say: list pods\n    expect: {findings: none}",
        "steps:\n  - say: list pods\n    on_failure: diagnose",
        "steps:\n  - say: [list, pods]",
        "steps:\n  - say: list pods\n    expect: {exit: none}",
        "steps:\n  - say: list pods\n    expect: {exit: 256}",
        "steps:\n  - say: list pods\n    expect: {text: pods}",
        "steps:\n  - say: list pods\n    expect: {changed: maybe}",
        "steps:\n  - call: {args: {kind: pods}}",
        "steps:\n  - call: {tool: list, args: pods}",
        "steps:\n  - say: list pods\n    say: list nodes",
        "continue: perhaps\nsteps: [{say: list pods}]",
    ];
    assert_snapshot!(complaints(&scripts), @r#"
    => smoke.yaml: the script is empty

    steps: [
    => smoke.yaml:1:8: unclosed bracket '['

    just words
    => smoke.yaml:1:1: something with keys is expected here

    - say: list pods
    => smoke.yaml:1:1: something with keys is expected here

    name: smoke
    => smoke.yaml:1:1: the key "steps" is missing

    steps: []
    => smoke.yaml:1:8: the script has no steps

    steps:
    => smoke.yaml:1:6: a list is expected here

    steps: none
    => smoke.yaml:1:8: a list is expected here

    step:
      - say: list pods
    => smoke.yaml:1:1: there is no key "step"; did you mean steps?

    steps:
      - say: list pods
        expct: {exit: 0}
    => smoke.yaml:3:5: there is no key "expct"; did you mean expect?

    steps:
      - say: list pods
        expect: {findings: none}
    => smoke.yaml:3:14: there is no key "findings"; the keys here are exit, text, not_text, json, replicas, changed

    steps:
      - say: list pods
        on_failure: diagnose
    => smoke.yaml:3:5: there is no key "on_failure"; the keys here are name, say, call, expect, timeout

    steps:
      - say: [list, pods]
    => smoke.yaml:2:10: a text is expected here

    steps:
      - say: list pods
        expect: {exit: none}
    => smoke.yaml:3:20: a whole number from 0 to 255 is expected here

    steps:
      - say: list pods
        expect: {exit: 256}
    => smoke.yaml:3:20: a whole number from 0 to 255 is expected here

    steps:
      - say: list pods
        expect: {text: pods}
    => smoke.yaml:3:20: a list is expected here

    steps:
      - say: list pods
        expect: {changed: maybe}
    => smoke.yaml:3:23: true or false is expected here

    steps:
      - call: {args: {kind: pods}}
    => smoke.yaml:2:12: the key "tool" is missing

    steps:
      - call: {tool: list, args: pods}
    => smoke.yaml:2:30: something with keys is expected here

    steps:
      - say: list pods
        say: list nodes
    => smoke.yaml:3:5: the key "say" stands here a second time

    continue: perhaps
    steps: [{say: list pods}]
    => smoke.yaml:1:11: true or false is expected here
    "#);
}

#[test]
fn what_makes_no_sense_is_told_at_its_place() {
    let scripts = [
        "steps:\n  - name: nothing",
        "steps:\n  - say:",
        "steps:\n  - say: ''",
        "steps:\n  - say: list pods\n    call: {tool: list}",
        "steps:\n  - call: {tool: lst}",
        "steps:\n  - call: {tool: kubectl}",
        "steps:\n  - call:\n      tool: list\n      args: {kin: pods}",
        "steps:\n  - call: {tool: list}",
        "steps:\n  - call:\n      tool: list\n      args:\n        kind: pods\n        limit: ten",
        "variables: {replicas: 3}\nsteps:\n  - say: scale backend to ${replica}",
        "steps:\n  - say: scale backend to ${replicas}",
        "steps:\n  - say: scale backend to ${replicas",
        "variables: {a-b: 3}\nsteps:\n  - say: list pods",
        "variables: {pods: [1, 2]}\nsteps:\n  - say: list pods",
        "steps:\n  - say: list pods\n    timeout: soon",
        "timeout: 0s\nsteps:\n  - say: list pods",
        "steps:\n  - say: list pods\n    expect: {exit: 7}",
        "steps:\n  - say: list pods\n    expect:\n      json: {total: 3}",
        "steps:\n  - say: list pods\n    expect:\n      json: {\"/a~b\": 3}",
        "steps:\n  - say: list pods\n    expect:\n      replicas: {backend: many}",
        "steps:\n  - say: list pods\n    expect: {text: [\"\"]}",
        "context: dev\nsandbox: todo\nsteps:\n  - say: list pods",
        "sandbox: tod\nsteps:\n  - say: list pods",
        "sandbox: ./none.yaml\nsteps:\n  - say: list pods",
        "namespace: ''\nsteps:\n  - say: list pods",
    ];
    assert_snapshot!(complaints(&scripts), @r#"
    steps:
      - name: nothing
    => smoke.yaml:2:5: a step needs "say" with a sentence, or "call" with a tool

    steps:
      - say:
    => smoke.yaml:2:5: a step needs "say" with a sentence, or "call" with a tool

    steps:
      - say: ''
    => smoke.yaml:2:10: the sentence is empty

    steps:
      - say: list pods
        call: {tool: list}
    => smoke.yaml:3:11: a step has "say" or "call", not both

    steps:
      - call: {tool: lst}
    => smoke.yaml:2:18: there is no tool "lst"; did you mean list?

    steps:
      - call: {tool: kubectl}
    => smoke.yaml:2:18: there is no tool "kubectl"; the tools are list, describe, logs, events, rollout, wait_for, diagnose, health, changes, explain, scale, rollout_control, set, autoscale, create, apply, patch, delete, node_control, import_env, exec, port_forward, undo

    steps:
      - call:
          tool: list
          args: {kin: pods}
    => smoke.yaml:4:19: list has no argument "kin"; did you mean kind?

    steps:
      - call: {tool: list}
    => smoke.yaml:2:18: list needs the argument "kind"

    steps:
      - call:
          tool: list
          args:
            kind: pods
            limit: ten
    => smoke.yaml:6:16: limit: invalid type: string "ten", expected u32

    variables: {replicas: 3}
    steps:
      - say: scale backend to ${replica}
    => smoke.yaml:3:10: there is no variable "replica"; did you mean replicas?

    steps:
      - say: scale backend to ${replicas}
    => smoke.yaml:2:10: there is no variable "replicas"; the script has no variables

    steps:
      - say: scale backend to ${replicas
    => smoke.yaml:2:10: a "${" has no "}"; write $${ where it means itself

    variables: {a-b: 3}
    steps:
      - say: list pods
    => smoke.yaml:1:18: "a-b" cannot be a variable's name; write it with letters, digits and _

    variables: {pods: [1, 2]}
    steps:
      - say: list pods
    => smoke.yaml:1:19: the variable "pods" must be a text, a number, true or false

    steps:
      - say: list pods
        timeout: soon
    => smoke.yaml:3:14: "soon" is not a duration; write it like 90s, 5m or 1h30m, more than nothing

    timeout: 0s
    steps:
      - say: list pods
    => smoke.yaml:1:10: "0s" is not a duration; write it like 90s, 5m or 1h30m, more than nothing

    steps:
      - say: list pods
        expect: {exit: 7}
    => smoke.yaml:3:20: there is no exit code 7; they are 0, 1, 2, 3, 4, 5, 130

    steps:
      - say: list pods
        expect:
          json: {total: 3}
    => smoke.yaml:4:21: "total" is no JSON pointer; write it like /items/0/name

    steps:
      - say: list pods
        expect:
          json: {"/a~b": 3}
    => smoke.yaml:4:22: "/a~b" is no JSON pointer; write it like /items/0/name

    steps:
      - say: list pods
        expect:
          replicas: {backend: many}
    => smoke.yaml:4:27: "many" is not a number of replicas

    steps:
      - say: list pods
        expect: {text: [""]}
    => smoke.yaml:3:21: an empty text is everywhere; say what is looked for

    context: dev
    sandbox: todo
    steps:
      - say: list pods
    => smoke.yaml:1:10: "context" and "sandbox" are two different clusters

    sandbox: tod
    steps:
      - say: list pods
    => smoke.yaml:1:10: there is no world `tod`, did you mean `todo`?; shipped worlds: todo, todo-broken, empty, hpa, stuck

    sandbox: ./none.yaml
    steps:
      - say: list pods
    => smoke.yaml:1:10: cannot read the world ./none.yaml: No such file or directory (os error 2)

    namespace: ''
    steps:
      - say: list pods
    => smoke.yaml:1:12: "namespace" is empty
    "#);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = r"
variables: {replicas: three}
steps:
  - say: scale ${nam} to ${replicas}
    timeout: never
  - call: {tool: scal}
    expect:
      replicas: {backend: '${replicas}'}
always:
  - name: nothing
";
    assert_snapshot!(complaint(text), @r#"
    smoke.yaml has 5 mistakes
    smoke.yaml:4:10: there is no variable "nam"; the variables are replicas
    smoke.yaml:5:14: "never" is not a duration; write it like 90s, 5m or 1h30m, more than nothing
    smoke.yaml:6:18: there is no tool "scal"; did you mean scale?
    smoke.yaml:8:27: "three" is not a number of replicas
    smoke.yaml:10:5: a step needs "say" with a sentence, or "call" with a tool
    "#);
    let many = format!("steps:\n{}", "  - name: nothing\n".repeat(30));
    let told = complaint(&many);
    assert!(told.starts_with("smoke.yaml has 30 mistakes\n") && told.lines().count() == 22, "{told}");
}
