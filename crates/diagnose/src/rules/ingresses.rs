//! Ingresses (83–87): the class and who serves it, backends and their ports, certificates, and two that want the
//! same path.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::claim::Claim;
use crate::finding::{Confidence, Evidence, Severity, Unknown};
use crate::kind::{Kind, ObjectRef};
use crate::reach::similar;
use crate::remedy::Remedy;
use crate::shape::{BackendService, Ingress};
use crate::snapshot::{Found, Snapshot};

const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
/// A controller takes a while to write an address.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn claims(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    for ingress in &snapshot.objects().ingresses {
        let object = Snapshot::reference(Kind::Ingress, &ingress.metadata);
        claims.extend(class(snapshot, ingress, &object));
        backends(snapshot, ingress, &object, claims);
        certificates(snapshot, ingress, &object, claims);
    }
    duplicates(snapshot, claims);
    let defaults: Vec<_> = snapshot
        .objects()
        .ingress_classes
        .iter()
        .filter(|class| class.metadata.annotations.get(DEFAULT) == Some("true"))
        .collect();
    if let [first, _, ..] = defaults.as_slice() {
        let object = Snapshot::reference(Kind::IngressClass, &first.metadata);
        let names: Vec<&str> = defaults.iter().map(|class| class.metadata.name.as_str()).collect();
        let text = format!(
            "several ingress classes are the default: {}; an Ingress without a class is refused",
            names.join(", ")
        );
        let claim = Claim::new(83, object, text).detail("default").evidence(defaults.iter().map(|class| {
            Evidence::field(
                &Snapshot::reference(Kind::IngressClass, &class.metadata),
                format!("metadata.annotations[{DEFAULT}]"),
                "true",
            )
        }));
        claims.push(claim.remedy(Remedy::manual("leave one class as the default")));
    }
}

/// Returns the name of the class that an Ingress asks for, also by the old annotation.
fn class_of(ingress: &Ingress) -> Option<&str> {
    let named = Some(ingress.spec.ingress_class_name.as_str()).filter(|name| !name.is_empty());
    named.or_else(|| ingress.metadata.annotations.get("kubernetes.io/ingress.class"))
}

fn class(snapshot: &Snapshot, ingress: &Ingress, object: &ObjectRef) -> Option<Claim> {
    if !snapshot.covers(Kind::IngressClass, "") {
        return None;
    }
    let classes = &snapshot.objects().ingress_classes;
    let set = |class: Option<String>| Remedy::SetIngressClass { ingress: object.clone(), class };
    let install = Remedy::manual("install an ingress controller (minikube addons enable ingress)");
    let served = !ingress.status.load_balancer.ingress.is_empty();
    let Some(name) = class_of(ingress) else {
        if served || classes.iter().any(|class| class.metadata.annotations.get(DEFAULT) == Some("true")) {
            return None;
        }
        let text = if classes.is_empty() {
            format!("{} is served by nobody: the cluster has no ingress class", object.short())
        } else {
            format!("{} names no class, and none is the default", object.short())
        };
        let rule = if classes.is_empty() { 84 } else { 83 };
        let claim = Claim::new(rule, object.clone(), text).severity(Severity::Critical).saw(
            object,
            "spec.ingressClassName",
            "none",
        );
        return Some(match classes.first() {
            Some(class) => claim.remedy(set(Some(class.metadata.name.clone()))),
            None => claim.confidence(Confidence::Supported).remedy(install),
        });
    };
    let Some(class) = classes.iter().find(|class| class.metadata.name == name) else {
        // The annotation may name what a controller knows without a class object.
        if served || ingress.spec.ingress_class_name.is_empty() {
            return None;
        }
        let near = similar(name, classes.iter().map(|class| class.metadata.name.as_str())).map(str::to_owned);
        let near =
            near.or_else(|| classes.first().filter(|_| classes.len() == 1).map(|class| class.metadata.name.clone()));
        let text = format!("{} asks for the class {name}, which does not exist", object.short());
        let missing = ObjectRef::named(Kind::IngressClass, "", name);
        let claim = Claim::new(83, object.clone(), text).severity(Severity::Critical).saw(
            object,
            "spec.ingressClassName",
            name,
        );
        let claim = claim.evidence([Evidence::absent(&missing)]);
        return Some(if classes.is_empty() { claim.remedy(install) } else { claim.remedy(set(near)) });
    };
    let old = snapshot.since(ingress.metadata.creation_timestamp).is_some_and(|age| age > PATIENCE);
    if served || !old || !snapshot.covers(Kind::Pod, "") || has_controller(snapshot) {
        return None;
    }
    let class_object = Snapshot::reference(Kind::IngressClass, &class.metadata);
    let text = format!("nothing serves the ingress class {name}: no pod of a controller runs");
    let claim =
        Claim::new(84, class_object.clone(), text).severity(Severity::Critical).confidence(Confidence::Supported);
    Some(claim.affects([object.clone()]).saw(&class_object, "spec.controller", &class.spec.controller).remedy(install))
}

/// Whether any pod runs an image of an ingress controller that is known.
fn has_controller(snapshot: &Snapshot) -> bool {
    const KNOWN: &[&str] = &[
        "ingress",
        "traefik",
        "haproxy",
        "kong",
        "contour",
        "envoy",
        "istio",
        "nginx-gateway",
        "cilium",
        "apisix",
        "alb-controller",
        "load-balancer-controller",
    ];
    let mut containers = snapshot.objects().pods.iter().flat_map(|pod| &pod.spec.containers);
    containers.any(|container| KNOWN.iter().any(|known| container.image.contains(known)))
}

fn backends(snapshot: &Snapshot, ingress: &Ingress, object: &ObjectRef, claims: &mut Vec<Claim>) {
    let rules = ingress.spec.rules.iter().enumerate().flat_map(|(at, rule)| {
        rule.http
            .paths
            .iter()
            .enumerate()
            .map(move |(path, found)| (format!("spec.rules[{at}].http.paths[{path}].backend"), &found.backend))
    });
    let default = ingress.spec.default_backend.iter().map(|backend| ("spec.defaultBackend".to_owned(), backend));
    for (path, backend) in default.chain(rules) {
        if let Some(service) = &backend.service {
            claims.push(backend_claim(snapshot, object, &path, service));
        }
    }
}

fn backend_claim(snapshot: &Snapshot, object: &ObjectRef, path: &str, backend: &BackendService) -> Claim {
    let services = &snapshot.objects().services;
    let begin = |text: String| Claim::new(85, object.clone(), text).detail(&backend.name).severity(Severity::Critical);
    let service = match snapshot.find(Kind::Service, &object.namespace, &backend.name) {
        Found::Missing => {
            let missing = ObjectRef::named(Kind::Service, &object.namespace, &backend.name);
            let here = services.iter().filter(|service| service.metadata.namespace == object.namespace);
            let near = similar(&backend.name, here.map(|service| service.metadata.name.as_str()));
            let claim = begin(format!("{} leads to service {}, which does not exist", object.short(), backend.name))
                .saw(object, format!("{path}.service.name"), &backend.name)
                .evidence([Evidence::absent(&missing)]);
            let port = (backend.port.number > 0)
                .then(|| backend.port.number.to_string())
                .or_else(|| Some(backend.port.name.clone()));
            return match near {
                Some(near) => {
                    claim.remedy(Remedy::SetBackend { ingress: object.clone(), service: near.to_owned(), port })
                }
                None => {
                    claim.remedy(Remedy::manual(format!("create service {}, or correct the backend", backend.name)))
                }
            };
        }
        found => found.here().and_then(|at| services.get(at.at as usize)),
    };
    let Some(service) = service else {
        return begin(String::new())
            .unknown(Unknown::unread(Kind::Service, "the backends of Ingresses"))
            .only_as_symptom();
    };
    let ports = &service.spec.ports;
    let by_name = !backend.port.name.is_empty();
    let known = ports
        .iter()
        .any(|port| if by_name { port.name == backend.port.name } else { port.port == backend.port.number });
    if !known {
        let asked = if by_name { backend.port.name.clone() } else { backend.port.number.to_string() };
        let listed: Vec<String> = ports.iter().map(|port| port.port.to_string()).collect();
        let only = ports
            .first()
            .filter(|_| ports.len() == 1)
            .map(|port| if by_name { port.name.clone() } else { port.port.to_string() });
        let field = if by_name { "name" } else { "number" };
        return begin(format!(
            "{} leads to port {asked} of service {}, which has {}",
            object.short(),
            backend.name,
            listed.join(", ")
        ))
        .saw(object, format!("{path}.service.port.{field}"), &asked)
        .remedy(Remedy::SetBackend { ingress: object.clone(), service: backend.name.clone(), port: only });
    }
    // Whatever is wrong with the Service is felt here.
    begin(format!("{} leads to service {}, which serves nothing", object.short(), backend.name))
        .because([Snapshot::reference(Kind::Service, &service.metadata)])
        .only_as_symptom()
}

fn certificates(snapshot: &Snapshot, ingress: &Ingress, object: &ObjectRef, claims: &mut Vec<Claim>) {
    for (at, tls) in ingress.spec.tls.iter().enumerate().filter(|(_, tls)| !tls.secret_name.is_empty()) {
        let path = format!("spec.tls[{at}].secretName");
        let secret = snapshot.named(Kind::Secret, &object.namespace, &tls.secret_name);
        let create =
            Remedy::CreateKeyed { object: secret.clone(), keys: vec!["tls.crt".to_owned(), "tls.key".to_owned()] };
        let begin = |text: String| {
            Claim::new(86, object.clone(), text).detail(&tls.secret_name).saw(object, &path, &tls.secret_name)
        };
        match snapshot.find(Kind::Secret, &object.namespace, &tls.secret_name) {
            Found::Missing => {
                let text = format!(
                    "the certificate of {} is to be in Secret {}, which does not exist",
                    object.short(),
                    secret.name
                );
                claims.push(begin(text).evidence([Evidence::absent(&secret)]).remedy(create));
            }
            Found::Here(found) => {
                let Some(found) = snapshot.objects().secrets.get(found.at as usize) else { continue };
                let wrong = found.r#type.as_deref().is_some_and(|kind| kind != "kubernetes.io/tls");
                let lacks =
                    found.keys.as_ref().is_some_and(|keys| !keys.contains("tls.crt") || !keys.contains("tls.key"));
                if lacks || wrong && found.keys.is_none() {
                    let text = format!(
                        "Secret {} of {} holds no certificate: tls.crt and tls.key are to be in it",
                        secret.name,
                        object.short()
                    );
                    claims.push(begin(text).remedy(create));
                }
            }
            Found::Unknown => {}
        }
    }
}

fn duplicates(snapshot: &Snapshot, claims: &mut Vec<Claim>) {
    let mut seen: BTreeMap<(&str, &str, &str, &str), Vec<ObjectRef>> = BTreeMap::new();
    for ingress in &snapshot.objects().ingresses {
        if ingress.metadata.annotations.get("nginx.ingress.kubernetes.io/canary") == Some("true") {
            continue;
        }
        let object = Snapshot::reference(Kind::Ingress, &ingress.metadata);
        for rule in &ingress.spec.rules {
            for path in &rule.http.paths {
                let key = (
                    class_of(ingress).unwrap_or_default(),
                    rule.host.as_str(),
                    path.path.as_str(),
                    path.path_type.as_str(),
                );
                let objects = seen.entry(key).or_default();
                if !objects.contains(&object) {
                    objects.push(object.clone());
                }
            }
        }
    }
    for ((_, host, path, _), objects) in seen.into_iter().filter(|(_, objects)| objects.len() > 1) {
        let names: Vec<String> = objects.iter().map(|object| format!("{}/{}", object.namespace, object.name)).collect();
        let Some(first) = objects.first().cloned() else { continue };
        let host = if host.is_empty() { "any host" } else { host };
        let text =
            format!("{host}{path} is claimed by several Ingresses: {}; which one serves is chance", names.join(", "));
        claims.push(
            Claim::new(87, first, text)
                .detail(format!("{host}{path}"))
                .remedy(Remedy::manual("leave the path to one of them")),
        );
    }
}
