//! Changing a cluster: every write tool with its preview, its approval, its proof and its way back.

use serde_json::json;

use crate::{
    place::{Place, await_that},
    scenario::{Scenario, scenario},
    site::Site,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario!(a_scale_is_shown_asked_for_made_proven_and_taken_back),
    scenario!(what_is_already_as_asked_is_left_alone),
    scenario!(scaling_to_nothing_needs_the_exact_name_and_more_than_yes),
    scenario!(a_statefulset_is_scaled_and_restarted),
    scenario!(a_restart_replaces_every_pod_and_can_be_undone),
    scenario!(a_rollback_goes_to_the_revision_before_and_forward_again),
    scenario!(a_rollout_is_paused_and_resumed),
    scenario!(several_changes_are_one_plan),
    scenario!(a_plan_is_kept_and_approved_later),
    scenario!(a_protected_namespace_is_always_asked_about_by_name),
    scenario!(a_new_image_and_more_memory_are_rolled_out_and_taken_back),
    scenario!(an_image_that_does_not_exist_is_not_called_done),
    scenario!(labels_are_patched_and_patched_back),
    scenario!(a_workload_is_deleted_and_made_again),
    scenario!(what_holds_a_secret_is_not_kept_when_it_is_deleted),
    scenario!(a_pod_is_deleted_and_another_takes_its_place),
    scenario!(usual_objects_are_made_from_a_few_words),
    scenario!(an_autoscaler_is_made_and_changed),
    scenario!(a_manifest_is_applied_beside_what_scale_and_set_wrote),
    scenario!(what_others_own_is_not_taken_by_applying),
    scenario!(storage_and_jobs_are_made_from_a_few_words),
    scenario!(a_daemonset_is_restarted),
    scenario!(a_file_of_variables_becomes_a_secret_and_a_configmap),
];

fn a_scale_is_shown_asked_for_made_proven_and_taken_back(site: &Site) {
    let place = Place::with(site, "backend");
    let shown = place.run(&["scale backend to 3", "--dry-run"]).exits(0);
    shown.says("spec.replicas: 2 → 3").says("checked by the server (dry run)").says("risk low").enough();
    let unasked = place.run(&["scale backend to 3"]).exits(3).says("there is no terminal to ask on");
    unasked.says("Nothing was sent").enough();
    assert_eq!(place.replicas("deployment", "backend"), 2);
    assert!(place.environment.journal().is_empty());

    place.run(&["scale backend to 3", "--yes"]).exits(0).says("3 of 3 replicas available").enough();
    assert_eq!(place.get("deployment", "backend")["status"]["availableReplicas"], 3);
    assert_eq!(place.environment.journal_words(), ["approved", "sending 1", "answered 1", "settled 1"]);

    place.run(&["undo", "--yes"]).exits(0).says("from 3 to 2 replicas").enough();
    assert_eq!(place.replicas("deployment", "backend"), 2);
    if place.tells_requests() {
        assert_eq!(place.writes().len(), 2);
    }
}

fn what_is_already_as_asked_is_left_alone(site: &Site) {
    let place = Place::with(site, "backend");
    place.run(&["scale backend to 2", "--yes"]).exits(0).says("already").enough();
    assert!(place.environment.journal().is_empty());
}

fn scaling_to_nothing_needs_the_exact_name_and_more_than_yes(site: &Site) {
    let place = Place::with(site, "backend");
    let inexact = r#"{"workload": "back", "replicas": 0}"#;
    place.run(&["call", "scale", inexact, "--yes=high"]).exits(1).says("backend").enough();
    place.run(&["scale backend to 0", "--yes"]).exits(3).says("risk high").enough();
    assert_eq!(place.replicas("deployment", "backend"), 2);
    place.run(&["scale backend to 0", "--yes=high"]).exits(0).enough();
    assert_eq!(place.get("deployment", "backend")["status"].get("availableReplicas"), None);
    place.run(&["undo", "--yes"]).exits(0).says("2 of 2 replicas available").enough();
}

fn a_statefulset_is_scaled_and_restarted(site: &Site) {
    let place = Place::with(site, "store");
    place.run(&["scale store to 3", "--yes"]).exits(0).says("3 of 3").enough();
    let before: Vec<_> = place.list("pod").iter().map(|pod| pod["metadata"]["uid"].clone()).collect();
    place.run(&["restart store", "--yes"]).exits(0).enough();
    assert!(place.list("pod").iter().all(|pod| !before.contains(&pod["metadata"]["uid"])));
    place.run(&["scale store to 1", "--yes"]).exits(0).enough();
    assert_eq!(place.replicas("statefulset", "store"), 1);
    place.run(&["undo", "--yes"]).exits(0).enough();
    assert_eq!(place.replicas("statefulset", "store"), 3);
}

fn a_restart_replaces_every_pod_and_can_be_undone(site: &Site) {
    let place = Place::with(site, "backend");
    let before: Vec<_> = place.list("pod").iter().map(|pod| pod["metadata"]["uid"].clone()).collect();
    place.run(&["restart backend", "--yes"]).exits(0).says("2 of 2 replicas").enough();
    let left = |pod: &serde_json::Value| {
        before.contains(&pod["metadata"]["uid"]) && pod["metadata"]["deletionTimestamp"].is_null()
    };
    assert!(!place.list("pod").iter().any(left), "a pod of before is still there");
    place.run(&["undo", "--yes"]).exits(0).enough();
    let annotations = &place.get("deployment", "backend")["spec"]["template"]["metadata"]["annotations"];
    assert!(annotations["kubectl.kubernetes.io/restartedAt"].is_null(), "{annotations}");
}

fn a_rollback_goes_to_the_revision_before_and_forward_again(site: &Site) {
    let place = Place::with(site, "backend");
    place.patch_container("backend", &json!({"image": "todo-chatbot-backend:v2"}));
    place.await_available("deployment", "backend", 2);
    let image = || {
        let object = place.get("deployment", "backend");
        object["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
    };
    let output = place.run(&["roll back the backend", "--yes"]).exits(0);
    output.says("todo-chatbot-backend:v2 → todo-chatbot-backend:v1").enough();
    assert_eq!(image(), "todo-chatbot-backend:v1");
    place.run(&["undo", "--yes"]).exits(0).enough();
    assert_eq!(image(), "todo-chatbot-backend:v2");
    let unknown = r#"{"workload": "backend", "action": "undo", "to_revision": 77}"#;
    place.run(&["call", "rollout_control", unknown, "--yes"]).exits(1).says("77").enough();
}

fn a_rollout_is_paused_and_resumed(site: &Site) {
    let place = Place::with(site, "backend");
    place.run(&["pause the rollout of backend", "--yes"]).exits(0).enough();
    assert_eq!(place.get("deployment", "backend")["spec"]["paused"], true);
    place.run(&["restart backend", "--yes"]).exits(1).says("is paused and cannot be restarted").enough();
    place.run(&["resume the rollout of backend", "--yes"]).exits(0).enough();
    assert!(place.get("deployment", "backend")["spec"].get("paused").is_none());
}

fn several_changes_are_one_plan(site: &Site) {
    let place = Place::with(site, "backend");
    place.apply("store");
    let output = place.run(&["scale backend to 3 and store to 1", "--yes"]).exits(0);
    output.says("1. scale deployment/backend").says("2. scale statefulset/store").enough();
    assert_eq!((place.replicas("deployment", "backend"), place.replicas("statefulset", "store")), (3, 1));
    let approved = place.environment.journal_words().iter().filter(|word| *word == "approved").count();
    assert_eq!(approved, 1, "one approval covers both");
    place.run(&["undo", "--yes"]).exits(0).enough();
    assert_eq!((place.replicas("deployment", "backend"), place.replicas("statefulset", "store")), (2, 2));
}

fn a_plan_is_kept_and_approved_later(site: &Site) {
    let place = Place::with(site, "backend");
    let id = place.run(&["plan", "scale backend to 3"]).exits(0).plan_id();
    assert_eq!(place.replicas("deployment", "backend"), 2);
    place.run(&["approve", &id, "--yes"]).exits(0).says("3 of 3 replicas available").enough();
    assert_eq!(place.replicas("deployment", "backend"), 3);
}

fn a_protected_namespace_is_always_asked_about_by_name(site: &Site) {
    let place = Place::new(site);
    let before =
        |place: &Place| place.access.request("GET", "/apis/apps/v1/namespaces/kube-system/deployments/coredns", None);
    let (code, coredns) = before(&place);
    assert_eq!(code, 200, "every cluster of these tests has coredns: {coredns}");
    let output = place.run_in("kube-system", &["scale coredns to 2", "--yes=high"]).exits(3);
    output.says("kube-system belongs to the cluster itself").enough();
    assert_eq!(before(&place).1["metadata"]["generation"], coredns["metadata"]["generation"]);
    assert!(place.environment.journal().is_empty());
}

fn a_daemonset_is_restarted(site: &Site) {
    let place = Place::new(site);
    place.apply("collector");
    let ready = || place.get("daemonset", "collector")["status"]["numberReady"].as_u64() >= Some(1);
    await_that("the daemonset's pods", ready);
    let uids = || place.list("pod").iter().map(|pod| pod["metadata"]["uid"].clone()).collect::<Vec<_>>();
    let before = uids();
    place.run(&["restart daemonset collector", "--yes"]).exits(0).enough();
    assert!(uids().iter().all(|uid| !before.contains(uid)));
}

fn a_new_image_and_more_memory_are_rolled_out_and_taken_back(site: &Site) {
    let place = Place::with(site, "backend");
    let container = || place.get("deployment", "backend")["spec"]["template"]["spec"]["containers"][0].clone();
    let before = container();
    place.run(&["set the backend image to v2", "--yes"]).exits(0).says("2 of 2 replicas").enough();
    assert_eq!(container()["image"], "todo-chatbot-backend:v2");
    place.run(&["give the backend 64Mi memory", "--yes"]).exits(0).enough();
    assert_eq!(container()["resources"]["limits"]["memory"], "64Mi");
    place.run(&["set LOG_LEVEL to debug on backend", "--yes"]).exits(0).enough();
    for _ in 0..3 {
        place.run(&["undo", "--yes"]).exits(0).enough();
    }
    assert_eq!(container(), before);
}

fn an_image_that_does_not_exist_is_not_called_done(site: &Site) {
    let place = Place::with(site, "backend");
    place.run(&["set the backend image to missing", "--yes"]).exits(2).enough();
    let call = r#"{"workload": "backend", "image": "todo-chatbot-backend:missing"}"#;
    place.run(&["call", "set", call, "--yes"]).exits(1).says("todo-chatbot-backend:missing").enough();
    place.run(&["undo", "--yes"]).exits(0).enough();
    place.await_available("deployment", "backend", 2);
}

fn labels_are_patched_and_patched_back(site: &Site) {
    let place = Place::with(site, "backend");
    let labels = || place.get("deployment", "backend")["metadata"]["labels"].clone();
    let before = labels();
    place.run(&["label the deployment backend with tier=api", "--yes"]).exits(0).says("as written").enough();
    assert_eq!(labels()["tier"], "api");
    place.run(&["undo", "--yes"]).exits(0).enough();
    assert_eq!(labels(), before);
    let selector =
        r#"{"kind": "deployment", "name": "backend", "merge": {"spec": {"selector": {"matchLabels": {"app": "x"}}}}}"#;
    place.run(&["call", "patch", selector, "--yes=high"]).exits(1).enough();
}

fn a_workload_is_deleted_and_made_again(site: &Site) {
    let place = Place::with(site, "store");
    let uid = place.get("statefulset", "store")["metadata"]["uid"].clone();
    place.run(&["delete the statefulset store", "--yes"]).exits(3).says("risk high").enough();
    place.run(&["delete the statefulset stor", "--yes=high"]).exits(1).enough();
    place.run(&["delete the statefulset store", "--yes=high"]).exits(0).says("deleted").enough();
    await_that("no pods", || place.list("pod").is_empty());
    place.run(&["undo", "--yes=high"]).exits(0).says("2 of 2 replicas ready").enough();
    assert_ne!(place.get("statefulset", "store")["metadata"]["uid"], uid);
}

fn what_holds_a_secret_is_not_kept_when_it_is_deleted(site: &Site) {
    let place = Place::with(site, "backend");
    let output = place.run(&["delete the deployment backend", "--yes=high"]).exits(0);
    output.says("never kept").says("cannot be taken back").enough();
    place.run(&["undo", "--yes=high"]).exits(1).enough();
    place.run(&["delete the secret backend-secrets", "--yes=high"]).exits(0).says("never kept").enough();
}

fn a_pod_is_deleted_and_another_takes_its_place(site: &Site) {
    let place = Place::with(site, "store");
    let before = place.get("pod", "store-0")["metadata"]["uid"].clone();
    place.run(&["delete the pod store-0", "--yes=high"]).exits(0).says("deleted").enough();
    await_that("the next store-0", || {
        let (code, pod) = place.access.request("GET", &place.path("pod", "store-0"), None);
        code == 200 && pod["metadata"]["uid"] != before
    });
}

fn usual_objects_are_made_from_a_few_words(site: &Site) {
    let place = Place::with(site, "backend");
    let web = r#"{"kind": "deployment", "name": "web", "image": "todo-agent.test/workload:1", "replicas": 2,
        "limits": {"memory": "64Mi"}}"#;
    place.run(&["call", "create", web, "--yes"]).exits(0).says("2 of 2 replicas available").enough();
    place.run(&["create a configmap called settings", "--yes"]).exits(0).enough();
    let service = r#"{"kind": "service", "target": "web", "port": 8080}"#;
    place.run(&["call", "create", service, "--yes"]).exits(0).says("it sends to 2 ready pods").enough();
    assert_eq!(place.get("service", "web")["spec"]["selector"]["app"], "web");
    place.run(&["call", "create", service, "--yes"]).exits(0).says("already exposes").enough();
    place.run(&["undo", "--yes=high"]).exits(0).says("delete service/web").enough();
    assert_eq!(place.access.request("GET", &place.path("service", "web"), None).0, 404);
}

fn an_autoscaler_is_made_and_changed(site: &Site) {
    let place = Place::with(site, "backend");
    place.run(&["autoscale backend 2 to 5 at 70% cpu", "--yes"]).exits(0).says("AbleToScale").enough();
    assert_eq!(place.get("horizontalpodautoscaler", "backend")["spec"]["maxReplicas"], 5);
    place.run(&["autoscale backend up to 6", "--yes"]).exits(0).enough();
    place.run(&["undo", "--yes"]).exits(0).enough();
    assert_eq!(place.get("horizontalpodautoscaler", "backend")["spec"]["maxReplicas"], 5);
}

fn a_manifest_is_applied_beside_what_scale_and_set_wrote(site: &Site) {
    let place = Place::with(site, "backend");
    place.run(&["scale backend to 3", "--yes"]).exits(0).enough();
    place.run(&["set the backend image to v2", "--yes"]).exits(0).enough();
    let manifests = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: backend, labels: {tier: api}}
spec: {minReadySeconds: 1}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {LEVEL: debug}}
";
    let call = json!({"manifests": manifests}).to_string();
    place.run(&["call", "apply", &call, "--yes"]).exits(0).says("spec.minReadySeconds").enough();
    let backend = place.get("deployment", "backend");
    assert_eq!((&backend["metadata"]["labels"]["tier"], &backend["spec"]["replicas"]), (&json!("api"), &json!(3)));
    assert_eq!(backend["spec"]["template"]["spec"]["containers"][0]["image"], "todo-chatbot-backend:v2");
    assert_eq!(place.get("configmap", "settings")["data"]["LEVEL"], "debug");
    // Taken back are the fields that changed and the object that is new, and no more.
    place.run(&["undo", "--yes=high"]).exits(0).enough();
    let backend = place.get("deployment", "backend");
    assert!(backend["metadata"]["labels"].get("tier").is_none());
    assert_eq!(backend["spec"]["replicas"], 3);
    assert_eq!(place.access.request("GET", &place.path("configmap", "settings"), None).0, 404);
}

fn what_others_own_is_not_taken_by_applying(site: &Site) {
    let place = Place::with(site, "backend");
    place.run(&["scale backend to 3", "--yes"]).exits(0).enough();
    let manifests = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: backend}, spec: {replicas: 5}}";
    let call = json!({"manifests": manifests}).to_string();
    let output = place.run(&["call", "apply", &call, "--yes=high"]).exits(1);
    output.says("conflict with \"todo-agent\"").says(".spec.replicas").enough();
    assert_eq!(place.replicas("deployment", "backend"), 3);
}

fn storage_and_jobs_are_made_from_a_few_words(site: &Site) {
    let place = Place::new(site);
    place.run(&["create a pvc called data with 16Mi", "--yes"]).exits(0).enough();
    assert_eq!(place.get("pvc", "data")["spec"]["resources"]["requests"]["storage"], "16Mi");
    place.run(&["delete the pvc data", "--yes=high"]).exits(3).says("no data is lost").enough();
    let job = r#"{"kind": "job", "name": "copy", "image": "busybox:1.36", "command": ["true"]}"#;
    place.run(&["call", "create", job, "--yes"]).exits(0).enough();
    await_that("the job", || place.get("job", "copy")["status"]["succeeded"] == 1);
    place.run(&["delete the job copy", "--yes=high"]).exits(0).says("its 1 pod is deleted with it").enough();
}

fn a_file_of_variables_becomes_a_secret_and_a_configmap(site: &Site) {
    let place = Place::new(site);
    place.environment.write("work/.env", "PORT=8000\nexport DB_PASSWORD='canary-of-the-secret # and more'\n");
    let output = place.run(&["turn .env into a secret and a configmap", "--yes"]).exits(0);
    output.says("DB_PASSWORD").never_says("canary").enough();
    assert_eq!(place.get("configmap", "env")["data"], json!({"PORT": "8000"}));
    let secret = place.get("secret", "env");
    assert_eq!(secret["data"]["DB_PASSWORD"], "Y2FuYXJ5LW9mLXRoZS1zZWNyZXQgIyBhbmQgbW9yZQ==");
    place.run(&["turn .env into a secret and a configmap", "--yes"]).exits(1).says("exists").enough();
    place.run(&["undo", "--yes=high"]).exits(0).never_says("canary").enough();
    for kind in ["secret", "configmap"] {
        assert_eq!(place.access.request("GET", &place.path(kind, "env"), None).0, 404);
    }
}
