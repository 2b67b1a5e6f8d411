//! From a method and a path to what is asked: a collection, an object, a subresource, discovery, a review.

use http::Method;
use todo_agent_kube_rules::rbac;

use super::query::{Query, percent_decode};
use super::status::ApiError;
use crate::schema::{Resource, custom, served};
use crate::store::Store;

/// What a path names.
#[derive(Debug)]
pub(crate) enum Route {
    /// `/version`
    Version,
    /// `/readyz`, `/livez`, `/healthz` and what is below them.
    Health,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/<group>`
    Group(String),
    /// `/api/v1` or `/apis/<group>/<version>`
    Resources { group: String, version: String },
    /// `/openapi/…`
    OpenApi,
    /// A review that is answered but not stored.
    Review(Review),
    /// A resource.
    Resource(Target),
}

/// The reviews that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Review {
    /// Who asks.
    SelfSubject,
    SelfSubjectAccess,
    SelfSubjectRules,
    SubjectAccess,
}

impl Review {
    /// Returns the reviews of a group.
    pub(crate) fn of(group: &str) -> &'static [Self] {
        match group {
            "authentication.k8s.io" => &[Self::SelfSubject],
            "authorization.k8s.io" => &[Self::SelfSubjectAccess, Self::SelfSubjectRules, Self::SubjectAccess],
            _ => &[],
        }
    }

    /// Returns the group, the resource name and the kind.
    pub(crate) fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::SelfSubject => ("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
            Self::SelfSubjectAccess => ("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
            Self::SelfSubjectRules => ("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
            Self::SubjectAccess => ("authorization.k8s.io", "subjectaccessreviews", "SubjectAccessReview"),
        }
    }
}

/// A collection, an object or a subresource.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) resource: &'static Resource,
    /// The namespace, "" for all of them or in cluster scope.
    pub(crate) namespace: String,
    /// The object's name, "" for the collection.
    pub(crate) name: String,
    /// The subresource, "" for none.
    pub(crate) subresource: String,
}

/// What a request does to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Delete,
    DeleteCollection,
}

impl Verb {
    /// Returns the verb that RBAC and the log name.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

impl Target {
    /// Returns the verb of a method on this target.
    pub(crate) fn verb(&self, method: &Method, query: &Query) -> Result<Verb, ApiError> {
        let collection = self.name.is_empty();
        match *method {
            Method::GET | Method::HEAD if collection && query.flag("watch") => Ok(Verb::Watch),
            Method::GET | Method::HEAD if collection => Ok(Verb::List),
            Method::GET | Method::HEAD => Ok(Verb::Get),
            Method::POST if collection || !self.subresource.is_empty() => Ok(Verb::Create),
            Method::PUT if !collection => Ok(Verb::Update),
            Method::PATCH if !collection => Ok(Verb::Patch),
            Method::DELETE if collection => Ok(Verb::DeleteCollection),
            Method::DELETE => Ok(Verb::Delete),
            _ => Err(ApiError::method_not_allowed()),
        }
    }

    /// Returns the question for RBAC. As in the real server, a field selector that pins `metadata.name`
    /// counts as naming the object.
    pub(crate) fn rbac_request<'a>(&'a self, verb: Verb, pinned: Option<&'a str>) -> rbac::Request<'a> {
        let name = if self.name.is_empty() { pinned.unwrap_or_default() } else { &self.name };
        rbac::Request::Resource {
            verb: verb.word(),
            group: self.resource.kind.group,
            resource: self.resource.kind.plural,
            subresource: &self.subresource,
            // The authorizer sees a namespace object as inside itself.
            namespace: if self.resource.is("", "namespaces") { &self.name } else { &self.namespace },
            name,
        }
    }
}

/// Returns what `path` names, or 404.
pub(crate) fn route(path: &str, store: &Store) -> Result<Route, ApiError> {
    let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(percent_decode).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["version"] => Ok(Route::Version),
        ["readyz" | "livez" | "healthz", ..] => Ok(Route::Health),
        ["openapi", ..] => Ok(Route::OpenApi),
        ["api"] => Ok(Route::CoreVersions),
        ["apis"] => Ok(Route::Groups),
        ["apis", group] => Ok(Route::Group((*group).to_owned())),
        ["api", version] => Ok(Route::Resources { group: String::new(), version: (*version).to_owned() }),
        ["apis", group, version] => Ok(Route::Resources { group: (*group).to_owned(), version: (*version).to_owned() }),
        ["api", version, rest @ ..] => in_group("", version, rest, store),
        ["apis", group, version, rest @ ..] => in_group(group, version, rest, store),
        _ => Err(ApiError::no_such_path()),
    }
}

fn in_group(group: &str, version: &str, rest: &[&str], store: &Store) -> Result<Route, ApiError> {
    let reviews = Review::of(group);
    if !reviews.is_empty() && version == "v1" && !rest.is_empty() {
        let asked = reviews.iter().find(|review| [review.names().1] == rest);
        return asked.map(|review| Route::Review(*review)).ok_or_else(ApiError::no_such_path);
    }
    let target = |plural: &str, namespace: &str, rest: &[&str]| {
        let resource = custom::find(store, group, version, plural).ok_or_else(ApiError::no_such_path)?;
        let (name, subresource) = match rest {
            [] => ("", ""),
            [name] => (*name, ""),
            // Whatever follows a proxy belongs to the proxied server.
            [name, subresource] | [name, subresource @ "proxy", ..] => (*name, *subresource),
            _ => return Err(ApiError::no_such_path()),
        };
        if resource.kind.namespaced && namespace.is_empty() && !name.is_empty()
            || !resource.kind.namespaced && !namespace.is_empty()
        {
            return Err(ApiError::no_such_path());
        }
        let known = subresource.is_empty()
            || resource.missing.contains(&subresource)
            || resource.subresources.iter().any(|one| one.word() == subresource);
        if !known {
            return Err(ApiError::no_such_path());
        }
        Ok(Route::Resource(Target {
            resource,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            subresource: subresource.to_owned(),
        }))
    };
    match rest {
        ["watch", ..] => Err(ApiError::not_implemented("the deprecated /watch/ paths; list with watch=true instead")),
        ["namespaces", name, "status" | "finalize"] if group.is_empty() => target("namespaces", "", &[name, rest[2]]),
        ["namespaces"] if group.is_empty() => target("namespaces", "", &[]),
        ["namespaces", name] if group.is_empty() => target("namespaces", "", &[name]),
        ["namespaces", namespace, plural, rest @ ..] => target(plural, namespace, rest),
        [plural, rest @ ..] => target(plural, "", rest),
        [] => Err(ApiError::no_such_path()),
    }
}

/// Returns the served groups with their version, in discovery order, each once, those of definitions last.
pub(crate) fn all_groups(store: &Store) -> Vec<(&'static str, &'static str)> {
    let mut found = groups();
    for resource in custom::served(store) {
        let entry = (resource.kind.group, resource.kind.version);
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    found
}

/// Returns the built-in groups with their version, in discovery order, each once.
pub(crate) fn groups() -> Vec<(&'static str, &'static str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for resource in served().filter(|it| !it.kind.group.is_empty()) {
        let entry = (resource.kind.group, resource.kind.version);
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    found.extend([("authentication.k8s.io", "v1"), ("authorization.k8s.io", "v1")]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> (String, String, String, String) {
        match route(path, &Store::default()) {
            Ok(Route::Resource(it)) => (it.resource.qualified(), it.namespace, it.name, it.subresource),
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn paths_name_collections_objects_and_subresources() {
        let words = |(a, b, c, d): (String, String, String, String)| format!("{a}|{b}|{c}|{d}");
        assert_eq!(words(target("/api/v1/pods")), "pods|||");
        assert_eq!(words(target("/api/v1/namespaces")), "namespaces|||");
        assert_eq!(words(target("/api/v1/namespaces/shop")), "namespaces||shop|");
        assert_eq!(words(target("/api/v1/namespaces/shop/status")), "namespaces||shop|status");
        assert_eq!(words(target("/api/v1/namespaces/shop/pods/a/log")), "pods|shop|a|log");
        assert_eq!(
            words(target("/apis/apps/v1/namespaces/shop/deployments/web/scale")),
            "deployments.apps|shop|web|scale"
        );
    }

    #[test]
    fn what_is_not_served_is_404() {
        for path in [
            "/",
            "/foo",
            "/api/v1/replicationcontrollers",
            "/apis/apps/v2/deployments",
            "/api/v1/namespaces/shop/nodes/a",
            "/api/v1/pods/a",
            "/api/v1/namespaces/shop/pods/a/scale",
            "/api/v1/namespaces/shop/pods/a/log/b",
        ] {
            assert_eq!(route(path, &Store::default()).unwrap_err().code, 404, "{path}");
        }
    }
}
