//! What must be seen on an object before an expectation counts as met. Pure.
//!
//! Source of the rollout rules: k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go.

use serde_json::Value;
use todo_agent_core::Expectation;

use crate::owners::writer_of;

/// How far an expectation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// It holds.
    Met(String),
    /// Not yet.
    Waiting(String),
    /// Its controller has given up; why, its pods may tell.
    Stuck(String),
    /// It will not hold any more, whatever the pods do.
    Failed(String),
}

/// Returns how far `object` is from what is expected; `written` is the object as our write left it.
pub(super) fn progress(expectation: &Expectation, object: &Value, written: Option<&Value>) -> Progress {
    match expectation {
        Expectation::Replicas { replicas, .. } => replicas_available(object, i64::from(*replicas)),
        Expectation::RolledOut { .. } => rolled_out(object, written),
        Expectation::Field { pointer, value, .. } => field_is(object, pointer, value),
        Expectation::Kept { pointers, .. } => kept(object, pointers, written),
        Expectation::Condition { condition, .. } => condition_holds(object, condition),
        Expectation::Exists { .. } => exists(object),
        Expectation::Absent { .. } => leaving(object),
    }
}

fn kept(object: &Value, pointers: &[String], written: Option<&Value>) -> Progress {
    let Some(written) = written else { return Progress::Met("accepted by the server".to_owned()) };
    let changed = pointers.iter().find(|pointer| object.pointer(pointer) != written.pointer(pointer));
    match changed {
        None => Progress::Met("as written".to_owned()),
        Some(pointer) => {
            let path: Vec<String> =
                pointer.split('/').skip(1).map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            Progress::Failed(overridden(object, &path, &format!("{} is no longer as written", dotted(pointer))))
        }
    }
}

fn condition_holds(object: &Value, wanted: &str) -> Progress {
    let all = object["status"]["conditions"].as_array();
    let Some(found) = all.into_iter().flatten().find(|condition| condition["type"] == wanted) else {
        return Progress::Waiting(format!("nothing is said about {wanted} yet"));
    };
    let message = found["message"].as_str().unwrap_or_default();
    if found["status"] == "True" {
        return Progress::Met(format!("{wanted}: {message}"));
    }
    Progress::Waiting(format!("not {wanted}: {message}"))
}

/// An object that is there; kinds with a phase also tell whether they are of use yet.
fn exists(object: &Value) -> Progress {
    let phase = object["status"]["phase"].as_str();
    match (object["kind"].as_str(), phase) {
        (Some("PersistentVolumeClaim"), Some("Bound")) => {
            let volume = object["spec"]["volumeName"].as_str().unwrap_or("a volume");
            Progress::Met(format!("bound to {volume}"))
        }
        // Most storage classes bind when the first pod uses the claim, which may be never.
        (Some("PersistentVolumeClaim"), _) => Progress::Met("made; it is bound when a pod uses it".to_owned()),
        (Some("CustomResourceDefinition"), _) => established(object),
        (Some("Namespace"), Some(phase)) if phase != "Active" => Progress::Waiting(format!("it is {phase}")),
        _ => Progress::Met("made".to_owned()),
    }
}

/// A definition serves its kind once it is established; names that another one has keep it from that.
fn established(object: &Value) -> Progress {
    let all = object["status"]["conditions"].as_array();
    let of = |wanted: &str| all.into_iter().flatten().find(|condition| condition["type"] == wanted);
    if of("Established").is_some_and(|condition| condition["status"] == "True") {
        return Progress::Met("established: its kind is served".to_owned());
    }
    match of("NamesAccepted").filter(|condition| condition["status"] == "False") {
        Some(refused) => {
            Progress::Failed(format!("its names are not accepted: {}", refused["message"].as_str().unwrap_or_default()))
        }
        None => Progress::Waiting("not established yet".to_owned()),
    }
}

fn leaving(object: &Value) -> Progress {
    let finalizers: Vec<&str> =
        object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let marked = object["metadata"]["deletionTimestamp"].is_string();
    Progress::Waiting(match (marked, finalizers.is_empty()) {
        (true, false) => format!("its deletion waits for finalizers: {}", finalizers.join(", ")),
        (true, true) => "it is being deleted".to_owned(),
        (false, _) => "it is still there".to_owned(),
    })
}

fn field_is(object: &Value, pointer: &str, value: &Value) -> Progress {
    let actual = object.pointer(pointer).unwrap_or(&Value::Null);
    if actual == value || (value == &Value::Bool(false) && actual.is_null()) {
        Progress::Met(format!("{} is {value}", dotted(pointer)))
    } else {
        let path: Vec<&str> = pointer.split('/').skip(1).collect();
        Progress::Failed(overridden(object, &path, &format!("{} is {actual}", dotted(pointer))))
    }
}

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

fn overridden(object: &Value, path: &[&str], what: &str) -> String {
    match writer_of(object, path) {
        Some(writer) => format!("overridden by {writer}: {what}"),
        None => format!("overridden: {what}"),
    }
}

fn replicas_available(object: &Value, wanted: i64) -> Progress {
    let spec = object["spec"]["replicas"].as_i64().unwrap_or(1);
    if spec != wanted {
        return Progress::Failed(overridden(
            object,
            &["spec", "replicas"],
            &format!("the count is {spec}, not {wanted}"),
        ));
    }
    let available = count(object, "availableReplicas");
    let seen = format!("{available} of {wanted} replicas available");
    let leaving = count(object, "replicas") - wanted;
    match (observed(object), available == wanted, leaving) {
        (true, true, 0) => Progress::Met(seen),
        (true, true, more) if more > 0 => Progress::Waiting(format!("{seen}, {more} still to go")),
        _ => Progress::Waiting(seen),
    }
}

fn rolled_out(object: &Value, written: Option<&Value>) -> Progress {
    if let Some(written) = written
        && object["spec"]["template"] != written["spec"]["template"]
    {
        return Progress::Failed(overridden(object, &["spec", "template"], "the pod template is no longer as written"));
    }
    if object["spec"]["paused"] == true {
        return Progress::Failed("the rollout is paused; nothing changes until it is resumed".to_owned());
    }
    if !observed(object) {
        return Progress::Waiting("the controller has not seen the change yet".to_owned());
    }
    match object["kind"].as_str() {
        Some("StatefulSet") => stateful_set(object),
        Some("DaemonSet") => daemon_set(object),
        _ => deployment(object),
    }
}

fn deployment(object: &Value) -> Progress {
    let conditions = object["status"]["conditions"].as_array();
    let stuck = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Progressing" && condition["reason"] == "ProgressDeadlineExceeded");
    if let Some(condition) = stuck {
        let message = condition["message"].as_str().unwrap_or("the progress deadline was exceeded");
        return Progress::Stuck(message.to_owned());
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let updated = count(object, "updatedReplicas");
    let available = count(object, "availableReplicas");
    let old = count(object, "replicas") - updated;
    if updated < wanted {
        return Progress::Waiting(format!("{updated} of {wanted} replicas updated, {available} available"));
    }
    if old > 0 {
        return Progress::Waiting(format!("{updated} of {wanted} replicas updated, {old} old ones still to go"));
    }
    if available < updated {
        return Progress::Waiting(format!("{available} of {updated} updated replicas available"));
    }
    Progress::Met(format!("rolled out, {available} of {wanted} replicas available"))
}

fn stateful_set(object: &Value) -> Progress {
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return Progress::Met("accepted; its pods change when they are deleted (OnDelete)".to_owned());
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let ready = count(object, "readyReplicas");
    let updated = count(object, "updatedReplicas");
    if ready < wanted {
        return Progress::Waiting(format!("{ready} of {wanted} replicas ready"));
    }
    let partition = object["spec"]["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or(0);
    if partition > 0 {
        let due = wanted - partition;
        return if updated < due {
            Progress::Waiting(format!("{updated} of {due} replicas above the partition updated"))
        } else {
            Progress::Met(format!("rolled out above partition {partition}, {updated} replicas updated"))
        };
    }
    if object["status"]["updateRevision"] != object["status"]["currentRevision"] {
        return Progress::Waiting(format!("{updated} of {wanted} replicas updated"));
    }
    Progress::Met(format!("rolled out, {ready} of {wanted} replicas ready"))
}

fn daemon_set(object: &Value) -> Progress {
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return Progress::Met("accepted; its pods change when they are deleted (OnDelete)".to_owned());
    }
    let wanted = count(object, "desiredNumberScheduled");
    let updated = count(object, "updatedNumberScheduled");
    let available = count(object, "numberAvailable");
    if updated < wanted || available < wanted {
        return Progress::Waiting(format!("{updated} of {wanted} pods updated, {available} available"));
    }
    Progress::Met(format!("rolled out, {available} of {wanted} pods available"))
}

fn observed(object: &Value) -> bool {
    object["status"]["observedGeneration"].as_i64() >= object["metadata"]["generation"].as_i64()
}

fn count(object: &Value, field: &str) -> i64 {
    object["status"][field].as_i64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment_with(spec: &Value, status: &Value) -> Value {
        json!({"kind": "Deployment", "metadata": {"generation": 2}, "spec": spec, "status": status})
    }

    #[test]
    fn a_scale_is_done_when_every_replica_is_available_and_none_is_over() {
        let with = |status| replicas_available(&deployment_with(&json!({"replicas": 3}), &status), 3);
        assert_eq!(
            with(json!({"observedGeneration": 2, "replicas": 3, "availableReplicas": 3})),
            Progress::Met("3 of 3 replicas available".into())
        );
        assert!(matches!(
            with(json!({"observedGeneration": 1, "replicas": 3, "availableReplicas": 3})),
            Progress::Waiting(_)
        ));
        assert!(matches!(
            with(json!({"observedGeneration": 2, "replicas": 4, "availableReplicas": 3})),
            Progress::Waiting(_)
        ));
        assert!(matches!(with(json!({"observedGeneration": 2, "replicas": 3})), Progress::Waiting(_)));
    }

    #[test]
    fn a_count_that_somebody_else_set_is_named() {
        let mut object = deployment_with(&json!({"replicas": 5}), &json!({}));
        object["metadata"]["managedFields"] = json!([
            {"manager": "kubectl", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            {"manager": "x", "subresource": "status", "time": "2027", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        ]);
        assert_eq!(
            replicas_available(&object, 3),
            Progress::Failed("overridden by kubectl: the count is 5, not 3".into())
        );
    }

    #[test]
    fn a_rollout_waits_for_old_replicas_to_go() {
        let status = json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3});
        let object = deployment_with(&json!({"replicas": 2}), &status);
        assert_eq!(deployment(&object), Progress::Waiting("2 of 2 replicas updated, 1 old ones still to go".into()));
    }

    #[test]
    fn a_rollout_past_its_deadline_has_failed() {
        let status = json!({"observedGeneration": 2, "conditions": [
            {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "ReplicaSet \"b-1\" has timed out progressing."}]});
        assert!(matches!(rolled_out(&deployment_with(&json!({}), &status), None), Progress::Stuck(_)));
    }

    #[test]
    fn a_template_that_somebody_changed_again_is_not_ours() {
        let written = json!({"spec": {"template": {"a": 1}}});
        let object = deployment_with(&json!({"template": {"a": 2}}), &json!({"observedGeneration": 2}));
        assert!(matches!(rolled_out(&object, Some(&written)), Progress::Failed(_)));
    }

    #[test]
    fn a_field_is_kept_as_the_server_wrote_it() {
        let written = json!({"spec": {"cpu": "1", "ports": [1]}, "metadata": {"labels": {"a/b": "x"}}});
        let pointers = ["/spec/cpu".to_owned(), "/metadata/labels/a~1b".to_owned()];
        assert_eq!(kept(&written, &pointers, Some(&written)), Progress::Met("as written".into()));
        let mut other = written.clone();
        other["spec"]["ports"] = json!([2]);
        assert_eq!(kept(&other, &pointers, Some(&written)), Progress::Met("as written".into()));
        other["metadata"]["labels"]["a/b"] = json!("y");
        assert!(matches!(kept(&other, &pointers, Some(&written)), Progress::Failed(_)));
    }

    #[test]
    fn a_deletion_says_what_it_waits_for() {
        let object = json!({"metadata": {"deletionTimestamp": "now", "finalizers": ["kubernetes.io/pvc-protection"]}});
        let waits = "its deletion waits for finalizers: kubernetes.io/pvc-protection";
        assert_eq!(leaving(&object), Progress::Waiting(waits.into()));
    }

    #[test]
    fn a_stateful_set_knows_partition_and_on_delete() {
        let with = |strategy| {
            stateful_set(&json!({"spec": {"replicas": 3, "updateStrategy": strategy},
                "status": {"readyReplicas": 3, "updatedReplicas": 1, "updateRevision": "b", "currentRevision": "a"}}))
        };
        assert!(matches!(with(json!({"type": "OnDelete"})), Progress::Met(_)));
        assert!(matches!(with(json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})), Progress::Met(_)));
        assert!(matches!(
            with(json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}})),
            Progress::Waiting(_)
        ));
        assert!(matches!(with(json!({"type": "RollingUpdate"})), Progress::Waiting(_)));
    }
}
