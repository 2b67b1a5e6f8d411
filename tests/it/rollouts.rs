//! Changes that do not come true: a rollout that never gets ready, and a controller that would undo it.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Served, TestEnvironment, spawn};

/// An environment whose lines hold every message: the hash in a pod's name is not always as long.
fn wide() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "500");
    environment
}

#[test]
fn a_rollout_that_never_gets_ready_ends_early_with_the_pods_reason_and_offers_undo() {
    let environment = wide();
    let output = environment.run(["--sandbox=stuck", "restart frontend", "--yes"]);
    assert_snapshot!(output.stdout_filtered(), @r#"
    sent, but not verified: restart deployment/frontend
      1 of 2 replicas updated, 2 available; pod frontend-[pod]: ImagePullBackOff: container frontend: Back-off pulling image "todo-chatbot-frontend:v2": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/todo-chatbot-frontend:v2": failed to resolve reference "docker.io/library/todo-chatbot-frontend:v2": docker.io/library/todo-chatbot-frontend:v2: not found
    undo: todo-agent undo c-change  (roll deployment/frontend back to revision 2)
    Changes in this turn: restart deployment/frontend: sent, not verified (c-change)
    "#);
    assert_eq!(output.code, Some(1));
}

#[test]
fn a_crash_loop_is_named_with_its_reason() {
    let environment = wide();
    let output = environment.run(["--sandbox=stuck", "restart backend", "--yes"]);
    assert_snapshot!(output.stdout_filtered(), @r"
    sent, but not verified: restart deployment/backend
      1 of 2 replicas updated, 2 available; pod backend-[pod]: CrashLoopBackOff: container backend: back-off 20s restarting failed container=backend pod=backend-[pod]_todo([uid]) (last run: Error, exit code 1)
    undo: todo-agent undo c-change  (roll deployment/backend back to revision 3)
    Changes in this turn: restart deployment/backend: sent, not verified (c-change)
    ");
    assert_eq!(output.code, Some(1));
}

#[test]
fn a_stuck_rollout_says_why_it_is_stuck() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox=stuck", "rollout status of frontend"]);
    assert_snapshot!(output.stdout_filtered(), @r#"
    deployment/frontend is rolling out: 1 of 2 new replicas have been updated

    why:
    pod/frontend-[pod]: ImagePullBackOff: container frontend: Back-off pulling image "todo-chatbot-frontend:v2": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/todo-chatbot-frontend:v2": failed to resolve reference "docker.io/library/todo-chatbot-frontend:v2": docker.io/library/todo-chatbot-frontend:v2: not found

    revision 2 is the first bad one; revision 1 still has 2 ready. To go back: roll deployment/frontend back to revision 1

    REVISION     AGE  PODS  CAUSE          CHANGES
    1            4m   2/2   –              first recorded
    2 (current)  2m   0/1   upgrade to v2  frontend image todo-chatbot-frontend:v1 →
                                           todo-chatbot-frontend:v2
    "#);
}

#[test]
fn a_change_that_was_not_verified_can_be_undone() {
    let environment = wide();
    // One process, so that the sandbox of the change is the sandbox of the undo.
    let output = environment.run_with_input(["--sandbox=stuck", "--yes"], b"roll back backend\nundo\n");
    assert_snapshot!(output.stdout_filtered(), @r"
    ✓ ok: roll deployment/backend back from revision 3 to 2
      rolled out, 2 of 2 replicas available
    undo: todo-agent undo c-change  (roll deployment/backend back to revision 3)
    Changes in this turn: roll deployment/backend back from revision 3 to 2: done (c-change)
    sent, but not verified: roll deployment/backend back from revision 4 to 3
      1 of 2 replicas updated, 2 available; pod backend-[pod]: CrashLoopBackOff: container backend: back-off 20s restarting failed container=backend pod=backend-[pod]_todo([uid]) (last run: Error, exit code 1)
    undo: todo-agent undo c-change  (roll deployment/backend back to revision 4)
    Changes in this turn: roll deployment/backend back from revision 4 to 3: sent, not verified (c-change)
    ");
}

#[test]
fn an_autoscaler_that_would_fight_is_named_before_anything_is_sent() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox=hpa", "scale backend to 3"]);
    assert_snapshot!(output, @r#"
    exit 3
    --- stderr
    Change c-change
      context    sandbox (sandbox world hpa)
      namespace  todo

    1. scale deployment/backend from 2 to 3 replicas
       action     scale Deployment backend in namespace todo (apps/v1)
       change     spec.replicas: 2 → 3
       risk       low
       proof      checked by the server (dry run)
       kept by    horizontalpodautoscaler/backend keeps 2–5 replicas and will set the count again; to
                  have at least 3, change its bounds instead: kubectl patch hpa backend --patch
                  '{"spec":{"minReplicas":3}}'

    undo       scale deployment/backend back to 2
    same as    kubectl scale deployment/backend --replicas=3 -n todo
    approval needed: risk low, and there is no terminal to ask on. Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
    assert!(environment.journal().is_empty());
    let beyond = environment.run(["--sandbox=hpa", "scale backend to 9"]);
    assert_snapshot!(beyond.filtered(&beyond.stderr), @r#"
    Change c-change
      context    sandbox (sandbox world hpa)
      namespace  todo

    1. scale deployment/backend from 2 to 9 replicas
       action     scale Deployment backend in namespace todo (apps/v1)
       change     spec.replicas: 2 → 9
       risk       low
       proof      checked by the server (dry run)
       kept by    horizontalpodautoscaler/backend keeps 2–5 replicas and will set the count again; to
                  have at least 9, change its bounds instead: kubectl patch hpa backend --patch
                  '{"spec":{"minReplicas":9,"maxReplicas":9}}'

    undo       scale deployment/backend back to 2
    same as    kubectl scale deployment/backend --replicas=9 -n todo
    approval needed: risk low, and there is no terminal to ask on. Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
}

#[test]
fn what_somebody_overrides_meanwhile_is_not_called_done() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, &crate::support::world_file("slow"));
    let scaling = spawn(environment.command(["scale backend to 4", "--yes"]).stdin(std::process::Stdio::null()));
    environment.wait_for_record("answered");
    served.scale("backend", 2);
    let output = environment.shown(&scaling.wait_with_output().unwrap());
    assert_snapshot!(output.stdout_filtered(), @r"
    sent, but not verified: scale deployment/backend from 2 to 4 replicas
      overridden by somebody-else: the count is 2, not 4
    undo: todo-agent undo c-change  (scale deployment/backend back to 2)
    Changes in this turn: scale deployment/backend from 2 to 4 replicas: sent, not verified (c-change)
    ");
    assert_eq!(output.code, Some(1));
    assert_eq!(served.replicas("backend"), 2);
}

#[test]
fn a_deployment_that_is_paused_says_so() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    served.patch("backend", &json!({"spec": {"paused": true}}));
    let output = environment.run(["restart backend", "--yes"]);
    assert_snapshot!(output, @r"
    exit 1
    --- stderr
    error: deployment/backend is paused and cannot be restarted
    hint: resume it first: resume the rollout of deployment/backend
    ");
}
