//! Every change can be taken back, goes through the same gate to be taken back, and is not taken back over
//! somebody else's work.

use insta::assert_snapshot;

use crate::support::{Served, TestEnvironment};

#[test]
fn undo_takes_the_last_change_back_and_again_the_one_before() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    environment.run(["scale backend to 3", "--yes"]).exits(0).enough();
    environment.run(["scale frontend to 4", "--yes"]).exits(0).enough();
    assert_snapshot!(environment.run(["undo", "--yes"]), @r"
    exit 0
    --- stdout
    ✓ ok: scale deployment/frontend from 4 to 2 replicas
      2 of 2 replicas available
    undo: todo-agent undo c-change  (scale deployment/frontend back to 4)
    Changes in this turn: scale deployment/frontend from 4 to 2 replicas: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (https://127.0.0.1:[port])
      namespace  todo

    1. scale deployment/frontend from 4 to 2 replicas
       action     scale Deployment frontend in namespace todo (apps/v1)
       change     spec.replicas: 4 → 2
       risk       medium
       proof      checked by the server (dry run)
       note       takes back c-change (scale deployment/frontend from 2 to 4 replicas)

    undo       scale deployment/frontend back to 4
    same as    kubectl scale deployment/frontend --replicas=2 -n todo
    approved by --yes
    ");
    assert_eq!((served.replicas("backend"), served.replicas("frontend")), (3, 2));
    environment.run(["undo", "--yes"]).exits(0).enough();
    assert_eq!((served.replicas("backend"), served.replicas("frontend")), (2, 2));
    let writes = served.writes().len();
    assert_snapshot!(environment.run(["undo", "--yes"]), @r"
    exit 1
    --- stderr
    error: there is nothing to undo: no change of this cluster is in the journal
    ");
    assert_eq!(served.writes().len(), writes);
}

#[test]
fn undo_asks_like_every_change() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    environment.run(["scale backend to 3", "--yes"]).exits(0).enough();
    environment.run(["undo"]).exits(3).enough();
    environment.run(["undo", "--read-only", "--yes=high"]).exits(4).enough();
    assert_eq!(served.replicas("backend"), 3);
}

#[test]
fn undo_by_id_and_by_sentence() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let first = environment.run(["scale backend to 3", "--yes"]).exits(0).change_id();
    environment.run(["scale frontend to 4", "--yes"]).exits(0).enough();
    environment.run(["undo", &first, "--yes"]).exits(0).enough();
    assert_eq!((served.replicas("backend"), served.replicas("frontend")), (2, 4));
    environment.run(["undo the last change", "--yes"]).exits(0).enough();
    assert_eq!(served.replicas("frontend"), 2);
    environment.run(["undo", "c-nosuch", "--yes"]).exits(1).says("c-nosuch").enough();
}

#[test]
fn undo_does_not_go_over_what_somebody_did_since() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    environment.run(["scale backend to 3", "--yes"]).exits(0).enough();
    served.scale("backend", 6);
    let output = environment.run(["undo", "--yes"]);
    assert_ne!(output.code, Some(0), "{output}");
    assert_snapshot!(output, @r"
    exit 1
    --- stderr
    error: deployment/backend is no longer as the change left it: it has 6 replicas now, the change left
           3
    hint: say the count you want, for example: scale deployment/backend to 2
    ");
    assert_eq!(served.replicas("backend"), 6);
}

#[test]
fn an_undo_that_nobody_can_make() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    environment.run(["undo", "--yes=high"]).exits(1).says("nothing").enough();
    let restarted = environment.run(["restart backend", "--yes"]).exits(0);
    restarted.says("undo:").enough();
    assert!(served.writes().len() == 1);
}

#[test]
fn an_object_that_was_made_anew_is_not_the_one_that_was_changed() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    environment.run(["scale mcp-server to 2", "--yes"]).exits(0).enough();
    served.make_anew("mcp-server");
    let output = environment.run(["undo", "--yes=high"]);
    assert_ne!(output.code, Some(0), "{output}");
    assert_eq!(served.replicas("mcp-server"), 2);
}
