//! Deployments (92–96): a rollout past its deadline, one that its own strategy blocks, one that is paused, two
//! that fight for the same pods. A rollout within its deadline is no trouble.

use std::collections::BTreeMap;

use crate::claim::Claim;
use crate::finding::Severity;
use crate::kind::{Kind, ObjectRef};
use crate::remedy::{Remedy, Replace};
use crate::shape::{IntOrText, Workload, condition};
use crate::snapshot::Snapshot;

/// A generation that is not observed for so long is not going to be.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_mins(2);

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    for deployment in &snapshot.objects().deployments {
        let object = Snapshot::reference(Kind::Deployment, &deployment.metadata);
        claims.extend(stuck(snapshot, deployment, &object));
        claims.extend(paused(deployment, &object));
        claims.extend(unobserved(snapshot, deployment, &object));
    }
    shared(snapshot, claims);
}

fn revision(set: &Workload) -> i64 {
    set.metadata
        .annotations
        .get("deployment.kubernetes.io/revision")
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

fn stuck(snapshot: &Snapshot, deployment: &Workload, object: &ObjectRef) -> Option<Claim> {
    let conditions = &deployment.status.conditions;
    let progressing = condition(conditions, "Progressing")?;
    if progressing.status != "False" || progressing.reason != "ProgressDeadlineExceeded" {
        return None;
    }
    let mut sets = snapshot.replica_sets_of(&object.uid);
    sets.sort_by_key(|set| std::cmp::Reverse(revision(set)));
    let newest = sets.first();
    let older = sets.iter().skip(1).find(|set| set.status.ready_replicas > 0);
    let at = conditions.iter().position(|one| one.r#type == "Progressing").unwrap_or_default();
    let mut text = format!("the rollout of {} has not finished within its deadline", object.short());
    if let Some(older) = older {
        text = format!("{text}; revision {} still serves", revision(older));
    }
    let serving = snapshot.serving(&object.uid) > 0;
    let mut claim = Claim::new(92, object.clone(), text)
        .severity(if serving { Severity::Warning } else { Severity::Critical })
        .saw(object, format!("status.conditions[{at}].reason"), &progressing.reason)
        .remedies(older.map(|older| Remedy::Rollback { workload: object.clone(), revision: Some(revision(older)) }));
    if let Some(newest) = newest {
        claim = claim.because([Snapshot::reference(Kind::ReplicaSet, &newest.metadata)]);
        claim.affects.retain(|one| one.kind != Kind::ReplicaSet);
    }
    if blocked_by_strategy(deployment)
        && newest.is_some_and(|newest| newest.status.ready_replicas == 0)
        && older.is_some()
    {
        let mut blocked = claim.clone();
        blocked.rule = 93;
        blocked.text = format!(
            "the rollout of {} cannot go on: it may not take an old pod away, and the new one finds no place",
            object.short()
        );
        let pending = newest.map(|newest| snapshot.pods_of(&newest.metadata.uid)).unwrap_or_default();
        if !pending.is_empty() && pending.iter().all(|pod| pod.spec.node_name.is_empty()) {
            blocked.remedies.insert(0, Remedy::SetStrategy { workload: object.clone(), strategy: Replace::OneAway });
            return Some(blocked);
        }
    }
    Some(claim)
}

/// Whether a rolling update may take no old pod away before a new one is ready.
fn blocked_by_strategy(deployment: &Workload) -> bool {
    let replicas = deployment.spec.replicas.unwrap_or(1);
    match &deployment.spec.strategy.rolling_update.max_unavailable {
        Some(IntOrText::Number(number)) => *number == 0,
        Some(IntOrText::Text(percent)) => {
            let percent = percent.trim_end_matches('%').parse::<i64>().unwrap_or(25);
            replicas.saturating_mul(percent) / 100 == 0
        }
        None => false,
    }
}

fn paused(deployment: &Workload, object: &ObjectRef) -> Option<Claim> {
    let status = &deployment.status;
    let replicas = deployment.spec.replicas.unwrap_or(1);
    if !deployment.spec.paused || replicas == 0 || status.updated_replicas >= replicas {
        return None;
    }
    let text = format!(
        "{} is paused, with {} of {replicas} pods of its newest revision",
        object.short(),
        status.updated_replicas
    );
    let severity = if status.available_replicas == 0 { Severity::Critical } else { Severity::Warning };
    let claim = Claim::new(94, object.clone(), text).severity(severity).saw(object, "spec.paused", true);
    Some(claim.remedy(Remedy::Resume { workload: object.clone() }))
}

fn unobserved(snapshot: &Snapshot, deployment: &Workload, object: &ObjectRef) -> Option<Claim> {
    let (status, meta) = (&deployment.status, &deployment.metadata);
    let old = snapshot.since(meta.creation_timestamp).is_some_and(|age| age > PATIENCE);
    // Only a deployment that nothing has ever looked at: a change a moment ago looks the same.
    if !old || status.observed_generation != 0 || meta.generation == 0 {
        return None;
    }
    let text = format!("no controller has looked at {}: the controller manager does not run", object.short());
    let claim = Claim::new(94, object.clone(), text).severity(Severity::Critical);
    Some(
        claim
            .saw(object, "metadata.generation", meta.generation)
            .remedy(Remedy::manual("bring the controller manager back")),
    )
}

/// Two workloads that select the same pods take them from each other.
fn shared(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    let objects = snapshot.objects();
    let mut by_selector: BTreeMap<(String, String), Vec<ObjectRef>> = BTreeMap::new();
    for (kind, list) in [(Kind::Deployment, &objects.deployments), (Kind::StatefulSet, &objects.stateful_sets)] {
        for workload in list.iter().filter(|workload| !workload.spec.selector.is_null()) {
            let key = (workload.metadata.namespace.clone(), workload.spec.selector.to_string());
            by_selector.entry(key).or_default().push(Snapshot::reference(kind, &workload.metadata));
        }
    }
    for workloads in by_selector.into_values().filter(|workloads| workloads.len() > 1) {
        let names: Vec<String> = workloads.iter().map(ObjectRef::short).collect();
        let Some(first) = workloads.first().cloned() else { continue };
        let selector = snapshot
            .workload(&first)
            .map(|workload| workload.spec.selector["matchLabels"].to_string())
            .unwrap_or_default();
        let text = format!("{} select the same pods: {selector}", names.join(" and "));
        let step =
            "give each a label of its own in selector and template; selectors cannot be changed, so recreate one";
        claims.push(
            Claim::new(95, first.clone(), text)
                .saw(&first, "spec.selector.matchLabels", selector)
                .remedy(Remedy::manual(step)),
        );
    }
}
