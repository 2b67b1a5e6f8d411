//! Looking at a cluster: every read tool, on workloads that are well and on one that is not.

use serde_json::json;

use crate::{
    place::{Place, await_that},
    scenario::{Scenario, scenario},
    site::Site,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario!(lists_tell_the_truth_about_numbers_and_health),
    scenario!(a_description_has_pods_service_and_what_is_missing),
    scenario!(logs_of_all_replicas_are_merged),
    scenario!(logs_of_a_crash_show_the_run_before),
    scenario!(warnings_are_found_among_the_events),
    scenario!(revisions_say_what_changed),
    scenario!(waiting_ends_when_the_condition_is_met_or_says_why_not),
    scenario!(secrets_are_listed_without_their_values),
    scenario!(fields_are_explained_in_the_clusters_own_words),
    scenario!(permissions_are_told_as_the_cluster_judges_them),
];

fn lists_tell_the_truth_about_numbers_and_health(site: &Site) {
    let place = Place::with(site, "backend");
    let pods = place.run(&["list pods"]).exits(0).says("2 pods");
    for pod in place.list("pod") {
        assert!(pods.stdout.contains(pod["metadata"]["name"].as_str().unwrap()), "{pods}");
    }
    place.run(&["how many deployments are there?"]).exits(0).says("1 deployment").enough();
    place.run(&["list statefulsets"]).exits(0).says("no statefulsets").enough();
    place.run(&["list pods in all namespaces"]).exits(0).says(&place.namespace).says("kube-system").enough();
    place.patch_container("backend", &json!({"image": "todo-chatbot-backend:missing"}));
    await_that("the third pod", || place.list("pod").len() == 3);
    place.run(&["which pods are not ready?"]).exits(0).says("1 of 3 pods").enough();
    // The same as data, with the same numbers.
    let events = place.run(&["--json", "call", "list", r#"{"kind": "pods"}"#]).exits(0).events();
    let result = events.iter().find(|event| event["event"] == "tool_result").unwrap();
    assert_eq!((&result["output"]["total"], &result["output"]["not_ready"]), (&json!(3), &json!(1)), "{result}");
}

fn a_description_has_pods_service_and_what_is_missing(site: &Site) {
    let place = Place::with(site, "backend");
    let output = place.run(&["describe backend"]).exits(0);
    output.says("todo-chatbot-backend:v1").says("2 available").never_says("canary-of-the-environment").enough();
    place.patch_container("backend", &json!({"envFrom": [{"configMapRef": {"name": "not-there"}}]}));
    await_that("a container that cannot be configured", || {
        place.list("pod").iter().any(|pod| {
            pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CreateContainerConfigError"
        })
    });
    place.run(&["describe backend"]).exits(0).says("not-there").enough();
    place.run(&["call", "rollout", r#"{"workload": "backend"}"#]).exits(0).says("CreateContainerConfigError").enough();
}

fn logs_of_all_replicas_are_merged(site: &Site) {
    let place = Place::with(site, "backend");
    place.run(&["logs of backend"]).exits(0).says("from 2 pods of deployment/backend").enough();
    let none = place.run(&["call", "logs", r#"{"target": "backend", "grep": "no such words anywhere"}"#]).exits(0);
    none.never_says("listens").enough();
}

fn logs_of_a_crash_show_the_run_before(site: &Site) {
    let place = Place::with(site, "backend");
    place.patch_container(
        "backend",
        &json!({"env": [
        {"name": "CRASH_AFTER", "value": "1"}, {"name": "EXIT_CODE", "value": "3"}]}),
    );
    await_that("a second run", || {
        place.list("pod").iter().any(|pod| pod["status"]["containerStatuses"][0]["restartCount"].as_u64() >= Some(1))
    });
    // A node keeps one ended run and removes it a moment before its status names the next: that moment shows nothing.
    await_that("the last words of the run before", || {
        let previous = place.run(&["call", "logs", r#"{"target": "backend", "previous": true}"#]).exits(0);
        previous.stdout.contains("fatal: exiting with code 3")
    });
}

fn warnings_are_found_among_the_events(site: &Site) {
    let place = Place::with(site, "backend");
    place.patch_container("backend", &json!({"image": "todo-chatbot-backend:missing"}));
    await_that("a warning", || place.list("event").iter().any(|event| event["reason"] == "Failed"));
    let output = place.run(&["call", "events", r#"{"warnings_only": true}"#]).exits(0);
    output.says("Failed").says("todo-chatbot-backend:missing").never_says("Scheduled").enough();
    place.run(&["show events of backend"]).exits(0).says("ScalingReplicaSet").enough();
}

fn revisions_say_what_changed(site: &Site) {
    let place = Place::with(site, "backend");
    place.patch_container("backend", &json!({"image": "todo-chatbot-backend:v2"}));
    place.await_available("deployment", "backend", 2);
    let output = place.run(&["rollout status of backend"]).exits(0);
    output.says("rolled out: 2 of 2 replicas").says("todo-chatbot-backend:v1 →").says("2 (current)").enough();
}

fn waiting_ends_when_the_condition_is_met_or_says_why_not(site: &Site) {
    let place = Place::with(site, "backend");
    place.run(&["call", "wait_for", r#"{"name": "backend", "condition": "available"}"#]).exits(0).enough();
    place.patch("deployment", "backend", &json!({"spec": {"replicas": 3}}));
    place.run(&["wait until backend is available"]).exits(0).enough();
    assert_eq!(place.get("deployment", "backend")["status"]["availableReplicas"], 3);
    let absent = r#"{"kind": "configmap", "name": "nothing", "condition": "exists", "seconds": 1}"#;
    place.run(&["call", "wait_for", absent]).exits(1).says("nothing").enough();
    place.delete("deployment", "backend");
    let gone = r#"{"kind": "deployment", "name": "backend", "condition": "deleted", "seconds": 60}"#;
    place.run(&["call", "wait_for", gone]).exits(0).enough();
}

fn secrets_are_listed_without_their_values(site: &Site) {
    let place = Place::with(site, "backend");
    let output = place.run(&["list secrets"]).exits(0).says("backend-secrets");
    output.never_says("canary-of-the-secret").never_says("Y2FuYXJ5LW9mLXRoZS1zZWNyZXQ=").enough();
    let described = place.run(&["describe secret backend-secrets"]).exits(0).says("never shown");
    described.never_says("canary-of-the-secret").never_says("Y2FuYXJ5LW9mLXRoZS1zZWNyZXQ=").enough();
}

fn fields_are_explained_in_the_clusters_own_words(site: &Site) {
    let place = Place::new(site);
    let explain =
        |kind: &str, field: &str| place.run(&["call", "explain", &json!({"kind": kind, "field": field}).to_string()]);
    let replicas = explain("deployment", "spec.replicas").exits(0).says("Number of desired pods.");
    replicas.says("deployment.spec.replicas").says("integer").enough();
    explain("pod", "spec.containers.image").exits(0).says("string").enough();
    explain("pod", "").exits(0).says("spec").says("PodSpec").enough();
    explain("statefulset", "spec.replica").exits(2).says("did you mean replicas?").enough();
}

fn permissions_are_told_as_the_cluster_judges_them(site: &Site) {
    let place = Place::with(site, "backend");
    let may = |question: serde_json::Value| place.run(&["call", "explain", &question.to_string()]);
    may(json!({"kind": "pods", "verb": "delete"})).exits(0).says("You can delete pods").enough();
    let account = format!("serviceaccount:{}/default", place.namespace);
    may(json!({"kind": "pods", "verb": "list", "subject": account})).exits(0).says("cannot list pods").enough();
    place.become_user("reader", &json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]));
    may(json!({"kind": "pods", "verb": "list"})).exits(0).says("You can list pods").enough();
    may(json!({"kind": "pods", "verb": "delete"})).exits(0).says("You cannot delete pods").enough();
}
