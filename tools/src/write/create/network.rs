//! Services, Ingresses and NetworkPolicies: who reaches a workload, and by which way.
//!
//! Each follows from the live object it is for, so that selectors and ports fit what is there.

use serde_json::{Value, json};
use todo_agent_core::{Cause, ObjectRef, ToolError};
use todo_agent_kube_rules::kinds;

use super::{Built, Making, ServiceType};
use crate::{
    names,
    resolve::{self, Climb, Lookup, Order, Resolved},
    value, words, workloads,
    write::{rollout_control, set::port},
};

/// What asking for a service came to.
pub(super) enum Asked {
    For(Built),
    /// There is one already.
    Already(String),
}

async fn workload(making: &Making<'_>, word: &str) -> Result<(Resolved, Value), ToolError> {
    let resolved = rollout_control::find(making.reader, word, making.namespace).await?;
    let live = making.reader.get(&resolved.object).await?;
    Ok((resolved, live))
}

fn target<'a>(making: &Making<'a>, what: &str) -> Result<&'a str, ToolError> {
    let missing = || ToolError::arguments(format!("create {} needs a target: {what}", making.args.kind.word()));
    making.args.target.as_deref().map(str::trim).filter(|target| !target.is_empty()).ok_or_else(missing)
}

fn selector(live: &Value) -> Result<Value, ToolError> {
    let labels =
        live.pointer("/spec/selector/matchLabels").filter(|labels| labels.as_object().is_some_and(|it| !it.is_empty()));
    labels.cloned().ok_or_else(|| ToolError::state("it selects its pods by expressions, which a service cannot"))
}

pub(super) async fn service(making: &Making<'_>) -> Result<Asked, ToolError> {
    let (resolved, live) = workload(making, target(making, "the workload it exposes")?).await?;
    let short = resolved.object.short();
    let selector = selector(&live)?;
    let ports: Vec<&Value> = value::items(&live, "/spec/template/spec/containers")
        .iter()
        .flat_map(|container| value::items(container, "/ports"))
        .collect();
    let given = making.args.port.as_ref().map(|given| port("port", given)).transpose()?;
    let number = |port: &Value| value::number(port, "/containerPort");
    // The port that is asked for may be that of a container, or one in front of its only port.
    let behind = ports.iter().find(|port| given.as_ref().and_then(Value::as_i64) == number(port)).or(ports.first());
    let front = given.clone().or_else(|| behind.and_then(|port| number(port)).map(Value::from)).ok_or_else(|| {
        ToolError::arguments(format!("{short} names no port, so the service needs one"))
            .hint("give port, the one it listens on")
    })?;
    let inside = match behind {
        Some(port) if !value::name_of(port).is_empty() => json!(value::name_of(port)),
        Some(port) => port["containerPort"].clone(),
        None => front.clone(),
    };
    let name = making.name_or(&resolved.object.name)?;
    if let Some(already) = existing(making, &name, &selector, &short).await? {
        return already;
    }
    let mut object = making.object("service", &name);
    let kind = match making.args.service_type {
        None | Some(ServiceType::ClusterIp) => "ClusterIP",
        Some(ServiceType::NodePort) => "NodePort",
        Some(ServiceType::LoadBalancer) => "LoadBalancer",
    };
    object["spec"] =
        json!({"type": kind, "selector": selector, "ports": [{"name": "main", "port": front, "targetPort": inside}]});
    let ready = workloads::ready(&live);
    let mut notes = resolved.notes;
    notes.push(format!("it sends to {ready} ready {} of {short}", if ready == 1 { "pod" } else { "pods" }));
    if kind != "ClusterIP" {
        notes.push("it can be reached from outside the cluster".to_owned());
    }
    Ok(Asked::For(Built { objects: vec![object], notes }))
}

async fn existing(
    making: &Making<'_>,
    name: &str,
    selector: &Value,
    short: &str,
) -> Result<Option<Result<Asked, ToolError>>, ToolError> {
    let Some(kind) = kinds::find("service") else { return Ok(None) };
    let found = match making.reader.get(&ObjectRef::new(kind, making.namespace, name)).await {
        Ok(found) => found,
        Err(error) if error.is(Cause::NotFound) || error.is(Cause::Forbidden) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if found["spec"]["selector"] == *selector {
        let ports: Vec<String> =
            value::items(&found, "/spec/ports").iter().map(|port| port["port"].to_string()).collect();
        let why = format!("service/{name} already exposes {short} on port {}; nothing to change", ports.join(", "));
        return Ok(Some(Ok(Asked::Already(why))));
    }
    let error =
        ToolError::state(format!("service/{name} already exists and sends to other pods than those of {short}"));
    Ok(Some(Err(error.hint("choose another name"))))
}

pub(super) async fn ingress(making: &Making<'_>) -> Result<Built, ToolError> {
    let lookup = Lookup {
        argument: "target",
        word: target(making, "the service it routes to")?,
        namespace: making.namespace,
        tiers: vec![names::types(&["Service"])],
        order: Order::FirstMatch,
        climb: Climb::Stay,
    };
    let resolved = resolve::find(making.reader, &lookup).await?;
    let live = making.reader.get(&resolved.object).await?;
    let ports = value::items(&live, "/spec/ports");
    let given = making.args.port.as_ref().map(|given| port("port", given)).transpose()?;
    let found = match &given {
        None => ports.first(),
        Some(wanted) => ports.iter().find(|port| port["port"] == *wanted || port["name"] == *wanted),
    };
    let Some(found) = found else {
        let numbers: Vec<String> = ports.iter().map(|port| port["port"].to_string()).collect();
        return Err(ToolError::state(format!("{} has no such port", resolved.object.short()))
            .hint(format!("its ports are {}", numbers.join(", "))));
    };
    let path = making.args.prefix.as_deref().unwrap_or("/");
    if !path.starts_with('/') {
        return Err(ToolError::arguments(format!("prefix must begin with /, got \"{}\"", words::shown(path))));
    }
    let backend = json!({"service": {"name": resolved.object.name, "port": {"number": found["port"]}}});
    let mut rule = json!({"http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}});
    let mut notes = resolved.notes;
    match making.args.host.as_deref().map(str::trim) {
        Some(host) if is_host(host) => rule["host"] = json!(host),
        Some(host) => {
            return Err(ToolError::arguments(format!("host \"{}\" is not a host name", words::shown(host)))
                .hint("without scheme and path: shop.example.com"));
        }
        None => notes.push("no host was named: it answers for every host".to_owned()),
    }
    let name = making.name_or(&resolved.object.name)?;
    let mut object = making.object("ingress", &name);
    object["spec"] = json!({"rules": [rule]});
    match class(making).await? {
        Class::Default => {}
        Class::Only(name) => object["spec"]["ingressClassName"] = json!(name),
        Class::None => notes.push("no ingress class is installed, so nothing will serve it".to_owned()),
        Class::Several(names) => {
            notes.push(format!("several ingress classes and no default: {}", resolve::some_of(&names)));
        }
    }
    Ok(Built { objects: vec![object], notes })
}

enum Class {
    Default,
    Only(String),
    None,
    Several(Vec<String>),
}

async fn class(making: &Making<'_>) -> Result<Class, ToolError> {
    let Some(kind) = kinds::find("ingressclass") else { return Ok(Class::Default) };
    let query = todo_agent_core::ListQuery::new(kind, todo_agent_core::Within::Everywhere);
    let classes = match making.reader.list(&query).await {
        Ok(classes) => classes,
        // What may not be listed is left to the server.
        Err(error) if names::is_refusal(&error) => return Ok(Class::Default),
        Err(error) => return Err(error.into()),
    };
    let is_default = |class: &Value| {
        value::meta(class, "annotations", "ingressclass.kubernetes.io/is-default-class") == Some("true")
    };
    if classes.iter().any(is_default) {
        return Ok(Class::Default);
    }
    let mut names: Vec<String> = classes.iter().map(|class| value::name(class).to_owned()).collect();
    Ok(match names.len() {
        0 => Class::None,
        1 => Class::Only(names.remove(0)),
        _ => Class::Several(names),
    })
}

fn is_host(host: &str) -> bool {
    let plain = host.strip_prefix("*.").unwrap_or(host);
    let allowed =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || "-.".contains(character);
    !plain.is_empty()
        && plain.len() <= 253
        && plain.chars().all(allowed)
        && plain.split('.').all(|part| !part.is_empty())
}

pub(super) async fn policy(making: &Making<'_>) -> Result<Built, ToolError> {
    let (resolved, live) = workload(making, target(making, "the workload it protects")?).await?;
    let mut notes = resolved.notes.clone();
    let (mut peers, mut words) = (Vec::new(), Vec::new());
    for word in making.args.from.iter().flatten() {
        let (from, peer) = workload(making, word).await?;
        peers.push(json!({"podSelector": {"matchLabels": selector(&peer)?}}));
        words.push(from.object.name.clone());
        notes.extend(from.notes);
    }
    let name = match words.as_slice() {
        [] => format!("{}-closed", resolved.object.name),
        words => format!("{}-from-{}", resolved.object.name, words.join("-")),
    };
    let mut rule = json!({});
    if let Some(given) = &making.args.port {
        rule["ports"] = json!([{"protocol": "TCP", "port": port("port", given)?}]);
    }
    let mut object = making.object("networkpolicy", &making.name_or(&name)?);
    let mut spec = json!({"podSelector": {"matchLabels": selector(&live)?}, "policyTypes": ["Ingress"]});
    if peers.is_empty() {
        notes.push(format!("nothing may connect to {} any more, from inside or outside", resolved.object.short()));
    } else {
        rule["from"] = Value::Array(peers);
        spec["ingress"] = json!([rule]);
        notes.push(format!(
            "everything else is kept from {}, ingress controllers and monitoring included",
            resolved.object.short()
        ));
    }
    notes.push("it works where the cluster's network enforces policies; some do not".to_owned());
    object["spec"] = spec;
    Ok(Built { objects: vec![object], notes })
}
