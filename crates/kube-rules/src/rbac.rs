//! RBAC evaluation over Roles, `ClusterRoles` and their bindings held as JSON.
//!
//! Source: `k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac`. Aggregated `ClusterRoles` are read by their
//! stored rules, as the authorizer does. Nothing here ever allows by default.

use serde_json::Value;

/// The RBAC objects of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Policy<'a> {
    /// Every `Role`.
    pub roles: Vec<&'a Value>,
    /// Every `RoleBinding`.
    pub role_bindings: Vec<&'a Value>,
    /// Every `ClusterRole`.
    pub cluster_roles: Vec<&'a Value>,
    /// Every `ClusterRoleBinding`.
    pub cluster_role_bindings: Vec<&'a Value>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct User {
    /// The user's name, for example `jane` or `system:serviceaccount:shop:default`.
    pub name: String,
    /// The user's groups.
    pub groups: Vec<String>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// A resource of the API.
    Resource {
        /// The verb, for example `list` or `deletecollection`.
        verb: &'a str,
        /// The API group, "" for the core group.
        group: &'a str,
        /// The resource, for example `deployments`.
        resource: &'a str,
        /// The subresource, "" for none.
        subresource: &'a str,
        /// The namespace, "" for all namespaces or cluster scope.
        namespace: &'a str,
        /// The object's name, "" for none.
        name: &'a str,
    },
    /// A path outside the resources, for example `/version`.
    Path {
        /// The verb in lower case, for example `get`.
        verb: &'a str,
        /// The path.
        path: &'a str,
    },
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is allowed.
    Allowed {
        /// What allows it, in the API server's words; empty for `system:masters`.
        by: String,
    },
    /// Nothing allows it.
    Denied,
}

impl Decision {
    /// Returns whether the request is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

impl Policy<'_> {
    /// Decides a request.
    pub fn decide(&self, user: &User, request: &Request<'_>) -> Decision {
        if user.groups.iter().any(|group| group == "system:masters") {
            return Decision::Allowed { by: String::new() };
        }
        let namespace = match *request {
            Request::Resource { namespace, .. } => namespace,
            Request::Path { .. } => "",
        };
        for grant in self.grants(user, namespace) {
            if rules(grant.role).any(|rule| rule_allows(rule, request)) {
                return Decision::Allowed { by: format!("RBAC: allowed by {}", grant.text()) };
            }
        }
        Decision::Denied
    }

    /// Returns every rule that holds for the user in a namespace ("" for the cluster-wide ones only).
    pub fn rules_for(&self, user: &User, namespace: &str) -> Vec<&Value> {
        self.grants(user, namespace).into_iter().flat_map(|grant| rules(grant.role)).collect()
    }

    fn grants(&self, user: &User, namespace: &str) -> Vec<Grant<'_>> {
        let mut grants = Vec::new();
        for binding in &self.cluster_role_bindings {
            if let Some(subject) = subject_of(binding, user, "")
                && let Some(role) = self.role_of(binding)
            {
                grants.push(Grant { binding, role, subject });
            }
        }
        let here =
            self.role_bindings.iter().filter(|it| !namespace.is_empty() && it["metadata"]["namespace"] == namespace);
        for binding in here {
            if let Some(subject) = subject_of(binding, user, namespace)
                && let Some(role) = self.role_of(binding)
            {
                grants.push(Grant { binding, role, subject });
            }
        }
        grants
    }

    fn role_of(&self, binding: &Value) -> Option<&Value> {
        let (kind, name) = (binding["roleRef"]["kind"].as_str()?, &binding["roleRef"]["name"]);
        let mut candidates = if kind == "ClusterRole" { self.cluster_roles.iter() } else { self.roles.iter() };
        let same_place =
            |role: &Value| kind == "ClusterRole" || role["metadata"]["namespace"] == binding["metadata"]["namespace"];
        candidates.find(|role| role["metadata"]["name"] == *name && same_place(role)).copied()
    }
}

/// A role that a binding gives to the user.
struct Grant<'a> {
    binding: &'a Value,
    role: &'a Value,
    subject: &'a Value,
}

impl Grant<'_> {
    /// Describes the grant as the API server's audit reason does.
    fn text(&self) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let namespace = text(&self.binding["metadata"]["namespace"]);
        let name = text(&self.binding["metadata"]["name"]);
        let (kind, name) = if namespace.is_empty() {
            ("ClusterRoleBinding", name)
        } else {
            ("RoleBinding", format!("{name}/{namespace}"))
        };
        let role = &self.binding["roleRef"];
        let subject = match self.subject["kind"].as_str() {
            Some("ServiceAccount") => {
                format!("{}/{}", text(&self.subject["name"]), text(&self.subject["namespace"]))
            }
            _ => text(&self.subject["name"]),
        };
        format!(
            "{kind} \"{name}\" of {} \"{}\" to {} \"{subject}\"",
            text(&role["kind"]),
            text(&role["name"]),
            text(&self.subject["kind"])
        )
    }
}

fn subject_of<'a>(binding: &'a Value, user: &User, binding_namespace: &str) -> Option<&'a Value> {
    binding["subjects"].as_array()?.iter().find(|subject| {
        let name = subject["name"].as_str().unwrap_or_default();
        match subject["kind"].as_str() {
            Some("User") => user.name == name,
            Some("Group") => user.groups.iter().any(|group| group == name),
            Some("ServiceAccount") => {
                let namespace = subject["namespace"].as_str().unwrap_or(binding_namespace);
                !namespace.is_empty() && user.name == format!("system:serviceaccount:{namespace}:{name}")
            }
            _ => false,
        }
    })
}

fn rules(role: &Value) -> impl Iterator<Item = &Value> {
    role["rules"].as_array().into_iter().flatten()
}

fn rule_allows(rule: &Value, request: &Request<'_>) -> bool {
    match *request {
        Request::Resource { verb, group, resource, subresource, name, .. } => {
            has(&rule["verbs"], verb)
                && has(&rule["apiGroups"], group)
                && resource_matches(&rule["resources"], resource, subresource)
                && names_match(&rule["resourceNames"], name)
        }
        Request::Path { verb, path } => {
            let paths = rule["nonResourceURLs"].as_array().into_iter().flatten().filter_map(Value::as_str);
            has(&rule["verbs"], verb)
                && paths
                    .into_iter()
                    .any(|known| known == path || known.strip_suffix('*').is_some_and(|start| path.starts_with(start)))
        }
    }
}

/// Returns whether a list of words holds `word` or the wildcard.
fn has(list: &Value, word: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|entry| entry == "*" || entry == word))
}

fn resource_matches(list: &Value, resource: &str, subresource: &str) -> bool {
    let full = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
    list.as_array().into_iter().flatten().filter_map(Value::as_str).any(|known| {
        known == "*"
            || known == full
            || (!subresource.is_empty() && known.strip_prefix("*/").is_some_and(|sub| sub == subresource))
    })
}

fn names_match(list: &Value, name: &str) -> bool {
    match list.as_array() {
        None => true,
        Some(names) => names.is_empty() || names.iter().any(|known| !name.is_empty() && known == name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user(name: &str) -> User {
        User { name: name.into(), groups: vec!["system:authenticated".into()] }
    }

    fn ask<'a>(
        verb: &'a str,
        resource: &'a str,
        subresource: &'a str,
        namespace: &'a str,
        name: &'a str,
    ) -> Request<'a> {
        let group = if resource == "deployments" { "apps" } else { "" };
        Request::Resource { verb, group, resource, subresource, namespace, name }
    }

    #[test]
    fn a_role_holds_in_its_namespace_only() {
        let role = json!({
            "metadata": {"name": "deployer", "namespace": "shop"},
            "rules": [{"apiGroups": ["apps"], "resources": ["deployments", "deployments/scale"], "verbs": ["get", "patch"]}]
        });
        let binding = json!({
            "metadata": {"name": "jane", "namespace": "shop"},
            "subjects": [{"kind": "User", "name": "jane"}],
            "roleRef": {"kind": "Role", "name": "deployer"}
        });
        let policy = Policy { roles: vec![&role], role_bindings: vec![&binding], ..Policy::default() };
        let decide = |request| policy.decide(&user("jane"), &request);
        assert_eq!(
            decide(ask("get", "deployments", "", "shop", "web")),
            Decision::Allowed {
                by: "RBAC: allowed by RoleBinding \"jane/shop\" of Role \"deployer\" to User \"jane\"".into()
            }
        );
        assert!(decide(ask("patch", "deployments", "scale", "shop", "web")).is_allowed());
        assert!(!decide(ask("patch", "deployments", "status", "shop", "web")).is_allowed());
        assert!(!decide(ask("get", "deployments", "", "todo", "web")).is_allowed());
        assert!(!decide(ask("get", "deployments", "", "", "")).is_allowed(), "all namespaces");
        assert!(!decide(ask("delete", "deployments", "", "shop", "web")).is_allowed());
        assert!(!policy.decide(&user("joe"), &ask("get", "deployments", "", "shop", "web")).is_allowed());
    }

    #[test]
    fn cluster_bindings_wildcards_groups_and_service_accounts() {
        let view = json!({
            "metadata": {"name": "view"},
            "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]},
                      {"nonResourceURLs": ["/healthz/*"], "verbs": ["get"]}]
        });
        let binding = json!({
            "metadata": {"name": "all-view"},
            "subjects": [{"kind": "Group", "name": "system:authenticated"},
                         {"kind": "ServiceAccount", "name": "bot", "namespace": "ci"}],
            "roleRef": {"kind": "ClusterRole", "name": "view"}
        });
        let policy = Policy { cluster_roles: vec![&view], cluster_role_bindings: vec![&binding], ..Policy::default() };
        assert!(policy.decide(&user("joe"), &ask("list", "pods", "log", "", "")).is_allowed());
        assert!(!policy.decide(&user("joe"), &ask("delete", "pods", "", "a", "b")).is_allowed());
        let bot = User { name: "system:serviceaccount:ci:bot".into(), groups: Vec::new() };
        assert!(policy.decide(&bot, &ask("get", "pods", "", "a", "b")).is_allowed());
        let path = Request::Path { verb: "get", path: "/healthz/etcd" };
        assert!(policy.decide(&bot, &path).is_allowed());
        assert_eq!(policy.rules_for(&bot, "a").len(), 2);
    }

    #[test]
    fn resource_names_need_a_name() {
        let role = json!({
            "metadata": {"name": "one", "namespace": "shop"},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["*"]}]
        });
        let binding = json!({
            "metadata": {"name": "one", "namespace": "shop"},
            "subjects": [{"kind": "User", "name": "jane"}], "roleRef": {"kind": "Role", "name": "one"}
        });
        let policy = Policy { roles: vec![&role], role_bindings: vec![&binding], ..Policy::default() };
        assert!(policy.decide(&user("jane"), &ask("get", "pods", "", "shop", "a")).is_allowed());
        assert!(!policy.decide(&user("jane"), &ask("get", "pods", "", "shop", "b")).is_allowed());
        assert!(!policy.decide(&user("jane"), &ask("list", "pods", "", "shop", "")).is_allowed());
    }

    #[test]
    fn masters_may_do_everything_and_nobody_else_anything_unbound() {
        let master = User { name: "admin".into(), groups: vec!["system:masters".into()] };
        let request = ask("delete", "pods", "", "a", "b");
        assert_eq!(Policy::default().decide(&master, &request), Decision::Allowed { by: String::new() });
        assert_eq!(Policy::default().decide(&user("joe"), &request), Decision::Denied);
    }
}
