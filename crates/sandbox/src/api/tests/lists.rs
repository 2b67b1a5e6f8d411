//! Lists: selectors, pages, resourceVersions, forms.

use serde_json::json;

use super::*;

async fn three() -> Client {
    let client = Client::new("");
    for (name, tier) in [("a", "front"), ("b", "back"), ("c", "back")] {
        client.config_map(name, &json!({"tier": tier, "test": "yes"})).await;
    }
    client
}

#[tokio::test]
async fn selectors_choose_by_label_and_field() {
    let client = three().await;
    for (query, expected) in [
        ("labelSelector=tier%3Dback", vec!["b", "c"]),
        ("labelSelector=tier+in+(front),test", vec!["a"]),
        ("labelSelector=test,tier%21%3Dfront&fieldSelector=metadata.name%3Dc", vec!["c"]),
        ("labelSelector=nothing%3Dhere", vec![]),
    ] {
        assert_eq!(client.get(&format!("{CONFIG_MAPS}?{query}")).await.names(), expected, "{query}");
    }
    let unknown = client.get(&format!("{CONFIG_MAPS}?fieldSelector=data.a%3D1")).await;
    assert_eq!(
        unknown.refusal(),
        (400, "\"data.a\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
    );
    assert_eq!(client.get(&format!("{CONFIG_MAPS}?labelSelector=a+in")).await.code, 400);
}

#[tokio::test]
async fn a_list_names_its_kind_and_its_items_do_not() {
    let list = three().await.get(&format!("{CONFIG_MAPS}?labelSelector=test")).await.body;
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("ConfigMapList"), &json!("v1")));
    assert!(list["items"][0]["kind"].is_null() && list["items"][0]["apiVersion"].is_null());
}

#[tokio::test]
async fn pages_show_the_state_in_which_the_list_began() {
    let client = three().await;
    let first = client.get(&format!("{CONFIG_MAPS}?limit=2&labelSelector=test")).await;
    assert_eq!(first.names(), ["a", "b"]);
    let token = first.body["metadata"]["continue"].as_str().unwrap();
    client.delete(&format!("{CONFIG_MAPS}/c"), &json!({})).await;
    client.config_map("d", &json!({"test": "yes"})).await;
    let second = client.get(&format!("{CONFIG_MAPS}?limit=2&labelSelector=test&continue={token}")).await;
    assert_eq!(second.names(), ["c"], "as it was when the list began");
    assert_eq!(second.body["metadata"]["resourceVersion"], first.body["metadata"]["resourceVersion"]);
    assert!(second.body["metadata"]["continue"].is_null());
}

#[tokio::test]
async fn a_stale_page_is_expired_and_offers_to_go_on_inconsistently() {
    let client = three().await;
    let first = client.get(&format!("{CONFIG_MAPS}?limit=1&labelSelector=test")).await;
    let token = first.body["metadata"]["continue"].as_str().unwrap().to_owned();
    client.sandbox.state().store.keep_events(1);
    client.config_map("d", &json!({"test": "yes"})).await;
    client.config_map("e", &json!({"test": "yes"})).await;
    let stale = client.get(&format!("{CONFIG_MAPS}?limit=9&labelSelector=test&continue={token}")).await;
    assert_eq!((stale.code, &stale.body["reason"]), (410, &json!("Expired")));
    let token = stale.body["metadata"]["continue"].as_str().unwrap();
    let rest = client.get(&format!("{CONFIG_MAPS}?labelSelector=test&continue={token}")).await;
    assert_eq!(rest.names(), ["b", "c", "d", "e"]);
    assert_eq!(client.get(&format!("{CONFIG_MAPS}?continue=garbage")).await.code, 400);
}

#[tokio::test]
async fn remaining_items_are_counted_without_selectors_only() {
    let client = three().await;
    let all = client.get(&format!("{CONFIG_MAPS}?limit=1")).await.body;
    assert!(all["metadata"]["remainingItemCount"].as_u64().unwrap() >= 2);
    let some = client.get(&format!("{CONFIG_MAPS}?limit=1&labelSelector=test")).await.body;
    assert!(some["metadata"]["remainingItemCount"].is_null());
}

#[tokio::test]
async fn a_version_from_the_future_times_out_and_a_wrong_one_is_refused() {
    let client = three().await;
    let future = client.get(&format!("{CONFIG_MAPS}?resourceVersion=999999")).await;
    assert_eq!((future.code, &future.body["reason"]), (504, &json!("Timeout")));
    assert_eq!(client.get(&format!("{CONFIG_MAPS}?resourceVersion=x")).await.code, 400);
    assert_eq!(client.get(&format!("{CONFIG_MAPS}?resourceVersion=0&labelSelector=test")).await.names().len(), 3);
}

#[tokio::test]
async fn metadata_alone_can_be_listed() {
    let client = three().await.with("accept", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    let list = client.get(&format!("{CONFIG_MAPS}?labelSelector=test")).await.body;
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"][0]["kind"], "PartialObjectMetadata");
    assert!(list["items"][0]["data"].is_null());
}

#[tokio::test]
async fn a_table_is_made_in_the_first_form_that_can_be_given() {
    let client = three().await;
    let path = format!("{CONFIG_MAPS}?labelSelector=test");
    let kubectl = client.with("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
    let table = kubectl.get(&path).await.body;
    assert_eq!((&table["kind"], table["rows"].as_array().unwrap().len()), (&json!("Table"), 3));
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let other = "application/json;as=Table;v=v2;g=meta.k8s.io";
    let fallback = client.with("accept", &format!("{other},application/json"));
    assert_eq!(fallback.get(&path).await.body["kind"], "ConfigMapList");
    assert_eq!(client.with("accept", other).get(&path).await.refusal().0, 406);
    assert_eq!(client.with("accept", "text/html").get(&path).await.refusal().0, 406);
}
