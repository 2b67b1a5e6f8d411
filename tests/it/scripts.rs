//! `todo-agent run`: scripts of sentences and calls, run step by step and compared with what was expected of them.

use std::{fs, process::Stdio};

use insta::assert_snapshot;
use regex::Regex;
use serde_json::Value;

use crate::support::{Output, TestEnvironment, world};

/// Runs a script on the world `todo`, unless the arguments name another.
pub(crate) fn run(environment: &TestEnvironment, script: &str, arguments: &[&str]) -> Output {
    let file = environment.write("smoke.yaml", script).display().to_string();
    let sandbox = if arguments.iter().any(|word| word.starts_with("--sandbox")) { None } else { Some("--sandbox") };
    environment.run(["run", &*file].into_iter().chain(sandbox).chain(arguments.iter().copied()))
}

/// Returns the lines about the steps, with how long they took made plain.
pub(crate) fn shown(output: &Output) -> String {
    Regex::new(r"\(\d+\.\d s").unwrap().replace_all(&output.stdout_filtered(), "(0.0 s").into_owned()
}

pub(crate) const PASSING: &str = r"
name: Todo
variables: {replicas: 3}
steps:
  - call: {tool: list, args: {kind: pods}}
    expect: {json: {/total: 6, /not_ready: 0}, changed: false}
  - name: scale up
    say: scale backend to ${replicas}
    expect: {text: [3 of 3 replicas available], replicas: {backend: '${replicas}'}, changed: true}
  - say: undo that
    expect: {replicas: {backend: 2, statefulset/redis: 1}}
always:
  - name: two replicas
    say: scale backend to 2
    expect: {text: [already], changed: false}
";

#[test]
fn what_goes_as_expected_is_a_line_each() {
    let environment = TestEnvironment::new();
    let output = run(&environment, PASSING, &["--yes"]).exits(0);
    assert_snapshot!(shown(&output), @r"
    ✓ ok       list kind=pods  (0.0 s)
    ✓ ok       scale up  (0.0 s)
    ✓ ok       undo that  (0.0 s)
    ✓ ok       always: two replicas  (0.0 s)
    Todo passed: 4 passed
    ");
    // It is a session like any other, with the ends of its steps.
    let file = fs::read_dir(environment.state().join("sessions")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(file).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("sentence"), count("step"), count("report")), (3, 4, 2));
}

#[test]
fn what_does_not_says_why_and_the_clean_up_comes_all_the_same() {
    let environment = TestEnvironment::new();
    let script = r"
name: Todo
steps:
  - say: scale backend to 3
  - name: too many
    say: list pods
    expect: {json: {/total: 6, /totl: 6}, text: [6 pods], not_text: [backend], replicas: {backend: 2, bakend: 1}, changed: true}
  - name: never reached
    say: restart the backend
always:
  - say: scale backend to 2
    expect: {changed: true}
  - say: scale frontend to 2
    expect: {changed: true}
  - say: list deployments
";
    let output = run(&environment, script, &["--yes"]).exits(1);
    assert_snapshot!(shown(&output), @r#"
    ✓ ok       scale backend to 3  (0.0 s)
    ✗ failed   too many  (0.0 s)
        text: expected "6 pods", but the step did not show it
        not_text: expected no "backend", but it showed "backend-[pod]    1/1    Running  0
             2m1s  minikube"
        json /total: expected 6, but it was 7
        json /totl: expected 6, but there is nothing; /total is there
        changed: expected a change, but nothing was changed
        replicas backend: expected 2, but 3 are wanted and 3 ready
        replicas bakend: expected 1, but there is no deployment, statefulset or daemonset "bakend" in
        namespace todo
        it showed:
        | 7 pods in namespace todo
        |
        | NAME                        READY  STATUS   RESTARTS  AGE   NODE
        | backend-[pod]    1/1    Running  0         2m1s  minikube
        | backend-[pod]    1/1    Running  0         1s    minikube
        | backend-[pod]    1/1    Running  0         2m1s  minikube
        | frontend-[pod]   1/1    Running  0         2m1s  minikube
        | frontend-[pod]   1/1    Running  0         2m1s  minikube
        | mcp-server-[pod]  1/1    Running  0         2m1s  minikube
        | redis-0                     1/1    Running  0         2m1s  minikube
    - skipped  never reached  (a step before it failed)
    ✓ ok       always: scale backend to 2  (0.0 s)
    ✗ failed   always: scale frontend to 2  (0.0 s)
        changed: expected a change, but nothing was changed
        it showed:
        | deployment/frontend already has 2 replicas (2 available); nothing to change
    ✓ ok       always: list deployments  (0.0 s)
    Todo failed: 3 passed, 2 failed, 1 skipped
    "#);
    assert_eq!(environment.journal_words().iter().filter(|word| *word == "approved").count(), 2);
}

#[test]
fn the_rest_is_run_where_the_script_goes_on() {
    let environment = TestEnvironment::new();
    let script = "continue: true\nsteps:\n  - say: list pods\n    expect: {exit: 1}\n  - say: list deployments\n";
    let output = run(&environment, script, &[]).exits(1);
    output.says("failed list pods").says("ok list deployments").says("1 passed, 1 failed").enough();
    let wanted = "steps:\n  - call: {tool: describe, args: {name: nothing}}\n    expect: {exit: 1, text: [nothing]}\n";
    run(&environment, wanted, &[]).exits(0).enough();
}

#[test]
fn nobody_is_asked_and_what_is_not_approved_is_not_done() {
    let environment = TestEnvironment::new();
    let script = "steps:\n  - say: scale backend to 3\n";
    let output = run(&environment, script, &[]).exits(1);
    assert_snapshot!(shown(&output), @r"
    ✗ failed   scale backend to 3  (0.0 s)
        exit: expected 0, but it was 3 (needs approval: risk low, and there is no terminal to ask on)
        it showed:
        | Change c-change
        |   context    sandbox (sandbox world todo)
        |   namespace  todo
        |
        | 1. scale deployment/backend from 2 to 3 replicas
        |    action     scale Deployment backend in namespace todo (apps/v1)
        |    change     spec.replicas: 2 → 3
        |    risk       low
        |    proof      checked by the server (dry run)
        |
        | undo       scale deployment/backend back to 2
        | same as    kubectl scale deployment/backend --replicas=3 -n todo
        | approval needed: risk low, and there is no terminal to ask on. Nothing was sent.
    smoke failed: 1 failed
    ");
    let high = "steps:\n  - call: {tool: scale, args: {workload: backend, replicas: 0}}\n";
    run(&environment, high, &["--yes"]).exits(1).says("it was 3 (needs approval").enough();
    let read_only = run(&environment, script, &["--yes", "--read-only"]).exits(1);
    read_only.says("it was 4 (forbidden: this run is read-only)").enough();
    assert!(environment.journal().is_empty());
    // It can be what is expected.
    let expected =
        "steps:\n  - say: scale backend to 3\n    expect: {exit: 3, changed: false, replicas: {backend: 2}}\n";
    run(&environment, expected, &[]).exits(0).enough();
    run(&environment, high, &["--yes=high"]).exits(0).enough();
}

#[test]
fn a_dry_run_previews_every_step() {
    let environment = TestEnvironment::new();
    let output = run(&environment, PASSING, &["--dry-run"]).exits(0);
    assert_snapshot!(shown(&output), @r#"
    ✓ ok       list kind=pods  (0.0 s, only previewed)
    ✓ ok       scale up  (0.0 s, only previewed)
    - skipped  undo that  (it may build on a change that was only previewed: there is no change that
               "undo" could mean; name its id to undo an older one)
    ✓ ok       always: two replicas  (0.0 s, only previewed)
    Todo passed: 3 passed, 1 skipped
    "#);
    assert!(environment.journal().is_empty());
    let wrong = "steps:\n  - say: describe deployment nothing\n  - say: list pods\n";
    run(&environment, wrong, &["--dry-run"]).exits(1).says("1 passed, 1 failed").enough();
}

#[test]
fn of_a_script_with_mistakes_nothing_is_run() {
    let environment = TestEnvironment::new();
    let script = "steps:\n  - say: scale backend to ${replicas}\n  - call: {tool: scal}\n    timeout: soon\n";
    let report = environment.path("report.xml");
    let reported = format!("junit={}", report.display());
    let output = run(&environment, script, &["--yes", "--report", &reported]).exits(2);
    assert_snapshot!(output, @r#"
    exit 2
    --- stderr
    error: [env]/smoke.yaml has 3 mistakes
           [env]/smoke.yaml:2:10: there is no variable "replicas"; the script has no variables
           [env]/smoke.yaml:3:18: there is no tool "scal"; did you mean scale?
           [env]/smoke.yaml:4:14: "soon" is not a duration; write it like 90s, 5m or 1h30m,
           more than nothing
    hint: nothing was run; docs/SCRIPTS.md says what a script can hold
    "#);
    let unknown = run(&environment, "steps:\n  - say: list pods\n    on_failure: diagnose\n", &["--json"]).exits(2);
    assert_snapshot!(unknown.stdout_filtered(), @r#"{"v":1,"event":"error","code":"script","hints":["nothing was run; docs/SCRIPTS.md says what a script can hold"],"message":"[env]/smoke.yaml:3:5: there is no key \"on_failure\"; the keys here are name, say, call, expect, timeout"}"#);
    environment.run(["run", "none.yaml", "--sandbox"]).exits(2).says("none.yaml cannot be read").enough();
    environment.run(["run", ".", "--sandbox"]).exits(2).says(". is not a file").enough();
    assert!(environment.requests().is_empty() && !report.exists());
}

#[test]
fn time_limits_end_steps_and_the_whole_but_not_the_clean_up() {
    let environment = TestEnvironment::new();
    let slow = world("slow");
    let step = r"
steps:
  - say: scale backend to 3
    timeout: 20s
  - say: list pods
always:
  - say: scale backend to 2
";
    let output = run(&environment, step, &[&slow, "--yes"]).exits(1);
    assert_snapshot!(shown(&output), @r"
    ✗ failed   scale backend to 3  (0.0 s)
        exit: expected 0, but it was 1 (not within the time allowed: 2 of 3 replicas available; pod
        backend-[pod]: ContainersNotReady: containers with unready status: [backend])
        it showed:
        | Change c-change
        |   context    sandbox (sandbox world [worlds]/slow.yaml)
        |   namespace  todo
        |
        | 1. scale deployment/backend from 2 to 3 replicas
        |    action     scale Deployment backend in namespace todo (apps/v1)
        |    change     spec.replicas: 2 → 3
        |    risk       low
        |    proof      checked by the server (dry run)
        |
        | undo       scale deployment/backend back to 2
        | same as    kubectl scale deployment/backend --replicas=3 -n todo
        | approved by --yes
        | sent, but not verified: scale deployment/backend from 2 to 3 replicas
        |   not within the time allowed: 2 of 3 replicas available; pod backend-[pod]:
          ContainersNotReady: containers with unready status: [backend]
        | undo: todo-agent undo c-change  (scale deployment/backend back to 2)
        | Changes in this turn: scale deployment/backend from 2 to 3 replicas: sent, not verified
          (c-change)
    - skipped  list pods  (a step before it failed)
    ✓ ok       always: scale backend to 2  (0.0 s)
    smoke failed: 1 passed, 1 failed, 1 skipped
    ");
    let whole = format!("timeout: 20s\ncontinue: true{}", step.replace("    timeout: 20s\n", ""));
    let output = run(&environment, &whole, &[&slow, "--yes"]).exits(1);
    assert_snapshot!(shown(&output).lines().filter(|line| !line.starts_with("  ")).collect::<Vec<_>>().join("\n"), @r"
    ✗ failed   scale backend to 3  (0.0 s)
    - skipped  list pods  (the time of the whole script ran out)
    ✓ ok       always: scale backend to 2  (0.0 s)
    smoke failed: 1 passed, 1 failed, 1 skipped: the time of the whole script ran out
    ");
}

#[test]
fn a_reader_that_goes_away_changes_nothing_but_what_is_shown() {
    let environment = TestEnvironment::new();
    for (arguments, exit) in [(["--yes", "--no-color"], 0), (["--yes", "--json"], 0), (["--no-color", "--json"], 1)] {
        let file = environment.write("smoke.yaml", PASSING).display().to_string();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = environment.command(["run", &*file, "--sandbox"].into_iter().chain(arguments));
        let output = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        environment.shown(&output.wait_with_output().unwrap()).exits(exit).never_says("panicked").enough();
    }
    // Twice to three and back again.
    assert_eq!(environment.journal_words().iter().filter(|word| *word == "approved").count(), 4);
}
