//! Nodes (115–117): not ready, unreachable, under pressure, without network. What runs there suffers with them.

use crate::claim::Claim;
use crate::finding::Severity;
use crate::kind::{Kind, ObjectRef};
use crate::remedy::Remedy;
use crate::shape::{Condition, Node};
use crate::snapshot::Snapshot;

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    for node in &snapshot.objects().nodes {
        let object = Snapshot::reference(Kind::Node, &node.metadata);
        for (at, condition) in node.status.conditions.iter().enumerate() {
            if let Some((rule, text, step)) = trouble(node, condition) {
                let claim = Claim::new(rule, object.clone(), text)
                    .detail(&condition.r#type)
                    .severity(if rule == 117 { Severity::Warning } else { Severity::Critical })
                    .saw(&object, format!("status.conditions[{at}].status"), &condition.status)
                    .saw(&object, format!("status.conditions[{at}].message"), &condition.message);
                claims.push(claim.affects(residents(snapshot, &object)).remedy(Remedy::manual(step)));
            }
        }
    }
}

/// The pods of a node and what controls them: their trouble may be the node's.
fn residents(snapshot: &Snapshot, node: &ObjectRef) -> Vec<ObjectRef> {
    snapshot.pods_on(&node.name).map(|pod| Snapshot::reference(Kind::Pod, &pod.metadata)).collect()
}

fn trouble(node: &Node, condition: &Condition) -> Option<(u16, String, String)> {
    let name = &node.metadata.name;
    match (condition.r#type.as_str(), condition.status.as_str()) {
        ("Ready", "Unknown") => {
            let text = format!("node {name} does not answer: its kubelet has stopped reporting");
            Some((116, text, "see whether the machine runs, start it again (minikube start)".to_owned()))
        }
        ("Ready", "False") => {
            let message = &condition.message;
            let what = if message.contains("cni")
                || message.contains("NetworkPluginNotReady")
                || message.contains("network plugin")
            {
                "install or restart the network plugin (CNI)"
            } else if message.contains("PLEG") || message.contains("runtime") {
                "restart the container runtime of the node"
            } else {
                "see the kubelet's log on the node (minikube logs)"
            };
            Some((115, format!("node {name} is not ready: {message}"), what.to_owned()))
        }
        (kind @ ("MemoryPressure" | "DiskPressure" | "PIDPressure"), "True") => {
            let what = kind.trim_end_matches("Pressure").to_ascii_lowercase();
            let text = format!("node {name} is short of {what}: it takes no new pods and evicts some");
            Some((117, text, format!("see what uses most {what} there, and limit or move it")))
        }
        ("NetworkUnavailable", "True") => Some((
            117,
            format!("the network of node {name} is not set up"),
            "see whether the network plugin runs there".to_owned(),
        )),
        _ => None,
    }
}
