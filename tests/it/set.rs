//! Other values for a workload's pods: shown field by field, rolled out, taken back.

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::{Served, TestEnvironment};

fn set(environment: &TestEnvironment, arguments: &str) -> crate::support::Output {
    environment.run(["--sandbox", "call", "set", arguments, "--yes"])
}

#[test]
fn a_new_image_is_rolled_out() {
    let environment = TestEnvironment::new();
    assert_snapshot!(set(&environment, r#"{"workload": "backend", "image": "v2"}"#), @r"
    exit 0
    --- stdout
    ✓ ok: set image todo-chatbot-backend:v2 of deployment/backend
      rolled out, 2 of 2 replicas available
    undo: todo-agent undo c-change  (roll deployment/backend back to revision 1)
    Changes in this turn: set image todo-chatbot-backend:v2 of deployment/backend: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. set image todo-chatbot-backend:v2 of deployment/backend
       action     patch Deployment backend in namespace todo (apps/v1)
       change     spec.template.spec.containers[backend].image: todo-chatbot-backend:v1 →
                  todo-chatbot-backend:v2
       risk       medium
       proof      checked by the server (dry run)

    undo       roll deployment/backend back to revision 1
    same as    kubectl set image deployment/backend backend=todo-chatbot-backend:v2 -n todo
    approved by --yes
    this sandbox is discarded, and the way back with it; todo-agent sandbox serve keeps one
    ");
    assert_eq!(environment.journal_words(), ["approved", "sending 1", "answered 1", "settled 1"]);
}

#[test]
fn amounts_are_shown_as_the_cluster_keeps_them() {
    let environment = TestEnvironment::new();
    assert_snapshot!(set(&environment, r#"{"workload": "backend", "limits": {"memory": "2gb"}, "requests": {"memory": "1gb"}}"#), @r"
    exit 0
    --- stdout
    ✓ ok: set memory request 1Gi and memory limit 2Gi of deployment/backend
      rolled out, 2 of 2 replicas available
    undo: todo-agent undo c-change  (roll deployment/backend back to revision 1)
    Changes in this turn:
    - set memory request 1Gi and memory limit 2Gi of deployment/backend: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. set memory request 1Gi and memory limit 2Gi of deployment/backend
       action     patch Deployment backend in namespace todo (apps/v1)
       change     spec.template.spec.containers[backend].resources.limits.memory: 1Gi → 2Gi
       change     spec.template.spec.containers[backend].resources.requests.memory: 512Mi → 1Gi
       risk       medium
       proof      checked by the server (dry run)
       note       requests.memory 1gb is read as 1Gi, in powers of 1024 as Docker reads it
       note       limits.memory 2gb is read as 2Gi, in powers of 1024 as Docker reads it

    undo       roll deployment/backend back to revision 1
    same as    kubectl set resources deployment/backend --requests=memory=1Gi --limits=memory=2Gi -n \
                 todo
    approved by --yes
    this sandbox is discarded, and the way back with it; todo-agent sandbox serve keeps one
    ");
    assert_snapshot!(set(&environment, r#"{"workload": "backend", "limits": {"memory": "500"}}"#), @r#"
    exit 2
    --- stderr
    error: limits.memory "500" would be 500 bytes
    hint: did you mean 500Mi?
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
}

#[test]
fn a_secret_in_a_variable_is_masked_and_warned_of() {
    let environment = TestEnvironment::new();
    let output = set(
        &environment,
        r#"{"workload": "backend", "env": {"DB_PASSWORD": "correct-horse-battery", "LEVEL": "debug"}}"#,
    );
    let output = output.exits(0).says("looks like a secret").never_says("correct-horse-battery");
    output.says(r#""name": "LEVEL","#).enough();
    assert!(!environment.sessions().contains("correct-horse-battery"));
}

#[test]
fn what_the_pods_need_is_refused_before_anything_is_asked() {
    let environment = TestEnvironment::new();
    let refused = |arguments: &str| set(&environment, arguments).exits(1);
    refused(r#"{"workload": "backend", "labels": {"app": "x"}}"#).says("selects its pods by").enough();
    refused(r#"{"workload": "backend", "limits": {"memory": "64Mi"}}"#).says("more than its limit").enough();
    assert!(environment.journal().is_empty());
}

#[test]
fn the_old_values_come_back_with_undo() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let arguments = r#"{"workload": "backend", "image": "v2", "env": {"LEVEL": "debug"},
        "probes": {"readiness": {"path": "/ready", "port": "http"}}}"#;
    let before = template(&served);
    environment.run(["call", "set", arguments, "--yes"]).exits(0).enough();
    assert_eq!(template(&served)["spec"]["containers"][0]["image"], "todo-chatbot-backend:v2");
    environment.run(["undo", "--yes"]).exits(0).enough();
    assert_eq!(template(&served)["spec"], before["spec"]);
}

fn template(served: &Served) -> Value {
    served.get("/apis/apps/v1/namespaces/todo/deployments/backend")["spec"]["template"].clone()
}
