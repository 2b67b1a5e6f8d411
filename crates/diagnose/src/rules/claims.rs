//! Volume claims that stay pending (69–73): no class, no volume, a class whose provisioner is silent, or volumes
//! that do not fit. A class that waits for the first consumer waits rightly while there is none.

use jiff::SignedDuration;

use super::placement::quantity;
use crate::claim::{Claim, seen};
use crate::finding::{Confidence, Evidence, Severity};
use crate::kind::{Kind, ObjectRef};
use crate::reach::similar;
use crate::remedy::Remedy;
use crate::shape::{Claim as VolumeClaim, PersistentVolume, StorageClass};
use crate::snapshot::Snapshot;

/// A provisioner takes a while.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    for claim in &snapshot.objects().claims {
        if claim.metadata.deletion_timestamp.is_none() {
            let object = Snapshot::reference(Kind::PersistentVolumeClaim, &claim.metadata);
            match claim.status.phase.as_str() {
                "Pending" => claims.extend(pending(snapshot, claim, &object)),
                "Lost" => {
                    let text = format!("the volume of {} is gone", object.short());
                    let claim = Claim::new(75, object.clone(), text).severity(Severity::Critical);
                    claims.push(
                        claim
                            .saw(&object, "status.phase", "Lost")
                            .remedy(Remedy::manual("restore the data to a new claim")),
                    );
                }
                _ => {}
            }
        }
    }
}

fn pending(snapshot: &Snapshot, claim: &VolumeClaim, object: &ObjectRef) -> Option<Claim> {
    let classes = &snapshot.objects().storage_classes;
    let events = snapshot.events_of(&object.uid);
    let begin = |rule: u16, text: String| {
        Claim::new(rule, object.clone(), text).severity(Severity::Critical).saw(object, "status.phase", "Pending")
    };
    let name = claim.spec.storage_class_name.as_deref();
    if let Some(mismatch) = mismatch(snapshot, claim) {
        return Some(
            begin(73, format!("{} fits none of the volumes that are free: {}", object.short(), mismatch.1))
                .evidence([mismatch.0])
                .remedy(Remedy::manual(
                    "recreate the claim so that it fits the volume, or the volume so that it fits the claim",
                )),
        );
    }
    match name {
        Some(name) if !name.is_empty() => {
            let Some(class) = classes.iter().find(|class| class.metadata.name == name) else {
                let told = events
                    .iter()
                    .rev()
                    .find(|event| event.reason == "ProvisioningFailed" && event.message.contains("not found"));
                if told.is_none() && !snapshot.covers(Kind::StorageClass, "") {
                    return None;
                }
                let missing = ObjectRef::named(Kind::StorageClass, "", name);
                let mut claim =
                    begin(69, format!("{} asks for the storage class {name}, which does not exist", object.short()))
                        .saw(object, "spec.storageClassName", name)
                        .evidence(told.map(|event| seen(event)));
                if snapshot.covers(Kind::StorageClass, "") {
                    claim = claim.evidence([Evidence::absent(&missing)]);
                }
                let near = similar(name, classes.iter().map(|class| class.metadata.name.as_str()));
                let all: Vec<&str> = classes.iter().map(|class| class.metadata.name.as_str()).collect();
                let use_this =
                    near.map_or_else(|| if all.is_empty() { "none".into() } else { all.join(", ") }, str::to_owned);
                let step = format!(
                    "recreate the claim with a class that exists ({use_this}); the class of a claim cannot be changed"
                );
                return Some(claim.remedy(Remedy::manual(step)));
            };
            of_class(snapshot, claim, object, class)
        }
        _ => {
            let told = events
                .iter()
                .rev()
                .find(|event| event.reason == "FailedBinding" && event.message.contains("no storage class is set"))?;
            let default = classes.iter().find(|class| is_default(class)).map(|class| class.metadata.name.as_str());
            let step = match default {
                Some(default) => format!(
                    "recreate the claim without an empty storageClassName: the default class {default} then makes its volume"
                ),
                None if classes.is_empty() => {
                    "install a storage class and make it the default, or create a volume by hand".to_owned()
                }
                None => {
                    format!("make a class the default (there is {}), then recreate the claim", classes[0].metadata.name)
                }
            };
            Some(
                begin(70, format!("{} names no storage class, and no volume is free for it", object.short()))
                    .evidence([seen(told)])
                    .remedy(Remedy::manual(step)),
            )
        }
    }
}

fn is_default(class: &StorageClass) -> bool {
    let annotations = &class.metadata.annotations;
    annotations.get("storageclass.kubernetes.io/is-default-class") == Some("true")
        || annotations.get("storageclass.beta.kubernetes.io/is-default-class") == Some("true")
}

fn of_class(snapshot: &Snapshot, claim: &VolumeClaim, object: &ObjectRef, class: &StorageClass) -> Option<Claim> {
    let old = snapshot.since(claim.metadata.creation_timestamp).is_some_and(|age| age > PATIENCE);
    let uses = |pod: &&crate::shape::Pod| {
        let mut volumes = pod.spec.volumes.iter().filter_map(|volume| volume.persistent_volume_claim.as_ref());
        volumes.any(|volume| volume.claim_name == claim.metadata.name)
    };
    let waits = class.volume_binding_mode == "WaitForFirstConsumer";
    let consumer = waits.then(|| snapshot.pods_in(&claim.metadata.namespace).iter().find(uses)).flatten();
    if waits && consumer.is_none_or(|pod| pod.spec.node_name.is_empty()) {
        // Expected: its pod is what must be placed first.
        let text = format!("{} waits for its first pod, as its class says", object.short());
        let claim = Claim::new(71, object.clone(), text).severity(Severity::Info);
        return consumer.map(|pod| claim.because([Snapshot::reference(Kind::Pod, &pod.metadata)]).only_as_symptom());
    }
    let events = snapshot.events_of(&object.uid);
    let told = events
        .iter()
        .rev()
        .find(|event| matches!(event.reason.as_str(), "ProvisioningFailed" | "ExternalProvisioning"))?;
    if !old {
        return None;
    }
    let failed = told.reason == "ProvisioningFailed";
    let text = if failed {
        format!("{} gets no volume: {}", object.short(), told.message)
    } else {
        format!("{} waits for the provisioner {}, which does not answer", object.short(), class.provisioner)
    };
    Some(
        Claim::new(72, object.clone(), text)
            .severity(Severity::Critical)
            .confidence(if failed { Confidence::Proved } else { Confidence::Supported })
            .evidence([seen(told)])
            .saw(&Snapshot::reference(Kind::StorageClass, &class.metadata), "provisioner", &class.provisioner)
            .remedy(Remedy::manual(format!(
                "bring the provisioner {} back (minikube addons enable storage-provisioner)",
                class.provisioner
            ))),
    )
}

/// Returns why the free volume of the claim's class does not fit it.
fn mismatch(snapshot: &Snapshot, claim: &VolumeClaim) -> Option<(Evidence, String)> {
    let class = claim.spec.storage_class_name.as_deref().unwrap_or_default();
    let dynamic = snapshot
        .objects()
        .storage_classes
        .iter()
        .any(|one| one.metadata.name == class && !one.provisioner.contains("no-provisioner"));
    if dynamic {
        return None;
    }
    let free =
        |volume: &&PersistentVolume| volume.status.phase == "Available" && volume.spec.storage_class_name == class;
    let volume = snapshot.objects().volumes.iter().find(free)?;
    let object = Snapshot::reference(Kind::PersistentVolume, &volume.metadata);
    let field = |path: &str, value: &str| Evidence::field(&object, path, value);
    let modes = &volume.spec.access_modes;
    if let Some(mode) = claim.spec.access_modes.iter().find(|mode| !modes.contains(mode)) {
        let has = modes.join(", ");
        return Some((
            field("spec.accessModes[0]", modes.first().map_or("none", String::as_str)),
            format!("volume {} allows {has}, and {mode} is asked for", object.name),
        ));
    }
    let (asked, has) = (claim.spec.resources.requests.get("storage"), volume.spec.capacity.get("storage"));
    if quantity(asked) > quantity(has) {
        let (asked, has) = (asked.map_or("", String::as_str), has.map_or("", String::as_str));
        return Some((
            field("spec.capacity[storage]", has),
            format!("volume {} has {has}, and {asked} is asked for", object.name),
        ));
    }
    None
}
