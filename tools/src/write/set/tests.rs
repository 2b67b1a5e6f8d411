use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{
    Proposal,
    fake::{FakeReader, FakeRun, workload},
};

/// A Deployment of one container, and one of two with an init container.
fn todo() -> Vec<Value> {
    let mut backend = workload("Deployment", "todo", "todo-chatbot-backend", 2);
    backend["spec"]["template"]["spec"]["containers"][0] = json!({
        "name": "backend", "image": "todo-chatbot-backend:v1", "env": [{"name": "LEVEL", "value": "info"}],
        "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}}});
    let mut web = workload("Deployment", "todo", "web", 2);
    web["spec"]["template"]["spec"]["containers"] =
        json!([{"name": "app", "image": "web:1"}, {"name": "proxy", "image": "envoy:1"}]);
    web["spec"]["template"]["spec"]["initContainers"] = json!([{"name": "migrate", "image": "web:1"}]);
    vec![backend, web]
}

async fn propose(args: Value) -> String {
    FakeRun::new(FakeReader::new(todo())).proposed("set", args).await
}

/// Returns what is sent.
async fn patch(args: Value) -> Value {
    let turn = FakeRun::new(FakeReader::new(todo()));
    let Proposal::Changes(changes) = turn.propose("set", args).await.unwrap() else { panic!("nothing is sent") };
    let todo_agent_core::Effect::Object { op: todo_agent_core::Op::Patch { body, .. }, .. } =
        &changes[0].phases[0].effects[0]
    else {
        panic!("no patch")
    };
    body.reveal().clone()
}

#[tokio::test]
async fn a_version_is_the_new_tag_of_the_same_image() {
    assert_snapshot!(propose(json!({"workload": "backend", "image": "v1.1.0"})).await, @r#"
    set image todo-chatbot-backend:v1.1.0 of deployment/todo-chatbot-backend
    kubectl set image deployment/todo-chatbot-backend backend=todo-chatbot-backend:v1.1.0 -n todo
    Fact("backend → deployment/todo-chatbot-backend")
    undo: roll deployment/todo-chatbot-backend back to revision 1
    "#);
    let sent = patch(json!({"workload": "backend", "image": "v1.1.0"})).await;
    assert_eq!(sent[0]["path"], "/spec/template/spec/containers/0");
    assert_eq!(sent[0]["value"]["image"], "todo-chatbot-backend:v1.1.0");
}

#[tokio::test]
async fn amounts_are_read_and_shown_as_the_cluster_keeps_them() {
    let args = json!({"workload": "backend", "requests": {"memory": "0.5gb"}, "limits": {"memory": "1gb", "cpu": 2}});
    assert_snapshot!(propose(args).await, @r#"
    set memory request 512Mi, cpu limit 2 and memory limit 1Gi of deployment/todo-chatbot-backend
    kubectl set resources deployment/todo-chatbot-backend --requests=memory=512Mi --limits=cpu=2,memory=1Gi -n todo
    Fact("backend → deployment/todo-chatbot-backend")
    Fact("requests.memory 0.5gb is read as 512Mi, in powers of 1024 as Docker reads it")
    Fact("limits.memory 1gb is read as 1Gi, in powers of 1024 as Docker reads it")
    undo: roll deployment/todo-chatbot-backend back to revision 1
    "#);
    assert_snapshot!(propose(json!({"workload": "backend", "limits": {"memory": "500"}})).await, @r#"
    error: limits.memory "500" would be 500 bytes
    hint: did you mean 500Mi?
    "#);
    assert_snapshot!(propose(json!({"workload": "backend", "limits": {"memory": "256Mi"}})).await, @r#"
    error: the memory request of deployment/todo-chatbot-backend would be 512Mi, more than its limit of 256Mi
    hint: give both: requests {"memory": …} and limits {"memory": …}
    "#);
    assert_snapshot!(propose(json!({"workload": "backend", "limits": {"mem": "1Gi"}})).await, @r#"
    error: limits names an unknown resource "mem"
    hint: did you mean memory?
    "#);
    let without = patch(json!({"workload": "backend", "limits": {"memory": null}})).await;
    assert_eq!(without[0]["value"]["resources"], json!({"requests": {"cpu": "500m", "memory": "512Mi"}}));
}

#[tokio::test]
async fn variables_are_set_taken_away_and_referred() {
    let args = json!({"workload": "backend", "env": {"LEVEL": "debug", "RETRIES": 3}});
    assert_snapshot!(propose(args).await, @r#"
    set LEVEL and RETRIES of deployment/todo-chatbot-backend
    kubectl set env deployment/todo-chatbot-backend LEVEL=debug RETRIES=3 -n todo
    Fact("backend → deployment/todo-chatbot-backend")
    undo: roll deployment/todo-chatbot-backend back to revision 1
    "#);
    let args = json!({"workload": "backend", "env": {"URL": {"secret": "todo-secrets", "key": "DATABASE_URL"}, "LEVEL": null}});
    let env = patch(args).await[0]["value"]["env"].clone();
    assert_eq!(
        env,
        json!([{"name": "URL", "valueFrom": {"secretKeyRef": {"name": "todo-secrets", "key": "DATABASE_URL"}}}])
    );
    assert_snapshot!(propose(json!({"workload": "backend", "env": {"LEVL": null}})).await, @r"
    error: deployment/todo-chatbot-backend has no variable LEVL of its own
    hint: did you mean LEVEL?
    ");
    assert_snapshot!(propose(json!({"workload": "backend", "env": {"LEVEL=debug": "x"}})).await, @r#"
    error: "LEVEL=debug" cannot be a variable's name
    hint: give name and value apart: {"LOG_LEVEL": "debug"}
    "#);
    assert_snapshot!(propose(json!({"workload": "backend", "env": {"URL": {"secrt": "x"}}})).await, @r#"
    error: env URL has no "secrt"
    hint: a reference has secret or configmap, and key
    "#);
    let secret = propose(json!({"workload": "backend", "env": {"DB_PASSWORD": "correct-horse-battery"}})).await;
    assert!(secret.contains("looks like a secret"), "{secret}");
}

#[tokio::test]
async fn of_several_containers_one_must_be_named() {
    assert_snapshot!(propose(json!({"workload": "web", "image": "web:2"})).await, @r"
    error: deployment/web has several containers: app, proxy
    hint: name one of them, for example container app
    ");
    assert_snapshot!(propose(json!({"workload": "web", "container": "prxy", "image": "envoy:2"})).await, @r#"
    error: deployment/web has no container "prxy"
    hint: did you mean proxy?
    "#);
    assert_snapshot!(propose(json!({"workload": "web", "container": "proxy", "image": "envoy:2"})).await, @r"
    set image envoy:2 of deployment/web in container proxy
    kubectl set image deployment/web proxy=envoy:2 -n todo
    undo: roll deployment/web back to revision 1
    ");
    let init = patch(json!({"workload": "web", "container": "migrate", "image": "web:2"})).await;
    assert_eq!(init[0]["path"], "/spec/template/spec/initContainers/0");
}

#[tokio::test]
async fn a_probe_is_proposed_as_the_cluster_keeps_it() {
    let probe = json!({"readiness": {"path": "healthz", "port": 8080, "period": 5}});
    let sent = patch(json!({"workload": "backend", "probes": probe})).await;
    assert_eq!(
        sent[0]["value"]["readinessProbe"],
        json!({"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 5, "timeoutSeconds": 1,
            "failureThreshold": 3, "successThreshold": 1})
    );
    assert_snapshot!(propose(json!({"workload": "backend", "probes": {"readyness": {"port": 1}}})).await, @r#"
    error: probes has no "readyness"
    hint: did you mean readiness?
    "#);
    assert_snapshot!(propose(json!({"workload": "backend", "probes": {"liveness": {"port": 99999}}})).await, @"error: the port of liveness must be a port from 1 to 65535 or a port's name, got 99999");
    assert_snapshot!(propose(json!({"workload": "backend", "probes": {"liveness": {"path": "/x"}}})).await, @"error: probe liveness needs a port beside its path");
}

#[tokio::test]
async fn the_labels_a_selector_needs_stay() {
    let sent = patch(json!({"workload": "backend", "labels": {"tier": "api"}})).await;
    assert_eq!(
        sent,
        json!([{"op": "add", "path": "/spec/template/metadata/labels", "value": {"app": "todo-chatbot-backend", "tier": "api"}}])
    );
    assert_snapshot!(propose(json!({"workload": "backend", "labels": {"app": "other"}})).await, @r"
    error: label app is what deployment/todo-chatbot-backend selects its pods by
    hint: a selector cannot change: create a workload of another name with the new label
    ");
    assert_snapshot!(propose(json!({"workload": "backend", "labels": {"tier": "a b"}})).await, @r#"
    error: label tier cannot be "a b"
    hint: letters, digits, - _ . and at most 63 of them; an annotation may hold any text
    "#);
}

#[tokio::test]
async fn what_is_as_asked_is_left_alone_and_nothing_is_not_asked() {
    assert_snapshot!(propose(json!({"workload": "backend", "image": "v1"})).await, @"nothing: deployment/todo-chatbot-backend already is as asked; nothing to change");
    assert_snapshot!(propose(json!({"workload": "backend"})).await, @"error: set needs one of image, requests, limits, env, command, args, probes or labels");
    assert_snapshot!(propose(json!({"workload": "backend", "imgae": "v2"})).await, @r#"
    error: set has no argument "imgae"
    hint: did you mean image?
    hint: its arguments are workload, namespace, container, image, requests, limits, env, command, args, probes, labels
    "#);
    assert_snapshot!(propose(json!({"workload": "backend", "image": "Not An Image"})).await, @r#"
    error: image "Not An Image" is not an image reference
    hint: it looks like app:1.2 or registry.example.com/team/app:1.2
    "#);
}

#[tokio::test]
async fn a_paused_rollout_keeps_the_values_and_says_so() {
    let mut objects = todo();
    objects[0]["spec"]["paused"] = json!(true);
    let text =
        FakeRun::new(FakeReader::new(objects)).proposed("set", json!({"workload": "backend", "image": "v2"})).await;
    assert!(text.contains("no pod changes until it is resumed"), "{text}");
}
