//! Which findings are about what was asked: an object with what it controls and what controls it, a namespace,
//! or everything. A finding is about an object also where the object only suffers from it.

use todo_agent_kube_rules::selectors::LabelSelector;

use crate::finding::Finding;
use crate::kind::{Kind, ObjectRef};
use crate::shape::Pod;
use crate::snapshot::Snapshot;

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About<'a> {
    /// Everything that was read.
    Everything,
    /// The objects of a namespace, and what they need of the cluster.
    Namespace(&'a str),
    /// One object.
    Object(&'a ObjectRef),
}

/// Returns the findings that are about something, in their order.
pub fn about(snapshot: &Snapshot, findings: Vec<Finding>, what: About<'_>) -> Vec<Finding> {
    match what {
        About::Everything => findings,
        About::Namespace(namespace) => {
            let of_cluster =
                |finding: &Finding| finding.objects.first().is_some_and(|cause| cause.namespace.is_empty());
            let inside = |object: &ObjectRef| object.namespace == namespace;
            findings.into_iter().filter(|finding| of_cluster(finding) || touches(finding, inside)).collect()
        }
        About::Object(object) => {
            let family = family(snapshot, object);
            let related = |one: &ObjectRef| family.iter().any(|member| member.is(one));
            findings.into_iter().filter(|finding| touches(finding, related)).collect()
        }
    }
}

fn touches(finding: &Finding, is_meant: impl Fn(&ObjectRef) -> bool) -> bool {
    let suffering = finding.consequences.iter().map(|consequence| &consequence.object);
    finding.objects.iter().chain(suffering).any(is_meant)
}

/// Returns the object with what belongs to it: of a workload what it controls, what leads to its pods and what acts
/// on it; of a pod what controls it.
fn family(snapshot: &Snapshot, object: &ObjectRef) -> Vec<ObjectRef> {
    let mut family = vec![object.clone()];
    let Some(meta) = snapshot.meta(object) else { return family };
    family.extend(snapshot.below(&meta.uid));
    match object.kind {
        Kind::Pod | Kind::ReplicaSet | Kind::Job => family.extend(snapshot.controllers(meta)),
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet => family.extend(around(snapshot, object, &family)),
        _ => {}
    }
    family
}

/// Returns the Services that select pods of a workload, the claims these use, and the autoscalers and budgets of it.
fn around(snapshot: &Snapshot, object: &ObjectRef, family: &[ObjectRef]) -> Vec<ObjectRef> {
    let objects = snapshot.objects();
    let namespace = object.namespace.as_str();
    let is_own = |pod: &Pod| family.iter().any(|one| one.kind == Kind::Pod && one.uid == pod.metadata.uid);
    let mut found = Vec::new();
    for service in objects.services.iter().filter(|service| service.metadata.namespace == namespace) {
        if snapshot.pods_with(namespace, &service.spec.selector).into_iter().any(is_own) {
            found.push(Snapshot::reference(Kind::Service, &service.metadata));
        }
    }
    for pod in snapshot.pods_in(namespace).iter().filter(|pod| is_own(pod)) {
        let claims = pod.spec.volumes.iter().filter_map(|volume| volume.persistent_volume_claim.as_ref());
        let named = claims.map(|claim| ObjectRef::named(Kind::PersistentVolumeClaim, namespace, &claim.claim_name));
        found.extend(named);
    }
    for scaler in objects.autoscalers.iter().filter(|scaler| scaler.metadata.namespace == namespace) {
        let target = &scaler.spec.scale_target_ref;
        if target.kind == object.kind.name() && target.name == object.name {
            found.push(Snapshot::reference(Kind::HorizontalPodAutoscaler, &scaler.metadata));
        }
    }
    for budget in objects.budgets.iter().filter(|budget| budget.metadata.namespace == namespace) {
        if let Ok(selector) = LabelSelector::from_object(&budget.spec.selector)
            && snapshot.pods_selected(namespace, &selector).into_iter().any(is_own)
        {
            found.push(Snapshot::reference(Kind::PodDisruptionBudget, &budget.metadata));
        }
    }
    found
}
