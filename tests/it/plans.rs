//! A plan is made now and approved later, by a person, if the cluster is still as it was.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Served, TestEnvironment};

#[test]
fn a_plan_is_kept_and_carried_out_later() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    let planned = environment.run(["plan", "scale backend to 3"]).exits(0);
    assert_snapshot!(planned.stdout_filtered(), @"plan p-planid is kept; carry it out with: todo-agent approve p-planid");
    assert_eq!(served.replicas("backend"), 2);
    assert!(environment.journal().is_empty());
    let id = planned.plan_id();

    environment.run(["approve", &id]).exits(3).says("there is no terminal to ask on").enough();
    assert_eq!(served.replicas("backend"), 2);

    environment.run(["approve", &id, "--yes"]).exits(0).says("3 of 3 replicas available").enough();
    assert_eq!(served.replicas("backend"), 3);
}

#[test]
fn a_plan_for_what_has_changed_is_stale() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    let id = environment.run(["plan", "scale backend to 3"]).exits(0).plan_id();
    served.scale("backend", 5);
    let output = environment.run(["approve", &id, "--yes=high"]).exits(3);
    output.says("the cluster changed since the plan was made").enough();
    assert_eq!(served.replicas("backend"), 5);
    assert!(served.writes().is_empty());
}

#[test]
fn a_plan_is_not_stale_because_pods_come_and_go() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    let id = environment.run(["plan", "scale backend to 3"]).exits(0).plan_id();
    served.patch_at(
        "/apis/apps/v1/namespaces/todo/deployments/backend/status",
        &json!({"status": {"readyReplicas": 1, "availableReplicas": 1}}),
    );
    environment.run(["approve", &id, "--yes"]).exits(0).enough();
    assert_eq!(served.replicas("backend"), 3);
}

#[test]
fn a_plan_for_another_cluster_is_not_carried_out() {
    let environment = TestEnvironment::new();
    let first = Served::world(&environment, "todo");
    let id = environment.run(["plan", "scale backend to 3"]).exits(0).plan_id();
    let elsewhere = TestEnvironment::new();
    let second = Served::world(&elsewhere, "todo");
    let kubeconfig = elsewhere.path("served.yaml").display().to_string();
    let output = environment.run(["--kubeconfig", &kubeconfig, "approve", &id, "--yes=high"]).exits(3);
    output.says("the plan was made for another cluster").enough();
    assert_eq!((first.replicas("backend"), second.replicas("backend")), (2, 2));
}

#[test]
fn an_edited_plan_is_shown_as_it_would_be_now() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    let file = environment.path("plan.json").display().to_string();
    environment.run(["plan", "scale backend to 3", "--out", &file]).exits(0).enough();
    // Whoever can change the file can change the calls, but not what is shown and asked.
    let plan = std::fs::read_to_string(&file).unwrap();
    let mut plan: serde_json::Value = serde_json::from_str(&plan).unwrap();
    plan["calls"][0]["args"]["replicas"] = json!(0);
    environment.write("plan.json", plan.to_string());
    let output = environment.run(["approve", &file, "--yes"]).exits(3);
    output.says("spec.replicas: 2 → 0").says("high").enough();
    assert_eq!(served.replicas("backend"), 2);
}

#[test]
fn a_plan_of_a_call_and_a_plan_that_is_none() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "200");
    let served = Served::world(&environment, "todo");
    let call = ["plan", "call", "scale", r#"{"workload": "backend", "replicas": 3}"#];
    environment.run(call).exits(0).says("is kept; carry it out with: todo-agent approve p-").enough();
    environment.run(["plan", "list pods"]).exits(2).says("list changes nothing").enough();
    environment.run(["approve", "p-nosuch"]).exits(2).says("there is no plan \"p-nosuch\"").enough();
    let file = environment.write("plan.json", "{\"v\": 1, \"calls\": []}").display().to_string();
    environment.run(["approve", &file]).exits(2).says("is not a plan of todo-agent").enough();
    assert!(served.writes().is_empty());
}
