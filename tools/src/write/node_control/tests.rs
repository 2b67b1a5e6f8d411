use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, pod};

fn node(name: &str, cordoned: bool) -> Value {
    let mut node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {}});
    if cordoned {
        node["spec"]["unschedulable"] = json!(true);
    }
    node
}

fn objects() -> Vec<Value> {
    let mut bare = pod("todo", "debug", "debug", ("ReplicaSet", "x"));
    bare["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    bare["spec"]["volumes"] = json!([{"name": "tmp", "emptyDir": {}}]);
    vec![
        node("node-1", false),
        node("node-2", true),
        pod("todo", "backend-1", "backend", ("ReplicaSet", "backend")),
        pod("todo", "collector-1", "collector", ("DaemonSet", "collector")),
        bare,
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "backend", "namespace": "todo"},
            "spec": {"selector": {"matchLabels": {"app": "backend"}}}, "status": {"disruptionsAllowed": 0}}),
    ]
}

async fn propose(args: Value) -> String {
    FakeRun::new(FakeReader::new(objects())).proposed("node_control", args).await
}

#[tokio::test]
async fn a_node_is_cordoned_and_uncordoned() {
    assert_snapshot!(propose(json!({"node": "node-1", "action": "cordon"})).await, @r#"
    cordon node/node-1
    kubectl cordon node-1
    Fact("its pods stay; only new ones are kept away")
    undo: set node/node-1 back
    "#);
    assert_snapshot!(propose(json!({"node": "node-2", "action": "cordon"})).await, @"nothing: node/node-2 is cordoned already; nothing to change");
    assert_snapshot!(propose(json!({"node": "node-2", "action": "uncordon"})).await, @r"
    uncordon node/node-2
    kubectl uncordon node-2
    undo: set node/node-2 back
    ");
    assert_snapshot!(propose(json!({"node": "nod-1", "action": "uncordon"})).await, @r#"
    error: there is no node "nod-1"
    hint: did you mean node/node-1?
    "#);
}

#[tokio::test]
async fn a_drain_says_what_stays_what_is_lost_and_what_holds_it() {
    assert_snapshot!(propose(json!({"node": "node-1", "action": "drain"})).await, @r#"
    drain node/node-1 of 2 pods
    kubectl drain node-1 --ignore-daemonsets --delete-emptydir-data --force
    Fact("what belongs to the node stays (DaemonSets, static pods): pod/collector-1")
    Fact("nothing makes these again, so they are lost: pod/debug")
    Fact("what these keep on the node (emptyDir) is lost: pod/debug")
    KeptBy("poddisruptionbudget/backend lets none of its pods go now; the drain waits for it, then gives up")
    undo: set node/node-1 back
    "#);
    assert_snapshot!(propose(json!({"node": "node-2", "action": "drain"})).await, @"nothing: node/node-2 is cordoned and has no pods to move; nothing to change");
}

#[tokio::test]
async fn a_drain_needs_the_exact_name() {
    assert_snapshot!(propose(json!({"node": "1", "action": "drain"})).await, @r#"
    error: draining needs an exact name, and "1" is not one
    hint: did you mean node/node-1?
    "#);
}
