//! Requests that make no sense get a `Status`, never a panic; and the request log.

use serde_json::json;

use super::*;

#[tokio::test]
async fn broken_bodies_are_refused() {
    let client = Client::new("");
    client.config_map("a", &json!({})).await;
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"x\"",
        b"\xff\xfe",
        b"{\"metadata\": 3}",
        b"{\"metadata\": {\"name\": 3}}",
        b"{\"data\": []}",
    ];
    for body in bodies {
        for (method, path) in [("POST", CONFIG_MAPS.to_owned()), ("PUT", "/api/v1/namespaces/shop".to_owned())] {
            let answer = client.send(method, &path, body.to_vec()).await;
            assert_eq!(answer.refusal().0, 400, "{method} {}", String::from_utf8_lossy(body));
        }
        let patch = client
            .with("content-type", "application/merge-patch+json")
            .send("PATCH", &format!("{CONFIG_MAPS}/a"), body.to_vec())
            .await;
        assert!([400, 422].contains(&patch.refusal().0), "{}", String::from_utf8_lossy(body));
    }
    let wrong =
        client.post(CONFIG_MAPS, &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})).await;
    assert_eq!(wrong.refusal().0, 400);
}

#[tokio::test]
async fn a_body_above_the_limit_is_too_large() {
    let answer = Client::new("").send("POST", CONFIG_MAPS, vec![b' '; 3 * 1024 * 1024 + 1]).await;
    assert_eq!(answer.refusal(), (413, "Request entity too large: limit is 3145728"));
}

#[tokio::test]
async fn methods_that_do_not_fit_are_405() {
    let client = Client::new("");
    for (method, path) in [
        ("PUT", CONFIG_MAPS),
        ("PATCH", CONFIG_MAPS),
        ("POST", "/api/v1/namespaces/shop"),
        ("DELETE", "/api/v1/namespaces"),
        ("POST", "/version"),
        ("BREW", CONFIG_MAPS),
    ] {
        assert_eq!(client.send(method, path, "{}").await.refusal().0, 405, "{method} {path}");
    }
}

#[tokio::test]
async fn yaml_is_read_too() {
    let client = Client::new("").with("content-type", "application/yaml");
    let answer = client.send("POST", CONFIG_MAPS, "metadata: {name: a}\ndata: {mode: '0644'}\n").await;
    assert_eq!((answer.code, &answer.body["data"]["mode"]), (201, &json!("0644")));
}

#[tokio::test]
async fn every_request_is_logged_as_one_json_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("requests.jsonl");
    let mut client = Client::new("").with("user-agent", "kubectl/v1.37.1");
    client.server = client.server.clone().log_to(&file).unwrap();
    client.config_map("a", &json!({})).await;
    client.get(&format!("{CONFIG_MAPS}?labelSelector=x&limit=5")).await;
    client.get("/nope").await;
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        (&lines[0]["verb"], &lines[0]["code"], &lines[0]["body"]["metadata"]["name"]),
        (&json!("create"), &json!(201), &json!("a"))
    );
    assert_eq!(lines[0]["bodySha256"].as_str().unwrap().len(), 64);
    assert_eq!((&lines[1]["verb"], &lines[1]["query"]), (&json!("list"), &json!({"labelSelector": "x", "limit": "5"})));
    assert_eq!((&lines[1]["user"], &lines[1]["userAgent"]), (&json!("kubernetes-admin"), &json!("kubectl/v1.37.1")));
    assert_eq!((&lines[2]["code"], &lines[2]["body"]), (&json!(404), &json!(null)));
}

#[tokio::test]
async fn no_shape_of_object_breaks_any_kind() {
    let client = Client::new("");
    let shapes = [
        json!(null),
        json!(-1),
        json!("x"),
        json!([]),
        json!([null, 1, "x", [], {}]),
        json!({}),
        json!({"template": {"spec": {"containers": [{}]}}, "selector": {"matchExpressions": [{}]}, "ports": [{}]}),
        json!({"template": 1, "containers": 1, "ports": 1, "scaleTargetRef": 1}),
        json!({"containers": [{"name": "a", "image": "a", "ports": [{}], "env": [{}], "volumeMounts": [{}]}], "volumes": [{}]}),
    ];
    for resource in crate::schema::RESOURCES.iter() {
        let kind = resource.kind;
        let collection = kind.path(Some("shop"));
        for (at, shape) in shapes.iter().enumerate() {
            let mut object = json!({"metadata": {"name": format!("n{at}")}});
            for field in [
                "spec",
                "status",
                "data",
                "stringData",
                "rules",
                "subjects",
                "roleRef",
                "subsets",
                "ports",
                "endpoints",
                "involvedObject",
            ] {
                object[field] = shape.clone();
            }
            let path = format!("{collection}/n{at}");
            for answer in [
                client.post(&collection, &object).await,
                client.post(&collection, &json!({"metadata": shape, "spec": {}})).await,
                client.merge(&path, &object).await,
                client.patch("application/strategic-merge-patch+json", &path, &object).await,
                client
                    .patch(
                        "application/json-patch+json",
                        &path,
                        &json!([{"op": "add", "path": "/spec", "value": shape}]),
                    )
                    .await,
                client.put(&path, &object).await,
                client.put(&format!("{path}/status"), &object).await,
                client.put(&format!("{path}/scale"), &object).await,
                client.get(&format!("{path}/log")).await,
                client.delete(&path, shape).await,
            ] {
                assert!(
                    answer.code < 500 && (answer.code < 300 || answer.body["kind"] == "Status"),
                    "{path}: {}",
                    answer.text
                );
            }
        }
        client.sandbox.pass(5);
    }
}
