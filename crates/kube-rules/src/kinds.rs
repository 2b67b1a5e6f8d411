//! The built-in kinds with every alias kubectl knows for them. Custom resources are not listed here;
//! they are found by discovery.
//!
//! Source: `kubectl api-resources` of Kubernetes 1.37.

/// One kind that every cluster serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// The API group, empty for the core group.
    pub group: &'static str,
    /// The version, for example `v1`.
    pub version: &'static str,
    /// The kind, for example `Deployment`.
    pub kind: &'static str,
    /// The resource name in paths, for example `deployments`.
    pub plural: &'static str,
    /// The singular name, for example `deployment`.
    pub singular: &'static str,
    /// The short names, for example `deploy`.
    pub short: &'static [&'static str],
    /// Whether objects of this kind live in a namespace.
    pub namespaced: bool,
}

impl Kind {
    /// Returns the `apiVersion` that objects of this kind carry, for example `apps/v1`.
    pub fn api_version(&self) -> String {
        api_version(self.group, self.version)
    }

    /// Returns the path of the collection: `/apis/apps/v1/namespaces/shop/deployments`. A missing
    /// namespace means all namespaces, or a cluster-scoped kind.
    pub fn path(&self, namespace: Option<&str>) -> String {
        collection_path(self.group, self.version, namespace.filter(|_| self.namespaced), self.plural)
    }
}

/// Returns the `apiVersion` of a group and version: `apps/v1`, or `v1` in the core group.
pub fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// Returns the path of a collection on the API server, within a namespace or across all.
pub fn collection_path(group: &str, version: &str, namespace: Option<&str>, plural: &str) -> String {
    let root = if group.is_empty() { "/api" } else { "/apis" };
    let version = api_version(group, version);
    match namespace {
        Some(namespace) => format!("{root}/{version}/namespaces/{namespace}/{plural}"),
        None => format!("{root}/{version}/{plural}"),
    }
}

const fn kind(
    (group, version): (&'static str, &'static str),
    kind: &'static str,
    (plural, singular): (&'static str, &'static str),
    short: &'static [&'static str],
    namespaced: bool,
) -> Kind {
    Kind { group, version, kind, plural, singular, short, namespaced }
}

const CORE: (&str, &str) = ("", "v1");
const APPS: (&str, &str) = ("apps", "v1");
const BATCH: (&str, &str) = ("batch", "v1");
const AUTOSCALING: (&str, &str) = ("autoscaling", "v2");
const NETWORKING: (&str, &str) = ("networking.k8s.io", "v1");
const POLICY: (&str, &str) = ("policy", "v1");
const RBAC: (&str, &str) = ("rbac.authorization.k8s.io", "v1");
const STORAGE: (&str, &str) = ("storage.k8s.io", "v1");

/// Every built-in kind known here.
pub const KINDS: &[Kind] = &[
    kind(CORE, "Pod", ("pods", "pod"), &["po"], true),
    kind(CORE, "Service", ("services", "service"), &["svc"], true),
    kind(CORE, "ConfigMap", ("configmaps", "configmap"), &["cm"], true),
    kind(CORE, "Secret", ("secrets", "secret"), &[], true),
    kind(CORE, "Event", ("events", "event"), &["ev"], true),
    kind(CORE, "Node", ("nodes", "node"), &["no"], false),
    kind(CORE, "Namespace", ("namespaces", "namespace"), &["ns"], false),
    kind(CORE, "ServiceAccount", ("serviceaccounts", "serviceaccount"), &["sa"], true),
    kind(CORE, "Endpoints", ("endpoints", "endpoints"), &["ep"], true),
    kind(CORE, "PersistentVolumeClaim", ("persistentvolumeclaims", "persistentvolumeclaim"), &["pvc"], true),
    kind(CORE, "PersistentVolume", ("persistentvolumes", "persistentvolume"), &["pv"], false),
    kind(CORE, "ResourceQuota", ("resourcequotas", "resourcequota"), &["quota"], true),
    kind(CORE, "LimitRange", ("limitranges", "limitrange"), &["limits"], true),
    kind(CORE, "ReplicationController", ("replicationcontrollers", "replicationcontroller"), &["rc"], true),
    kind(APPS, "Deployment", ("deployments", "deployment"), &["deploy"], true),
    kind(APPS, "ReplicaSet", ("replicasets", "replicaset"), &["rs"], true),
    kind(APPS, "StatefulSet", ("statefulsets", "statefulset"), &["sts"], true),
    kind(APPS, "DaemonSet", ("daemonsets", "daemonset"), &["ds"], true),
    kind(APPS, "ControllerRevision", ("controllerrevisions", "controllerrevision"), &[], true),
    kind(BATCH, "Job", ("jobs", "job"), &[], true),
    kind(BATCH, "CronJob", ("cronjobs", "cronjob"), &["cj"], true),
    kind(
        AUTOSCALING,
        "HorizontalPodAutoscaler",
        ("horizontalpodautoscalers", "horizontalpodautoscaler"),
        &["hpa"],
        true,
    ),
    kind(NETWORKING, "Ingress", ("ingresses", "ingress"), &["ing"], true),
    kind(NETWORKING, "IngressClass", ("ingressclasses", "ingressclass"), &[], false),
    kind(NETWORKING, "NetworkPolicy", ("networkpolicies", "networkpolicy"), &["netpol"], true),
    kind(POLICY, "PodDisruptionBudget", ("poddisruptionbudgets", "poddisruptionbudget"), &["pdb"], true),
    kind(RBAC, "Role", ("roles", "role"), &[], true),
    kind(RBAC, "RoleBinding", ("rolebindings", "rolebinding"), &[], true),
    kind(RBAC, "ClusterRole", ("clusterroles", "clusterrole"), &[], false),
    kind(RBAC, "ClusterRoleBinding", ("clusterrolebindings", "clusterrolebinding"), &[], false),
    kind(STORAGE, "StorageClass", ("storageclasses", "storageclass"), &["sc"], false),
    kind(("discovery.k8s.io", "v1"), "EndpointSlice", ("endpointslices", "endpointslice"), &[], true),
    kind(("coordination.k8s.io", "v1"), "Lease", ("leases", "lease"), &[], true),
    kind(("scheduling.k8s.io", "v1"), "PriorityClass", ("priorityclasses", "priorityclass"), &["pc"], false),
    kind(
        ("apiextensions.k8s.io", "v1"),
        "CustomResourceDefinition",
        ("customresourcedefinitions", "customresourcedefinition"),
        &["crd", "crds"],
        false,
    ),
    kind(
        ("admissionregistration.k8s.io", "v1"),
        "ValidatingWebhookConfiguration",
        ("validatingwebhookconfigurations", "validatingwebhookconfiguration"),
        &[],
        false,
    ),
    kind(
        ("admissionregistration.k8s.io", "v1"),
        "MutatingWebhookConfiguration",
        ("mutatingwebhookconfigurations", "mutatingwebhookconfiguration"),
        &[],
        false,
    ),
];

/// Returns the kind that a word means: its kind, plural, singular or a short name in any case, also
/// qualified as kubectl allows (`deployments.apps`, `deployments.v1.apps`).
pub fn find(word: &str) -> Option<&'static Kind> {
    let word = word.to_ascii_lowercase();
    let (name, qualifier) = word.split_once('.').map_or((word.as_str(), None), |(name, rest)| (name, Some(rest)));
    KINDS.iter().find(|kind| {
        let named = kind.plural == name
            || kind.singular == name
            || kind.short.contains(&name)
            || kind.kind.eq_ignore_ascii_case(name);
        named
            && qualifier
                .is_none_or(|rest| rest == kind.group || rest.split_once('.') == Some((kind.version, kind.group)))
    })
}

/// Returns the kind with exactly this `apiVersion` and `kind`.
pub fn by_type(api_version: &str, kind: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|known| known.kind == kind && known.api_version() == api_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_finds_its_kind() {
        for (word, expected) in [
            ("deploy", "Deployment"),
            ("Deployments", "Deployment"),
            ("sts", "StatefulSet"),
            ("cm", "ConfigMap"),
            ("deployments.apps", "Deployment"),
            ("deployments.v1.apps", "Deployment"),
            ("netpol", "NetworkPolicy"),
        ] {
            assert_eq!(find(word).map(|kind| kind.kind), Some(expected), "{word}");
        }
        assert_eq!(find("deployments.batch"), None);
        assert_eq!(find("backend"), None);
    }

    #[test]
    fn paths_follow_group_and_scope() {
        assert_eq!(find("pod").unwrap().path(Some("shop")), "/api/v1/namespaces/shop/pods");
        assert_eq!(find("node").unwrap().path(Some("shop")), "/api/v1/nodes");
        assert_eq!(find("hpa").unwrap().path(None), "/apis/autoscaling/v2/horizontalpodautoscalers");
    }

    #[test]
    fn no_alias_means_two_kinds() {
        for kind in KINDS {
            for word in [kind.plural, kind.singular, kind.kind].iter().chain(kind.short) {
                assert_eq!(find(word), Some(kind), "{word}");
            }
        }
    }
}
