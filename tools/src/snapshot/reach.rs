//! How far a snapshot reaches: the whole cluster, a namespace with what it needs of the cluster, or one pod with
//! no more than its diagnosis can need.

use serde_json::Value;
use todo_agent_diagnose::{Kind, Scope, Snapshot, shape};

use super::ask::{Ask, is_namespaced};
use crate::value;

/// How far a snapshot reaches.
#[derive(Debug)]
pub(crate) enum Reach<'a> {
    /// All namespaces.
    Everywhere,
    /// One namespace.
    Namespace(&'a str),
    /// One pod, which was read already.
    Pod {
        /// Its namespace.
        namespace: &'a str,
        /// The pod.
        live: &'a Value,
    },
}

impl Reach<'_> {
    /// Returns what is asked for first.
    pub(super) fn asks(&self) -> Vec<Ask> {
        // Metrics are asked for where they tell more.
        let is_usage = |kind: Kind| matches!(kind, Kind::PodMetrics | Kind::NodeMetrics);
        let everything = Kind::ALL.iter().copied().filter(|kind| !is_usage(*kind));
        match self {
            Self::Everywhere => everything.map(|kind| Ask::all(kind, Scope::Cluster)).collect(),
            Self::Namespace(namespace) => everything.map(|kind| Ask::all(kind, scope(kind, namespace))).collect(),
            Self::Pod { namespace, live } => {
                let mut asks: Vec<Ask> =
                    kinds_of_pod(live).into_iter().map(|kind| Ask::all(kind, scope(kind, namespace))).collect();
                asks.push(Ask::events_of(namespace, value::text(live, "/metadata/uid")));
                asks
            }
        }
    }

    /// Returns what is asked for once the first lists are there: a pod that finds no node competes with the pods of
    /// all namespaces.
    pub(super) fn asks_after(&self, snapshot: &Snapshot) -> Vec<Ask> {
        let waits = |pod: &shape::Pod| {
            let scheduled = shape::condition(&pod.status.conditions, "PodScheduled");
            scheduled.is_some_and(|scheduled| scheduled.status == "False" && scheduled.message.contains("Insufficient"))
        };
        let is_narrow = !matches!(self, Self::Everywhere);
        if is_narrow && snapshot.objects().pods.iter().any(waits) {
            return vec![Ask::all(Kind::Pod, Scope::Cluster)];
        }
        Vec::new()
    }
}

fn scope(kind: Kind, namespace: &str) -> Scope {
    if is_namespaced(kind) { Scope::Namespace(namespace.to_owned()) } else { Scope::Cluster }
}

/// Returns the kinds that can bear on one pod: what controls it, what it refers to, where it runs, and what it
/// reaches and is reached by.
fn kinds_of_pod(live: &Value) -> Vec<Kind> {
    let mut kinds = vec![Kind::Pod, Kind::Node, Kind::Service, Kind::EndpointSlice, Kind::NetworkPolicy];
    match value::controller(live).map(|(kind, _)| kind) {
        Some("ReplicaSet") => kinds.extend([Kind::ReplicaSet, Kind::Deployment]),
        Some("Job") => kinds.extend([Kind::Job, Kind::CronJob]),
        Some(other) => kinds.extend(Kind::of(other).filter(|kind| *kind != Kind::Node)),
        None => {}
    }
    let spec = live["spec"].to_string();
    let names = |words: &[&str]| words.iter().any(|word| spec.contains(&format!("\"{word}\":")));
    if names(&["configMapKeyRef", "configMapRef", "configMap"]) {
        kinds.push(Kind::ConfigMap);
    }
    if names(&["secretKeyRef", "secretRef", "secret", "imagePullSecrets"]) {
        kinds.push(Kind::Secret);
    }
    // Whose pull secrets count is told by the account.
    if live["status"].to_string().contains("ImagePull") {
        kinds.push(Kind::ServiceAccount);
    }
    if names(&["persistentVolumeClaim", "ephemeral"]) {
        kinds.push(Kind::PersistentVolumeClaim);
        // A pod that has a node has its volumes.
        if live["spec"]["nodeName"].is_null() {
            kinds.extend([Kind::PersistentVolume, Kind::StorageClass]);
        }
    }
    kinds
}
