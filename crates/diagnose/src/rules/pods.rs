//! Pods, in the order of the decision: deleted, ended, not placed, then each container. What is well is left
//! at once, so that the cost is that of the pods that are not.

use std::collections::HashMap;

use super::{containers, deletion, failed, log_classes, mounts, probes, scheduling};
use crate::claim::{Claim, Subject};
use crate::shape::{Pod, condition};
use crate::snapshot::Snapshot;

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for pod in snapshot.objects().pods.iter().filter(|pod| !is_well(pod)) {
        let mut subject = Subject::of(snapshot, pod);
        if let Some(owner) = pod.metadata.controller() {
            let count = seen.entry(&owner.uid).or_default();
            subject.nth = *count;
            *count += 1;
        }
        claims.extend(of(&subject));
    }
}

/// Whether nothing of a pod asks for a second look.
pub(crate) fn is_well(pod: &Pod) -> bool {
    let status = &pod.status;
    if pod.metadata.deletion_timestamp.is_some() {
        return false;
    }
    let statuses = status.container_statuses.iter().chain(&status.init_container_statuses);
    match status.phase.as_str() {
        "Succeeded" => true,
        "Running" => {
            condition(&status.conditions, "Ready").is_some_and(|ready| ready.status == "True")
                && statuses.clone().all(|status| status.restart_count == 0)
        }
        _ => false,
    }
}

fn of(subject: &Subject<'_>) -> Vec<Claim> {
    let pod = subject.pod;
    if pod.metadata.deletion_timestamp.is_some() {
        return deletion::pod(subject);
    }
    match pod.status.phase.as_str() {
        "Succeeded" => return Vec::new(),
        "Failed" => return failed::claims(subject),
        _ if pod.spec.node_name.is_empty() => return scheduling::claims(subject),
        _ => {}
    }
    let mut found = containers::claims(subject);
    if found.is_empty() {
        found = mounts::claims(subject);
    }
    if found.is_empty() {
        found = probes::claims(subject);
    }
    if found.is_empty() {
        found = log_classes::waiting_init(subject);
    }
    found
}
