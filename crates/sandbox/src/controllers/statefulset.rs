//! The StatefulSet controller: pods with fixed names, made and updated one after the other.
//!
//! `OrderedReady` waits for each pod before it touches the next, also in an update: a pod that never gets
//! ready holds everything up, as in the real one. `stateful_claims` makes the claims of its pods.
//!
//! Source: `pkg/controller/statefulset/stateful_set_control.go` of Kubernetes 1.37.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::pods;
use super::stateful_claims as claims;
use super::stateful_revisions::{self as revisions, REVISION_LABEL};
use crate::events::{Occurrence, Source};
use crate::object;
use crate::simulation::State;
use crate::store::{Deletion, Key, Part};
use crate::timers::Wake;

pub(super) const SOURCE: Source = Source::Controller("statefulset-controller");

/// The revisions between which a StatefulSet is.
struct Revisions {
    current: String,
    update: String,
}

/// Moves one StatefulSet one step towards its template and size.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(set) = state.store.get(key) else { return };
    let update = revisions::update_revision(state, &set);
    let current = set["status"]["currentRevision"].as_str().unwrap_or(&update).to_owned();
    let mut revisions = Revisions { current, update };
    if !object::is_terminating(&set) {
        step(state, &set, &revisions);
    }
    write_status(state, key, &set, &mut revisions);
    let used: Vec<String> = pods::owned(state, &set)
        .iter()
        .map(|pod| revision_of(pod).to_owned())
        .chain([revisions.current, revisions.update])
        .collect();
    revisions::clean_up(state, &set, &used);
}

fn step(state: &mut State, set: &Value, revisions: &Revisions) {
    let start = set["spec"]["ordinals"]["start"].as_i64().unwrap_or_default();
    let end = start + pods::replicas(set);
    let ordered = set["spec"]["podManagementPolicy"] != "Parallel";
    let existing = by_ordinal(state, set);
    for ordinal in start..end {
        match existing.get(&ordinal) {
            None => {
                create(state, set, ordinal, revision_for(set, ordinal, revisions));
                if ordered {
                    return;
                }
            }
            Some(pod) if is_finished(pod) && !object::is_terminating(pod) => {
                delete(state, set, pod, "RecreatingTerminatedPod");
                if ordered {
                    return;
                }
            }
            Some(pod) if ordered && (object::is_terminating(pod) || !is_available(state, set, pod)) => return,
            Some(_) => {}
        }
    }
    let condemned = existing.iter().filter(|(ordinal, _)| !(start..end).contains(*ordinal)).rev();
    for (ordinal, pod) in condemned {
        if object::is_terminating(pod) {
            if ordered {
                return;
            }
            continue;
        }
        claims::give_up(state, set, pod, *ordinal);
        delete(state, set, pod, "SuccessfulDelete");
        if ordered {
            return;
        }
    }
    update(state, set, &existing, start..end, revisions);
}

/// Replaces the highest pod of an old revision, once those above it are healthy.
fn update(
    state: &mut State,
    set: &Value,
    existing: &BTreeMap<i64, Arc<Value>>,
    ordinals: std::ops::Range<i64>,
    revisions: &Revisions,
) {
    if set["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return;
    }
    let first = ordinals.start.max(partition(set));
    for ordinal in (first..ordinals.end).rev() {
        let Some(pod) = existing.get(&ordinal) else { return };
        if revision_of(pod) != revisions.update && !object::is_terminating(pod) {
            delete(state, set, pod, "SuccessfulDelete");
            return;
        }
        if object::is_terminating(pod) || !is_available(state, set, pod) {
            return;
        }
    }
}

/// Which revision a new pod gets: the old one below the partition.
fn revision_for<'a>(set: &Value, ordinal: i64, revisions: &'a Revisions) -> &'a str {
    let on_delete = set["spec"]["updateStrategy"]["type"] == "OnDelete";
    if !on_delete && ordinal < partition(set) { &revisions.current } else { &revisions.update }
}

fn create(state: &mut State, set: &Value, ordinal: i64, revision: &str) {
    let set_name = object::name(set);
    let name = format!("{set_name}-{ordinal}");
    let template = revisions::template(state, set, revision).unwrap_or_else(|| set["spec"]["template"].clone());
    let mut pod = pods::from_template(&template, set, &name);
    let labels = object::map_at(&mut pod["metadata"], "labels");
    labels.insert("apps.kubernetes.io/pod-index".into(), ordinal.to_string().into());
    labels.insert(REVISION_LABEL.into(), revision.into());
    labels.insert("statefulset.kubernetes.io/pod-name".into(), name.clone().into());
    pod["spec"]["hostname"] = json!(name);
    if set["spec"]["serviceName"].is_string() {
        pod["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
    }
    if claims::create(state, set, ordinal).is_err() {
        return;
    }
    claims::mount(&mut pod, set, ordinal);
    let occurrence = match state.admit(pod) {
        Ok(_) => {
            Occurrence::normal("SuccessfulCreate", format!("Create Pod {name} in StatefulSet {set_name} successful"))
        }
        Err(error) => Occurrence::warning(
            "FailedCreate",
            format!("Create Pod {name} in StatefulSet {set_name} failed error: {error}"),
        ),
    };
    state.record(&SOURCE, set, &occurrence);
}

fn delete(state: &mut State, set: &Value, pod: &Value, reason: &'static str) {
    let now = state.now;
    let (name, set_name) = (object::name(pod), object::name(set));
    if state.store.delete(&Key::of_object(pod), &Deletion::default(), now).is_err() {
        return;
    }
    let occurrence = if reason == "SuccessfulDelete" {
        Occurrence::normal(reason, format!("Delete Pod {name} in StatefulSet {set_name} successful"))
    } else {
        let pod_path = format!("{}/{name}", object::namespace(pod));
        Occurrence::warning(
            reason,
            format!("StatefulSet {}/{set_name} is recreating terminated Pod {pod_path}", object::namespace(set)),
        )
    };
    state.record(&SOURCE, set, &occurrence);
}

fn write_status(state: &mut State, key: &Key, set: &Value, revisions: &mut Revisions) {
    let now = state.now;
    let existing = by_ordinal(state, set);
    let live = || existing.values().filter(|pod| !object::is_terminating(pod) && !is_finished(pod));
    let count = |revision: &str| live().filter(|pod| revision_of(pod) == revision).count();
    let min_ready = pods::min_ready(set);
    let available: Vec<_> = existing.values().filter_map(|pod| pods::available_at(pod, min_ready)).collect();
    let wanted = usize::try_from(pods::replicas(set)).unwrap_or_default();
    let rolling = set["spec"]["updateStrategy"]["type"] != "OnDelete" && partition(set) == 0;
    if rolling && count(&revisions.update) == wanted && existing.len() == wanted && available.len() == wanted {
        revisions.current.clone_from(&revisions.update);
    }
    let mut status = json!({
        "observedGeneration": set["metadata"]["generation"],
        "replicas": existing.len(),
        "availableReplicas": available.iter().filter(|at| **at <= now).count(),
        "currentRevision": revisions.current,
        "updateRevision": revisions.update,
        "collisionCount": 0,
    });
    for (field, count) in [
        ("readyReplicas", available.len()),
        ("currentReplicas", count(&revisions.current)),
        ("updatedReplicas", count(&revisions.update)),
    ] {
        // Zero counts are left out, as Go's `omitempty` does.
        if count > 0 {
            status[field] = json!(count);
        }
    }
    state.store.edit(key, Part::Status, now, |set| set["status"] = status);
    if let Some(next) = available.into_iter().filter(|at| *at > now).min() {
        state.timers.schedule(Wake::StatefulSet(key.clone()), next);
    }
}

fn by_ordinal(state: &State, set: &Value) -> BTreeMap<i64, Arc<Value>> {
    let prefix = format!("{}-", object::name(set));
    let owned = pods::owned(state, set);
    owned.into_iter().filter_map(|pod| Some((object::name(&pod).strip_prefix(&prefix)?.parse().ok()?, pod))).collect()
}

fn partition(set: &Value) -> i64 {
    set["spec"]["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or_default()
}

fn revision_of(pod: &Value) -> &str {
    pod["metadata"]["labels"][REVISION_LABEL].as_str().unwrap_or_default()
}

fn is_finished(pod: &Value) -> bool {
    matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

fn is_available(state: &State, set: &Value, pod: &Value) -> bool {
    pods::available_at(pod, pods::min_ready(set)).is_some_and(|at| at <= state.now)
}
