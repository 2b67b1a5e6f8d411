//! Creating and replacing: identity, defaults, locks, dry runs, validation.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_new_deployment_is_answered_as_it_was_stored_before_controllers_saw_it() {
    let client = Client::new("");
    let answer = client.with("user-agent", "kubectl/v1.37.1 (linux)").post(DEPLOYMENTS, &deployment("web", 2)).await;
    assert_eq!(answer.code, 201);
    let object = &answer.body;
    assert_eq!(object["metadata"]["namespace"], "shop");
    assert_eq!(object["metadata"]["generation"], 1);
    assert_eq!(object["spec"]["strategy"]["type"], "RollingUpdate");
    assert_eq!(object["status"], json!({}));
    let entry = &object["metadata"]["managedFields"][0];
    assert_eq!((&entry["manager"], &entry["operation"]), (&json!("kubectl"), &json!("Update")));
    client.sandbox.pass(60);
    let later = client.get(&format!("{DEPLOYMENTS}/web")).await;
    assert_eq!(later.body["status"]["availableReplicas"], 2);
}

#[tokio::test]
async fn what_exists_cannot_be_created_and_what_does_not_cannot_be_replaced() {
    let client = Client::new("");
    client.config_map("a", &json!({})).await;
    let twice = client.post(CONFIG_MAPS, &json!({"metadata": {"name": "a"}})).await;
    assert_eq!(twice.refusal(), (409, r#"configmaps "a" already exists"#));
    assert_eq!(twice.body["reason"], "AlreadyExists");
    let missing = client.put(&format!("{CONFIG_MAPS}/b"), &json!({"metadata": {"name": "b"}})).await;
    assert_eq!(missing.refusal(), (404, r#"configmaps "b" not found"#));
    assert_eq!(missing.body["details"], json!({"name": "b", "kind": "configmaps"}));
}

#[tokio::test]
async fn a_write_based_on_an_old_version_conflicts() {
    let client = Client::new("");
    let created = client.config_map("a", &json!({})).await.body;
    let path = format!("{CONFIG_MAPS}/a");
    let mut newer = created.clone();
    newer["data"]["a"] = "2".into();
    let stored = client.put(&path, &newer).await;
    assert_eq!((stored.code, &stored.body["data"]["a"]), (200, &json!("2")));
    let late = client.put(&path, &created).await;
    assert_eq!(
        late.refusal(),
        (
            409,
            r#"Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again"#
        )
    );
}

#[tokio::test]
async fn a_dry_run_shows_the_result_and_leaves_no_trace() {
    let client = Client::new("");
    let before = client.get("/api/v1/namespaces").await.body["metadata"]["resourceVersion"].clone();
    let answer = client.post(&format!("{DEPLOYMENTS}?dryRun=All"), &deployment("web", 2)).await;
    assert_eq!((answer.code, &answer.body["spec"]["revisionHistoryLimit"]), (201, &json!(10)));
    assert!(answer.body["metadata"]["resourceVersion"].is_null());
    assert_eq!(client.get("/api/v1/namespaces").await.body["metadata"]["resourceVersion"], before);
    let refused = client.post(&format!("{DEPLOYMENTS}?dryRun=Some"), &deployment("web", 2)).await;
    assert_eq!(refused.code, 422);
}

#[tokio::test]
async fn invalid_objects_are_refused_with_every_cause() {
    let client = Client::new("");
    let mut object = deployment("web", -1);
    object["spec"]["template"]["spec"]["containers"][0]["image"] = "".into();
    let answer = client.post(DEPLOYMENTS, &object).await;
    assert_eq!(
        answer.refusal(),
        (
            422,
            r#"Deployment.apps "web" is invalid: [spec.replicas: Invalid value: -1: must be greater than or equal to 0, spec.template.spec.containers[0].image: Required value]"#
        )
    );
    assert_eq!(answer.body["details"]["causes"][0]["field"], "spec.replicas");
    assert_eq!(
        (&answer.body["details"]["kind"], &answer.body["details"]["group"]),
        (&json!("Deployment"), &json!("apps"))
    );
}

#[tokio::test]
async fn unknown_fields_warn_or_are_refused() {
    let client = Client::new("");
    let mut object = deployment("web", 1);
    object["spec"]["replica"] = 3.into();
    let strict = client.post(&format!("{DEPLOYMENTS}?fieldValidation=Strict"), &object).await;
    assert_eq!(
        strict.refusal(),
        (
            400,
            r#"Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.replica""#
        )
    );
    let warned = client.post(DEPLOYMENTS, &object).await;
    assert_eq!(warned.warnings, [r#"299 - "unknown field \"spec.replica\"""#]);
    assert!(warned.body["spec"]["replica"].is_null());
}

#[tokio::test]
async fn names_are_generated_from_a_prefix() {
    let client = Client::new("");
    let answer = client.post(CONFIG_MAPS, &json!({"metadata": {"generateName": "run-"}})).await;
    let name = answer.body["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("run-") && name.len() == 9, "{name}");
}

#[tokio::test]
async fn the_namespace_must_exist_and_stay() {
    let client = Client::new("");
    let missing = client.post("/api/v1/namespaces/nope/configmaps", &json!({"metadata": {"name": "a"}})).await;
    assert_eq!(missing.refusal(), (404, r#"namespaces "nope" not found"#));
    let other = client.post(CONFIG_MAPS, &json!({"metadata": {"name": "a", "namespace": "other"}})).await;
    assert_eq!(
        other.refusal().1,
        "the namespace of the provided object does not match the namespace sent on the request"
    );
}

#[tokio::test]
async fn status_and_spec_are_written_apart() {
    let client = Client::new("");
    let node = client.get("/api/v1/nodes/minikube").await.body;
    let mut changed = node.clone();
    changed["status"]["phase"] = "Odd".into();
    changed["spec"]["unschedulable"] = true.into();
    let stored = client.put("/api/v1/nodes/minikube/status", &changed).await;
    assert_eq!(stored.code, 200, "{}", stored.text);
    assert_eq!((&stored.body["status"]["phase"], &stored.body["spec"]["unschedulable"]), (&json!("Odd"), &json!(null)));
}

#[tokio::test]
async fn a_service_gets_an_address_and_keeps_it() {
    let client = Client::new("");
    let services = "/api/v1/namespaces/shop/services";
    let service = json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}], "selector": {"app": "web"}}});
    let created = client.post(services, &service).await.body;
    let address = created["spec"]["clusterIP"].as_str().unwrap();
    assert!(address.starts_with("10."), "{address}");
    let replaced = client.put(&format!("{services}/web"), &service).await;
    assert_eq!(replaced.body["spec"]["clusterIP"], address);
    let mut moved = created.clone();
    moved["spec"]["clusterIP"] = "10.96.9.9".into();
    assert_eq!(client.put(&format!("{services}/web"), &moved).await.code, 422);
}

#[tokio::test]
async fn secrets_take_plain_text_and_their_keys_can_be_read_without_their_values() {
    let client = Client::new("");
    let secrets = "/api/v1/namespaces/shop/secrets";
    client.post(secrets, &json!({"metadata": {"name": "s"}, "stringData": {"password": "x"}})).await;
    let full = client.get(&format!("{secrets}/s")).await.body;
    assert_eq!((&full["data"], &full["stringData"]), (&json!({"password": "eA=="}), &json!(null)));
    let partial = client
        .with("accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
        .get(&format!("{secrets}/s"))
        .await
        .body;
    assert_eq!(partial["kind"], "PartialObjectMetadata");
    assert!(partial["data"].is_null());
    assert!(partial["metadata"]["managedFields"][0]["fieldsV1"]["f:data"]["f:password"].is_object());
}
