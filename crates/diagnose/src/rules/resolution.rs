//! The cluster's own name service (91): without it nothing finds anything.

use super::log_classes::dns;
use crate::claim::Claim;
use crate::finding::Severity;
use crate::kind::Kind;
use crate::reach::{behind, is_ready};
use crate::remedy::Remedy;
use crate::snapshot::Snapshot;

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    super::policies::claims(snapshot, claims);
    let dns = dns();
    let services = &snapshot.objects().services;
    let Some(service) =
        services.iter().find(|one| one.metadata.name == dns.name && one.metadata.namespace == dns.namespace)
    else {
        return;
    };
    if !snapshot.covers(Kind::Pod, &dns.namespace) {
        return;
    }
    let behind = behind(snapshot, service);
    if behind.pods.iter().any(|pod| is_ready(pod)) || behind.ready.is_some_and(|ready| ready > 0) {
        return;
    }
    let object = Snapshot::reference(Kind::Service, &service.metadata);
    let pods: Vec<_> = behind.pods.iter().map(|pod| Snapshot::reference(Kind::Pod, &pod.metadata)).collect();
    let looped = behind.pods.iter().any(|pod| {
        let runs = [crate::snapshot::Run::Current, crate::snapshot::Run::Previous];
        let mut logs = runs.into_iter().filter_map(|run| snapshot.log(&pod.metadata.uid, "coredns", run));
        logs.any(|log| log.text.as_ref().is_ok_and(|text| text.contains("Loop (")))
    });
    let why = if looped { ": it forwards to itself (Loop detected)" } else { "" };
    let step = if looped {
        "let the Corefile forward to a real name server instead of the node's own resolver"
    } else {
        "bring the pods of the cluster's DNS back (namespace kube-system, label k8s-app=kube-dns)"
    };
    claims.push(
        Claim::new(91, object.clone(), format!("the cluster's DNS has no ready endpoint{why}"))
            .severity(Severity::Critical)
            .because(pods)
            .saw(&object, "spec.clusterIP", &service.spec.cluster_ip)
            .remedy(Remedy::manual(step)),
    );
}
