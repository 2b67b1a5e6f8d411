//! Writing what a kubelet knows about a pod into its status, in the shape and words of the real one.
//!
//! Source: `pkg/kubelet/kubelet_pods.go`, `status/generate.go` and `kuberuntime` of Kubernetes 1.37.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::container::{Container, Ended, Phase, Role};
use super::images;
use super::machine::{Machine, Stage};
use crate::conditions::{self, Condition};
use crate::durations::go_seconds;
use crate::object::{self, time_text};
use crate::random::digest;
use crate::store::{Key, Store};

/// Returns a node's internal address.
pub(crate) fn host_address(store: &Store, node: &str) -> String {
    let key = Key { group: String::new(), plural: "nodes".into(), namespace: String::new(), name: node.into() };
    let node = store.get(&key);
    let addresses = node.as_ref().and_then(|node| node["status"]["addresses"].as_array());
    let internal = addresses.into_iter().flatten().find(|address| address["type"] == "InternalIP");
    internal.and_then(|address| address["address"].as_str()).unwrap_or_default().to_owned()
}

/// Writes the status of a pod.
pub(crate) fn write(pod: &mut Value, machine: &Machine, host: &str, now: Timestamp) {
    let observed = pod["metadata"]["generation"].clone();
    let uid = object::uid(pod).to_owned();
    let main: Vec<Value> = rendered(pod, machine, "containers", &uid);
    let init: Vec<Value> = rendered(pod, machine, "initContainers", &uid);
    let phase = phase(pod, machine);
    let mut status = pod.get_mut("status").map_or(Value::Null, Value::take);
    if !status.is_object() {
        status = json!({});
    }
    status["phase"] = json!(phase);
    status["startTime"] = json!(time_text(machine.started));
    status["hostIP"] = json!(host);
    status["hostIPs"] = json!([{"ip": host}]);
    if observed.is_u64() {
        status["observedGeneration"] = observed;
    }
    if machine.has_sandbox() {
        status["podIP"] = json!(machine.address);
        status["podIPs"] = json!([{"ip": machine.address}]);
    }
    if let Stage::Evicted { message } = &machine.stage {
        status["reason"] = json!("Evicted");
        status["message"] = json!(message);
    }
    status["containerStatuses"] = json!(main);
    status["resources"] = json!({});
    if !init.is_empty() {
        status["initContainerStatuses"] = json!(init);
    }
    write_conditions(&mut status, machine, phase, now);
    object::set(pod, "status", status);
}

/// The kubelet's own conditions, in its order.
const ORDER: [&str; 4] = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"];

fn write_conditions(status: &mut Value, machine: &Machine, phase: &str, now: Timestamp) {
    let mut set = |kind, holds: bool, reason: &str, message: &str| {
        let state = if holds { "True" } else { "False" };
        let (reason, message) = if holds && phase != "Succeeded" { ("", "") } else { (reason, message) };
        let condition = Condition { kind, status: state, reason, message };
        conditions::set(status, &condition, &[("lastProbeTime", Value::Null)], now);
    };
    let has_ended = matches!(phase, "Succeeded" | "Failed");
    let gone = if has_ended { ("PodSandboxNotReady", "pod sandbox is not ready") } else { ("", "") };
    set("PodReadyToStartContainers", machine.has_sandbox() && !has_ended, gone.0, gone.1);
    let names = |containers: &mut dyn Iterator<Item = &Container>| {
        containers.map(|container| container.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    let incomplete = names(&mut machine.init_containers().filter(|container| !container.is_ready()));
    let message = format!("containers with incomplete status: [{incomplete}]");
    match phase {
        "Succeeded" => set("Initialized", true, "PodCompleted", ""),
        _ => set("Initialized", machine.is_initialized(), "ContainersNotInitialized", &message),
    }
    let unready = names(&mut machine.main_containers().filter(|container| !container.is_ready()));
    let message = format!("containers with unready status: [{unready}]");
    let (ready, reason, message) = match phase {
        "Succeeded" => (false, "PodCompleted", ""),
        "Failed" => (false, "PodFailed", ""),
        _ => (unready.is_empty() && machine.is_initialized(), "ContainersNotReady", message.as_str()),
    };
    set("Ready", ready, reason, message);
    set("ContainersReady", ready, reason, message);
    // The kubelet writes its own conditions first, then those of others.
    let observed = status["observedGeneration"].clone();
    let Some(list) = status["conditions"].as_array_mut() else { return };
    list.sort_by_key(|it| ORDER.iter().position(|kind| it["type"] == *kind).unwrap_or(ORDER.len()));
    for condition in list.iter_mut().filter(|_| observed.is_u64()) {
        condition["observedGeneration"] = observed.clone();
    }
}

/// The phase, as `getPhase` derives it from the containers.
fn phase(pod: &Value, machine: &Machine) -> &'static str {
    if matches!(machine.stage, Stage::Evicted { .. }) {
        return "Failed";
    }
    let policy = pod["spec"]["restartPolicy"].as_str().unwrap_or("Always");
    let stopped = |container: &&Container| {
        matches!(container.phase, Phase::Ended { restart: None, .. }) && container.ended.is_some()
    };
    let terminating = matches!(machine.stage, Stage::Stopping { .. });
    if machine.init_containers().filter(stopped).any(|container| !container.is_completed()) && policy == "Never" {
        return "Failed";
    }
    let main: Vec<&Container> = machine.main_containers().collect();
    let waiting = main.iter().any(|container| !container.is_running() && container.ended.is_none());
    if !machine.is_initialized() || waiting {
        return "Pending";
    }
    if main.iter().all(stopped) && (policy != "Always" || terminating) {
        let succeeded = main.iter().all(|container| container.is_completed());
        return if succeeded { "Succeeded" } else { "Failed" };
    }
    "Running"
}

fn rendered(pod: &Value, machine: &Machine, field: &str, uid: &str) -> Vec<Value> {
    let specs = pod["spec"][field].as_array().into_iter().flatten();
    let init = machine.init_containers().count();
    let offset = if field == "containers" { init } else { 0 };
    let containers = &machine.containers[offset.min(machine.containers.len())..];
    let pod_name = format!("{}_{}({uid})", object::name(pod), object::namespace(pod));
    specs
        .zip(containers)
        .map(|(spec, container)| container_status(spec, container, &waiting_reason(machine, container), &pod_name, uid))
        .collect()
}

/// What a container that has never run waits for.
fn waiting_reason(machine: &Machine, container: &Container) -> String {
    let held = container.role == Role::Main && !machine.is_initialized() || {
        // An init container behind another one.
        machine
            .containers
            .iter()
            .take_while(|other| other.name != container.name)
            .any(|other| other.role != Role::Main && !other.is_ready())
    };
    let has_init = machine.init_containers().next().is_some();
    if held || (has_init && container.role == Role::Main) { "PodInitializing" } else { "ContainerCreating" }.to_owned()
}

fn container_status(spec: &Value, container: &Container, waiting: &str, pod: &str, uid: &str) -> Value {
    let image = spec["image"].as_str().unwrap_or_default();
    let id = |instance: u32| container_id(uid, &container.name, instance);
    let (state, last) = state(container, waiting, pod, &id);
    let known = container.instance > 0;
    let mut status = json!({
        "name": container.name,
        "state": state,
        "lastState": last,
        "ready": container.is_ready(),
        "restartCount": container.restarts,
        "image": if container.has_image && known { images::canonical(image) } else { image.to_owned() },
        "imageID": if container.has_image && known { images::image_id(image) } else { String::new() },
        "started": container.is_started(),
    });
    let resources = if known { &spec["resources"] } else { &Value::Null };
    if known {
        status["resources"] = if resources.is_object() { resources.clone() } else { json!({}) };
    }
    if resources["requests"].is_object() {
        status["allocatedResources"] = resources["requests"].clone();
    }
    let mounts: Vec<Value> = if known { mounts(spec) } else { Vec::new() };
    if !mounts.is_empty() {
        status["volumeMounts"] = json!(mounts);
    }
    if known {
        status["containerID"] = json!(id(container.instance));
    }
    status
}

/// Returns the mounts of a running container, as the kubelet reports them.
fn mounts(spec: &Value) -> Vec<Value> {
    let mounts = spec["volumeMounts"].as_array().into_iter().flatten();
    mounts
        .map(|mount| {
            let mut shown = json!({"name": mount["name"], "mountPath": mount["mountPath"]});
            if mount["readOnly"] == true {
                shown["readOnly"] = json!(true);
                shown["recursiveReadOnly"] = json!("Disabled");
            }
            shown
        })
        .collect()
}

fn state(container: &Container, waiting: &str, pod: &str, id: &dyn Fn(u32) -> String) -> (Value, Value) {
    let before =
        container.before.as_ref().map_or_else(|| json!({}), |ended| json!({"terminated": terminated(ended, id)}));
    let waiting_state = |reason: &str, message: &str| {
        let mut state = json!({"waiting": {"reason": reason}});
        if !message.is_empty() {
            state["waiting"]["message"] = json!(message);
        }
        state
    };
    if let Phase::Running { since, .. } = container.phase {
        return (json!({"running": {"startedAt": time_text(since)}}), before);
    }
    if let Some(failure) = &container.pull_failure {
        let last = container.ended.as_ref().map(|ended| json!({"terminated": terminated(ended, id)}));
        return (waiting_state(failure.reason, &failure.message), last.unwrap_or(before));
    }
    if let Phase::Misconfigured { message, .. } = &container.phase {
        let last = container.ended.as_ref().map(|ended| json!({"terminated": terminated(ended, id)}));
        return (waiting_state("CreateContainerConfigError", message), last.unwrap_or(before));
    }
    let Some(ended) = &container.ended else { return (waiting_state(waiting, ""), before) };
    match container.waiting {
        // Both forms occur on Kubernetes 1.37: with a readiness probe the waiting state shows, without one
        // the container stays `terminated` between its restarts and only the BackOff event tells.
        Some(delay) if container.has_readiness => {
            let message =
                format!("back-off {} restarting failed container={} pod={pod}", go_seconds(delay), container.name);
            (waiting_state("CrashLoopBackOff", &message), json!({"terminated": terminated(ended, id)}))
        }
        _ => (json!({"terminated": terminated(ended, id)}), before),
    }
}

fn terminated(ended: &Ended, id: &dyn Fn(u32) -> String) -> Value {
    json!({
        "exitCode": ended.exit_code,
        "reason": ended.reason,
        "startedAt": time_text(ended.started),
        "finishedAt": time_text(ended.finished),
        "containerID": id(ended.instance),
    })
}

fn container_id(uid: &str, container: &str, instance: u32) -> String {
    format!("containerd://{}", digest(&format!("{uid}/{container}/{instance}")))
}
