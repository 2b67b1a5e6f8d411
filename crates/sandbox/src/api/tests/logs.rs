//! Logs: containers, instances, parts, following.

use futures::FutureExt as _;

use super::*;

const PODS: &str = "/api/v1/namespaces/shop/pods";

const WORLD: &str = "
logs:
- {match: {container: app}, lines: [one, two, three]}
manifests:
- apiVersion: v1
  kind: Pod
  metadata: {name: pair}
  spec:
    containers: [{name: app, image: 'app:1'}, {name: side, image: 'side:1'}]
- apiVersion: v1
  kind: Pod
  metadata: {name: single}
  spec:
    containers: [{name: app, image: 'app:1'}]
";

fn running(world: &str) -> Client {
    let client = Client::new(world);
    client.sandbox.pass(30);
    client
}

#[tokio::test]
async fn options_choose_a_part_of_the_log() {
    let client = running(WORLD);
    let log = format!("{PODS}/single/log");
    assert_eq!(client.get(&log).await.text, "one\ntwo\nthree\n");
    assert_eq!(client.get(&format!("{log}?tailLines=1")).await.text, "three\n");
    assert_eq!(client.get(&format!("{log}?tailLines=0")).await.text, "");
    assert_eq!(client.get(&format!("{log}?limitBytes=5")).await.text, "one\nt");
    let stamped = client.get(&format!("{log}?timestamps=true&tailLines=1")).await.text;
    let (time, line) = stamped.split_once(' ').unwrap();
    assert_eq!((time.len(), line), ("2026-01-01T00:00:00.000000000Z".len(), "three\n"));
    client.sandbox.pass(100);
    assert_eq!(client.get(&format!("{log}?sinceSeconds=10")).await.text, "");
    let answer = client.get(&format!("{log}?tailLines=-1")).await;
    assert_eq!(
        answer.refusal(),
        (422, r#"PodLogOptions "single" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0"#)
    );
}

#[tokio::test]
async fn the_container_must_be_named_among_several() {
    let client = running(WORLD);
    assert_eq!(
        client.get(&format!("{PODS}/pair/log")).await.refusal(),
        (400, "a container name must be specified for pod pair, choose one of: [app side]")
    );
    assert_eq!(client.get(&format!("{PODS}/pair/log?container=app")).await.text, "one\ntwo\nthree\n");
    assert_eq!(
        client.get(&format!("{PODS}/pair/log?container=nope")).await.refusal(),
        (400, "container nope is not valid for pod pair")
    );
    assert_eq!(client.get(&format!("{PODS}/nope/log")).await.refusal(), (404, r#"pods "nope" not found"#));
}

#[tokio::test]
async fn a_container_that_never_ran_has_no_log_and_no_previous_one() {
    let client = running(&format!("{WORLD}faults:\n- {{match: {{container: side}}, do: {{imagePull: {{}}}}}}\n"));
    let waiting = client.get(&format!("{PODS}/pair/log?container=side")).await;
    let (code, message) = waiting.refusal();
    assert_eq!(code, 400);
    assert!(message.starts_with(r#"container "side" in pod "pair" is waiting to start: "#), "{message}");
    assert_eq!(
        client.get(&format!("{PODS}/single/log?previous=true")).await.refusal(),
        (400, r#"previous terminated container "app" in pod "single" not found"#)
    );
}

#[tokio::test]
async fn after_a_crash_the_last_words_are_there() {
    let crash =
        "faults:\n- {match: {container: app}, do: {crash: {exitCode: 1, after: 1s, logs: ['panic: no redis']}}}\n";
    let client = running(&format!("{WORLD}{crash}"));
    let log = client.get(&format!("{PODS}/single/log?previous=true")).await;
    assert!(log.text.ends_with("panic: no redis\n"), "{}", log.text);
}

#[tokio::test]
async fn a_followed_log_goes_on_until_the_container_ends() {
    let crash = "faults:\n- {match: {container: app}, do: {crash: {exitCode: 1, after: 50s, logs: ['bye']}}}\n";
    let client = running(&format!("{WORLD}{crash}"));
    let mut body = client.open("GET", &format!("{PODS}/single/log?follow=true&tailLines=1"), "").await.into_body();
    let mut read = || body.frame().now_or_never().map(|frame| frame.map(|frame| frame.unwrap().into_data().unwrap()));
    assert_eq!(read(), Some(Some(Bytes::from("three\n"))));
    assert_eq!(read(), None, "nothing more yet");
    client.sandbox.pass(60);
    assert_eq!(read(), Some(Some(Bytes::from("bye\n"))));
    assert_eq!(read(), Some(None));
}
