//! Network policies between a pod and what it cannot reach (89, 90). Nothing is claimed of policies alone: a
//! pod must have said that it gets no answer. Whether the network plugin enforces policies cannot be seen for
//! sure, so the claim is supported, not proved.

use serde_json::{Value, json};
use todo_agent_kube_rules::policies::{Endpoint, Verdict, verdict};

use super::log_classes::dns;
use crate::claim::Claim;
use crate::finding::{Confidence, Evidence, Severity, Unknown};
use crate::kind::{Kind, ObjectRef};
use crate::logs::{Class, Hint};
use crate::reach::{Reach, reach};
use crate::remedy::Remedy;
use crate::shape::Pod;
use crate::snapshot::Snapshot;

/// A pod as the solver wants it.
struct Side {
    namespace: String,
    namespace_labels: Value,
    labels: Value,
    ip: Option<std::net::IpAddr>,
    ports: Vec<(String, String, i64)>,
}

impl Side {
    fn of(snapshot: &Snapshot, pod: &Pod) -> Self {
        let namespace = pod.metadata.namespace.clone();
        let labels = snapshot.objects().namespaces.iter().find(|one| one.metadata.name == namespace);
        let mut namespace_labels = labels.map_or_else(|| json!({}), |one| json!(one.metadata.labels));
        // Every namespace has this label, also where namespaces were not read.
        namespace_labels["kubernetes.io/metadata.name"] = json!(namespace);
        let named = |port: &crate::shape::ContainerPort| {
            let protocol = if port.protocol.is_empty() { "TCP" } else { &port.protocol };
            (port.name.clone(), protocol.to_owned(), port.container_port)
        };
        Self {
            namespace,
            namespace_labels,
            labels: json!(pod.metadata.labels),
            ip: pod.status.pod_ip.parse().ok(),
            ports: pod.spec.serving().flat_map(|container| &container.ports).map(named).collect(),
        }
    }

    fn endpoint(&self) -> Endpoint<'_> {
        Endpoint::Pod {
            namespace: &self.namespace,
            namespace_labels: &self.namespace_labels,
            labels: &self.labels,
            ip: self.ip,
            ports: &self.ports,
        }
    }
}

/// Returns what the policies say of a connection between two pods.
pub(crate) fn between(snapshot: &Snapshot, from: &Pod, to: &Pod, port: i64, protocol: &str) -> Verdict {
    let policies: Vec<Value> = snapshot.objects().network_policies.iter().map(|policy| {
        json!({"metadata": {"namespace": policy.metadata.namespace, "name": policy.metadata.name}, "spec": policy.spec})
    }).collect();
    if policies.is_empty() || (from.metadata.uid == to.metadata.uid && !from.metadata.uid.is_empty()) {
        return Verdict::Allowed;
    }
    let (from, to) = (Side::of(snapshot, from), Side::of(snapshot, to));
    verdict(&policies, &from.endpoint(), &to.endpoint(), port, protocol)
}

/// Returns the policies that stand in the way of what a log complains of, as what explains it.
pub(super) fn on_way(pod: &Pod, snapshot: &Snapshot, host: &str, hint: &Hint) -> Vec<ObjectRef> {
    if hint.class == Class::UnknownHost {
        let mut found = vec![dns()];
        found.extend(blocking_dns(snapshot, pod));
        return found;
    }
    let Some((to, port)) = destination(snapshot, &pod.metadata.namespace, host, hint.port) else { return Vec::new() };
    match between(snapshot, pod, to, port, "TCP") {
        Verdict::Allowed => Vec::new(),
        Verdict::Denied(_, policies) => refs(snapshot, &policies),
    }
}

fn refs(snapshot: &Snapshot, policies: &[(String, String)]) -> Vec<ObjectRef> {
    policies.iter().map(|(namespace, name)| snapshot.named(Kind::NetworkPolicy, namespace, name)).collect()
}

/// Returns the pod and the port on it that a host and a port lead to.
fn destination<'s>(snapshot: &'s Snapshot, from: &str, host: &str, port: Option<i64>) -> Option<(&'s Pod, i64)> {
    match reach(snapshot, from, host) {
        Reach::Pod(pod) => Some((pod, port?)),
        Reach::Service(service) => {
            let subject = super::services::first_pod(snapshot, service)?;
            let ports = &service.spec.ports;
            let used = port.and_then(|port| ports.iter().find(|one| one.port == port)).or_else(|| ports.first())?;
            let number = subject.pod.spec.port(&used.target_port).filter(|number| *number > 0).unwrap_or(used.port);
            Some((subject.pod, number))
        }
        Reach::Missing { .. } | Reach::Elsewhere => None,
    }
}

fn blocking_dns(snapshot: &Snapshot, pod: &Pod) -> Vec<ObjectRef> {
    let dns = dns();
    let services = &snapshot.objects().services;
    let Some(service) =
        services.iter().find(|one| one.metadata.name == dns.name && one.metadata.namespace == dns.namespace)
    else {
        return Vec::new();
    };
    let Some(subject) = super::services::first_pod(snapshot, service) else { return Vec::new() };
    match between(snapshot, pod, subject.pod, 53, "UDP") {
        Verdict::Denied(_, policies) => refs(snapshot, &policies),
        Verdict::Allowed => Vec::new(),
    }
}

/// Adds a claim for each policy that explains another claim, so that it becomes the cause.
pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    let mut found: Vec<Claim> = Vec::new();
    for claim in claims.iter().filter(|claim| (141..=143).contains(&claim.rule)) {
        for policy in claim.because.iter().filter(|object| object.kind == Kind::NetworkPolicy) {
            let names = claim.rule == Class::UnknownHost as u16;
            let (rule, what) = if names {
                (90, "does not let pods ask the cluster's DNS")
            } else {
                (89, "stands between pods that want to talk")
            };
            let text = format!("network policy {} {what}: {}", policy.name, claim.text);
            let allow = if names {
                "egress to namespace kube-system, ports 53/UDP and 53/TCP".to_owned()
            } else {
                format!("the connection of {}", claim.subject.short())
            };
            found.push(
                Claim::new(rule, policy.clone(), text)
                    .severity(Severity::Critical)
                    .confidence(Confidence::Supported)
                    .evidence([spec(snapshot, policy)])
                    .unknown(Unknown::unseen("whether the network plugin enforces network policies"))
                    .remedy(Remedy::AllowTraffic {
                        namespace: policy.namespace.clone(),
                        policy: policy.name.clone(),
                        rule: allow,
                    }),
            );
        }
    }
    claims.extend(found);
}

fn spec(snapshot: &Snapshot, policy: &ObjectRef) -> Evidence {
    let policies = &snapshot.objects().network_policies;
    let found = policies.iter().find(|one| one.metadata.uid == policy.uid);
    let selector = found.map_or(Value::Null, |one| one.spec["podSelector"].clone());
    Evidence::field(policy, "spec.podSelector", selector)
}
