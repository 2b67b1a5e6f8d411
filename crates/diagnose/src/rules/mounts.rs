//! Volumes that cannot be mounted (65, 67, 68). A pod that waits for its mounts shows `ContainerCreating`; the
//! reason is in events only, and one that the kubelet has overcome means nothing.

use super::waiting::{between, missing};
use crate::claim::{Claim, Subject, seen};
use crate::finding::Severity;
use crate::kind::{Kind, ObjectRef};
use crate::remedy::{Remedy, Replace};

pub(super) fn claims(subject: &Subject<'_>) -> Vec<Claim> {
    let statuses = subject.pod.status.init_container_statuses.iter().chain(&subject.pod.status.container_statuses);
    let creating = |reason: &str| matches!(reason, "ContainerCreating" | "PodInitializing");
    let mut waiting = statuses.filter_map(|status| status.state.waiting.as_ref());
    let any_runs = subject.pod.status.container_statuses.iter().any(|status| status.state.running.is_some());
    if any_runs || !waiting.any(|waiting| creating(&waiting.reason)) {
        return Vec::new();
    }
    let mut events = subject.events("FailedMount");
    events.extend(subject.events("FailedAttachVolume"));
    events.sort_by_key(|event| event.last_seen());
    let found = events.iter().rev().find_map(|event| claim(subject, &event.message).map(|claim| (claim, *event)));
    found.map(|(claim, event)| claim.evidence([seen(event)])).into_iter().collect()
}

fn claim(subject: &Subject<'_>, message: &str) -> Option<Claim> {
    for (kind, word) in [(Kind::Secret, "secret \""), (Kind::ConfigMap, "configmap \"")] {
        if let Some(name) = between(message, word, "\" not found") {
            let object = ObjectRef::named(kind, subject.namespace(), name);
            let text =
                format!("{kind} {name}, which is to be mounted, does not exist in namespace {}", subject.namespace());
            let claim = missing(subject.snapshot, 65, &object, text, &subject.pod.spec, subject.workload());
            return Some(claim.severity(subject.severity()).affects(subject.blast()));
        }
    }
    if message.contains("references non-existent") {
        let key = message.rsplit("key: ").next().unwrap_or_default();
        let text =
            format!("{} mounts the key {key}, which its Secret or ConfigMap does not have", subject.workload().short());
        return Some(
            subject
                .claim(65, text)
                .remedy(Remedy::manual(format!("add the key {key}, or correct the items of the volume"))),
        );
    }
    if message.contains("hostPath type check failed") {
        let said = message.rsplit("hostPath type check failed, ").next().unwrap_or(message);
        let text = format!("{} mounts a path of its node that is not there: {said}", subject.workload().short());
        return Some(subject.claim(68, text).remedy(Remedy::manual(
            "make the path on the node (minikube mount), or set its type to DirectoryOrCreate",
        )));
    }
    if message.contains("Multi-Attach error") {
        let text = format!("a volume of {} is still attached to another node", subject.workload().short());
        let workload = subject.workload().clone();
        let claim = subject.claim(67, text).severity(Severity::Critical);
        return Some(claim.remedy(Remedy::SetStrategy { workload, strategy: Replace::Recreate }));
    }
    None
}
