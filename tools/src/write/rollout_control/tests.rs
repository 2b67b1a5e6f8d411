//! What `rollout_control` proposes and what it refuses.

use insta::assert_snapshot;
use serde_json::{Value, json};
use todo_agent_core::{Effect, Op};

use crate::{
    Proposal,
    fake::{FakeReader, FakeRun, replica_set, workload},
};

/// A Deployment at revision 3 with three recorded revisions.
fn backend() -> Vec<Value> {
    let mut deployment = workload("Deployment", "todo", "backend", 2);
    deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("3");
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = json!("backend:3.0");
    vec![
        deployment,
        replica_set("backend", 1, "1.0", 0),
        replica_set("backend", 2, "2.0", 0),
        replica_set("backend", 3, "3.0", 2),
    ]
}

fn redis() -> Vec<Value> {
    let mut set = workload("StatefulSet", "todo", "redis", 1);
    set["status"]["updateRevision"] = json!("redis-b");
    set["status"]["currentRevision"] = json!("redis-b");
    let revision = |name: &str, number: i64, tag: &str| {
        let mut template = set["spec"]["template"].clone();
        template["spec"]["containers"][0]["image"] = json!(format!("redis:{tag}"));
        template["$patch"] = json!("replace");
        json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number,
            "metadata": {"name": name, "namespace": "todo", "labels": {"app": "redis"},
                "ownerReferences": [{"kind": "StatefulSet", "name": "redis", "uid": "uid-redis", "controller": true}]},
            "data": {"spec": {"template": template}}})
    };
    let (old, new) = (revision("redis-a", 1, "0.9"), revision("redis-b", 2, "1.0"));
    vec![set, old, new]
}

async fn propose(objects: Vec<Value>, args: Value) -> String {
    FakeRun::new(FakeReader::new(objects)).proposed("rollout_control", args).await
}

/// Returns the patch that would be sent.
async fn body(objects: Vec<Value>, args: Value) -> Value {
    let turn = FakeRun::new(FakeReader::new(objects));
    let Ok(Proposal::Changes(changes)) = turn.propose("rollout_control", args).await else { panic!("no change") };
    let Effect::Object { op: Op::Patch { body, .. }, .. } = &changes[0].phases[0].effects[0] else {
        panic!("no patch")
    };
    body.reveal().clone()
}

#[tokio::test]
async fn a_restart_sets_kubectls_annotation() {
    let args = json!({"workload": "backend", "action": "restart"});
    assert_snapshot!(propose(backend(), args.clone()).await, @r#"
    restart deployment/backend
    kubectl rollout restart deployment/backend -n todo
    undo: roll deployment/backend back to revision 3
    "#);
    assert_snapshot!(body(backend(), args).await, @r#"{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-03-01T12:00:00Z"}}}}}"#);
}

#[tokio::test]
async fn a_restart_says_when_users_notice() {
    let args = json!({"workload": "redis", "action": "restart"});
    assert_snapshot!(propose(redis(), args.clone()).await, @r#"
    restart statefulset/redis
    kubectl rollout restart statefulset/redis -n todo
    Fact("its only pod stops before the new one starts")
    undo: roll statefulset/redis back to revision 2
    "#);
    let mut recreated = backend();
    recreated[0]["spec"]["strategy"] = json!({"type": "Recreate"});
    let proposal = propose(recreated, json!({"workload": "backend", "action": "restart"})).await;
    assert!(proposal.contains("Recreate: 2 pods stop before new ones start"), "{proposal}");
}

#[tokio::test]
async fn going_back_sets_the_whole_template_without_the_hash() {
    let args = json!({"workload": "backend", "action": "undo"});
    assert_snapshot!(propose(backend(), args.clone()).await, @r#"
    roll deployment/backend back from revision 3 to 2
    kubectl rollout undo deployment/backend --to-revision=2 -n todo
    undo: roll deployment/backend back to revision 3
    "#);
    assert_snapshot!(body(backend(), args).await, @r#"[{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"backend"}},"spec":{"containers":[{"image":"backend:2.0","name":"app"}]}}}]"#);
    assert_snapshot!(propose(backend(), json!({"workload": "backend", "action": "undo", "to_revision": 1})).await, @r#"
    roll deployment/backend back from revision 3 to 1
    kubectl rollout undo deployment/backend --to-revision=1 -n todo
    undo: roll deployment/backend back to revision 3
    "#);
}

#[tokio::test]
async fn a_statefulset_goes_back_by_its_controller_revisions() {
    let args = json!({"workload": "redis", "action": "undo"});
    assert_snapshot!(propose(redis(), args.clone()).await, @r#"
    roll statefulset/redis back from revision 2 to 1
    kubectl rollout undo statefulset/redis --to-revision=1 -n todo
    Fact("its only pod stops before the new one starts")
    undo: roll statefulset/redis back to revision 2
    "#);
    assert!(!body(redis(), args).await.to_string().contains("$patch"));
}

#[tokio::test]
async fn revisions_that_do_not_exist_are_refused() {
    let to = |number: i64| json!({"workload": "backend", "action": "undo", "to_revision": number});
    assert_snapshot!(propose(backend(), to(9)).await, @r#"
    error: deployment/backend has no revision 9
    hint: the recorded revisions are 1, 2, 3
    "#);
    assert_snapshot!(propose(backend(), to(3)).await, @"nothing: deployment/backend already is at revision 3; nothing to change");
    let first = vec![workload("Deployment", "todo", "backend", 2), replica_set("backend", 1, "1.0", 2)];
    assert_snapshot!(propose(first, json!({"workload": "backend", "action": "undo"})).await, @r#"
    error: deployment/backend has no revision before 1
    hint: only revisions that are still recorded can be gone back to
    "#);
    let restart = json!({"workload": "backend", "action": "restart", "to_revision": 1});
    assert_snapshot!(propose(backend(), restart).await, @"error: to_revision only goes with action undo");
    assert_snapshot!(propose(backend(), json!({"workload": "backend", "action": "stop"})).await, @r#"
    error: action cannot be "stop"
    hint: it is one of restart, undo, pause, resume
    "#);
}

#[tokio::test]
async fn pausing_and_resuming_are_for_deployments() {
    let action = |action: &str| json!({"workload": "backend", "action": action});
    assert_snapshot!(propose(backend(), action("pause")).await, @r#"
    pause the rollout of deployment/backend
    kubectl rollout pause deployment/backend -n todo
    Fact("while it is paused, changes of its pod template start no rollout; scaling still works")
    undo: resume deployment/backend again
    "#);
    assert_snapshot!(propose(backend(), action("resume")).await, @"nothing: deployment/backend is not paused; nothing to change");
    let mut paused = backend();
    paused[0]["spec"]["paused"] = json!(true);
    assert_snapshot!(propose(paused.clone(), action("resume")).await, @r#"
    resume the rollout of deployment/backend
    kubectl rollout resume deployment/backend -n todo
    undo: pause deployment/backend again
    "#);
    assert_snapshot!(propose(paused.clone(), action("restart")).await, @r#"
    error: deployment/backend is paused and cannot be restarted
    hint: resume it first: resume the rollout of deployment/backend
    "#);
    assert!(propose(paused, action("undo")).await.contains("paused and cannot be rolled back"));
    assert_snapshot!(propose(redis(), json!({"workload": "redis", "action": "pause"})).await, @"error: statefulset/redis cannot be paused; only deployments can");
}
