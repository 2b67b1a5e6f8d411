//! `LimitRanger`: default requests and limits of containers, bounds of containers, pods and claims.
//!
//! Source: `plugin/pkg/admission/limitranger/admission.go` (v1.37).

use std::sync::Arc;

use serde_json::{Map, Value, json};
use todo_agent_kube_rules::fit::{self, Amounts};
use todo_agent_kube_rules::quantities::Quantity;

use crate::object::{self, map_at};
use crate::store::Store;

/// The annotation that tells what was filled in.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

fn ranges(object: &Value, store: &Store) -> Vec<Arc<Value>> {
    store.list("", "limitranges", Some(object::namespace(object)))
}

fn items(range: &Value) -> impl Iterator<Item = &Value> {
    range["spec"]["limits"].as_array().into_iter().flatten()
}

/// Gives the containers of a new pod what they do not ask for.
pub(super) fn fill(object: &mut Value, store: &Store) {
    if object["kind"] != "Pod" {
        return;
    }
    let mut told = Vec::new();
    for range in ranges(object, store) {
        let of_containers = items(&range).filter(|item| item["type"] == "Container");
        let (mut limits, mut requests) = (Map::new(), Map::new());
        for item in of_containers {
            limits.extend(item["default"].as_object().cloned().unwrap_or_default());
            requests.extend(item["defaultRequest"].as_object().cloned().unwrap_or_default());
        }
        for (list, word) in [("containers", "container"), ("initContainers", "init container")] {
            for container in object["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                let name = container["name"].as_str().unwrap_or_default().to_owned();
                for (field, singular, amounts) in [("requests", "request", &requests), ("limits", "limit", &limits)] {
                    let set = merge(container, field, amounts);
                    if !set.is_empty() {
                        told.push(format!("{} {singular} for {word} {name}", set.join(", ")));
                    }
                }
            }
        }
    }
    if !told.is_empty() {
        let text = format!("LimitRanger plugin set: {}", told.join("; "));
        map_at(&mut object["metadata"], "annotations").insert(ANNOTATION.into(), text.into());
    }
}

/// Adds the amounts that are missing; returns their names.
fn merge(container: &mut Value, field: &str, amounts: &Map<String, Value>) -> Vec<String> {
    if amounts.is_empty() {
        return Vec::new();
    }
    map_at(container, "resources");
    let present = map_at(&mut container["resources"], field);
    let mut set = Vec::new();
    for (resource, amount) in amounts {
        if !present.contains_key(resource) {
            present.insert(resource.clone(), amount.clone());
            set.push(resource.clone());
        }
    }
    set
}

/// Refuses what is out of bounds.
pub(super) fn check(object: &Value, current: Option<&Value>, store: &Store) -> Result<(), String> {
    let kind = object["kind"].as_str().unwrap_or_default();
    // Pods are checked once; only claims may change their requests.
    if !(kind == "Pod" && current.is_none() || kind == "PersistentVolumeClaim") {
        return Ok(());
    }
    for range in ranges(object, store) {
        let wrong: Vec<String> = items(&range).flat_map(|item| violations(object, kind, item)).collect();
        match wrong.as_slice() {
            [] => {}
            [only] => return Err(only.clone()),
            several => return Err(format!("[{}]", several.join(", "))),
        }
    }
    Ok(())
}

fn violations(object: &Value, kind: &str, item: &Value) -> Vec<String> {
    let spec = &object["spec"];
    match (item["type"].as_str().unwrap_or_default(), kind) {
        (limit @ "Container", "Pod") => ["containers", "initContainers"]
            .into_iter()
            .flat_map(|list| spec[list].as_array().into_iter().flatten())
            .flat_map(|container| {
                let resources = &container["resources"];
                bounds(limit, item, &amounts(&resources["requests"]), &amounts(&resources["limits"]))
            })
            .collect(),
        (limit @ "Pod", "Pod") => bounds(limit, item, &fit::pod_requests(object), &pod_limits(object)),
        (limit @ "PersistentVolumeClaim", "PersistentVolumeClaim") => {
            let requests = amounts(&spec["resources"]["requests"]);
            let none = Amounts::new();
            let least = each(&item["min"], |name, bound| least(limit, name, bound, &requests, &none));
            let most = each(&item["max"], |name, bound| match requests.get(name) {
                None => Some(format!("maximum {name} usage per {limit} is {bound}.  No request is specified")),
                Some(request) if *request > bound => {
                    Some(format!("maximum {name} usage per {limit} is {bound}, but request is {request}"))
                }
                Some(_) => None,
            });
            [least, most].concat()
        }
        _ => Vec::new(),
    }
}

fn bounds(limit: &str, item: &Value, requests: &Amounts, limits: &Amounts) -> Vec<String> {
    [
        each(&item["min"], |name, bound| least(limit, name, bound, requests, limits)),
        each(&item["max"], |name, bound| most(limit, name, bound, requests, limits)),
        each(&item["maxLimitRequestRatio"], |name, bound| ratio(limit, name, bound, requests, limits)),
    ]
    .concat()
}

fn each(bounds: &Value, check: impl Fn(&str, Quantity) -> Option<String>) -> Vec<String> {
    amounts(bounds).into_iter().filter_map(|(name, bound)| check(&name, bound)).collect()
}

fn least(limit: &str, name: &str, bound: Quantity, requests: &Amounts, limits: &Amounts) -> Option<String> {
    let head = format!("minimum {name} usage per {limit} is {bound}");
    match (requests.get(name), limits.get(name)) {
        (None, _) => Some(format!("{head}.  No request is specified")),
        (Some(request), _) if *request < bound => Some(format!("{head}, but request is {request}")),
        (_, Some(limit)) if *limit < bound => Some(format!("{head}, but limit is {limit}")),
        _ => None,
    }
}

fn most(limit: &str, name: &str, bound: Quantity, requests: &Amounts, limits: &Amounts) -> Option<String> {
    let head = format!("maximum {name} usage per {limit} is {bound}");
    match (requests.get(name), limits.get(name)) {
        (_, None) => Some(format!("{head}.  No limit is specified")),
        (_, Some(limit)) if *limit > bound => Some(format!("{head}, but limit is {limit}")),
        (Some(request), _) if *request > bound => Some(format!("{head}, but request is {request}")),
        _ => None,
    }
}

fn ratio(limit: &str, name: &str, bound: Quantity, requests: &Amounts, limits: &Amounts) -> Option<String> {
    let head = format!("{name} max limit to request ratio per {limit} is {bound}, but");
    let positive = |amount: Option<&Quantity>| amount.map(Quantity::milli).filter(|milli| *milli != 0);
    let Some(request) = positive(requests.get(name)) else {
        return Some(format!("{head} no request is specified or request is 0"));
    };
    let Some(most) = positive(limits.get(name)) else {
        return Some(format!("{head} no limit is specified or limit is 0"));
    };
    #[expect(clippy::cast_precision_loss, reason = "as the real one, which prints six digits")]
    let (found, allowed) = (most as f64 / request as f64, bound.milli() as f64 / 1000.0);
    (found > allowed).then(|| format!("{head} provided ratio is {found:.6}"))
}

/// Returns the limits of a pod: the sum over its containers, or a larger init container.
pub(super) fn pod_limits(pod: &Value) -> Amounts {
    let mut as_requests = json!({"spec": {}});
    for list in ["containers", "initContainers"] {
        let containers = pod["spec"][list].as_array().into_iter().flatten();
        let moved = containers.map(|container| {
            let limits = &container["resources"]["limits"];
            json!({"restartPolicy": container["restartPolicy"], "resources": {"requests": limits}})
        });
        as_requests["spec"][list] = moved.collect();
    }
    fit::pod_requests(&as_requests)
}

/// Returns amounts by resource, sorted.
pub(super) fn amounts(map: &Value) -> Amounts {
    let entries = map.as_object().into_iter().flatten();
    entries.filter_map(|(name, amount)| Some((name.clone(), amount.as_str()?.parse().ok()?))).collect()
}
