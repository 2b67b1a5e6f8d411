//! Deletion: answers, propagation, preconditions, collections, namespaces.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_completed_deletion_is_a_success_status() {
    let client = Client::new("");
    let uid = client.config_map("a", &json!({})).await.body["metadata"]["uid"].clone();
    let answer = client.delete(&format!("{CONFIG_MAPS}/a"), &json!({})).await;
    assert_eq!((answer.code, &answer.body["status"]), (200, &json!("Success")));
    assert_eq!(answer.body["details"], json!({"name": "a", "kind": "configmaps", "uid": uid}));
    assert_eq!(client.get(&format!("{CONFIG_MAPS}/a")).await.code, 404);
}

#[tokio::test]
async fn pods_of_a_deleted_deployment_follow_unless_orphaned() {
    for (policy, left) in [("Background", 0), ("Foreground", 0), ("Orphan", 2)] {
        let client = Client::new("");
        client.post(DEPLOYMENTS, &deployment("web", 2)).await;
        client.sandbox.pass(30);
        let answer = client.delete(&format!("{DEPLOYMENTS}/web"), &json!({"propagationPolicy": policy})).await;
        assert_eq!(answer.code, 200);
        client.sandbox.pass(60);
        assert_eq!(client.get(&format!("{DEPLOYMENTS}/web")).await.code, 404, "{policy}");
        let pods = client.get("/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb").await;
        assert_eq!(pods.names().len(), left, "{policy}");
    }
}

#[tokio::test]
async fn a_running_pod_is_answered_terminating_and_goes_after_its_grace() {
    let client = Client::new("");
    client.post(DEPLOYMENTS, &deployment("web", 1)).await;
    client.sandbox.pass(30);
    let pods = "/api/v1/namespaces/shop/pods";
    let list = client.get(pods).await;
    let path = format!("{pods}/{}", list.names()[0]);
    let answer = client.delete(&path, &json!({"gracePeriodSeconds": 5})).await;
    assert_eq!(answer.body["metadata"]["deletionGracePeriodSeconds"], 5);
    assert_eq!(client.get(&path).await.code, 200);
    client.sandbox.pass(60);
    assert_eq!(client.get(&path).await.code, 404);
}

#[tokio::test]
async fn preconditions_and_dry_runs_spare_the_object() {
    let client = Client::new("");
    client.config_map("a", &json!({})).await;
    let path = format!("{CONFIG_MAPS}/a");
    let other = client.delete(&path, &json!({"preconditions": {"uid": "other"}})).await;
    let (code, message) = other.refusal();
    assert_eq!(code, 409);
    assert!(message.contains("the UID in the precondition (other) does not match the UID in record"), "{message}");
    assert_eq!(client.delete(&path, &json!({"dryRun": ["All"]})).await.code, 200);
    assert_eq!(client.get(&path).await.code, 200);
    let odd = client.delete(&path, &json!({"propagationPolicy": "Sideways"})).await;
    assert_eq!(
        odd.refusal(),
        (
            422,
            r#"DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil""#
        )
    );
}

#[tokio::test]
async fn a_collection_is_deleted_by_selector_and_answered_as_a_list() {
    let client = Client::new("");
    for (name, tier) in [("a", "x"), ("b", "x"), ("c", "y")] {
        client.config_map(name, &json!({"tier": tier})).await;
    }
    let answer = client.delete(&format!("{CONFIG_MAPS}?labelSelector=tier%3Dx"), &json!({})).await;
    assert_eq!((&answer.body["kind"], answer.names()), (&json!("ConfigMapList"), vec!["a", "b"]));
    assert_eq!(client.get(&format!("{CONFIG_MAPS}?labelSelector=tier")).await.names(), ["c"]);
}

#[tokio::test]
async fn a_namespace_terminates_and_takes_its_content_along() {
    let client = Client::new("");
    client.post("/api/v1/namespaces", &json!({"metadata": {"name": "temporary"}})).await;
    let inside = "/api/v1/namespaces/temporary/configmaps";
    let kept = json!({"metadata": {"name": "a", "finalizers": ["example.com/hold"]}});
    client.post(inside, &kept).await;
    let answer = client.delete("/api/v1/namespaces/temporary", &json!({})).await;
    assert_eq!(answer.body["status"]["phase"], "Terminating");
    client.sandbox.pass(30);
    let refused = client.post(inside, &json!({"metadata": {"name": "b"}})).await;
    assert_eq!(
        refused.refusal(),
        (
            403,
            r#"configmaps "b" is forbidden: unable to create new content in namespace temporary because it is being terminated"#
        )
    );
    client.merge(&format!("{inside}/a"), &json!({"metadata": {"finalizers": null}})).await;
    client.sandbox.pass(30);
    assert_eq!(client.get("/api/v1/namespaces/temporary").await.code, 404);
}
