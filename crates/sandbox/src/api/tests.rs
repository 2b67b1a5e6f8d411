//! The API as clients see it: every test sends requests through the service, in process.
//!
//! This file is the client that the tests share; each file below is one subject.

mod access;
mod authors;
mod bad_input;
mod custom;
mod deletes;
mod discovery;
mod lists;
mod logs;
mod patches;
mod sessions;
mod tunnel;
mod watches;
mod writes;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{ApiBody, ApiServer};
use crate::simulation::Sandbox;
use crate::testing;

/// Where the Deployments of the tests are.
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
/// Where the ConfigMaps of the tests are.
const CONFIG_MAPS: &str = "/api/v1/namespaces/shop/configmaps";

/// A client of a sandbox.
struct Client {
    sandbox: Sandbox,
    server: ApiServer,
    headers: Vec<(&'static str, String)>,
}

/// What a request got.
#[derive(Debug)]
struct Answer {
    code: u16,
    body: Value,
    text: String,
    warnings: Vec<String>,
    content_type: String,
}

impl Answer {
    /// Returns code and message of a `Status`.
    fn refusal(&self) -> (u16, &str) {
        assert_eq!(self.body["kind"], "Status", "{}", self.text);
        assert_eq!(self.body["code"], self.code);
        (self.code, self.body["message"].as_str().unwrap())
    }

    fn names(&self) -> Vec<&str> {
        self.body["items"].as_array().unwrap().iter().map(|it| it["metadata"]["name"].as_str().unwrap()).collect()
    }
}

impl Client {
    fn new(world: &str) -> Self {
        let sandbox = testing::start(world);
        Self { server: ApiServer::new(sandbox.clone()), sandbox, headers: Vec::new() }
    }

    /// Returns the same client with one more header.
    fn with(&self, name: &'static str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers.push((name, value.to_owned()));
        Self { sandbox: self.sandbox.clone(), server: self.server.clone(), headers }
    }

    async fn open(&self, method: &str, path: &str, body: impl Into<Bytes>) -> http::Response<ApiBody> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        self.server.clone().oneshot(request).await.unwrap()
    }

    async fn send(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let response = self.open(method, path, body).await;
        let code = response.status().as_u16();
        let header = |name: &str| -> Vec<String> {
            response.headers().get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
        };
        let (warnings, content_type) = (header("warning"), header("content-type").concat());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { code, body: serde_json::from_str(&text).unwrap_or_default(), text, warnings, content_type }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body.to_string()).await
    }

    async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, body.to_string()).await
    }

    async fn delete(&self, path: &str, options: &Value) -> Answer {
        self.send("DELETE", path, options.to_string()).await
    }

    async fn patch(&self, kind: &str, path: &str, body: &Value) -> Answer {
        self.with("content-type", kind).send("PATCH", path, body.to_string()).await
    }

    async fn merge(&self, path: &str, body: &Value) -> Answer {
        self.patch("application/merge-patch+json", path, body).await
    }

    async fn config_map(&self, name: &str, labels: &Value) -> Answer {
        let answer =
            self.post(CONFIG_MAPS, &json!({"metadata": {"name": name, "labels": labels}, "data": {"a": "1"}})).await;
        assert_eq!(answer.code, 201, "{}", answer.text);
        answer
    }
}

/// A Deployment as a person would write it.
fn deployment(name: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}},
                         "spec": {"containers": [{"name": "app", "image": "app:1"}]}}
        }
    })
}
