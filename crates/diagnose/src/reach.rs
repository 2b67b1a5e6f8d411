//! Where a name or an address within the cluster leads: a Service, a pod, or out of the cluster.

use crate::kind::{Kind, ObjectRef};
use crate::shape::{Pod, Service};
use crate::snapshot::{Found, Snapshot};

/// What a host means.
#[derive(Debug, Clone)]
pub(crate) enum Reach<'s> {
    /// A Service.
    Service(&'s Service),
    /// A name that can only be a Service, and is none.
    Missing {
        /// The Service that it would be.
        service: ObjectRef,
        /// The nearest name of a Service, as it would have to be written.
        near: Option<String>,
    },
    /// A pod.
    Pod(&'s Pod),
    /// Something outside, or what cannot be told.
    Elsewhere,
}

/// Resolves a host as a pod of a namespace would.
pub(crate) fn reach<'s>(snapshot: &'s Snapshot, from: &str, host: &str) -> Reach<'s> {
    let host = host.trim_end_matches('.');
    if host.parse::<std::net::IpAddr>().is_ok() {
        return by_address(snapshot, host);
    }
    let name = host.strip_suffix(".cluster.local").unwrap_or(host);
    let name = name.strip_suffix(".svc").unwrap_or(name);
    let sure = name.len() != host.len();
    let (name, namespace) = match name.split_once('.') {
        None => (name, from),
        Some((name, namespace)) if !namespace.contains('.') => (name, namespace),
        Some(_) => return Reach::Elsewhere,
    };
    let other = namespace != from;
    if other && !sure && snapshot.find(Kind::Namespace, "", namespace).here().is_none() {
        return Reach::Elsewhere;
    }
    match snapshot.find(Kind::Service, namespace, name) {
        Found::Here(at) => snapshot.objects().services.get(at.at as usize).map_or(Reach::Elsewhere, Reach::Service),
        Found::Missing if name != "localhost" => Reach::Missing {
            service: ObjectRef::named(Kind::Service, namespace, name),
            near: near(snapshot, from, namespace, name),
        },
        Found::Missing | Found::Unknown => Reach::Elsewhere,
    }
}

fn by_address<'s>(snapshot: &'s Snapshot, address: &str) -> Reach<'s> {
    let objects = snapshot.objects();
    if let Some(service) = objects.services.iter().find(|service| service.spec.cluster_ip == address) {
        return Reach::Service(service);
    }
    let pod = objects.pods.iter().find(|pod| pod.status.pod_ip == address && !pod.spec.host_network);
    pod.map_or(Reach::Elsewhere, Reach::Pod)
}

/// The same name in another namespace, else the most similar one in this.
fn near(snapshot: &Snapshot, from: &str, namespace: &str, name: &str) -> Option<String> {
    let services = &snapshot.objects().services;
    let here = services.iter().filter(|service| service.metadata.namespace == namespace);
    let similar = similar(name, here.map(|service| service.metadata.name.as_str()))
        .map(|near| if namespace == from { near.to_owned() } else { format!("{near}.{namespace}") });
    similar.or_else(|| {
        let same = services.iter().find(|service| service.metadata.name == name)?;
        Some(format!("{name}.{}", same.metadata.namespace))
    })
}

/// Returns the name most like this one, if one is like it at all.
pub(crate) fn similar<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_ascii_lowercase();
    let score = |candidate: &str| {
        let other = candidate.to_ascii_lowercase();
        let contained = lower.len() > 2 && other.len() > 2 && (lower.contains(&other) || other.contains(&lower));
        let distance = strsim::damerau_levenshtein(&lower, &other);
        let longest = lower.len().max(other.len()).max(1);
        (contained || distance * 3 <= longest).then_some(if contained { distance.min(1) } else { distance })
    };
    let scored = candidates.filter(|candidate| *candidate != name).filter_map(|at| Some((score(at)?, at)));
    scored.min().map(|(_, candidate)| candidate)
}

/// What stands behind a Service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behind<'s> {
    /// The pods that it selects and that have not ended.
    pub(crate) pods: Vec<&'s Pod>,
    /// How many endpoints are ready; `None` where slices were not read.
    pub(crate) ready: Option<usize>,
}

/// Returns what stands behind a Service.
pub(crate) fn behind<'s>(snapshot: &'s Snapshot, service: &Service) -> Behind<'s> {
    let meta = &service.metadata;
    let mut pods = snapshot.pods_with(&meta.namespace, &service.spec.selector);
    pods.retain(|pod| !matches!(pod.status.phase.as_str(), "Succeeded" | "Failed"));
    let ready = snapshot.covers(Kind::EndpointSlice, &meta.namespace).then(|| {
        let slices = snapshot.slices_of(&meta.namespace, &meta.name);
        let endpoints = slices.into_iter().flat_map(|slice| &slice.endpoints);
        endpoints.filter(|endpoint| endpoint.conditions.ready.unwrap_or(true)).count()
    });
    Behind { pods, ready }
}

/// Returns whether a pod is ready.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    crate::shape::condition(&pod.status.conditions, "Ready").is_some_and(|ready| ready.status == "True")
}
