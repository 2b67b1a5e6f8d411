//! Building a snapshot, one object at a time, so that a paged reader can project while it parses. An object
//! that is not what its kind says is remembered as unread; it does not stop the others.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::index::Index;
use super::{Log, Objects, Run, Scope, Snapshot, Trouble, Unread};
use crate::kind::Kind;
use crate::shape::Keyed;

/// Takes objects and makes a snapshot of them.
#[derive(Debug, Clone)]
pub struct Builder {
    now: Timestamp,
    objects: Objects,
    covered: BTreeMap<Kind, BTreeSet<Scope>>,
    unread: Vec<Unread>,
    logs: Vec<Log>,
}

impl Builder {
    /// Starts a snapshot taken at this time.
    pub fn new(now: Timestamp) -> Self {
        Self { now, objects: Objects::default(), covered: BTreeMap::new(), unread: Vec::new(), logs: Vec::new() }
    }

    /// Goes on from a snapshot, to add what `needs` asked for.
    pub fn extend(snapshot: Snapshot) -> Self {
        let Snapshot { now, objects, covered, unread, logs, .. } = snapshot;
        Self { now, objects, covered, unread, logs }
    }

    /// Returns when the snapshot is taken.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Adds an object of a kind; list items do not say their kind themselves.
    pub fn add(&mut self, kind: Kind, object: &Value) {
        if let Err(error) = self.project(kind, object) {
            let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
            let scope = match namespace {
                "" => Scope::Cluster,
                namespace => Scope::Namespace(namespace.to_owned()),
            };
            let name = object["metadata"]["name"].as_str().unwrap_or("an object without a name");
            self.unread(kind, scope, Trouble::Malformed, &format!("{name}: {error}"));
        }
    }

    fn project(&mut self, kind: Kind, object: &Value) -> Result<(), serde_json::Error> {
        let into = &mut self.objects;
        macro_rules! push {
            ($field:ident) => {
                into.$field.push(Deserialize::deserialize(object)?)
            };
        }
        match kind {
            Kind::Pod => push!(pods),
            Kind::Node => push!(nodes),
            Kind::Namespace => push!(namespaces),
            Kind::Event => push!(events),
            Kind::Deployment => push!(deployments),
            Kind::ReplicaSet => push!(replica_sets),
            Kind::StatefulSet => push!(stateful_sets),
            Kind::DaemonSet => push!(daemon_sets),
            Kind::Job => push!(jobs),
            Kind::CronJob => push!(cron_jobs),
            Kind::Service => push!(services),
            Kind::EndpointSlice => push!(endpoint_slices),
            Kind::Ingress => push!(ingresses),
            Kind::IngressClass => push!(ingress_classes),
            Kind::NetworkPolicy => push!(network_policies),
            Kind::HTTPRoute => push!(http_routes),
            Kind::HorizontalPodAutoscaler => push!(autoscalers),
            Kind::PodDisruptionBudget => push!(budgets),
            Kind::PersistentVolumeClaim => push!(claims),
            Kind::PersistentVolume => push!(volumes),
            Kind::StorageClass => push!(storage_classes),
            Kind::ResourceQuota => push!(quotas),
            Kind::LimitRange => push!(limit_ranges),
            Kind::ServiceAccount => push!(service_accounts),
            Kind::Secret => into.secrets.push(Keyed::project(object)?),
            Kind::ConfigMap => into.config_maps.push(Keyed::project(object)?),
            Kind::PriorityClass => push!(priority_classes),
            Kind::RuntimeClass => push!(runtime_classes),
            Kind::ValidatingWebhookConfiguration => push!(validating_webhooks),
            Kind::MutatingWebhookConfiguration => push!(mutating_webhooks),
            Kind::APIService => push!(api_services),
            Kind::PodMetrics => push!(pod_usage),
            Kind::NodeMetrics => push!(node_usage),
        }
        Ok(())
    }

    /// Takes over what another builder has taken.
    pub fn absorb(&mut self, other: Self) {
        let Self { now: _, objects, covered, unread, logs } = other;
        self.objects.append(objects);
        for (kind, scopes) in covered {
            self.covered.entry(kind).or_default().extend(scopes);
        }
        self.unread.extend(unread);
        self.logs.extend(logs);
    }

    /// Remembers that every object of a kind was read there: what was not added does not exist.
    pub fn covers(&mut self, kind: Kind, scope: Scope) {
        self.covered.entry(kind).or_default().insert(scope);
    }

    /// Remembers that a kind could not be read there.
    pub fn unread(&mut self, kind: Kind, scope: Scope, trouble: Trouble, message: &str) {
        self.unread.push(Unread { kind, scope, trouble, message: message.to_owned() });
    }

    /// Adds the log of a container's run, or why there is none.
    pub fn log(&mut self, pod: &str, container: &str, run: Run, text: Result<String, String>) {
        self.logs.push(Log { pod: pod.to_owned(), container: container.to_owned(), run, text });
    }

    /// Sorts and indexes what was added.
    pub fn build(self) -> Snapshot {
        let Self { now, mut objects, covered, mut unread, mut logs } = self;
        objects.sort();
        unread.sort();
        unread.dedup();
        logs.sort_by(|left, right| {
            let key = |log: &Log| (log.pod.clone(), log.container.clone(), log.run);
            key(left).cmp(&key(right))
        });
        let index = Index::of(&objects);
        Snapshot { now, objects, covered, unread, logs, index }
    }

    pub(super) fn restored(
        now: Timestamp,
        objects: Objects,
        covered: BTreeMap<Kind, BTreeSet<Scope>>,
        unread: Vec<Unread>,
        logs: Vec<Log>,
    ) -> Self {
        Self { now, objects, covered, unread, logs }
    }
}
