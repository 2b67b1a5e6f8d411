//! What scenario tests share: small worlds, and reading them as a person would.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use todo_agent_kube_rules::kinds;

use crate::simulation::{Options, Sandbox};
use crate::store::{Key, Part};
use crate::world::World;

/// Starts a world from its text, with one node unless it declares its own.
pub(crate) fn start(text: &str) -> Sandbox {
    let nodes = if text.contains("nodes:") { "" } else { "nodes: [{name: minikube, images: ['*']}]\n" };
    let text = format!("namespace: shop\n{nodes}{text}");
    Sandbox::start(World::from_yaml(&text, "test").unwrap(), Options::default()).unwrap()
}

/// Returns a Deployment of `replicas` pods with a readiness probe, for the `manifests` of a world.
pub(crate) fn deployment(name: &str, replicas: u32, extra: &str) -> String {
    format!(
        "- apiVersion: apps/v1
  kind: Deployment
  metadata: {{name: {name}}}
  spec:
    replicas: {replicas}
    selector: {{matchLabels: {{app: {name}}}}}
    {extra}
    template:
      metadata: {{labels: {{app: {name}}}}}
      spec:
        containers:
        - name: {name}
          image: {name}:v1
          ports: [{{name: http, containerPort: 8000}}]
          readinessProbe: {{httpGet: {{path: /health, port: http}}, periodSeconds: 5}}
"
    )
}

impl Sandbox {
    /// Lets seconds pass.
    pub(crate) fn pass(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    /// Returns the key of an object in the namespace of the tests.
    pub(crate) fn key(&self, kind: &str, name: &str) -> Key {
        Key::of(kinds::find(kind).unwrap(), &self.namespace(), name)
    }

    /// Returns an object, `Null` when there is none.
    pub(crate) fn get(&self, kind: &str, name: &str) -> Value {
        let key = self.key(kind, name);
        self.state().store.get(&key).map_or(Value::Null, |object| Value::clone(&object))
    }

    /// Returns the objects of a kind in the namespace of the tests.
    pub(crate) fn list(&self, kind: &str) -> Vec<Arc<Value>> {
        let kind = kinds::find(kind).unwrap();
        let namespace = self.namespace();
        self.state().store.list(kind.group, kind.plural, Some(&namespace))
    }

    /// Returns the objects of a kind in every namespace, or outside of them.
    pub(crate) fn list_everywhere(&self, kind: &str) -> Vec<Arc<Value>> {
        let kind = kinds::find(kind).unwrap();
        self.state().store.list(kind.group, kind.plural, None)
    }

    /// Returns the only pod.
    pub(crate) fn pod(&self) -> Arc<Value> {
        let pods = self.list("pod");
        assert_eq!(pods.len(), 1, "one pod expected");
        Arc::clone(&pods[0])
    }

    /// Changes the spec of an object as a client would.
    pub(crate) fn edit(&self, kind: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let key = self.key(kind, name);
        let now = self.now();
        self.state().store.edit(&key, Part::Spec, now, change).unwrap();
        self.after_write();
    }

    /// Deletes an object as a client would.
    pub(crate) fn delete(&self, kind: &str, name: &str) {
        let (key, now) = (self.key(kind, name), self.now());
        self.state().store.delete(&key, &crate::store::Deletion::default(), now).unwrap();
        self.after_write();
    }

    /// Returns the events about objects of a kind as `reason: message (count)`, oldest first.
    pub(crate) fn events(&self, kind: &str) -> Vec<String> {
        let mut events = self.list("event");
        events.retain(|event| event["involvedObject"]["kind"] == kind);
        events.sort_by_key(|event| event["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap());
        let line = |event: &Arc<Value>| {
            let text = |field: &str| event[field].as_str().unwrap().to_owned();
            let count = event["count"].as_u64().or(event["series"]["count"].as_u64()).unwrap_or(1);
            let times = if count > 1 { format!(" (x{count})") } else { String::new() };
            format!("{}: {}{times}", text("reason"), text("message"))
        };
        events.iter().map(line).collect()
    }
}
