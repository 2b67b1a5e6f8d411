//! What the components look objects up by, so that none of them has to go through all: the owners that an object
//! names, and what is being deleted. What owners ask of their pods again and again is read once, when a pod changes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Key, Standing};
use crate::object::{self, owner_references};

/// An object that names an owner.
#[derive(Debug, Clone)]
pub(crate) struct Dependent {
    pub(crate) object: Arc<Value>,
    /// Whether that owner is its controller.
    pub(crate) is_controlled: bool,
    /// How it stands, if it is a pod.
    pub(crate) standing: Option<Standing>,
}

/// The lookups of one store.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By the uid of an owner, there or not: the objects that name it.
    dependents: HashMap<String, BTreeMap<Key, Dependent>>,
    living: HashSet<String>,
    terminating: BTreeSet<Key>,
}

impl Index {
    /// Takes up a change of an object; it was not there, or is gone, where there is no such state.
    pub(super) fn change(&mut self, key: &Key, previous: Option<&Arc<Value>>, current: Option<&Arc<Value>>) {
        let keeps =
            |owner: &str| current.into_iter().flat_map(|current| owners(current)).any(|(kept, _)| kept == owner);
        for (owner, _) in previous.into_iter().flat_map(|previous| owners(previous)).filter(|(owner, _)| !keeps(owner))
        {
            if let Some(dependents) = self.dependents.get_mut(owner) {
                dependents.remove(key);
                if dependents.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
        if let Some(object) = current {
            let standing = key.is_pod().then(|| Standing::of(object));
            for (owner, is_controlled) in owners(object) {
                let dependent = Dependent { object: Arc::clone(object), is_controlled, standing: standing.clone() };
                match self.dependents.get_mut(owner).and_then(|dependents| dependents.get_mut(key)) {
                    Some(known) => *known = dependent,
                    None => _ = self.dependents.entry(owner.to_owned()).or_default().insert(key.clone(), dependent),
                }
            }
        }
        self.terminating.remove(key);
        if current.is_some_and(|current| object::is_terminating(current)) {
            self.terminating.insert(key.clone());
        }
        match (previous, current) {
            (None, Some(new)) => _ = self.living.insert(object::uid(new).to_owned()),
            (Some(last), None) => _ = self.living.remove(object::uid(last)),
            _ => {}
        }
    }

    pub(super) fn dependents(&self, owner: &str) -> impl Iterator<Item = (&Key, &Dependent)> {
        self.dependents.get(owner).into_iter().flatten()
    }

    pub(super) fn terminating(&self) -> impl Iterator<Item = &Key> {
        self.terminating.iter()
    }

    pub(super) fn is_living(&self, uid: &str) -> bool {
        self.living.contains(uid)
    }

    /// Returns the objects of which an owner is not there, in order.
    pub(super) fn dangling(&self) -> BTreeMap<&Key, &Arc<Value>> {
        let gone = self.dependents.iter().filter(|(owner, _)| !self.living.contains(*owner));
        gone.flat_map(|(_, dependents)| dependents).map(|(key, dependent)| (key, &dependent.object)).collect()
    }
}

fn owners(object: &Value) -> impl Iterator<Item = (&str, bool)> {
    owner_references(object).iter().filter_map(|owner| Some((owner["uid"].as_str()?, owner["controller"] == true)))
}
