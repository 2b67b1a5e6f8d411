use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, workload};

async fn propose(manifests: &str) -> String {
    let objects = vec![workload("Deployment", "todo", "backend", 2)];
    FakeRun::new(FakeReader::new(objects)).proposed("apply", json!({"manifests": manifests})).await
}

#[tokio::test]
async fn what_others_need_comes_first() {
    let manifests = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: backend}
spec: {replicas: 3}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {LEVEL: debug}}
- {apiVersion: v1, kind: Namespace, metadata: {name: staging}}
---
";
    assert_snapshot!(propose(manifests).await, @r"
    apply namespace/staging
    kubectl apply --server-side -f FILE
    undo: delete namespace/staging

    apply configmap/settings
    kubectl apply --server-side -f FILE -n todo
    undo: delete configmap/settings

    apply deployment/backend
    kubectl apply --server-side -f FILE -n todo
    undo: set deployment/backend back
    ");
}

#[tokio::test]
async fn what_cannot_be_applied_is_explained() {
    let map = |rest: &str| format!("apiVersion: v1\nkind: ConfigMap\n{rest}");
    assert_snapshot!(propose("").await, @"error: there is no object in the manifests");
    assert_snapshot!(propose("- a\n- b").await, @r"
    error: document 1 is a list, not an object
    hint: an object begins with apiVersion and kind
    ");
    assert_snapshot!(propose("a: 1\na: 2").await, @"error: the manifests are not YAML: duplicate mapping key: a, set DuplicateKeyPolicy in Options if acceptable at line 2, column 1");
    assert_snapshot!(propose("a:\n\tb: 1").await, @r"
    error: line 2 of the manifests is indented with a tab
    hint: YAML indents with spaces
    ");
    assert_snapshot!(propose("kind: ConfigMap").await, @"error: document 1: ConfigMap has no apiVersion");
    assert_snapshot!(propose(&map("metadata: {generateName: x-}")).await, @"error: document 1: ConfigMap: generateName makes another object each time, which cannot be applied; give it a name");
    assert_snapshot!(propose(&map("data: {a: b}")).await, @"error: document 1: ConfigMap: it has no metadata.name");
    assert_snapshot!(propose("apiVersion: apps/v1beta1\nkind: Deployment\nmetadata: {name: a}").await, @r"
    error: Deployment has no version v1beta1 here
    hint: the cluster serves apps/v1
    ");
    assert_snapshot!(propose("apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: a}").await, @r#"error: document 1: the cluster has no kind "Widget.example.com""#);
    let twice = map("metadata: {name: a}");
    assert_snapshot!(propose(&format!("{twice}\n---\n{twice}")).await, @"error: configmap/a in namespace todo is in the manifests twice");
    assert!(propose(&"x".repeat(2_000_000)).await.contains("larger than 1 MiB"));
}

#[tokio::test]
async fn an_anchor_bomb_is_refused() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, before) in ["b", "c", "d", "e", "f", "g", "h", "i"].iter().zip(["a", "b", "c", "d", "e", "f", "g", "h"])
    {
        let nine = vec![format!("*{before}"); 9].join(", ");
        bomb.extend([name, ": &", name, " [", &nine, "]\n"]);
    }
    let answer = propose(&bomb).await;
    assert!(answer.starts_with("error: the manifests are not YAML"), "{}", &answer[..200.min(answer.len())]);
}

#[tokio::test]
async fn a_secret_that_comes_with_its_values_is_refused_and_masked() {
    let manifests = "{apiVersion: v1, kind: Secret, metadata: {name: keys}, stringData: {word: banana-split}}";
    let turn = FakeRun::new(FakeReader::new(Vec::<Value>::new()));
    let text = turn.proposed("apply", json!({"manifests": manifests})).await;
    assert!(text.starts_with("error: secret/keys comes with values"), "{text}");
    assert_eq!(*turn.run.redactor.text("a banana-split"), "a ‹secret:1›");
}
