//! The provisioners of a cluster: what makes a volume for a claim, and what makes it larger.
//!
//! Three are simulated, each as the real one writes its volumes. A class of any other provisioner keeps
//! its claims waiting, as a cluster does where nothing answers to that name.

use std::time::Duration;

use serde_json::{Value, json};

use super::claims::{self, SELECTED_NODE};
use crate::conditions::{self, Condition};
use crate::events::{Occurrence, Source};
use crate::object;
use crate::simulation::State;
use crate::store::{Key, Part};
use crate::timers::Wake;

/// The annotation with the provisioner of a volume.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// The annotations with the provisioner that a claim was given to.
const ASKED: [&str; 2] = ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"];
/// How long a volume takes to be made or to grow.
const WORK: Duration = Duration::from_secs(2);

/// A provisioner and how it signs its events.
struct Provisioner {
    name: &'static str,
    component: &'static str,
    /// Whether it makes volumes larger.
    resizer: Option<&'static str>,
}

const PROVISIONERS: [Provisioner; 3] = [
    Provisioner {
        name: "rancher.io/local-path",
        component: "rancher.io/local-path_local-path-provisioner",
        resizer: None,
    },
    Provisioner { name: "k8s.io/minikube-hostpath", component: "k8s.io/minikube-hostpath_minikube", resizer: None },
    Provisioner {
        name: "hostpath.csi.k8s.io",
        component: "hostpath.csi.k8s.io_csi-hostpathplugin-0",
        resizer: Some("external-resizer hostpath.csi.k8s.io"),
    },
];

fn provisioner(name: &Value) -> Option<&'static Provisioner> {
    PROVISIONERS.iter().find(|known| name == known.name)
}

/// Returns whether a volume was made here.
pub(super) fn is_own(volume: &Value) -> bool {
    provisioner(&volume["metadata"]["annotations"][PROVISIONED_BY]).is_some()
}

/// Asks the provisioner of a class for a claim's volume.
pub(super) fn request(state: &mut State, key: &Key, claim: &Value, class: &Value) {
    let name = class["provisioner"].as_str().unwrap_or_default();
    if name == "kubernetes.io/no-provisioner" {
        return;
    }
    let message = format!(
        "Waiting for a volume to be created either by the external provisioner '{name}' or manually by the system \
         administrator. If volume creation is delayed, please verify that the provisioner is running and correctly \
         registered."
    );
    let is_new = claim["metadata"]["annotations"][ASKED[1]].is_null();
    let now = state.now;
    state.store.edit(key, Part::Metadata, now, |claim| {
        let annotations = object::map_at(&mut claim["metadata"], "annotations");
        for annotation in ASKED {
            annotations.insert(annotation.into(), name.into());
        }
    });
    let asked = state.store.get(key).unwrap_or_default();
    state.record(&claims::SOURCE, &asked, &Occurrence::normal("ExternalProvisioning", message));
    let Some(provisioner) = provisioner(&class["provisioner"]) else { return };
    if is_new {
        let path = format!("{}/{}", key.namespace, key.name);
        let message = format!("External provisioner is provisioning volume for claim \"{path}\"");
        state.record(&Source::Controller(provisioner.component), &asked, &Occurrence::normal("Provisioning", message));
    }
    state.wake_after(Wake::Provision(key.clone()), WORK);
}

/// Makes the volume of a claim.
pub(crate) fn provision(state: &mut State, key: &Key) {
    let Some(claim) = state.store.get(key).filter(|claim| !claims::is_bound(claim)) else { return };
    let Some(class) = claims::class(&state.store, &claim) else { return };
    let Some(provisioner) = provisioner(&class["provisioner"]) else { return };
    let name = format!("pvc-{}", object::uid(&claim));
    let volume = new_volume(&claim, &class, provisioner, &name);
    let occurrence = match state.admit(volume) {
        Ok(_) => Occurrence::normal("ProvisioningSucceeded", format!("Successfully provisioned volume {name}")),
        // It is there already.
        Err(_) => return,
    };
    state.record(&Source::Controller(provisioner.component), &claim, &occurrence);
}

fn new_volume(claim: &Value, class: &Value, provisioner: &Provisioner, name: &str) -> Value {
    let (namespace, claim_name) = (object::namespace(claim), object::name(claim));
    let node = claim["metadata"]["annotations"][SELECTED_NODE].as_str();
    let mut annotations = json!({PROVISIONED_BY: provisioner.name});
    let mut spec = json!({
        "accessModes": claim["spec"]["accessModes"],
        "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
        "claimRef": {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "name": claim_name, "namespace": namespace,
            "uid": object::uid(claim), "resourceVersion": claim["metadata"]["resourceVersion"],
        },
        "persistentVolumeReclaimPolicy": class["reclaimPolicy"],
        "storageClassName": object::name(class),
        "volumeMode": claim["spec"]["volumeMode"],
    });
    let on_node = |node: &str, label: &str| {
        let expression = json!({"key": label, "operator": "In", "values": [node]});
        json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}})
    };
    match provisioner.name {
        "rancher.io/local-path" => {
            let path = format!("/opt/local-path-provisioner/{name}_{namespace}_{claim_name}");
            spec["hostPath"] = json!({"path": path, "type": "DirectoryOrCreate"});
            if let Some(node) = node {
                annotations["local.path.provisioner/selected-node"] = json!(node);
                spec["nodeAffinity"] = on_node(node, "kubernetes.io/hostname");
            }
        }
        "k8s.io/minikube-hostpath" => {
            let path = format!("/tmp/hostpath-provisioner/{namespace}/{claim_name}");
            spec["hostPath"] = json!({"path": path, "type": ""});
        }
        _ => {
            spec["csi"] = json!({"driver": provisioner.name, "volumeHandle": object::uid(claim)});
            if let Some(node) = node {
                spec["nodeAffinity"] = on_node(node, "topology.hostpath.csi/node");
            }
        }
    }
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name, "annotations": annotations},
        "spec": spec,
    })
}

/// Notices that a claim wants to be larger than its volume.
pub(super) fn resize(state: &mut State, key: &Key, claim: &Value, volume: &Value) {
    let wanted = claims::storage(&claim["spec"]["resources"]["requests"]);
    if wanted <= claims::storage(&claim["status"]["capacity"]) {
        return;
    }
    let own = provisioner(&volume["metadata"]["annotations"][PROVISIONED_BY]);
    let Some(resizer) = own.and_then(|own| own.resizer) else {
        if volume["spec"]["csi"].is_null() {
            let message = "waiting for an external controller to expand this PVC";
            let source = Source::Controller("volume_expand");
            state.record(&source, claim, &Occurrence::normal("ExternalExpanding", message));
        }
        return;
    };
    if conditions::find(&claim["status"], "Resizing").is_none() {
        let message = format!("External resizer is resizing volume {}", object::name(volume));
        state.record(&Source::Controller(resizer), claim, &Occurrence::normal("Resizing", message));
        let now = state.now;
        state.store.edit(key, Part::Status, now, |claim| {
            let condition = Condition { kind: "Resizing", status: "True", reason: "", message: "" };
            conditions::set(&mut claim["status"], &condition, &[("lastProbeTime", Value::Null)], now);
        });
    }
    state.wake_after(Wake::Expand(key.clone()), WORK);
}

/// Makes the volume of a claim as large as the claim wants it.
pub(crate) fn expand(state: &mut State, key: &Key) {
    let Some(claim) = state.store.get(key) else { return };
    let Some(volume) = claims::volume_of(&state.store, &claim) else { return };
    let now = state.now;
    let capacity = json!({"storage": claim["spec"]["resources"]["requests"]["storage"]});
    state.store.edit(&Key::of_object(&volume), Part::Spec, now, |volume| volume["spec"]["capacity"] = capacity.clone());
    state.store.edit(key, Part::Status, now, |claim| {
        claim["status"]["capacity"] = capacity;
        if let Some(list) = claim["status"]["conditions"].as_array_mut() {
            list.retain(|condition| condition["type"] != "Resizing");
        }
    });
    let message = format!("MountVolume.NodeExpandVolume succeeded for volume \"{}\"", object::name(&volume));
    let source = Source::Controller("kubelet");
    state.record(&source, &claim, &Occurrence::normal("FileSystemResizeSuccessful", message));
}
