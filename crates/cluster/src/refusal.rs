//! What to do where the server refuses an object for what it is: fields that are set once, limits, webhooks, fields that
//! others own. Pure: read from the server's words.
//!
//! Source of the words: `k8s.io/kubernetes/pkg/apis/*/validation` and `plugin/pkg/admission`, `k8s.io/apiserver/pkg/admission`,
//! `k8s.io/apimachinery/pkg/util/managedfields/internal/conflict.go`, all of 1.37.

/// Returns whether a 403 is about the object and no permission would help.
pub(crate) fn is_of_the_object(message: &str) -> bool {
    const REASONS: &[&str] = &[
        "exceeded quota:",
        "failed quota:",
        "violates PodSecurity",
        "because it is being terminated",
        "only dynamically provisioned pvc can be resized",
        "usage per Container is",
        "usage per Pod is",
        "usage per PersistentVolumeClaim is",
        "limit to request ratio per",
        "denied the request",
    ];
    REASONS.iter().any(|reason| message.contains(reason))
}

/// Returns whether an apply met fields of others.
pub(crate) fn is_conflict_of_owners(message: &str) -> bool {
    message.contains("Apply failed with ")
}

/// Returns whether a 500 is about a value of an apply that its field cannot have.
pub(crate) fn is_of_the_wrong_type(message: &str) -> bool {
    message.starts_with("failed to create typed patch object")
}

/// Returns what to do about a refusal.
pub(crate) fn advice(message: &str) -> Vec<String> {
    if is_conflict_of_owners(message) {
        return owners(message);
    }
    if is_of_the_wrong_type(message) {
        let why = "a field has a value of the wrong type; a word such as yes, on, true or 1 is text only in quotes";
        return vec![why.to_owned()];
    }
    webhook(message).or_else(|| limited(message)).or_else(|| set_once(message).map(str::to_owned)).into_iter().collect()
}

/// Fields that cannot change once the object is there.
fn set_once(message: &str) -> Option<&'static str> {
    let says = |words: &str| message.contains(words);
    Some(if says("updates to statefulset spec") {
        "make it anew: delete it with propagation orphan, so that its pods stay, then create it as wanted; volumes are \
         resized at their claims"
    } else if says("field can not be less than") {
        "a claim cannot shrink: make a smaller one, copy the data, and point the workload at it"
    } else if says("PersistentVolumeClaim") && says("immutable") {
        "of a claim only the requested storage can grow; for anything else make a new claim and copy the data"
    } else if says("only dynamically provisioned pvc can be resized") {
        "its storage class allows no growth (allowVolumeExpansion): make a larger claim, copy the data, and point the \
         workload at it"
    } else if says("cannot change roleRef") {
        "delete the binding and create it with the other role"
    } else if says("pod updates may not change fields") {
        "change the workload that makes the pod; a pod of its own is deleted and created anew"
    } else if says("field is immutable when `immutable` is set") {
        "make one of another name and point the workloads at it"
    } else if says("field is immutable") && says("spec.selector") {
        "a selector cannot change: create a workload of another name, move the traffic, delete this one"
    } else if says("Job.batch") && says("field is immutable") {
        "a job runs what it was made with: delete it and create it anew, or create one of another name"
    } else if says("may not change once set") && says("spec.clusterIP") {
        "a service keeps its address: leave clusterIP out of the manifest, or delete the service and create it anew"
    } else if says("field is immutable") || says("may not change once set") {
        "this field is set once: delete the object and create it anew, or create one of another name"
    } else {
        return None;
    })
}

/// What a namespace allows.
fn limited(message: &str) -> Option<String> {
    let says = |words: &str| message.contains(words);
    if let Some(name) = between(message, "exceeded quota: ", ",").or_else(|| between(message, "failed quota: ", ":")) {
        return Some(format!(
            "quota {name} of the namespace leaves no room: ask for less, delete what is not needed, or have it raised"
        ));
    }
    if says("violates PodSecurity") {
        return Some(
            "the namespace takes only pods of this security level: set in the manifest what is named".to_owned(),
        );
    }
    if says("because it is being terminated") {
        return Some("the namespace is being deleted; wait until it is gone, or use another".to_owned());
    }
    let ranged =
        says("usage per Container is") || says("usage per Pod is") || says("usage per PersistentVolumeClaim is");
    (ranged || says("limit to request ratio per"))
        .then(|| "a limit range of the namespace says so: stay within it, or have it changed".to_owned())
}

fn webhook(message: &str) -> Option<String> {
    if let Some(name) =
        between(message, "admission webhook \"", "\"").filter(|_| message.contains("denied the request"))
    {
        return Some(format!(
            "webhook {name} is a rule of this cluster, the reason is its own: change the object so that it passes"
        ));
    }
    let name = between(message, "failed calling webhook \"", "\"")?;
    Some(format!(
        "webhook {name} has to agree and does not answer; nothing was changed. Look at the service behind it, or ask who \
         runs the cluster"
    ))
}

/// Names who owns the fields that an apply would take, and what to do for each.
fn owners(message: &str) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once(" with \"") {
        let Some((manager, behind)) = after.split_once('"') else { break };
        rest = behind;
        let is_owner = before.ends_with("conflict") || before.ends_with("conflicts");
        if is_owner {
            let scales = behind.starts_with(" with subresource \"scale\"");
            let hint = owner(manager, scales);
            if !hints.contains(&hint) {
                hints.push(hint);
            }
        }
    }
    hints.push("leave these fields out of the manifest, or change them where their owner gets them from".to_owned());
    hints
}

fn owner(manager: &str, scales: bool) -> String {
    match manager {
        "kube-controller-manager" if scales => {
            "an autoscaler keeps the replicas: leave spec.replicas out, and change its bounds with autoscale".to_owned()
        }
        "helm" => "helm keeps these fields: change the values of its release and upgrade it".to_owned(),
        "todo-agent" => {
            "these fields were set by scale, set or patch of this agent: change them the same way".to_owned()
        }
        "kubectl-client-side-apply" | "kubectl" => {
            format!("{manager} keeps these fields: somebody applied them with kubectl, from a manifest of theirs")
        }
        "kubectl-create" | "kubectl-edit" | "kubectl-set" | "kubectl-scale" | "kubectl-patch" | "kubectl-rollout"
        | "kubectl-label" => {
            format!("{manager} keeps these fields: somebody set them by hand with kubectl")
        }
        "argocd-controller" => "Argo CD keeps these fields: change them in its source".to_owned(),
        "kustomize-controller" | "helm-controller" => "Flux keeps these fields: change them in its source".to_owned(),
        other => format!("{other} keeps these fields"),
    }
}

fn between<'m>(message: &'m str, before: &str, after: &str) -> Option<&'m str> {
    let (_, rest) = message.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(message: &str) -> String {
        advice(message).join("\n")
    }

    #[test]
    fn what_cannot_change_comes_with_what_to_do_instead() {
        for (message, instead) in [
            ("Deployment.apps \"a\" is invalid: spec.selector: Invalid value: {}: field is immutable", "another name"),
            (
                "StatefulSet.apps \"a\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than",
                "propagation orphan",
            ),
            (
                "Job.batch \"a\" is invalid: spec.template: Invalid value: {}: field is immutable",
                "a job runs what it was made with",
            ),
            (
                "PersistentVolumeClaim \"a\" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
                "only the requested storage can grow",
            ),
            (
                "PersistentVolumeClaim \"a\" is invalid: spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
                "cannot shrink",
            ),
            (
                "persistentvolumeclaims \"a\" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
                "allowVolumeExpansion",
            ),
            (
                "Service \"a\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.0.0.9\"]: may not change once set",
                "leave clusterIP out",
            ),
            (
                "RoleBinding.rbac.authorization.k8s.io \"a\" is invalid: roleRef: Invalid value: {}: cannot change roleRef",
                "delete the binding",
            ),
            ("ConfigMap \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set", "another name"),
        ] {
            assert!(said(message).contains(instead), "{message}: {}", said(message));
        }
        assert_eq!(said("Deployment.apps \"a\" is invalid: spec.replicas: must be greater"), "");
    }

    #[test]
    fn who_owns_a_field_is_named() {
        let one = "Apply failed with 1 conflict: conflict with \"helm\" using apps/v1: .spec.replicas";
        assert!(said(one).starts_with("helm keeps these fields"), "{}", said(one));
        let scaled = "Apply failed with 1 conflict: conflict with \"kube-controller-manager\" with subresource \"scale\" \
                      using apps/v1: .spec.replicas";
        assert!(said(scaled).starts_with("an autoscaler keeps the replicas"), "{}", said(scaled));
        let many = "Apply failed with 2 conflicts: conflicts with \"kubectl-client-side-apply\" using apps/v1: - \
                    .spec.replicas conflicts with \"todo-agent\" using apps/v1: - .spec.paused";
        assert!(is_conflict_of_owners(many));
        let hints = advice(many);
        assert_eq!(hints.len(), 3, "{hints:?}");
        assert!(hints[0].contains("applied them with kubectl") && hints[1].contains("of this agent"), "{hints:?}");
    }

    #[test]
    fn a_rule_of_the_cluster_is_told_from_a_missing_permission() {
        for (message, advice) in [
            (
                "failed to create typed patch object (todo/a; apps/v1, Kind=Deployment): .spec.replicas: expected",
                "wrong type",
            ),
            (
                "admission webhook \"no-latest.example.com\" denied the request: tag latest",
                "webhook no-latest.example.com is a rule",
            ),
            (
                "Internal error occurred: failed calling webhook \"v.example.com\": no endpoints available",
                "webhook v.example.com has to agree",
            ),
            (
                "pods \"a\" is forbidden: exceeded quota: small, requested: cpu=2, used: cpu=1, limited: cpu=2",
                "quota small",
            ),
            (
                "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true",
                "security level",
            ),
            ("pods \"a\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi", "limit range"),
            (
                "configmaps \"a\" is forbidden: unable to create new content in namespace x because it is being terminated",
                "being deleted",
            ),
        ] {
            assert!(said(message).contains(advice), "{message}: {}", said(message));
        }
        assert!(!is_of_the_object("pods is forbidden: User \"a\" cannot list resource \"pods\""));
    }
}
