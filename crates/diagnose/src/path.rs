//! The way of a request, of a connection and of a pod to a node, hop by hop: for explaining what the findings
//! say, or that nothing is wrong.

use todo_agent_kube_rules::policies::Verdict;

use crate::finding::Finding;
use crate::kind::{Kind, ObjectRef};
use crate::reach::{behind, is_ready};
use crate::rules::{connection as between, placements};
use crate::shape::{Ingress, Service};
use crate::snapshot::Snapshot;

/// One station of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// How deep it is below the first.
    pub depth: usize,
    /// What is passed.
    pub object: ObjectRef,
    /// What is known of it.
    pub text: String,
    /// The finding that breaks the way here.
    pub broken: Option<String>,
}

/// Returns the way of a request from an Ingress or a Service to containers. Empty where the object was not read.
pub fn request(snapshot: &Snapshot, findings: &[Finding], target: &ObjectRef) -> Vec<Hop> {
    let mut hops = Hops { snapshot, findings, found: Vec::new() };
    let objects = snapshot.objects();
    let is = |meta: &crate::shape::Meta| meta.name == target.name && meta.namespace == target.namespace;
    match target.kind {
        Kind::Ingress => {
            objects.ingresses.iter().filter(|one| is(&one.metadata)).for_each(|ingress| hops.ingress(ingress));
        }
        Kind::Service => {
            objects.services.iter().filter(|one| is(&one.metadata)).for_each(|service| hops.service(0, service));
        }
        _ => {}
    }
    hops.found
}

struct Hops<'s> {
    snapshot: &'s Snapshot,
    findings: &'s [Finding],
    found: Vec<Hop>,
}

impl Hops<'_> {
    fn push(&mut self, depth: usize, object: ObjectRef, text: String) {
        let about = |finding: &&Finding| {
            let named = finding.objects.first().is_some_and(|first| first.is(&object));
            let cause = object.kind == Kind::Pod && finding.objects.iter().any(|one| one.is(&object));
            named || cause || finding.consequences.iter().any(|consequence| consequence.object.is(&object))
        };
        let broken = self.findings.iter().find(about).map(|finding| finding.id.clone());
        self.found.push(Hop { depth, object, text, broken });
    }

    fn ingress(&mut self, ingress: &Ingress) {
        let object = Snapshot::reference(Kind::Ingress, &ingress.metadata);
        let class = if ingress.spec.ingress_class_name.is_empty() {
            "the default class"
        } else {
            &ingress.spec.ingress_class_name
        };
        self.push(0, object.clone(), format!("served by {class}"));
        for rule in &ingress.spec.rules {
            for path in &rule.http.paths {
                let Some(backend) = &path.backend.service else { continue };
                let services = &self.snapshot.objects().services;
                let found = services
                    .iter()
                    .find(|one| one.metadata.name == backend.name && one.metadata.namespace == object.namespace);
                if let Some(service) = found {
                    self.service(1, service);
                } else {
                    let missing = ObjectRef::named(Kind::Service, &object.namespace, &backend.name);
                    self.push(1, missing, format!("{}{} leads here; it was not found", rule.host, path.path));
                }
            }
        }
    }

    fn service(&mut self, depth: usize, service: &Service) {
        let object = Snapshot::reference(Kind::Service, &service.metadata);
        let behind = behind(self.snapshot, service);
        let ready = behind.pods.iter().filter(|pod| is_ready(pod)).count();
        let ports: Vec<String> =
            service.spec.ports.iter().map(|port| format!("{} to {}", port.port, port.target_port)).collect();
        self.push(depth, object, format!("{}, {ready} of {} pods ready", ports.join(", "), behind.pods.len()));
        for pod in behind.pods {
            let local = service.spec.external_traffic_policy == "Local";
            let place = if local { format!(" (only from node {})", pod.spec.node_name) } else { String::new() };
            let text = if is_ready(pod) { format!("ready{place}") } else { format!("not ready{place}") };
            self.push(depth + 1, Snapshot::reference(Kind::Pod, &pod.metadata), text);
        }
    }
}

/// Returns what the network policies say of a connection between two pods; `None` where one was not read.
pub fn connection(snapshot: &Snapshot, from: &ObjectRef, to: &ObjectRef, port: i64, protocol: &str) -> Option<Verdict> {
    let pod = |object: &ObjectRef| {
        snapshot
            .objects()
            .pods
            .iter()
            .find(|pod| pod.metadata.name == object.name && pod.metadata.namespace == object.namespace)
    };
    Some(between(snapshot, pod(from)?, pod(to)?, port, protocol))
}

/// How a node stands to a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The node.
    pub node: ObjectRef,
    /// What speaks against it, in words; nothing where the pod fits.
    pub against: Vec<String>,
}

/// Returns node by node why a pod does not fit there.
pub fn placement(snapshot: &Snapshot, pod: &ObjectRef) -> Vec<Place> {
    let mut pods = snapshot.objects().pods.iter();
    let Some(pod) = pods.find(|one| one.metadata.name == pod.name && one.metadata.namespace == pod.namespace) else {
        return Vec::new();
    };
    let place = |fit: crate::rules::Fit<'_>| {
        let mut against = Vec::new();
        if fit.node.spec.unschedulable {
            against.push("it is cordoned".to_owned());
        }
        if let Some(taint) = fit.taint {
            against.push(format!("taint {}={}:{} is not tolerated", taint.key, taint.value, taint.effect));
        }
        if !fit.allowed {
            against.push("node selector or affinity do not match".to_owned());
        }
        against.extend(
            fit.lacking.iter().map(|resource| format!("too little {resource}: {} is free", fit.free(resource))),
        );
        Place { node: fit.reference(), against }
    };
    placements(snapshot, pod).into_iter().map(place).collect()
}
