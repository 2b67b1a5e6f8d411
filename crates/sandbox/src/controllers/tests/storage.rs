//! Claims: who waits for whom, what is bound, what may grow, what goes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::simulation::Sandbox;
use crate::testing::start;

const STANDARD: &str = "- {apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: standard, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}, provisioner: rancher.io/local-path, volumeBindingMode: WaitForFirstConsumer}\n";
const GROWING: &str = "- {apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: growing, annotations: {storageclass.kubernetes.io/is-default-class: 'true'}}, provisioner: hostpath.csi.k8s.io, allowVolumeExpansion: true}\n";
const CLAIM: &str = "- {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}\n";
const POD: &str = "- {apiVersion: v1, kind: Pod, metadata: {name: db}, spec: {containers: [{name: db, image: 'redis:7'}], volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]}}\n";

fn world(manifests: &[&str]) -> Sandbox {
    start(&format!("warmUp: 30s\nmanifests:\n{}", manifests.concat()))
}

fn phase(sandbox: &Sandbox) -> Value {
    sandbox.get("persistentvolumeclaim", "data")["status"]["phase"].clone()
}

#[test]
fn a_claim_waits_for_its_pod_and_the_pod_for_its_volume() {
    let sandbox = world(&[STANDARD, CLAIM]);
    assert_eq!(phase(&sandbox), "Pending");
    let told = sandbox.events("PersistentVolumeClaim");
    assert!(told.iter().any(|it| it.starts_with("WaitForFirstConsumer: ")), "{told:?}");

    let sandbox = world(&[STANDARD, CLAIM, POD]);
    assert_eq!(phase(&sandbox), "Bound");
    assert_eq!(sandbox.get("pod", "db")["status"]["phase"], "Running");
    let claim = sandbox.get("persistentvolumeclaim", "data");
    assert_eq!(claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"], "minikube");
    let volume = sandbox.list_everywhere("persistentvolume").remove(0);
    assert_eq!(volume["metadata"]["name"], claim["spec"]["volumeName"]);
    assert_eq!(volume["spec"]["claimRef"]["name"], "data");
}

#[test]
fn a_pod_says_which_claim_it_lacks_and_goes_on_when_it_comes() {
    let sandbox = world(&[STANDARD, POD]);
    let pod = sandbox.get("pod", "db");
    let message = pod["status"]["conditions"][0]["message"].as_str().unwrap();
    assert_eq!(message, "0/1 nodes are available: persistentvolumeclaim \"data\" not found. not found");
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    sandbox.state().admit(claim).unwrap();
    sandbox.after_write();
    sandbox.pass(30);
    assert_eq!(sandbox.get("pod", "db")["status"]["phase"], "Running");
}

#[test]
fn a_claim_in_use_outlives_its_deletion_and_its_volume_goes_with_it() {
    let sandbox = world(&[STANDARD, CLAIM, POD]);
    sandbox.delete("persistentvolumeclaim", "data");
    sandbox.pass(5);
    assert!(sandbox.get("persistentvolumeclaim", "data")["metadata"]["deletionTimestamp"].is_string());
    sandbox.delete("pod", "db");
    sandbox.advance(Duration::from_mins(1));
    assert_eq!(sandbox.get("persistentvolumeclaim", "data"), Value::Null);
    assert!(sandbox.list_everywhere("persistentvolume").is_empty());
}

#[test]
fn a_claim_grows_where_its_class_and_its_provisioner_let_it() {
    let sandbox = world(&[GROWING, CLAIM]);
    assert_eq!(phase(&sandbox), "Bound");
    sandbox.edit("persistentvolumeclaim", "data", |claim| {
        claim["spec"]["resources"]["requests"]["storage"] = json!("2Gi");
    });
    sandbox.pass(10);
    let claim = sandbox.get("persistentvolumeclaim", "data");
    assert_eq!(claim["status"]["capacity"]["storage"], "2Gi");
    let told = sandbox.events("PersistentVolumeClaim");
    assert!(told.iter().any(|it| it.starts_with("FileSystemResizeSuccessful: ")), "{told:?}");
}

#[test]
fn nobody_answers_for_a_class_of_a_provisioner_that_is_not_there() {
    let other = STANDARD.replace("rancher.io/local-path", "example.com/none");
    let sandbox = world(&[&other, CLAIM, POD]);
    assert_eq!(phase(&sandbox), "Pending");
    assert_eq!(sandbox.get("pod", "db")["spec"]["nodeName"], Value::Null);
}
