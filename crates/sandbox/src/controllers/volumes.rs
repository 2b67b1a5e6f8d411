//! The binder, volume by volume: its phase follows its claim, and its end its reclaim policy.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::claims::SOURCE;
use super::provisioning;
use crate::events::Occurrence;
use crate::object::{self, time_text};
use crate::simulation::State;
use crate::store::{Deletion, Key, Part};
use crate::timers::Wake;

/// The finalizer of a volume that a claim may have.
pub(crate) const PROTECTED: &str = "kubernetes.io/pv-protection";
/// How long the folder of a volume takes to be removed.
const REMOVAL: Duration = Duration::from_secs(2);

/// Moves one volume to the phase that its claim gives it.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(volume) = state.store.get(key) else { return };
    let now = state.now;
    if object::is_terminating(&volume) {
        if volume["status"]["phase"] != "Bound" {
            state.store.edit(key, Part::Metadata, now, |volume| object::remove_finalizer(volume, PROTECTED));
        }
        return;
    }
    let phase = volume["status"]["phase"].as_str().unwrap_or_default();
    let reference = &volume["spec"]["claimRef"];
    let is_reserved = reference["uid"].as_str().is_some_and(|uid| !uid.is_empty());
    if !is_reserved {
        change(state, key, "Available");
        return;
    }
    let text = |field: &str| reference[field].as_str().unwrap_or_default().to_owned();
    let claim = Key {
        group: String::new(),
        plural: "persistentvolumeclaims".into(),
        namespace: text("namespace"),
        name: text("name"),
    };
    match state.store.get(&claim) {
        Some(found) if object::uid(&found) == text("uid") => {}
        _ if phase == "Released" => reclaim(state, key, &volume),
        _ if phase == "Failed" => {}
        _ => {
            change(state, key, "Released");
            if volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
                state.wake_after(Wake::Volume(key.clone()), REMOVAL);
            }
        }
    }
}

fn change(state: &mut State, key: &Key, phase: &str) {
    let now = state.now;
    state.store.edit(key, Part::Status, now, |volume| set_phase(volume, phase, now));
}

/// Writes a phase, and since when it is.
pub(super) fn set_phase(volume: &mut Value, phase: &str, now: Timestamp) {
    if volume["status"]["phase"] != phase {
        volume["status"] = json!({"phase": phase, "lastPhaseTransitionTime": time_text(now)});
    }
}

/// Removes a released volume if its policy says so and something can.
fn reclaim(state: &mut State, key: &Key, volume: &Value) {
    if volume["spec"]["persistentVolumeReclaimPolicy"] != "Delete" {
        return;
    }
    let now = state.now;
    let path = volume["spec"]["hostPath"]["path"].as_str();
    if provisioning::is_own(volume) || path.is_some_and(|path| path.starts_with("/tmp/")) {
        // One that is gone already needs no deletion.
        let _deleted = state.store.delete(key, &Deletion::default(), now);
        return;
    }
    let Some(path) = path else { return };
    let message = format!("host_path deleter only supports /tmp/.+ but received provided {path}");
    state.store.edit(key, Part::Status, now, |volume| {
        volume["status"] = json!({"phase": "Failed", "message": message, "lastPhaseTransitionTime": time_text(now)});
    });
    state.record(&SOURCE, volume, &Occurrence::warning("VolumeFailedDelete", message));
}
