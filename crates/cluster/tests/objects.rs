//! Objects that are made and deleted: only where none was, only the one that was read, and seen to be so.

use serde_json::{Value, json};
use todo_agent_cluster::{
    Gate, Refusal,
    policy::{Rules, Yes},
    preview,
};
use todo_agent_core::{
    Change, Effect, Expectation, ObjectRef, Op, Outcome, PatchStyle, Payload, Propagation, Reader, Risk,
    approval::{Answer, Origin},
    view::ProofView,
};
use todo_agent_kube_rules::kinds;

use crate::support::{Says, Stage};

fn map(stage: &Stage, name: &str) -> ObjectRef {
    ObjectRef::new(kinds::find("configmap").unwrap(), &stage.sandbox.namespace(), name)
}

fn content(target: &ObjectRef, data: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": target.name, "namespace": target.namespace},
        "data": {"key": data}})
}

/// Returns a change of one effect.
fn change(stage: &Stage, target: &ObjectRef, op: Op, settle: Expectation) -> Change {
    let mut change = stage.scale(3);
    change.undo = None;
    change.phases[0].effects = vec![Effect::Object { target: target.clone(), op }];
    change.phases[0].settle = vec![settle];
    change
}

fn making(stage: &Stage, target: &ObjectRef, data: &str) -> Change {
    let op = Op::Create { object: Payload::new(content(target, data)) };
    change(stage, target, op, Expectation::Exists { object: target.clone() })
}

fn deleting(stage: &Stage, target: &ObjectRef) -> Change {
    let op = Op::Delete { propagation: Propagation::Background };
    change(stage, target, op, Expectation::Absent { object: target.clone() })
}

#[tokio::test]
async fn an_object_is_made_shown_whole_and_deleted_again() {
    let mut stage = Stage::new("todo");
    let target = map(&stage, "settings");
    let preview = stage.preview(making(&stage, &target, "value")).await;
    let step = &preview.view().steps[0];
    assert_eq!((step.proof, step.risk, step.verb.as_str()), (ProofView::Served, Risk::Medium, "create"));
    assert_eq!(step.diff[0].path, "");
    assert_eq!(step.diff[0].after.as_ref().unwrap()["data"]["key"], "value");
    assert!(stage.cluster.get(&target).await.is_err(), "a preview makes nothing");

    let report = stage.carry_out(preview).await;
    assert_eq!(report.effects[0].outcome, Outcome::Done { output: "made".into() });
    assert_eq!(stage.cluster.get(&target).await.unwrap()["data"]["key"], "value");

    let preview = stage.preview(deleting(&stage, &target)).await;
    assert_eq!(preview.view().steps[0].risk, Risk::High);
    let report = stage.carry_out(preview).await;
    assert_eq!(report.effects[0].outcome, Outcome::Done { output: "deleted".into() });
    assert!(stage.cluster.get(&target).await.is_err());
}

#[tokio::test]
async fn what_somebody_made_meanwhile_is_not_written_over() {
    let mut stage = Stage::new("todo");
    let target = map(&stage, "settings");
    let ours = stage.preview(making(&stage, &target, "ours")).await;
    let theirs = stage.preview(making(&stage, &target, "theirs")).await;
    assert!(stage.carry_out(theirs).await.is_complete());
    let report = stage.carry_out(ours).await;
    assert!(matches!(report.effects[0].outcome, Outcome::Moved { .. }), "{report:?}");
    assert_eq!(stage.cluster.get(&target).await.unwrap()["data"]["key"], "theirs");
    assert!(preview(vec![making(&stage, &target, "again")], &stage.cluster, &stage.key, &stage.run).await.is_err());
}

#[tokio::test]
async fn what_changed_since_the_preview_is_not_deleted() {
    let mut stage = Stage::new("todo");
    let target = stage.backend();
    let deletion = stage.preview(deleting(&stage, &target)).await;
    let scale = stage.preview(stage.scale(4)).await;
    assert!(stage.carry_out(scale).await.is_complete());
    let report = stage.carry_out(deletion).await;
    assert!(matches!(report.effects[0].outcome, Outcome::Moved { .. }), "{report:?}");
    assert_eq!(stage.live().await["spec"]["replicas"], 4);
}

#[tokio::test]
async fn a_namespace_is_deleted_by_its_typed_name_only() {
    let mut stage = Stage::new("todo");
    let target = ObjectRef::new(kinds::find("namespace").unwrap(), "", &stage.sandbox.namespace());
    for (answer, says) in [(Answer::Yes, "not typed"), (Answer::Typed(vec!["tod".into()]), "not typed")] {
        let preview = stage.preview(deleting(&stage, &target)).await;
        let rules = Rules { yes: Yes::High, ..Rules::default() };
        let refusal = Gate::new(rules)
            .admit(preview, &Origin::person(), &mut Says(answer), &mut stage.journal, &stage.run)
            .await
            .unwrap_err();
        assert!(matches!(&refusal, Refusal::Declined(why) if why.contains(says)), "{refusal:?}");
    }
    assert!(stage.cluster.get(&target).await.is_ok());
}

#[tokio::test]
async fn the_values_of_a_secret_are_never_written_unseen() {
    let stage = Stage::new("todo");
    let target = ObjectRef::new(kinds::find("secret").unwrap(), &stage.sandbox.namespace(), "todo-secrets");
    let patch = |body: Value| Op::Patch { style: PatchStyle::Merge, body: Payload::new(body) };
    let kept = Expectation::Exists { object: target.clone() };
    let values = change(&stage, &target, patch(json!({"stringData": {"OPENAI_API_KEY": "other"}})), kept.clone());
    let error = preview(vec![values], &stage.cluster, &stage.key, &stage.run).await.unwrap_err();
    assert!(error.message.contains("only the labels"), "{error}");
    let labels = change(&stage, &target, patch(json!({"metadata": {"labels": {"tier": "api"}}})), kept);
    assert!(preview(vec![labels], &stage.cluster, &stage.key, &stage.run).await.is_ok());
}
