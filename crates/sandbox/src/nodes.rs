//! Nodes: their objects, the heartbeats that would come from their kubelets, and what the node controller
//! makes of a kubelet that has stopped (`nodeDown`).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::conditions::{self, Condition};
use crate::durations::after;
use crate::events::{Occurrence, Source};
use crate::object::{self, time_text};
use crate::simulation::State;
use crate::store::{Deletion, Key, Part};
use crate::timers::Wake;
use crate::world::{Effect, NodeSpec};

/// How long the node controller waits for a heartbeat (`--node-monitor-grace-period`).
const GRACE_PERIOD: Duration = Duration::from_secs(50);
/// How long pods tolerate an unreachable node (`DefaultTolerationSeconds`).
const TOLERATION: Duration = Duration::from_mins(5);
/// How often a kubelet reports even when nothing changed.
const REPORT_PERIOD: Duration = Duration::from_mins(5);

/// The taint of a node that is cordoned.
const CORDONED: &str = "node.kubernetes.io/unschedulable";

/// Returns the Node that a world declares in short form.
pub(crate) fn object(spec: &NodeSpec, index: usize, now: Timestamp) -> Value {
    let mut labels = json!({
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": spec.name,
        "kubernetes.io/os": "linux",
    });
    if index == 0 {
        labels["node-role.kubernetes.io/control-plane"] = json!("");
    }
    for (key, value) in &spec.labels {
        labels[key] = json!(value);
    }
    let amounts =
        json!({"cpu": spec.cpu, "memory": spec.memory, "pods": spec.pods.to_string(), "ephemeral-storage": "60Gi"});
    let mut node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": spec.name, "labels": labels, "annotations": {
            "node.alpha.kubernetes.io/ttl": "0",
            "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        }},
        "spec": {"podCIDR": format!("10.244.{index}.0/24"), "podCIDRs": [format!("10.244.{index}.0/24")]},
        "status": {
            "capacity": amounts,
            "allocatable": amounts,
            "addresses": [
                {"type": "InternalIP", "address": format!("192.168.49.{}", index + 2)},
                {"type": "Hostname", "address": spec.name},
            ],
            "nodeInfo": {
                "architecture": "amd64",
                "operatingSystem": "linux",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
                "kernelVersion": "6.1.0",
                "containerRuntimeVersion": "containerd://2.1.4",
                "kubeletVersion": "v1.37.1",
                "kubeProxyVersion": "",
                "machineID": "", "systemUUID": "", "bootID": "",
            },
        },
    });
    if spec.unschedulable {
        node["spec"]["unschedulable"] = json!(true);
    }
    if !spec.taints.is_empty() {
        node["spec"]["taints"] = json!(spec.taints);
    }
    report(&mut node["status"], now);
    node
}

/// Writes the conditions of a healthy node.
fn report(status: &mut Value, now: Timestamp) {
    for (kind, state, reason, message) in [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ] {
        let condition = Condition { kind, status: state, reason, message };
        conditions::set(status, &condition, &[("lastHeartbeatTime", json!(time_text(now)))], now);
    }
}

/// Lets a node report, fail, or be found failed.
pub(crate) fn sync(state: &mut State, key: &Key) {
    let Some(node) = state.store.get(key) else { return };
    let now = state.now;
    let Some(failed_at) = failure(state, &node) else {
        state.store.edit(key, Part::Status, now, |node| report(&mut node["status"], now));
        state.wake_after(Wake::Node(key.clone()), REPORT_PERIOD);
        return;
    };
    if now < failed_at {
        state.store.edit(key, Part::Status, now, |node| report(&mut node["status"], now));
        state.timers.schedule(Wake::Node(key.clone()), failed_at.min(after(now, REPORT_PERIOD)));
        return;
    }
    state.kubelet.stopped.insert(key.name.clone());
    let noticed = after(failed_at, GRACE_PERIOD);
    if now < noticed {
        state.timers.schedule(Wake::Node(key.clone()), noticed);
    } else if conditions::find(&node["status"], "Ready").is_some_and(|ready| ready["status"] == "True") {
        lose(state, key, &node);
        state.wake_after(Wake::Node(key.clone()), TOLERATION);
    } else {
        evict(state, key);
    }
}

/// Returns when a fault stops the node's kubelet.
fn failure(state: &State, node: &Value) -> Option<Timestamp> {
    let created: Timestamp = object::metadata_text(node, "creationTimestamp").parse().ok()?;
    state.world.faults.iter().find_map(|fault| match &fault.effect {
        Effect::NodeDown(name) if name == object::name(node) => {
            Some(after(created, fault.when.after_start.unwrap_or_default()))
        }
        _ => None,
    })
}

/// The node controller gives up on a node: conditions become Unknown, the node is tainted, its pods are
/// not ready any more.
fn lose(state: &mut State, key: &Key, node: &Value) {
    let now = state.now;
    state.store.edit(key, Part::Status, now, |node| {
        for kind in ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"] {
            let heartbeat = conditions::find(&node["status"], kind).map(|it| it["lastHeartbeatTime"].clone());
            let condition = Condition {
                kind,
                status: "Unknown",
                reason: "NodeStatusUnknown",
                message: "Kubelet stopped posting node status.",
            };
            conditions::set(
                &mut node["status"],
                &condition,
                &[("lastHeartbeatTime", heartbeat.unwrap_or_default())],
                now,
            );
        }
    });
    state.store.edit(key, Part::Spec, now, |node| {
        let added = ["NoSchedule", "NoExecute"].map(
            |effect| json!({"key": "node.kubernetes.io/unreachable", "effect": effect, "timeAdded": time_text(now)}),
        );
        match node["spec"]["taints"].as_array_mut() {
            Some(taints) => taints.extend(added),
            None => node["spec"]["taints"] = json!(added),
        }
    });
    let source = Source::Controller("node-controller");
    let message = format!("Node {} status is now: NodeNotReady", key.name);
    state.record(&source, node, &Occurrence::normal("NodeNotReady", message));
    for pod in pods_on(state, &key.name) {
        state.store.edit(&Key::of_object(&pod), Part::Status, now, |pod| {
            let condition = Condition { kind: "Ready", status: "False", reason: "", message: "" };
            conditions::set(&mut pod["status"], &condition, &[("lastProbeTime", Value::Null)], now);
        });
        state.record(&source, &pod, &Occurrence::warning("NodeNotReady", "Node is not ready"));
    }
}

/// Gives a cordoned node the taint that says so, and takes it from one that is not.
pub(crate) fn keep_taints(state: &mut State, key: &Key) {
    let Some(node) = state.store.get(key) else { return };
    let is_cordoned = node["spec"]["unschedulable"] == true;
    let taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    let (cordons, mut kept): (Vec<Value>, Vec<Value>) = taints.into_iter().partition(|taint| taint["key"] == CORDONED);
    if is_cordoned != cordons.is_empty() {
        return;
    }
    let now = state.now;
    if is_cordoned {
        kept.push(json!({"key": CORDONED, "effect": "NoSchedule", "timeAdded": time_text(now)}));
    }
    state.store.edit(key, Part::Spec, now, |node| {
        if kept.is_empty() {
            object::map_at(node, "spec").remove("taints");
        } else {
            node["spec"]["taints"] = json!(kept);
        }
    });
}

/// Pods that do not tolerate the taint any longer are deleted; without a kubelet they stay Terminating.
fn evict(state: &mut State, key: &Key) {
    for pod in pods_on(state, &key.name) {
        if object::is_terminating(&pod) {
            continue;
        }
        let pod_key = Key::of_object(&pod);
        let message = format!("Marking for deletion Pod {}/{}", pod_key.namespace, pod_key.name);
        state.record(
            &Source::Controller("taint-eviction-controller"),
            &pod,
            &Occurrence::normal("TaintManagerEviction", message),
        );
        // A pod that is gone already needs no deletion.
        let _deleted = state.store.delete(&pod_key, &Deletion::default(), state.now);
    }
}

fn pods_on(state: &State, node: &str) -> Vec<std::sync::Arc<Value>> {
    let mut pods = state.store.list("", "pods", None);
    pods.retain(|pod| pod["spec"]["nodeName"] == node);
    pods
}
