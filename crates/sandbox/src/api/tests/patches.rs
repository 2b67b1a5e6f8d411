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
async fn an_apply_creates_updates_and_names_who_is_in_the_way() {
    let client = Client::new("");
    let kind = "application/apply-patch+yaml";
    let path = |manager: &str| format!("{}?fieldManager={manager}", web_path());
    let created = client.patch(kind, &path("a"), &deployment("web", 1)).await;
    assert_eq!((created.code, &created.body["spec"]["strategy"]["type"]), (201, &json!("RollingUpdate")));
    let entry = &created.body["metadata"]["managedFields"][0];
    assert_eq!((&entry["manager"], &entry["operation"]), (&json!("a"), &json!("Apply")));
    let updated = client.patch(kind, &path("a"), &deployment("web", 2)).await;
    assert_eq!((updated.code, &updated.body["spec"]["replicas"]), (200, &json!(2)));
    let conflict = client.patch(kind, &path("b"), &deployment("web", 3)).await;
    assert_eq!(conflict.refusal(), (409, r#"Apply failed with 1 conflict: conflict with "a": .spec.replicas"#));
    assert_eq!(
        conflict.body["details"]["causes"],
        json!([{"reason": "FieldManagerConflict", "message": "conflict with \"a\"", "field": ".spec.replicas"}])
    );
    let forced = client.patch(kind, &format!("{}&force=true", path("b")), &deployment("web", 3)).await;
    assert_eq!((forced.code, &forced.body["spec"]["replicas"]), (200, &json!(3)));
    let nobody = client.patch(kind, &web_path(), &deployment("web", 1)).await;
    assert_eq!(
        nobody.refusal(),
        (422, r#"PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch"#)
    );
}

#[tokio::test]
async fn an_apply_of_the_scale_takes_the_replicas() {
    let client = web().await;
    let scale =
        json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 4}});
    let path = format!("{}/scale?fieldManager=hpa", web_path());
    let kind = "application/apply-patch+yaml";
    let conflict = client.patch(kind, &path, &scale).await;
    assert!(conflict.refusal().1.contains(".spec.replicas"), "{}", conflict.text);
    let forced = client.patch(kind, &format!("{path}&force=true"), &scale).await;
    assert_eq!((forced.code, &forced.body["spec"]["replicas"]), (200, &json!(4)));
    let stored = client.get(&web_path()).await.body;
    let entries = stored["metadata"]["managedFields"].as_array().unwrap();
    let own = entries.iter().find(|entry| entry["manager"] == "hpa").unwrap();
    assert_eq!((&own["subresource"], &own["fieldsV1"]), (&json!("scale"), &json!({"f:spec": {"f:replicas": {}}})));
}

#[tokio::test]
async fn a_patch_of_another_type_is_no_patch() {
    assert_eq!(web().await.patch("text/plain", &web_path(), &json!({})).await.refusal().0, 415);
    assert_eq!(web().await.patch("application/apply-patch+cbor", &web_path(), &json!({})).await.refusal().0, 415);
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
