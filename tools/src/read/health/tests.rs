//! The table of a namespace that is well, and of one that is not.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, crashing, pod, replica_set, workload};

fn objects(pod: Value) -> Vec<Value> {
    let node = json!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "uid": "uid-node"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "allocatable": {"cpu": "4", "pods": "110"}},
    });
    vec![workload("Deployment", "todo", "backend", 1), replica_set("backend", 1, "1.0", 1), pod, node]
}

fn backend() -> Value {
    let mut pod = pod("todo", "backend-hash1-x", "backend", ("ReplicaSet", "backend-hash1"));
    pod["metadata"]["uid"] = json!("uid-pod");
    pod
}

#[tokio::test]
async fn healthy_is_said_when_it_is() {
    let turn = FakeRun::new(FakeReader::new(objects(backend())));
    assert_snapshot!(turn.person("health", json!({})).await, @r"
    namespace todo is healthy

    PART           WELL  STATE
    nodes          1/1   healthy
    workloads      1/1   healthy
    pods           1/1   healthy
    jobs           0/0   none
    volume claims  0/0   none
    services       0/0   none
    ingresses      0/0   none
    autoscalers    0/0   none
    API services   0/0   none
    ");
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let mut objects = objects(crashing(backend()));
    objects[0]["status"]["readyReplicas"] = json!(0);
    objects[0]["status"]["availableReplicas"] = json!(0);
    let turn = FakeRun::new(FakeReader::new(objects).forbid("list APIService"));
    assert_snapshot!(turn.person("health", json!({"all_namespaces": true})).await, @r"
    the cluster is not healthy

    PART           WELL  STATE
    nodes          1/1   healthy
    workloads      0/1   1 finding
    pods           0/1   1 finding
    jobs           0/0   none
    volume claims  0/0   none
    services       0/0   none
    ingresses      0/0   none
    autoscalers    0/0   none
    API services   ?     not checked

    critical  [todo] container app of deployment/backend ends with exit code 1, again and again

    more with: todo-agent diagnose

    could not check  apiservices: you may not list them (diagnose -v shows the rules to grant)
    ");
    let output = turn.read("health", json!({})).await.unwrap();
    assert_eq!((&output.for_json()["healthy"], &output.for_json()["parts"][1]["well"]), (&json!(false), &json!(0)));
}
