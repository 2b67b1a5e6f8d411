//! What names an object in the store, and the sequence of uids.

use serde_json::Value;
use todo_agent_kube_rules::kinds::{self, Kind};

use crate::object;

/// The name of one object: its resource, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// The API group, "" for the core group.
    pub(crate) group: String,
    /// The resource, for example `deployments`.
    pub(crate) plural: String,
    /// The namespace, "" in cluster scope.
    pub(crate) namespace: String,
    /// The object's name.
    pub(crate) name: String,
}

impl Key {
    /// Returns the key of an object of a known kind. Cluster-scoped kinds ignore the namespace.
    pub(crate) fn of(kind: &Kind, namespace: &str, name: &str) -> Self {
        Self {
            group: kind.group.into(),
            plural: kind.plural.into(),
            namespace: if kind.namespaced { namespace.into() } else { String::new() },
            name: name.into(),
        }
    }

    /// Returns the key of an object by its apiVersion, kind and metadata. A kind that is not built in gets
    /// the plural that its lower-case name suggests.
    pub(crate) fn of_object(object: &Value) -> Self {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let kind = object["kind"].as_str().unwrap_or_default();
        let (namespace, name) = (object::namespace(object), object::name(object));
        let defined = || crate::schema::custom::by_type(api_version, kind).map(|it| it.kind);
        if let Some(known) = kinds::by_type(api_version, kind).or_else(defined) {
            return Self::of(known, namespace, name);
        }
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let plural = format!("{}s", kind.to_ascii_lowercase());
        Self { group: group.into(), plural, namespace: namespace.into(), name: name.into() }
    }

    /// Returns whether this names a pod.
    pub(crate) fn is_pod(&self) -> bool {
        self.group.is_empty() && self.plural == "pods"
    }

    /// Returns whether this names a namespace.
    pub(crate) fn is_namespace(&self) -> bool {
        self.group.is_empty() && self.plural == "namespaces"
    }

    /// Returns whether objects of this resource count generations. Kinds without a spec worth observing
    /// (ConfigMap, Secret, Service, Node, RBAC, …) have no generation in Kubernetes.
    pub(crate) fn has_generation(&self) -> bool {
        match self.group.as_str() {
            "" => self.plural == "pods" || self.plural == "replicationcontrollers",
            "apps" => self.plural != "controllerrevisions",
            "rbac.authorization.k8s.io" | "coordination.k8s.io" | "storage.k8s.io" | "events.k8s.io" => false,
            _ => true,
        }
    }
}

/// Returns the `index`th uid of the sequence that `seed` starts, shaped like a version 4 UUID.
pub(super) fn uid(seed: u64, index: u64) -> String {
    let high = split_mix(seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let low = split_mix(high ^ index);
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0x0fff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// One step of SplitMix64, a well-known mixing function.
fn split_mix(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
