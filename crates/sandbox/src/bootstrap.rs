//! The RBAC objects that every cluster begins with, reduced to those that people bind or meet: the four
//! user-facing roles and what every authenticated user may do.
//!
//! Source: `plugin/pkg/auth/authorizer/rbac/bootstrappolicy` (v1.37), for the kinds that are served.

use serde_json::{Value, json};

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];

const ALL: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Returns the objects, ready to be created.
pub(crate) fn objects() -> Vec<Value> {
    let everything = [
        json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}),
        json!({"nonResourceURLs": ["*"], "verbs": ["*"]}),
    ];
    let review = json!({
        "apiGroups": ["authorization.k8s.io"], "verbs": ["create"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
    });
    let self_review =
        json!({"apiGroups": ["authentication.k8s.io"], "verbs": ["create"], "resources": ["selfsubjectreviews"]});
    let public = json!({
        "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"], "verbs": ["get"]
    });
    let discovery = [
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
    ];
    let discovery = json!({"nonResourceURLs": discovery, "verbs": ["get"]});
    vec![
        role("cluster-admin", &everything),
        role("admin", &[view_rules(), edit_rules(), admin_rules()].concat()),
        role("edit", &[view_rules(), edit_rules()].concat()),
        role("view", &view_rules()),
        role("system:basic-user", &[review, self_review]),
        role("system:discovery", &[discovery]),
        role("system:public-info-viewer", &[public]),
        binding("cluster-admin", "system:masters"),
        binding("system:basic-user", "system:authenticated"),
        binding("system:discovery", "system:authenticated"),
        binding("system:public-info-viewer", "system:authenticated"),
    ]
}

/// Reading in a namespace, except Secrets and RBAC.
fn view_rules() -> Vec<Value> {
    vec![
        json!({"apiGroups": [""], "verbs": READ, "resources": [
            "configmaps", "endpoints", "events", "limitranges", "namespaces", "namespaces/status",
            "persistentvolumeclaims", "persistentvolumeclaims/status", "pods", "pods/log", "pods/status",
            "resourcequotas", "resourcequotas/status", "serviceaccounts", "services", "services/status"]}),
        json!({"apiGroups": ["apps"], "verbs": READ, "resources": [
            "controllerrevisions", "daemonsets", "daemonsets/status", "deployments", "deployments/scale",
            "deployments/status", "replicasets",
            "replicasets/scale", "replicasets/status", "statefulsets", "statefulsets/scale", "statefulsets/status"]}),
        json!({"apiGroups": ["autoscaling"], "verbs": READ, "resources": [
            "horizontalpodautoscalers", "horizontalpodautoscalers/status"]}),
        json!({"apiGroups": ["batch"], "verbs": READ, "resources": [
            "cronjobs", "cronjobs/status", "jobs", "jobs/status"]}),
        json!({"apiGroups": ["discovery.k8s.io"], "verbs": READ, "resources": ["endpointslices"]}),
        // What metrics-server adds to the role.
        json!({"apiGroups": ["metrics.k8s.io"], "verbs": READ, "resources": ["nodes", "pods"]}),
        json!({"apiGroups": ["networking.k8s.io"], "verbs": READ, "resources": [
            "ingresses", "ingresses/status", "networkpolicies"]}),
        json!({"apiGroups": ["policy"], "verbs": READ, "resources": [
            "poddisruptionbudgets", "poddisruptionbudgets/status"]}),
    ]
}

/// Writing workloads and configuration, and reading Secrets.
fn edit_rules() -> Vec<Value> {
    vec![
        json!({"apiGroups": [""], "verbs": READ, "resources": ["secrets"]}),
        json!({"apiGroups": [""], "verbs": WRITE, "resources": [
            "configmaps", "endpoints", "events", "persistentvolumeclaims", "pods", "pods/attach", "pods/exec",
            "pods/portforward", "pods/proxy", "secrets", "serviceaccounts", "services", "services/proxy"]}),
        json!({"apiGroups": [""], "verbs": ["create"], "resources": ["pods/eviction", "serviceaccounts/token"]}),
        json!({"apiGroups": ["apps"], "verbs": WRITE, "resources": [
            "daemonsets", "deployments", "deployments/rollback", "deployments/scale", "replicasets", "replicasets/scale",
            "statefulsets", "statefulsets/scale"]}),
        json!({"apiGroups": ["autoscaling"], "verbs": WRITE, "resources": ["horizontalpodautoscalers"]}),
        json!({"apiGroups": ["batch"], "verbs": WRITE, "resources": ["cronjobs", "jobs"]}),
        json!({"apiGroups": ["coordination.k8s.io"], "verbs": ALL, "resources": ["leases"]}),
        json!({"apiGroups": ["networking.k8s.io"], "verbs": WRITE, "resources": ["ingresses", "networkpolicies"]}),
        json!({"apiGroups": ["policy"], "verbs": WRITE, "resources": ["poddisruptionbudgets"]}),
    ]
}

/// Giving others access inside the namespace.
fn admin_rules() -> Vec<Value> {
    vec![
        json!({"apiGroups": ["rbac.authorization.k8s.io"], "verbs": ALL,
               "resources": ["rolebindings", "roles"]}),
        json!({"apiGroups": ["authorization.k8s.io"], "verbs": ["create"], "resources": ["localsubjectaccessreviews"]}),
    ]
}

fn metadata(name: &str) -> Value {
    json!({
        "name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"}
    })
}

fn role(name: &str, rules: &[Value]) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata(name), "rules": rules
    })
}

fn binding(role: &str, group: &str) -> Value {
    const GROUP: &str = "rbac.authorization.k8s.io";
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "ClusterRoleBinding", "metadata": metadata(role),
        "subjects": [{"kind": "Group", "apiGroup": GROUP, "name": group}],
        "roleRef": {"kind": "ClusterRole", "apiGroup": GROUP, "name": role}
    })
}

#[cfg(test)]
mod tests {
    use todo_agent_kube_rules::rbac::{Policy, Request, User};

    use super::*;
    use crate::validation;

    #[test]
    fn every_object_is_valid() {
        for object in objects() {
            assert_eq!(validation::on_create(&object), [], "{object}");
        }
    }

    #[test]
    fn viewers_read_no_secrets_and_editors_write_no_roles() {
        let objects = objects();
        let may = |role: &str, verb: &str, group: &str, resource: &str| {
            let binding = json!({
                "metadata": {"name": "x", "namespace": "shop"}, "subjects": [{"kind": "User", "name": "jane"}],
                "roleRef": {"kind": "ClusterRole", "name": role}
            });
            let policy =
                Policy { cluster_roles: objects.iter().collect(), role_bindings: vec![&binding], ..Policy::default() };
            let user = User { name: "jane".into(), groups: Vec::new() };
            let request = Request::Resource { verb, group, resource, subresource: "", namespace: "shop", name: "" };
            policy.decide(&user, &request).is_allowed()
        };
        assert!(may("view", "list", "apps", "deployments") && !may("view", "list", "", "secrets"));
        assert!(!may("view", "patch", "apps", "deployments") && may("edit", "patch", "apps", "deployments"));
        assert!(!may("edit", "create", "rbac.authorization.k8s.io", "roles"));
        assert!(may("admin", "create", "rbac.authorization.k8s.io", "roles"));
    }
}
