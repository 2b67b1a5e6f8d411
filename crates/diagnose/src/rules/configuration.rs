//! What workloads refer to (136, 137): references to what does not exist, which make the next pod fail, and
//! configuration that is newer than the pods that read it at their start.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::waiting::missing;
use crate::claim::{Alone, Claim};
use crate::finding::{Confidence, Evidence, Severity};
use crate::kind::{Kind, ObjectRef};
use crate::remedy::Remedy;
use crate::shape::{PodSpec, Workload};
use crate::snapshot::{Found, Snapshot};

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    let objects = snapshot.objects();
    let lists = [
        (Kind::Deployment, &objects.deployments),
        (Kind::StatefulSet, &objects.stateful_sets),
        (Kind::DaemonSet, &objects.daemon_sets),
    ];
    for (kind, list) in lists {
        for workload in list.iter().filter(|workload| workload.spec.replicas != Some(0)) {
            let object = Snapshot::reference(kind, &workload.metadata);
            dangling(snapshot, workload, &object, claims);
            claims.extend(stale(snapshot, workload, &object));
        }
    }
}

/// Returns what a pod cannot start without.
fn required(spec: &PodSpec, namespace: &str) -> BTreeSet<ObjectRef> {
    let mut found = started_with(spec, namespace);
    let mut add = |kind: Kind, name: &str, optional: bool| {
        if !optional && !name.is_empty() {
            found.insert(ObjectRef::named(kind, namespace, name));
        }
    };
    for volume in &spec.volumes {
        if let Some(secret) = &volume.secret {
            add(Kind::Secret, &secret.secret_name, secret.optional);
        }
        if let Some(map) = &volume.config_map {
            add(Kind::ConfigMap, &map.name, map.optional);
        }
        if let Some(claim) = &volume.persistent_volume_claim {
            add(Kind::PersistentVolumeClaim, &claim.claim_name, false);
        }
        for source in volume.projected.iter().flat_map(|projected| &projected.sources) {
            if let Some(secret) = &source.secret {
                add(Kind::Secret, &secret.name, secret.optional);
            }
            if let Some(map) = &source.config_map {
                add(Kind::ConfigMap, &map.name, map.optional);
            }
        }
    }
    add(Kind::ServiceAccount, &spec.service_account_name, false);
    for (kind, name) in
        [(Kind::PriorityClass, &spec.priority_class_name), (Kind::RuntimeClass, &spec.runtime_class_name)]
    {
        if !name.is_empty() {
            found.insert(ObjectRef::named(kind, "", name));
        }
    }
    found
}

/// Returns the Secrets and ConfigMaps that are read once, when a container starts.
fn started_with(spec: &PodSpec, namespace: &str) -> BTreeSet<ObjectRef> {
    let mut found = BTreeSet::new();
    let mut add = |kind: Kind, name: &str, optional: bool| {
        if !optional && !name.is_empty() {
            found.insert(ObjectRef::named(kind, namespace, name));
        }
    };
    for container in spec.init_containers.iter().chain(&spec.containers) {
        for from in &container.env_from {
            if let Some(secret) = &from.secret_ref {
                add(Kind::Secret, &secret.name, secret.optional);
            }
            if let Some(map) = &from.config_map_ref {
                add(Kind::ConfigMap, &map.name, map.optional);
            }
        }
        for variable in &container.env {
            if let Some(key) = &variable.value_from.secret_key_ref {
                add(Kind::Secret, &key.name, key.optional);
            }
            if let Some(key) = &variable.value_from.config_map_key_ref {
                add(Kind::ConfigMap, &key.name, key.optional);
            }
        }
    }
    found
}

fn dangling(snapshot: &Snapshot, workload: &Workload, object: &ObjectRef, claims: &mut Vec<Claim>) {
    for wanted in required(&workload.spec.template.spec, &object.namespace) {
        if !snapshot.find(wanted.kind, &wanted.namespace, &wanted.name).is_missing() {
            continue;
        }
        let text = format!(
            "{} {} does not exist, and {} refers to it: its next pod cannot start",
            wanted.kind,
            wanted.name,
            object.short()
        );
        let mut claim = match wanted.kind {
            Kind::Secret | Kind::ConfigMap => {
                missing(snapshot, 137, &wanted, text, &workload.spec.template.spec, object)
            }
            Kind::ServiceAccount => {
                Claim::new(137, wanted.clone(), text).remedy(Remedy::CreateServiceAccount { account: wanted.clone() })
            }
            _ => Claim::new(137, wanted.clone(), text)
                .remedy(Remedy::manual(format!("create {}, or correct the reference", wanted.short()))),
        };
        // Where a pod has already failed for it, that claim says it all.
        claim.alone = Alone::Preventive;
        if claim.evidence.is_empty() {
            claim = claim.evidence([Evidence::absent(&wanted)]);
        }
        claims.push(claim.severity(Severity::Warning).affects([object.clone()]).because([wanted]));
    }
}

fn stale(snapshot: &Snapshot, workload: &Workload, object: &ObjectRef) -> Option<Claim> {
    let read = started_with(&workload.spec.template.spec, &object.namespace);
    let newest: (Timestamp, ObjectRef) =
        read.into_iter().filter_map(|wanted| Some((written(snapshot, &wanted)?, wanted))).max()?;
    let pods = snapshot.pods_of(&object.uid);
    let old = pods
        .iter()
        .find(|pod| pod.status.phase == "Running" && pod.status.start_time.is_some_and(|start| start < newest.0))?;
    let text = format!("{} was changed after pods of {} read it at their start", newest.1, object.short());
    let pod = Snapshot::reference(Kind::Pod, &old.metadata);
    let started = old.status.start_time.map(|at| at.to_string()).unwrap_or_default();
    let wrote = snapshot.named(newest.1.kind, &newest.1.namespace, &newest.1.name);
    Some(
        Claim::new(136, object.clone(), text)
            .detail(newest.1.short())
            .severity(Severity::Info)
            .confidence(Confidence::Supported)
            .saw(&pod, "status.startTime", started)
            .saw(&wrote, "metadata.managedFields[].time", newest.0)
            .remedy(Remedy::Restart { workload: object.clone() }),
    )
}

fn written(snapshot: &Snapshot, object: &ObjectRef) -> Option<Timestamp> {
    let Found::Here(at) = snapshot.find(object.kind, &object.namespace, &object.name) else { return None };
    let list = if object.kind == Kind::Secret { &snapshot.objects().secrets } else { &snapshot.objects().config_maps };
    list.get(at.at as usize)?.written
}
