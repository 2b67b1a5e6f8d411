//! Jobs that have failed (100): with the exit code and the log of the last pod. One that runs, waits, is held
//! or has completed is no trouble, and neither is a CronJob that is suspended.

use crate::claim::{Claim, Subject};
use crate::finding::Severity;
use crate::kind::Kind;
use crate::remedy::Remedy;
use crate::shape::{Workload, condition};
use crate::snapshot::Snapshot;

use super::containers::parts;
use super::log_classes;

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    claims.extend(snapshot.objects().jobs.iter().filter_map(|job| claim(snapshot, job)));
}

fn claim(snapshot: &Snapshot, job: &Workload) -> Option<Claim> {
    let failed = condition(&job.status.conditions, "Failed").filter(|failed| failed.status == "True")?;
    let object = Snapshot::reference(Kind::Job, &job.metadata);
    let owner = snapshot.controllers(&job.metadata).pop();
    if let Some(owner) = &owner
        && newer_success(snapshot, owner.uid.as_str(), job)
    {
        return None;
    }
    let at = job.status.conditions.iter().position(|one| one.r#type == "Failed").unwrap_or_default();
    let why = match failed.reason.as_str() {
        "BackoffLimitExceeded" => "its pods failed as often as backoffLimit allows".to_owned(),
        "DeadlineExceeded" => "it took longer than activeDeadlineSeconds".to_owned(),
        _ => failed.message.clone(),
    };
    let mut claim = Claim::new(100, object.clone(), format!("{} has failed: {why}", object.short()))
        .severity(if owner.is_some() { Severity::Warning } else { Severity::Critical })
        .affects(owner)
        .saw(&object, format!("status.conditions[{at}].reason"), &failed.reason);
    let pods = snapshot.pods_of(&object.uid);
    let last = pods.iter().filter(|pod| pod.status.phase == "Failed").max_by_key(|pod| pod.metadata.creation_timestamp);
    if let Some(last) = last {
        let subject = Subject::of(snapshot, last);
        claim = claim.affects([subject.object.clone()]);
        for part in parts(&subject) {
            let Some(ending) = part.ending().filter(|ending| ending.how.exit_code != 0) else { continue };
            let code = ending.how.exit_code;
            claim = claim.evidence([part.saw(&format!("{}.terminated.exitCode", ending.field), code)]);
            claim.text = match log_classes::claim(&part) {
                Some(log) => {
                    claim = claim.evidence(log.evidence).because(log.because).remedies(log.remedies);
                    format!("{}; {} (exit code {code})", claim.text, log.text)
                }
                None => format!("{}; {} ended with exit code {code}", claim.text, part.called()),
            };
        }
    }
    Some(claim.remedy(Remedy::manual(
        "correct the cause, then delete the Job and create it again: its template cannot be changed",
    )))
}

/// Whether a later Job of the same owner has completed: then the failure is past.
fn newer_success(snapshot: &Snapshot, owner: &str, job: &Workload) -> bool {
    snapshot.objects().jobs.iter().any(|other| {
        other.metadata.controller().is_some_and(|one| one.uid == owner)
            && other.metadata.creation_timestamp > job.metadata.creation_timestamp
            && condition(&other.status.conditions, "Complete").is_some_and(|complete| complete.status == "True")
    })
}
