//! Which pod and which port a forward leads to.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, crashing, pod, workload};

fn frontend(ports: Value) -> Vec<Value> {
    let mut pod = pod("todo", "frontend-1", "frontend", ("ReplicaSet", "frontend-x"));
    pod["spec"]["containers"][0]["ports"] = ports;
    vec![workload("Deployment", "todo", "frontend", 1), pod]
}

fn service(ports: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "todo"},
        "spec": {"selector": {"app": "frontend"}, "ports": ports}})
}

async fn said(objects: Vec<Value>, args: Value) -> String {
    FakeRun::new(FakeReader::new(objects)).proposed("port_forward", args).await
}

#[tokio::test]
async fn the_only_port_is_meant_and_it_ends_with_the_session() {
    let objects = frontend(json!([{"name": "http", "containerPort": 3000}]));
    assert_snapshot!(said(objects, json!({"target": "frontend", "local": 8080})).await, @r#"
    forward 127.0.0.1:8080 to port 3000 of pod/frontend-1
    kubectl port-forward pod/frontend-1 -n todo 8080:3000
    Fact("pod/frontend-1 of deployment/frontend")
    Fact("whoever uses this machine can connect; it ends with this session, or with the pod")
    undo: it ends with this session
    "#);
}

#[tokio::test]
async fn the_local_port_is_the_same_or_one_that_everybody_may_use() {
    let first = async |container: u16, args: Value| {
        let mut args = args;
        args["target"] = json!("frontend");
        let said = said(frontend(json!([{"containerPort": container}])), args).await;
        said.lines().next().unwrap().to_owned()
    };
    assert_eq!(first(3000, json!({})).await, "forward 127.0.0.1:3000 to port 3000 of pod/frontend-1");
    assert_eq!(first(80, json!({})).await, "forward 127.0.0.1:8080 to port 80 of pod/frontend-1");
    assert_eq!(first(80, json!({"local": 0})).await, "forward a free port to port 80 of pod/frontend-1");
}

#[tokio::test]
async fn among_several_ports_none_is_guessed() {
    let objects = || frontend(json!([{"name": "http", "containerPort": 3000}, {"containerPort": 9090}]));
    assert_snapshot!(said(objects(), json!({"target": "frontend"})).await, @"
    error: pod/frontend-1 has several ports: 3000 (http), 9090
    hint: name one, for example port 3000
    ");
    let other = said(objects(), json!({"target": "frontend", "port": 5000})).await;
    assert!(other.contains("no container declares port 5000; declared: 3000 (http), 9090"), "{other}");
    assert_snapshot!(said(frontend(json!([])), json!({"target": "frontend"})).await, @"
    error: pod/frontend-1 declares no port
    hint: name the one its program listens on, for example port 8080
    ");
    let udp = said(frontend(json!([{"containerPort": 53, "protocol": "UDP"}])), json!({"target": "frontend"})).await;
    assert!(udp.contains("declares no port"), "{udp}");
}

#[tokio::test]
async fn a_service_says_which_port_of_its_pods() {
    let with = |ports: Value| {
        let mut objects = frontend(json!([{"name": "http", "containerPort": 3000}]));
        objects.push(service(&ports));
        objects
    };
    let named = said(with(json!([{"port": 80, "targetPort": "http"}])), json!({"target": "service/web"})).await;
    assert!(named.starts_with("forward 127.0.0.1:8080 to port 3000 of pod/frontend-1\n"), "{named}");
    assert!(named.contains("port 80 of service/web is port 3000 of its pods"), "{named}");
    let missing = said(with(json!([{"port": 80, "targetPort": "web"}])), json!({"target": "service/web"})).await;
    assert!(missing.starts_with("error: service/web leads to port \"web\", and no container of"), "{missing}");
    let two = json!([{"name": "a", "port": 80}, {"name": "b", "port": 81}]);
    assert_snapshot!(said(with(two.clone()), json!({"target": "service/web"})).await, @"
    error: service/web has several ports: 80, 81
    hint: name one, for example port 80
    ");
    assert_snapshot!(said(with(two), json!({"target": "service/web", "port": 3000})).await, @"
    error: service/web has no port 3000
    hint: its ports: 80, 81
    ");
}

#[tokio::test]
async fn without_a_pod_that_runs_there_is_nothing_to_connect_to() {
    let mut objects = frontend(json!([{"containerPort": 3000}]));
    objects[1] = crashing(objects[1].clone());
    objects[1]["status"]["phase"] = json!("Pending");
    let broken = said(objects, json!({"target": "frontend"})).await;
    assert!(broken.starts_with("error: no pod of deployment/frontend runs ("), "{broken}");
    let none = said(vec![workload("Deployment", "todo", "frontend", 0)], json!({"target": "frontend"})).await;
    assert!(none.starts_with("error: deployment/frontend has no pods"), "{none}");
    let mut external = service(&json!([{"port": 80}]));
    external["spec"].as_object_mut().unwrap().remove("selector");
    let external = said(vec![external], json!({"target": "service/web"})).await;
    assert!(external.starts_with("error: service/web selects no pods"), "{external}");
}
