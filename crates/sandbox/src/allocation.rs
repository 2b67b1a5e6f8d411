//! Cluster IPs and node ports of Services, from the ranges of a stock cluster.
//!
//! Numbers are given out in order, so that the same requests get the same addresses.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::object::{default, map_at};
use crate::store::Store;

/// The first address of 10.96.0.0/12 that Services get; the lower ones are for the cluster's own.
const FIRST_ADDRESS: u32 = u32::from_be_bytes([10, 96, 0, 20]);
const LAST_ADDRESS: u32 = u32::from_be_bytes([10, 111, 255, 254]);
const NODE_PORTS: std::ops::RangeInclusive<u64> = 30_000..=32_767;

/// The label that ties pods to their job by its uid.
const CONTROLLER: &str = "batch.kubernetes.io/controller-uid";

/// Gives a new Job the selector that only its own pods fit.
///
/// Source: `generateSelector` of `pkg/registry/batch/job/strategy.go`.
pub(crate) fn select_own_pods(job: &mut Value, store: &Store) {
    if job["kind"] != "Job" || job["spec"]["manualSelector"] == true {
        return;
    }
    let uid = store.upcoming_uid();
    let uid = uid.as_str();
    let name = crate::object::name(job).to_owned();
    let spec = map_at(job, "spec");
    let Some(template) = spec.get_mut("template").filter(|it| it.is_object()) else { return };
    map_at(template, "metadata");
    let labels = map_at(&mut template["metadata"], "labels");
    for (label, value) in [
        ("job-name", name.as_str()),
        ("batch.kubernetes.io/job-name", name.as_str()),
        ("controller-uid", uid),
        (CONTROLLER, uid),
    ] {
        default(labels, label, value);
    }
    let labels = labels.clone();
    let selector = spec.entry("selector").or_insert_with(|| json!({}));
    default(map_at(selector, "matchLabels"), CONTROLLER, uid);
    // A job without labels of its own shows those of its pods.
    let template_labels = |key: &String| labels.contains_key(key);
    let own = map_at(&mut job["metadata"], "labels");
    if own.keys().all(template_labels) {
        *own = labels;
    }
}

/// Gives a Service the addresses and node ports that it asks for and does not have.
pub(crate) fn allocate(service: &mut Value, store: &Store) {
    if service["kind"] != "Service" {
        return;
    }
    let kind = service["spec"]["type"].as_str().unwrap_or("ClusterIP").to_owned();
    if kind == "ExternalName" {
        return;
    }
    let others = store.list("", "services", None);
    let spec = map_at(service, "spec");
    let asked = spec.get("clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
    let address = if asked.is_empty() { free_address(&others) } else { Some(asked) };
    if let Some(address) = address {
        spec.insert("clusterIP".into(), address.clone().into());
        default(spec, "clusterIPs", json!([address]));
    }
    if kind == "NodePort" || kind == "LoadBalancer" {
        let mut used: HashSet<u64> = others.iter().flat_map(|other| node_ports(other)).collect();
        for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            if port["nodePort"].as_u64().unwrap_or(0) == 0
                && let Some(free) = NODE_PORTS.into_iter().find(|number| !used.contains(number))
            {
                used.insert(free);
                crate::object::set(port, "nodePort", free);
            }
        }
    }
}

fn node_ports(service: &Value) -> Vec<u64> {
    service["spec"]["ports"].as_array().into_iter().flatten().filter_map(|port| port["nodePort"].as_u64()).collect()
}

fn free_address(others: &[std::sync::Arc<Value>]) -> Option<String> {
    let used: HashSet<&str> = others.iter().filter_map(|other| other["spec"]["clusterIP"].as_str()).collect();
    (FIRST_ADDRESS..=LAST_ADDRESS)
        .map(|number| Ipv4Addr::from(number).to_string())
        .find(|address| !used.contains(address.as_str()))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn services_get_different_addresses() {
        let mut store = Store::default();
        let mut addresses = Vec::new();
        for name in ["a", "b"] {
            let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "x"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
            allocate(&mut service, &store);
            addresses.push((service["spec"]["clusterIP"].clone(), service["spec"]["ports"][0]["nodePort"].clone()));
            store.create(service, Timestamp::UNIX_EPOCH).unwrap();
        }
        assert_eq!(addresses, [(json!("10.96.0.20"), json!(30000)), (json!("10.96.0.21"), json!(30001))]);
    }

    #[test]
    fn headless_services_stay_headless() {
        let mut service = json!({"kind": "Service", "spec": {"clusterIP": "None"}});
        allocate(&mut service, &Store::default());
        assert_eq!(service["spec"]["clusterIPs"], json!(["None"]));
    }
}
