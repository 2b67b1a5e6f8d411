//! What is asked for, and what becomes of what may not be read.

use serde_json::{Value, json};
use todo_agent_core::Cause;
use todo_agent_diagnose::{Kind, Trouble, findings};

use super::{Reach, read};
use crate::fake::{FakeReader, FakeRun, crashing, pod, replica_set, workload};

/// A Deployment whose only pod crashes.
fn crash() -> Vec<Value> {
    let mut broken = crashing(pod("todo", "backend-hash1-x", "backend", ("ReplicaSet", "backend-hash1")));
    broken["metadata"]["uid"] = json!("uid-pod");
    vec![workload("Deployment", "todo", "backend", 1), replica_set("backend", 1, "1.0", 1), broken]
}

#[tokio::test]
async fn one_list_per_kind_and_two_of_events_and_then_the_logs_that_are_asked_for() {
    let reader = FakeReader::new(crash()).log("backend-hash1-x/app previous", "2026-03-01T11:58:00Z KeyError: 'A'\n");
    let turn = FakeRun::new(reader);
    let snapshot = read(&turn.reader, &turn.run, &Reach::Namespace("todo")).await.unwrap();
    let requests = turn.reader.requests();
    // All kinds but the two of metrics.
    let (lists, others): (Vec<String>, Vec<String>) =
        requests.into_iter().partition(|request| request.starts_with("list"));
    assert_eq!(lists.len(), Kind::ALL.len() - 2 + 1, "{lists:#?}");
    assert_eq!(others, ["logs backend-hash1-x/app previous"]);
    for keyed in ["secrets", "configmaps"] {
        assert!(lists.contains(&format!("list /api/v1/namespaces/todo/{keyed} metadata")), "{lists:#?}");
    }
    for selector in ["type=Warning", "reason=Killing"] {
        assert!(lists.contains(&format!("list /api/v1/namespaces/todo/events fields {selector}")), "{lists:#?}");
    }
    assert!(snapshot.unread().is_empty() && snapshot.covers(Kind::Pod, "todo") && !snapshot.covers(Kind::Pod, "shop"));
    let found = findings(&snapshot);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].cause.contains("backend"), "{found:#?}");
}

#[tokio::test]
async fn a_kind_that_may_not_be_listed_is_a_gap_with_the_rule_to_grant() {
    let turn = FakeRun::new(FakeReader::new(crash()).forbid("list Secret").forbid("list Node"));
    let snapshot = read(&turn.reader, &turn.run, &Reach::Namespace("todo")).await.unwrap();
    let unread: Vec<(Kind, Trouble)> = snapshot.unread().iter().map(|unread| (unread.kind, unread.trouble)).collect();
    assert_eq!(unread, [(Kind::Node, Trouble::Forbidden), (Kind::Secret, Trouble::Forbidden)]);
    assert!(!snapshot.covers(Kind::Secret, "todo"), "a Secret that is not seen is not missing");
    let grants: Vec<String> =
        todo_agent_diagnose::unchecked(&snapshot).into_iter().filter_map(|gap| gap.grant).collect();
    assert!(grants.contains(&r#"apiGroups: [""], resources: ["secrets"], verbs: ["list"]"#.to_owned()), "{grants:?}");
}

#[tokio::test]
async fn of_a_kind_that_is_not_served_there_is_nothing() {
    let turn = FakeRun::new(FakeReader::new(crash()).without("HTTPRoute"));
    let snapshot = read(&turn.reader, &turn.run, &Reach::Everywhere).await.unwrap();
    assert!(snapshot.unread().is_empty() && snapshot.covers(Kind::HTTPRoute, "todo"));
}

#[tokio::test]
async fn a_pod_takes_few_requests() {
    let mut objects = crash();
    objects[2]["spec"]["containers"][0]["env"] = json!([
        {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "b"}}},
    ]);
    objects[2]["spec"]["volumes"] = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    let live = objects[2].clone();
    let turn = FakeRun::new(FakeReader::new(objects));
    let reach = Reach::Pod { namespace: "todo", live: &live };
    let snapshot = read(&turn.reader, &turn.run, &reach).await.unwrap();
    // With the pod itself and with who the cluster is, which are read before, at most 15.
    let requests = turn.reader.requests();
    assert!(requests.len() <= 13, "{requests:#?}");
    assert!(requests.contains(&"list /api/v1/namespaces/todo/events fields involvedObject.uid=uid-pod".to_owned()));
    for kind in [Kind::ConfigMap, Kind::Secret, Kind::PersistentVolumeClaim, Kind::Deployment] {
        assert!(snapshot.covers(kind, "todo"), "{kind} bears on the pod");
    }
    assert!(!snapshot.covers(Kind::Ingress, "todo"), "an Ingress does not");
    assert_eq!(findings(&snapshot).len(), 1);
}

#[tokio::test]
async fn a_pod_that_finds_no_room_is_compared_with_the_pods_of_all_namespaces() {
    let mut objects = crash();
    objects[2]["spec"].as_object_mut().unwrap().remove("nodeName");
    objects[2]["status"] = json!({"phase": "Pending", "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available.",
    }]});
    let everywhere = "list /api/v1/pods".to_owned();
    let turn = FakeRun::new(FakeReader::new(objects.clone()));
    read(&turn.reader, &turn.run, &Reach::Namespace("todo")).await.unwrap();
    assert!(turn.reader.requests().contains(&everywhere));
    // Where they may not be listed, what is free is not known.
    let turn = FakeRun::new(FakeReader::new(objects).forbid("list Pod everywhere"));
    let snapshot = read(&turn.reader, &turn.run, &Reach::Namespace("todo")).await.unwrap();
    let found = findings(&snapshot);
    assert!(found[0].unknowns.iter().any(|unknown| unknown.what.contains("other namespaces")), "{found:#?}");
}

#[tokio::test]
async fn a_turn_that_is_over_reads_nothing() {
    let turn = FakeRun::new(FakeReader::new(crash()));
    turn.run.cancel.cancel();
    let error = read(&turn.reader, &turn.run, &Reach::Everywhere).await.unwrap_err();
    assert!(error.is(Cause::Cancelled) && turn.reader.requests().is_empty());
}
