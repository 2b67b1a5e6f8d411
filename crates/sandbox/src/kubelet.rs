//! The simulated kubelet of every node: it runs the pods that are bound to its node, as a state machine
//! on virtual time, and reports their status, Events and logs.
//!
//! `machine` advances one pod, `container` (with `fetching`) one container, `probe` one probe; `images`,
//! `references` and `faults` answer their questions; `status` writes what the machine knows into the Pod.
//! Nothing but this file touches the store.

pub(crate) mod container;
pub(crate) mod faults;
mod fetching;
pub(crate) mod images;
pub(crate) mod logs;
pub(crate) mod machine;
pub(crate) mod probe;
mod program;
pub(crate) mod references;
pub(crate) mod status;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::controllers::{revisions, stateful_revisions};
use crate::events::Source;
use crate::object;
use crate::simulation::State;
use crate::store::{Deletion, Key, Part, Store};
use crate::timers::Wake;

pub use logs::LogLine;
pub(crate) use logs::LogStore;
use machine::{Machine, Outcome, Surroundings};

/// What the kubelets remember.
#[derive(Debug, Default)]
pub(crate) struct Kubelet {
    machines: HashMap<Key, Machine>,
    /// Images that were pulled, by node.
    pulled: BTreeMap<String, HashSet<String>>,
    /// Nodes whose kubelet has stopped.
    pub(crate) stopped: HashSet<String>,
    /// The pod template hashes that the world started with, by namespace.
    original: Option<HashSet<(String, String)>>,
    /// Addresses given out so far, by node.
    addresses: BTreeMap<String, u32>,
}

impl Kubelet {
    /// Remembers which pod templates the world began with: `untilPatched` faults end with them.
    pub(crate) fn remember_templates(&mut self, store: &Store) {
        let of_pods = store
            .list("", "pods", None)
            .into_iter()
            .filter_map(|pod| Some((object::namespace(&pod).to_owned(), faults::template_hash(&pod)?.to_owned())));
        // Pods of the last template may not have been made yet.
        let deployments = store
            .list("apps", "deployments", None)
            .into_iter()
            .map(|deployment| (object::namespace(&deployment).to_owned(), revisions::template_hash(&deployment)));
        let stateful_sets = store
            .list("apps", "statefulsets", None)
            .into_iter()
            .map(|set| (object::namespace(&set).to_owned(), stateful_revisions::present_name(&set)));
        self.original = Some(of_pods.chain(deployments).chain(stateful_sets).collect());
    }

    fn is_patched(&self, pod: &serde_json::Value) -> bool {
        match (&self.original, faults::template_hash(pod)) {
            (Some(original), Some(hash)) => !original.contains(&(object::namespace(pod).to_owned(), hash.to_owned())),
            _ => false,
        }
    }

    /// Gives out the next pod address of a node: 10.244.<node>.<number>.
    fn next_address(&mut self, node: &str, index: usize) -> String {
        let count = self.addresses.entry(node.to_owned()).or_insert(1);
        *count += 1;
        format!(
            "10.244.{}.{}",
            (index + usize::try_from(*count / 250).unwrap_or_default() * 16) % 256,
            *count % 250 + 2
        )
    }
}

/// Lets the kubelet look at one pod.
pub(crate) fn sync(state: &mut State, key: &Key) {
    let Some(pod) = state.store.get(key) else {
        state.kubelet.machines.remove(key);
        state.logs.forget(&key.namespace, &key.name);
        return;
    };
    let node_name = pod["spec"]["nodeName"].as_str().unwrap_or_default().to_owned();
    if node_name.is_empty() || state.kubelet.stopped.contains(&node_name) {
        return;
    }
    let mut machine = match state.kubelet.machines.remove(key) {
        Some(machine) if machine.uid == object::uid(&pod) => machine,
        _ => {
            state.logs.forget(&key.namespace, &key.name);
            let nodes = state.store.list("", "nodes", None);
            let index = nodes.iter().position(|node| object::name(node) == node_name).unwrap_or_default();
            Machine::new(&pod, state.kubelet.next_address(&node_name, index), state.now)
        }
    };
    let world = Arc::clone(&state.world);
    let node_images = world.nodes.iter().find(|node| node.name == node_name);
    let mut outcome = Outcome::default();
    machine.advance(
        &mut Surroundings {
            pod: &pod,
            world: &world,
            store: &state.store,
            patched: state.kubelet.is_patched(&pod),
            preloaded: node_images.map_or(&[], |node| node.images.as_slice()),
            pulled: state.kubelet.pulled.entry(node_name.clone()).or_default(),
            logs: &mut state.logs,
            random: &mut state.random,
            now: state.now,
        },
        &mut outcome,
    );
    for occurrence in &outcome.occurrences {
        state.record(&Source::Kubelet(node_name.clone()), &pod, occurrence);
    }
    if outcome.finished {
        finish(state, key, &machine, &pod);
        return;
    }
    let host = status::host_address(&state.store, &node_name);
    let now = state.now;
    state.store.edit(key, Part::Status, now, |pod| status::write(pod, &machine, &host, now));
    if let Some(at) = outcome.next {
        state.timers.schedule(Wake::Pod(key.clone()), at);
    }
    state.kubelet.machines.insert(key.clone(), machine);
}

/// Confirms that a terminating pod has stopped: the object goes, unless finalizers hold it.
fn finish(state: &mut State, key: &Key, machine: &Machine, pod: &serde_json::Value) {
    let now = state.now;
    let host = status::host_address(&state.store, pod["spec"]["nodeName"].as_str().unwrap_or_default());
    state.store.edit(key, Part::Status, now, |pod| status::write(pod, machine, &host, now));
    if object::finalizers(pod).next().is_none() {
        state.store.remove(key);
    } else {
        // No time is left to wait for: the last finalizer to go takes the pod along.
        let how = Deletion { grace: Some(0), ..Deletion::default() };
        // One that is gone already needs no deletion.
        let _marked = state.store.delete(key, &how, now);
    }
    state.logs.forget(&key.namespace, &key.name);
}
