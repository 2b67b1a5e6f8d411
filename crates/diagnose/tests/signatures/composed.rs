//! Signatures that a test cluster does not show on demand (another architecture, a dead node, a registry that
//! refuses, other runtimes and older minors), composed by hand in the words of the sources: kubelet, scheduler,
//! containerd, cri-dockerd, controllers. Each has a near miss beside it, which must not match.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};
use todo_agent_diagnose::{Builder, Finding, Kind, Run, Scope, findings};

const NOW: &str = "2026-11-26T12:00:00Z";
const OLD: &str = "2026-11-26T11:00:00Z";

/// Objects, and the log of the container `main` of the pod `web-1`.
type World = (Vec<Value>, &'static str);

fn told((objects, log): &World) -> Vec<Finding> {
    let mut builder = Builder::new(NOW.parse().unwrap());
    for kind in Kind::ALL {
        builder.covers(*kind, Scope::Cluster);
    }
    for object in objects {
        builder.add(Kind::of(object["kind"].as_str().unwrap()).unwrap(), object);
    }
    if !log.is_empty() {
        builder.log("u-web-1", "main", Run::Current, Ok((*log).to_owned()));
    }
    let snapshot = builder.build();
    assert!(snapshot.unread().is_empty(), "{:?}", snapshot.unread());
    findings(&snapshot)
}

/// Whether a signature is told, as a cause or as a consequence.
fn tells(world: &World, rule: u16) -> bool {
    told(world).iter().any(|one| one.rule == rule || one.consequences.iter().any(|symptom| symptom.rule == rule))
}

/// What was told in these tests, for the coverage of the catalogue.
static TOLD: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Runs every test here and returns the signatures that they tell.
pub(crate) fn all() -> BTreeSet<u16> {
    for test in [
        endings_by_exit_code,
        memory,
        runtimes_say_the_same_in_other_words,
        probes_kill,
        readiness,
        images,
        scheduling,
        a_lack_of_cpu_is_told_with_the_numbers_of_the_best_node,
        failed_and_deleted_pods,
        mounts,
        volume_claims,
        services,
        ingresses_and_routes,
        policies_are_blamed_only_where_a_pod_got_no_answer,
        workloads,
        autoscalers,
        creation_is_refused,
        nodes,
        configuration,
        logs,
        init_containers,
    ] {
        test();
    }
    TOLD.lock().unwrap().clone()
}

fn check(rule: u16, here: &World, near_miss: &World) {
    TOLD.lock().unwrap().insert(rule);
    let found = |world: &World| told(world).into_iter().map(|one| one.id).collect::<Vec<_>>();
    assert!(tells(here, rule), "{rule} is not told; told is {:?}", found(here));
    assert!(!tells(near_miss, rule), "{rule} is told of the near miss: {:?}", found(near_miss));
}

fn object(kind: &str, name: &str, more: Value) -> Value {
    let mut object = json!({"kind": kind, "metadata": {"name": name, "namespace": "shop", "uid": format!("u-{name}"), "generation": 1, "creationTimestamp": OLD}});
    merge(&mut object, more);
    object
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            more.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value))
        }
        (into, more) => *into = more,
    }
}

/// A bare pod with one container, whose status is given.
fn pod(status: Value, more: Value) -> Value {
    let mut pod = object(
        "Pod",
        "web-1",
        json!({
            "metadata": {"labels": {"app": "web"}},
            "spec": {"nodeName": "node-1", "restartPolicy": "Always", "containers": [{"name": "main", "image": "shop/web:1", "ports": [{"name": "http", "containerPort": 8080}]}]},
            "status": {"phase": "Running", "podIP": "10.0.0.1", "startTime": OLD,
                "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": OLD}],
                "containerStatuses": [{"name": "main", "ready": false, "started": false, "restartCount": 0}]},
        }),
    );
    merge(&mut pod["status"]["containerStatuses"][0], status);
    merge(&mut pod, more);
    pod
}

fn ended(code: i64, reason: &str) -> Value {
    let how = json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": "2026-11-26T11:59:00Z"}});
    json!({"restartCount": 4, "state": how, "lastState": how})
}

fn crash(code: i64, reason: &str) -> World {
    (vec![pod(ended(code, reason), json!({}))], "")
}

fn logged(log: &'static str) -> World {
    (vec![pod(ended(1, "Error"), json!({}))], log)
}

fn waiting(reason: &str, message: &str) -> World {
    (
        vec![pod(
            json!({"state": {"waiting": {"reason": reason, "message": message}}}),
            json!({"status": {"phase": "Pending"}}),
        )],
        "",
    )
}

fn running() -> Value {
    let conditions = json!([{"type": "Ready", "status": "True"}]);
    pod(
        json!({"ready": true, "started": true, "state": {"running": {"startedAt": OLD}}}),
        json!({"status": {"conditions": conditions}}),
    )
}

fn pending(message: &str) -> World {
    let conditions =
        json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]);
    (
        vec![pod(
            json!({}),
            json!({"spec": {"nodeName": ""}, "status": {"phase": "Pending", "conditions": conditions, "containerStatuses": []}}),
        )],
        "",
    )
}

fn event(of: &str, kind: &str, reason: &str, message: &str) -> Value {
    object(
        "Event",
        &format!("{of}.{reason}"),
        json!({"type": "Warning", "reason": reason, "message": message, "count": 5,
        "lastTimestamp": "2026-11-26T11:59:30Z", "involvedObject": {"kind": kind, "namespace": "shop", "name": of, "uid": format!("u-{of}")}}),
    )
}

fn node(more: Value) -> Value {
    let mut node = object(
        "Node",
        "node-1",
        json!({"status": {"allocatable": {"cpu": "2", "memory": "4Gi", "pods": "110"},
        "nodeInfo": {"architecture": "amd64"}, "conditions": [{"type": "Ready", "status": "True"}]}}),
    );
    node["metadata"]["namespace"] = json!("");
    merge(&mut node, more);
    node
}

fn service(more: Value) -> Value {
    let mut service = object(
        "Service",
        "web",
        json!({"metadata": {"uid": "u-svc"}, "spec": {"clusterIP": "10.96.0.9", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}),
    );
    merge(&mut service, more);
    service
}

fn with(world: World, more: Vec<Value>) -> World {
    (world.0.into_iter().chain(more).collect(), world.1)
}

#[test]
fn endings_by_exit_code() {
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
fn memory() {
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
    // A pod that runs again was killed all the same.
    let again = json!({"ready": true, "restartCount": 1, "state": {"running": {"startedAt": NOW}}, "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-26T11:00:00Z"}}});
    let limit = json!({"spec": {"containers": [{"name": "main", "resources": {"limits": {"memory": "64Mi"}}}]}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    assert!(tells(&(vec![pod(again, limit)], ""), 11));
}

#[test]
fn runtimes_say_the_same_in_other_words() {
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
fn probes_kill() {
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
fn readiness() {
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
fn images() {
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
fn scheduling() {
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
fn a_lack_of_cpu_is_told_with_the_numbers_of_the_best_node() {
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
fn failed_and_deleted_pods() {
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
fn mounts() {
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
fn volume_claims() {
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

#[test]
fn services() {
    let ok = (vec![running(), service(json!({}))], "");
    check(76, &(vec![running(), service(json!({"spec": {"selector": {"app": "webb"}}}))], ""), &ok);
    check(77, &with(crash(1, "Error"), vec![service(json!({}))]), &ok);
    check(78, &(vec![running(), service(json!({"spec": {"ports": [{"port": 80, "targetPort": 3000}]}}))], ""), &ok);
    check(
        79,
        &(vec![running(), service(json!({"spec": {"ports": [{"port": 80, "targetPort": "web"}]}}))], ""),
        &(vec![running(), service(json!({"spec": {"ports": [{"port": 80, "targetPort": "http"}]}}))], ""),
    );
    check(80, &(vec![service(json!({"spec": {"selector": null}}))], ""), &ok);
    check(
        80,
        &(vec![service(json!({"spec": {"type": "ExternalName", "externalName": "none.shop.svc.cluster.local"}}))], ""),
        &(vec![service(json!({"spec": {"type": "ExternalName", "externalName": "db.example.com"}}))], ""),
    );
    let balancer = |ip: Value| {
        (
            vec![
                running(),
                service(json!({"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {"ingress": ip}}})),
            ],
            "",
        )
    };
    check(81, &balancer(json!([])), &balancer(json!([{"ip": "192.0.2.1"}])));
    let dns = json!({"metadata": {"name": "kube-dns", "namespace": "kube-system"}});
    let mut coredns = running();
    merge(&mut coredns, json!({"metadata": {"namespace": "kube-system"}}));
    check(91, &(vec![service(dns.clone())], ""), &(vec![service(dns), coredns], ""));
}

#[test]
fn ingresses_and_routes() {
    let class = |name: &str, default: &str| {
        object(
            "IngressClass",
            name,
            json!({"metadata": {"namespace": "", "annotations": {"ingressclass.kubernetes.io/is-default-class": default}}, "spec": {"controller": "k8s.io/ingress-nginx"}}),
        )
    };
    let ingress = |name: &str, class: Value, port: i64| {
        object(
            "Ingress",
            name,
            json!({"spec": {"ingressClassName": class, "tls": [{"secretName": "tls"}], "rules": [{"host": "a.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": port}}}}]}}]}}),
        )
    };
    let tls = object("Secret", "tls", json!({"type": "kubernetes.io/tls", "data": {"tls.crt": "", "tls.key": ""}}));
    let mut controller = running();
    merge(
        &mut controller,
        json!({"metadata": {"name": "c", "uid": "u-c", "labels": {"app": "c"}}, "spec": {"containers": [{"name": "c", "image": "ingress-nginx/controller"}]}}),
    );
    let base = || vec![running(), service(json!({})), tls.clone(), controller.clone(), class("nginx", "false")];
    let ok = (vec![ingress("a", json!("nginx"), 80)].into_iter().chain(base()).collect::<Vec<_>>(), "");
    assert_eq!(told(&ok), [], "a whole way is no finding");
    check(83, &(vec![ingress("a", json!("none"), 80)].into_iter().chain(base()).collect(), ""), &ok);
    check(83, &(vec![ingress("a", Value::Null, 80)].into_iter().chain(base()).collect(), ""), &ok);
    check(
        83,
        &(vec![class("x", "true"), class("y", "true")], ""),
        &(vec![class("x", "true"), class("y", "false")], ""),
    );
    check(
        84,
        &(
            vec![ingress("a", json!("nginx"), 80), running(), service(json!({})), tls.clone(), class("nginx", "false")],
            "",
        ),
        &ok,
    );
    check(85, &(vec![ingress("a", json!("nginx"), 8081)].into_iter().chain(base()).collect(), ""), &ok);
    check(
        86,
        &(
            vec![
                ingress("a", json!("nginx"), 80),
                running(),
                service(json!({})),
                controller.clone(),
                class("nginx", "false"),
            ],
            "",
        ),
        &ok,
    );
    check(
        87,
        &(
            vec![ingress("a", json!("nginx"), 80), ingress("b", json!("nginx"), 80)]
                .into_iter()
                .chain(base())
                .collect(),
            "",
        ),
        &ok,
    );
    let route = |status: &str| {
        (
            vec![object(
                "HTTPRoute",
                "r",
                json!({"status": {"parents": [{"parentRef": {"name": "gw"}, "conditions": [{"type": "ResolvedRefs", "status": status, "reason": "BackendNotFound", "message": "backend not found"}]}]}}),
            )],
            "",
        )
    };
    check(88, &route("False"), &route("True"));
}

#[test]
fn policies_are_blamed_only_where_a_pod_got_no_answer() {
    let mut database = running();
    merge(
        &mut database,
        json!({"metadata": {"name": "db-1", "uid": "u-db-1", "labels": {"app": "db"}}, "status": {"podIP": "10.0.0.2"}}),
    );
    let db = service(
        json!({"metadata": {"name": "db", "uid": "u-svc-db"}, "spec": {"selector": {"app": "db"}, "ports": [{"port": 5432, "targetPort": 8080}]}}),
    );
    let deny = object(
        "NetworkPolicy",
        "deny",
        json!({"spec": {"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"]}}),
    );
    let blocked = with(logged("dial tcp db:5432: i/o timeout\n"), vec![database.clone(), db.clone(), deny.clone()]);
    check(89, &blocked, &with(logged("dial tcp db:5432: i/o timeout\n"), vec![database.clone(), db.clone()]));
    check(89, &blocked, &(vec![running(), database, db, deny], ""));
    let mut coredns = running();
    merge(
        &mut coredns,
        json!({"metadata": {"name": "coredns", "uid": "u-dns", "namespace": "kube-system", "labels": {"app": "dns"}}}),
    );
    let dns = service(
        json!({"metadata": {"name": "kube-dns", "namespace": "kube-system"}, "spec": {"selector": {"app": "dns"}}}),
    );
    let egress = object("NetworkPolicy", "deny", json!({"spec": {"podSelector": {}, "policyTypes": ["Egress"]}}));
    let silent = || logged("getaddrinfo EAI_AGAIN api.example.com\n");
    check(90, &with(silent(), vec![coredns.clone(), dns.clone(), egress]), &with(silent(), vec![coredns, dns]));
}

#[test]
fn workloads() {
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
fn autoscalers() {
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
fn creation_is_refused() {
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
fn nodes() {
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
fn configuration() {
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

#[test]
fn logs() {
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

#[test]
fn init_containers() {
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
