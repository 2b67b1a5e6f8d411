//! Scenarios of the kubelet in virtual time: what a person sees when a container does not do well.

use serde_json::{Value, json};

use crate::conditions;
use crate::simulation::Sandbox;
use crate::testing::{deployment, start};

/// A bare pod with one container, in a world with the given faults.
fn pod_world(container: &str, rest: &str) -> Sandbox {
    start(&format!(
        "manifests:\n- apiVersion: v1\n  kind: Pod\n  metadata: {{name: api, labels: {{app: api}}}}\n  spec:\n    \
         containers:\n    - {{name: api, image: 'api:v1', {container}}}\n{rest}"
    ))
}

fn container(sandbox: &Sandbox) -> Value {
    sandbox.get("pod", "api")["status"]["containerStatuses"][0].clone()
}

const PROBED: &str = "readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 5}";
const CRASH: &str = "faults: [{do: {crash: {exitCode: 3, after: 1s, logs: [boom]}}}]\n";

#[test]
fn a_healthy_pod_runs_and_is_ready_within_seconds() {
    let sandbox = pod_world(PROBED, "");
    sandbox.pass(3);
    let pod = sandbox.get("pod", "api");
    assert_eq!(pod["status"]["phase"], "Running");
    for kind in ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"] {
        assert!(conditions::is_true(&pod["status"], kind), "{kind} of {pod:#}");
    }
    assert_eq!(pod["status"]["hostIP"], "192.168.49.2");
    assert!(pod["status"]["podIP"].as_str().unwrap().starts_with("10.244.0."));
    assert!(container(&sandbox)["state"]["running"]["startedAt"].is_string());
    assert_eq!(
        sandbox.events("Pod"),
        [
            "Scheduled: Successfully assigned shop/api to minikube",
            "Pulled: Container image \"api:v1\" already present on machine and can be accessed by the pod",
            "Created: Container created",
            "Started: Container started",
        ]
    );
}

#[test]
fn an_image_that_is_not_on_the_node_is_pulled() {
    let sandbox = start(
        "nodes: [{name: minikube}]\nmanifests: [{apiVersion: v1, kind: Pod, metadata: {name: api}, spec: {containers: [{name: api, image: 'api:v1'}]}}]",
    );
    sandbox.pass(4);
    let events = sandbox.events("Pod");
    assert_eq!(events[1], "Pulling: Pulling image \"api:v1\"");
    assert!(events[2].starts_with("Pulled: Successfully pulled image \"api:v1\" in "), "{}", events[2]);
}

#[test]
fn a_crash_loop_backs_off_ten_seconds_then_twice_as_long() {
    let sandbox = pod_world(PROBED, CRASH);
    // The first restart comes at once, the second one after a delay.
    sandbox.pass(6);
    let status = container(&sandbox);
    assert_eq!(status["restartCount"], 1);
    assert_eq!(status["state"]["waiting"]["reason"], "CrashLoopBackOff");
    let uid = sandbox.get("pod", "api")["metadata"]["uid"].as_str().unwrap().to_owned();
    assert_eq!(
        status["state"]["waiting"]["message"],
        format!("back-off 10s restarting failed container=api pod=api_shop({uid})")
    );
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 3);
    assert_eq!(status["lastState"]["terminated"]["reason"], "Error");
    sandbox.pass(14);
    let status = container(&sandbox);
    assert_eq!(status["restartCount"], 2);
    assert!(status["state"]["waiting"]["message"].as_str().unwrap().starts_with("back-off 20s"), "{status:#}");
    sandbox.pass(3600);
    let status = container(&sandbox);
    assert!(status["state"]["waiting"]["message"].as_str().unwrap().starts_with("back-off 5m0s"), "{status:#}");
    let back_off = format!("BackOff: Back-off restarting failed container api in pod api_shop({uid}) (x");
    assert!(sandbox.events("Pod").iter().any(|event| event.starts_with(&back_off)), "{:#?}", sandbox.events("Pod"));
}

#[test]
fn without_a_readiness_probe_a_crash_loop_stays_terminated_between_restarts() {
    let sandbox = pod_world("", CRASH);
    sandbox.pass(6);
    let status = container(&sandbox);
    assert_eq!(status["state"]["terminated"]["exitCode"], 3, "{status:#}");
    assert_eq!(status["restartCount"], 1);
    assert_eq!(sandbox.get("pod", "api")["status"]["phase"], "Running");
}

#[test]
fn the_logs_of_a_crashed_container_are_the_previous_ones() {
    let sandbox = pod_world(PROBED, CRASH);
    sandbox.pass(20);
    let read = |previous| {
        let lines = sandbox.state().logs.read("shop", "api", "api", previous).unwrap();
        lines.iter().map(|line| String::from_utf8_lossy(&line.text).into_owned()).collect::<Vec<_>>()
    };
    // It never came to say that it had started.
    assert_eq!(read(true), ["boom"]);
}

#[test]
fn who_crashes_after_a_while_has_said_that_it_started() {
    let sandbox = pod_world(PROBED, "faults: [{when: {afterStart: 1m}, do: {crash: {logs: [boom]}}}]\n");
    sandbox.pass(70);
    let lines = sandbox.state().logs.read("shop", "api", "api", true).unwrap();
    let texts: Vec<_> = lines.iter().map(|line| String::from_utf8_lossy(&line.text)).collect();
    assert_eq!(texts, ["api: started", "boom"]);
}

#[test]
fn ten_healthy_minutes_forget_the_back_off() {
    let sandbox = pod_world(PROBED, "faults: [{when: {afterStart: 15m}, do: {crash: {}}}]\n");
    sandbox.pass(15 * 60 + 3);
    assert_eq!(container(&sandbox)["restartCount"], 1, "restarted at once");
    sandbox.pass(15 * 60 + 3);
    assert_eq!(container(&sandbox)["restartCount"], 2, "at once again");
}

#[test]
fn out_of_memory_is_told_by_reason_and_exit_code() {
    let limited = "resources: {limits: {memory: 256Mi}}";
    let sandbox = pod_world(limited, "faults: [{do: {oom: {after: 1s, usage: 300Mi}}}]\n");
    sandbox.pass(6);
    let terminated = container(&sandbox)["state"]["terminated"].clone();
    assert_eq!((&terminated["reason"], &terminated["exitCode"]), (&json!("OOMKilled"), &json!(137)));
}

#[test]
fn a_missing_image_alternates_between_error_and_back_off() {
    let sandbox = pod_world(PROBED, "faults: [{do: {imagePull: {}}}]\n");
    let mut reasons = Vec::new();
    for _ in 0..60 {
        sandbox.pass(1);
        let reason = container(&sandbox)["state"]["waiting"]["reason"].as_str().unwrap().to_owned();
        if reasons.last() != Some(&reason) {
            reasons.push(reason);
        }
    }
    assert_eq!(reasons[..4], ["ContainerCreating", "ErrImagePull", "ImagePullBackOff", "ErrImagePull"]);
    assert_eq!(sandbox.get("pod", "api")["status"]["phase"], "Pending");
    let events = sandbox.events("Pod");
    for expected in [
        "Failed: Failed to pull image \"api:v1\": rpc error: code = NotFound",
        "Failed: Error: ErrImagePull",
        "Failed: Error: ImagePullBackOff",
        "BackOff: Back-off pulling image \"api:v1\"",
    ] {
        assert!(events.iter().any(|event| event.starts_with(expected)), "{expected}: {events:#?}");
    }
}

#[test]
fn a_missing_secret_holds_the_container_until_it_appears() {
    let sandbox = pod_world("envFrom: [{secretRef: {name: keys}}]", "");
    sandbox.pass(5);
    let waiting = container(&sandbox)["state"]["waiting"].clone();
    assert_eq!(waiting, json!({"reason": "CreateContainerConfigError", "message": "secret \"keys\" not found"}));
    assert!(sandbox.events("Pod").contains(&"Failed: Error: secret \"keys\" not found".to_owned()));
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "shop"}});
    sandbox.state().admit(secret).unwrap();
    sandbox.pass(15);
    assert!(container(&sandbox)["state"]["running"].is_object());
}

#[test]
fn a_missing_volume_keeps_the_pod_creating() {
    let sandbox = start(
        "manifests: [{apiVersion: v1, kind: Pod, metadata: {name: api}, spec: {containers: [{name: api, image: 'api:v1'}], volumes: [{name: tls, secret: {secretName: keys}}]}}]",
    );
    sandbox.pass(10);
    assert_eq!(container(&sandbox)["state"]["waiting"]["reason"], "ContainerCreating");
    let expected = "FailedMount: MountVolume.SetUp failed for volume \"tls\" : secret \"keys\" not found (x";
    assert!(sandbox.events("Pod").iter().any(|event| event.starts_with(expected)), "{:#?}", sandbox.events("Pod"));
}

#[test]
fn a_failing_readiness_probe_takes_the_pod_out_and_is_counted() {
    let sandbox = pod_world(
        PROBED,
        "faults: [{when: {afterStart: 20s}, do: {unready: {message: 'HTTP probe failed with statuscode: 503'}}}]\n",
    );
    sandbox.pass(15);
    assert_eq!(container(&sandbox)["ready"], true);
    sandbox.pass(30);
    let pod = sandbox.get("pod", "api");
    let ready = conditions::find(&pod["status"], "Ready").unwrap();
    assert_eq!(ready["reason"], "ContainersNotReady");
    assert_eq!(ready["message"], "containers with unready status: [api]");
    assert_eq!(container(&sandbox)["restartCount"], 0);
    let expected = "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503 (x";
    assert!(sandbox.events("Pod").iter().any(|event| event.starts_with(expected)));
}

#[test]
fn a_failing_liveness_probe_restarts_the_container() {
    let probes = "livenessProbe: {tcpSocket: {port: 8000}, periodSeconds: 5, failureThreshold: 2}";
    let sandbox = pod_world(probes, "faults: [{when: {afterStart: 10s}, do: {unready: {probe: liveness}}}]\n");
    sandbox.pass(55);
    assert_eq!(container(&sandbox)["restartCount"], 1);
    assert!(
        sandbox.events("Pod").contains(&"Killing: Container api failed liveness probe, will be restarted".to_owned()),
        "{:#?}",
        sandbox.events("Pod")
    );
}

#[test]
fn a_slow_start_is_unready_until_it_is_over() {
    let sandbox = pod_world(PROBED, "faults: [{do: {slowStart: 40s}}]\n");
    sandbox.pass(30);
    assert_eq!(container(&sandbox)["ready"], false);
    sandbox.pass(20);
    assert_eq!(container(&sandbox)["ready"], true);
}

#[test]
fn init_containers_run_first_and_in_order() {
    let sandbox = start(
        "manifests: [{apiVersion: v1, kind: Pod, metadata: {name: api}, spec: {initContainers: [{name: one, image: 'api:v1'}, {name: two, image: 'api:v1'}], containers: [{name: api, image: 'api:v1'}]}}]",
    );
    sandbox.advance(std::time::Duration::from_millis(1500));
    let pod = sandbox.get("pod", "api");
    assert_eq!(container(&sandbox)["state"]["waiting"]["reason"], "PodInitializing");
    let initialized = conditions::find(&pod["status"], "Initialized").unwrap();
    assert_eq!(initialized["reason"], "ContainersNotInitialized");
    sandbox.pass(5);
    let pod = sandbox.get("pod", "api");
    let inits = pod["status"]["initContainerStatuses"].as_array().unwrap();
    assert!(inits.iter().all(|status| status["state"]["terminated"]["reason"] == "Completed"), "{inits:#?}");
    assert!(container(&sandbox)["state"]["running"].is_object());
}

#[test]
fn an_evicted_pod_fails_and_is_replaced() {
    let faults = "faults: [{when: {afterStart: 5s, image: 'api:v1'}, do: {evict: {reason: DiskPressure}}}]\n";
    let sandbox = start(&format!("manifests:\n{}{faults}", deployment("api", 1, "")));
    sandbox.pass(9);
    let pods = sandbox.list("pod");
    let evicted = pods.iter().find(|pod| pod["status"]["phase"] == "Failed").unwrap();
    assert_eq!(evicted["status"]["reason"], "Evicted");
    assert_eq!(pods.len(), 2);
}

#[test]
fn a_deleted_pod_stops_and_goes() {
    let sandbox = pod_world(PROBED, "");
    sandbox.pass(5);
    sandbox.delete("pod", "api");
    assert!(sandbox.get("pod", "api")["metadata"]["deletionTimestamp"].is_string());
    sandbox.pass(3);
    assert_eq!(sandbox.get("pod", "api"), Value::Null);
    assert!(sandbox.events("Pod").contains(&"Killing: Stopping container api".to_owned()));
}

#[test]
fn a_failed_job_pod_is_not_restarted() {
    let text = "manifests: [{apiVersion: v1, kind: Pod, metadata: {name: api}, spec: {restartPolicy: Never, containers: [{name: api, image: 'api:v1'}]}}]\n";
    let sandbox = start(&format!("{text}{CRASH}"));
    sandbox.pass(30);
    let pod = sandbox.get("pod", "api");
    assert_eq!(pod["status"]["phase"], "Failed");
    assert_eq!(conditions::find(&pod["status"], "Ready").unwrap()["reason"], "PodFailed");
    assert_eq!(container(&sandbox)["restartCount"], 0);
}

#[test]
fn a_lost_node_is_noticed_after_its_grace_period() {
    let sandbox = start(&format!(
        "warmUp: 20s\nnodes: [{{name: node-1, images: ['*']}}]\nmanifests:\n{}faults: [{{when: {{afterStart: 30s}}, do: {{nodeDown: node-1}}}}]\n",
        deployment("api", 1, "")
    ));
    sandbox.pass(70);
    let node = sandbox.get("node", "node-1");
    let ready = conditions::find(&node["status"], "Ready").unwrap();
    assert_eq!((&ready["status"], &ready["reason"]), (&json!("Unknown"), &json!("NodeStatusUnknown")));
    assert_eq!(node["spec"]["taints"][1]["effect"], "NoExecute");
    assert!(!conditions::is_true(&sandbox.pod()["status"], "Ready"));
    sandbox.pass(320);
    let waiting = sandbox.list("pod").into_iter().find(|pod| pod["spec"]["nodeName"].is_null()).unwrap();
    let scheduled = conditions::find(&waiting["status"], "PodScheduled").unwrap();
    assert_eq!(
        scheduled["message"],
        "0/1 nodes are available: 1 node(s) had untolerated taint(s). preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    );
}

#[test]
fn a_patched_template_ends_a_fault_that_lasts_until_then() {
    let faults = "faults: [{match: {selector: app=api}, when: {untilPatched: true}, do: {unready: {}}}]\n";
    let sandbox = start(&format!("manifests:\n{}{faults}", deployment("api", 1, "")));
    sandbox.pass(30);
    let available = || sandbox.get("deployment", "api")["status"]["availableReplicas"].clone();
    assert_eq!(available(), Value::Null);
    sandbox.edit("deployment", "api", |it| it["spec"]["replicas"] = json!(2));
    sandbox.pass(30);
    assert_eq!(available(), Value::Null, "a size is not a template");
    sandbox.edit("deployment", "api", |it| {
        it["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "FIXED", "value": "yes"}]);
    });
    sandbox.pass(30);
    assert_eq!(available(), 2);
}

#[test]
fn a_repaired_image_or_limit_ends_the_crash_loop() {
    let faults = "faults: [{when: {image: '*:v1', memoryLimitBelow: 128Mi}, do: {oom: {usage: 100Mi}}}]\n";
    let limit = "image: api:v1\n          resources: {limits: {memory: 64Mi}}";
    let text = deployment("api", 1, "").replace("image: api:v1", limit);
    let sandbox = start(&format!("manifests:\n{text}{faults}"));
    sandbox.pass(60);
    assert!(sandbox.pod()["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap() >= 2);
    sandbox.edit("deployment", "api", |it| {
        it["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = json!("256Mi");
    });
    sandbox.pass(30);
    assert_eq!(sandbox.pod()["status"]["containerStatuses"][0]["restartCount"], 0);
}

#[test]
fn declared_logs_may_be_long_and_of_any_bytes() {
    let logs = "logs: [{match: {container: api}, lines: [one, two], repeat: 5000, base64: '/wD+'}]\n";
    let sandbox = pod_world("", logs);
    sandbox.pass(5);
    let lines = sandbox.state().logs.read("shop", "api", "api", false).unwrap();
    assert_eq!(lines.len(), 10_001);
    assert_eq!(lines[1].text, "two");
    assert_eq!(lines[10_000].text.as_ref(), [0xff, 0x00, 0xfe]);
}
