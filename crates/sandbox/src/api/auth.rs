//! Who asks, and whether they may: bearer tokens, impersonation, RBAC from the stored objects.

use std::sync::Arc;

use serde_json::Value;
use todo_agent_kube_rules::rbac::{Decision, Policy, Request, User};

use super::incoming::Incoming;
use super::route::{Target, Verb};
use super::status::ApiError;
use super::tokens;
use crate::simulation;
use crate::store::Store;

/// Who a request without credentials is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous {
    /// The administrator: the caller is this very program.
    Administrator,
    /// Nobody: the answer is 401.
    Refused,
}

const AUTHENTICATED: &str = "system:authenticated";

/// The RBAC objects of the store, kept alive while they are evaluated.
pub(crate) struct Stored {
    roles: Vec<Arc<Value>>,
    role_bindings: Vec<Arc<Value>>,
    cluster_roles: Vec<Arc<Value>>,
    cluster_role_bindings: Vec<Arc<Value>>,
}

impl Stored {
    pub(crate) fn of(store: &Store) -> Self {
        let all = |plural| store.list("rbac.authorization.k8s.io", plural, None);
        Self {
            roles: all("roles"),
            role_bindings: all("rolebindings"),
            cluster_roles: all("clusterroles"),
            cluster_role_bindings: all("clusterrolebindings"),
        }
    }

    pub(crate) fn policy(&self) -> Policy<'_> {
        Policy {
            roles: self.roles.iter().map(|one| &**one).collect(),
            role_bindings: self.role_bindings.iter().map(|one| &**one).collect(),
            cluster_roles: self.cluster_roles.iter().map(|one| &**one).collect(),
            cluster_role_bindings: self.cluster_role_bindings.iter().map(|one| &**one).collect(),
        }
    }
}

/// Returns the user that a request comes from.
pub(crate) fn authenticate(
    incoming: &Incoming,
    state: &simulation::State,
    anonymous: Anonymous,
) -> Result<User, ApiError> {
    let header = incoming.header("authorization");
    let user = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = token.trim();
            let known = state.users.iter().find(|user| !user.token.is_empty() && user.token == token);
            let known = known.map(|user| User { name: user.name.clone(), groups: user.groups.clone() });
            let known = known.or_else(|| tokens::user(&state.tokens, token, &state.store, incoming.now));
            let known = known.ok_or_else(ApiError::unauthorized)?;
            authenticated(&known.name, known.groups)
        }
        _ if !header.is_empty() => return Err(ApiError::unauthorized()),
        _ => match anonymous {
            Anonymous::Administrator => authenticated("kubernetes-admin", vec!["system:masters".to_owned()]),
            Anonymous::Refused => return Err(ApiError::unauthorized()),
        },
    };
    impersonate(incoming, user, &state.store)
}

fn authenticated(name: &str, mut groups: Vec<String>) -> User {
    if !groups.iter().any(|group| group == AUTHENTICATED) {
        groups.push(AUTHENTICATED.to_owned());
    }
    User { name: name.to_owned(), groups }
}

/// Applies the `Impersonate-*` headers, each of which needs the permission to impersonate.
fn impersonate(incoming: &Incoming, user: User, store: &Store) -> Result<User, ApiError> {
    let name = incoming.header("impersonate-user");
    let groups: Vec<String> = incoming
        .headers
        .get_all("impersonate-group")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .map(str::to_owned)
        .collect();
    if name.is_empty() {
        if groups.is_empty() {
            return Ok(user);
        }
        return Err(ApiError::bad_request("requested [{Group  [...]}] without impersonating a user"));
    }
    let stored = Stored::of(store);
    let policy = stored.policy();
    let check = |resource: &str, name: &str| {
        let request =
            Request::Resource { verb: "impersonate", group: "", resource, subresource: "", namespace: "", name };
        if policy.decide(&user, &request).is_allowed() {
            return Ok(());
        }
        Err(ApiError::forbidden_text(format!(
            "{resource} \"{name}\" is forbidden: User \"{}\" cannot impersonate resource \"{resource}\" in API group \"\" at the cluster scope",
            user.name
        )))
    };
    check("users", name)?;
    for group in &groups {
        check("groups", group)?;
    }
    Ok(authenticated(name, groups))
}

/// Refuses what the user may not do to a target.
pub(crate) fn authorize(
    user: &User,
    target: &Target,
    verb: Verb,
    pinned: Option<&str>,
    store: &Store,
) -> Result<(), ApiError> {
    let request = target.rbac_request(verb, pinned);
    if is_allowed(user, &request, store) {
        return Ok(());
    }
    let name = if target.name.is_empty() { pinned.unwrap_or_default() } else { &target.name };
    Err(ApiError::forbidden(target.resource, name, &denial(user, &request)))
}

/// Refuses a path that is no resource; the role `system:discovery` gives everyone the usual ones.
pub(crate) fn authorize_path(user: &User, path: &str, store: &Store) -> Result<(), ApiError> {
    if is_allowed(user, &Request::Path { verb: "get", path }, store) {
        return Ok(());
    }
    Err(ApiError::forbidden_text(format!("forbidden: User \"{}\" cannot get path \"{path}\"", user.name)))
}

fn is_allowed(user: &User, request: &Request<'_>, store: &Store) -> bool {
    // The common case needs no look at the roles.
    user.groups.iter().any(|group| group == "system:masters") || decide(user, request, store).is_allowed()
}

/// Decides a request by the stored roles and bindings.
pub(crate) fn decide(user: &User, request: &Request<'_>, store: &Store) -> Decision {
    Stored::of(store).policy().decide(user, request)
}

/// Returns the words that follow `is forbidden: `.
fn denial(user: &User, request: &Request<'_>) -> String {
    match *request {
        Request::Resource { verb, group, resource, subresource, namespace, .. } => {
            let full = if subresource.is_empty() { resource.to_owned() } else { format!("{resource}/{subresource}") };
            let place = if namespace.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace \"{namespace}\"")
            };
            format!("User \"{}\" cannot {verb} resource \"{full}\" in API group \"{group}\" {place}", user.name)
        }
        Request::Path { verb, path } => format!("User \"{}\" cannot {verb} path \"{path}\"", user.name),
    }
}
