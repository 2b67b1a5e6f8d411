//! Pods that are not placed, have failed, or lack images and volumes.

use serde_json::{Value, json};

use super::world::*;

#[test]
pub(super) fn images() {
    let creating = waiting("ContainerCreating", "");
    for (rule, message) in [
        (
            31,
            "rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/library/none:1\": failed to resolve reference \"docker.io/library/none:1\": docker.io/library/none:1: not found",
        ),
        (31, "Error response from daemon: manifest for nginx:none not found: manifest unknown: manifest unknown"),
        (
            32,
            "failed to authorize: failed to fetch anonymous token: unexpected status from GET request: failed with status code [manifests 2.0]: 401 Unauthorized",
        ),
        (
            32,
            "Error response from daemon: pull access denied for private/x, repository does not exist or may require 'docker login'",
        ),
        (33, "toomanyrequests: You have reached your unauthenticated pull rate limit"),
        (34, "dial tcp: lookup registry.none on 10.0.0.2:53: no such host"),
        (35, "Get \"https://registry.test/v2/\": dial tcp 192.0.2.1:443: i/o timeout"),
        (36, "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
        (
            36,
            "Error response from daemon: Get \"https://reg:5000/v2/\": http: server gave HTTP response to HTTPS client",
        ),
        (37, "no match for platform in manifest: not found"),
        (37, "no matching manifest for linux/arm64/v8 in the manifest list entries"),
        (40, "failed to extract layer: write /x: no space left on device"),
    ] {
        check(rule, &waiting("ErrImagePull", message), &creating);
        check(
            rule,
            &waiting("ImagePullBackOff", &format!("Back-off pulling image \"x\": ErrImagePull: {message}")),
            &creating,
        );
    }
    // Before 1.31 the back-off hides the reason; the event has it.
    let event = event("web-1", "Pod", "Failed", "Failed to pull image \"x\": toomanyrequests: slow down");
    check(
        33,
        &with(waiting("ImagePullBackOff", "Back-off pulling image \"x\""), vec![event]),
        &waiting("ImagePullBackOff", "Back-off pulling image \"x\""),
    );
    let two = |second: &str| {
        let set = object(
            "ReplicaSet",
            "web",
            json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "shop/web:1"}]}}}, "status": {"readyReplicas": 2}}),
        );
        let pods = [("web-1", "sha256:aa"), ("web-2", second)].map(|(name, digest)| {
            let mut pod = running();
            merge(&mut pod, json!({"metadata": {"name": name, "uid": format!("u-{name}"), "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "uid": "u-web", "controller": true}]}}));
            pod["status"]["containerStatuses"][0]["imageID"] = json!(format!("docker.io/shop/web@{digest}"));
            pod
        });
        (pods.into_iter().chain([set]).collect::<Vec<_>>(), "")
    };
    check(41, &two("sha256:bb"), &two("sha256:aa"));
    check(
        38,
        &waiting("ErrImageNeverPull", "Container image \"x\" is not present with pull policy of Never"),
        &creating,
    );
    for reason in ["InvalidImageName", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"] {
        check(39, &waiting(reason, ""), &creating);
    }
}

#[test]
pub(super) fn scheduling() {
    let other = pending("0/1 nodes are available: 1 something new.");
    for (rule, said) in [
        (42, "1 Insufficient cpu"),
        (42, "1 Insufficient ephemeral-storage"),
        (43, "1 Too many pods"),
        (44, "1 node(s) had untolerated taint(s)"),
        (44, "1 node(s) had untolerated taint {gpu: true}"),
        (44, "1 node(s) had taint {gpu: true}, that the pod didn't tolerate"),
        (45, "1 node(s) didn't match Pod's node affinity/selector"),
        (46, "1 node(s) didn't satisfy existing pods anti-affinity rules"),
        (47, "1 node(s) didn't match pod affinity rules"),
        (48, "1 node(s) didn't match pod topology spread constraints"),
        (49, "1 node(s) didn't have free ports for the requested pod ports"),
        (50, "1 node(s) were unschedulable"),
        (51, "pod has unbound immediate PersistentVolumeClaims. not found"),
        (51, "persistentvolumeclaim \"data\" not found"),
        (52, "1 node(s) had volume node affinity conflict"),
        (52, "1 node(s) exceed max volume count"),
        (56, "1 Insufficient nvidia.com/gpu"),
        (56, "1 cannot allocate all claims"),
    ] {
        check(
            rule,
            &pending(&format!(
                "0/1 nodes are available: {said}. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
            )),
            &other,
        );
    }
    check(
        55,
        &pending("no nodes available to schedule pods"),
        &pending("0/1 nodes are available: 1 Insufficient cpu."),
    );
    let world = |spec: Value, reason: &str| {
        let conditions = if reason.is_empty() {
            json!([])
        } else {
            json!([{"type": "PodScheduled", "status": "False", "reason": reason, "message": ""}])
        };
        let mut pod = pod(
            json!({}),
            json!({"spec": spec, "status": {"phase": "Pending", "conditions": conditions, "containerStatuses": []}}),
        );
        pod["spec"]["nodeName"] = json!("");
        (vec![pod], "")
    };
    check(53, &world(json!({"schedulingGates": [{"name": "x/y"}]}), "SchedulingGated"), &world(json!({}), ""));
    check(54, &world(json!({"schedulerName": "mine"}), ""), &world(json!({"schedulerName": "default-scheduler"}), ""));
}

#[test]
pub(super) fn a_lack_of_cpu_is_told_with_the_numbers_of_the_best_node() {
    let asks = |cpu: &str| json!({"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": cpu}}}]}});
    let mut world = pending("0/1 nodes are available: 1 Insufficient cpu.");
    merge(&mut world.0[0], asks("1500m"));
    let mut taken = running();
    merge(&mut taken, asks("1200m"));
    merge(&mut taken, json!({"metadata": {"name": "web-2", "uid": "u-web-2"}}));
    let found = told(&with(world, vec![taken, node(json!({}))]));
    assert_eq!(
        found[0].cause,
        "pods of pod/web-1 find no node with enough cpu: they ask for 1500m, the most that is free is 800m on node node-1"
    );
    assert_eq!(found[0].remedies[0].to_string(), "set the cpu request of main in pod/web-1 to 800m");
}

fn failed(reason: &str, message: &str) -> World {
    (
        vec![pod(
            json!({}),
            json!({"status": {"phase": "Failed", "reason": reason, "message": message, "containerStatuses": []}}),
        )],
        "",
    )
}

#[test]
pub(super) fn failed_and_deleted_pods() {
    check(62, &failed("OutOfcpu", "Pod was rejected: Node didn't have enough resource: cpu"), &failed("", ""));
    check(62, &failed("NodeAffinity", ""), &failed("Evicted", ""));
    check(63, &failed("Evicted", "The node was low on resource: memory. "), &failed("OutOfcpu", ""));
    let deleted = |at: &str, finalizers: Value, more: Vec<Value>| {
        with((vec![pod(json!({}), json!({"metadata": {"deletionTimestamp": at, "finalizers": finalizers}}))], ""), more)
    };
    check(
        107,
        &deleted(OLD, json!(["example.com/hold"]), vec![]),
        &deleted("2026-11-26T11:59:45Z", json!(["example.com/hold"]), vec![]),
    );
    let hook = event("web-1", "Pod", "FailedPreStopHook", "PreStopHook failed");
    check(28, &deleted(OLD, json!([]), vec![hook]), &deleted(OLD, json!([]), vec![]));
}

#[test]
pub(super) fn mounts() {
    let creating = || waiting("ContainerCreating", "");
    let told = |reason: &str, message: &str| with(creating(), vec![event("web-1", "Pod", reason, message)]);
    // Running pods keep such events of their start.
    let overcome = |reason: &str, message: &str| (vec![running(), event("web-1", "Pod", reason, message)], "");
    for (rule, reason, message) in [
        (65, "FailedMount", "MountVolume.SetUp failed for volume \"v\" : secret \"certs\" not found"),
        (65, "FailedMount", "MountVolume.SetUp failed for volume \"v\" : references non-existent secret key: tls.crt"),
        (67, "FailedAttachVolume", "Multi-Attach error for volume \"pvc-1\" Volume is already used by pod(s) db-0"),
        (68, "FailedMount", "hostPath type check failed: /p is not a directory"),
    ] {
        check(rule, &told(reason, message), &overcome(reason, message));
    }
}

#[test]
pub(super) fn volume_claims() {
    let claim = |class: Value| {
        object(
            "PersistentVolumeClaim",
            "data",
            json!({"spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class, "resources": {"requests": {"storage": "5Gi"}}}, "status": {"phase": "Pending"}}),
        )
    };
    let class = |mode: &str| {
        object(
            "StorageClass",
            "fast",
            json!({"metadata": {"namespace": ""}, "provisioner": "example.com/none", "volumeBindingMode": mode}),
        )
    };
    let uses = json!({"spec": {"nodeName": "", "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}, "status": {"phase": "Pending", "containerStatuses": [],
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu."}]}});
    let silent = event(
        "data",
        "PersistentVolumeClaim",
        "ExternalProvisioning",
        "Waiting for a volume to be created either by the external provisioner",
    );
    check(69, &(vec![claim(json!("quick"))], ""), &(vec![claim(json!("fast")), class("Immediate")], ""));
    check(
        72,
        &(vec![claim(json!("fast")), class("Immediate"), silent.clone()], ""),
        &(vec![claim(json!("fast")), class("WaitForFirstConsumer"), silent], ""),
    );
    check(
        71,
        &(vec![claim(json!("fast")), class("WaitForFirstConsumer"), pod(json!({}), uses)], ""),
        &(vec![claim(json!("fast")), class("WaitForFirstConsumer")], ""),
    );
    let nothing = event(
        "data",
        "PersistentVolumeClaim",
        "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set",
    );
    check(70, &(vec![claim(json!("")), nothing], ""), &(vec![claim(json!(""))], ""));
    let volume = |size: &str| {
        object(
            "PersistentVolume",
            "pv",
            json!({"metadata": {"namespace": ""}, "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": size}, "storageClassName": "hand"}, "status": {"phase": "Available"}}),
        )
    };
    check(73, &(vec![claim(json!("hand")), volume("1Gi")], ""), &(vec![claim(json!("hand")), volume("9Gi")], ""));
    let mut lost = claim(json!("fast"));
    lost["status"]["phase"] = json!("Lost");
    check(75, &(vec![lost], ""), &(vec![claim(json!("fast"))], ""));
}
