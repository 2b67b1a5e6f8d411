//! Containers that end, wait or are not ready: exit codes, runtimes, probes, logs.

use serde_json::{Value, json};

use super::world::*;

#[test]
pub(super) fn endings_by_exit_code() {
    for (rule, code) in
        [(1, 0), (3, 2), (5, 126), (6, 127), (9, 132), (10, 134), (16, 139), (17, 143), (18, 129), (18, 137)]
    {
        check(rule, &crash(code, "Error"), &crash(1, "Error"));
    }
    check(2, &crash(1, "Error"), &crash(0, "Completed"));
    // A single restart some time ago is no crash loop.
    let once = json!({"ready": true, "restartCount": 1, "state": {"running": {"startedAt": OLD}}, "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": OLD}}});
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    check(2, &crash(1, "Error"), &(vec![pod(once, ready.clone())], ""));
    let flapping = json!({"ready": true, "restartCount": 9, "state": {"running": {"startedAt": NOW}}, "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-26T11:58:00Z"}}});
    check(114, &(vec![pod(flapping, ready)], ""), &crash(1, "Error"));
}

#[test]
pub(super) fn memory() {
    let limited = |limits: Value| {
        (
            vec![pod(
                ended(137, "OOMKilled"),
                json!({"spec": {"containers": [{"name": "main", "resources": {"limits": limits}}]}}),
            )],
            "",
        )
    };
    check(11, &limited(json!({"memory": "64Mi"})), &limited(json!({})));
    check(13, &limited(json!({})), &limited(json!({"memory": "64Mi"})));
    let kernel = |at: &str| {
        let mut node = node(json!({}));
        node["metadata"]["uid"] = json!("u-node-1");
        let mut oom = event("node-1", "Node", "SystemOOM", "System OOM encountered, victim process: worker");
        oom["lastTimestamp"] = json!(at);
        with(crash(1, "Error"), vec![node, oom])
    };
    check(12, &kernel("2026-11-26T11:59:01Z"), &kernel("2026-11-26T11:20:00Z"));
    // A pod that runs again was killed all the same.
    let again = json!({"ready": true, "restartCount": 1, "state": {"running": {"startedAt": NOW}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-26T11:00:00Z"}}});
    let limit = json!({"spec": {"containers": [{"name": "main", "resources": {"limits": {"memory": "64Mi"}}}]}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    assert!(tells(&(vec![pod(again, limit)], ""), 11));
}

#[test]
pub(super) fn runtimes_say_the_same_in_other_words() {
    for (rule, reason, message) in [
        (
            7,
            "RunContainerError",
            "failed to start container \"x\": Error response from daemon: failed to create task for container: exec: \"serve\": executable file not found in $PATH: unknown",
        ),
        (
            7,
            "RunContainerError",
            "OCI runtime create failed: exec: \"/opt/x\": stat /opt/x: no such file or directory: unknown",
        ),
        (5, "RunContainerError", "OCI runtime create failed: exec: \"/app/run\": permission denied: unknown"),
        (
            26,
            "RunContainerError",
            "runc create failed: error mounting \"/x\" to rootfs at \"/etc/passwd\": not a directory",
        ),
        (24, "CreateContainerConfigError", "failed to prepare subPath for volumeMount \"v\" of container \"main\""),
        (25, "CreateContainerError", "Error response from daemon: No command specified: no command specified"),
        (25, "CreateContainerError", "failed to reserve container name \"x\": name \"x\" is reserved for \"y\""),
        (
            23,
            "CreateContainerConfigError",
            "container has runAsNonRoot and image has non-numeric user (node), cannot verify user is non-root",
        ),
        (20, "CreateContainerConfigError", "secret \"db\" not found"),
        (21, "CreateContainerConfigError", "configmap \"app\" not found"),
        (22, "CreateContainerConfigError", "couldn't find key URL in Secret shop/db"),
        (27, "PostStartHookError", "command 'sh -c exit 7' exited with 7"),
    ] {
        check(rule, &waiting(reason, message), &waiting("ContainerCreating", ""));
    }
    let unknown = (vec![pod(ended(137, "ContainerStatusUnknown"), json!({}))], "");
    check(19, &unknown, &crash(137, "Error"));
    check(
        8,
        &with(logged("exec /app/server: exec format error\n"), vec![node(json!({}))]),
        &logged("exec: bad format\n"),
    );
    check(
        4,
        &(vec![pod(ended(3, "Error"), json!({}))], "Terminating due to java.lang.OutOfMemoryError: Java heap space\n"),
        &crash(3, "Error"),
    );
}

#[test]
pub(super) fn probes_kill() {
    let killed = |message: &str| with(crash(137, "Error"), vec![event("web-1", "Pod", "Killing", message)]);
    check(14, &killed("Container main failed liveness probe, will be restarted"), &killed("Stopping container main"));
    check(
        14,
        &killed(
            "Killing container with id docker://main:Container failed liveness probe.. Container will be killed and recreated.",
        ),
        &killed("Stopping container main"),
    );
    check(15, &killed("Container main failed startup probe, will be restarted"), &killed("Stopping container main"));
    let slow = event(
        "web-1",
        "Pod",
        "Unhealthy",
        "Liveness probe failed: Get \"http://10.0.0.1:8080/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
    );
    let refused = event(
        "web-1",
        "Pod",
        "Unhealthy",
        "Liveness probe failed: dial tcp 10.0.0.1:8080: connect: connection refused",
    );
    check(
        112,
        &with(killed("Container main failed liveness probe, will be restarted"), vec![slow]),
        &with(killed("Container main failed liveness probe, will be restarted"), vec![refused]),
    );
}

#[test]
pub(super) fn readiness() {
    let unready = |started: &str, message: &str| {
        let status = json!({"started": true, "state": {"running": {"startedAt": started}}});
        let probe = json!({"spec": {"containers": [{"name": "main", "ports": [{"containerPort": 8080}], "readinessProbe": {"httpGet": {"path": "/health", "port": 8080}}}]}});
        with((vec![pod(status, probe)], ""), vec![event("web-1", "Pod", "Unhealthy", message)])
    };
    for message in [
        "Readiness probe failed: HTTP probe failed with statuscode: 500",
        "Readiness probe failed: ",
        "Readiness probe failed: service unhealthy (responded with \"NOT_SERVING\")",
    ] {
        check(110, &unready(OLD, message), &unready("2026-11-26T11:59:30Z", message));
    }
    let wrong = |port: i64| {
        let status = json!({"started": true, "state": {"running": {"startedAt": OLD}}});
        let probe = json!({"spec": {"containers": [{"name": "main", "ports": [{"containerPort": 8080}], "readinessProbe": {"tcpSocket": {"port": port}}}]}});
        with(
            (vec![pod(status, probe)], ""),
            vec![event(
                "web-1",
                "Pod",
                "Unhealthy",
                "Readiness probe failed: dial tcp 10.0.0.1:80: connect: connection refused",
            )],
        )
    };
    check(111, &wrong(9090), &wrong(8080));
    let gate = |status: &str| {
        let conditions = json!([{"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady", "lastTransitionTime": OLD}, {"type": "example.com/lb", "status": status}]);
        let ready = if status == "True" { json!([{"type": "Ready", "status": "True"}]) } else { conditions };
        (
            vec![pod(
                json!({"ready": true, "state": {"running": {}}}),
                json!({"spec": {"readinessGates": [{"conditionType": "example.com/lb"}]}, "status": {"conditions": ready}}),
            )],
            "",
        )
    };
    check(113, &gate("False"), &gate("True"));
}

#[test]
pub(super) fn logs() {
    let nothing = logged("started\nfinished: 0 errors\n");
    for (rule, log) in [
        (141, "dial tcp db:5432: connect: connection refused\n"),
        (142, "Error: getaddrinfo ENOTFOUND rediss\n"),
        (143, "dial tcp 192.0.2.1:443: i/o timeout\n"),
        (144, "FATAL: password authentication failed for user \"todo\"\n"),
        (145, "KeyError: 'DATABASE_URL'\n"),
        (146, "cat: /data/x: No such file or directory\n"),
        (147, "mkdir: can't create directory '/data': Permission denied\n"),
        (148, "touch: /x: Read-only file system\n"),
        (149, "listen tcp :8080: bind: address already in use\n"),
        (150, "write /data/x: no space left on device\n"),
        (151, "MemoryError\n"),
        (152, "x509: certificate has expired or is not yet valid\n"),
        (153, "accept: too many open files\n"),
        (154, "ModuleNotFoundError: No module named 'fastapi'\n"),
        (155, "ERROR: relation \"todos\" does not exist\n"),
        (
            124,
            "pods is forbidden: User \"system:serviceaccount:shop:default\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"\n",
        ),
    ] {
        check(rule, &logged(log), &nothing);
    }
}

/// One pod's log is read for all pods of a controller: they are one finding.
#[test]
fn pods_that_end_alike_are_one_finding() {
    let owned = json!({"metadata": {"ownerReferences": [{"kind": "ReplicaSet", "name": "web", "uid": "u-set", "controller": true}]}});
    let first = pod(ended(1, "Error"), owned);
    let mut second = first.clone();
    merge(&mut second, json!({"metadata": {"name": "web-2", "uid": "u-web-2"}}));
    let found = told(&(vec![first, second], "KeyError: 'DATABASE_URL'\n"));
    assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["145/shop/replicaset/web/main"]);
}

#[test]
pub(super) fn init_containers() {
    let init = |state: Value, command: &str| {
        let status = json!([{"name": "wait", "restartCount": 4, "state": state, "lastState": state}]);
        (
            vec![pod(
                json!({"state": {"waiting": {"reason": "PodInitializing"}}}),
                json!({"spec": {"initContainers": [{"name": "wait", "command": ["sh", "-c", command]}]}, "status": {"phase": "Pending", "initContainerStatuses": status}}),
            )],
            "",
        )
    };
    let failed = json!({"terminated": {"exitCode": 1, "reason": "Error"}});
    check(29, &init(failed, ""), &init(json!({"terminated": {"exitCode": 0, "reason": "Completed"}}), ""));
    let waits = |since: &str| init(json!({"running": {"startedAt": since}}), "until nc -z db 5432; do sleep 1; done");
    check(30, &waits(OLD), &waits("2026-11-26T11:59:50Z"));
}
