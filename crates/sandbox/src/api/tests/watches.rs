//! Watches: where they begin, what selectors make of changes, bookmarks, the end.

use std::time::Duration;

use futures::FutureExt as _;
use serde_json::json;

use super::*;

/// A watch in progress, read line by line without waiting.
struct Lines(ApiBody, Vec<u8>);

impl Lines {
    async fn open(client: &Client, query: &str) -> Self {
        let response = client.open("GET", &format!("{CONFIG_MAPS}?watch=true&{query}"), "").await;
        assert_eq!(response.status().as_u16(), 200);
        Self(response.into_body(), Vec::new())
    }

    /// Returns what has arrived by now as `TYPE name`, and whether the watch is over.
    fn read(&mut self) -> (Vec<String>, bool) {
        let mut over = false;
        loop {
            match self.0.frame().now_or_never() {
                Some(Some(frame)) => self.1.extend(frame.unwrap().into_data().unwrap()),
                Some(None) => {
                    over = true;
                    break;
                }
                None => break,
            }
        }
        let text = String::from_utf8(std::mem::take(&mut self.1)).unwrap();
        let line = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap();
            let object = &event["object"];
            let what = object["metadata"]["name"].as_str().or(object["reason"].as_str()).unwrap_or_default();
            format!("{} {what}", event["type"].as_str().unwrap()).trim().to_owned()
        };
        (text.lines().map(line).collect(), over)
    }
}

#[tokio::test]
async fn without_a_version_a_watch_begins_with_what_is_there() {
    let client = Client::new("");
    client.config_map("a", &json!({"test": "yes"})).await;
    let mut lines = Lines::open(&client, "labelSelector=test").await;
    assert_eq!(lines.read().0, ["ADDED a"]);
    client.config_map("b", &json!({"test": "yes"})).await;
    assert_eq!(lines.read().0, ["ADDED b"]);
}

#[tokio::test]
async fn from_a_version_a_watch_shows_what_came_after_it() {
    let client = Client::new("");
    let first = client.config_map("a", &json!({"test": "yes"})).await.body;
    client.merge(&format!("{CONFIG_MAPS}/a"), &json!({"data": {"a": "2"}})).await;
    client.delete(&format!("{CONFIG_MAPS}/a"), &json!({})).await;
    let version = first["metadata"]["resourceVersion"].as_str().unwrap();
    let mut lines = Lines::open(&client, &format!("labelSelector=test&resourceVersion={version}")).await;
    assert_eq!(lines.read().0, ["MODIFIED a", "DELETED a"]);
}

#[tokio::test]
async fn an_object_that_begins_or_ceases_to_match_is_added_or_deleted() {
    let client = Client::new("");
    client.config_map("a", &json!({"tier": "back"})).await;
    let mut lines = Lines::open(&client, "labelSelector=tier%3Dfront").await;
    assert!(lines.read().0.is_empty());
    client.merge(&format!("{CONFIG_MAPS}/a"), &json!({"metadata": {"labels": {"tier": "front"}}})).await;
    assert_eq!(lines.read().0, ["ADDED a"]);
    client.merge(&format!("{CONFIG_MAPS}/a"), &json!({"metadata": {"labels": {"tier": "back"}}})).await;
    assert_eq!(lines.read().0, ["DELETED a"]);
}

#[tokio::test]
async fn a_forgotten_version_is_an_error_event_and_the_end() {
    let client = Client::new("");
    let first = client.config_map("a", &json!({})).await.body;
    client.sandbox.state().store.keep_events(1);
    client.config_map("b", &json!({})).await;
    client.config_map("c", &json!({})).await;
    let version = first["metadata"]["resourceVersion"].as_str().unwrap();
    let mut lines = Lines::open(&client, &format!("resourceVersion={version}")).await;
    assert_eq!(lines.read(), (vec!["ERROR Expired".to_owned()], true));
}

#[tokio::test]
async fn bookmarks_come_each_minute_and_before_the_end_of_simulated_time() {
    let client = Client::new("");
    let mut lines =
        Lines::open(&client, "labelSelector=none&allowWatchBookmarks=true&timeoutSeconds=90&resourceVersion=1").await;
    assert_eq!(lines.read(), (vec![], false));
    client.sandbox.advance(Duration::from_secs(61));
    assert_eq!(lines.read(), (vec!["BOOKMARK".to_owned()], false));
    client.sandbox.advance(Duration::from_secs(30));
    assert_eq!(lines.read(), (vec!["BOOKMARK".to_owned()], true));
}

#[tokio::test]
async fn a_streaming_list_ends_its_initial_events_with_a_bookmark() {
    let client = Client::new("");
    client.config_map("a", &json!({"test": "yes"})).await;
    let query = "labelSelector=test&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    assert_eq!(Lines::open(&client, query).await.read().0, ["ADDED a", "BOOKMARK"]);
}

#[tokio::test]
async fn a_watch_sees_what_controllers_do() {
    let client = Client::new("");
    let pods = "/api/v1/namespaces/shop/pods?watch=1&labelSelector=app%3Dweb";
    let mut lines = Lines(client.open("GET", pods, "").await.into_body(), Vec::new());
    client.post(DEPLOYMENTS, &deployment("web", 1)).await;
    client.sandbox.pass(30);
    let (events, _) = lines.read();
    assert!(events[0].starts_with("ADDED web-"), "{events:?}");
    assert!(events.iter().filter(|event| event.starts_with("MODIFIED web-")).count() >= 2, "{events:?}");
}

#[tokio::test]
async fn the_end_of_the_initial_events_is_told_only_to_who_wants_bookmarks() {
    let client = Client::new("");
    client.config_map("a", &json!({"test": "yes"})).await;
    let streaming = "labelSelector=test&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    assert_eq!(Lines::open(&client, streaming).await.read().0, ["ADDED a"]);
    // A watch without a version streams its list like one that asks for it.
    assert_eq!(
        Lines::open(&client, "labelSelector=test&allowWatchBookmarks=1").await.read().0,
        ["ADDED a", "BOOKMARK"]
    );
}
