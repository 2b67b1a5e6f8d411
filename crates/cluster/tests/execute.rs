//! What is approved is what is sent, once, and nothing is reported done before the cluster shows it.

use serde_json::json;
use todo_agent_core::{Outcome, approval::Answer, journal::Entry, view::ProofView};

use crate::support::{Stage, now};

#[tokio::test]
async fn a_scale_is_previewed_approved_sent_and_seen() {
    let mut stage = Stage::new("todo");
    let preview = stage.preview(stage.scale(3)).await;
    let step = &preview.view().steps[0];
    assert_eq!(step.proof, ProofView::Served);
    assert_eq!((step.diff[0].path.as_str(), &step.diff[0].after), ("spec.replicas", &Some(json!(3))));
    assert_eq!(stage.live().await["spec"]["replicas"], 2, "a preview changes nothing");

    let before = now(&stage.run);
    let report = stage.carry_out(preview).await;
    assert_eq!(report.effects[0].outcome, Outcome::Done { output: "3 of 3 replicas available".into() });
    assert_eq!(stage.live().await["status"]["availableReplicas"], 3);
    assert_eq!(stage.journal.names(), ["approved", "sending", "answered", "settled"]);
    assert!(now(&stage.run) > before, "starting a pod takes simulated time");
}

#[tokio::test]
async fn the_digest_that_is_sent_is_the_one_that_was_approved() {
    let mut stage = Stage::new("todo");
    let preview = stage.preview(stage.scale(3)).await;
    let approved = preview.view().steps[0].digest.clone();
    let _ = stage.carry_out(preview).await;
    let Entry::Sending { digest, .. } = &stage.journal.records[1].entry else { panic!("not sending") };
    assert_eq!(*digest, approved);
}

#[tokio::test]
async fn every_answer_but_yes_sends_nothing() {
    for answer in [
        Answer::No("not now".into()),
        Answer::Stop,
        Answer::Nobody,
        Answer::Only(vec![]),
        Answer::Only(vec![7]),
        Answer::Typed(vec!["backend".into()]),
        Answer::Edit { step: 1, args: "{}".into() },
    ] {
        let mut stage = Stage::new("todo");
        let preview = stage.preview(stage.scale(3)).await;
        assert!(stage.ask(preview, answer.clone()).await.is_err(), "{answer:?}");
        assert!(stage.journal.records.is_empty(), "{answer:?}");
        assert_eq!(stage.live().await["spec"]["replicas"], 2, "{answer:?}");
    }
}

#[tokio::test]
async fn without_a_journal_nothing_is_sent() {
    let mut stage = Stage::new("todo");
    stage.journal.full = true;
    let preview = stage.preview(stage.scale(3)).await;
    assert!(stage.ask(preview, Answer::Yes).await.is_err());
    assert_eq!(stage.live().await["spec"]["replicas"], 2);
}

#[tokio::test]
async fn an_object_that_changed_since_the_preview_is_not_touched() {
    let mut stage = Stage::new("todo");
    let old = stage.preview(stage.scale(3)).await;
    let other = stage.preview(stage.scale(5)).await;
    let _ = stage.carry_out(other).await;
    let report = stage.carry_out(old).await;
    assert!(matches!(report.effects[0].outcome, Outcome::Moved { .. }), "{report:?}");
    assert_eq!(stage.live().await["spec"]["replicas"], 5);
}

#[tokio::test]
async fn a_status_that_changed_since_the_preview_does_not_matter() {
    let mut stage = Stage::new("todo");
    let up = stage.preview(stage.scale(3)).await;
    let report = stage.carry_out(up).await;
    assert!(report.is_complete());
    // Scaling up has just changed status, resourceVersion and generation; the next preview is taken now …
    let preview = stage.preview(stage.scale(4)).await;
    // … and while the person thinks, only time passes.
    crate::support::wait(&stage.run, 30).await;
    assert!(stage.carry_out(preview).await.is_complete());
}

#[tokio::test]
async fn an_approval_does_not_last_forever() {
    let mut stage = Stage::new("todo");
    let preview = stage.preview(stage.scale(3)).await;
    let rules =
        todo_agent_cluster::policy::Rules { yes: todo_agent_cluster::policy::Yes::Medium, ..Default::default() };
    let approved = todo_agent_cluster::Gate::new(rules)
        .admit(
            preview,
            &todo_agent_core::approval::Origin::person(),
            &mut crate::support::Says(Answer::Nobody),
            &mut stage.journal,
            &stage.run,
        )
        .await
        .unwrap();
    crate::support::wait(&stage.run, 11 * 60).await;
    let report = todo_agent_cluster::execute(approved, &mut stage.journal, &stage.run).await;
    assert_eq!(report.remaining.len(), 1);
    assert_eq!(stage.live().await["spec"]["replicas"], 2);
}

#[tokio::test]
async fn an_interruption_before_sending_changes_nothing() {
    let mut stage = Stage::new("todo");
    let preview = stage.preview(stage.scale(3)).await;
    stage.run.cancel.cancel();
    assert!(stage.ask(preview, Answer::Yes).await.is_err());
    assert_eq!(stage.live().await["spec"]["replicas"], 2);
}

#[tokio::test]
async fn a_cold_scale_needs_few_requests() {
    let mut stage = Stage::new("todo");
    let _ = stage.cluster.take_requests();
    let preview = stage.preview(stage.scale(3)).await;
    let _ = stage.carry_out(preview).await;
    let purposes: Vec<&str> = stage.cluster.take_requests().iter().map(|request| request.purpose).collect();
    assert_eq!(
        purposes,
        [
            "read what will change",
            "preview the change (dry run)",
            "compare with what was approved",
            "make the change",
            "see whether it holds",
            "watch the object",
        ]
    );
}
