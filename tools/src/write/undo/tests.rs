//! What `undo` proposes and what it refuses.

use insta::assert_snapshot;
use serde_json::{Value, json};
use todo_agent_core::{
    ObjectRef, Outcome, Recipe,
    journal::{PastChange, StepRecord},
    view::TargetView,
};
use todo_agent_kube_rules::kinds;

use crate::{
    Proposal,
    fake::{FakeHistory, FakeReader, FakeRun, START, replica_set, workload},
    value,
};

fn backend() -> ObjectRef {
    ObjectRef::new(kinds::find("deployment").unwrap(), "todo", "backend")
}

fn past(id: &str, summary: &str, undo: Vec<Recipe>) -> PastChange {
    let target = TargetView {
        api_version: "apps/v1".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: Some("todo".to_owned()),
        name: "backend".to_owned(),
    };
    PastChange {
        change_id: id.to_owned(),
        at: START.parse().unwrap(),
        cluster: "fake".to_owned(),
        steps: vec![StepRecord {
            summary: summary.to_owned(),
            verb: String::new(),
            target,
            uid: None,
            digest: String::new(),
        }],
        undo,
        undoes: None,
        undone_by: None,
        outcomes: vec![Some(Outcome::Done { output: String::new() })],
        unanswered: Vec::new(),
    }
}

fn scaled() -> PastChange {
    let recipe = Recipe::Scale { target: backend(), before: 2, after: 3 };
    past("c-1", "scale deployment/backend from 2 to 3 replicas", vec![recipe])
}

async fn undo(objects: Vec<Value>, history: Vec<PastChange>, args: Value) -> String {
    FakeRun::with(FakeReader::new(objects), FakeHistory(history), |_, _| {}).proposed("undo", args).await
}

#[tokio::test]
async fn a_scaling_is_taken_back_by_scaling() {
    let objects = vec![workload("Deployment", "todo", "backend", 3)];
    assert_snapshot!(undo(objects.clone(), vec![scaled()], json!({})).await, @r#"
    scale deployment/backend from 3 to 2 replicas
    kubectl scale deployment/backend --replicas=2 -n todo
    Fact("takes back c-1 (scale deployment/backend from 2 to 3 replicas)")
    undo: scale deployment/backend back to 3
    "#);
    let turn = FakeRun::with(FakeReader::new(objects), FakeHistory(vec![scaled()]), |_, _| {});
    let Ok(Proposal::Changes(changes)) = turn.propose("undo", json!({"change_id": "c-1"})).await else { panic!() };
    assert_eq!((changes[0].tool, changes[0].undoes.as_deref()), ("undo", Some("c-1")));
}

#[tokio::test]
async fn somebody_elses_work_is_not_undone() {
    let objects = |replicas| vec![workload("Deployment", "todo", "backend", replicas)];
    assert_snapshot!(undo(objects(5), vec![scaled()], json!({})).await, @r#"
    error: deployment/backend is no longer as the change left it: it has 5 replicas now, the change left 3
    hint: say the count you want, for example: scale deployment/backend to 2
    "#);
    assert_snapshot!(undo(objects(2), vec![scaled()], json!({})).await, @"nothing: deployment/backend already has 2 replicas again; nothing to change");
    assert_snapshot!(undo(Vec::new(), vec![scaled()], json!({})).await, @"error: deployment/backend in namespace todo no longer exists, so nothing can be taken back");
}

#[tokio::test]
async fn a_restart_is_taken_back_by_revision() {
    let mut deployment = workload("Deployment", "todo", "backend", 2);
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = json!("backend:2.0");
    let after = value::digest(&deployment["spec"]["template"]);
    let recipe = Recipe::Revision { target: backend(), before: 1, after };
    let history = vec![past("c-2", "restart deployment/backend", vec![recipe])];
    let mut objects = vec![deployment, replica_set("backend", 1, "1.0", 0), replica_set("backend", 2, "2.0", 2)];
    assert_snapshot!(undo(objects.clone(), history.clone(), json!({})).await, @r#"
    roll deployment/backend back from revision 2 to 1
    kubectl rollout undo deployment/backend --to-revision=1 -n todo
    Fact("takes back c-2 (restart deployment/backend)")
    undo: roll deployment/backend back to revision 2
    "#);
    objects[0]["spec"]["template"]["spec"]["containers"][0]["image"] = json!("backend:3.0");
    assert_snapshot!(undo(objects, history, json!({})).await, @r#"
    error: deployment/backend is no longer as the change left it: its pod template was changed again since
    hint: look at its revisions first: rollout history of deployment/backend
    hint: to go back all the same: roll deployment/backend back to revision 1
    "#);
}

#[tokio::test]
async fn a_pause_is_taken_back_by_resuming() {
    let mut deployment = workload("Deployment", "todo", "backend", 2);
    deployment["spec"]["paused"] = json!(true);
    let recipe = Recipe::Paused { target: backend(), before: false };
    let history = vec![past("c-3", "pause the rollout of deployment/backend", vec![recipe])];
    assert_snapshot!(undo(vec![deployment], history, json!({})).await, @r#"
    resume the rollout of deployment/backend
    kubectl rollout resume deployment/backend -n todo
    Fact("takes back c-3 (pause the rollout of deployment/backend)")
    undo: pause deployment/backend again
    "#);
}

#[tokio::test]
async fn what_cannot_be_undone_says_why() {
    let objects = || vec![workload("Deployment", "todo", "backend", 3)];
    assert_snapshot!(undo(objects(), Vec::new(), json!({})).await, @"error: there is nothing to undo: no change of this cluster is in the journal");
    assert_snapshot!(undo(objects(), vec![scaled()], json!({"change_id": "c-9"})).await, @r#"
    error: there is no change "c-9" in this cluster's journal
    hint: the last one is c-1 (scale deployment/backend from 2 to 3 replicas)
    "#);
    let undone = PastChange { undone_by: Some("c-4".to_owned()), ..scaled() };
    assert_snapshot!(undo(objects(), vec![undone], json!({"change_id": "c-1"})).await, @r#"
    error: c-1 (scale deployment/backend from 2 to 3 replicas) was already taken back by c-4
    hint: undo c-4 brings it back
    "#);
    let never_sent = PastChange { outcomes: vec![None], ..scaled() };
    assert_snapshot!(undo(objects(), vec![never_sent], json!({"change_id": "c-1"})).await, @"error: c-1 (scale deployment/backend from 2 to 3 replicas) never reached the cluster; there is nothing to undo");
    assert_snapshot!(undo(objects(), vec![past("c-5", "something", Vec::new())], json!({})).await, @"error: c-5 (something) cannot be undone");
}

#[tokio::test]
async fn an_object_that_was_made_anew_is_left_alone() {
    let mut past = scaled();
    past.steps[0].uid = Some("uid-of-an-earlier-backend".to_owned());
    let objects = vec![workload("Deployment", "todo", "backend", 3)];
    let answer = undo(objects.clone(), vec![past.clone()], json!({})).await;
    assert!(answer.contains("was made anew since, so nothing can be taken back"), "{answer}");
    past.steps[0].uid = Some("uid-backend".to_owned());
    assert!(undo(objects, vec![past], json!({})).await.contains("from 3 to 2 replicas"));
}

#[tokio::test]
async fn what_a_plan_did_not_reach_does_not_keep_the_rest_from_being_taken_back() {
    let frontend = ObjectRef { name: "frontend".to_owned(), ..backend() };
    let mut change = scaled();
    let mut step = change.steps[0].clone();
    step.target.name = "frontend".to_owned();
    change.steps.push(step);
    change.undo.push(Recipe::Scale { target: frontend, before: 2, after: 3 });
    // The second step was not sent, because somebody had set the count to 7.
    change.outcomes.push(Some(Outcome::Moved { why: String::new() }));
    let objects = vec![workload("Deployment", "todo", "backend", 3), workload("Deployment", "todo", "frontend", 7)];
    assert_snapshot!(undo(objects, vec![change], json!({})).await, @r#"
    scale deployment/backend from 3 to 2 replicas
    kubectl scale deployment/backend --replicas=2 -n todo
    Fact("takes back c-1 (scale deployment/backend from 2 to 3 replicas, scale deployment/backend from 2 to 3 replicas)")
    undo: scale deployment/backend back to 3
    "#);
}
