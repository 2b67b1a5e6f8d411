//! The Deployment controller: a ReplicaSet per template, scaled against each other by the strategy.
//!
//! Source: `pkg/controller/deployment` of Kubernetes 1.37 (`sync.go`, `rolling.go`, `recreate.go`).

use std::sync::Arc;

use serde_json::Value;

use super::deployment_scale as scale;
use super::deployment_status as status;
use super::pods;
use super::revisions::{self, revision};
use super::rollout::{self, Size};
use crate::events::{Occurrence, Source};
use crate::object;
use crate::simulation::State;
use crate::store::{Key, Part, Propagation};

pub(super) const SOURCE: Source = Source::Controller("deployment-controller");

/// Moves one Deployment towards its template and size.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(deployment) = state.store.get(key) else { return };
    if object::is_terminating(&deployment) {
        status::write(state, key, status::Progress::Ignored);
        return;
    }
    status::note_pause(state, key, &deployment);
    let paused = deployment["spec"]["paused"] == true;
    if paused || is_resized(state, &deployment) {
        let sets = revisions::replica_sets(state, &deployment);
        let new = revisions::newest(&deployment, &sets).cloned();
        scale::scale(state, &deployment, new.as_ref(), &sets);
        if paused {
            clean_up(state, &deployment);
        }
        status::write(state, key, status::Progress::Ignored);
        return;
    }
    let moved = if deployment["spec"]["strategy"]["type"] == "Recreate" {
        recreate(state, key, &deployment)
    } else {
        roll(state, key, &deployment)
    };
    if !moved && status::is_complete(state, &deployment) {
        clean_up(state, &deployment);
    }
    status::write(state, key, status::Progress::Tracked);
}

/// Returns whether the Deployment's size differs from what its ReplicaSets were scaled for.
fn is_resized(state: &State, deployment: &Value) -> bool {
    let wanted = pods::replicas(deployment);
    revisions::replica_sets(state, deployment).iter().filter(|set| pods::replicas(set) > 0).any(|set| {
        let desired = set["metadata"]["annotations"][revisions::DESIRED].as_str();
        desired.and_then(|text| text.parse::<i64>().ok()).is_some_and(|desired| desired != wanted)
    })
}

/// Takes one step of a rolling update; returns whether anything moved.
fn roll(state: &mut State, key: &Key, deployment: &Value) -> bool {
    let wanted = pods::replicas(deployment);
    let bounds = rollout::bounds(deployment, wanted);
    let sets = revisions::replica_sets(state, deployment);
    let initial = |total: i64| rollout::new_size(wanted, 0, total, bounds);
    let Some(new) = current_set(state, key, deployment, &sets, initial) else { return true };
    let others: Vec<Arc<Value>> = sets.into_iter().filter(|set| object::uid(set) != object::uid(&new)).collect();
    let size = pods::replicas(&new);
    let total = size + others.iter().map(|set| pods::replicas(set)).sum::<i64>();
    let target = if size > wanted { wanted } else { rollout::new_size(wanted, size, total, bounds) };
    if scale::resize(state, deployment, &new, target) {
        return true;
    }
    let old: Vec<Size> =
        others.iter().map(|set| Size { wanted: pods::replicas(set), available: available(set) }).collect();
    let new_size = Size { wanted: size, available: available(&new) };
    let targets = rollout::old_sizes(wanted, new_size, &old, bounds);
    let mut moved = false;
    for (set, target) in others.iter().zip(targets) {
        moved |= scale::resize(state, deployment, set, target);
    }
    moved
}

/// Takes one step of a `Recreate` update: all old pods go before a new one comes.
fn recreate(state: &mut State, key: &Key, deployment: &Value) -> bool {
    let sets = revisions::replica_sets(state, deployment);
    let newest = revisions::newest(deployment, &sets).map(|set| object::uid(set).to_owned());
    let old: Vec<Arc<Value>> = sets.iter().filter(|set| newest.as_deref() != Some(object::uid(set))).cloned().collect();
    let mut moved = false;
    for set in &old {
        moved |= scale::resize(state, deployment, set, 0);
    }
    // Old pods that still run, terminating ones included, hold the new ones back.
    let running = |set: &Arc<Value>| {
        pods::owned(state, set)
            .iter()
            .any(|pod| !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")))
    };
    if moved || old.iter().any(running) {
        return true;
    }
    let wanted = pods::replicas(deployment);
    let Some(new) = current_set(state, key, deployment, &sets, |_| wanted) else { return true };
    scale::resize(state, deployment, &new, wanted)
}

/// Returns the ReplicaSet of the present template with the newest revision number, made if there is none
/// (then with the size that `initial` gives for the pods that exist already).
fn current_set(
    state: &mut State,
    key: &Key,
    deployment: &Value,
    sets: &[Arc<Value>],
    initial: impl FnOnce(i64) -> i64,
) -> Option<Arc<Value>> {
    let found = revisions::newest(deployment, sets).cloned();
    let uid = found.as_ref().map(|set| object::uid(set).to_owned());
    let others = sets.iter().filter(|set| uid.as_deref() != Some(object::uid(set)));
    let number = others.map(|set| revision(set)).max().unwrap_or_default() + 1;
    let now = state.now;
    if let Some(set) = found {
        let marked = if revisions::is_annotated(&set, deployment, number) {
            Some(set.clone())
        } else {
            state.store.edit(&Key::of_object(&set), Part::Metadata, now, |set| {
                revisions::annotate_revision(set, deployment, number);
            })
        };
        let number = marked.as_ref().map_or(number, |set| revision(set));
        revisions::mark_deployment(state, key, number);
        status::note_found(state, key, object::name(&set));
        return marked;
    }
    let mut set = revisions::new_replica_set(deployment, sets);
    let total = sets.iter().map(|set| pods::replicas(set)).sum();
    let size = initial(total);
    set["spec"]["replicas"] = size.into();
    let wanted = pods::replicas(deployment);
    revisions::annotate_size(&mut set, wanted, wanted + rollout::bounds(deployment, wanted).surge);
    revisions::annotate_revision(&mut set, deployment, number);
    let created = match state.admit(set) {
        Ok(created) => created,
        Err(error) => {
            status::note_failure(state, key, &error.to_string());
            return None;
        }
    };
    let name = object::name(&created);
    if size > 0 {
        let message = format!("Scaled up replica set {name} from 0 to {size}");
        state.record(&SOURCE, deployment, &Occurrence::normal("ScalingReplicaSet", message));
    }
    revisions::mark_deployment(state, key, number);
    status::note_created(state, key, name);
    Some(created)
}

/// Deletes the oldest empty ReplicaSets beyond the history limit.
fn clean_up(state: &mut State, deployment: &Value) {
    let Some(limit) = deployment["spec"]["revisionHistoryLimit"].as_u64() else { return };
    let sets = revisions::replica_sets(state, deployment);
    let newest = revisions::newest(deployment, &sets).map(|set| object::uid(set).to_owned());
    let mut old: Vec<&Arc<Value>> =
        sets.iter().filter(|set| newest.as_deref() != Some(object::uid(set)) && !object::is_terminating(set)).collect();
    let surplus = old.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    old.sort_by_key(|set| revision(set));
    for set in old.into_iter().take(surplus) {
        let count = |field: &str| set["status"][field].as_i64().unwrap_or_default();
        let observed = set["status"]["observedGeneration"] == set["metadata"]["generation"];
        if count("replicas") == 0 && pods::replicas(set) == 0 && observed {
            let deletion = crate::store::Deletion { propagation: Propagation::Background, ..Default::default() };
            let now = state.now;
            // A set that is gone already needs no deletion.
            let _deleted = state.store.delete(&Key::of_object(set), &deletion, now);
        }
    }
}

fn available(set: &Value) -> i64 {
    set["status"]["availableReplicas"].as_i64().unwrap_or_default()
}
