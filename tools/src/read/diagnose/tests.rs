//! What a person, a model and a program get of a diagnosis.

use insta::assert_snapshot;
use serde_json::{Value, json};
use todo_agent_core::{Redactor, output::MODEL_BYTES};

use crate::{
    diagnosis::{self, Detail, Snapshot},
    fake::{FakeReader, FakeRun, crashing, pod, replica_set, workload},
    read::diagnose::Looked,
};

/// A Deployment whose only pod crashes for want of a variable, and says a secret before.
fn crash() -> FakeReader {
    let mut broken = crashing(pod("todo", "backend-hash1-x", "backend", ("ReplicaSet", "backend-hash1")));
    broken["metadata"]["uid"] = json!("uid-pod");
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend", "namespace": "todo", "uid": "uid-service",
            "creationTimestamp": "2026-03-01T10:00:00Z"},
        "spec": {"clusterIP": "10.0.0.1", "selector": {"app": "backend"}, "ports": [{"port": 80, "targetPort": 8000}]},
    });
    let objects =
        vec![workload("Deployment", "todo", "backend", 1), replica_set("backend", 1, "1.0", 1), broken, service];
    let log = "2026-03-01T11:57:59Z connecting with password=hunter2hunter2\n\
               2026-03-01T11:58:00Z Error: environment variable DATABASE_URL is not set\n";
    FakeReader::new(objects).log("backend-hash1-x/app previous", log)
}

#[tokio::test]
async fn a_cause_is_told_with_what_follows_and_what_helps() {
    let turn = FakeRun::new(crash());
    assert_snapshot!(turn.person("diagnose", json!({"target": "backend"})).await, @r"
    deployment/backend in namespace todo: 1 finding, critical

    critical  probably: container app of deployment/backend ends because DATABASE_URL is missing
              so    service/backend has no ready endpoint: none of its 1 pods is ready
              fix   set the environment variable DATABASE_URL of container app of deployment/backend
    ");
}

#[tokio::test]
async fn what_proves_it_is_told_on_request() {
    let turn = FakeRun::new(crash().forbid("list Node"));
    assert_snapshot!(turn.person("diagnose", json!({"evidence": true})).await, @r#"
    namespace todo: 1 finding, critical

    critical  probably: container app of deployment/backend ends because DATABASE_URL is missing
              seen  Pod backend-hash1-x: log of app, line 2: Error: environment variable DATABASE_URL is not set
              seen  Pod backend-hash1-x: status.containerStatuses[0].lastState.terminated.exitCode = 1
              seen  Pod backend-hash1-x: status.containerStatuses[0].lastState.terminated.reason = Error
              seen  Pod backend-hash1-x: status.containerStatuses[0].restartCount = 4
              so    service/backend has no ready endpoint: none of its 1 pods is ready
              fix   set the environment variable DATABASE_URL of container app of deployment/backend
              id    145/todo/deployment/backend/app

    could not check  nodes in the cluster may not be listed; grant apiGroups: [""], resources: ["nodes"], verbs: ["list"]
    "#);
}

#[tokio::test]
async fn a_program_gets_the_whole_and_a_model_a_bounded_answer_without_secrets() {
    let turn = FakeRun::new(crash());
    let output = turn.read("diagnose", json!({"evidence": true})).await.unwrap();
    let data = output.for_json();
    let finding = &data["findings"][0];
    for field in ["id", "rule", "severity", "confidence", "cause", "objects", "evidence", "consequences", "remedies"] {
        assert!(!finding[field].is_null(), "{field}: {finding}");
    }
    assert_eq!((&data["looked_at"]["pods"], &data["unchecked"]), (&json!(1), &json!([])));
    assert!(output.for_model(MODEL_BYTES).len() <= MODEL_BYTES);
    for shown in [data.to_string(), output.for_model(MODEL_BYTES), output.for_person(80)] {
        assert!(!shown.contains("hunter2hunter2"), "{shown}");
    }
}

#[tokio::test]
async fn nothing_wrong_is_said_and_how_far_that_reaches() {
    let healthy = || vec![workload("Deployment", "todo", "web", 1), replica_set("web", 1, "1.0", 1)];
    let turn = FakeRun::new(FakeReader::new(healthy()));
    assert_snapshot!(turn.person("diagnose", json!({})).await, @"nothing is wrong in namespace todo (1 deployment looked at)");
    let turn = FakeRun::new(FakeReader::new(healthy()).forbid("list Pod").forbid("list Event"));
    assert_snapshot!(turn.person("diagnose", json!({})).await, @r"
    nothing wrong was found in namespace todo (1 deployment looked at), as far as it could be checked

    could not check  pods, events: you may not list them (diagnose -v shows the rules to grant)
    ");
}

#[tokio::test]
async fn what_cannot_be_meant_is_an_error() {
    let turn = FakeRun::new(crash());
    assert_snapshot!(turn.person("diagnose", json!({"target": "frontend"})).await, @r#"
    error: there is no deployment, statefulset or daemonset "frontend" in namespace todo
    hint: there is deployment/backend, service/backend
    "#);
    assert_snapshot!(turn.person("diagnose", json!({"target": "backend", "all_namespaces": true})).await, @"error: target needs one namespace; leave all_namespaces out");
    assert_snapshot!(turn.person("diagnose", json!({"namespace": "tod"})).await, @r#"
    error: namespace "tod" does not exist
    hint: did you mean todo?
    "#);
    assert_snapshot!(turn.person("diagnose", json!({"target": "pod/backend-hash1-y"})).await, @r#"
    error: there is no pod "backend-hash1-y" in namespace todo
    hint: did you mean pod/backend-hash1-x?
    "#);
}

#[tokio::test]
async fn a_snapshot_in_a_file_holds_no_secret_and_says_the_same() {
    let turn = FakeRun::new(crash());
    let looked = crate::read::diagnose::look(json!({}), &turn.reader, &turn.run).await.unwrap();
    let redactor = Redactor::new([2; 32]);
    let file = diagnosis::to_file(&looked.snapshot, &redactor).unwrap();
    assert!(!file.contains("hunter2hunter2") && file.contains("DATABASE_URL"));
    let told = |looked: &Looked| looked.diagnosis().output(&redactor, Detail::Brief, &[]).for_person(80);
    let again = Looked::again(Snapshot::from_json(&file).unwrap(), None, Some("todo")).unwrap();
    assert_eq!(told(&again), told(&looked));
    let of = |target: &str| {
        let again = Looked::again(Snapshot::from_json(&file).unwrap(), Some(target), None);
        again.map(|again| again.diagnosis().findings.len()).map_err(|error| error.to_string())
    };
    assert_eq!((of("backend"), of("service/backend")), (Ok(1), Ok(1)));
    assert_eq!(of("frontend"), Err("the snapshot has no \"frontend\"".to_owned()));
}

#[tokio::test]
async fn another_pod_of_the_same_workload_is_not_this_pods_trouble() {
    let mut well: Value = pod("todo", "backend-hash1-z", "backend", ("ReplicaSet", "backend-hash1"));
    well["metadata"]["uid"] = json!("uid-other");
    let turn = FakeRun::new(FakeReader::new(vec![
        workload("Deployment", "todo", "backend", 1),
        replica_set("backend", 1, "1.0", 1),
        well,
    ]));
    let said = turn.person("diagnose", json!({"target": "pod/backend-hash1-z"})).await;
    assert!(said.starts_with("nothing is wrong in pod/backend-hash1-z in namespace todo"), "{said}");
}
