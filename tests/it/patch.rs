//! Patches of any object: tried by the server first, shown field by field, taken back field by field.

use insta::assert_snapshot;

use crate::support::{Served, TestEnvironment};

fn patch(environment: &TestEnvironment, arguments: &str) -> crate::support::Output {
    environment.run(["call", "patch", arguments, "--yes"])
}

#[test]
fn labels_are_set_and_set_back() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    assert_snapshot!(patch(&environment, r#"{"kind": "service", "name": "backend", "labels": {"tier": "api", "app": null}}"#), @r"
    exit 0
    --- stdout
    ✓ ok: set 2 labels (app, tier) of service/backend
      as written
    undo: todo-agent undo c-change  (set 2 fields of service/backend back)
    Changes in this turn: set 2 labels (app, tier) of service/backend: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (https://127.0.0.1:[port])
      namespace  todo

    1. set 2 labels (app, tier) of service/backend
       action     patch Service backend in namespace todo (v1)
       change     metadata.labels.app: backend → (absent)
       change     metadata.labels.tier: (absent) → api
       risk       low
       proof      checked by the server (dry run)

    undo       set 2 fields of service/backend back
    same as    kubectl label service/backend app- tier=api --overwrite -n todo
    approved by --yes
    ");
    assert_snapshot!(environment.run(["undo", "--yes"]), @r#"
    exit 0
    --- stdout
    ✓ ok: set 2 fields of service/backend back
      as written
    undo: todo-agent undo c-change  (set 2 fields of service/backend back)
    Changes in this turn: set 2 fields of service/backend back: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (https://127.0.0.1:[port])
      namespace  todo

    1. set 2 fields of service/backend back
       action     patch Service backend in namespace todo (v1)
       change     metadata.labels.app: (absent) → backend
       change     metadata.labels.tier: api → (absent)
       risk       low
       proof      checked by the server (dry run)
       note       takes back c-change (set 2 labels (app, tier) of service/backend)

    undo       set 2 fields of service/backend back
    same as    kubectl patch service/backend --type=merge -p \
                 '{"metadata":{"labels":{"app":"backend","tier":null}}}' -n todo
    approved by --yes
    "#);
    let labels = &served.get("/api/v1/namespaces/todo/services/backend")["metadata"]["labels"];
    assert_eq!((&labels["app"], labels.get("tier")), (&"backend".into(), None));
}

#[test]
fn each_kind_of_patch_is_sent_as_it_is() {
    let environment = TestEnvironment::new();
    let _served = Served::at_speed(&environment, "todo", 20.0);
    let merge = r#"{"kind": "deployment", "name": "backend", "merge": {"spec": {"minReadySeconds": 1}}}"#;
    patch(&environment, merge).exits(0).says("spec.minReadySeconds").enough();
    let json = r#"{"kind": "deployment", "name": "backend", "json": [{"op": "replace", "path": "/spec/minReadySeconds", "value": 2}]}"#;
    patch(&environment, json).exits(0).says("1 → 2").enough();
    let strategic = r#"{"kind": "deployment", "name": "backend", "strategic": {"spec": {"template": {"spec": {"containers":
        [{"name": "backend", "image": "todo-chatbot-backend:v2"}]}}}}}"#;
    patch(&environment, strategic)
        .exits(0)
        .says("todo-chatbot-backend:v1 → todo-chatbot-backend:v2")
        .says("rolled out")
        .enough();
    environment.run(["undo", "--yes"]).exits(0).says("todo-chatbot-backend:v2 → todo-chatbot-backend:v1").enough();
}

#[test]
fn what_cannot_change_comes_with_what_to_do_instead() {
    let environment = TestEnvironment::new();
    let _served = Served::at_speed(&environment, "todo", 20.0);
    let selector = r#"{"kind": "deployment", "name": "backend", "merge": {"spec": {"selector": {"matchLabels": {"app": "other"}}}}}"#;
    assert_snapshot!(patch(&environment, selector), @r#"
    exit 1
    --- stderr
    error: Deployment.apps "backend" is invalid: [spec.template.metadata.labels: Invalid value:
           {"app":"backend","app.kubernetes.io/component":"backend","app.kubernetes.io/name":"todo-chatb
           ot"}: `selector` does not match template `labels`, spec.selector: Invalid value:
           {"matchLabels":{"app":"other"}}: field is immutable]
    hint: spec.template.metadata.labels: Invalid value:
          {"app":"backend","app.kubernetes.io/component":"backend","app.kubernetes.io/name":"todo-chatbo
          t"}: `selector` does not match template `labels`
    hint: spec.selector: Invalid value: {"matchLabels":{"app":"other"}}: field is immutable
    hint: a selector cannot change: create a workload of another name, move the traffic, delete this one
    "#);
    assert!(environment.journal().is_empty());
}

#[test]
fn an_undo_is_not_made_over_what_somebody_did_since() {
    let environment = TestEnvironment::new();
    let _served = Served::at_speed(&environment, "todo", 20.0);
    patch(&environment, r#"{"kind": "service", "name": "backend", "labels": {"tier": "api"}}"#).exits(0).enough();
    let first = patch(&environment, r#"{"kind": "service", "name": "backend", "labels": {"tier": "web"}}"#).exits(0);
    first.enough();
    environment.run(["undo", "--yes"]).exits(0).enough();
    environment.run(["undo", "--yes"]).exits(0).enough();
    environment.run(["undo", "--yes"]).exits(1).says("nothing to undo").enough();
}

#[test]
fn of_a_secret_only_the_labels_are_patched() {
    let environment = TestEnvironment::new();
    let _served = Served::at_speed(&environment, "todo", 20.0);
    let data = r#"{"kind": "secret", "name": "todo-secrets", "merge": {"stringData": {"OPENAI_API_KEY": "sk-other-other-other"}}}"#;
    patch(&environment, data).exits(2).says("never read or shown").never_says("sk-other").enough();
    let label = r#"{"kind": "secret", "name": "todo-secrets", "labels": {"tier": "api"}}"#;
    patch(&environment, label).exits(0).says("metadata.labels.tier").enough();
}
