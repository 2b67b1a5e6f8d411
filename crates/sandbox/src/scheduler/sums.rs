//! What the pods on each node take, kept up to date as pods change: the scheduler's cache.

use std::collections::HashMap;

use serde_json::Value;
use todo_agent_kube_rules::fit::{self, Amounts, NodeUse};
use todo_agent_kube_rules::quantities::Quantity;

use crate::store::{Key, WatchEvent, WatchEventKind};

/// What one pod takes, and where.
#[derive(Debug)]
struct Taken {
    node: String,
    requests: Amounts,
    host_ports: Vec<String>,
}

/// What the pods on one node take together.
#[derive(Debug, Default)]
struct Sum {
    used: Amounts,
    host_ports: Vec<String>,
}

/// The pods that take something, and the sums by node.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    pods: HashMap<Key, Taken>,
    nodes: HashMap<String, Sum>,
}

impl Sums {
    /// Takes up a change of a pod.
    pub(crate) fn pod_changed(&mut self, change: &WatchEvent) {
        let pod = &change.object;
        let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
        let has_ended = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        let takes = change.kind != WatchEventKind::Deleted && !node.is_empty() && !has_ended;
        // A bound pod keeps its node; most changes of one are its status.
        let spec_is_as_before = change.previous.as_ref().is_some_and(|previous| previous["spec"] == pod["spec"]);
        if takes && spec_is_as_before && self.pods.contains_key(&change.key) {
            return;
        }
        self.forget(&change.key);
        if takes {
            self.add(&change.key, node, pod);
        }
    }

    fn add(&mut self, key: &Key, node: &str, pod: &Value) {
        let taken = Taken { node: node.to_owned(), requests: fit::pod_requests(pod), host_ports: fit::host_ports(pod) };
        let sum = self.nodes.entry(node.to_owned()).or_default();
        for (name, amount) in &taken.requests {
            let entry = sum.used.entry(name.clone()).or_insert(Quantity::ZERO);
            *entry = entry.plus(*amount);
        }
        sum.host_ports.extend(taken.host_ports.iter().cloned());
        self.pods.insert(key.clone(), taken);
    }

    fn forget(&mut self, key: &Key) {
        let Some(taken) = self.pods.remove(key) else { return };
        let Some(sum) = self.nodes.get_mut(&taken.node) else { return };
        for (name, amount) in &taken.requests {
            if let Some(entry) = sum.used.get_mut(name) {
                *entry = entry.minus(*amount);
            }
        }
        for port in &taken.host_ports {
            if let Some(at) = sum.host_ports.iter().position(|taken| taken == port) {
                sum.host_ports.swap_remove(at);
            }
        }
    }

    /// Returns a node with what its pods take.
    pub(super) fn of<'a>(&self, node: &'a Value) -> NodeUse<'a> {
        let sum = node["metadata"]["name"].as_str().and_then(|name| self.nodes.get(name));
        let (used, host_ports) = sum.map(|sum| (sum.used.clone(), sum.host_ports.clone())).unwrap_or_default();
        NodeUse { node, used, host_ports }
    }
}
