//! Nodes: kept from new pods, given back, and drained pod by pod.

use insta::assert_snapshot;

use crate::support::{Served, TestEnvironment};

#[test]
fn a_node_is_cordoned_and_given_back() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    assert_snapshot!(environment.run(["cordon node minikube", "--yes"]), @r"
    exit 0
    --- stdout
    ✓ ok: cordon node/minikube
      as written
    undo: todo-agent undo c-change  (set 1 field of node/minikube back)
    Changes in this turn: cordon node/minikube: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (https://127.0.0.1:[port])
      namespace  none (cluster-wide)

    1. cordon node/minikube
       action     patch Node minikube for the whole cluster (it has no namespace) (v1)
       change     spec.unschedulable: (absent) → true
       risk       medium
       proof      checked by the server (dry run)
       note       its pods stay; only new ones are kept away

    undo       set 1 field of node/minikube back
    same as    kubectl cordon minikube
    approved by --yes
    ");
    assert_eq!(served.get("/api/v1/nodes/minikube")["spec"]["unschedulable"], true);
    environment.run(["undo", "--yes"]).exits(0).enough();
    assert!(served.get("/api/v1/nodes/minikube")["spec"].get("unschedulable").is_none());
    environment.run(["uncordon node minikube", "--yes"]).exits(0).says("is not cordoned").enough();
}

#[test]
fn a_drain_needs_an_exact_name_and_says_what_is_lost() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "drain node mini", "--yes=high"]).exits(1).says("there is node/minikube").enough();
    environment.run(["--sandbox", "drain node worker-9", "--yes=high"]).exits(1).says("there is no node").enough();
    assert!(environment.journal().is_empty());
}
