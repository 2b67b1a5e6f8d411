//! Runs the steps of a case against whatever answers requests, in a namespace of its own.

use serde_json::{Value, json};

use super::answer::{Answer, Answers, Request};
use super::case::{Case, Variables};

/// Something that answers requests and lets time pass between them.
pub(crate) trait Target {
    /// Returns the answer to a request.
    async fn send(&self, request: &Request) -> Answer;
    /// Lets a tenth of a second pass.
    async fn pause(&self);
}

/// How often a state is asked for, a tenth of a second apart.
const PATIENCE: usize = 300;

/// Runs a case in a new namespace and removes the namespace again.
pub(crate) async fn case(target: &impl Target, case: &Case, namespace: &str) -> Answers {
    let plain = |method, path: String, body: Value| Request {
        method,
        path,
        headers: vec![("content-type", "application/json".to_owned())],
        body: if body.is_null() { String::new() } else { body.to_string() },
    };
    let made = target.send(&plain("POST", "/api/v1/namespaces".into(), json!({"metadata": {"name": namespace}}))).await;
    assert_eq!(made.code, 201, "{:?}", made.body);
    // What every namespace gets from controllers; nothing can run before it is there.
    for given in ["serviceaccounts/default", "configmaps/kube-root-ca.crt"] {
        let path = format!("/api/v1/namespaces/{namespace}/{given}");
        for _ in 0..50 {
            if target.send(&plain("GET", path.clone(), Value::Null)).await.code == 200 {
                break;
            }
            target.pause().await;
        }
    }
    let mut variables = Variables::from([("ns".to_owned(), namespace.to_owned())]);
    let mut answers = Vec::new();
    for step in &case.steps {
        let request = step.request(&case.objects, &variables);
        let mut answer = target.send(&request).await;
        let mut asked = 1;
        while step.still_waits(&answer.body) {
            // A state that never comes is what the answer shows then, and the comparison tells.
            if asked == PATIENCE {
                break;
            }
            target.pause().await;
            answer = target.send(&request).await;
            asked += 1;
        }
        for (name, pointer) in &step.save {
            let value = answer.body.pointer(pointer).unwrap_or(&Value::Null);
            variables.insert(name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        if !step.unseen {
            answers.push(answer);
        }
    }
    target.send(&plain("DELETE", format!("/api/v1/namespaces/{namespace}"), Value::Null)).await;
    Answers { namespace: namespace.to_owned(), answers }
}
