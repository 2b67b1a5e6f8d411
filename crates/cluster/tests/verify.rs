//! A change is done when the cluster shows it, and not a moment before; what will not come is said early.

use std::time::Duration;

use serde_json::json;
use todo_agent_core::{Effect, Expectation, ObjectRef, Op, Outcome, PatchStyle, Payload};

use crate::support::{Stage, now};

#[tokio::test]
async fn a_rollout_that_crashes_is_given_up_early_with_the_pods_reason() {
    let mut stage = Stage::new("stuck");
    let target = stage.backend();
    let mut change = stage.scale(2);
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}});
    change.phases[0].effects = vec![Effect::Object {
        target: target.clone(),
        op: Op::Patch { style: PatchStyle::Merge, body: Payload::new(restart) },
    }];
    change.phases[0].settle = vec![Expectation::RolledOut { object: target }];
    change.phases[0].deadline = Duration::from_mins(10);
    let began = now(&stage.run);
    let preview = stage.preview(change).await;
    let report = stage.carry_out(preview).await;
    let Outcome::NotVerified { why } = &report.effects[0].outcome else { panic!("{report:?}") };
    assert!(why.contains("1 of 2 replicas updated") && why.contains("exit code 1"), "{why}");
    assert!(report.undo.is_some(), "the way back is offered");
    let took = now(&stage.run).duration_since(began);
    assert!(took.as_secs() < 90, "gave up after {took}");
    assert_eq!(stage.journal.names(), ["approved", "sending", "answered", "settled"]);
}

#[tokio::test]
async fn more_than_the_nodes_can_hold_is_not_done_and_the_scheduler_says_why() {
    let mut stage = Stage::new("todo");
    let preview = stage.preview(stage.scale(50)).await;
    let report = stage.carry_out(preview).await;
    let Outcome::NotVerified { why } = &report.effects[0].outcome else { panic!("{report:?}") };
    assert!(why.starts_with("not within the time allowed") && why.contains("Insufficient cpu"), "{why}");
}

#[tokio::test]
async fn what_no_effect_of_the_phase_wrote_is_not_waited_for() {
    let mut stage = Stage::new("todo");
    let missing = ObjectRef { name: "gone".to_owned(), ..stage.backend() };
    let mut change = stage.scale(3);
    change.phases[0].settle = vec![Expectation::Replicas { object: missing, replicas: 3 }];
    let preview = stage.preview(change).await;
    let report = stage.carry_out(preview).await;
    assert_eq!(report.effects[0].outcome, Outcome::Done { output: "accepted by the server".into() });
}
