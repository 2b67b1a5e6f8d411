//! Services that lead nowhere (76–81): a selector that matches nothing, pods that are not ready, ports that no
//! container has, a load balancer that nobody makes. A Service of a workload that is scaled to zero, or of pods
//! that are just starting, is well.

use jiff::SignedDuration;

use crate::claim::{Claim, Subject};
use crate::finding::{Confidence, Evidence, Severity};
use crate::kind::{Kind, ObjectRef};
use crate::logs::listening;
use crate::reach::{Behind, Reach, behind, is_ready, reach, similar};
use crate::remedy::Remedy;
use crate::shape::{IntOrText, Pod, Service, ServicePort, Workload};
use crate::snapshot::{Run, Snapshot};

/// A load balancer takes a while.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    for service in &snapshot.objects().services {
        let object = Snapshot::reference(Kind::Service, &service.metadata);
        if service.spec.r#type == "ExternalName" {
            claims.extend(external(snapshot, service, &object));
        } else if service.spec.selector.is_empty() {
            claims.extend(without_selector(snapshot, service, &object));
        } else {
            let behind = behind(snapshot, service);
            claims.extend(selected(snapshot, service, &object, &behind));
            claims.extend(load_balancer(snapshot, service, &object));
        }
    }
}

fn selected(snapshot: &Snapshot, service: &Service, object: &ObjectRef, behind: &Behind<'_>) -> Vec<Claim> {
    if behind.pods.is_empty() {
        return nobody(snapshot, service, object).into_iter().collect();
    }
    let ready = behind.pods.iter().any(|pod| is_ready(pod));
    if !ready && !service.spec.publishes_not_ready {
        let pods = behind.pods.iter().map(|pod| Snapshot::reference(Kind::Pod, &pod.metadata));
        let text = format!("{} has no ready endpoint: none of its {} pods is ready", object.short(), behind.pods.len());
        // By itself it is a workload that starts; with a cause at its pods it is what follows.
        let claim = Claim::new(77, object.clone(), text).severity(Severity::Critical);
        return vec![claim.because(pods).only_as_symptom()];
    }
    service
        .spec
        .ports
        .iter()
        .enumerate()
        .filter_map(|(at, port)| wrong_port(snapshot, service, object, behind, at, port))
        .collect()
}

/// A selector that matches no pod (76).
fn nobody(snapshot: &Snapshot, service: &Service, object: &ObjectRef) -> Option<Claim> {
    let meta = &service.metadata;
    if !snapshot.covers(Kind::Pod, &meta.namespace) {
        return None;
    }
    let selects = |workload: &Workload| {
        let labels = &workload.spec.template.metadata.labels;
        workload.metadata.namespace == meta.namespace
            && service.spec.selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    };
    let objects = snapshot.objects();
    let lists = [
        (Kind::Deployment, &objects.deployments),
        (Kind::StatefulSet, &objects.stateful_sets),
        (Kind::DaemonSet, &objects.daemon_sets),
        (Kind::Job, &objects.jobs),
        (Kind::ReplicaSet, &objects.replica_sets),
    ];
    let owners: Vec<ObjectRef> = lists
        .iter()
        .flat_map(|(kind, list)| {
            list.iter()
                .filter(|workload| selects(workload))
                .map(|workload| Snapshot::reference(*kind, &workload.metadata))
        })
        .collect();
    if !owners.is_empty() {
        let claim = Claim::new(77, object.clone(), format!("{} has no endpoint: there are no pods", object.short()));
        return Some(claim.severity(Severity::Critical).because(owners).only_as_symptom());
    }
    let selector: Vec<String> = service.spec.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut claim = Claim::new(
        76,
        object.clone(),
        format!("{} selects {}, and no pod has that", object.short(), selector.join(",")),
    )
    .severity(Severity::Critical)
    .evidence(
        service
            .spec
            .selector
            .iter()
            .map(|(key, value)| Evidence::field(object, format!("spec.selector[{key}]"), value)),
    );
    if let Some((pod, key, value)) = nearest(snapshot, service) {
        let found = Snapshot::reference(Kind::Pod, &pod.metadata);
        claim.text = format!("{}; pod {} has {key}={value}", claim.text, found.name);
        claim = claim.saw(&found, format!("metadata.labels[{key}]"), &value).remedy(Remedy::SetServiceSelector {
            service: object.clone(),
            key,
            value,
        });
    }
    Some(claim)
}

/// Returns the pod that lacks one label only, with the label that it has instead.
fn nearest<'s>(snapshot: &'s Snapshot, service: &Service) -> Option<(&'s Pod, String, String)> {
    let selector = &service.spec.selector;
    let mut best: Option<(usize, &Pod, String, String)> = None;
    for pod in snapshot.pods_in(&service.metadata.namespace) {
        let labels = &pod.metadata.labels;
        let differing: Vec<(&String, &String)> =
            selector.iter().filter(|(key, value)| labels.get(*key) != Some(*value)).collect();
        let [(key, wanted)] = differing.as_slice() else { continue };
        let Some(has) = labels.get(*key) else { continue };
        let alike = similar(wanted, std::iter::once(has.as_str())).is_some();
        let named =
            *has == service.metadata.name || pod.metadata.name.starts_with(&format!("{}-", service.metadata.name));
        if !alike && !named && selector.len() == 1 {
            continue;
        }
        let distance = strsim::damerau_levenshtein(wanted, has);
        if best.as_ref().is_none_or(|(least, ..)| distance < *least) {
            best = Some((distance, pod, (*key).clone(), has.clone()));
        }
    }
    best.map(|(_, pod, key, value)| (pod, key, value))
}

/// A target port that the pods do not have (78, 79).
fn wrong_port(
    snapshot: &Snapshot,
    service: &Service,
    object: &ObjectRef,
    behind: &Behind<'_>,
    at: usize,
    port: &ServicePort,
) -> Option<Claim> {
    let path = format!("spec.ports[{at}].targetPort");
    let pod = behind.pods.iter().find(|pod| is_ready(pod))?;
    let declared: Vec<&crate::shape::ContainerPort> =
        pod.spec.serving().flat_map(|container| &container.ports).collect();
    let pod_object = Snapshot::reference(Kind::Pod, &pod.metadata);
    let set = |target: String| Remedy::SetTargetPort { service: object.clone(), port: port.port, target };
    match &port.target_port {
        IntOrText::Text(name) => {
            if behind.pods.iter().any(|pod| pod.spec.port(&port.target_port).is_some()) {
                return None;
            }
            let names = declared.iter().map(|port| port.name.as_str()).filter(|name| !name.is_empty());
            let listed: Vec<&str> = names.clone().collect();
            let listed = if listed.is_empty() {
                "they name none".to_owned()
            } else {
                format!("they name {}", listed.join(", "))
            };
            let better = similar(name, names).map(str::to_owned).or_else(|| only(&declared));
            let text = format!(
                "port {} of {} leads to a port named {name}, which no container has; {listed}",
                port.port,
                object.short()
            );
            let claim = Claim::new(79, object.clone(), text).detail(port.port.to_string()).severity(Severity::Critical);
            Some(claim.saw(object, path, name).remedies(better.map(set)))
        }
        IntOrText::Number(number) => {
            let number = if *number == 0 { port.port } else { *number };
            if declared.iter().any(|port| port.container_port == number) || pod.spec.host_network {
                return None;
            }
            let heard = pod.spec.containers.iter().find_map(|container| {
                let log = snapshot.log(&pod_object.uid, &container.name, Run::Current)?;
                listening(log.text.as_deref().ok()?)
            });
            if heard == Some(number) || (heard.is_none() && (declared.is_empty() || service.spec.ports.len() > 1)) {
                return None;
            }
            let better = heard.map(|port| port.to_string()).or_else(|| only(&declared));
            let has = better.as_ref().map(|port| format!("; they have {port}")).unwrap_or_default();
            let text = format!(
                "port {} of {} leads to port {number}, which its pods do not declare{has}",
                port.port,
                object.short()
            );
            let confidence = if heard.is_some() { Confidence::Supported } else { Confidence::Guessed };
            let claim = Claim::new(78, object.clone(), text).detail(port.port.to_string()).confidence(confidence);
            Some(claim.severity(Severity::Critical).saw(object, path, number).remedies(better.map(set)))
        }
    }
}

/// Returns the only declared port, by its name where it has one.
fn only(declared: &[&crate::shape::ContainerPort]) -> Option<String> {
    let [port] = declared else { return None };
    Some(if port.name.is_empty() { port.container_port.to_string() } else { port.name.clone() })
}

/// Returns whether the log of a pod behind this Service would tell which port it listens on.
pub(crate) fn wants_log<'s>(snapshot: &'s Snapshot, service: &Service) -> Option<(&'s Pod, String)> {
    if service.spec.selector.is_empty() {
        return None;
    }
    let behind = behind(snapshot, service);
    let pod = behind.pods.iter().find(|pod| is_ready(pod)).copied()?;
    let ports: Vec<_> = pod.spec.serving().flat_map(|container| &container.ports).collect();
    let [asked] = service.spec.ports.as_slice() else { return None };
    let IntOrText::Number(number) = asked.target_port else { return None };
    (!ports.is_empty() && number != 0 && !ports.iter().any(|port| port.container_port == number))
        .then(|| pod.spec.containers.first().map(|container| (pod, container.name.clone())))?
}

fn external(snapshot: &Snapshot, service: &Service, object: &ObjectRef) -> Option<Claim> {
    let name = &service.spec.external_name;
    if !name.trim_end_matches('.').ends_with(".svc.cluster.local") {
        return None;
    }
    let claim = |text: String| {
        Claim::new(80, object.clone(), text).severity(Severity::Critical).saw(object, "spec.externalName", name)
    };
    match reach(snapshot, &service.metadata.namespace, name) {
        Reach::Missing { service: missing, .. } => {
            let text = format!("{} stands for {name}, and there is no such Service", object.short());
            let step = Remedy::manual(format!(
                "create Service {} in namespace {}, or correct externalName",
                missing.name, missing.namespace
            ));
            Some(claim(text).evidence([Evidence::absent(&missing)]).remedy(step))
        }
        Reach::Service(other) if other.metadata.uid == service.metadata.uid => {
            let step = Remedy::manual("correct externalName");
            Some(claim(format!("{} stands for itself", object.short())).remedy(step))
        }
        _ => None,
    }
}

fn without_selector(snapshot: &Snapshot, service: &Service, object: &ObjectRef) -> Option<Claim> {
    let meta = &service.metadata;
    let old = snapshot.since(meta.creation_timestamp).is_some_and(|age| age > PATIENCE);
    if !old || service.spec.cluster_ip == "None" || !snapshot.covers(Kind::EndpointSlice, &meta.namespace) {
        return None;
    }
    let slices = snapshot.slices_of(&meta.namespace, &meta.name);
    if slices.iter().any(|slice| !slice.endpoints.is_empty()) {
        return None;
    }
    let text = format!("{} has no selector, and nobody has given it endpoints", object.short());
    let step = "give it a selector, or create an EndpointSlice for it";
    Some(Claim::new(80, object.clone(), text).saw(object, "spec.selector", "none").remedy(Remedy::manual(step)))
}

fn load_balancer(snapshot: &Snapshot, service: &Service, object: &ObjectRef) -> Option<Claim> {
    let old = snapshot.since(service.metadata.creation_timestamp).is_some_and(|age| age > PATIENCE);
    if service.spec.r#type != "LoadBalancer" || !service.status.load_balancer.ingress.is_empty() || !old {
        return None;
    }
    let events = snapshot.events_of(&object.uid);
    let told = events.iter().rev().find(|event| event.reason == "SyncLoadBalancerFailed");
    if told.is_none() && events.iter().any(|event| event.reason == "EnsuringLoadBalancer") {
        return None;
    }
    let text = match told {
        Some(event) => format!("{} gets no address: {}", object.short(), event.message),
        None => format!("{} gets no address: nothing in the cluster makes load balancers", object.short()),
    };
    let claim = Claim::new(81, object.clone(), text)
        .confidence(if told.is_some() { Confidence::Proved } else { Confidence::Supported })
        .saw(object, "spec.type", "LoadBalancer")
        .evidence(told.map(|event| crate::claim::seen(event)));
    Some(claim.remedy(Remedy::manual("run minikube tunnel, install MetalLB, or use type NodePort or an Ingress")))
}

/// Returns the pod behind a Service that speaks for it.
pub(super) fn first_pod<'s>(snapshot: &'s Snapshot, service: &Service) -> Option<Subject<'s>> {
    behind(snapshot, service).pods.first().map(|pod| Subject::of(snapshot, pod))
}
