//! The order of what changed and what went wrong.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, replica_set, workload};

fn event(kind: &str, name: &str, reason: &str, message: &str, first: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": reason, "message": message, "count": 3,
        "metadata": {"name": format!("{name}.{reason}"), "namespace": "todo", "creationTimestamp": first},
        "involvedObject": {"kind": kind, "name": name, "namespace": "todo", "uid": "uid-x"},
        "firstTimestamp": first, "lastTimestamp": "2026-03-01T11:59:00Z",
    })
}

fn objects() -> Vec<Value> {
    let mut second = replica_set("backend", 2, "2.0", 1);
    second["metadata"]["creationTimestamp"] = json!("2026-03-01T11:30:00Z");
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": "settings", "namespace": "todo", "uid": "uid-cm", "creationTimestamp": "2026-02-01T10:00:00Z",
            "managedFields": [{"manager": "kubectl", "time": "2026-03-01T11:20:00Z", "fieldsV1": {"f:data": {"f:LEVEL": {}}}}],
        },
        "data": {"LEVEL": "never asked for"},
    });
    vec![
        workload("Deployment", "todo", "backend", 1),
        replica_set("backend", 1, "1.0", 0),
        second,
        settings,
        event("Pod", "backend-hash2-x", "BackOff", "Back-off restarting failed container", "2026-03-01T11:32:00Z"),
        event("Pod", "backend-hash2-x", "Unhealthy", "Readiness probe failed", "2026-03-01T11:31:00Z"),
    ]
}

#[tokio::test]
async fn trouble_stands_below_what_came_before_it() {
    let turn = FakeRun::new(FakeReader::new(objects()));
    assert_snapshot!(turn.person("changes", json!({})).await, @r"
    3 changes in namespace todo in the last 24h

    AGE                  OBJECT               WHAT
    120m                 deployment/backend   created
    40m                  configmap/settings   its keys were written
    30m                  deployment/backend   revision 2: app image backend:1.0 → backend:2.0
    29m   first trouble  pod/backend-hash2-x  Unhealthy: Readiness probe failed
    28m   trouble        pod/backend-hash2-x  BackOff: Back-off restarting failed container

    warnings are kept for about an hour: earlier trouble may not show
    ");
    let output = turn.read("changes", json!({})).await.unwrap();
    assert_eq!(output.for_json()["first_trouble"], "2026-03-01T11:31:00Z");
    assert!(!output.for_json().to_string().contains("never asked for"));
}

#[tokio::test]
async fn nothing_is_said_of_what_is_older() {
    let turn = FakeRun::new(FakeReader::new(objects()));
    assert_snapshot!(turn.person("changes", json!({"since": "30s"})).await, @"nothing has changed in namespace todo in the last 30s");
    assert_snapshot!(turn.person("changes", json!({"since": "yesterday"})).await, @r#"
    error: since must be a duration, got "yesterday"
    hint: write it as 90s, 10m, 1h30m or 2d
    "#);
}
