//! The main job: a sentence becomes a verified change, or nothing at all.

use insta::assert_snapshot;

use crate::support::TestEnvironment;

#[test]
fn a_sentence_becomes_a_verified_change() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "scale backend to 3", "--yes"]), @r"
    exit 0
    --- stdout
    ✓ ok: scale deployment/backend from 2 to 3 replicas
      3 of 3 replicas available
    undo: todo-agent undo c-change  (scale deployment/backend back to 2)
    Changes in this turn: scale deployment/backend from 2 to 3 replicas: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. scale deployment/backend from 2 to 3 replicas
       action     scale Deployment backend in namespace todo (apps/v1)
       change     spec.replicas: 2 → 3
       risk       low
       proof      checked by the server (dry run)

    undo       scale deployment/backend back to 2
    same as    kubectl scale deployment/backend --replicas=3 -n todo
    approved by --yes
    this sandbox is discarded, and the way back with it; todo-agent sandbox serve keeps one
    ");
    assert_eq!(environment.journal_words(), ["approved", "sending 1", "answered 1", "settled 1"]);
}

#[test]
fn without_a_terminal_the_preview_is_all_that_happens() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "scale backend to 3"]), @r"
    exit 3
    --- stderr
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. scale deployment/backend from 2 to 3 replicas
       action     scale Deployment backend in namespace todo (apps/v1)
       change     spec.replicas: 2 → 3
       risk       low
       proof      checked by the server (dry run)

    undo       scale deployment/backend back to 2
    same as    kubectl scale deployment/backend --replicas=3 -n todo
    approval needed: risk low, and there is no terminal to ask on. Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert!(environment.journal().is_empty());
}
