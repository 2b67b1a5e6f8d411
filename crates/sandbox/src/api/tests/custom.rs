//! Custom resources: served as long as their definition is there, in the form that it gives them.

use serde_json::json;

use super::*;
use crate::simulation::Options;
use crate::world::World;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/shop/widgets";

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
                 "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema":
                     {"type": "object", "properties": {"spec": {"type": "object", "properties": {
                         "size": {"type": "integer", "description": "How big it is."}, "color": {"type": "string", "default": "red"}}}}}}}]}
    })
}

fn widget(spec: &Value) -> Value {
    json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec})
}

#[tokio::test]
async fn a_definition_opens_a_path_and_closes_it() {
    let client = Client::new("");
    assert_eq!(client.get(WIDGETS).await.code, 404);
    assert_eq!(client.post(DEFINITIONS, &definition()).await.code, 201);
    client.sandbox.pass(2);
    assert_eq!(client.get("/apis/example.com/v1").await.body["resources"][0]["singularName"], "widget");
    let made = client.post(WIDGETS, &widget(&json!({"size": 1, "shape": "round"}))).await;
    assert_eq!((made.code, &made.body["spec"]), (201, &json!({"size": 1, "color": "red"})));
    assert_eq!(client.merge(&format!("{WIDGETS}/a"), &json!({"spec": {"size": 2}})).await.body["spec"]["size"], 2);
    let refused = client.merge(&format!("{WIDGETS}/a"), &json!({"spec": {"size": "big"}})).await;
    assert_eq!((refused.code, &refused.body["details"]["causes"][0]["field"]), (422, &json!("spec.size")));
    assert_eq!(client.delete(&format!("{DEFINITIONS}/widgets.example.com"), &json!({})).await.code, 200);
    client.sandbox.pass(2);
    assert_eq!(client.get(WIDGETS).await.code, 404);
    client.post(DEFINITIONS, &definition()).await;
    client.sandbox.pass(2);
    assert_eq!(client.get(WIDGETS).await.names(), Vec::<&str>::new(), "what was there went with it");
}

#[tokio::test]
async fn a_world_may_hold_custom_resources_after_their_definition() {
    let world = |manifests: &[Value]| {
        let text = json!({"namespace": "shop", "manifests": manifests}).to_string();
        World::from_yaml(&text, "t").and_then(|world| Sandbox::start(world, Options::default()))
    };
    let sandbox = world(&[definition(), widget(&json!({"size": 1}))]).unwrap();
    let client = Client { server: ApiServer::new(sandbox.clone()), sandbox, headers: Vec::new() };
    assert_eq!(client.get(WIDGETS).await.body["items"][0]["spec"]["color"], "red");
    let wrong = world(&[definition(), widget(&json!({"size": 1, "shape": "round"}))]).err().unwrap().to_string();
    assert!(wrong.contains("spec.shape"), "{wrong}");
    assert!(world(&[widget(&json!({}))]).err().unwrap().to_string().contains("does not know"));
}

#[tokio::test]
async fn what_the_fields_mean_is_published_as_defined() {
    let client = Client::new("");
    assert!(client.get("/openapi/v3").await.body["paths"].get("apis/example.com/v1").is_none());
    client.post(DEFINITIONS, &definition()).await;
    client.sandbox.pass(2);
    let index = client.get("/openapi/v3").await.body;
    assert_eq!(index["paths"]["apis/example.com/v1"]["serverRelativeURL"], "/openapi/v3/apis/example.com/v1");
    let document = client.get("/openapi/v3/apis/example.com/v1").await.body;
    let schemas = &document["components"]["schemas"];
    let widget = &schemas["com.example.v1.Widget"];
    assert_eq!(widget["properties"]["spec"]["properties"]["size"]["description"], "How big it is.");
    assert_eq!(
        widget["x-kubernetes-group-version-kind"],
        json!([{"group": "example.com", "kind": "Widget", "version": "v1"}])
    );
    let meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
    assert!(widget["properties"]["metadata"].to_string().contains(meta) && schemas[meta].is_object());
    assert!(document["paths"]["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"].is_object());
}
