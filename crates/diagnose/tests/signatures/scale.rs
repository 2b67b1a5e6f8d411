//! How long the rules take, by the number of pods: a table, printed by
//! `cargo test --release -p todo-agent-diagnose --test signatures -- --ignored --nocapture scale`.

use std::time::Instant;

use serde_json::{Value, json};
use todo_agent_diagnose::{Builder, Kind, Scope, findings, needs};

/// A deployment with ten pods and a service; of every tenth one the pods fail.
fn workload(at: usize, add: &mut impl FnMut(Kind, Value)) {
    let namespace = format!("team-{}", at % 20);
    let name = format!("app-{at}");
    let meta = |kind: &str, name: &str| json!({"name": name, "namespace": namespace, "uid": format!("{kind}-{name}"), "generation": 1, "labels": {"app": format!("app-{at}")}, "creationTimestamp": "2026-11-26T00:00:00Z"});
    let own = |mut meta: Value, kind: &str, name: &str, uid: &str| {
        meta["ownerReferences"] = json!([{"kind": kind, "name": name, "uid": uid, "controller": true}]);
        meta
    };
    let spec = json!({"nodeName": format!("node-{}", at % 50), "restartPolicy": "Always", "containers": [{"name": "main", "image": "shop/web:1", "ports": [{"containerPort": 8080}], "envFrom": [{"configMapRef": {"name": name}}], "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}}}]});
    let template = json!({"metadata": {"labels": {"app": name}}, "spec": spec});
    let workload = json!({"replicas": 10, "selector": {"matchLabels": {"app": name}}, "template": template});
    add(
        Kind::Deployment,
        json!({"metadata": meta("d", &name), "spec": workload, "status": {"observedGeneration": 1, "updatedReplicas": 10}}),
    );
    add(
        Kind::ReplicaSet,
        json!({"metadata": own(meta("r", &name), "Deployment", &name, &format!("d-{name}")), "spec": workload}),
    );
    add(Kind::ConfigMap, json!({"metadata": meta("c", &name), "data": {"A": "1"}}));
    add(
        Kind::Service,
        json!({"metadata": meta("s", &name), "spec": {"clusterIP": "10.0.0.1", "selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}}),
    );
    for pod in 0..10 {
        let pod = format!("{name}-{pod}");
        let fails = at.is_multiple_of(10);
        let state = if fails {
            json!({"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-26T00:59:00Z"}})
        } else {
            json!({"running": {"startedAt": "2026-11-26T00:00:10Z"}})
        };
        let ready = if fails { "False" } else { "True" };
        let restarts = if fails { 7 } else { 0 };
        add(
            Kind::Pod,
            json!({"metadata": own(meta("p", &pod), "ReplicaSet", &name, &format!("r-{name}")), "spec": spec, "status": {"phase": "Running", "startTime": "2026-11-26T00:00:05Z", "conditions": [{"type": "Ready", "status": ready, "lastTransitionTime": "2026-11-26T00:00:10Z"}],
            "containerStatuses": [{"name": "main", "ready": !fails, "restartCount": restarts, "state": state, "lastState": state}]}}),
        );
        if fails {
            add(
                Kind::Event,
                json!({"metadata": meta("e", &pod), "type": "Warning", "reason": "BackOff", "message": "Back-off restarting failed container", "involvedObject": {"kind": "Pod", "name": pod, "namespace": namespace, "uid": format!("p-{pod}")}}),
            );
        }
    }
}

#[test]
#[ignore = "prints a table of times; a test must not depend on them"]
fn scale() {
    println!(
        "{:>7} {:>10} {:>9} {:>9} {:>9} {:>9}",
        "pods", "project ms", "index ms", "rules ms", "needs ms", "findings"
    );
    for pods in [1_000, 5_000, 10_000, 20_000] {
        let mut objects = Vec::new();
        for node in 0..50 {
            objects.push((Kind::Node, json!({"metadata": {"name": format!("node-{node}"), "uid": format!("n-{node}")}, "status": {"allocatable": {"cpu": "64", "memory": "256Gi", "pods": "500"}, "conditions": [{"type": "Ready", "status": "True"}]}})));
        }
        (0..pods / 10).for_each(|at| workload(at, &mut |kind, object| objects.push((kind, object))));
        let mut builder = Builder::new("2026-11-26T01:00:00Z".parse().unwrap());
        let start = Instant::now();
        for (kind, object) in &objects {
            builder.add(*kind, object);
        }
        let project = start.elapsed();
        for kind in Kind::ALL {
            builder.covers(*kind, Scope::Cluster);
        }
        let start = Instant::now();
        let snapshot = builder.build();
        let index = start.elapsed();
        let start = Instant::now();
        let found = findings(&snapshot);
        let rules = start.elapsed();
        let start = Instant::now();
        let _ = needs(&snapshot);
        let asked = start.elapsed();
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
        println!(
            "{pods:>7} {:>10.1} {:>9.1} {:>9.1} {:>9.1} {:>9}",
            ms(project),
            ms(index),
            ms(rules),
            ms(asked),
            found.len()
        );
    }
}
