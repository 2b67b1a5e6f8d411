//! The served resources: verbs, subresources and field labels.
//!
//! Source: `kubectl get --raw /apis/...` of Kubernetes 1.37 for what is listed; kinds that the sandbox
//! does not serve yet are absent here, hence absent from discovery and 404.

use std::sync::LazyLock;

use serde_json::Value;
use todo_agent_kube_rules::kinds::{self, Kind};

/// A subresource that the sandbox serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subresource {
    /// The status alone (`get`, `patch`, `update`).
    Status,
    /// The replica count as an `autoscaling/v1` `Scale`.
    Scale,
    /// A container's log.
    Log,
    /// A service account's token (`create`).
    Token,
    /// The way to delete a pod that budgets may refuse (`create`).
    Eviction,
    /// A command in a container, over an upgraded connection.
    Exec,
    /// Ports of a pod, over an upgraded connection.
    PortForward,
}

impl Subresource {
    /// Returns the last part of its path.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Scale => "scale",
            Self::Log => "log",
            Self::Token => "token",
            Self::Eviction => "eviction",
            Self::Exec => "exec",
            Self::PortForward => "portforward",
        }
    }
}

/// One served resource.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) kind: &'static Kind,
    pub(crate) subresources: &'static [Subresource],
    /// The field labels that field selectors may name besides `metadata.name` and `metadata.namespace`.
    pub(crate) field_labels: &'static [&'static str],
    /// Subresources of the real server that are answered with 501 and a reason.
    pub(crate) missing: &'static [&'static str],
    /// The columns that a definition names; there are none for what is built in.
    pub(crate) columns: Option<&'static Value>,
}

impl Resource {
    /// Returns the resource with its group as errors name it: `deployments.apps`, `pods`.
    pub(crate) fn qualified(&self) -> String {
        qualify(self.kind.plural, self.kind.group)
    }

    /// Returns the kind with its group as errors name it: `Deployment.apps`, `Pod`.
    pub(crate) fn qualified_kind(&self) -> String {
        qualify(self.kind.kind, self.kind.group)
    }

    /// Returns whether this is the resource `plural` of `group`.
    pub(crate) fn is(&self, group: &str, plural: &str) -> bool {
        self.kind.group == group && self.kind.plural == plural
    }

    /// Returns the verbs that collections and objects of this resource answer.
    pub(crate) fn verbs(&self) -> &'static [&'static str] {
        if self.kind.group == METRICS_GROUP {
            return &["get", "list"];
        }
        if self.is_custom() {
            return &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
        }
        if self.is("", "namespaces") {
            return &["create", "delete", "get", "list", "patch", "update", "watch"];
        }
        &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    }

    /// Returns whether the resource belongs to kubectl's category `all`.
    pub(crate) fn in_all(&self) -> bool {
        const ALL: [&str; 9] = [
            "pods",
            "services",
            "deployments",
            "replicasets",
            "statefulsets",
            "horizontalpodautoscalers",
            "daemonsets",
            "jobs",
            "cronjobs",
        ];
        ALL.contains(&self.kind.plural) && self.kind.group != METRICS_GROUP
    }
}

fn qualify(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

const STATUS: &[Subresource] = &[Subresource::Status];
const POD_PARTS: &[Subresource] =
    &[Subresource::Eviction, Subresource::Exec, Subresource::Log, Subresource::PortForward, Subresource::Status];
const SCALED: &[Subresource] = &[Subresource::Scale, Subresource::Status];

const EVENT_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

const POD_FIELDS: &[&str] = &[
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
];

const POD_MISSING: &[&str] = &["attach", "binding", "ephemeralcontainers", "proxy", "resize"];

type Row = (&'static str, &'static [Subresource], &'static [&'static str], &'static [&'static str]);

const ROWS: &[Row] = &[
    ("pods", POD_PARTS, POD_FIELDS, POD_MISSING),
    ("services", STATUS, &["spec.clusterIP", "spec.type"], &["proxy"]),
    ("configmaps", &[], &[], &[]),
    ("secrets", &[], &["type"], &[]),
    ("events", &[], EVENT_FIELDS, &[]),
    ("nodes", STATUS, &["spec.unschedulable"], &["proxy"]),
    ("namespaces", STATUS, &["status.phase"], &["finalize"]),
    ("serviceaccounts", &[Subresource::Token], &[], &[]),
    ("endpoints", &[], &[], &[]),
    ("deployments", SCALED, &[], &[]),
    ("replicasets", SCALED, &["status.replicas"], &[]),
    ("statefulsets", SCALED, &[], &[]),
    ("controllerrevisions", &[], &[], &[]),
    ("horizontalpodautoscalers", STATUS, &[], &[]),
    ("roles", &[], &[], &[]),
    ("rolebindings", &[], &[], &[]),
    ("clusterroles", &[], &[], &[]),
    ("clusterrolebindings", &[], &[], &[]),
    ("endpointslices", &[], &[], &[]),
    ("leases", &[], &[], &[]),
    ("persistentvolumeclaims", STATUS, &[], &[]),
    ("persistentvolumes", STATUS, &[], &[]),
    ("storageclasses", &[], &[], &[]),
    ("daemonsets", STATUS, &[], &[]),
    ("jobs", STATUS, &["status.successful"], &[]),
    ("cronjobs", STATUS, &[], &[]),
    ("poddisruptionbudgets", STATUS, &[], &[]),
    ("resourcequotas", STATUS, &[], &[]),
    ("limitranges", &[], &[], &[]),
    ("ingresses", STATUS, &[], &[]),
    ("ingressclasses", &[], &[], &[]),
    ("networkpolicies", &[], &[], &[]),
    ("priorityclasses", &[], &[], &[]),
    ("customresourcedefinitions", STATUS, &[], &[]),
];

/// Every served resource.
pub(crate) static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| {
    let row = |&(plural, subresources, field_labels, missing): &Row| {
        let kind = kinds::KINDS.iter().find(|kind| kind.plural == plural)?;
        Some(Resource { kind, subresources, field_labels, missing, columns: None })
    };
    ROWS.iter().filter_map(row).collect()
});

/// The group of what metrics-server adds to the API: measurements, which are not stored.
pub(crate) const METRICS_GROUP: &str = "metrics.k8s.io";

static NODE_METRICS: Kind = measurement("NodeMetrics", "nodes", false);
static POD_METRICS: Kind = measurement("PodMetrics", "pods", true);

const fn measurement(kind: &'static str, plural: &'static str, namespaced: bool) -> Kind {
    Kind { group: METRICS_GROUP, version: "v1beta1", kind, plural, singular: "", short: &[], namespaced }
}

static METRICS: [Resource; 2] = [
    Resource { kind: &NODE_METRICS, subresources: &[], field_labels: &[], missing: &[], columns: None },
    Resource { kind: &POD_METRICS, subresources: &[], field_labels: &[], missing: &[], columns: None },
];

/// Returns every resource that clients may ask for, the measurements last.
pub(crate) fn served() -> impl Iterator<Item = &'static Resource> {
    RESOURCES.iter().chain(&METRICS)
}

/// Returns the built-in resource at this group, version and plural.
pub(crate) fn resource(group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
    served().find(|it| it.is(group, plural) && it.kind.version == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_known_kind() {
        assert_eq!(RESOURCES.len(), ROWS.len());
    }

    #[test]
    fn kinds_outside_the_slice_are_not_served() {
        assert!(resource("", "v1", "replicationcontrollers").is_none());
        assert!(resource("apps", "v1beta1", "deployments").is_none());
        assert_eq!(resource("apps", "v1", "deployments").unwrap().qualified(), "deployments.apps");
    }
}
