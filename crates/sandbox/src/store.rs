//! The objects of the simulated cluster: one map, one rising resourceVersion, one ring of watch events.
//!
//! The store keeps what etcd and the generic registry keep: identity, optimistic locking, generation,
//! deletion marks. It knows nothing of HTTP, validation or defaults, and never looks at the wall clock.

mod index;
mod key;
mod ring;
mod rules;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use thiserror::Error;
use tokio::sync::watch;

pub(crate) use index::Dependent;
use index::Index;
pub(crate) use key::Key;
use ring::Ring;
pub(crate) use ring::{Expired, WatchEvent, WatchEventKind};
pub(crate) use standing::{Life, Readiness, Standing};

use crate::authors;
use crate::object::{self, metadata_mut, time_text};

/// The finalizer of foreground deletion (`metav1.FinalizerDeleteDependents`).
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer of orphaning deletion (`metav1.FinalizerOrphanDependents`).
pub(crate) const ORPHAN: &str = "orphan";

/// Which part of an object a write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Everything but the status.
    Spec,
    /// The status alone.
    Status,
    /// The metadata alone.
    Metadata,
}

/// What becomes of an owner's dependents (`metav1.DeletionPropagation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Propagation {
    /// The owner goes at once, its dependents after it.
    #[default]
    Background,
    /// The dependents go first.
    Foreground,
    /// The dependents stay.
    Orphan,
}

/// How an object is to be deleted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deletion {
    pub(crate) propagation: Propagation,
    /// Seconds that a pod gets to stop; its own terminationGracePeriodSeconds when absent.
    pub(crate) grace: Option<u64>,
    /// The uid that the object must have.
    pub(crate) uid: Option<String>,
    /// The resourceVersion that the object must have.
    pub(crate) resource_version: Option<String>,
}

/// What a deletion did.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deleted {
    /// The object is gone; this was its last state.
    Removed(Arc<Value>),
    /// The object is terminating: a grace period or finalizers hold it.
    Marked(Arc<Value>),
}

/// Why a write was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum StoreError {
    /// There is no such object.
    #[error("object not found")]
    NotFound,
    /// There is such an object already.
    #[error("object already exists")]
    AlreadyExists,
    /// The object changed since it was read.
    #[error("the object has been modified; please apply your changes to the latest version and try again")]
    Conflict,
    /// An admission plugin refuses the object; the text is the real server's.
    #[error("{0}")]
    Forbidden(String),
    /// A precondition of a deletion does not hold; the text is the real server's.
    #[error("{0}")]
    Precondition(String),
}

/// The objects of one resource, by namespace and name.
type Collection = BTreeMap<String, BTreeMap<String, Arc<Value>>>;

/// All objects, the resourceVersion and the recent changes.
pub(crate) struct Store {
    /// By group and plural.
    collections: BTreeMap<String, BTreeMap<String, Collection>>,
    index: Index,
    revision: u64,
    ring: Ring,
    seed: u64,
    issued: u64,
    wake: watch::Sender<u64>,
}

impl Default for Store {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Store {
    /// Returns an empty store. The sequence of uids follows from `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            collections: BTreeMap::new(),
            index: Index::default(),
            revision: 1,
            ring: Ring::default(),
            seed,
            issued: 0,
            wake: watch::Sender::new(1),
        }
    }

    /// Returns the object under `key`.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Value>> {
        self.collection(&key.group, &key.plural)?.get(&key.namespace)?.get(&key.name).cloned()
    }

    /// Returns the objects of one resource, in one namespace or in all, sorted by namespace and name.
    pub(crate) fn list(&self, group: &str, plural: &str, namespace: Option<&str>) -> Vec<Arc<Value>> {
        let Some(collection) = self.collection(group, plural) else { return Vec::new() };
        match namespace {
            None => collection.values().flat_map(BTreeMap::values).cloned().collect(),
            Some(namespace) => collection.get(namespace).into_iter().flat_map(BTreeMap::values).cloned().collect(),
        }
    }

    /// Returns the objects that name an owner by its uid, there or not, in the order of their keys.
    pub(crate) fn dependents(&self, owner: &str) -> impl Iterator<Item = (&Key, &Dependent)> {
        self.index.dependents(owner)
    }

    /// Returns the objects that name an owner that is not there, in the order of their keys.
    pub(crate) fn dangling(&self) -> BTreeMap<&Key, &Arc<Value>> {
        self.index.dangling()
    }

    /// Returns whether an object with this uid is there.
    pub(crate) fn is_living(&self, uid: &str) -> bool {
        self.index.is_living(uid)
    }

    /// Returns the objects that are being deleted.
    pub(crate) fn terminating(&self) -> impl Iterator<Item = (&Key, Arc<Value>)> {
        self.index.terminating().filter_map(|key| Some((key, self.get(key)?)))
    }

    /// Returns every object with its key, for namespace deletion.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Key, &Arc<Value>)> {
        let resources = self
            .collections
            .iter()
            .flat_map(|(group, of_group)| of_group.iter().map(move |(plural, collection)| (group, plural, collection)));
        let objects = resources.flat_map(|(group, plural, collection)| {
            let of_all =
                collection.iter().flat_map(|(namespace, objects)| objects.iter().map(move |it| (namespace, it)));
            of_all.map(move |(namespace, (name, object))| (group, plural, namespace, name, object))
        });
        objects.map(|(group, plural, namespace, name, object)| {
            let key =
                Key { group: group.clone(), plural: plural.clone(), namespace: namespace.clone(), name: name.clone() };
            (key, object)
        })
    }

    /// Returns the resourceVersion of the latest write.
    pub(crate) fn resource_version(&self) -> u64 {
        self.revision
    }

    /// Returns the changes after `revision`, oldest first, or `Expired` when some of them are forgotten.
    pub(crate) fn events_since(&self, revision: u64) -> Result<impl Iterator<Item = &WatchEvent>, Expired> {
        self.ring.since(revision)
    }

    /// Returns a receiver that wakes at every write.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    /// Keeps only the latest `capacity` changes for watchers, so that tests reach what is forgotten.
    #[cfg(test)]
    pub(crate) fn keep_events(&mut self, capacity: usize) {
        self.ring.resize(capacity);
    }

    /// Stores a new object and returns it with uid, creationTimestamp, generation and resourceVersion.
    pub(crate) fn create(&mut self, object: Value, now: Timestamp) -> Result<Arc<Value>, StoreError> {
        let key = Key::of_object(&object);
        let created = self.drafted(object, now)?;
        self.issued += 1;
        Ok(self.commit(key, created, WatchEventKind::Added))
    }

    /// Returns the uid that the next new object gets.
    pub(crate) fn upcoming_uid(&self) -> String {
        key::uid(self.seed, self.issued)
    }

    /// Returns a uid for something that is not stored.
    pub(crate) fn next_uid(&mut self) -> String {
        let uid = key::uid(self.seed, self.issued);
        self.issued += 1;
        uid
    }

    /// Returns what `create` would store, except for the resourceVersion (a dry run has none).
    pub(crate) fn drafted(&self, mut object: Value, now: Timestamp) -> Result<Value, StoreError> {
        let key = Key::of_object(&object);
        if self.get(&key).is_some() {
            return Err(StoreError::AlreadyExists);
        }
        let metadata = metadata_mut(&mut object);
        metadata.insert("uid".into(), key::uid(self.seed, self.issued).into());
        metadata.insert("creationTimestamp".into(), time_text(now).into());
        for absent in ["resourceVersion", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            metadata.remove(absent);
        }
        // Kinds that count no generations keep what a client sends.
        if key.has_generation() {
            metadata.insert("generation".into(), 1.into());
        }
        Ok(object)
    }

    /// Writes one part of an existing object. An object that carries a resourceVersion must carry the
    /// current one. A write that changes nothing keeps the resourceVersion; one that takes the last
    /// finalizer from a terminating object removes it.
    pub(crate) fn replace(&mut self, object: Value, what: Part, _now: Timestamp) -> Result<Arc<Value>, StoreError> {
        let key = Key::of_object(&object);
        let (current, merged) = self.merged(object, what)?;
        Ok(self.settle(key, &current, merged))
    }

    /// Returns the current object and what `replace` would make of it.
    pub(crate) fn merged(&self, object: Value, what: Part) -> Result<(Arc<Value>, Value), StoreError> {
        let key = Key::of_object(&object);
        let current = self.get(&key).ok_or(StoreError::NotFound)?;
        let claimed = object::metadata_text(&object, "resourceVersion");
        if !claimed.is_empty() && claimed != object::metadata_text(&current, "resourceVersion") {
            return Err(StoreError::Conflict);
        }
        let claimed = object::uid(&object);
        if !claimed.is_empty() && claimed != object::uid(&current) {
            return Err(StoreError::Conflict);
        }
        let merged = rules::merge_part(&current, object, what, key.has_generation());
        Ok((current, merged))
    }

    /// Changes one part of an object in place, without a lock; `None` when there is no such object.
    pub(crate) fn edit(
        &mut self,
        key: &Key,
        what: Part,
        now: Timestamp,
        change: impl FnOnce(&mut Value),
    ) -> Option<Arc<Value>> {
        let current = self.get(key)?;
        let mut object = Value::clone(&current);
        change(&mut object);
        if object == *current {
            return Some(current);
        }
        let merged = match what {
            // A component that writes a status changes nothing else.
            Part::Status => {
                authors::sign_status(&mut object, &current, key, now);
                object
            }
            Part::Spec | Part::Metadata => rules::merge_part(&current, object, what, key.has_generation()),
        };
        Some(self.settle(key.clone(), &current, merged))
    }

    /// Deletes an object, or marks it as terminating when a grace period or finalizers hold it.
    pub(crate) fn delete(&mut self, key: &Key, how: &Deletion, now: Timestamp) -> Result<Deleted, StoreError> {
        match self.deleted(key, how, now)? {
            Deleted::Removed(last) => {
                let removed = self.remove(key).ok_or(StoreError::NotFound)?;
                let mut last = Value::clone(&last);
                let version = removed["metadata"]["resourceVersion"].clone();
                metadata_mut(&mut last).insert("resourceVersion".into(), version);
                Ok(Deleted::Removed(Arc::new(last)))
            }
            Deleted::Marked(marked) => {
                let current = self.get(key).ok_or(StoreError::NotFound)?;
                Ok(Deleted::Marked(self.settle(key.clone(), &current, Value::clone(&marked))))
            }
        }
    }

    /// Returns what `delete` would do.
    pub(crate) fn deleted(&self, key: &Key, how: &Deletion, now: Timestamp) -> Result<Deleted, StoreError> {
        let current = self.get(key).ok_or(StoreError::NotFound)?;
        rules::check_preconditions(&current, how)?;
        let mut object = Value::clone(&current);
        match how.propagation {
            Propagation::Background => {}
            Propagation::Foreground => object::add_finalizer(&mut object, FOREGROUND),
            Propagation::Orphan => object::add_finalizer(&mut object, ORPHAN),
        }
        let grace = rules::grace_seconds(key, &current, how.grace);
        let held = object::finalizers(&object).next().is_some() || key.is_namespace();
        if grace == 0 && !held {
            // Pods are deleted gracefully also when no time is left: their last state says so.
            if key.is_pod() {
                rules::mark(&mut object, key, grace, now);
                return Ok(Deleted::Removed(Arc::new(object)));
            }
            return Ok(Deleted::Removed(current));
        }
        rules::mark(&mut object, key, grace, now);
        Ok(Deleted::Marked(Arc::new(object)))
    }

    /// Removes an object for good and returns its last state, which carries the removal's resourceVersion.
    pub(crate) fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let current = self.get(key)?;
        let mut last = Value::clone(&current);
        let at = self.next_revision();
        metadata_mut(&mut last).insert("resourceVersion".into(), at.to_string().into());
        let last = Arc::new(last);
        if let Some(objects) = self.objects_mut(key) {
            objects.remove(&key.name);
        }
        self.index.change(key, Some(&current), None);
        self.publish(WatchEvent {
            revision: at,
            kind: WatchEventKind::Deleted,
            key: key.clone(),
            object: Arc::clone(&last),
            previous: Some(current),
        });
        Some(last)
    }

    fn collection(&self, group: &str, plural: &str) -> Option<&Collection> {
        self.collections.get(group)?.get(plural)
    }

    /// Returns the objects that share the resource and the namespace of a key, if there ever was one.
    fn objects_mut(&mut self, key: &Key) -> Option<&mut BTreeMap<String, Arc<Value>>> {
        self.collections.get_mut(&key.group)?.get_mut(&key.plural)?.get_mut(&key.namespace)
    }

    /// Stores `merged` if it differs from `current`, or removes the object if nothing holds it any more.
    fn settle(&mut self, key: Key, current: &Arc<Value>, merged: Value) -> Arc<Value> {
        if rules::is_released(&key, &merged) {
            // The writer sees what was written; watches see what was stored before.
            let version = current["metadata"]["resourceVersion"].clone();
            self.remove(&key);
            let mut merged = merged;
            metadata_mut(&mut merged).insert("resourceVersion".into(), version);
            return Arc::new(merged);
        }
        if merged == **current {
            return Arc::clone(current);
        }
        self.commit(key, merged, WatchEventKind::Modified)
    }

    fn commit(&mut self, key: Key, mut object: Value, kind: WatchEventKind) -> Arc<Value> {
        let at = self.next_revision();
        metadata_mut(&mut object).insert("resourceVersion".into(), at.to_string().into());
        let object = Arc::new(object);
        let objects = match self.objects_mut(&key) {
            Some(objects) => objects,
            None => self
                .collections
                .entry(key.group.clone())
                .or_default()
                .entry(key.plural.clone())
                .or_default()
                .entry(key.namespace.clone())
                .or_default(),
        };
        let previous = objects.insert(key.name.clone(), Arc::clone(&object));
        self.index.change(&key, previous.as_ref(), Some(&object));
        self.publish(WatchEvent { revision: at, kind, key, object: Arc::clone(&object), previous });
        object
    }

    fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    fn publish(&mut self, event: WatchEvent) {
        self.wake.send_replace(event.revision);
        self.ring.push(event);
    }
}
