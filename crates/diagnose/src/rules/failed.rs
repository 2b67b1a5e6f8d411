//! Pods that have failed for good: refused by the kubelet (62), evicted or disrupted (63), or ended on their own
//! where nothing starts them again. Pods of Jobs are the Job's business.

use super::containers::parts;
use crate::claim::{Claim, Subject};
use crate::finding::Severity;
use crate::kind::Kind;
use crate::remedy::Remedy;
use crate::shape::condition;

const REFUSED: &[&str] = &[
    "OutOfcpu",
    "OutOfmemory",
    "OutOfpods",
    "OutOfephemeral-storage",
    "NodeAffinity",
    "NodePorts",
    "UnexpectedAdmissionError",
    "TopologyAffinityError",
    "NodeShutdown",
    "Terminated",
];

pub(super) fn claims(subject: &Subject<'_>) -> Vec<Claim> {
    let status = &subject.pod.status;
    let reason = status.reason.as_str();
    let replaced = subject.controllers.first().is_some_and(|owner| owner.kind != Kind::Job);
    let severity = if replaced { Severity::Warning } else { subject.severity() };
    let node = subject.snapshot.named(Kind::Node, "", &subject.pod.spec.node_name);
    let clean = Remedy::Delete { object: subject.object.clone() };
    let begin = |rule: u16, text: String| {
        Claim::new(rule, subject.workload().clone(), text)
            .detail(reason)
            .severity(severity)
            .affects([subject.object.clone()])
            .saw(&subject.object, "status.reason", reason)
            .saw(&subject.object, "status.message", &status.message)
    };
    if REFUSED.contains(&reason) || reason.starts_with("OutOf") {
        let text = format!("node {} refused a pod of {}: {reason}", node.name, subject.workload().short());
        let step = "do not set nodeName; let the scheduler place the pod";
        return vec![begin(62, text).because([node]).remedy(clean).remedy(Remedy::manual(step))];
    }
    if reason == "Evicted" {
        let text = format!(
            "a pod of {} was evicted from node {}: {}",
            subject.workload().short(),
            node.name,
            status.message.trim()
        );
        let step = if status.message.contains("ephemeral")
            || status.message.contains("emptyDir")
            || status.message.contains("EmptyDir")
        {
            "limit ephemeral-storage, and write less to the container's disk and emptyDirs"
        } else {
            "set requests to what it needs, so that it is not the first to go"
        };
        return vec![begin(63, text).because([node]).remedy(Remedy::manual(step)).remedy(clean)];
    }
    if let Some(target) = condition(&status.conditions, "DisruptionTarget").filter(|target| target.status == "True") {
        if replaced {
            return Vec::new();
        }
        let text = format!("pod {} was ended from outside: {}", subject.object.name, target.message);
        let at =
            status.conditions.iter().position(|condition| condition.r#type == "DisruptionTarget").unwrap_or_default();
        let claim = begin(63, text).because([node]);
        return vec![claim.saw(&subject.object, format!("status.conditions[{at}].reason"), &target.reason)];
    }
    if !subject.controllers.is_empty() {
        return Vec::new();
    }
    // A bare pod that nobody starts again.
    let ended = parts(subject).into_iter().find_map(|part| {
        let ending = part.ending().filter(|ending| ending.how.exit_code != 0)?;
        let field = format!("{}.terminated.exitCode", ending.field);
        let found = super::log_classes::claim(&part).unwrap_or_else(|| {
            part.claim(2, format!("{} ended with exit code {}", part.called(), ending.how.exit_code))
        });
        Some(found.evidence([part.saw(&field, ending.how.exit_code).at(ending.how.finished_at)]))
    });
    ended.into_iter().collect()
}
