//! The endpoint controllers: which pods stand behind a Service, as an EndpointSlice and as the older
//! Endpoints object.

use serde_json::{Value, json};
use todo_agent_kube_rules::selectors::LabelSelector;

use super::pods;
use crate::conditions;
use crate::object;
use crate::simulation::State;
use crate::store::{Key, Part};

/// The label that ties an EndpointSlice to its Service.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";

/// Writes the endpoints of one Service.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let endpoints_key = Key { plural: "endpoints".into(), ..key.clone() };
    let Some(service) = state.store.get(key) else {
        // The slice belongs to the Service and is collected; Endpoints go with the name.
        state.store.remove(&endpoints_key);
        return;
    };
    if !service["spec"]["selector"].is_object() || service["spec"]["type"] == "ExternalName" {
        return;
    }
    let selector = LabelSelector::from_map(&service["spec"]["selector"]);
    let mut backends = state.store.list("", "pods", Some(&key.namespace));
    backends.retain(|pod| {
        selector.matches(&pod["metadata"]["labels"])
            && pod["status"]["podIP"].is_string()
            && !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
    });
    let publish_all = service["spec"]["publishNotReadyAddresses"] == true;
    let endpoints: Vec<Value> = backends.iter().map(|pod| slice_endpoint(pod, publish_all)).collect();
    let first = backends.first().map(|pod| Value::clone(pod));
    write_slice(state, &service, &endpoints, &slice_ports(&service, first.as_ref()));
    let ready = |pod: &&std::sync::Arc<Value>| publish_all || pods::is_ready(pod);
    let live = || backends.iter().filter(|pod| !object::is_terminating(pod));
    let addresses = |pods: Vec<&std::sync::Arc<Value>>| -> Vec<Value> { pods.iter().map(|pod| address(pod)).collect() };
    let ports = slice_ports(&service, first.as_ref());
    // A pod that has none of the ports is in the slice, but not in the Endpoints.
    let leads_nowhere = ports.is_empty() && service["spec"]["ports"].as_array().is_some_and(|ports| !ports.is_empty());
    let subsets = if leads_nowhere {
        json!([])
    } else {
        let ready_ones = addresses(live().filter(ready).collect());
        subsets(&ready_ones, &addresses(live().filter(|pod| !ready(pod)).collect()), &ports)
    };
    write_endpoints(state, &endpoints_key, &service, &subsets);
}

fn slice_endpoint(pod: &Value, publish_all: bool) -> Value {
    let (serving, terminating) = (conditions::is_true(&pod["status"], "Ready"), object::is_terminating(pod));
    let mut endpoint = json!({
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": publish_all || (serving && !terminating),
            "serving": serving,
            "terminating": terminating,
        },
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": target(pod),
    });
    if pod["spec"]["subdomain"].is_string() && pod["spec"]["hostname"].is_string() {
        endpoint["hostname"] = pod["spec"]["hostname"].clone();
    }
    endpoint
}

fn address(pod: &Value) -> Value {
    json!({"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": target(pod)})
}

fn target(pod: &Value) -> Value {
    json!({"kind": "Pod", "name": object::name(pod), "namespace": object::namespace(pod), "uid": object::uid(pod)})
}

/// The Service's ports with the numbers that they have in the pods.
fn slice_ports(service: &Value, pod: Option<&Value>) -> Vec<Value> {
    let ports = service["spec"]["ports"].as_array();
    ports
        .into_iter()
        .flatten()
        .filter_map(|port| {
            let wanted = if port["targetPort"].is_null() { &port["port"] } else { &port["targetPort"] };
            let number = wanted.as_u64().or_else(|| named_port(pod?, wanted.as_str()?))?;
            let protocol = port["protocol"].as_str().unwrap_or("TCP");
            Some(json!({"name": port["name"].as_str().unwrap_or_default(), "port": number, "protocol": protocol}))
        })
        .collect()
}

fn named_port(pod: &Value, name: &str) -> Option<u64> {
    let containers = pod["spec"]["containers"].as_array()?;
    let mut ports = containers.iter().filter_map(|container| container["ports"].as_array()).flatten();
    ports.find(|port| port["name"] == name)?["containerPort"].as_u64()
}

fn write_slice(state: &mut State, service: &Value, endpoints: &[Value], ports: &[Value]) {
    let namespace = object::namespace(service);
    // Without pods the controller writes neither, as Go writes an empty list.
    let list = |items: &[Value]| if endpoints.is_empty() { Value::Null } else { json!(items) };
    let slices = state.store.list("discovery.k8s.io", "endpointslices", Some(namespace));
    let existing = slices.iter().find(|slice| pods::is_controlled_by(slice, service));
    if let Some(slice) = existing {
        let now = state.now;
        state.store.edit(&Key::of_object(slice), Part::Spec, now, |slice| {
            slice["endpoints"] = list(endpoints);
            slice["ports"] = list(ports);
        });
        return;
    }
    let name = format!("{}-{}", object::name(service), state.random.suffix());
    let mut labels = service["metadata"]["labels"].clone();
    if !labels.is_object() {
        labels = json!({});
    }
    labels["endpointslice.kubernetes.io/managed-by"] = json!("endpointslice-controller.k8s.io");
    labels[SERVICE_LABEL] = json!(object::name(service));
    if service["spec"]["clusterIP"] == "None" {
        labels["service.kubernetes.io/headless"] = json!("");
    }
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "generateName": format!("{}-", object::name(service)),
            "labels": labels,
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": object::time_text(state.now)},
            "ownerReferences": [pods::controller_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": list(endpoints),
        "ports": list(ports),
    });
    // A name clash is as good as impossible, and the next change tries again.
    let _created = state.admit(slice);
}

fn subsets(ready: &[Value], unready: &[Value], ports: &[Value]) -> Value {
    if ready.is_empty() && unready.is_empty() {
        return json!([]);
    }
    let mut subset = json!({});
    for (field, list) in [("addresses", ready), ("notReadyAddresses", unready), ("ports", ports)] {
        if !list.is_empty() {
            subset[field] = json!(list);
        }
    }
    json!([subset])
}

fn write_endpoints(state: &mut State, key: &Key, service: &Value, subsets: &Value) {
    let now = state.now;
    let edited = state.store.edit(key, Part::Spec, now, |endpoints| endpoints["subsets"] = subsets.clone());
    if edited.is_some() {
        return;
    }
    let mut labels = service["metadata"]["labels"].clone();
    if !labels.is_object() {
        labels = json!({});
    }
    labels["endpoints.kubernetes.io/managed-by"] = json!("endpoint-controller");
    let endpoints = json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": key.name, "namespace": key.namespace, "labels": labels,
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": object::time_text(now)}},
        "subsets": subsets,
    });
    // It was just looked for.
    let _created = state.admit(endpoints);
}
