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
