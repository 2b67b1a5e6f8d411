//! StatefulSets that stop at one pod (97): ordered ones make and replace pods one after the other, so the first
//! that is not ready holds back all others. A rollout that broke does not mend itself.

use crate::claim::Claim;
use crate::finding::Severity;
use crate::kind::Kind;
use crate::reach::is_ready;
use crate::remedy::Remedy;
use crate::shape::Workload;
use crate::snapshot::Snapshot;

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    claims.extend(snapshot.objects().stateful_sets.iter().filter_map(|set| claim(snapshot, set)));
}

fn claim(snapshot: &Snapshot, set: &Workload) -> Option<Claim> {
    let replicas = set.spec.replicas.unwrap_or(1);
    if replicas == 0 || set.status.ready_replicas >= replicas {
        return None;
    }
    let object = Snapshot::reference(Kind::StatefulSet, &set.metadata);
    let mut pods = snapshot.pods_of(&object.uid);
    pods.sort_by_key(|pod| pod.metadata.name.rsplit('-').next().and_then(|number| number.parse::<i64>().ok()));
    let first = pods.into_iter().find(|pod| !is_ready(pod))?;
    let pod = Snapshot::reference(Kind::Pod, &first.metadata);
    let rolling = set.status.current_revision != set.status.update_revision && !set.status.update_revision.is_empty();
    let text = if rolling {
        format!("the rollout of {} stops at pod {}, which is not ready", object.short(), pod.name)
    } else {
        format!("{} stops at pod {}, which is not ready", object.short(), pod.name)
    };
    // Without a cause at the pod it is a pod that starts.
    let claim = Claim::new(97, object.clone(), text)
        .severity(Severity::Warning)
        .because([pod.clone()])
        .saw(&object, "status.readyReplicas", set.status.ready_replicas)
        .only_as_symptom();
    let claim = if rolling { claim.remedy(Remedy::Delete { object: pod }) } else { claim };
    Some(claim)
}
