//! What `scale` proposes and what it refuses.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, pod, workload};

fn todo() -> Vec<Value> {
    vec![
        workload("Deployment", "todo", "todo-chatbot-backend", 2),
        workload("Deployment", "todo", "cache", 1),
        workload("StatefulSet", "todo", "cache", 1),
        workload("StatefulSet", "todo", "redis", 3),
        workload("Deployment", "shop", "cart", 1),
    ]
}

async fn propose(args: Value) -> String {
    FakeRun::new(FakeReader::new(todo())).proposed("scale", args).await
}

#[tokio::test]
async fn a_word_and_a_count_become_a_proposal_in_four_requests() {
    let turn = FakeRun::new(FakeReader::new(todo()));
    let proposal = turn.proposed("scale", json!({"workload": "backend", "replicas": 3})).await;
    assert_snapshot!(proposal, @r#"
    scale deployment/todo-chatbot-backend from 2 to 3 replicas
    kubectl scale deployment/todo-chatbot-backend --replicas=3 -n todo
    Fact("backend → deployment/todo-chatbot-backend")
    undo: scale deployment/todo-chatbot-backend back to 2
    "#);
    assert_snapshot!(turn.reader.requests().join("\n"), @r#"
    list /apis/apps/v1/namespaces/todo/deployments metadata
    list /apis/apps/v1/namespaces/todo/statefulsets metadata
    get /apis/apps/v1/namespaces/todo/deployments/todo-chatbot-backend
    list /apis/autoscaling/v2/namespaces/todo/horizontalpodautoscalers
    "#);
}

#[tokio::test]
async fn a_computed_count_is_shown() {
    assert_snapshot!(propose(json!({"workload": "redis", "percent": 50})).await, @r#"
    scale statefulset/redis from 3 to 2 replicas
    kubectl scale statefulset/redis --replicas=2 -n todo
    Fact("50 percent of 3 is 2")
    undo: scale statefulset/redis back to 3
    "#);
    assert_snapshot!(propose(json!({"workload": "backend", "delta": 2})).await, @r#"
    scale deployment/todo-chatbot-backend from 2 to 4 replicas
    kubectl scale deployment/todo-chatbot-backend --replicas=4 -n todo
    Fact("backend → deployment/todo-chatbot-backend")
    Fact("2 more than 2 is 4")
    undo: scale deployment/todo-chatbot-backend back to 2
    "#);
}

#[tokio::test]
async fn a_count_must_be_a_sane_whole_number() {
    for (given, shown) in
        [(json!(-1), "-1"), (json!(3.5), "3.5"), (json!(1e9), "1000000000"), (json!("three"), "\"three\"")]
    {
        let error = propose(json!({"workload": "backend", "replicas": given})).await;
        assert_eq!(error, format!("error: replicas must be a whole number from 0 to 1000, got {shown}"));
    }
    assert_eq!(
        propose(json!({"workload": "backend", "delta": -3})).await,
        "error: 2 -3 is -1; replicas go from 0 to 1000"
    );
    assert_eq!(propose(json!({"workload": "backend"})).await, "error: scale needs one of replicas, delta or percent");
    assert_eq!(
        propose(json!({"workload": "backend", "replicas": 2, "delta": 1})).await,
        "error: scale takes only one of replicas, delta and percent"
    );
}

#[tokio::test]
async fn zero_needs_the_exact_name() {
    assert_eq!(
        propose(json!({"workload": "backend", "replicas": 0})).await,
        "error: scaling to 0 needs an exact name, and \"backend\" is not one\nhint: did you mean deployment/todo-chatbot-backend?"
    );
    assert!(propose(json!({"workload": "backend", "delta": -2})).await.contains("needs an exact name"));
    let exact = propose(json!({"workload": "todo-chatbot-backend", "replicas": 0})).await;
    assert!(exact.starts_with("scale deployment/todo-chatbot-backend from 2 to 0 replicas"), "{exact}");
}

#[tokio::test]
async fn the_present_count_is_nothing_to_do() {
    assert_snapshot!(propose(json!({"workload": "redis", "replicas": 3})).await, @"nothing: statefulset/redis already has 3 replicas (3 available); nothing to change");
}

#[tokio::test]
async fn unknown_and_ambiguous_names_are_explained() {
    assert_snapshot!(propose(json!({"workload": "cache", "replicas": 2})).await, @r#"
    error: "cache" means several things in namespace todo: deployment/cache, statefulset/cache
    hint: name one of them, for example deployment/cache
    "#);
    assert_snapshot!(propose(json!({"workload": "backnd", "replicas": 2})).await, @r#"
    error: there is no deployment or statefulset "backnd" in namespace todo
    hint: did you mean deployment/todo-chatbot-backend?
    "#);
    assert_snapshot!(propose(json!({"workload": "cart", "replicas": 2})).await, @r#"
    error: there is no deployment or statefulset "cart" in namespace todo
    hint: namespace shop has deployment/cart
    "#);
    assert_snapshot!(propose(json!({"workload": "cart", "namespace": "shpo", "replicas": 2})).await, @r#"
    error: namespace "shpo" does not exist
    hint: did you mean shop?
    "#);
    assert_snapshot!(propose(json!({"workload": "service/backend", "replicas": 2})).await, @"error: workload cannot be a service; it is a deployment or a statefulset");
    assert_snapshot!(propose(json!({"workload": "deploymnt/backend", "replicas": 2})).await, @r#"
    error: workload names an unknown kind "deploymnt"
    hint: did you mean deployment?
    "#);
}

#[tokio::test]
async fn a_pod_means_its_workload() {
    let mut objects = todo();
    let mut set = workload("ReplicaSet", "todo", "todo-chatbot-backend-7d8f", 2);
    set["metadata"]["ownerReferences"] =
        json!([{"kind": "Deployment", "name": "todo-chatbot-backend", "controller": true}]);
    objects.push(set);
    objects.push(pod("todo", "todo-chatbot-backend-7d8f-x2x4z", "b", ("ReplicaSet", "todo-chatbot-backend-7d8f")));
    let turn = FakeRun::new(FakeReader::new(objects));
    let args = json!({"workload": "pod/todo-chatbot-backend-7d8f-x2x4z", "replicas": 3});
    assert_snapshot!(turn.proposed("scale", args).await, @r#"
    scale deployment/todo-chatbot-backend from 2 to 3 replicas
    kubectl scale deployment/todo-chatbot-backend --replicas=3 -n todo
    Fact("pod/todo-chatbot-backend-7d8f-x2x4z → deployment/todo-chatbot-backend")
    undo: scale deployment/todo-chatbot-backend back to 2
    "#);
}

#[tokio::test]
async fn pods_of_two_revisions_mean_their_one_workload() {
    let mut objects = vec![workload("Deployment", "todo", "api", 2)];
    for revision in ["b", "c"] {
        let mut set = workload("ReplicaSet", "todo", &format!("api-{revision}"), 1);
        set["metadata"]["ownerReferences"] = json!([{"kind": "Deployment", "name": "api", "controller": true}]);
        objects.push(set);
        objects.push(pod("todo", &format!("api-{revision}-x"), "p", ("ReplicaSet", &format!("api-{revision}"))));
    }
    let turn = FakeRun::new(FakeReader::new(objects));
    let proposal = turn.proposed("scale", json!({"workload": "pod/api", "replicas": 3})).await;
    assert!(proposal.starts_with("scale deployment/api from 2 to 3 replicas"), "{proposal}");
}

#[tokio::test]
async fn a_daemonset_has_no_count() {
    let turn = FakeRun::new(FakeReader::new(vec![workload("DaemonSet", "todo", "agent", 1)]));
    assert_snapshot!(turn.proposed("scale", json!({"workload": "agent", "replicas": 3})).await, @r#"
    error: daemonset/agent runs one pod on every matching node and has no replica count
    hint: change its node selector or the nodes' labels instead
    "#);
}

#[tokio::test]
async fn an_autoscaler_is_named() {
    let backend = workload("Deployment", "todo", "backend", 2);
    let hpa = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "backend", "namespace": "todo"},
        "spec": {"minReplicas": 2, "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "backend"}},
    });
    let turn = FakeRun::new(FakeReader::new(vec![backend.clone(), hpa]));
    assert_snapshot!(turn.proposed("scale", json!({"workload": "backend", "replicas": 8})).await, @r#"
    scale deployment/backend from 2 to 8 replicas
    kubectl scale deployment/backend --replicas=8 -n todo
    KeptBy("horizontalpodautoscaler/backend keeps 2–5 replicas and will set the count again; to have at least 8, change its bounds instead: kubectl patch hpa backend --patch '{\"spec\":{\"minReplicas\":8,\"maxReplicas\":8}}'")
    undo: scale deployment/backend back to 2
    "#);
    let blind = FakeRun::new(FakeReader::new(vec![backend]).forbid("list HorizontalPodAutoscaler"));
    let proposal = blind.proposed("scale", json!({"workload": "backend", "replicas": 8})).await;
    assert!(proposal.contains("autoscalers may not be listed"), "{proposal}");
}

#[tokio::test]
async fn what_may_not_be_listed_may_still_be_named() {
    let partly = FakeRun::new(FakeReader::new(todo()).forbid("list StatefulSet"));
    let proposal = partly.proposed("scale", json!({"workload": "backend", "replicas": 3})).await;
    assert!(proposal.contains("statefulsets may not be listed"), "{proposal}");
    let blind = || FakeReader::new(todo()).forbid("list StatefulSet").forbid("list Deployment").forbid("list Pod");
    let exact =
        FakeRun::new(blind()).proposed("scale", json!({"workload": "todo-chatbot-backend", "replicas": 3})).await;
    assert!(exact.starts_with("scale deployment/todo-chatbot-backend from 2 to 3 replicas"), "{exact}");
    let none = blind().forbid("list ReplicaSet").forbid("list DaemonSet");
    let error = FakeRun::new(none).proposed("scale", json!({"workload": "backend", "replicas": 3})).await;
    assert_eq!(error, "error: you may not list deployments.apps in namespace todo");
}

#[tokio::test]
async fn an_unknown_argument_is_refused() {
    assert_snapshot!(propose(json!({"workload": "backend", "replica": 3})).await, @r#"
    error: scale has no argument "replica"
    hint: did you mean replicas?
    hint: its arguments are workload, namespace, replicas, delta, percent
    "#);
    assert_snapshot!(propose(json!({"workload": "--all", "replicas": 3})).await, @r#"error: workload "--all" starts with "-"; no Kubernetes name does"#);
}
