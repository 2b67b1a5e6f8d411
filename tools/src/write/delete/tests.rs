use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, pod, replica_set, workload};

fn objects() -> Vec<Value> {
    let mut redis = workload("StatefulSet", "todo", "redis", 1);
    redis["spec"]["volumeClaimTemplates"] = json!([{"metadata": {"name": "data"}}]);
    let mut backend = workload("Deployment", "todo", "backend", 2);
    backend["spec"]["template"]["spec"]["containers"][0]["envFrom"] = json!([{"configMapRef": {"name": "settings"}}]);
    let claim = |name: &str, volume: Option<&str>| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "todo",
            "finalizers": ["kubernetes.io/pvc-protection"]}, "spec": {"volumeName": volume}})
    };
    let mut user = pod("todo", "redis-0", "redis", ("StatefulSet", "redis"));
    user["spec"]["volumes"] = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data-redis-0"}}]);
    let mut leaving = pod("todo", "old", "old", ("ReplicaSet", "old"));
    leaving["metadata"]["deletionTimestamp"] = json!("2026-03-01T11:59:00Z");
    leaving["metadata"]["finalizers"] = json!(["example.com/hold"]);
    vec![
        backend,
        replica_set("backend", 1, "1.0", 2),
        pod("todo", "backend-1", "backend", ("ReplicaSet", "backend-hash1")),
        pod("todo", "backend-2", "backend", ("ReplicaSet", "backend-hash1")),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend", "namespace": "todo"},
            "spec": {"selector": {"app": "backend"}, "clusterIP": "10.0.0.1"}}),
        redis,
        user,
        leaving,
        claim("data-redis-0", Some("pv-1")),
        claim("unused", None),
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv-1"},
            "spec": {"persistentVolumeReclaimPolicy": "Delete"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "todo"}, "data": {"a": "b"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "todo"}}),
    ]
}

async fn propose(args: Value) -> String {
    FakeRun::new(FakeReader::new(objects())).proposed("delete", args).await
}

#[tokio::test]
async fn what_goes_with_a_workload_is_said_before() {
    assert_snapshot!(propose(json!({"kind": "deployment", "name": "backend"})).await, @r#"
    delete deployment/backend
    kubectl delete deployment/backend -n todo
    Fact("its 2 pods are deleted with it")
    Fact("service/backend then has no pods of it to send to")
    undo: make deployment/backend again from what it was
    "#);
    assert_snapshot!(propose(json!({"kind": "deployment", "name": "backend", "propagation": "orphan"})).await, @r#"
    delete deployment/backend and leave what it owns
    kubectl delete deployment/backend --cascade=orphan -n todo
    Fact("its 2 pods stay and run on without it")
    undo: make deployment/backend again from what it was
    "#);
    assert_snapshot!(propose(json!({"kind": "sts", "name": "redis"})).await, @r#"
    delete statefulset/redis
    kubectl delete statefulset/redis -n todo
    Fact("its 1 pod is deleted with it")
    Fact("its volume claims and their data stay")
    undo: make statefulset/redis again from what it was
    "#);
}

#[tokio::test]
async fn what_becomes_of_data_is_said_before() {
    assert_snapshot!(propose(json!({"kind": "pvc", "name": "data-redis-0"})).await, @r#"
    delete persistentvolumeclaim/data-redis-0
    kubectl delete persistentvolumeclaim/data-redis-0 -n todo
    Fact("it stays until these finalizers are let go by their controllers: kubernetes.io/pvc-protection")
    Fact("pod/redis-0 uses it; it stays until that is gone")
    Fact("its volume is deleted, and the data is lost for good (reclaim policy Delete)")
    undo: make persistentvolumeclaim/data-redis-0 again from what it was
    "#);
    assert_snapshot!(propose(json!({"kind": "pvc", "name": "unused"})).await, @r#"
    delete persistentvolumeclaim/unused
    kubectl delete persistentvolumeclaim/unused -n todo
    Fact("it stays until these finalizers are let go by their controllers: kubernetes.io/pvc-protection")
    Fact("it is bound to no volume, so no data is lost")
    undo: make persistentvolumeclaim/unused again from what it was
    "#);
    assert_snapshot!(propose(json!({"kind": "namespace", "name": "todo"})).await, @r#"
    delete namespace/todo
    kubectl delete namespace/todo
    Fact("everything in it is deleted with it: 1 deployment, 1 statefulset, 4 pods, 1 service, 1 configmap, 1 secret, 2 persistentvolumeclaims")
    Fact("what is in a namespace is not kept, so it cannot be made again from here")
    undo: impossible
    "#);
    assert_snapshot!(propose(json!({"kind": "configmap", "name": "settings"})).await, @r#"
    delete configmap/settings
    kubectl delete configmap/settings -n todo
    Fact("deployment/backend uses it; new pods of it will not start")
    undo: make configmap/settings again from what it was
    "#);
    assert_snapshot!(propose(json!({"kind": "secret", "name": "keys"})).await, @r#"
    delete secret/keys
    kubectl delete secret/keys -n todo
    Fact("the values of a Secret are never kept, so it cannot be made again from here")
    undo: impossible
    "#);
}

#[tokio::test]
async fn a_pod_that_something_makes_again_needs_no_way_back() {
    assert_snapshot!(propose(json!({"kind": "pod", "name": "backend-1"})).await, @r#"
    delete pod/backend-1
    kubectl delete pod/backend-1 -n todo
    Fact("replicaset/backend-hash1 makes it as it needs it, so there is nothing to take back")
    undo: impossible
    "#);
    assert_snapshot!(propose(json!({"kind": "pod", "name": "old"})).await, @"nothing: pod/old is being deleted already; it waits for finalizers, whose controllers must let go first: example.com/hold");
}

#[tokio::test]
async fn only_the_exact_name_will_do() {
    assert_snapshot!(propose(json!({"kind": "pod", "name": "redis"})).await, @r#"
    error: deleting needs an exact name, and "redis" is not one
    hint: did you mean pod/redis-0?
    "#);
    assert_snapshot!(propose(json!({"kind": "pod", "name": "backend"})).await, @r#"
    error: "backend" means several things in namespace todo: pod/backend-1, pod/backend-2
    hint: name one of them, for example pod/backend-1
    "#);
    assert_snapshot!(propose(json!({"kind": "deployment", "name": "bakend"})).await, @r#"
    error: there is no deployment "bakend" in namespace todo
    hint: did you mean deployment/backend?
    "#);
    assert_snapshot!(propose(json!({"kind": "deployment", "name": "--all"})).await, @r#"error: name "--all" starts with "-"; no Kubernetes name does"#);
    assert_snapshot!(propose(json!({"kind": "deploymnt", "name": "backend"})).await, @r#"error: the cluster has no kind "deploymnt""#);
    assert_snapshot!(propose(json!({"kind": "deployment", "name": "backend", "propagation": "orphn"})).await, @r#"
    error: propagation cannot be "orphn"
    hint: did you mean orphan?
    hint: it is one of background, foreground, orphan
    "#);
}
