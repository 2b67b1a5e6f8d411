//! Deployments: rollouts, their history, their deadlines.

use serde_json::{Value, json};

use crate::controllers::revisions;
use crate::object;
use crate::simulation::Sandbox;
use crate::testing::{deployment, start};

fn world(replicas: u32, extra: &str, rest: &str) -> Sandbox {
    start(&format!("warmUp: 30s\nmanifests:\n{}{rest}", deployment("api", replicas, extra)))
}

fn set_image(sandbox: &Sandbox, image: &str) {
    sandbox.edit("deployment", "api", |it| it["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image));
}

fn condition(sandbox: &Sandbox, kind: &str) -> String {
    let deployment = sandbox.get("deployment", "api");
    let found = crate::conditions::find(&deployment["status"], kind).unwrap().clone();
    format!(
        "{} {}: {}",
        found["status"].as_str().unwrap(),
        found["reason"].as_str().unwrap(),
        found["message"].as_str().unwrap()
    )
}

#[test]
fn a_healthy_deployment_becomes_available() {
    let sandbox = world(2, "", "");
    let status = sandbox.get("deployment", "api")["status"].clone();
    for (field, count) in [
        ("replicas", 2),
        ("updatedReplicas", 2),
        ("readyReplicas", 2),
        ("availableReplicas", 2),
        ("observedGeneration", 1),
    ] {
        assert_eq!(status[field], count, "{field} of {status:#}");
    }
    assert_eq!(status["unavailableReplicas"], Value::Null);
    let set = &sandbox.list("replicaset")[0];
    let set = object::name(set);
    assert_eq!(condition(&sandbox, "Available"), "True MinimumReplicasAvailable: Deployment has minimum availability.");
    assert_eq!(
        condition(&sandbox, "Progressing"),
        format!("True NewReplicaSetAvailable: ReplicaSet \"{set}\" has successfully progressed.")
    );
    assert_eq!(sandbox.events("Deployment"), [format!("ScalingReplicaSet: Scaled up replica set {set} from 0 to 2")]);
}

#[test]
fn scaling_reaches_its_size_within_simulated_seconds() {
    let sandbox = world(2, "", "");
    sandbox.edit("deployment", "api", |it| it["spec"]["replicas"] = json!(3));
    sandbox.pass(5);
    let deployment = sandbox.get("deployment", "api");
    assert_eq!(deployment["status"]["availableReplicas"], 3);
    assert_eq!(deployment["status"]["observedGeneration"], deployment["metadata"]["generation"]);
    sandbox.edit("deployment", "api", |it| it["spec"]["replicas"] = json!(1));
    sandbox.pass(5);
    assert_eq!(sandbox.list("pod").len(), 1);
    assert_eq!(sandbox.events("Deployment").len(), 3);
}

#[test]
fn a_rollout_keeps_enough_pods_and_numbers_its_revision() {
    let sandbox = world(3, "strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}", "");
    set_image(&sandbox, "api:v2");
    for _ in 0..100 {
        sandbox.advance(std::time::Duration::from_millis(100));
        let status = &sandbox.get("deployment", "api")["status"];
        assert!(status["availableReplicas"].as_i64().unwrap() >= 3, "{status:#}");
        assert!(status["replicas"].as_i64().unwrap() <= 4, "{status:#}");
    }
    let sets = sandbox.list("replicaset");
    let mut sizes: Vec<(u64, i64)> =
        sets.iter().map(|set| (revisions::revision(set), set["spec"]["replicas"].as_i64().unwrap())).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [(1, 0), (2, 3)]);
    let deployment = sandbox.get("deployment", "api");
    assert_eq!(revisions::revision(&deployment), 2);
    assert!(condition(&sandbox, "Progressing").starts_with("True NewReplicaSetAvailable"));
    let steps: Vec<String> = sandbox.events("Deployment");
    assert_eq!(steps.len(), 1 + 6, "up and down by one at a time: {steps:#?}");
    assert!(steps[6].ends_with("from 1 to 0"), "{steps:#?}");
}

#[test]
fn going_back_uses_the_old_replica_set_under_a_new_number() {
    let sandbox = world(2, "", "");
    let first = object::name(&sandbox.list("replicaset")[0]).to_owned();
    for image in ["api:v2", "api:v1"] {
        set_image(&sandbox, image);
        sandbox.pass(20);
    }
    assert_eq!(sandbox.list("replicaset").len(), 2);
    let set = sandbox.get("replicaset", &first);
    assert_eq!((revisions::revision(&set), &set["spec"]["replicas"]), (3, &json!(2)));
    assert_eq!(set["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"], "1");
    assert_eq!(revisions::revision(&sandbox.get("deployment", "api")), 3);
}

#[test]
fn a_rollout_that_never_gets_ready_exceeds_its_deadline() {
    let faults = "faults: [{when: {image: '*:v2'}, do: {crash: {}}}]\n";
    let sandbox = world(2, "progressDeadlineSeconds: 60", faults);
    set_image(&sandbox, "api:v2");
    sandbox.pass(30);
    assert!(
        condition(&sandbox, "Progressing").starts_with("True ReplicaSetUpdated"),
        "{}",
        condition(&sandbox, "Progressing")
    );
    sandbox.pass(60);
    let stuck = condition(&sandbox, "Progressing");
    assert!(stuck.starts_with("False ProgressDeadlineExceeded: ReplicaSet \"api-"), "{stuck}");
    assert!(stuck.ends_with("has timed out progressing."), "{stuck}");
    assert!(condition(&sandbox, "Available").starts_with("True"), "the old pods still serve");
    assert_eq!(sandbox.get("deployment", "api")["status"]["unavailableReplicas"], 1);
    set_image(&sandbox, "api:v1");
    sandbox.pass(20);
    assert!(
        condition(&sandbox, "Progressing").starts_with("True NewReplicaSetAvailable"),
        "{}",
        condition(&sandbox, "Progressing")
    );
}

#[test]
fn recreate_ends_all_old_pods_first() {
    let sandbox = world(2, "strategy: {type: Recreate}", "");
    set_image(&sandbox, "api:v2");
    let images = || {
        let pods = sandbox.list("pod");
        let image = |pod: &std::sync::Arc<Value>| pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
        pods.iter().map(image).collect::<std::collections::BTreeSet<_>>()
    };
    for _ in 0..80 {
        sandbox.advance(std::time::Duration::from_millis(100));
        assert!(images().len() <= 1, "never both: {:?}", images());
    }
    assert_eq!(images(), ["api:v2".to_owned()].into());
    assert_eq!(sandbox.get("deployment", "api")["status"]["availableReplicas"], 2);
}

#[test]
fn a_paused_deployment_scales_but_does_not_roll_out() {
    let sandbox = world(2, "", "");
    sandbox.edit("deployment", "api", |it| it["spec"]["paused"] = json!(true));
    set_image(&sandbox, "api:v2");
    sandbox.edit("deployment", "api", |it| it["spec"]["replicas"] = json!(3));
    sandbox.pass(10);
    assert_eq!(sandbox.list("replicaset").len(), 1);
    assert_eq!(sandbox.list("pod").len(), 3);
    assert_eq!(condition(&sandbox, "Progressing"), "Unknown DeploymentPaused: Deployment is paused");
    sandbox.edit("deployment", "api", |it| it["spec"]["paused"] = json!(false));
    sandbox.pass(20);
    assert_eq!(sandbox.list("replicaset").len(), 2);
    assert!(condition(&sandbox, "Progressing").starts_with("True NewReplicaSetAvailable"));
}

#[test]
fn a_resize_during_a_rollout_is_shared_out() {
    let faults = "faults: [{when: {image: '*:v2'}, do: {unready: {}}}]\n";
    let sandbox = world(4, "strategy: {rollingUpdate: {maxSurge: 2, maxUnavailable: 0}}", faults);
    set_image(&sandbox, "api:v2");
    sandbox.pass(10);
    sandbox.edit("deployment", "api", |it| it["spec"]["replicas"] = json!(7));
    sandbox.pass(10);
    let mut sizes: Vec<i64> =
        sandbox.list("replicaset").iter().map(|set| set["spec"]["replicas"].as_i64().unwrap()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [3, 6], "nine in all, two of them surge");
}

#[test]
fn old_replica_sets_are_kept_up_to_the_limit() {
    let sandbox = world(1, "revisionHistoryLimit: 2", "");
    for version in 2..=5 {
        set_image(&sandbox, &format!("api:v{version}"));
        sandbox.pass(15);
    }
    let mut numbers: Vec<u64> = sandbox.list("replicaset").iter().map(|set| revisions::revision(set)).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [3, 4, 5]);
}

#[test]
fn min_ready_seconds_delay_availability() {
    let sandbox = start(&format!("manifests:\n{}", deployment("api", 1, "minReadySeconds: 20")));
    sandbox.pass(10);
    let status = sandbox.get("deployment", "api")["status"].clone();
    assert_eq!((&status["readyReplicas"], &status["availableReplicas"]), (&json!(1), &Value::Null));
    assert!(condition(&sandbox, "Available").starts_with("False MinimumReplicasUnavailable"));
    sandbox.pass(20);
    assert_eq!(sandbox.get("deployment", "api")["status"]["availableReplicas"], 1);
}

#[test]
fn a_deleted_pod_is_replaced() {
    let sandbox = world(2, "", "");
    let gone = object::name(&sandbox.list("pod")[0]).to_owned();
    sandbox.delete("pod", &gone);
    sandbox.pass(5);
    let pods = sandbox.list("pod");
    assert!(pods.len() == 2 && pods.iter().all(|pod| object::name(pod) != gone));
}

#[test]
fn deleting_a_deployment_takes_everything_below() {
    let sandbox = world(2, "", "");
    sandbox.delete("deployment", "api");
    sandbox.pass(10);
    assert!(sandbox.list("replicaset").is_empty() && sandbox.list("pod").is_empty());
}

#[test]
fn pods_that_do_not_fit_are_told_and_tried_again() {
    let nodes = "nodes: [{name: minikube, cpu: '1', images: ['*']}]\n";
    let text = deployment("api", 3, "").replace("image:", "resources: {requests: {cpu: 400m}}\n          image:");
    let sandbox = start(&format!("{nodes}warmUp: 30s\nmanifests:\n{text}"));
    let refusal = "FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
    assert!(sandbox.events("Pod").iter().any(|event| event.starts_with(refusal)), "{:#?}", sandbox.events("Pod"));
    assert_eq!(sandbox.get("deployment", "api")["status"]["availableReplicas"], 2);
    let key = sandbox.key("node", "minikube");
    let now = sandbox.now();
    sandbox.state().store.edit(&key, crate::store::Part::Status, now, |node| {
        node["status"]["allocatable"]["cpu"] = json!("2");
    });
    sandbox.after_write();
    sandbox.pass(20);
    assert_eq!(sandbox.get("deployment", "api")["status"]["availableReplicas"], 3);
}
