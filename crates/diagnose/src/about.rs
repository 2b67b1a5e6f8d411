//! Which findings are about what was asked: an object with what it controls and what controls it, a namespace,
//! or everything. A finding is about an object also where the object only suffers from it.

use crate::finding::Finding;
use crate::kind::{Kind, ObjectRef};
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

/// Returns the object, what it controls and, of a pod, what controls it.
fn family(snapshot: &Snapshot, object: &ObjectRef) -> Vec<ObjectRef> {
    let mut family = vec![object.clone()];
    let Some(meta) = snapshot.meta(object) else { return family };
    family.extend(snapshot.below(&meta.uid));
    if matches!(object.kind, Kind::Pod | Kind::ReplicaSet | Kind::Job) {
        family.extend(snapshot.controllers(meta));
    }
    family
}
