//! Ways into a snapshot: by name, uid, owner, node, label and event. Everything is an index into the sorted
//! lists, made once in time linear in the objects.

use std::collections::{HashMap, HashSet};

use todo_agent_kube_rules::selectors::LabelSelector;

use super::{Found, Objects, Snapshot};
use crate::kind::{Kind, ObjectRef};
use crate::shape::{Event, Meta, Owner, Pod, Texts, Workload};

/// An object by its place in the list of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) at: u32,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    uids: HashMap<String, Object>,
    children: HashMap<String, Vec<Object>>,
    events: HashMap<String, Vec<u32>>,
    pods_of_namespace: HashMap<String, (usize, usize)>,
    pods_of_node: HashMap<String, Vec<u32>>,
    ready_of_owner: HashMap<String, usize>,
    /// By namespace, then by `key=value`.
    pods_of_label: HashMap<String, HashMap<String, Vec<u32>>>,
    slices_of_service: HashMap<(String, String), Vec<u32>>,
}

impl Index {
    pub(super) fn of(objects: &Objects) -> Self {
        let mut this = Self::default();
        for kind in Kind::ALL {
            if *kind == Kind::Event {
                continue;
            }
            for (at, meta) in (0..).zip(objects.metas(*kind)) {
                this.object(Object { kind: *kind, at }, meta);
            }
        }
        for (at, event) in (0..).zip(&objects.events) {
            this.events.entry(event.involved_object.uid.clone()).or_default().push(at);
        }
        for (at, pod) in (0..).zip(&objects.pods) {
            this.pod(at, pod);
        }
        for (at, slice) in (0..).zip(&objects.endpoint_slices) {
            if let Some(service) = slice.metadata.label("kubernetes.io/service-name") {
                let key = (slice.metadata.namespace.clone(), service.to_owned());
                this.slices_of_service.entry(key).or_default().push(at);
            }
        }
        this
    }

    fn object(&mut self, object: Object, meta: &Meta) {
        if !meta.uid.is_empty() {
            self.uids.insert(meta.uid.clone(), object);
        }
        if let Some(owner) = meta.controller() {
            self.children.entry(owner.uid.clone()).or_default().push(object);
        }
    }

    fn pod(&mut self, at: u32, pod: &Pod) {
        let namespace = &pod.metadata.namespace;
        let range = self.pods_of_namespace.entry(namespace.clone()).or_insert((at as usize, at as usize));
        range.1 = at as usize + 1;
        if let Some(owner) = pod.metadata.controller().filter(|_| crate::reach::is_ready(pod)) {
            *self.ready_of_owner.entry(owner.uid.clone()).or_default() += 1;
        }
        if !pod.spec.node_name.is_empty() {
            self.pods_of_node.entry(pod.spec.node_name.clone()).or_default().push(at);
        }
        if !pod.metadata.labels.is_empty() {
            let labels = self.pods_of_label.entry(namespace.clone()).or_default();
            for (key, value) in &pod.metadata.labels {
                labels.entry(format!("{key}={value}")).or_default().push(at);
            }
        }
    }
}

impl Snapshot {
    pub(crate) fn find(&self, kind: Kind, namespace: &str, name: &str) -> Found<Object> {
        match self.objects.find(kind, namespace, name) {
            Some(object) => Found::Here(object),
            None if self.covers(kind, namespace) => Found::Missing,
            None => Found::Unknown,
        }
    }

    /// Returns a reference to an object by name, with its uid where it was read.
    pub(crate) fn named(&self, kind: Kind, namespace: &str, name: &str) -> ObjectRef {
        let meta = self.objects.find(kind, namespace, name).and_then(|object| self.objects.meta(object));
        meta.map_or_else(|| ObjectRef::named(kind, namespace, name), |meta| Self::reference(kind, meta))
    }

    /// Returns the objects of a kind that have a name, in whatever namespace.
    pub fn named_like(&self, kind: Kind, name: &str) -> Vec<ObjectRef> {
        let found = self.objects.metas(kind).filter(|meta| meta.name == name);
        found.map(|meta| Self::reference(kind, meta)).collect()
    }

    pub(crate) fn workload(&self, object: &ObjectRef) -> Option<&Workload> {
        let found = self.objects.find(object.kind, &object.namespace, &object.name)?;
        self.workload_at(found)
    }

    fn workload_at(&self, object: Object) -> Option<&Workload> {
        let at = object.at as usize;
        match object.kind {
            Kind::Deployment => self.objects.deployments.get(at),
            Kind::ReplicaSet => self.objects.replica_sets.get(at),
            Kind::StatefulSet => self.objects.stateful_sets.get(at),
            Kind::DaemonSet => self.objects.daemon_sets.get(at),
            Kind::Job => self.objects.jobs.get(at),
            Kind::CronJob => self.objects.cron_jobs.get(at),
            _ => None,
        }
    }

    /// Returns the controllers of an object, nearest first. One that was not read ends the chain.
    pub(crate) fn controllers(&self, meta: &Meta) -> Vec<ObjectRef> {
        let mut chain = Vec::new();
        let mut owner = meta.controller();
        while let Some(next) = owner.filter(|_| chain.len() < 8) {
            let Some(found) = self.owner(meta, next) else { break };
            owner = found.1.and_then(Meta::controller);
            chain.push(found.0);
        }
        chain
    }

    fn owner(&self, meta: &Meta, owner: &Owner) -> Option<(ObjectRef, Option<&Meta>)> {
        let kind = Kind::of(&owner.kind)?;
        if let Some(object) = self.index.uids.get(&owner.uid)
            && let Some(found) = self.objects.meta(*object)
        {
            return Some((Self::reference(object.kind, found), Some(found)));
        }
        // A node has no namespace, but nothing that a rule reads is controlled by one except mirror pods.
        let namespace = if kind == Kind::Node { "" } else { &meta.namespace };
        let (name, uid) = (owner.name.clone(), owner.uid.clone());
        Some((ObjectRef { kind, namespace: namespace.to_owned(), name, uid }, None))
    }

    /// Returns the pods of a workload, through its ReplicaSets or Jobs.
    pub(crate) fn pods_of(&self, uid: &str) -> Vec<&Pod> {
        let mut pods = Vec::new();
        let mut queue = vec![uid];
        let mut rounds = 0;
        while let Some(uid) = queue.pop() {
            rounds += 1;
            if rounds > 10_000 {
                break;
            }
            for child in self.index.children.get(uid).into_iter().flatten() {
                match child.kind {
                    Kind::Pod => pods.extend(self.objects.pods.get(child.at as usize)),
                    Kind::ReplicaSet | Kind::Job => {
                        queue.extend(self.objects.meta(*child).map(|meta| meta.uid.as_str()));
                    }
                    _ => {}
                }
            }
        }
        pods.sort_by(|left, right| left.metadata.name.cmp(&right.metadata.name));
        pods
    }

    /// Returns what an object controls, and what that controls in turn.
    pub(crate) fn below(&self, uid: &str) -> Vec<ObjectRef> {
        let mut found = Vec::new();
        let mut queue = vec![uid];
        let mut seen = HashSet::new();
        while let Some(uid) = queue.pop() {
            if uid.is_empty() || !seen.insert(uid) {
                continue;
            }
            for child in self.index.children.get(uid).into_iter().flatten() {
                if let Some(meta) = self.objects.meta(*child) {
                    found.push(Self::reference(child.kind, meta));
                    queue.push(&meta.uid);
                }
            }
        }
        found
    }

    /// Returns the metadata of an object by name.
    pub(crate) fn meta(&self, object: &ObjectRef) -> Option<&Meta> {
        let found = self.objects.find(object.kind, &object.namespace, &object.name)?;
        self.objects.meta(found)
    }

    /// Returns how many pods of a workload are ready, also through its ReplicaSets or Jobs.
    pub(crate) fn serving(&self, uid: &str) -> usize {
        let own = |uid: &str| self.index.ready_of_owner.get(uid).copied().unwrap_or_default();
        let children = self.index.children.get(uid).into_iter().flatten();
        let between =
            children.take_while(|child| child.kind != Kind::Pod).filter_map(|child| self.objects.meta(*child));
        own(uid) + between.map(|meta| own(&meta.uid)).sum::<usize>()
    }

    /// Returns the ReplicaSets of a Deployment.
    pub(crate) fn replica_sets_of(&self, uid: &str) -> Vec<&Workload> {
        let children = self.index.children.get(uid).into_iter().flatten();
        children.filter(|child| child.kind == Kind::ReplicaSet).filter_map(|child| self.workload_at(*child)).collect()
    }

    /// Returns the events of an object, oldest first.
    pub(crate) fn events_of(&self, uid: &str) -> Vec<&Event> {
        if uid.is_empty() {
            return Vec::new();
        }
        let found = self.index.events.get(uid).into_iter().flatten();
        let mut events: Vec<&Event> = found.filter_map(|at| self.objects.events.get(*at as usize)).collect();
        events.sort_by_key(|event| event.last_seen());
        events
    }

    /// Returns the logs with the pods they are of.
    pub(crate) fn logs_of_pods(&self) -> impl Iterator<Item = (&super::Log, &Pod)> {
        self.logs.iter().filter_map(|log| {
            let object = self.index.uids.get(&log.pod).filter(|object| object.kind == Kind::Pod)?;
            self.objects.pods.get(object.at as usize).map(|pod| (log, pod))
        })
    }

    pub(crate) fn pods_in(&self, namespace: &str) -> &[Pod] {
        let range = self.index.pods_of_namespace.get(namespace).copied().unwrap_or_default();
        self.objects.pods.get(range.0..range.1).unwrap_or_default()
    }

    pub(crate) fn pods_on(&self, node: &str) -> impl Iterator<Item = &Pod> {
        let found = self.index.pods_of_node.get(node).into_iter().flatten();
        found.filter_map(|at| self.objects.pods.get(*at as usize))
    }

    /// Returns the pods that have all these labels; an empty selector selects none.
    pub(crate) fn pods_with(&self, namespace: &str, labels: &Texts) -> Vec<&Pod> {
        let Some(index) = self.index.pods_of_label.get(namespace) else { return Vec::new() };
        let mut rarest: Option<&Vec<u32>> = None;
        for (key, value) in labels {
            let Some(found) = index.get(&format!("{key}={value}")) else { return Vec::new() };
            rarest = Some(rarest.filter(|rarest| rarest.len() <= found.len()).unwrap_or(found));
        }
        let candidates = rarest.into_iter().flatten().filter_map(|at| self.objects.pods.get(*at as usize));
        candidates.filter(|pod| labels.iter().all(|(key, value)| pod.metadata.label(key) == Some(value))).collect()
    }

    /// Returns the pods that a label selector selects.
    pub(crate) fn pods_selected(&self, namespace: &str, selector: &LabelSelector) -> Vec<&Pod> {
        let pods = self.pods_in(namespace).iter();
        pods.filter(|pod| selector.matches_by(|key| pod.metadata.label(key))).collect()
    }

    pub(crate) fn slices_of(&self, namespace: &str, service: &str) -> Vec<&crate::shape::EndpointSlice> {
        let key = (namespace.to_owned(), service.to_owned());
        let found = self.index.slices_of_service.get(&key).into_iter().flatten();
        found.filter_map(|at| self.objects.endpoint_slices.get(*at as usize)).collect()
    }
}
