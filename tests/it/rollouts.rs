//! Changes that do not come true: a rollout that never gets ready, and a controller that would undo it.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Served, TestEnvironment};

#[test]
fn a_rollout_that_never_gets_ready_ends_early_with_the_pods_reason_and_offers_undo() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox=stuck", "restart frontend", "--yes"]);
    assert_snapshot!(output.stdout_filtered(), @"");
    assert_eq!(output.code, Some(1));
}

#[test]
fn a_crash_loop_is_named_with_its_reason() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox=stuck", "restart backend", "--yes"]);
    assert_snapshot!(output.stdout_filtered(), @"");
    assert_eq!(output.code, Some(1));
}

#[test]
fn a_stuck_rollout_says_why_it_is_stuck() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox=stuck", "rollout status of frontend"]);
    assert_snapshot!(output.stdout_filtered(), @"");
}

#[test]
fn a_change_that_was_not_verified_can_be_undone() {
    let environment = TestEnvironment::new();
    // One process, so that the sandbox of the change is the sandbox of the undo.
    let output = environment.run_with_input(["--sandbox=stuck", "--yes"], b"roll back backend\nundo\n");
    assert_snapshot!(output.stdout_filtered(), @"");
}

#[test]
fn an_autoscaler_that_would_fight_is_named_before_anything_is_sent() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox=hpa", "scale backend to 3"]);
    assert_snapshot!(output, @"");
    assert!(environment.journal().is_empty());
    let beyond = environment.run(["--sandbox=hpa", "scale backend to 9"]);
    assert_snapshot!(beyond.filtered(&beyond.stderr), @"");
}

#[test]
fn what_somebody_overrides_meanwhile_is_not_called_done() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, &crate::support::world_file("slow"));
    let scaling = environment.spawn(environment.command(["scale backend to 4", "--yes"]).stdin(std::process::Stdio::null()));
    environment.wait_for_record("answered");
    served.scale("backend", 2);
    let output = environment.shown(scaling.wait_with_output().unwrap());
    assert_snapshot!(output.stdout_filtered(), @"");
    assert_eq!(output.code, Some(1));
    assert_eq!(served.replicas("backend"), 2);
}

#[test]
fn a_deployment_that_is_paused_says_so() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    served.patch("backend", &json!({"spec": {"paused": true}}));
    let output = environment.run(["restart backend", "--yes"]);
    assert_snapshot!(output, @"");
}
