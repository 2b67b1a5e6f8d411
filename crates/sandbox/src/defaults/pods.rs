//! Defaults of pods, pod templates and containers, and the quality-of-service class.

use serde_json::{Map, Value, json};
use todo_agent_kube_rules::quantities::Quantity;

use super::list_mut;
use crate::object::{default, map_at};

/// Fills in a pod: the template's defaults, those of a pod alone, and the usual admission plugins.
pub(crate) fn pod(object: &mut Value) {
    let spec = map_at(object, "spec");
    pod_spec(spec);
    default(spec, "enableServiceLinks", true);
    default(spec, "serviceAccountName", "default");
    mirror_service_account(spec);
    default(spec, "priority", 0);
    default(spec, "preemptionPolicy", "PreemptLowerPriority");
    for list in ["initContainers", "containers"] {
        list_mut(spec.get_mut(list)).for_each(requests_from_limits);
    }
    tolerate_lost_nodes(spec);
}

/// Fills in the pod template of a workload.
pub(super) fn template(workload: &mut Value) {
    let spec = map_at(workload, "spec");
    if let Some(template) = spec.get_mut("template")
        && template.is_object()
    {
        let spec = map_at(template, "spec");
        pod_spec(spec);
        mirror_service_account(spec);
    }
}

fn pod_spec(spec: &mut Map<String, Value>) {
    default(spec, "restartPolicy", "Always");
    default(spec, "terminationGracePeriodSeconds", 30);
    default(spec, "dnsPolicy", "ClusterFirst");
    default(spec, "securityContext", json!({}));
    default(spec, "schedulerName", "default-scheduler");
    let host_network = spec.get("hostNetwork").and_then(Value::as_bool).unwrap_or(false);
    for list in ["initContainers", "containers"] {
        for container in list_mut(spec.get_mut(list)) {
            if let Some(container) = container.as_object_mut() {
                self::container(container, host_network);
            }
        }
    }
    for volume in list_mut(spec.get_mut("volumes")) {
        if let Some(volume) = volume.as_object_mut() {
            self::volume(volume);
        }
    }
}

fn container(container: &mut Map<String, Value>, host_network: bool) {
    let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = if is_latest(image) { "Always" } else { "IfNotPresent" };
    default(container, "imagePullPolicy", policy);
    default(container, "resources", json!({}));
    default(container, "terminationMessagePath", "/dev/termination-log");
    default(container, "terminationMessagePolicy", "File");
    for port in list_mut(container.get_mut("ports")) {
        if let Some(port) = port.as_object_mut() {
            default(port, "protocol", "TCP");
            if host_network && let Some(number) = port.get("containerPort").cloned() {
                default(port, "hostPort", number);
            }
        }
    }
    for entry in list_mut(container.get_mut("env")) {
        if let Some(field) = entry.pointer_mut("/valueFrom/fieldRef").and_then(Value::as_object_mut) {
            default(field, "apiVersion", "v1");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(name).and_then(Value::as_object_mut) {
            default(probe, "timeoutSeconds", 1);
            default(probe, "periodSeconds", 10);
            default(probe, "successThreshold", 1);
            default(probe, "failureThreshold", 3);
            if let Some(get) = probe.get_mut("httpGet").and_then(Value::as_object_mut) {
                default(get, "path", "/");
                default(get, "scheme", "HTTP");
            }
        }
    }
}

fn volume(volume: &mut Map<String, Value>) {
    if volume.len() <= 1 {
        volume.insert("emptyDir".into(), json!({}));
    }
    for source in ["secret", "configMap", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(source).and_then(Value::as_object_mut) {
            default(source, "defaultMode", 0o644);
        }
    }
    let files = volume.get_mut("downwardAPI").and_then(|source| source.get_mut("items"));
    for item in list_mut(files) {
        if let Some(field) = item.get_mut("fieldRef").and_then(Value::as_object_mut) {
            default(field, "apiVersion", "v1");
        }
    }
    if let Some(path) = volume.get_mut("hostPath").and_then(Value::as_object_mut) {
        default(path, "type", "");
    }
}

/// Returns whether an image has the tag `latest`, also by having none.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

/// The deprecated field follows the current one, and the other way round.
fn mirror_service_account(spec: &mut Map<String, Value>) {
    if let Some(name) = spec.get("serviceAccountName").or_else(|| spec.get("serviceAccount")).cloned() {
        default(spec, "serviceAccountName", name.clone());
        spec.insert("serviceAccount".into(), name);
    }
}

fn requests_from_limits(container: &mut Value) {
    let limits = container["resources"]["limits"].clone();
    let Value::Object(limits) = limits else { return };
    let requests = map_at(map_at_value(container, "resources"), "requests");
    for (resource, amount) in limits {
        default(requests, &resource, amount);
    }
}

fn map_at_value<'a>(value: &'a mut Value, field: &str) -> &'a mut Value {
    map_at(value, field);
    &mut value[field]
}

/// The DefaultTolerationSeconds admission plugin.
fn tolerate_lost_nodes(spec: &mut Map<String, Value>) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        default(spec, "tolerations", json!([]));
        let Some(list) = spec.get_mut("tolerations").and_then(Value::as_array_mut) else { return };
        let covers = |entry: &Value| {
            let effect = entry["effect"].as_str().unwrap_or_default();
            let same_key = entry["key"] == key || entry["key"].as_str().unwrap_or_default().is_empty();
            same_key && (effect.is_empty() || effect == "NoExecute")
        };
        if !list.iter().any(covers) {
            list.push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
        }
    }
}

/// Returns the quality-of-service class of a pod's spec: `Guaranteed`, `Burstable` or `BestEffort`.
pub(crate) fn quality_of_service(spec: &Value) -> &'static str {
    let (mut any, mut guaranteed) = (false, true);
    for list in ["initContainers", "containers"] {
        for container in spec[list].as_array().into_iter().flatten() {
            let resources = &container["resources"];
            for name in ["cpu", "memory"] {
                let amount = |kind: &str| {
                    let text = resources[kind][name].as_str()?;
                    text.parse::<Quantity>().ok().filter(|amount| !amount.is_zero())
                };
                let (limit, request) = (amount("limits"), amount("requests"));
                any |= limit.is_some() || request.is_some();
                guaranteed &= limit.is_some() && (request.is_none() || request == limit);
            }
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
