//! Who may say yes to what, and for how long: the gate with people who answer as told.

use todo_agent_cluster::{
    Approved, Gate, Preview, Refusal,
    policy::{Rules, Yes},
};
use todo_agent_core::approval::{Answer, Origin};
use todo_agent_sandbox::World;

use crate::support::{Says, Stage};

/// A deployment that belongs to the cluster itself.
const SYSTEM: &str = r"
namespace: kube-system
nodes: [{name: node-1, cpu: '4', memory: 8Gi}]
manifests: |
  apiVersion: apps/v1
  kind: Deployment
  metadata: {name: backend}
  spec:
    replicas: 2
    selector: {matchLabels: {app: backend}}
    template:
      metadata: {labels: {app: backend}}
      spec: {containers: [{name: app, image: 'app:1'}]}
";

async fn admit(gate: &mut Gate, stage: &mut Stage, preview: Preview, answer: Answer) -> Result<Approved, Refusal> {
    gate.admit(preview, &Origin::person(), &mut Says(answer), &mut stage.journal, &stage.run).await
}

#[tokio::test]
async fn a_protected_object_is_approved_by_its_name_and_by_nothing_else() {
    for answer in [
        Answer::Yes,
        Answer::YesForSession,
        Answer::Only(vec![1]),
        Answer::Typed(vec![]),
        Answer::Typed(vec!["Backend".into()]),
        Answer::Typed(vec!["backend".into(), "backend".into()]),
    ] {
        let mut stage = Stage::of(World::from_yaml(SYSTEM, "system").unwrap());
        let mut gate = Gate::new(Rules { yes: Yes::High, ..Rules::default() });
        let preview = stage.preview(stage.scale(3)).await;
        let refusal = admit(&mut gate, &mut stage, preview, answer.clone()).await.unwrap_err();
        assert_eq!(refusal, Refusal::Declined("the name was not typed as it is".into()), "{answer:?}");
        assert!(stage.journal.records.is_empty(), "{answer:?}");
    }
    let mut stage = Stage::of(World::from_yaml(SYSTEM, "system").unwrap());
    let preview = stage.preview(stage.scale(3)).await;
    let typed = Answer::Typed(vec!["backend".into()]);
    let approved = admit(&mut Gate::new(Rules::default()), &mut stage, preview, typed).await.unwrap();
    assert_eq!(approved.by(), "you");
}

#[tokio::test]
async fn a_yes_for_the_session_answers_the_same_change_again_until_the_gate_is_reset() {
    let mut stage = Stage::new("todo");
    let mut gate = Gate::new(Rules::default());
    let preview = stage.preview(stage.scale(3)).await;
    let approved = admit(&mut gate, &mut stage, preview, Answer::YesForSession).await.unwrap();
    assert_eq!(approved.by(), "you, for this session");

    let preview = stage.preview(stage.scale(4)).await;
    let again = admit(&mut gate, &mut stage, preview, Answer::Nobody).await.unwrap();
    assert_eq!(again.by(), "your answer for this session");

    gate.reset(Rules::default());
    let preview = stage.preview(stage.scale(4)).await;
    let refusal = admit(&mut gate, &mut stage, preview, Answer::Nobody).await.unwrap_err();
    assert_eq!(refusal, Refusal::NeedsApproval("risk low".into()));

    let rules = Rules { yes: Yes::Medium, ..Rules::default() };
    gate.reset(rules.clone());
    assert_eq!(*gate.rules(), rules);
}

#[tokio::test]
async fn at_high_risk_a_yes_for_the_session_is_a_yes_once() {
    let mut stage = Stage::new("todo");
    let mut gate = Gate::new(Rules::default());
    for _ in 0..2 {
        let preview = stage.preview(stage.scale(0)).await;
        let approved = admit(&mut gate, &mut stage, preview, Answer::YesForSession).await.unwrap();
        assert_eq!(approved.by(), "you", "no grant was given");
    }
    let preview = stage.preview(stage.scale(0)).await;
    assert!(admit(&mut gate, &mut stage, preview, Answer::Nobody).await.is_err());
}

#[tokio::test]
async fn only_the_chosen_steps_are_approved() {
    let mut stage = Stage::new("todo");
    let changes = vec![stage.scale(3), stage.scale(4)];
    let preview = todo_agent_cluster::preview(changes, &stage.cluster, &stage.key, &stage.run).await.unwrap();
    let mut gate = Gate::new(Rules::default());
    let approved = admit(&mut gate, &mut stage, preview, Answer::Only(vec![2])).await.unwrap();
    assert_eq!((approved.by(), approved.chosen()), ("you, in part", &[2][..]));
    assert_eq!(approved.view().steps.len(), 1);
    // Printed, an approval says who gave it and nothing of what it holds.
    assert_eq!(format!("{approved:?}"), "Approved { by: \"you, in part\", .. }");

    let preview = stage.preview(stage.scale(3)).await;
    let whole = admit(&mut gate, &mut stage, preview, Answer::Yes).await.unwrap();
    assert_eq!(whole.chosen(), [1]);
}
