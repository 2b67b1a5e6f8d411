//! How far a rollout is, in the words of `kubectl rollout status`, and whether it is stuck.
//!
//! Source: k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go.

use serde_json::Value;
use todo_agent_core::ObjectRef;

use crate::{value, workloads};

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Every replica is of the newest revision and available.
    Done(String),
    /// Something is still to come.
    Waiting(String),
    /// The controller has given up waiting, or nobody will go on.
    Stuck(String),
}

impl Progress {
    /// Returns the sentence about it.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Done(text) | Self::Waiting(text) | Self::Stuck(text) => text,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// Returns how far the rollout of a Deployment, StatefulSet or DaemonSet is.
pub(crate) fn of(object: &ObjectRef, live: &Value) -> Progress {
    if !workloads::is_observed(live) {
        return Progress::Waiting("the controller has not seen the newest change yet".to_owned());
    }
    let (desired, updated, available) =
        (workloads::desired(live), workloads::updated(live), workloads::available(live));
    match object.resource.kind.as_str() {
        "Deployment" => deployment(live, desired, updated, available),
        "StatefulSet" => stateful_set(live, desired, updated),
        _ => daemon_set(live, desired, updated, available),
    }
}

fn deployment(live: &Value, desired: i64, updated: i64, available: i64) -> Progress {
    let progressing = value::condition(live, "Progressing");
    if progressing.is_some_and(|condition| value::text(condition, "/reason") == "ProgressDeadlineExceeded") {
        return Progress::Stuck(format!(
            "it exceeded its progress deadline: {updated} of {desired} replicas updated, {available} available"
        ));
    }
    let total = value::number(live, "/status/replicas").unwrap_or(0);
    let missing = if updated < desired {
        Some(format!("{updated} of {desired} new replicas have been updated"))
    } else if total > updated {
        Some(format!("{} old replicas are pending termination", total - updated))
    } else if available < updated {
        Some(format!("{available} of {updated} updated replicas are available"))
    } else {
        None
    };
    match missing {
        Some(missing) if workloads::is_paused(live) => Progress::Stuck(format!("paused: {missing}")),
        Some(missing) => Progress::Waiting(missing),
        None => Progress::Done(format!("rolled out: {available} of {desired} replicas updated and available")),
    }
}

fn stateful_set(live: &Value, desired: i64, updated: i64) -> Progress {
    let ready = workloads::ready(live);
    if value::text(live, "/spec/updateStrategy/type") == "OnDelete" {
        return Progress::Stuck(format!(
            "its strategy is OnDelete: {updated} of {desired} pods are of the newest revision, the others change when they are deleted"
        ));
    }
    if ready < desired {
        return Progress::Waiting(format!("{ready} of {desired} pods are ready"));
    }
    let partition = value::number(live, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    if partition > 0 {
        let wanted = (desired - partition).max(0);
        return if updated < wanted {
            Progress::Waiting(format!("{updated} of {wanted} pods of the partition have been updated"))
        } else {
            Progress::Done(format!("partitioned rollout complete: {updated} of {desired} pods updated"))
        };
    }
    let (newest, current) = (value::text(live, "/status/updateRevision"), value::text(live, "/status/currentRevision"));
    if newest != current && updated < desired {
        return Progress::Waiting(format!("{updated} of {desired} pods are at revision {newest}"));
    }
    Progress::Done(format!("rolled out: {ready} of {desired} pods updated and ready"))
}

fn daemon_set(live: &Value, desired: i64, updated: i64, available: i64) -> Progress {
    if value::text(live, "/spec/updateStrategy/type") == "OnDelete" {
        return Progress::Stuck(format!(
            "its strategy is OnDelete: {updated} of {desired} pods are of the newest revision, the others change when they are deleted"
        ));
    }
    if updated < desired {
        Progress::Waiting(format!("{updated} of {desired} new pods have been updated"))
    } else if available < desired {
        Progress::Waiting(format!("{available} of {desired} updated pods are available"))
    } else {
        Progress::Done(format!("rolled out: {available} of {desired} pods updated and available"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use todo_agent_kube_rules::kinds;

    use super::*;

    fn progress(kind: &str, spec: &Value, status: &Value) -> Progress {
        let object = ObjectRef::new(kinds::find(kind).unwrap(), "todo", "backend");
        of(&object, &json!({"metadata": {"generation": 1}, "spec": spec, "status": status}))
    }

    #[test]
    fn a_deployment_goes_through_kubectls_stages() {
        let spec = json!({"replicas": 3});
        let stage = |status: Value| progress("deployment", &spec, &status).text().to_owned();
        assert_eq!(stage(json!({"observedGeneration": 0})), "the controller has not seen the newest change yet");
        assert_eq!(
            stage(json!({"observedGeneration": 1, "updatedReplicas": 1, "replicas": 4})),
            "1 of 3 new replicas have been updated"
        );
        assert_eq!(
            stage(json!({"observedGeneration": 1, "updatedReplicas": 3, "replicas": 4, "availableReplicas": 3})),
            "1 old replicas are pending termination"
        );
        assert_eq!(
            stage(json!({"observedGeneration": 1, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 2})),
            "2 of 3 updated replicas are available"
        );
        assert_eq!(
            stage(json!({"observedGeneration": 1, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3})),
            "rolled out: 3 of 3 replicas updated and available"
        );
        let late = json!({"observedGeneration": 1, "updatedReplicas": 1, "replicas": 4, "availableReplicas": 3,
            "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]});
        assert!(matches!(progress("deployment", &spec, &late), Progress::Stuck(_)));
    }

    #[test]
    fn a_statefulset_knows_partitions_and_on_delete() {
        let status = json!({"observedGeneration": 1, "readyReplicas": 3, "updatedReplicas": 1,
            "updateRevision": "b", "currentRevision": "a"});
        let partitioned =
            json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
        assert!(progress("statefulset", &partitioned, &status).is_done());
        assert!(!progress("statefulset", &json!({"replicas": 3}), &status).is_done());
        let manual = json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}});
        assert!(matches!(progress("statefulset", &manual, &status), Progress::Stuck(_)));
    }
}
