//! Rollouts that go wrong: seen early, named with the kubelet's reason, never called done, and taken back.

use std::time::Instant;

use serde_json::json;

use crate::{
    place::Place,
    scenario::{Scenario, scenario},
    site::Site,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario!(a_rollout_to_a_missing_image_by_somebody_else_is_reported_early_and_undone).only_real(PLAYED),
    scenario!(a_crashing_version_is_named_with_its_exit_code).only_real(PLAYED),
    scenario!(a_version_that_never_gets_ready_is_not_called_done).only_real(PLAYED),
    scenario!(a_slow_start_is_waited_for),
    scenario!(what_somebody_overrides_meanwhile_is_not_called_done),
];

/// Why the sandbox is not asked for what takes its time.
const PLAYED: &str = "it waits for half a minute; tests/it/rollouts.rs has it in simulated time";

fn a_rollout_to_a_missing_image_by_somebody_else_is_reported_early_and_undone(site: &Site) {
    let place = Place::with(site, "backend");
    place.patch_container("backend", &json!({"image": "todo-chatbot-backend:missing"}));
    let began = Instant::now();
    let call = r#"{"name": "backend", "condition": "rolled_out", "seconds": 110}"#;
    let waited = place.run(&["call", "wait_for", call]).exits(1);
    assert!(began.elapsed().as_secs() < 100, "it was to give up early");
    assert!(waited.stdout.contains("ErrImagePull") || waited.stdout.contains("ImagePullBackOff"), "{waited}");

    let rollout = place.run(&["rollout status of backend"]).exits(0);
    assert!(rollout.stdout.contains("ErrImagePull") || rollout.stdout.contains("ImagePullBackOff"), "{rollout}");
    rollout.says("revision 2 is the first bad one; revision 1 still has 2 ready").enough();

    place.run(&["roll back the backend", "--yes"]).exits(0).says("2 of 2 replicas").enough();
    let object = place.get("deployment", "backend");
    assert_eq!(object["spec"]["template"]["spec"]["containers"][0]["image"], "todo-chatbot-backend:v1");
    assert_eq!(object["status"]["unavailableReplicas"], json!(null));
}

fn a_crashing_version_is_named_with_its_exit_code(site: &Site) {
    let place = Place::with(site, "backend");
    // It crashes before it listens: else it is ready for a moment, which is all that a rollout asks for.
    let crash = json!({"env": [{"name": "START_DELAY", "value": "5"},
        {"name": "CRASH_AFTER", "value": "1"}, {"name": "EXIT_CODE", "value": "3"}]});
    place.patch_container("backend", &crash);
    let call = r#"{"name": "backend", "condition": "rolled_out", "seconds": 110}"#;
    place.run(&["call", "wait_for", call]).exits(1).says("exit code 3").enough();
    // A restart of what crashes is sent, seen to fail, and said to be so.
    let restarted = place.run(&["restart backend", "--yes"]).exits(1);
    restarted.says("sent, but not verified").says("exit code 3").enough();
    let undone = place.run(&[
        "call",
        "rollout_control",
        r#"{"workload": "backend", "action": "undo", "to_revision": 1}"#,
        "--yes",
    ]);
    undone.exits(0).says("2 of 2 replicas").enough();
}

fn a_version_that_never_gets_ready_is_not_called_done(site: &Site) {
    let place = Place::with(site, "backend");
    place.patch("deployment", "backend", &json!({"spec": {"progressDeadlineSeconds": 20}}));
    place.patch_container("backend", &json!({"env": [{"name": "UNHEALTHY", "value": "true"}]}));
    let call = r#"{"name": "backend", "condition": "rolled_out", "seconds": 110}"#;
    place.run(&["call", "wait_for", call]).exits(1).says("1 of 2").enough();
    let restarted = place.run(&["restart backend", "--yes"]).exits(1);
    restarted.says("sent, but not verified").enough();
}

fn a_slow_start_is_waited_for(site: &Site) {
    let place = Place::with(site, "backend");
    place.patch_container("backend", &json!({"env": [{"name": "START_DELAY", "value": "5"}]}));
    place.await_available("deployment", "backend", 2);
    place.run(&["scale backend to 3", "--yes"]).exits(0).says("3 of 3 replicas available").enough();
    assert_eq!(place.get("deployment", "backend")["status"]["availableReplicas"], 3);
}

fn what_somebody_overrides_meanwhile_is_not_called_done(site: &Site) {
    let place = Place::with(site, "backend");
    place.patch_container("backend", &json!({"env": [{"name": "START_DELAY", "value": "5"}]}));
    place.await_available("deployment", "backend", 2);
    let run = place.start(&["scale backend to 4", "--yes"]);
    place.environment.wait_for_record("answered");
    place.patch("deployment", "backend", &json!({"spec": {"replicas": 2}}));
    place.end(run).exits(1).says("overridden by").says("the count is 2, not 4").enough();
}
