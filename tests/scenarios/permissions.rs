//! People who may do less than they ask: the missing permission is named, nothing is sent, and what can be done
//! with the permissions there are is done.

use serde_json::{Value, json};

use crate::{
    place::Place,
    scenario::{Scenario, scenario},
    site::Site,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario!(who_may_only_read_is_told_which_permission_is_missing),
    scenario!(one_missing_verb_is_named),
    scenario!(who_may_nothing_gets_a_clear_refusal),
    scenario!(a_list_in_one_namespace_is_enough_for_that_namespace),
    scenario!(who_may_scale_and_nothing_else_can_scale),
];

fn rule(resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": ["", "apps", "autoscaling", "events.k8s.io"], "resources": resources, "verbs": verbs})
}

const EVERYTHING: &[&str] = &[
    "pods",
    "pods/log",
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "events",
    "horizontalpodautoscalers",
    "services",
    "configmaps",
];
const READING: &[&str] = &["get", "list", "watch"];

fn who_may_only_read_is_told_which_permission_is_missing(site: &Site) {
    let place = Place::with(site, "backend");
    place.become_user("reader", &json!([rule(EVERYTHING, READING)]));
    place.run(&["list pods"]).exits(0).says("2 pods").enough();
    place.run(&["logs of backend"]).exits(0).enough();
    place.run(&["describe backend"]).exits(0).says("2 available").enough();
    let refused = place.run(&["scale backend to 3", "--yes"]).exits(1);
    refused.says("missing permission: patch on deployments.apps/scale").says(&place.namespace).enough();
    place.run(&["restart backend", "--yes"]).exits(1).says("missing permission: patch on deployments.apps").enough();
    assert!(place.environment.journal().is_empty());
    assert_eq!(place.replicas("deployment", "backend"), 2);
}

fn one_missing_verb_is_named(site: &Site) {
    let place = Place::with(site, "backend");
    // Everything to scale with, only not `get` of the object itself.
    place.become_user(
        "lister",
        &json!([rule(EVERYTHING, &["list", "watch"]), rule(&["deployments/scale"], &["get", "patch"]),]),
    );
    place.run(&["list deployments"]).exits(0).says("backend").enough();
    let refused = place.run(&["scale backend to 3", "--yes"]).exits(1);
    refused.says("missing permission: get on deployments.apps").enough();
    assert!(place.environment.journal().is_empty());
}

fn who_may_nothing_gets_a_clear_refusal(site: &Site) {
    let place = Place::with(site, "backend");
    place.become_user("nobody", &json!([]));
    let refused = place.run(&["list pods"]).exits(1).says("missing permission: list on pods");
    refused.says(&format!("system:serviceaccount:{}:nobody", place.namespace)).enough();
    place.run(&["scale backend to 3", "--yes=high"]).exits(1).says("missing permission").enough();
    assert!(place.environment.journal().is_empty());
}

fn a_list_in_one_namespace_is_enough_for_that_namespace(site: &Site) {
    let place = Place::with(site, "backend");
    place.become_user("neighbour", &json!([rule(&["pods"], &["list"])]));
    place.run(&["list pods"]).exits(0).says("2 pods").enough();
    let refused = place.run(&["list pods in all namespaces"]).exits(1);
    refused
        .says("missing permission: list on pods for the whole cluster")
        .says("a single namespace may be allowed")
        .enough();
    place.run_in("kube-system", &["list pods"]).exits(1).says("in namespace kube-system").enough();
}

fn who_may_scale_and_nothing_else_can_scale(site: &Site) {
    let place = Place::with(site, "backend");
    // No watch, no pods, no autoscalers, no look at kube-system: the change is made and proven all the same.
    place.become_user(
        "scaler",
        &json!([
            rule(&["deployments", "statefulsets"], &["get", "list"]),
            rule(&["deployments/scale"], &["get", "patch"]),
        ]),
    );
    let output = place.run(&["scale backend to 3", "--yes"]).exits(0).says("3 of 3 replicas available");
    output.says("autoscalers may not be listed").enough();
    place.run(&["undo", "--yes"]).exits(0).enough();
    assert_eq!(place.replicas("deployment", "backend"), 2);
}
