//! `metrics.k8s.io/v1beta1`: what pods and nodes use, as metrics-server tells it. Nothing is stored.

use std::sync::Arc;

use serde_json::{Value, json};

use super::form::Form;
use super::incoming::Incoming;
use super::metadata::{list_as, object_as};
use super::read::Filter;
use super::reply::Reply;
use super::route::{Target, Verb};
use super::status::ApiError;
use crate::object::{self, time_text};
use crate::simulation::State;
use crate::usage::{self, NODE_CPU, NODE_MEMORY, Usage};

const API_VERSION: &str = "metrics.k8s.io/v1beta1";

/// Answers `get` and `list`.
pub(crate) fn answer(incoming: &Incoming, target: &Target, verb: Verb, state: &State) -> Result<Reply, ApiError> {
    let form = incoming.form()?;
    let filter = Filter::of(incoming, target)?;
    let plural = target.resource.kind.plural;
    let namespace = (!target.namespace.is_empty()).then_some(target.namespace.as_str());
    let objects = state.store.list("", plural, namespace);
    let measured = |object: &Arc<Value>| if plural == "pods" { of_pod(state, object) } else { of_node(state, object) };
    match verb {
        Verb::Get => {
            let found = objects.iter().find(|object| object::name(object) == target.name).and_then(measured);
            // metrics-server names the resource of nodes in the singular.
            let what = if plural == "pods" { "pods" } else { "node" };
            let found = found.ok_or_else(|| ApiError::not_found_named(what, &target.name))?;
            Ok(Reply::json(object_as(&found, form)?))
        }
        Verb::List => {
            let selected = objects.iter().filter(|object| filter.selects(object));
            let items: Vec<Value> = selected.filter_map(measured).map(|item| bare(item, form)).collect();
            let kind = format!("{}List", target.resource.kind.kind);
            let list = json!({"kind": kind, "apiVersion": API_VERSION, "metadata": {}, "items": items});
            Ok(Reply::json(list_as(list, form)?))
        }
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// Items of a list do not say what they are; rows of a table are made from whole objects.
fn bare(mut item: Value, form: Form) -> Value {
    if matches!(form, Form::Full)
        && let Some(fields) = item.as_object_mut()
    {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    item
}

fn measurement(kind: &str, about: &Value, state: &State) -> Value {
    let mut metadata = json!({"name": object::name(about), "creationTimestamp": time_text(state.now)});
    if !object::namespace(about).is_empty() {
        metadata["namespace"] = json!(object::namespace(about));
    }
    if about["metadata"]["labels"].is_object() {
        metadata["labels"] = about["metadata"]["labels"].clone();
    }
    let window = format!("{}s", usage::RESOLUTION.as_secs());
    json!({
        "kind": kind, "apiVersion": API_VERSION, "metadata": metadata, "timestamp": time_text(state.now),
        "window": window,
    })
}

fn amounts(usage: Usage) -> Value {
    let cpu = if usage.cpu == 0 { "0".to_owned() } else { format!("{}n", usage.cpu.saturating_mul(1_000_000)) };
    json!({"cpu": cpu, "memory": format!("{}Ki", usage.memory / 1024)})
}

fn of_pod(state: &State, pod: &Value) -> Option<Value> {
    let used = usage::of_pod(&state.world, &state.store, pod, state.now);
    if used.is_empty() || pod["status"]["phase"] != "Running" {
        return None;
    }
    let containers: Vec<Value> =
        used.into_iter().map(|(name, usage)| json!({"name": name, "usage": amounts(usage)})).collect();
    let mut measured = measurement("PodMetrics", pod, state);
    measured["containers"] = json!(containers);
    Some(measured)
}

fn of_node(state: &State, node: &Value) -> Option<Value> {
    if state.kubelet.stopped.contains(object::name(node)) {
        return None;
    }
    let mut total = Usage { cpu: NODE_CPU, memory: NODE_MEMORY };
    for pod in state.store.list("", "pods", None) {
        if pod["spec"]["nodeName"] == node["metadata"]["name"] {
            for (_, usage) in usage::of_pod(&state.world, &state.store, &pod, state.now) {
                total.cpu += usage.cpu;
                total.memory += usage.memory;
            }
        }
    }
    let mut measured = measurement("NodeMetrics", node, state);
    measured["usage"] = amounts(total);
    Some(measured)
}
