use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, workload};

fn objects() -> Vec<Value> {
    vec![
        workload("Deployment", "todo", "todo-chatbot-backend", 2),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend", "namespace": "todo"},
            "spec": {"ports": [{"port": 80}]}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "todo"}}),
    ]
}

async fn propose(args: Value) -> String {
    FakeRun::new(FakeReader::new(objects())).proposed("patch", args).await
}

#[tokio::test]
async fn labels_and_annotations_have_their_own_words() {
    let args = json!({"kind": "svc", "name": "backend", "labels": {"tier": "api", "old": null}, "annotations": {"note": "it's ours"}});
    assert_snapshot!(propose(args).await, @r"
    set 2 labels (old, tier) and annotation note of service/backend
    kubectl label service/backend old- tier=api --overwrite -n todo && kubectl annotate service/backend 'note=it'\''s ours' --overwrite -n todo
    undo: set service/backend back
    ");
    assert_snapshot!(propose(json!({"kind": "svc", "name": "backend", "labels": {"a b": "c"}})).await, @r#"
    error: "a b" cannot be a label's name
    hint: it is like tier or example.com/tier: letters, digits, - _ . and at most 63 of them
    "#);
}

#[tokio::test]
async fn a_patch_is_named_by_the_fields_it_writes() {
    let args = json!({"kind": "deploy", "name": "backend", "merge": {"spec": {"minReadySeconds": 5, "paused": null}}});
    assert_snapshot!(propose(args).await, @r#"
    patch deployment/todo-chatbot-backend: spec.minReadySeconds, spec.paused
    kubectl patch deployment/todo-chatbot-backend --type=merge -p '{"spec":{"minReadySeconds":5,"paused":null}}' -n todo
    Fact("backend → deployment/todo-chatbot-backend")
    undo: set deployment/todo-chatbot-backend back
    "#);
    let args = json!({"kind": "svc", "name": "backend", "json": [{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]});
    assert_snapshot!(propose(args).await, @r#"
    patch service/backend: spec.ports.0.port
    kubectl patch service/backend --type=json -p '[{"op":"replace","path":"/spec/ports/0/port","value":81}]' -n todo
    undo: set service/backend back
    "#);
    let args = json!({"kind": "deploy", "name": "backend",
        "strategic": {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "x:2"}]}}}}});
    assert_snapshot!(propose(args).await, @r#"
    patch deployment/todo-chatbot-backend: spec.template.spec.containers
    kubectl patch deployment/todo-chatbot-backend --type=strategic -p '{"spec":{"template":{"spec":{"containers":[{"image":"x:2","name":"app"}]}}}}' -n todo
    Fact("backend → deployment/todo-chatbot-backend")
    undo: set deployment/todo-chatbot-backend back
    "#);
}

#[tokio::test]
async fn what_is_not_a_patch_is_explained() {
    let backend = |more: Value| {
        let mut args = json!({"kind": "deploy", "name": "backend"});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    };
    assert_snapshot!(propose(backend(json!({}))).await, @"error: patch needs one of merge, strategic, json, labels or annotations");
    assert_snapshot!(propose(backend(json!({"merge": {}}))).await, @"error: the patch is empty");
    assert_snapshot!(propose(backend(json!({"merge": {"spec": {}}, "labels": {"a": "b"}}))).await, @"error: labels and annotations are a patch of their own; give them alone");
    assert_snapshot!(propose(backend(json!({"merge": {"metadata": {"name": "x"}}}))).await, @r"
    error: metadata.name cannot be patched
    hint: an object cannot be renamed; create another and delete this one
    ");
    assert_snapshot!(propose(backend(json!({"merge": {"status": {"replicas": 9}}}))).await, @r"
    error: status cannot be patched
    hint: controllers write the status
    ");
    assert_snapshot!(propose(backend(json!({"json": [{"op": "repalce", "path": "/spec/x", "value": 1}]}))).await, @r#"
    error: operation 1 has an unknown op "repalce"
    hint: did you mean replace?
    "#);
    assert_snapshot!(propose(backend(json!({"json": [{"op": "replace", "path": "spec", "value": 1}]}))).await, @r#"
    error: operation 1 needs a path that begins with /
    hint: [{"op": "replace", "path": "/spec/x", "value": 1}]
    "#);
    assert_snapshot!(propose(backend(json!({"json": [{"op": "remove", "path": "/metadata"}]}))).await, @"error: a patch cannot replace the whole object or its metadata");
}

#[tokio::test]
async fn of_a_secret_only_labels_are_patched() {
    let label = propose(json!({"kind": "secret", "name": "keys", "labels": {"tier": "api"}})).await;
    assert!(label.starts_with("set label tier of secret/keys"), "{label}");
    assert_snapshot!(propose(json!({"kind": "secret", "name": "keys", "merge": {"stringData": {"a": "b"}}})).await, @r"
    error: of a Secret only the labels can be patched: its values are never read or shown
    hint: change values with kubectl, or import them from a file
    ");
    assert_snapshot!(propose(json!({"kind": "secret", "name": "keys", "annotations": {"a": "b"}})).await, @r"
    error: of a Secret only the labels can be patched: its values are never read or shown
    hint: change values with kubectl, or import them from a file
    ");
}

#[tokio::test]
async fn a_claim_is_found_by_what_it_belongs_to_unless_there_are_several() {
    let claim = |name: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "todo", "labels": {"app": "redis"}}, "spec": {}})
    };
    let more = json!({"spec": {"resources": {"requests": {"storage": "2Gi"}}}});
    let resize = async |claims: Vec<Value>| {
        let args = json!({"kind": "pvc", "name": "redis", "merge": more});
        FakeRun::new(FakeReader::new(claims)).proposed("patch", args).await
    };
    assert_snapshot!(resize(vec![claim("data-redis-0")]).await, @r#"
    patch persistentvolumeclaim/data-redis-0: spec.resources.requests.storage
    kubectl patch persistentvolumeclaim/data-redis-0 --type=merge -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}' -n todo
    Fact("a claim can grow and never shrink again")
    Fact("redis → persistentvolumeclaim/data-redis-0")
    undo: impossible
    "#);
    assert_snapshot!(resize(vec![claim("data-redis-0"), claim("data-redis-1")]).await, @r#"
    error: "redis" means several things in namespace todo: persistentvolumeclaim/data-redis-0, persistentvolumeclaim/data-redis-1
    hint: name one of them, for example persistentvolumeclaim/data-redis-0
    "#);
}
