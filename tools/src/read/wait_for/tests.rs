//! Waiting, on a clock that only waiting moves.

use insta::assert_snapshot;
use serde_json::{Value, json};
use todo_agent_core::journal::NoHistory;

use crate::fake::{FakeReader, FakeRun, crashing, pod, workload};

fn starting() -> Value {
    let mut backend = workload("Deployment", "todo", "backend", 2);
    backend["status"]["availableReplicas"] = json!(1);
    backend
}

fn becomes_available_at(second: i64) -> impl Fn(i64, &mut Vec<Value>) + Send + Sync {
    move |passed, objects| {
        if passed >= second {
            objects[0]["status"]["availableReplicas"] = json!(2);
        }
    }
}

#[tokio::test]
async fn a_condition_that_comes_about_is_told_with_its_time() {
    let turn = FakeRun::with(FakeReader::new(vec![starting()]), NoHistory, becomes_available_at(7));
    let args = json!({"name": "backend", "condition": "available"});
    assert_snapshot!(turn.person("wait_for", args.clone()).await, @"deployment/backend is available after 7 s (2 of 2 replicas available)");
    assert_snapshot!(turn.person("wait_for", args).await, @"deployment/backend is available already (2 of 2 replicas available)");
}

#[tokio::test]
async fn a_condition_that_does_not_come_about_is_told_with_the_pods_reason() {
    let broken = crashing(pod("todo", "backend-x", "backend", ("ReplicaSet", "backend-1")));
    let turn = FakeRun::new(FakeReader::new(vec![starting(), broken]));
    // Long before the 90 seconds are over: a crash loop does not end by waiting.
    let args = json!({"name": "backend", "condition": "available", "seconds": 90});
    let output = turn.read("wait_for", args).await.unwrap();
    assert_snapshot!(output.for_person(120), @r#"
    deployment/backend is not available after 28 s: 1 of 2 replicas available
    pod/backend-x: CrashLoopBackOff: container app: back-off 40s restarting failed container (last run: Error, exit code 1)
    "#);
    assert!(!output.achieved());
    assert_eq!((&output.for_json()["met"], &output.for_json()["seconds"]), (&json!(false), &json!(28)));
}

#[tokio::test]
async fn a_crash_loop_that_only_shows_its_ends_is_told_by_its_back_off() {
    let mut broken = pod("todo", "backend-x", "backend", ("ReplicaSet", "backend-1"));
    broken["status"] = json!({"phase": "Running", "containerStatuses": [{"name": "app", "ready": false,
        "restartCount": 3, "state": {"terminated": {"reason": "Error", "exitCode": 3}}}]});
    let back_off = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "todo"},
        "reason": "BackOff", "type": "Warning", "involvedObject": {"kind": "Pod", "name": "backend-x"}});
    let args = json!({"name": "backend", "condition": "available", "seconds": 90});
    for (objects, seconds) in [(vec![starting(), broken.clone(), back_off], 28), (vec![starting(), broken], 90)] {
        let output = FakeRun::new(FakeReader::new(objects)).read("wait_for", args.clone()).await.unwrap();
        assert_eq!(output.for_json()["seconds"], json!(seconds), "{}", output.for_person(100));
    }
}

#[tokio::test]
async fn a_rollout_that_its_controller_has_given_up_is_not_waited_for() {
    let mut late = workload("Deployment", "todo", "backend", 2);
    late["status"]["updatedReplicas"] = json!(1);
    late["status"]["conditions"] =
        json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
    let turn = FakeRun::new(FakeReader::new(vec![late]));
    let args = json!({"name": "backend", "condition": "rolled_out", "seconds": 90});
    let output = turn.read("wait_for", args).await.unwrap();
    assert_snapshot!(output.for_person(120), @"deployment/backend is not rolled out after 0 s: it exceeded its progress deadline: 1 of 2 replicas updated, 2 available");
    assert!(!output.achieved());
}

#[tokio::test]
async fn deletion_is_waited_for_by_exact_name() {
    let victim = pod("todo", "backend-x", "backend", ("ReplicaSet", "backend-1"));
    let turn = FakeRun::with(FakeReader::new(vec![victim]), NoHistory, |passed, objects| {
        if passed >= 3 {
            objects.retain(|object| object["kind"] != "Pod");
        }
    });
    let args = json!({"kind": "pod", "name": "backend-x", "condition": "deleted"});
    assert_snapshot!(turn.person("wait_for", args).await, @"pod/backend-x is deleted after 3 s");
    let args = json!({"kind": "pod", "name": "backend-y", "condition": "exists", "seconds": 2});
    assert_snapshot!(turn.person("wait_for", args).await, @"pod/backend-y is not there after 2 s: it does not exist");
}

#[tokio::test]
async fn the_turns_own_deadline_ends_the_wait() {
    let mut turn = FakeRun::new(FakeReader::new(vec![starting()]));
    turn.run.deadline = Some("2026-03-01T12:00:05Z".parse().unwrap());
    assert_snapshot!(turn.person("wait_for", json!({"name": "backend", "condition": "available"})).await, @"deployment/backend is not available after 5 s: 1 of 2 replicas available");
}

#[tokio::test]
async fn an_interruption_is_an_error() {
    let turn = FakeRun::new(FakeReader::new(vec![starting()]));
    turn.run.cancel.cancel();
    assert_snapshot!(turn.person("wait_for", json!({"name": "backend", "condition": "available"})).await, @"error: interrupted");
}

#[tokio::test]
async fn bad_arguments_are_explained() {
    let turn = FakeRun::new(FakeReader::new(vec![starting()]));
    assert_snapshot!(turn.person("wait_for", json!({"name": "backend", "condition": "green"})).await, @r#"
    error: condition cannot be "green"
    hint: it is one of available, ready, rolled_out, deleted, exists
    "#);
    assert_snapshot!(turn.person("wait_for", json!({"name": "backend", "condition": "ready", "seconds": 0})).await, @"error: seconds must be from 1 to 3600, got 0");
    assert_snapshot!(turn.person("wait_for", json!({"name": "frontend", "condition": "exists"})).await, @r#"
    error: there is no deployment, statefulset or daemonset "frontend" in namespace todo
    hint: there is deployment/backend
    hint: give the kind to wait for something that is not there
    "#);
}
