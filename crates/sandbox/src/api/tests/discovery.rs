//! Discovery in both forms, health, and what is not there.

use serde_json::json;

use super::*;

#[tokio::test]
async fn the_older_form_lists_groups_and_their_resources() {
    let client = Client::new("");
    assert_eq!(client.get("/version").await.body["gitVersion"], "v1.37.1");
    assert_eq!(client.get("/readyz").await.text, "ok");
    assert_eq!(client.get("/api").await.body["versions"], json!(["v1"]));
    let groups = client.get("/apis").await.body;
    assert!(groups["groups"].as_array().unwrap().iter().any(|group| group["name"] == "apps"));
    let apps = client.get("/apis/apps/v1").await.body;
    let entry =
        |name: &str| apps["resources"].as_array().unwrap().iter().find(|it| it["name"] == name).cloned().unwrap();
    assert_eq!(entry("deployments")["shortNames"], json!(["deploy"]));
    assert_eq!(entry("deployments/scale")["group"], "autoscaling");
    assert_eq!(client.get("/apis/apps").await.body["preferredVersion"]["groupVersion"], "apps/v1");
}

#[tokio::test]
async fn the_aggregated_form_holds_everything_at_once() {
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let client = Client::new("").with("accept", accept);
    let answer = client.get("/apis").await;
    assert_eq!(answer.content_type, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    let apps = answer.body["items"].as_array().unwrap().iter().find(|it| it["metadata"]["name"] == "apps").unwrap();
    // In the order of their names: ControllerRevisions and DaemonSets come first.
    let deployments = &apps["versions"][0]["resources"][2];
    assert_eq!((&deployments["resource"], &deployments["scope"]), (&json!("deployments"), &json!("Namespaced")));
    assert_eq!(deployments["subresources"][0]["responseKind"]["kind"], "Scale");
    let core = client.get("/api").await.body;
    assert_eq!(core["items"][0]["versions"][0]["version"], "v1");
}

#[tokio::test]
async fn kinds_that_are_not_simulated_are_not_there() {
    let client = Client::new("");
    for path in ["/api/v1/replicationcontrollers", "/apis/apps/v1beta1/deployments", "/apis/batch/v1beta1/jobs"] {
        let answer = client.get(path).await;
        assert_eq!(answer.refusal(), (404, "the server could not find the requested resource"), "{path}");
    }
    for path in ["/apis/example.com/v1/things", "/nope"] {
        let answer = client.get(path).await;
        assert_eq!((answer.code, answer.text.as_str()), (404, "404 page not found\n"), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_implemented_says_so() {
    let client = Client::new("");
    for path in ["/api/v1/namespaces/shop/pods/a/attach", "/api/v1/namespaces/shop/pods/a/resize"] {
        assert_eq!(client.post(path, &json!({})).await.refusal().0, 501, "{path}");
    }
    let openapi = client.get("/openapi/v2").await;
    assert_eq!(openapi.refusal(), (501, "the sandbox does not implement this: OpenAPI v2; ask for /openapi/v3"));
    let protobuf = client.with("content-type", "application/vnd.kubernetes.protobuf");
    // An envelope around a kind that there is not.
    let answer = protobuf.send("POST", CONFIG_MAPS, "k8s\0\u{a}\u{7}\u{12}\u{5}Thing").await;
    let why = "the sandbox does not implement this: Thing in protobuf; send application/json";
    assert_eq!(answer.refusal(), (501, why));
}

#[tokio::test]
async fn openapi_tells_which_patches_take_field_validation() {
    let client = Client::new("");
    let index = client.get("/openapi/v3").await.body;
    assert_eq!(index["paths"]["apis/apps/v1"]["serverRelativeURL"], "/openapi/v3/apis/apps/v1");
    let apps = client.get("/openapi/v3/apis/apps/v1").await.body;
    let patch = &apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
    let named = |parameter: &serde_json::Value| parameter["name"] == "fieldValidation";
    assert!(patch["parameters"].as_array().unwrap().iter().any(named));
    assert_eq!(client.get("/openapi/v3/apis/batch/v1beta1").await.code, 404);
}

#[tokio::test]
async fn openapi_tells_what_the_fields_mean() {
    let client = Client::new("");
    let apps = client.get("/openapi/v3/apis/apps/v1").await.body;
    let schemas = &apps["components"]["schemas"];
    let replicas = &schemas["io.k8s.api.apps.v1.DeploymentSpec"]["properties"]["replicas"];
    assert!(replicas["description"].as_str().unwrap().starts_with("Number of desired pods."));
    // What a kind is made of is there, whatever group it is of; what only others are made of is not.
    assert!(schemas["io.k8s.api.core.v1.Container"].is_object() && schemas["io.k8s.api.core.v1.Event"].is_null());
    let text = schemas.to_string();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas[name].is_object(), "{name}");
    }
}
