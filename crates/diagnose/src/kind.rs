//! The kinds that a snapshot holds, and references to objects of them. A kind outside this list cannot be
//! diagnosed, only be named in a text.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($kind:ident $group:literal $plural:literal),* $(,)?) => {
        /// A kind of object that the rules read.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum Kind { $($kind),* }

        impl Kind {
            /// Every kind, in the order in which a reader may ask for them.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Returns the kind's name as objects carry it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => stringify!($kind)),* }
            }

            /// Returns the API group, empty for the core group.
            pub fn group(self) -> &'static str {
                match self { $(Self::$kind => $group),* }
            }

            /// Returns the resource name in paths and in RBAC rules.
            pub fn plural(self) -> &'static str {
                match self { $(Self::$kind => $plural),* }
            }

            /// Returns the kind of this name.
            pub fn of(name: &str) -> Option<Self> {
                match name { $(stringify!($kind) => Some(Self::$kind),)* _ => None }
            }
        }
    };
}

kinds! {
    Pod "" "pods",
    Node "" "nodes",
    Namespace "" "namespaces",
    Event "" "events",
    Deployment "apps" "deployments",
    ReplicaSet "apps" "replicasets",
    StatefulSet "apps" "statefulsets",
    DaemonSet "apps" "daemonsets",
    Job "batch" "jobs",
    CronJob "batch" "cronjobs",
    Service "" "services",
    EndpointSlice "discovery.k8s.io" "endpointslices",
    Ingress "networking.k8s.io" "ingresses",
    IngressClass "networking.k8s.io" "ingressclasses",
    NetworkPolicy "networking.k8s.io" "networkpolicies",
    HTTPRoute "gateway.networking.k8s.io" "httproutes",
    HorizontalPodAutoscaler "autoscaling" "horizontalpodautoscalers",
    PodDisruptionBudget "policy" "poddisruptionbudgets",
    PersistentVolumeClaim "" "persistentvolumeclaims",
    PersistentVolume "" "persistentvolumes",
    StorageClass "storage.k8s.io" "storageclasses",
    ResourceQuota "" "resourcequotas",
    LimitRange "" "limitranges",
    ServiceAccount "" "serviceaccounts",
    Secret "" "secrets",
    ConfigMap "" "configmaps",
    PriorityClass "scheduling.k8s.io" "priorityclasses",
    RuntimeClass "node.k8s.io" "runtimeclasses",
    ValidatingWebhookConfiguration "admissionregistration.k8s.io" "validatingwebhookconfigurations",
    MutatingWebhookConfiguration "admissionregistration.k8s.io" "mutatingwebhookconfigurations",
    APIService "apiregistration.k8s.io" "apiservices",
    PodMetrics "metrics.k8s.io" "pods",
    NodeMetrics "metrics.k8s.io" "nodes",
}

impl Kind {
    /// Returns the smallest RBAC rule that lets a reader list this kind.
    pub fn rule_to_list(self) -> String {
        format!("apiGroups: [{:?}], resources: [{:?}], verbs: [\"list\"]", self.group(), self.plural())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// One object, which may also be one that is missing (then without a uid).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty for cluster-scoped kinds.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid; empty where the object is missing or was not read.
    pub uid: String,
}

impl ObjectRef {
    /// Returns a reference by name, to an object that was not seen.
    pub fn named(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned(), uid: String::new() }
    }

    /// Returns whether both name the same object, whether or not its uid is known.
    pub fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.namespace == other.namespace && self.name == other.name
    }

    /// Returns `kind/name` in lower case, as a person types it.
    pub fn short(&self) -> String {
        format!("{}/{}", self.kind.name().to_ascii_lowercase(), self.name)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.kind, self.name)
    }
}
