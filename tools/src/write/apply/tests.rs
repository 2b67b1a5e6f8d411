use insta::assert_snapshot;
use serde_json::{Value, json};
use todo_agent_core::{Effect, Op, Redactor};

use super::Source;
use crate::{
    fake::{FakeReader, FakeRun, workload},
    tool::Proposal,
};

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
    error: document 1 of the manifests is a list, not an object
    hint: an object begins with apiVersion and kind
    ");
    assert_snapshot!(propose("a: 1\na: 2").await, @"error: the manifests: not YAML: duplicate mapping key: a, at line 2, column 1");
    assert_snapshot!(propose("a:\n\tb: 1").await, @r"
    error: the manifests: line 2 is indented with a tab
    hint: YAML indents with spaces
    ");
    assert_snapshot!(propose("kind: ConfigMap").await, @"error: document 1 of the manifests: ConfigMap has no apiVersion");
    assert_snapshot!(propose(&map("metadata: {generateName: x-}")).await, @"error: document 1 of the manifests: ConfigMap: generateName makes another object each time, which cannot be applied; give it a name");
    assert_snapshot!(propose(&map("data: {a: b}")).await, @"error: document 1 of the manifests: ConfigMap: it has no metadata.name");
    assert_snapshot!(propose(&map("metadata: {name: a, namespace: Shop/../x}")).await, @r#"error: metadata.namespace "Shop/../x" contains a path; give a name, or kind/name"#);
    let twice = map("metadata: {name: a}");
    assert_snapshot!(propose(&format!("{twice}\n---\n{twice}")).await, @"error: configmap/a in namespace todo is in the manifests twice");
    assert!(propose(&"x".repeat(2_000_000)).await.contains("larger than 1 MiB"));
    let turn = FakeRun::new(FakeReader::new(Vec::<Value>::new()));
    assert_snapshot!(turn.proposed("apply", json!({})).await, @"error: apply needs manifests or a file");
    assert_snapshot!(turn.proposed("apply", json!({"file": "a.yaml", "manifests": "a: b"})).await, @"error: apply takes manifests or a file, not both");
    assert_snapshot!(turn.proposed("apply", json!({"file": "/etc/passwd"})).await, @r#"
    error: file "/etc/passwd" is not below the working directory
    hint: start todo-agent in the folder of the file, or copy it there
    "#);
}

#[tokio::test]
async fn of_an_unknown_kind_or_version_the_nearest_is_named() {
    let of = async |api_version: &str, kind: &str| {
        propose(&format!("apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: a}}")).await
    };
    assert_snapshot!(of("apps/v1beta1", "Deployment").await, @r"
    error: document 1 of the manifests: Deployment has no version v1beta1 here
    hint: the cluster serves apps/v1
    ");
    assert_snapshot!(of("v1", "Deployment").await, @r"
    error: document 1 of the manifests: the cluster has no kind Deployment of v1
    hint: did you mean apiVersion: apps/v1?
    ");
    assert_snapshot!(of("apps/v1", "deployment").await, @r"
    error: document 1 of the manifests: the cluster has no kind deployment of apps/v1
    hint: did you mean Deployment of apps/v1?
    ");
    assert_snapshot!(of("apps/v1", "Deploymnt").await, @r"
    error: document 1 of the manifests: the cluster has no kind Deploymnt of apps/v1
    hint: did you mean Deployment of apps/v1?
    ");
    assert_snapshot!(of("example.com/v1", "Widget").await, @r"
    error: document 1 of the manifests: the cluster has no kind Widget of example.com/v1
    hint: apply the CustomResourceDefinition of this kind first, or together with it
    ");
}

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions: [{name: v1, served: true, storage: true}]
";

#[tokio::test]
async fn a_definition_comes_before_the_objects_of_its_kind() {
    let widget = "{apiVersion: example.com/v1, kind: Widget, metadata: {name: a}}";
    assert_snapshot!(propose(&format!("{widget}\n---{DEFINITION}")).await, @r"
    apply customresourcedefinition/widgets.example.com
    kubectl apply --server-side -f FILE
    undo: delete customresourcedefinition/widgets.example.com

    apply widget/a
    kubectl apply --server-side -f FILE -n todo
    undo: delete widget/a
    ");
    let other = "{apiVersion: example.com/v2, kind: Widget, metadata: {name: a}}";
    assert!(propose(&format!("{other}\n---{DEFINITION}")).await.starts_with("error: "));
}

#[tokio::test]
async fn what_the_server_keeps_is_not_sent() {
    let manifests = json!({"apiVersion": "v1", "kind": "ConfigMap", "status": {}, "data": {"a": "b"}, "metadata": {
        "name": "a", "uid": "u", "resourceVersion": "7", "generation": 2, "managedFields": [], "labels": {"x": "y"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "kept": "yes"}}});
    let turn = FakeRun::new(FakeReader::new(Vec::<Value>::new()));
    let Ok(Proposal::Changes(changes)) = turn.propose("apply", json!({"manifests": manifests.to_string()})).await
    else {
        panic!()
    };
    let Effect::Object { op: Op::Apply { object }, .. } = &changes[0].phases[0].effects[0] else { panic!() };
    let metadata = json!({"name": "a", "namespace": "todo", "labels": {"x": "y"}, "annotations": {"kept": "yes"}});
    let sent = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}, "metadata": metadata});
    assert_eq!(*object.reveal(), sent);
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
    assert!(answer.starts_with("error: the manifests: not YAML"), "{}", &answer[..200.min(answer.len())]);
}

#[tokio::test]
async fn a_secret_that_comes_with_its_values_is_refused_and_masked() {
    let manifests = "{apiVersion: v1, kind: Secret, metadata: {name: keys}, stringData: {word: banana-split}}";
    let turn = FakeRun::new(FakeReader::new(Vec::<Value>::new()));
    let text = turn.proposed("apply", json!({"manifests": manifests})).await;
    assert!(text.starts_with("error: secret/keys comes with values"), "{text}");
    assert_eq!(*turn.run.redactor.text("a banana-split"), "a ‹secret:1›");
}

#[test]
fn manifests_with_the_values_of_a_secret_are_not_kept_as_they_were_said() {
    let shown = |manifests: &str| {
        let (redactor, args) = (Redactor::new([1; 32]), json!({"manifests": manifests}));
        crate::register_secrets([("apply", &args)], &redactor);
        redactor.value(&args)["manifests"].as_str().unwrap().to_owned()
    };
    let lines = "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData:\n  poem: |\n    roses are\n    red";
    assert_eq!(shown(lines), "‹secret:2›");
    assert_eq!(shown("kind: Secret\nstringData: {word: [banana-split"), "‹secret:1›");
    let others = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {word: Secretary}}";
    assert_eq!(shown(others), others);
}

#[tokio::test]
async fn a_secret_of_a_file_may_have_its_values() {
    let secret = json!({"kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"word": "banana-split"}});
    let turn = FakeRun::new(FakeReader::new(Vec::<Value>::new()));
    let file = Source::File("keys.yaml".to_owned(), String::new());
    file.take_values(&secret, &turn.run).unwrap();
    assert_eq!(*turn.run.redactor.text("a banana-split"), "a ‹secret:1›");
}
