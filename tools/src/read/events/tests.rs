//! Events as a person and a model see them.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, workload};

fn event(
    kind: &str,
    object: &str,
    (severity, reason): (&str, &str),
    message: &str,
    (count, last): (i64, &str),
) -> Value {
    json!({"apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{object}.{reason}"), "namespace": "todo"},
        "involvedObject": {"kind": kind, "name": object, "namespace": "todo"},
        "type": severity, "reason": reason, "message": message, "count": count,
        "firstTimestamp": "2026-03-01T11:00:00Z", "lastTimestamp": last})
}

fn todo() -> Vec<Value> {
    let backoff = ("Warning", "BackOff");
    vec![
        workload("Deployment", "todo", "backend", 2),
        workload("StatefulSet", "todo", "redis", 1),
        event(
            "Pod",
            "backend-7d8f9c-x2x4z",
            backoff,
            "Back-off restarting failed container app in pod backend-7d8f9c-x2x4z",
            (12, "2026-03-01T11:59:00Z"),
        ),
        event(
            "Pod",
            "backend-7d8f9c-b6b7c",
            backoff,
            "Back-off restarting failed container app in pod backend-7d8f9c-b6b7c",
            (9, "2026-03-01T11:58:00Z"),
        ),
        event(
            "Deployment",
            "backend",
            ("Normal", "ScalingReplicaSet"),
            "Scaled up replica set backend-7d8f9c from 1 to 2",
            (1, "2026-03-01T11:00:00Z"),
        ),
        event(
            "ReplicaSet",
            "backend-7d8f9c",
            ("Normal", "SuccessfulCreate"),
            "Created pod: backend-7d8f9c-x2x4z",
            (1, "2026-03-01T11:00:00Z"),
        ),
        event(
            "ReplicaSet",
            "backend-7d8f9c",
            ("Normal", "SuccessfulCreate"),
            "Created pod: backend-7d8f9c-b6b7c",
            (1, "2026-03-01T11:00:00Z"),
        ),
        event(
            "Pod",
            "redis-0",
            ("Normal", "Pulled"),
            "Container image \"redis:7\" already present",
            (1, "2026-03-01T11:00:00Z"),
        ),
    ]
}

async fn events(args: Value) -> String {
    FakeRun::new(FakeReader::new(todo())).person("events", args).await
}

#[tokio::test]
async fn events_of_one_cause_are_one_entry() {
    assert_snapshot!(events(json!({})).await, @r#"
    6 events in namespace todo: 4 causes, 1 warning

    Warning BackOff · 2 pods of backend · 60s ago, ×21 in 59m
      Back-off restarting failed container app in pod backend-7d8f9c-x2x4z
    Normal ScalingReplicaSet · deployment/backend · 60m ago
      Scaled up replica set backend-7d8f9c from 1 to 2
    Normal Pulled · pod/redis-0 · 60m ago
      Container image "redis:7" already present
    Normal SuccessfulCreate · replicaset/backend-7d8f9c · 60m ago, ×2
      Created pod: backend-7d8f9c-x2x4z
    "#);
}

#[tokio::test]
async fn events_about_a_workload_are_those_of_its_parts_too() {
    assert_snapshot!(events(json!({"about": "backend"})).await, @r#"
    5 events about deployment/backend in namespace todo: 3 causes, 1 warning

    Warning BackOff · 2 pods of backend · 60s ago, ×21 in 59m
      Back-off restarting failed container app in pod backend-7d8f9c-x2x4z
    Normal ScalingReplicaSet · deployment/backend · 60m ago
      Scaled up replica set backend-7d8f9c from 1 to 2
    Normal SuccessfulCreate · replicaset/backend-7d8f9c · 60m ago, ×2
      Created pod: backend-7d8f9c-x2x4z
    "#);
    assert_snapshot!(events(json!({"about": "redis", "warnings_only": true})).await, @"no warnings about statefulset/redis in namespace todo; the cluster keeps events for about an hour");
    assert_snapshot!(events(json!({"since": "10m"})).await, @r#"
    2 events in namespace todo in the last 10m: 1 cause, 1 warning

    Warning BackOff · 2 pods of backend · 60s ago, ×21 in 59m
      Back-off restarting failed container app in pod backend-7d8f9c-x2x4z
    "#);
}

#[tokio::test]
async fn nothing_and_nowhere_are_told_apart() {
    assert_snapshot!(events(json!({"namespace": "shop"})).await, @"no events in namespace shop; the cluster keeps events for about an hour");
    assert_snapshot!(events(json!({"namespace": "shpo"})).await, @r#"
    error: namespace "shpo" does not exist
    hint: did you mean shop?
    "#);
    assert_snapshot!(events(json!({"about": "backend", "all_namespaces": true})).await, @"error: about needs one namespace; leave all_namespaces out");
    assert_snapshot!(events(json!({"since": "-1h"})).await, @r#"
    error: since must be a duration, got "-1h"
    hint: write it as 90s, 10m, 1h30m or 2d
    "#);
}
