//! Patches of each type, and the scale subresource.

use serde_json::json;

use super::*;

async fn web() -> Client {
    let client = Client::new("");
    assert_eq!(client.post(DEPLOYMENTS, &deployment("web", 1)).await.code, 201);
    client
}

fn web_path() -> String {
    format!("{DEPLOYMENTS}/web")
}

#[tokio::test]
async fn a_merge_patch_replaces_lists_and_removes_with_null() {
    let client = web().await;
    client.merge(&web_path(), &json!({"metadata": {"annotations": {"note": "x"}}})).await;
    let answer =
        client.merge(&web_path(), &json!({"metadata": {"annotations": {"note": null}}, "spec": {"replicas": 2}})).await;
    assert_eq!((answer.code, &answer.body["spec"]["replicas"]), (200, &json!(2)));
    assert!(answer.body["metadata"]["annotations"]["note"].is_null());
    assert_eq!(answer.body["metadata"]["generation"], 2);
}

#[tokio::test]
async fn a_json_patch_tests_before_it_writes() {
    let client = web().await;
    let kind = "application/json-patch+json";
    let scale = |from: i64| json!([{"op": "test", "path": "/spec/replicas", "value": from}, {"op": "replace", "path": "/spec/replicas", "value": 3}]);
    assert_eq!(client.patch(kind, &web_path(), &scale(9)).await.refusal().0, 422);
    assert_eq!(client.patch(kind, &web_path(), &scale(1)).await.body["spec"]["replicas"], 3);
    assert_eq!(client.patch(kind, &web_path(), &json!({"not": "a list"})).await.refusal().0, 400);
}

#[tokio::test]
async fn a_strategic_patch_changes_one_container_of_many() {
    let client = web().await;
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "app:2"}]}}}});
    let answer = client.patch("application/strategic-merge-patch+json", &web_path(), &patch).await;
    let container = &answer.body["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((&container["image"], &container["terminationMessagePolicy"]), (&json!("app:2"), &json!("File")));
}

#[tokio::test]
async fn a_patch_with_an_old_version_conflicts_and_a_wrong_type_is_invalid() {
    let client = web().await;
    let old = json!({"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 2}});
    assert_eq!(client.merge(&web_path(), &old).await.refusal().0, 409);
    let wrong = client.merge(&web_path(), &json!({"spec": {"replicas": "three"}})).await;
    let (code, message) = wrong.refusal();
    assert_eq!(code, 422);
    assert!(
        message
            .contains("json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32")
    );
    assert_eq!(client.merge(&web_path(), &json!({"metadata": {"name": "other"}})).await.refusal().0, 400);
    let selector = client.merge(&web_path(), &json!({"spec": {"selector": {"matchLabels": {"x": "y"}}}})).await;
    assert!(selector.refusal().1.contains("field is immutable"), "{}", selector.text);
}

#[tokio::test]
async fn server_side_apply_is_not_there_and_says_so() {
    let answer = web().await.patch("application/apply-patch+yaml", &web_path(), &json!({})).await;
    assert_eq!(answer.refusal().0, 501);
    assert_eq!(web().await.patch("text/plain", &web_path(), &json!({})).await.refusal().0, 415);
}

#[tokio::test]
async fn a_patch_that_changes_nothing_keeps_the_version() {
    let client = web().await;
    client.sandbox.pass(60);
    let before = client.get(&web_path()).await.body;
    let after = client.merge(&web_path(), &json!({"spec": {"replicas": 1}})).await.body;
    assert_eq!(after["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);
}

#[tokio::test]
async fn scale_reads_and_writes_the_replicas_alone() {
    let client = web().await;
    client.sandbox.pass(30);
    let path = format!("{}/scale", web_path());
    let scale = client.get(&path).await.body;
    assert_eq!((&scale["kind"], &scale["apiVersion"]), (&json!("Scale"), &json!("autoscaling/v1")));
    assert_eq!(scale["status"], json!({"replicas": 1, "selector": "app=web"}));
    let dry = client.merge(&format!("{path}?dryRun=All"), &json!({"spec": {"replicas": 7}})).await;
    assert_eq!(dry.body["spec"]["replicas"], 7);
    assert_eq!(client.get(&path).await.body["spec"]["replicas"], 1);
    let mut wanted = scale.clone();
    wanted["spec"]["replicas"] = 3.into();
    assert_eq!(client.put(&path, &wanted).await.body["spec"]["replicas"], 3);
    client.sandbox.pass(60);
    assert_eq!(client.get(&web_path()).await.body["status"]["availableReplicas"], 3);
    assert_eq!(client.put(&path, &wanted).await.refusal().0, 409, "its version is old by now");
}

#[tokio::test]
async fn a_negative_scale_is_refused_in_the_words_of_the_server() {
    let client = web().await;
    let answer = client.merge(&format!("{}/scale", web_path()), &json!({"spec": {"replicas": -1}})).await;
    assert_eq!(
        answer.refusal(),
        (
            422,
            r#"Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"#
        )
    );
}
