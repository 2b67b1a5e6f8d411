//! StatefulSets, Services, namespaces and what holds them together.

use serde_json::{Value, json};

use crate::object;
use crate::simulation::Sandbox;
use crate::store::{Deletion, Key};
use crate::testing::{deployment, start};

fn stateful(replicas: u32, extra: &str, faults: &str) -> Sandbox {
    start(&format!(
        "warmUp: 60s\nmanifests:\n- apiVersion: apps/v1\n  kind: StatefulSet\n  metadata: {{name: db}}\n  spec:\n    replicas: {replicas}\n    \
         serviceName: db\n    selector: {{matchLabels: {{app: db}}}}\n    {extra}\n    template:\n      metadata: {{labels: {{app: db}}}}\n      \
         spec: {{containers: [{{name: db, image: 'db:v1', readinessProbe: {{tcpSocket: {{port: 1}}, periodSeconds: 2}}}}]}}\n{faults}"
    ))
}

fn set_image(sandbox: &Sandbox, image: &str) {
    sandbox.edit("statefulset", "db", |it| it["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image));
}

fn images(sandbox: &Sandbox) -> Vec<String> {
    let line = |pod: &std::sync::Arc<Value>| {
        format!("{} {}", object::name(pod), pod["spec"]["containers"][0]["image"].as_str().unwrap())
    };
    sandbox.list("pod").iter().map(line).collect()
}

#[test]
fn a_stateful_set_starts_its_pods_in_order() {
    let sandbox = stateful(3, "", "");
    let status = sandbox.get("statefulset", "db")["status"].clone();
    for field in ["replicas", "readyReplicas", "availableReplicas", "currentReplicas", "updatedReplicas"] {
        assert_eq!(status[field], 3, "{field} of {status:#}");
    }
    assert_eq!(status["currentRevision"], status["updateRevision"]);
    let created: Vec<String> =
        sandbox.events("StatefulSet").into_iter().filter(|event| event.starts_with("SuccessfulCreate")).collect();
    let expected = [0, 1, 2].map(|n| format!("SuccessfulCreate: Create Pod db-{n} in StatefulSet db successful"));
    assert_eq!(created, expected);
    let pod = sandbox.get("pod", "db-1");
    assert_eq!((&pod["spec"]["hostname"], &pod["spec"]["subdomain"]), (&json!("db-1"), &json!("db")));
    assert_eq!(pod["metadata"]["labels"]["controller-revision-hash"], status["currentRevision"]);
}

#[test]
fn an_update_goes_from_the_highest_pod_down_and_stops_at_a_broken_one() {
    let sandbox = stateful(2, "", "faults: [{when: {image: '*:bad'}, do: {unready: {}}}]\n");
    set_image(&sandbox, "db:v2");
    sandbox.pass(30);
    assert_eq!(images(&sandbox), ["db-0 db:v2", "db-1 db:v2"]);
    let status = sandbox.get("statefulset", "db")["status"].clone();
    assert_eq!(status["currentRevision"], status["updateRevision"]);
    set_image(&sandbox, "db:bad");
    sandbox.pass(60);
    assert_eq!(images(&sandbox), ["db-0 db:v2", "db-1 db:bad"]);
    let status = sandbox.get("statefulset", "db")["status"].clone();
    assert_ne!(status["currentRevision"], status["updateRevision"]);
    assert_eq!((&status["updatedReplicas"], &status["readyReplicas"]), (&json!(1), &json!(1)));
    assert_eq!(sandbox.list("controllerrevision").len(), 3);
}

#[test]
fn a_partition_and_on_delete_hold_pods_back() {
    let sandbox = stateful(2, "updateStrategy: {rollingUpdate: {partition: 1}}", "");
    set_image(&sandbox, "db:v2");
    sandbox.pass(30);
    assert_eq!(images(&sandbox), ["db-0 db:v1", "db-1 db:v2"]);
    let sandbox = stateful(1, "updateStrategy: {type: OnDelete}", "");
    set_image(&sandbox, "db:v2");
    sandbox.pass(30);
    assert_eq!(images(&sandbox), ["db-0 db:v1"]);
    sandbox.delete("pod", "db-0");
    sandbox.pass(10);
    assert_eq!(images(&sandbox), ["db-0 db:v2"]);
}

#[test]
fn scaling_down_ends_the_highest_pods_first() {
    let sandbox = stateful(3, "", "");
    sandbox.edit("statefulset", "db", |it| it["spec"]["replicas"] = json!(1));
    sandbox.pass(10);
    assert_eq!(images(&sandbox), ["db-0 db:v1"]);
    let deleted: Vec<String> =
        sandbox.events("StatefulSet").into_iter().filter(|event| event.starts_with("SuccessfulDelete")).collect();
    assert_eq!(deleted[0], "SuccessfulDelete: Delete Pod db-2 in StatefulSet db successful");
}

#[test]
fn a_service_lists_its_ready_pods() {
    let service = "- {apiVersion: v1, kind: Service, metadata: {name: api}, spec: {selector: {app: api}, ports: [{name: http, port: 80, targetPort: http}]}}\n";
    let faults = "faults: [{when: {image: '*:v2'}, do: {unready: {}}}]\n";
    let sandbox = start(&format!("warmUp: 20s\nmanifests:\n{}{service}{faults}", deployment("api", 2, "")));
    let slice = &sandbox.list("endpointslice")[0];
    assert_eq!(slice["ports"], json!([{"name": "http", "port": 8000, "protocol": "TCP"}]));
    assert_eq!(slice["metadata"]["labels"]["kubernetes.io/service-name"], "api");
    let ready = json!({"ready": true, "serving": true, "terminating": false});
    let conditions: Vec<&Value> =
        slice["endpoints"].as_array().unwrap().iter().map(|endpoint| &endpoint["conditions"]).collect();
    assert_eq!(conditions, [&ready, &ready]);
    assert_eq!(sandbox.get("endpoints", "api")["subsets"][0]["addresses"].as_array().unwrap().len(), 2);
    sandbox.edit("deployment", "api", |it| {
        it["spec"]["template"]["spec"]["containers"][0]["image"] = json!("api:v2");
        it["spec"]["strategy"] = json!({"type": "Recreate"});
    });
    sandbox.pass(10);
    let subset = sandbox.get("endpoints", "api")["subsets"][0].clone();
    assert_eq!(subset["addresses"], Value::Null);
    assert_eq!(subset["notReadyAddresses"].as_array().unwrap().len(), 2);
    sandbox.delete("service", "api");
    sandbox.pass(2);
    assert!(sandbox.list("endpointslice").is_empty());
    assert_eq!(sandbox.get("endpoints", "api"), Value::Null);
}

#[test]
fn every_namespace_is_equipped_and_empties_before_it_goes() {
    let sandbox = start(&format!("warmUp: 20s\nmanifests:\n{}", deployment("api", 1, "")));
    assert!(sandbox.get("serviceaccount", "default").is_object());
    assert!(sandbox.get("configmap", "kube-root-ca.crt").is_object());
    let key = Key { group: String::new(), plural: "namespaces".into(), namespace: String::new(), name: "shop".into() };
    let now = sandbox.now();
    sandbox.state().store.delete(&key, &Deletion::default(), now).unwrap();
    sandbox.after_write();
    sandbox.advance(std::time::Duration::from_millis(200));
    assert_eq!(sandbox.state().store.get(&key).unwrap()["status"]["phase"], "Terminating");
    sandbox.pass(60);
    assert!(sandbox.state().store.get(&key).is_none());
    assert!(sandbox.list("pod").is_empty() && sandbox.list("deployment").is_empty());
}

#[test]
fn the_pods_of_a_set_are_spread_over_the_nodes() {
    let nodes =
        "nodes: [{name: a, images: ['*']}, {name: b, images: ['*']}, {name: c, images: ['*'], unschedulable: true}]\n";
    let sandbox = start(&format!("{nodes}warmUp: 20s\nmanifests:\n{}", deployment("api", 4, "")));
    let mut nodes: Vec<String> =
        sandbox.list("pod").iter().map(|pod| pod["spec"]["nodeName"].as_str().unwrap().to_owned()).collect();
    nodes.sort();
    assert_eq!(nodes, ["a", "a", "b", "b"]);
}

#[test]
fn a_world_changes_by_itself_when_it_says_so() {
    let changes = "changes: [{at: 1m, manifests: [{apiVersion: apps/v1, kind: Deployment, metadata: {name: api}, spec: {replicas: 3}}]}]\n";
    let sandbox = start(&format!("warmUp: 30s\nmanifests:\n{}{changes}", deployment("api", 1, "")));
    assert_eq!(sandbox.list("pod").len(), 1);
    sandbox.pass(40);
    assert_eq!(sandbox.get("deployment", "api")["status"]["availableReplicas"], 3);
}
