//! The claims of a StatefulSet's pods: one per template and ordinal, kept or given up with their pod.
//!
//! Source: `updateStorage` and `updateClaimOwnerRefForSetAndPod` of `stateful_set_utils.go` (v1.37).

use serde_json::{Value, json};

use super::pods;
use super::statefulset::SOURCE;
use crate::events::Occurrence;
use crate::object;
use crate::simulation::State;
use crate::store::{Key, Part, StoreError};

fn templates(set: &Value) -> impl Iterator<Item = &Value> {
    set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten()
}

fn claim_name(template: &Value, set: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", object::name(template), object::name(set))
}

fn is_deleted_when(set: &Value, moment: &str) -> bool {
    set["spec"]["persistentVolumeClaimRetentionPolicy"][moment] == "Delete"
}

/// Makes the claims of a pod that are not there yet.
pub(super) fn create(state: &mut State, set: &Value, ordinal: i64) -> Result<(), StoreError> {
    for template in templates(set) {
        let name = claim_name(template, set, ordinal);
        let labels = &set["spec"]["selector"]["matchLabels"];
        let mut metadata = template["metadata"].clone();
        metadata["name"] = json!(name);
        metadata["namespace"] = json!(object::namespace(set));
        for (key, value) in labels.as_object().into_iter().flatten() {
            object::map_at(&mut metadata, "labels").insert(key.clone(), value.clone());
        }
        if is_deleted_when(set, "whenDeleted") {
            metadata["ownerReferences"] = json!([pods::controller_reference(set)]);
        }
        let claim = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": template["spec"],
        });
        let set_name = object::name(set);
        let told =
            |outcome: &str| format!("Create Claim {name} Pod {set_name}-{ordinal} in StatefulSet {set_name} {outcome}");
        match state.admit(claim) {
            Ok(_) => state.record(&SOURCE, set, &Occurrence::normal("SuccessfulCreate", told("success"))),
            Err(StoreError::AlreadyExists) => {}
            Err(error) => {
                let message = told(&format!("failed error: {error}"));
                state.record(&SOURCE, set, &Occurrence::warning("FailedCreate", message));
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Lets a new pod mount its claims.
pub(super) fn mount(pod: &mut Value, set: &Value, ordinal: i64) {
    let mut volumes: Vec<Value> = templates(set)
        .map(|template| {
            let claim = json!({"claimName": claim_name(template, set, ordinal)});
            json!({"name": object::name(template), "persistentVolumeClaim": claim})
        })
        .collect();
    if volumes.is_empty() {
        return;
    }
    let own = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    let is_claimed = |volume: &Value| templates(set).any(|template| volume["name"] == template["metadata"]["name"]);
    volumes.extend(own.into_iter().filter(|volume| !is_claimed(volume)));
    pod["spec"]["volumes"] = json!(volumes);
}

/// Gives the claims of a pod that goes for good to that pod, if the set's policy lets them go.
pub(super) fn give_up(state: &mut State, set: &Value, pod: &Value, ordinal: i64) {
    if !is_deleted_when(set, "whenScaled") {
        return;
    }
    let reference = json!({"apiVersion": "v1", "kind": "Pod", "name": object::name(pod), "uid": object::uid(pod)});
    let now = state.now;
    for template in templates(set) {
        let key = Key {
            group: String::new(),
            plural: "persistentvolumeclaims".into(),
            namespace: object::namespace(set).into(),
            name: claim_name(template, set, ordinal),
        };
        state.store.edit(&key, Part::Metadata, now, |claim| {
            claim["metadata"]["ownerReferences"] = json!([reference]);
        });
    }
}
