//! The facts about an object that a person wants first, by kind; for other kinds its spec and status as
//! indented text.
//!
//! The object comes in redacted; nothing in here decides what is secret.

use jiff::Timestamp;
use serde_json::Value;
use todo_agent_core::{ObjectRef, text::count};

use super::LAST_APPLIED;
use crate::{durations, pods::PodStatus, progress, value, workloads};

/// The longest value of a ConfigMap that is shown, in bytes.
const LONGEST_VALUE: usize = 200;

/// Returns the facts as names and values.
pub(super) fn facts(object: &ObjectRef, live: &Value, pods: &[Value], now: Timestamp) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, text: String| {
        if !text.is_empty() && text != "null" {
            facts.push((name.to_owned(), text));
        }
    };
    let created = value::instant(live, "/metadata/creationTimestamp");
    add("age", if created.is_some() { durations::age(created, now) } else { String::new() });
    let deleted = value::instant(live, "/metadata/deletionTimestamp");
    add("being deleted", deleted.map_or_else(String::new, |_| format!("since {}", durations::age(deleted, now))));
    let owner = value::controller(live).map(|(kind, name)| format!("{}/{name}", kind.to_lowercase()));
    add("owner", owner.unwrap_or_default());
    add("labels", pairs(live, "/metadata/labels"));
    if object.resource.kind != "Secret" {
        let annotations = value::entries(live, "/metadata/annotations").filter(|(key, _)| *key != LAST_APPLIED);
        let shown: Vec<String> = annotations.map(|(key, text)| format!("{key}={}", value::plain(text))).collect();
        add("annotations", shown.join("\n"));
    }
    let text = |at: &str| live.pointer(at).map(value::plain).unwrap_or_default();
    match object.resource.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" => {
            add("replicas", replicas(live));
            add("rollout", progress::of(object, live).text().to_owned());
            add("paused", if workloads::is_paused(live) { "yes".to_owned() } else { String::new() });
            let strategy = value::some_text(live, "/spec/strategy/type")
                .or_else(|| value::some_text(live, "/spec/updateStrategy/type"))
                .unwrap_or_default();
            let surge = text("/spec/strategy/rollingUpdate/maxSurge");
            let bounds = if surge.is_empty() {
                String::new()
            } else {
                format!(", at most {surge} more and {} fewer pods", text("/spec/strategy/rollingUpdate/maxUnavailable"))
            };
            add("strategy", format!("{strategy}{bounds}"));
            add("selector", pairs(live, "/spec/selector/matchLabels"));
            add("service account", text("/spec/template/spec/serviceAccountName"));
        }
        "ReplicaSet" => add("replicas", replicas(live)),
        "Pod" => {
            let shown = PodStatus::of(live);
            add("status", format!("{}, {} containers ready", shown.status, shown.ready_text()));
            add("restarts", shown.restarts_text(now));
            add("node", text("/spec/nodeName"));
            add("ip", text("/status/podIP"));
            add("qos", text("/status/qosClass"));
            add("service account", text("/spec/serviceAccountName"));
        }
        "Service" => {
            add("type", text("/spec/type"));
            add("cluster ip", text("/spec/clusterIP"));
            add("ports", service_ports(live));
            add("selector", pairs(live, "/spec/selector"));
            add("sends to", sends_to(live, pods));
        }
        "ConfigMap" => {
            for (key, data) in value::entries(live, "/data") {
                add(key, shortened(&value::plain(data)));
            }
            for (key, _) in value::entries(live, "/binaryData") {
                add(key, "(binary)".to_owned());
            }
        }
        "Secret" => add("values", "never shown".to_owned()),
        "Node" => {
            add("version", text("/status/nodeInfo/kubeletVersion"));
            add("schedulable", if value::is_true(live, "/spec/unschedulable") { "no" } else { "yes" }.to_owned());
            let taint = |taint: &Value| {
                format!(
                    "{}={}:{}",
                    value::text(taint, "/key"),
                    value::text(taint, "/value"),
                    value::text(taint, "/effect")
                )
            };
            add("taints", value::items(live, "/spec/taints").iter().map(taint).collect::<Vec<_>>().join(", "));
            add("allocatable", pairs(live, "/status/allocatable"));
        }
        _ => {
            for part in ["spec", "status", "data", "rules", "subjects", "roleRef", "provisioner", "endpoints"] {
                let shown = live.get(part).map(|part| outline(&without_conditions(part), 0)).unwrap_or_default();
                add(part, shown);
            }
        }
    }
    facts
}

/// Returns the conditions as rows: type, status, since, reason, message.
pub(super) fn conditions(live: &Value, now: Timestamp) -> Vec<Vec<String>> {
    let row = |condition: &Value| {
        let since = value::instant(condition, "/lastTransitionTime");
        vec![
            value::text(condition, "/type").to_owned(),
            value::text(condition, "/status").to_owned(),
            if since.is_some() { durations::age(since, now) } else { "–".to_owned() },
            value::some_text(condition, "/reason").unwrap_or("–").to_owned(),
            value::some_text(condition, "/message").unwrap_or("–").to_owned(),
        ]
    };
    value::items(live, "/status/conditions").iter().map(row).collect()
}

fn replicas(live: &Value) -> String {
    let (desired, ready, available) = (workloads::desired(live), workloads::ready(live), workloads::available(live));
    format!("{desired} wanted, {} updated, {ready} ready, {available} available", workloads::updated(live))
}

fn pairs(live: &Value, at: &str) -> String {
    value::entries(live, at).map(|(key, text)| format!("{key}={}", value::plain(text))).collect::<Vec<_>>().join(", ")
}

fn service_ports(service: &Value) -> String {
    let ports = value::items(service, "/spec/ports").iter().map(|port| {
        let number = value::number(port, "/port").unwrap_or(0);
        let protocol = value::some_text(port, "/protocol").unwrap_or("TCP");
        let target = port.get("targetPort").map_or_else(|| number.to_string(), value::plain);
        let node = value::number(port, "/nodePort").map_or_else(String::new, |node| format!(", node port {node}"));
        format!("{number}/{protocol} → {target}{node}")
    });
    ports.collect::<Vec<_>>().join("\n")
}

fn sends_to(service: &Value, pods: &[Value]) -> String {
    if value::entries(service, "/spec/selector").next().is_none() {
        return "no selector: its endpoints are set by something else".to_owned();
    }
    let ready = pods.iter().filter(|pod| value::condition_holds(pod, "Ready")).count();
    match (pods.len(), ready) {
        (0, _) => "nothing: no pod has the labels of its selector".to_owned(),
        (all, ready) => format!("{}, {ready} ready{}", count(all, "pod"), absent_ports(service, pods)),
    }
}

/// Says which named ports of a Service no container of its pods has: nothing is sent there.
fn absent_ports(service: &Value, pods: &[Value]) -> String {
    let items = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default();
    let containers =
        pods.iter().flat_map(|pod| ["/spec/containers", "/spec/initContainers"].map(|path| items(pod, path))).flatten();
    let declared: Vec<Value> =
        containers.flat_map(|it| items(&it, "/ports")).map(|port| port["name"].clone()).collect();
    let targets = items(service, "/spec/ports").into_iter().map(|port| port["targetPort"].clone());
    targets
        .filter(|target| target.is_string() && !declared.contains(target))
        .map(|target| format!(", but no container has a port named {target}"))
        .collect::<Vec<_>>()
        .concat()
}

fn shortened(text: &str) -> String {
    if text.len() <= LONGEST_VALUE {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST_VALUE);
    format!("{} … ({} bytes in all)", &text[..end], text.len())
}

/// Conditions have a table of their own.
fn without_conditions(part: &Value) -> Value {
    let mut part = part.clone();
    if let Some(fields) = part.as_object_mut() {
        fields.remove("conditions");
    }
    part
}

/// Returns a value as indented text, in the manner of YAML.
fn outline(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let is_leaf = |value: &Value| match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    };
    let lines: Vec<String> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, item)| {
                if is_leaf(item) {
                    format!("{indent}{key}: {}", value::plain(item))
                } else {
                    format!("{indent}{key}:\n{}", outline(item, depth + 1))
                }
            })
            .collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| {
                let text = if is_leaf(item) { value::plain(item) } else { outline(item, depth + 1) };
                format!("{indent}- {}", text.trim_start())
            })
            .collect(),
        other => vec![format!("{indent}{}", value::plain(other))],
    };
    lines.join("\n")
}
