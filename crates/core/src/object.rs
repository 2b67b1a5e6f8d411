//! How objects are named everywhere in the program: a resource type, a namespace, a name.

use std::fmt::{self, Write};

use serde::{Deserialize, Serialize};
use todo_agent_kube_rules::kinds::{self, Kind};

/// A type of resource as a cluster serves it, built-in or custom.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResourceType {
    /// The API group, empty for the core group.
    pub group: String,
    /// The version, for example `v1`.
    pub version: String,
    /// The kind, for example `Deployment`.
    pub kind: String,
    /// The resource name in paths, for example `deployments`.
    pub plural: String,
    /// Whether objects of this type live in a namespace.
    pub namespaced: bool,
}

impl ResourceType {
    /// Returns the `apiVersion` that objects of this type carry.
    pub fn api_version(&self) -> String {
        kinds::api_version(&self.group, &self.version)
    }

    /// Returns the path of the collection; no namespace means all of them, or a cluster-scoped type.
    pub fn path(&self, namespace: Option<&str>) -> String {
        kinds::collection_path(&self.group, &self.version, namespace.filter(|_| self.namespaced), &self.plural)
    }

    /// Returns the name used for the type in RBAC messages: `deployments.apps`, or `pods` in the core group.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }
}

impl From<&Kind> for ResourceType {
    fn from(kind: &Kind) -> Self {
        Self {
            group: kind.group.to_owned(),
            version: kind.version.to_owned(),
            kind: kind.kind.to_owned(),
            plural: kind.plural.to_owned(),
            namespaced: kind.namespaced,
        }
    }
}

/// One object in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The object's type.
    pub resource: ResourceType,
    /// The object's namespace; `None` for cluster-scoped types.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
}

impl ObjectRef {
    /// Returns a reference to an object of a built-in kind.
    pub fn new(kind: &Kind, namespace: &str, name: &str) -> Self {
        Self { resource: kind.into(), namespace: kind.namespaced.then(|| namespace.to_owned()), name: name.to_owned() }
    }

    /// Returns the object's path on the API server. A name that no object can have, such as `../secrets`
    /// in an owner reference that anybody may write, stays one segment of it.
    pub fn path(&self) -> String {
        format!("{}/{}", self.resource.path(self.namespace.as_deref()), segment(&self.name))
    }

    /// Returns `deployment/backend`, as kubectl writes it.
    pub fn short(&self) -> String {
        format!("{}/{}", self.resource.kind.to_lowercase(), self.name)
    }
}

/// Returns a name as one segment of a path: everything but unreserved characters and the colon of RBAC names
/// escaped (RFC 3986 §3.3), and the dots of `.` and `..`, which mean other places.
fn segment(name: &str) -> String {
    if matches!(name, "." | "..") {
        return name.replace('.', "%2E");
    }
    name.bytes().fold(String::with_capacity(name.len()), |mut segment, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            let _ = write!(segment, "%{byte:02X}");
        }
        segment
    })
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "{} in namespace {namespace}", self.short()),
            None => write!(formatter, "{}", self.short()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leaves_its_place_in_a_path() {
        let path = |name: &str| ObjectRef::new(kinds::find("configmap").unwrap(), "todo", name).path();
        assert_eq!(path("kube-root-ca.crt"), "/api/v1/namespaces/todo/configmaps/kube-root-ca.crt");
        assert_eq!(path("../secrets/s"), "/api/v1/namespaces/todo/configmaps/..%2Fsecrets%2Fs");
        assert_eq!(path("a?watch=1#x"), "/api/v1/namespaces/todo/configmaps/a%3Fwatch%3D1%23x");
        assert_eq!(path(".."), "/api/v1/namespaces/todo/configmaps/%2E%2E");
    }
}
