//! Workloads, autoscalers, what admission refuses, nodes, configuration.

use serde_json::{Value, json};

use super::world::*;

#[test]
pub(super) fn workloads() {
    let deployment = |name: &str, more: Value| {
        let mut made = object(
            "Deployment",
            name,
            json!({"spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "main"}]}}},
            "status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}}),
        );
        merge(&mut made, more);
        made
    };
    let progressing = |status: &str, reason: &str| {
        deployment(
            "web",
            json!({"status": {"conditions": [{"type": "Progressing", "status": status, "reason": reason}]}}),
        )
    };
    check(
        92,
        &(vec![progressing("False", "ProgressDeadlineExceeded")], ""),
        &(vec![progressing("True", "ReplicaSetUpdated")], ""),
    );
    let set = |name: &str, revision: &str, ready: i64| {
        object(
            "ReplicaSet",
            name,
            json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": revision}, "ownerReferences": [{"kind": "Deployment", "name": "web", "uid": "u-web", "controller": true}]}, "status": {"readyReplicas": ready}}),
        )
    };
    let mut surge = pending("0/1 nodes are available: 1 Insufficient cpu.").0.remove(0);
    merge(
        &mut surge,
        json!({"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "new", "uid": "u-new", "controller": true}]}}),
    );
    let blocked = |unavailable: i64| {
        let mut made = progressing("False", "ProgressDeadlineExceeded");
        merge(&mut made, json!({"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": unavailable}}}}));
        (vec![made, set("old", "1", 1), set("new", "2", 0), surge.clone()], "")
    };
    check(93, &blocked(0), &blocked(1));
    let paused = |updated: i64| {
        (vec![deployment("web", json!({"spec": {"paused": true}, "status": {"updatedReplicas": updated}}))], "")
    };
    check(94, &paused(0), &paused(1));
    let twin = |label: &str| {
        (
            vec![
                deployment("web", json!({})),
                deployment("api", json!({"spec": {"selector": {"matchLabels": {"app": label}}}})),
            ],
            "",
        )
    };
    check(95, &twin("web"), &twin("api"));
    let job = |kind: &str| {
        (
            vec![object(
                "Job",
                "migrate",
                json!({"status": {"conditions": [{"type": kind, "status": "True", "reason": "DeadlineExceeded"}]}}),
            )],
            "",
        )
    };
    check(100, &job("Failed"), &job("Suspended"));
    let budget = |least: i64| {
        (
            vec![object(
                "PodDisruptionBudget",
                "web",
                json!({"spec": {"minAvailable": least}, "status": {"expectedPods": 2, "currentHealthy": 2, "desiredHealthy": least, "disruptionsAllowed": 2 - least}}),
            )],
            "",
        )
    };
    check(106, &budget(2), &budget(1));
    let mut stateful = object(
        "StatefulSet",
        "db",
        json!({"spec": {"replicas": 2}, "status": {"observedGeneration": 1, "replicas": 1}}),
    );
    stateful["metadata"]["uid"] = json!("u-db");
    let mut member = crash(1, "Error").0.remove(0);
    merge(
        &mut member,
        json!({"metadata": {"ownerReferences": [{"kind": "StatefulSet", "name": "db", "uid": "u-db", "controller": true}]}}),
    );
    check(97, &(vec![stateful.clone(), member], ""), &(vec![stateful], ""));
}

#[test]
pub(super) fn autoscalers() {
    let scaler = |kind: &str, status: &str, reason: &str, message: &str| {
        (
            vec![object(
                "HorizontalPodAutoscaler",
                "web",
                json!({"spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 3, "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}]},
            "status": {"currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 95}}}], "conditions": [{"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-11-26T11:59:00Z"}]}}),
            )],
            "",
        )
    };
    let young =
        scaler("ScalingActive", "False", "FailedGetResourceMetric", "no metrics returned from resource metrics API");
    check(
        103,
        &scaler(
            "ScalingActive",
            "False",
            "FailedGetResourceMetric",
            "unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
        ),
        &young,
    );
    check(
        104,
        &scaler(
            "ScalingActive",
            "False",
            "FailedGetResourceMetric",
            "failed to get cpu utilization: missing request for cpu in container main of Pod web-1",
        ),
        &young,
    );
    check(105, &scaler("AbleToScale", "False", "FailedGetScale", "deployments.apps \"web\" not found"), &young);
    check(
        105,
        &scaler("ScalingLimited", "True", "TooManyReplicas", ""),
        &scaler("ScalingLimited", "True", "TooFewReplicas", ""),
    );
}

#[test]
pub(super) fn creation_is_refused() {
    let set = |message: &str| {
        (
            vec![object(
                "ReplicaSet",
                "web",
                json!({"status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]}}),
            )],
            "",
        )
    };
    let other = set("pods \"web-1\" is forbidden: something else");
    for (rule, message) in [
        (57, "pods \"w\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1"),
        (58, "pods \"w\" is forbidden: failed quota: cpu: must specify limits.cpu for: main"),
        (58, "pods \"w\" is forbidden: failed quota: cpu: must specify limits.cpu,requests.memory"),
        (59, "pods \"w\" is forbidden: minimum memory usage per Container is 64Mi, but request is 1Mi"),
        (
            60,
            "pods \"w\" is forbidden: violates PodSecurity \"baseline:v1.30\": privileged (container \"main\" must not set securityContext.privileged=true)",
        ),
        (61, "error looking up service account shop/robot: serviceaccount \"robot\" not found"),
        (61, "pods \"w\" is forbidden: no PriorityClass with name urgent was found"),
        (61, "pod rejected: RuntimeClass \"gvisor\" not found"),
        (
            120,
            "Internal error occurred: failed calling webhook \"x.example.com\": failed to call webhook: Post \"https://x.sys.svc:443/\": dial tcp 10.0.0.9:443: connect: connection refused",
        ),
        (121, "admission webhook \"policy.example.com\" denied the request: no latest tag"),
    ] {
        check(rule, &set(message), &other);
    }
}

#[test]
pub(super) fn nodes() {
    let with = |kind: &str, status: &str| {
        (
            vec![node(
                json!({"status": {"conditions": [{"type": kind, "status": status, "message": "cni plugin not initialized"}]}}),
            )],
            "",
        )
    };
    check(115, &with("Ready", "False"), &with("Ready", "True"));
    check(116, &with("Ready", "Unknown"), &with("Ready", "True"));
    for kind in ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"] {
        check(117, &with(kind, "True"), &with(kind, "False"));
    }
}

#[test]
pub(super) fn configuration() {
    let deployment = object(
        "Deployment",
        "web",
        json!({"spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "main", "envFrom": [{"configMapRef": {"name": "app"}}]}]}}}, "status": {"observedGeneration": 1}}),
    );
    let map = |time: &str| {
        object(
            "ConfigMap",
            "app",
            json!({"metadata": {"managedFields": [{"time": time, "fieldsV1": {"f:data": {"f:URL": {}}}}]}}),
        )
    };
    check(137, &(vec![deployment.clone()], ""), &(vec![deployment.clone(), map(OLD)], ""));
    let mut pod = running();
    merge(
        &mut pod,
        json!({"metadata": {"ownerReferences": [{"kind": "Deployment", "name": "web", "uid": "u-web", "controller": true}]}}),
    );
    check(
        136,
        &(vec![deployment.clone(), pod.clone(), map("2026-11-26T11:30:00Z")], ""),
        &(vec![deployment, pod, map("2026-11-26T10:30:00Z")], ""),
    );
}
