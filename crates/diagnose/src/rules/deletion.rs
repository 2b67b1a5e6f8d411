//! Pods that were deleted and do not go (28, 107): a finalizer, a hook, or a node that does not answer. The
//! deletion timestamp already includes the grace period. A pod held by a finalizer may say Failed or Succeeded.

use crate::claim::{Claim, Subject, seen};
use crate::finding::Severity;
use crate::kind::Kind;
use crate::remedy::Remedy;

/// So long after its time a pod that is still there is stuck.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

pub(super) fn pod(subject: &Subject<'_>) -> Vec<Claim> {
    let meta = &subject.pod.metadata;
    let late = subject.snapshot.since(meta.deletion_timestamp).unwrap_or_default();
    if late < PATIENCE {
        return Vec::new();
    }
    let node = subject.snapshot.named(Kind::Node, "", &subject.pod.spec.node_name);
    let at = meta.deletion_timestamp.map(|at| at.to_string()).unwrap_or_default();
    let begin = |rule: u16, text: String| {
        Claim::new(rule, subject.object.clone(), text).severity(Severity::Warning).because([node.clone()]).saw(
            &subject.object,
            "metadata.deletionTimestamp",
            &at,
        )
    };
    if let Some(first) = meta.finalizers.first() {
        let names = meta.finalizers.join(", ");
        let text = format!("pod {} was deleted and stays: the finalizer {names} was not removed", subject.object.name);
        let step = format!(
            "see whether the controller that removes {names} runs; remove it by hand only if that is gone for good"
        );
        return vec![
            begin(107, text).saw(&subject.object, "metadata.finalizers[0]", first).remedy(Remedy::manual(step)),
        ];
    }
    if let Some(event) = subject.events("FailedPreStopHook").last() {
        let text = format!("pod {} does not end: its preStop hook fails", subject.object.name);
        let step = "correct the command of lifecycle.preStop";
        return vec![begin(28, text).evidence([seen(event)]).remedy(Remedy::manual(step))];
    }
    let text = format!(
        "pod {} was deleted and does not end, {} minutes after its time",
        subject.object.name,
        late.as_mins().max(1)
    );
    let step =
        "see whether its node answers and its volumes detach; force the deletion only if the node is gone for good";
    vec![begin(107, text).remedy(Remedy::manual(step))]
}
