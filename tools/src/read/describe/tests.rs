//! Objects as a person sees them described.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, crashing, pod, workload};

fn todo() -> Vec<Value> {
    let mut backend = workload("Deployment", "todo", "backend", 2);
    backend["spec"]["template"]["spec"] = json!({
        "serviceAccountName": "backend",
        "containers": [{
            "name": "app", "image": "backend:1.0", "ports": [{"containerPort": 8000}],
            "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}},
            "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 5},
            "env": [
                {"name": "LOG_LEVEL", "value": "info"},
                {"name": "API_TOKEN", "value": "tok-4711-abcdef"},
                {"name": "REDIS_URL", "valueFrom": {"configMapKeyRef": {"name": "todo", "key": "REDIS_URL"}}},
                {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "todo-secrets", "key": "DATABASE_URL"}}},
            ],
        }],
    });
    backend["status"]["conditions"] = json!([{"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
        "message": "Deployment has minimum availability.", "lastTransitionTime": "2026-03-01T11:30:00Z"}]);
    vec![
        backend,
        crashing(pod("todo", "backend-1", "backend", ("ReplicaSet", "backend-hash"))),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "todo", "namespace": "todo"},
            "data": {"LOG_LEVEL": "info", "DB_PASSWORD": "hunter22"}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "todo",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"PASSWORD\":\"aHVudGVyMjI=\"}}"}},
            "data": {"PASSWORD": "aHVudGVyMjI="}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend", "namespace": "todo"},
            "spec": {"type": "ClusterIP", "clusterIP": "10.0.0.7", "selector": {"app": "backend"}, "ports": [{"port": 80, "targetPort": 8000}]}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny", "namespace": "todo"},
            "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}]}}),
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "todo"},
            "involvedObject": {"kind": "Deployment", "name": "backend"}, "type": "Normal", "reason": "ScalingReplicaSet",
            "message": "Scaled up", "lastTimestamp": "2026-03-01T11:00:00Z"}),
    ]
}

async fn describe(args: Value) -> String {
    FakeRun::new(FakeReader::new(todo())).person("describe", args).await
}

#[tokio::test]
async fn a_workload_is_described_with_what_is_missing() {
    assert_snapshot!(describe(json!({"name": "backend"})).await, @r#"
    deployment/backend in namespace todo

    age              120m
    labels           app=backend
    annotations      deployment.kubernetes.io/revision=1
    replicas         2 wanted, 2 updated, 2 ready, 2 available
    rollout          rolled out: 2 of 2 replicas updated and available
    selector         app=backend
    service account  backend

    not ready: pod/backend-1: CrashLoopBackOff: container app: back-off 40s restarting failed container (last run: Error, exit code 1)

    missing:
    configmap/todo has no key REDIS_URL (variable REDIS_URL of app)
    secret/todo-secrets does not exist (variable DATABASE_URL of app)
    serviceaccount/backend does not exist (service account)

    container app

    image             backend:1.0
    ports             8000/TCP
    requests          cpu 500m, memory 512Mi
    readiness         http GET :8000/health every 5 s, 1 s to answer, 3 failures
    env LOG_LEVEL     info
    env API_TOKEN     ‹secret:1›
    env REDIS_URL     from configmap/todo key REDIS_URL
    env DATABASE_URL  from secret/todo-secrets key DATABASE_URL

    CONDITION  STATUS  SINCE  REASON                    MESSAGE
    Available  True    30m    MinimumReplicasAvailable  Deployment has minimum availability.

    POD        READY  STATUS            RESTARTS    AGE
    backend-1  0/1    CrashLoopBackOff  4 (2m ago)  60m

    events:

    Normal ScalingReplicaSet · deployment/backend · 60m ago
      Scaled up
    "#);
}

#[tokio::test]
async fn a_pod_is_described_with_its_state() {
    assert_snapshot!(describe(json!({"kind": "po", "name": "backend-1"})).await, @r#"
    pod/backend-1 in namespace todo

    age       60m
    owner     replicaset/backend-hash
    labels    app=backend
    status    CrashLoopBackOff, 0/1 containers ready
    restarts  4 (2m ago)
    node      node-1

    not ready: CrashLoopBackOff: container app: back-off 40s restarting failed container (last run: Error, exit code 1)

    container app

    image     backend:1.0
    state     waiting: CrashLoopBackOff: back-off 40s restarting failed container
    last run  Error (exit code 1), 2m ago
    restarts  4

    CONDITION  STATUS  SINCE  REASON  MESSAGE
    Ready      False   –      –       –

    no events
    "#);
}

#[tokio::test]
async fn a_service_says_where_it_sends() {
    assert_snapshot!(describe(json!({"name": "svc/backend"})).await, @r#"
    service/backend in namespace todo

    type        ClusterIP
    cluster ip  10.0.0.7
    ports       80/TCP → 8000
    selector    app=backend
    sends to    1 pod, 0 ready

    not ready: pod/backend-1: CrashLoopBackOff: container app: back-off 40s restarting failed container (last run: Error, exit code 1)

    POD        READY  STATUS            RESTARTS    AGE
    backend-1  0/1    CrashLoopBackOff  4 (2m ago)  60m

    no events
    "#);
}

#[tokio::test]
async fn a_service_says_which_of_its_ports_leads_nowhere() {
    let mut objects = todo();
    let service = objects.iter_mut().find(|it| it["kind"] == "Service").unwrap();
    service["spec"]["ports"] = json!([{"port": 80, "targetPort": "web"}]);
    let text = FakeRun::new(FakeReader::new(objects)).person("describe", json!({"name": "svc/backend"})).await;
    assert!(text.contains("sends to    1 pod, 0 ready, but no container has a port named \"web\""), "{text}");
}

#[tokio::test]
async fn a_secret_keeps_its_values() {
    let turn = FakeRun::new(FakeReader::new(todo()));
    let output = turn.read("describe", json!({"kind": "secret", "name": "db"})).await.unwrap();
    assert_snapshot!(output.for_person(80), @r#"
    secret/db in namespace todo

    values  never shown

    no events
    "#);
    assert!(!output.for_json().to_string().contains("aHVudGVyMjI"), "{:?}", output.for_json());
}

#[tokio::test]
async fn a_configmap_shows_its_values_but_no_password() {
    assert_snapshot!(describe(json!({"name": "todo", "kind": "cm"})).await, @r#"
    configmap/todo in namespace todo

    DB_PASSWORD  ‹secret:1›
    LOG_LEVEL    info

    no events
    "#);
}

#[tokio::test]
async fn any_other_kind_is_outlined() {
    assert_snapshot!(describe(json!({"kind": "netpol", "name": "deny"})).await, @r#"
    networkpolicy/deny in namespace todo

    spec  ingress:
            - from:
                - podSelector:
                    matchLabels:
                      app: web
          podSelector: {}
          policyTypes:
            - Ingress

    no events
    "#);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    assert_snapshot!(describe(json!({"kind": "pod", "name": "backned-1"})).await, @r#"
    error: there is no pod "backned-1" in namespace todo
    hint: did you mean pod/backend-1?
    "#);
    assert_snapshot!(describe(json!({"name": "nowhere"})).await, @r#"
    error: there is no deployment, statefulset or daemonset "nowhere" in namespace todo
    hint: there is configmap/todo, deployment/backend, secret/db, service/backend
    "#);
    assert_snapshot!(describe(json!({"kind": "widget", "name": "a"})).await, @r#"error: the cluster has no kind "widget""#);
    assert_snapshot!(describe(json!({"kind": "pod", "name": "../../secrets/db"})).await, @r#"error: name ".." contains a path; give a name, or kind/name"#);
}

#[tokio::test]
async fn an_exact_name_of_any_kind_comes_before_a_part_of_a_workloads_name() {
    let mut objects = todo();
    objects.push(workload("Deployment", "todo", "todo-backend", 1));
    objects.push(workload("Deployment", "todo", "todo-frontend", 1));
    let shown = FakeRun::new(FakeReader::new(objects)).person("describe", json!({"name": "todo"})).await;
    assert!(shown.starts_with("configmap/todo in namespace todo"), "{shown}");
}
