//! Small worlds: one pod with one container, and what may stand around it.

use std::collections::BTreeSet;
use std::sync::Mutex;

use serde_json::{Value, json};
use todo_agent_diagnose::{Builder, Finding, Kind, Run, Scope, findings};

pub(super) const NOW: &str = "2026-11-26T12:00:00Z";

pub(super) const OLD: &str = "2026-11-26T11:00:00Z";

/// Objects, and the log of the container `main` of the pod `web-1`.
pub(super) type World = (Vec<Value>, &'static str);

pub(super) fn told((objects, log): &World) -> Vec<Finding> {
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
pub(super) fn tells(world: &World, rule: u16) -> bool {
    told(world).iter().any(|one| one.rule == rule || one.consequences.iter().any(|symptom| symptom.rule == rule))
}

pub(super) fn object(kind: &str, name: &str, more: Value) -> Value {
    let mut object = json!({"kind": kind, "metadata": {"name": name, "namespace": "shop", "uid": format!("u-{name}"), "generation": 1, "creationTimestamp": OLD}});
    merge(&mut object, more);
    object
}

pub(super) fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            more.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, more) => *into = more,
    }
}

/// A bare pod with one container, whose status is given.
pub(super) fn pod(status: Value, more: Value) -> Value {
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

pub(super) fn ended(code: i64, reason: &str) -> Value {
    let how = json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": "2026-11-26T11:59:00Z"}});
    json!({"restartCount": 4, "state": how, "lastState": how})
}

pub(super) fn crash(code: i64, reason: &str) -> World {
    (vec![pod(ended(code, reason), json!({}))], "")
}

pub(super) fn logged(log: &'static str) -> World {
    (vec![pod(ended(1, "Error"), json!({}))], log)
}

pub(super) fn waiting(reason: &str, message: &str) -> World {
    (
        vec![pod(
            json!({"state": {"waiting": {"reason": reason, "message": message}}}),
            json!({"status": {"phase": "Pending"}}),
        )],
        "",
    )
}

pub(super) fn running() -> Value {
    let conditions = json!([{"type": "Ready", "status": "True"}]);
    pod(
        json!({"ready": true, "started": true, "state": {"running": {"startedAt": OLD}}}),
        json!({"status": {"conditions": conditions}}),
    )
}

pub(super) fn pending(message: &str) -> World {
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

pub(super) fn event(of: &str, kind: &str, reason: &str, message: &str) -> Value {
    object(
        "Event",
        &format!("{of}.{reason}"),
        json!({"type": "Warning", "reason": reason, "message": message, "count": 5,
        "lastTimestamp": "2026-11-26T11:59:30Z", "involvedObject": {"kind": kind, "namespace": "shop", "name": of, "uid": format!("u-{of}")}}),
    )
}

pub(super) fn node(more: Value) -> Value {
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

pub(super) fn service(more: Value) -> Value {
    let mut service = object(
        "Service",
        "web",
        json!({"metadata": {"uid": "u-svc"}, "spec": {"clusterIP": "10.96.0.9", "selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}}),
    );
    merge(&mut service, more);
    service
}

pub(super) fn with(world: World, more: Vec<Value>) -> World {
    (world.0.into_iter().chain(more).collect(), world.1)
}

/// What was told in these tests, for the coverage of the catalogue.
pub(super) static TOLD: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

pub(super) fn check(rule: u16, here: &World, near_miss: &World) {
    TOLD.lock().unwrap().insert(rule);
    let found = |world: &World| told(world).into_iter().map(|one| one.id).collect::<Vec<_>>();
    assert!(tells(here, rule), "{rule} is not told; told is {:?}", found(here));
    assert!(!tells(near_miss, rule), "{rule} is told of the near miss: {:?}", found(near_miss));
}
