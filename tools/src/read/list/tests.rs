//! Lists as a person and a model see them.

use insta::assert_snapshot;
use serde_json::{Value, json};
use todo_agent_core::{ListQuery, ResourceType, Within, reader::Sink};
use todo_agent_kube_rules::kinds;

use super::{Lines, columns};
use crate::fake::{FakeReader, FakeRun, START, crashing, pod, workload};

fn wanted(kind: &ResourceType) -> ListQuery {
    columns::query(kind, Within::Everywhere)
}

fn todo() -> Vec<Value> {
    let mut restarted = pod("todo", "frontend-abc", "frontend", ("ReplicaSet", "frontend-1"));
    restarted["status"]["containerStatuses"][0]["restartCount"] = json!(1);
    vec![
        pod("todo", "backend-abc", "backend", ("ReplicaSet", "backend-1")),
        crashing(pod("todo", "backend-xyz", "backend", ("ReplicaSet", "backend-1"))),
        restarted,
        workload("Deployment", "todo", "backend", 2),
        pod("shop", "cart-1", "cart", ("ReplicaSet", "cart-1")),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "todo"}, "data": {"PASSWORD": "aHVudGVyMg=="}}),
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": {"node-role.kubernetes.io/control-plane": ""}},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"kubeletVersion": "v1.37.0"}}}),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backend", "namespace": "todo"},
            "spec": {"type": "NodePort", "clusterIP": "10.0.0.7", "ports": [{"port": 8000, "nodePort": 30081}]}}),
    ]
}

async fn list(args: Value) -> String {
    FakeRun::new(FakeReader::new(todo())).person("list", args).await
}

#[tokio::test]
async fn pods_look_as_kubectl_shows_them() {
    assert_snapshot!(list(json!({"kind": "pods"})).await, @r#"
    3 pods in namespace todo, 1 not ready (1 failing)

    NAME          READY  STATUS            RESTARTS    AGE  NODE
    backend-abc   1/1    Running           0           60m  node-1
    backend-xyz   0/1    CrashLoopBackOff  4 (2m ago)  60m  node-1
    frontend-abc  1/1    Running           1           60m  node-1
    "#);
    assert_snapshot!(list(json!({"kind": "po", "all_namespaces": true, "sort": "restarts"})).await, @r#"
    4 pods in all namespaces, 1 not ready (1 failing)

    NAMESPACE  NAME          READY  STATUS            RESTARTS    AGE  NODE
    todo       backend-xyz   0/1    CrashLoopBackOff  4 (2m ago)  60m  node-1
    todo       frontend-abc  1/1    Running           1           60m  node-1
    shop       cart-1        1/1    Running           0           60m  node-1
    todo       backend-abc   1/1    Running           0           60m  node-1
    "#);
}

#[tokio::test]
async fn other_kinds_have_their_own_columns() {
    assert_snapshot!(list(json!({"kind": "deploy"})).await, @r#"
    1 deployment in namespace todo

    NAME     READY  UP-TO-DATE  AVAILABLE  AGE
    backend  2/2    2           2          120m
    "#);
    assert_snapshot!(list(json!({"kind": "svc"})).await, @r#"
    1 service in namespace todo

    NAME     TYPE      CLUSTER-IP  EXTERNAL-IP  PORTS           AGE
    backend  NodePort  10.0.0.7    <none>       8000:30081/TCP  <unknown>
    "#);
    assert_snapshot!(list(json!({"kind": "nodes"})).await, @r#"
    1 node

    NAME    STATUS  ROLES          AGE        VERSION
    node-1  Ready   control-plane  <unknown>  v1.37.0
    "#);
}

#[tokio::test]
async fn a_filter_keeps_the_total_true() {
    assert_snapshot!(list(json!({"kind": "pods", "status": "not ready"})).await, @r#"
    1 of 3 pods in namespace todo match, 1 not ready (1 failing)

    NAME         READY  STATUS            RESTARTS    AGE  NODE
    backend-xyz  0/1    CrashLoopBackOff  4 (2m ago)  60m  node-1
    "#);
    assert_snapshot!(list(json!({"kind": "pods", "status": "crashing", "count_only": true})).await, @"1 of 3 pods in namespace todo match, 1 not ready (1 failing)");
    assert_snapshot!(list(json!({"kind": "pods", "limit": 1})).await, @r#"
    3 pods in namespace todo, 1 not ready (1 failing)

    NAME         READY  STATUS   RESTARTS  AGE  NODE
    backend-abc  1/1    Running  0         60m  node-1

    1 of 3 shown; give limit, or narrow with selector, name_contains or status
    "#);
    assert_snapshot!(list(json!({"kind": "pods", "name_contains": "redis"})).await, @"no pods match; there are 3 pods in namespace todo, 1 not ready (1 failing)");
    assert_snapshot!(list(json!({"kind": "pods", "selector": "app=frontend"})).await, @r#"
    1 pod in namespace todo

    NAME          READY  STATUS   RESTARTS  AGE  NODE
    frontend-abc  1/1    Running  1         60m  node-1
    "#);
}

#[tokio::test]
async fn nothing_is_said_with_what_there_is_elsewhere() {
    assert_snapshot!(list(json!({"kind": "deploy", "namespace": "shop"})).await, @"no deployments in namespace shop; there are some in todo (1)");
    assert_snapshot!(list(json!({"kind": "ingresses"})).await, @"no ingresses in namespace todo");
    assert_snapshot!(list(json!({"kind": "pods", "namespace": "tood"})).await, @r#"
    error: namespace "tood" does not exist
    hint: did you mean todo?
    "#);
}

#[tokio::test]
async fn secrets_are_listed_by_name_only() {
    let turn = FakeRun::new(FakeReader::new(todo()));
    let output = turn.read("list", json!({"kind": "secrets"})).await.unwrap();
    assert_snapshot!(output.for_person(80), @r#"
    1 secret in namespace todo

    NAME  AGE
    db    <unknown>
    "#);
    assert_eq!(turn.reader.requests(), ["list /api/v1/namespaces/todo/secrets metadata"]);
}

#[tokio::test]
async fn a_program_gets_rows_as_data_and_a_model_a_bounded_table() {
    let mut objects = todo();
    objects.extend((0..500).map(|n| pod("todo", &format!("worker-{n:03}"), "worker", ("ReplicaSet", "worker-1"))));
    let output = FakeRun::new(FakeReader::new(objects)).read("list", json!({"kind": "pods"})).await.unwrap();
    let data = output.for_json();
    assert_eq!((&data["total"], &data["not_ready"]), (&json!(503), &json!(1)));
    assert_eq!(
        data["items"][1],
        json!({"namespace": "todo", "name": "backend-xyz", "ready": "0/1",
        "status": "CrashLoopBackOff", "restarts": "4 (2m ago)", "age": "60m", "node": "node-1"})
    );
    let model = output.for_model(8192);
    assert!(model.len() <= 8192 && model.starts_with("503 pods in namespace todo, 1 not ready (1 failing)"), "{model}");
}

#[tokio::test]
async fn bad_arguments_are_explained() {
    assert_snapshot!(list(json!({"kind": "poods"})).await, @r#"error: the cluster has no kind "poods""#);
    assert_snapshot!(list(json!({"kind": "pods", "selector": "app in"})).await, @r#"
    error: selector "app in" cannot be read: unable to parse requirement: found '' expected: '('
    hint: write it as app=backend,tier!=web
    "#);
    assert_snapshot!(list(json!({"kind": "services", "status": "failing"})).await, @"error: services have no status to filter by");
    assert_snapshot!(list(json!({"kind": "pods", "sort": "size"})).await, @r#"
    error: sort cannot be "size"
    hint: it is one of name, restarts, age
    "#);
    assert_snapshot!(list(json!({"kind": "pods", "limit": 0})).await, @r#"
    error: limit must be at least 1
    hint: use count_only for the number alone
    "#);
}

#[tokio::test]
async fn a_refusal_for_all_namespaces_offers_one() {
    let turn = FakeRun::new(FakeReader::new(todo()).forbid("list Pod everywhere"));
    assert_snapshot!(turn.person("list", json!({"kind": "pods", "all_namespaces": true})).await, @r#"
    error: you may not list pods in namespace todo
    hint: a single namespace may be allowed; name one
    "#);
    assert!(turn.person("list", json!({"kind": "pods"})).await.starts_with("3 pods"));
}

#[tokio::test]
async fn a_list_asks_for_all_that_its_rows_read() {
    let objects = [
        (
            "po",
            json!({"metadata": {"deletionTimestamp": "2026-03-01T11:00:00Z"}, "spec": {"nodeName": "node-1",
            "containers": [{"name": "app"}], "initContainers": [{"name": "proxy", "restartPolicy": "Always"}]},
            "status": {"phase": "Failed", "reason": "NodeLost",
                "initContainerStatuses": [{"name": "proxy", "ready": true, "started": true, "restartCount": 2, "state": {"running": {}},
                    "lastState": {"terminated": {"finishedAt": "2026-03-01T11:58:00Z"}}}]}}),
        ),
        (
            "po",
            json!({"spec": {"containers": [{"name": "app"}], "initContainers": [{"name": "setup"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": "True"}],
                "initContainerStatuses": [{"name": "setup", "restartCount": 1, "state": {"terminated": {"exitCode": 3, "signal": 9}}}],
                "containerStatuses": [
                    {"name": "app", "ready": true, "restartCount": 1, "state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}},
                        "lastState": {"terminated": {"finishedAt": "2026-03-01T11:58:00Z"}}},
                    {"name": "job", "restartCount": 0, "state": {"terminated": {"reason": "Completed"}}}]}}),
        ),
        (
            "po",
            json!({"status": {"phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}}),
        ),
        (
            "svc",
            json!({"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "externalIPs": ["1.2.3.4"],
            "ports": [{"port": 80, "nodePort": 30080, "protocol": "UDP"}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "5.6.7.8"}, {"hostname": "lb"}]}}}),
        ),
        (
            "no",
            json!({"metadata": {"labels": {"node-role.kubernetes.io/worker": ""}}, "spec": {"unschedulable": true},
            "status": {"conditions": [{"type": "Ready", "status": "False"}], "nodeInfo": {"kubeletVersion": "v1.37.1"}}}),
        ),
        ("ns", json!({"status": {"phase": "Terminating"}})),
        (
            "ev",
            json!({"lastTimestamp": "2026-03-01T11:00:00Z", "type": "Warning", "reason": "BackOff",
            "involvedObject": {"kind": "Pod", "name": "p"}, "message": "back-off"}),
        ),
        ("ev", json!({"eventTime": "2026-03-01T10:00:00Z", "type": "Normal"})),
        (
            "pvc",
            json!({"spec": {"volumeName": "v", "storageClassName": "standard"},
            "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"]}}),
        ),
        (
            "pv",
            json!({"spec": {"capacity": {"storage": "1Gi"}, "storageClassName": "standard",
            "claimRef": {"namespace": "todo", "name": "data"}}, "status": {"phase": "Bound"}}),
        ),
        (
            "deploy",
            json!({"spec": {"replicas": 3}, "status": {"readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2,
            "conditions": [{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]}}),
        ),
        (
            "ds",
            json!({"status": {"desiredNumberScheduled": 3, "currentNumberScheduled": 2, "numberReady": 1,
            "updatedNumberScheduled": 2, "numberAvailable": 1}}),
        ),
        ("rs", json!({"spec": {"replicas": 3}, "status": {"replicas": 2, "readyReplicas": 1}})),
        (
            "job",
            json!({"spec": {"completions": 4}, "status": {"succeeded": 4, "conditions": [{"type": "Complete", "status": "True"}]}}),
        ),
        (
            "cronjob",
            json!({"spec": {"schedule": "@daily", "suspend": true},
            "status": {"active": [{}], "lastScheduleTime": "2026-03-01T11:00:00Z"}}),
        ),
        (
            "hpa",
            json!({"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "backend"}, "minReplicas": 2, "maxReplicas": 5},
            "status": {"currentReplicas": 3}}),
        ),
        (
            "ing",
            json!({"spec": {"ingressClassName": "nginx", "rules": [{"host": "todo.local"}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "5.6.7.8"}]}}}),
        ),
        ("netpol", json!({"spec": {"podSelector": {"matchLabels": {"app": "redis"}, "matchExpressions": [{}]}}})),
        ("pdb", json!({"spec": {"maxUnavailable": "25%"}, "status": {"disruptionsAllowed": 1}})),
        (
            "sc",
            json!({"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
            "provisioner": "local", "reclaimPolicy": "Delete", "volumeBindingMode": "Immediate", "allowVolumeExpansion": true}),
        ),
    ];
    for (word, mut object) in objects {
        let kind: ResourceType = kinds::find(word).unwrap().into();
        object["metadata"]["name"] = json!("one");
        object["metadata"]["namespace"] = json!("todo");
        object["metadata"]["creationTimestamp"] = json!("2026-03-01T09:00:00Z");
        let now = START.parse().unwrap();
        let whole = columns::row(&kind, &object, now);
        let mut lines = Lines { resource: &kind, now, rows: Vec::new() };
        lines.take(wanted(&kind).projection.of(&object));
        assert_eq!(lines.rows, [whole], "{word}: {object}");
    }
}

#[test]
fn what_a_budget_a_policy_and_a_class_are_about_stands_in_their_line() {
    let cells = |word: &str, mut object: Value| {
        object["metadata"]["name"] = json!("one");
        columns::row(&kinds::find(word).unwrap().into(), &object, START.parse().unwrap()).cells.join(" | ")
    };
    let budget = json!({"spec": {"minAvailable": 1}, "status": {"disruptionsAllowed": 0}});
    assert_eq!(cells("pdb", budget), "one | 1 | N/A | 0 | <unknown>");
    let policy = |selector: Value| cells("netpol", json!({"spec": {"podSelector": selector}}));
    assert_eq!(policy(json!({})), "one | <none> | <unknown>");
    assert_eq!(policy(json!({"matchLabels": {"app": "redis"}})), "one | app=redis | <unknown>");
    let class = json!({"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "local", "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer"});
    assert_eq!(cells("sc", class), "one (default) | local | Delete | WaitForFirstConsumer | false | <unknown>");
}

#[test]
fn a_list_that_begins_again_forgets_its_rows() {
    let kind: ResourceType = kinds::find("pod").unwrap().into();
    let mut lines = Lines { resource: &kind, now: START.parse().unwrap(), rows: Vec::new() };
    lines.take(pod("todo", "gone", "backend", ("ReplicaSet", "backend-1")));
    lines.begin_again();
    lines.take(pod("todo", "there", "backend", ("ReplicaSet", "backend-1")));
    assert_eq!(lines.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["there"]);
}

#[tokio::test]
async fn a_node_that_is_not_heard_of_is_not_ready_as_kubectl_has_it() {
    let node = |name: &str, conditions: Value| json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"conditions": conditions}});
    let silent = json!([{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]);
    let turn = FakeRun::new(FakeReader::new(vec![node("new", json!([])), node("silent", silent)]));
    let output = turn.read("list", json!({"kind": "node"})).await.unwrap();
    let status = |index: usize| output.for_json()["items"][index]["status"].clone();
    assert_eq!((status(0), status(1)), (json!("Unknown"), json!("NotReady")));
}
