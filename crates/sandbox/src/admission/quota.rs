//! `ResourceQuota`: what objects count as, what a namespace has used, and what would be too much.
//!
//! Usage is counted from the objects each time it is asked for.
//!
//! Source: `k8s.io/apiserver/pkg/admission/plugin/resourcequota` and `pkg/quota/v1/evaluator` (v1.37).

use std::sync::Arc;

use serde_json::Value;
use todo_agent_kube_rules::fit::{self, Amounts};
use todo_agent_kube_rules::quantities::Quantity;

use super::limits::amounts;
use crate::defaults::quality_of_service;
use crate::object;
use crate::store::{Key, Store};

/// Kinds that are also counted under their plural alone.
const PLAIN: [&str; 7] =
    ["pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims"];
/// What each container of a pod must state where a quota has it.
const STATED: [(&str, &str, &str); 6] = [
    ("cpu", "requests", "cpu"),
    ("limits.cpu", "limits", "cpu"),
    ("limits.memory", "limits", "memory"),
    ("memory", "requests", "memory"),
    ("requests.cpu", "requests", "cpu"),
    ("requests.memory", "requests", "memory"),
];

/// Refuses an object that a quota of its namespace has no room for.
pub(super) fn check(object: &Value, current: Option<&Value>, store: &Store) -> Result<(), String> {
    let namespace = object::namespace(object);
    if namespace.is_empty() || current.is_some() && !["Service", "PersistentVolumeClaim"].contains(&kind(object)) {
        return Ok(());
    }
    for quota in store.list("", "resourcequotas", Some(namespace)) {
        if !is_covered(&quota, object) {
            continue;
        }
        let hard = amounts(&quota["spec"]["hard"]);
        let name = object::name(&quota);
        if kind(object) == "Pod" {
            let missing = unstated(object, &hard);
            if !missing.is_empty() {
                return Err(format!("failed quota: {name}: must specify {}", missing.join("; ")));
            }
        }
        let before = current.map(usage).unwrap_or_default();
        let amount = |amounts: &Amounts, name: &String| amounts.get(name).copied().unwrap_or(Quantity::ZERO);
        let asked: Amounts = usage(object)
            .into_iter()
            .map(|(name, new)| (name.clone(), new.minus(amount(&before, &name))))
            .filter(|(name, more)| hard.contains_key(name) && *more > Quantity::ZERO)
            .collect();
        let used = used(&quota, store);
        let exceeded: Vec<&String> = asked
            .iter()
            .filter(|(name, more)| amount(&used, name).plus(**more) > amount(&hard, name))
            .map(|(name, _)| name)
            .collect();
        if !exceeded.is_empty() {
            let told = |amounts: &Amounts| {
                let parts: Vec<String> =
                    exceeded.iter().map(|name| format!("{name}={}", amount(amounts, name))).collect();
                parts.join(",")
            };
            return Err(format!(
                "exceeded quota: {name}, requested: {}, used: {}, limited: {}",
                told(&asked),
                told(&used),
                told(&hard)
            ));
        }
    }
    Ok(())
}

/// Returns what the objects of a quota's namespace use of what the quota bounds.
pub(crate) fn used(quota: &Value, store: &Store) -> Amounts {
    let mut total: Amounts = amounts(&quota["spec"]["hard"]).into_keys().map(|name| (name, Quantity::ZERO)).collect();
    let groups: Vec<(String, String)> = total.keys().flat_map(|name| sources(name)).collect();
    let mut seen: Vec<&(String, String)> = groups.iter().collect();
    seen.sort();
    seen.dedup();
    for (group, plural) in seen {
        for object in store.list(group, plural, Some(object::namespace(quota))) {
            if is_covered(quota, &object) {
                add(&mut total, &object);
            }
        }
    }
    total
}

fn add(total: &mut Amounts, object: &Arc<Value>) {
    for (name, amount) in usage(object) {
        if let Some(sum) = total.get_mut(&name) {
            *sum = sum.plus(amount);
        }
    }
}

/// Returns the resources whose objects count for a name of a quota.
fn sources(name: &str) -> Vec<(String, String)> {
    let core = |plural: &str| vec![(String::new(), plural.to_owned())];
    if let Some(counted) = name.strip_prefix("count/") {
        let (plural, group) = counted.split_once('.').unwrap_or((counted, ""));
        return vec![(group.to_owned(), plural.to_owned())];
    }
    match name {
        _ if PLAIN.contains(&name) => core(name),
        "services.nodeports" | "services.loadbalancers" => core("services"),
        "requests.storage" => core("persistentvolumeclaims"),
        _ if name.contains(".storageclass.storage.k8s.io/") => core("persistentvolumeclaims"),
        _ => core("pods"),
    }
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

/// Returns everything that an object counts as.
fn usage(object: &Value) -> Amounts {
    let key = Key::of_object(object);
    let one = Quantity::from_units(1);
    let qualified = if key.group.is_empty() { key.plural.clone() } else { format!("{}.{}", key.plural, key.group) };
    let mut usage = Amounts::from([(format!("count/{qualified}"), one)]);
    if key.group.is_empty() && PLAIN.contains(&key.plural.as_str()) && key.plural != "pods" {
        usage.insert(key.plural.clone(), one);
    }
    match kind(object) {
        "Pod" => usage.extend(pod(object)),
        "Service" => {
            let ports = object["spec"]["ports"].as_array().map_or(0, Vec::len);
            let ports = Quantity::from_units(i64::try_from(ports).unwrap_or(i64::MAX));
            let kind = object["spec"]["type"].as_str().unwrap_or_default();
            if kind == "NodePort" || kind == "LoadBalancer" && object["spec"]["allocateLoadBalancerNodePorts"] != false
            {
                usage.insert("services.nodeports".into(), ports);
            }
            if kind == "LoadBalancer" {
                usage.insert("services.loadbalancers".into(), one);
            }
        }
        "PersistentVolumeClaim" => {
            let storage = amounts(&object["spec"]["resources"]["requests"]).remove("storage");
            let storage = storage.unwrap_or(Quantity::ZERO);
            usage.insert("requests.storage".into(), storage);
            if let Some(class) = object["spec"]["storageClassName"].as_str().filter(|class| !class.is_empty()) {
                usage.insert(format!("{class}.storageclass.storage.k8s.io/requests.storage"), storage);
                usage.insert(format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), one);
            }
        }
        _ => {}
    }
    usage
}

/// Returns what a pod takes while it has not ended.
fn pod(pod: &Value) -> Amounts {
    if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return Amounts::new();
    }
    let mut usage = Amounts::from([("pods".to_owned(), Quantity::from_units(1))]);
    for (resource, amount) in fit::pod_requests(pod) {
        if ["cpu", "memory", "ephemeral-storage"].contains(&resource.as_str()) {
            usage.insert(resource.clone(), amount);
        }
        if resource != "pods" {
            usage.insert(format!("requests.{resource}"), amount);
        }
    }
    for (resource, amount) in super::limits::pod_limits(pod) {
        if resource != "pods" {
            usage.insert(format!("limits.{resource}"), amount);
        }
    }
    usage
}

/// Returns what a pod's containers must state and do not: `limits.cpu for: a,b`.
fn unstated(pod: &Value, hard: &Amounts) -> Vec<String> {
    let containers =
        || ["containers", "initContainers"].into_iter().filter_map(|list| pod["spec"][list].as_array()).flatten();
    STATED
        .into_iter()
        .filter(|(name, ..)| hard.contains_key(*name))
        .filter_map(|(name, field, resource)| {
            let missing = containers().filter(|container| container["resources"][field][resource].is_null());
            let mut names: Vec<&str> = missing.filter_map(|container| container["name"].as_str()).collect();
            names.sort_unstable();
            (!names.is_empty()).then(|| format!("{name} for: {}", names.join(",")))
        })
        .collect()
}

/// Returns whether a quota's scopes take an object in. Scopes speak of pods alone.
fn is_covered(quota: &Value, object: &Value) -> bool {
    let scopes = quota["spec"]["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let expressions = quota["spec"]["scopeSelector"]["matchExpressions"].as_array().into_iter().flatten();
    let is_pod = kind(object) == "Pod";
    scopes
        .map(|scope| (scope, &Value::Null))
        .chain(expressions.map(|it| (it["scopeName"].as_str().unwrap_or_default(), it)))
        .all(|(scope, expression)| {
            let spec = &object["spec"];
            is_pod
                && match scope {
                    "BestEffort" => quality_of_service(spec) == "BestEffort",
                    "NotBestEffort" => quality_of_service(spec) != "BestEffort",
                    "Terminating" => spec["activeDeadlineSeconds"].is_number(),
                    "NotTerminating" => !spec["activeDeadlineSeconds"].is_number(),
                    "PriorityClass" => has_priority(spec["priorityClassName"].as_str(), expression),
                    _ => false,
                }
        })
}

fn has_priority(class: Option<&str>, expression: &Value) -> bool {
    let listed = || expression["values"].as_array().into_iter().flatten().any(|value| value.as_str() == class);
    match expression["operator"].as_str() {
        Some("In") => listed(),
        Some("NotIn") => !listed(),
        Some("DoesNotExist") => class.is_none(),
        _ => class.is_some(),
    }
}
