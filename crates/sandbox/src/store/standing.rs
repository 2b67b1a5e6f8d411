//! How a pod stands, as those see it that count pods: read once for each of its states, because the controllers and
//! the scheduler look at all pods of an owner whenever one of them changes.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use serde_json::Value;

use crate::conditions;
use crate::object;

/// What the owner of a pod and the scheduler ask about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How far its life has come.
    pub(crate) life: Life,
    /// Whether it is ready.
    pub(crate) readiness: Readiness,
    /// Its node, "" before it has one.
    pub(crate) node: String,
    /// The same for pods with the same labels.
    pub(crate) labels: u64,
}

/// How far a pod's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// It counts: neither finished nor on its way out.
    Active,
    /// Its containers have ended for good.
    Finished,
    /// It is being deleted, and has not ended yet.
    Terminating,
}

/// Whether a pod is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It is not, or nothing is known.
    Unready,
    /// It is, since this instant where one is given.
    Ready(Option<Timestamp>),
}

impl Standing {
    /// Reads how a pod stands.
    pub(crate) fn of(pod: &Value) -> Self {
        let life = if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
            Life::Finished
        } else if object::is_terminating(pod) {
            Life::Terminating
        } else {
            Life::Active
        };
        let ready = conditions::find(&pod["status"], "Ready").filter(|ready| ready["status"] == "True");
        let readiness = ready
            .map_or(Readiness::Unready, |ready| Readiness::Ready(conditions::time_at(ready, "lastTransitionTime")));
        let node = pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned();
        Self { life, readiness, node, labels: fingerprint(&pod["metadata"]["labels"]) }
    }
}

fn fingerprint(labels: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    labels.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_that_has_ended_no_longer_terminates() {
        let pod = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Running"}});
        assert_eq!(Standing::of(&pod).life, Life::Terminating);
        let ended = json!({"metadata": pod["metadata"], "status": {"phase": "Failed"}});
        assert_eq!(Standing::of(&ended).life, Life::Finished);
        assert_eq!(Standing::of(&json!({})).life, Life::Active);
    }

    #[test]
    fn a_pod_is_ready_also_when_nobody_knows_since_when() {
        let pod = |ready| json!({"metadata": {"labels": {"app": "api"}}, "status": {"conditions": [ready]}});
        let since = pod(json!({"type": "Ready", "status": "True", "lastTransitionTime": "1970-01-01T00:00:09Z"}));
        let untimed = pod(json!({"type": "Ready", "status": "True"}));
        let unready = pod(json!({"type": "Ready", "status": "False"}));
        let [since, untimed, unready] = [since, untimed, unready].map(|pod| Standing::of(&pod));
        assert_eq!(since.readiness, Readiness::Ready(Timestamp::from_second(9).ok()));
        assert_eq!(untimed.readiness, Readiness::Ready(None));
        assert_eq!(unready.readiness, Readiness::Unready);
        assert_eq!(since.labels, unready.labels);
        assert_ne!(since.labels, Standing::of(&json!({"metadata": {"labels": {"app": "web"}}})).labels);
    }
}
