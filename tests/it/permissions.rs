//! Clusters where this person may do less than they ask: the missing permission is named, and what can be
//! done with the permissions there are is done.

use insta::assert_snapshot;

use crate::support::{Served, TestEnvironment, world_file};

#[test]
fn a_change_without_permission_names_the_permission() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    let output = environment.run(["--context", "sandbox-viewer", "scale backend to 3", "--yes"]);
    assert_snapshot!(output, @r#"
    exit 1
    --- stderr
    error: deployments.apps "backend" is forbidden: User "viewer" cannot patch resource
           "deployments/scale" in API group "apps" in the namespace "todo"
    hint: missing permission: patch on deployments.apps/scale in namespace todo, for viewer
    hint: whoever runs the cluster can check it with: kubectl auth can-i patch deployments.apps
          --subresource=scale -n todo --as=viewer
    "#);
    assert!(environment.journal().is_empty());
    assert_eq!(served.replicas("backend"), 2);
}

#[test]
fn a_list_of_all_namespaces_where_only_one_may_be_listed() {
    let environment = TestEnvironment::new();
    let _served = Served::world(&environment, "todo");
    assert_snapshot!(environment.run(["--context", "sandbox-viewer", "list pods in all namespaces"]), @r#"
    exit 1
    --- stderr
    error: pods is forbidden: User "viewer" cannot list resource "pods" in API group "" at the cluster
           scope
    hint: missing permission: list on pods for the whole cluster, for viewer
    hint: whoever runs the cluster can check it with: kubectl auth can-i list pods --as=viewer
    hint: a single namespace may be allowed; name one
    "#);
    environment.run(["--context", "sandbox-viewer", "list pods"]).exits(0).says("6 pods").enough();
}

#[test]
fn a_list_where_nothing_may_be_listed() {
    let environment = TestEnvironment::new();
    let _served = Served::world(&environment, &world_file("shop"));
    let viewer = ["--context", "sandbox-clerk", "-n", "kube-system"];
    assert_snapshot!(environment.run(viewer.into_iter().chain(["list pods"])), @r#"
    exit 1
    --- stderr
    error: pods is forbidden: User "clerk" cannot list resource "pods" in API group "" in the namespace
           "kube-system"
    hint: missing permission: list on pods in namespace kube-system, for clerk
    hint: whoever runs the cluster can check it with: kubectl auth can-i list pods -n kube-system
          --as=clerk
    "#);
    assert_snapshot!(environment.run(viewer.into_iter().chain(["scale coredns to 3", "--yes=high"])), @r#"
    exit 1
    --- stderr
    error: deployments.apps is forbidden: User "clerk" cannot list resource "deployments" in API group
           "apps" in the namespace "kube-system"
    hint: missing permission: list on deployments.apps in namespace kube-system, for clerk
    hint: whoever runs the cluster can check it with: kubectl auth can-i list deployments.apps -n
          kube-system --as=clerk
    "#);
}

#[test]
fn secrets_that_may_not_be_read_are_no_reason_to_fail() {
    let environment = TestEnvironment::new();
    let _served = Served::world(&environment, "todo");
    environment.run(["--context", "sandbox-viewer", "describe backend"]).exits(0).says("2 available").enough();
    let output = environment.run(["--context", "sandbox-viewer", "list secrets"]).exits(1);
    output.says("secrets").says("missing permission: list").enough();
}

#[test]
fn who_may_only_list_can_still_list() {
    let environment = TestEnvironment::new();
    let _served = Served::world(&environment, "todo");
    environment.run(["--context", "sandbox-lister", "list pods"]).exits(0).says("6 pods").enough();
    let output = environment.run(["--context", "sandbox-lister", "scale backend to 3", "--yes"]);
    output.exits(1).says("missing permission: get on deployments.apps in namespace todo").enough();
}

#[test]
fn a_token_that_is_not_known_any_more() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    let stale = environment.write("stale.yaml", served.access.kubeconfig_for("yesterday", "todo"));
    let stale = stale.display().to_string();
    let output = environment.run(["--kubeconfig", &stale, "scale backend to 3", "--yes"]).exits(1);
    output.says("does not accept these credentials").never_says("yesterday").enough();
}
