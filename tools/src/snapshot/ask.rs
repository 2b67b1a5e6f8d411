//! One kind in one scope: the lists it takes, and what is wanted of each object.

use todo_agent_core::{ListQuery, ResourceType, Within};
use todo_agent_diagnose::{Kind, Scope};
use todo_agent_kube_rules::kinds;

/// What is wanted of Secrets and ConfigMaps: their names, and of their writers the names of the keys they wrote.
const KEYED: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.labels",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "metadata.finalizers",
    "metadata.ownerReferences",
    "metadata.managedFields.time",
    "metadata.managedFields.fieldsV1.f:data",
    "metadata.managedFields.fieldsV1.f:binaryData",
];

/// Whether what an ask gives is all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coverage {
    /// What is not among it does not exist.
    Whole,
    /// It was selected.
    Part,
}

/// A kind to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) kind: Kind,
    pub(super) scope: Scope,
    pub(super) coverage: Coverage,
    /// Field selectors, one list each.
    selectors: Vec<Option<String>>,
}

impl Ask {
    /// Asks for every object of a kind; of events those that tell of trouble.
    pub(super) fn all(kind: Kind, scope: Scope) -> Self {
        let selectors = match kind {
            // A container that is killed is a normal event, whatever it was killed for.
            Kind::Event => vec![Some("type=Warning".to_owned()), Some("reason=Killing".to_owned())],
            _ => vec![None],
        };
        Self { kind, scope, coverage: Coverage::Whole, selectors }
    }

    /// Asks for the events about one object.
    pub(super) fn events_of(namespace: &str, uid: &str) -> Self {
        Self {
            kind: Kind::Event,
            scope: Scope::Namespace(namespace.to_owned()),
            coverage: Coverage::Part,
            selectors: vec![Some(format!("involvedObject.uid={uid}"))],
        }
    }

    pub(super) fn queries(&self) -> impl Iterator<Item = ListQuery> {
        let within = match &self.scope {
            Scope::Namespace(namespace) => Within::Namespace(namespace.clone()),
            Scope::Cluster => Within::Everywhere,
        };
        self.selectors.iter().map(move |selector| {
            let mut query = ListQuery::new(resource(self.kind), within.clone());
            if matches!(self.kind, Kind::Secret | Kind::ConfigMap) {
                query = query.metadata_only().only(KEYED);
            }
            match selector {
                Some(selector) => query.fields(selector),
                None => query,
            }
        })
    }
}

/// Returns whether objects of a kind live in a namespace.
pub(super) fn is_namespaced(kind: Kind) -> bool {
    resource(kind).namespaced
}

/// Returns the type of a kind. No discovery is needed: a kind that is not served says so itself.
fn resource(kind: Kind) -> ResourceType {
    let known = kinds::KINDS.iter().find(|known| known.kind == kind.name() && known.group == kind.group());
    let (version, namespaced) = match (known, kind) {
        (Some(known), _) => return known.into(),
        (None, Kind::PodMetrics) => ("v1beta1", true),
        (None, Kind::NodeMetrics) => ("v1beta1", false),
        (None, Kind::HTTPRoute) => ("v1", true),
        // The classes of runtimes and the services of the API.
        (None, _) => ("v1", false),
    };
    ResourceType {
        group: kind.group().to_owned(),
        version: version.to_owned(),
        kind: kind.name().to_owned(),
        plural: kind.plural().to_owned(),
        namespaced,
    }
}
