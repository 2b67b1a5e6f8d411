//! A snapshot of a cluster: projected objects, what could not be read and why, logs, and "now". It is built
//! once, then only read; what it does not know it says (`Found::Unknown`), so that no rule calls an object
//! missing because it was not allowed to see it.

mod builder;
mod file;
mod index;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use builder::Builder;
pub use file::FileError;
use index::Index;
pub(crate) use index::Object;

use crate::kind::{Kind, ObjectRef};
use crate::shape::{self, Meta};

/// Declares the lists of objects, and how each kind gets into its own.
macro_rules! objects {
    ($($kind:ident => $field:ident: $type:ty),* $(,)?) => {
        /// The objects by kind, each list sorted by namespace and name.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        #[allow(missing_docs)]
        pub struct Objects { $(
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub $field: Vec<$type>,
        )* }

        impl Objects {
            fn metas(&self, kind: Kind) -> Box<dyn Iterator<Item = &Meta> + '_> {
                match kind { $(Kind::$kind => Box::new(self.$field.iter().map(|object| &object.metadata))),* }
            }

            fn meta(&self, object: Object) -> Option<&Meta> {
                let at = object.at as usize;
                match object.kind { $(Kind::$kind => self.$field.get(at).map(|object| &object.metadata)),* }
            }

            fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<Object> {
                let key = (namespace, name);
                let at = match kind { $(Kind::$kind => self.$field.binary_search_by(|object| {
                    names(&object.metadata).cmp(&key)
                })),* };
                at.ok().and_then(|at| u32::try_from(at).ok()).map(|at| Object { kind, at })
            }

            fn append(&mut self, mut other: Self) {
                $(self.$field.append(&mut other.$field);)*
            }

            /// Returns how many objects of a kind there are.
            pub fn count(&self, kind: Kind) -> usize {
                match kind { $(Kind::$kind => self.$field.len()),* }
            }

            fn sort(&mut self) {
                $(
                    self.$field.sort_by(|left, right| names(&left.metadata).cmp(&names(&right.metadata)));
                    self.$field.dedup_by(|left, right| names(&left.metadata) == names(&right.metadata));
                )*
            }
        }
    };
}

objects! {
    Pod => pods: shape::Pod,
    Node => nodes: shape::Node,
    Namespace => namespaces: shape::Plain,
    Event => events: shape::Event,
    Deployment => deployments: shape::Workload,
    ReplicaSet => replica_sets: shape::Workload,
    StatefulSet => stateful_sets: shape::Workload,
    DaemonSet => daemon_sets: shape::Workload,
    Job => jobs: shape::Workload,
    CronJob => cron_jobs: shape::Workload,
    Service => services: shape::Service,
    EndpointSlice => endpoint_slices: shape::EndpointSlice,
    Ingress => ingresses: shape::Ingress,
    IngressClass => ingress_classes: shape::IngressClass,
    NetworkPolicy => network_policies: shape::NetworkPolicy,
    HTTPRoute => http_routes: shape::HttpRoute,
    HorizontalPodAutoscaler => autoscalers: shape::Autoscaler,
    PodDisruptionBudget => budgets: shape::Budget,
    PersistentVolumeClaim => claims: shape::Claim,
    PersistentVolume => volumes: shape::PersistentVolume,
    StorageClass => storage_classes: shape::StorageClass,
    ResourceQuota => quotas: shape::Quota,
    LimitRange => limit_ranges: shape::LimitRange,
    ServiceAccount => service_accounts: shape::ServiceAccount,
    Secret => secrets: shape::Keyed,
    ConfigMap => config_maps: shape::Keyed,
    PriorityClass => priority_classes: shape::Plain,
    RuntimeClass => runtime_classes: shape::Plain,
    ValidatingWebhookConfiguration => validating_webhooks: shape::Webhooks,
    MutatingWebhookConfiguration => mutating_webhooks: shape::Webhooks,
    APIService => api_services: shape::ApiService,
    PodMetrics => pod_usage: shape::Usage,
    NodeMetrics => node_usage: shape::Usage,
}

fn names(meta: &Meta) -> (&str, &str) {
    (&meta.namespace, &meta.name)
}

/// Where a kind was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Scope {
    /// In the whole cluster, or the kind has no namespaces.
    Cluster,
    /// In one namespace.
    Namespace(String),
}

/// Why something could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Trouble {
    /// The server answered 403.
    Forbidden,
    /// The server does not serve the kind.
    NotServed,
    /// No answer in time.
    TimedOut,
    /// What was read is no object of its kind.
    Malformed,
    /// Anything else; the message says what.
    Failed,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unread {
    /// The kind.
    pub kind: Kind,
    /// Where.
    pub scope: Scope,
    /// Why.
    pub trouble: Trouble,
    /// In the server's or the parser's words.
    pub message: String,
}

/// Which run of a container a log is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Run {
    /// What runs, or ran last where nothing runs.
    Current,
    /// The run before.
    Previous,
}

/// The end of a container's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The uid of the pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Which run.
    pub run: Run,
    /// The text, or why there is none.
    pub text: Result<String, String>,
}

/// What a snapshot says of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<T> {
    /// It is there.
    Here(T),
    /// All objects of its kind were read, and it is none of them.
    Missing,
    /// Its kind was not read there.
    Unknown,
}

impl<T> Found<T> {
    /// Returns the object, if it was read.
    pub fn here(self) -> Option<T> {
        match self {
            Self::Here(object) => Some(object),
            Self::Missing | Self::Unknown => None,
        }
    }

    /// Returns whether the object is known not to exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing)
    }
}

/// A snapshot of a cluster.
#[derive(Debug, Clone)]
pub struct Snapshot {
    now: Timestamp,
    objects: Objects,
    covered: BTreeMap<Kind, BTreeSet<Scope>>,
    unread: Vec<Unread>,
    logs: Vec<Log>,
    index: Index,
}

impl Snapshot {
    /// Returns when the snapshot was taken.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the objects.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Returns what could not be read.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// Returns how long ago something was; nothing is ever in the future.
    pub fn since(&self, time: Option<Timestamp>) -> Option<SignedDuration> {
        time.map(|time| self.now.duration_since(time).max(SignedDuration::ZERO))
    }

    /// Returns whether all objects of a kind in a namespace were read.
    pub fn covers(&self, kind: Kind, namespace: &str) -> bool {
        self.covered.get(&kind).is_some_and(|scopes| {
            scopes.contains(&Scope::Cluster) || scopes.contains(&Scope::Namespace(namespace.to_owned()))
        })
    }

    /// Returns the log of a container's run.
    pub fn log(&self, pod: &str, container: &str, run: Run) -> Option<&Log> {
        self.logs.iter().find(|log| log.pod == pod && log.container == container && log.run == run)
    }

    /// Returns the reference of an object of a kind by its metadata.
    pub fn reference(kind: Kind, meta: &Meta) -> ObjectRef {
        ObjectRef { kind, namespace: meta.namespace.clone(), name: meta.name.clone(), uid: meta.uid.clone() }
    }
}
