//! Node by node, why a pod does not fit: what is free after the requests of the pods there, which taint is not
//! tolerated, which label lacks. The scheduler's own rules, on projections.

use std::collections::BTreeMap;

use serde_json::Value;
use todo_agent_kube_rules::fit::{matches_affinity, tolerates};
use todo_agent_kube_rules::quantities::Quantity;

use crate::finding::Evidence;
use crate::kind::{Kind, ObjectRef};
use crate::shape::{Node, Pod, PodSpec, Taint, Texts};
use crate::snapshot::Snapshot;

/// How a pod and a node get along.
#[derive(Debug, Clone)]
pub(crate) struct Fit<'s> {
    pub(crate) node: &'s Node,
    used: BTreeMap<String, Quantity>,
    /// The first taint that the pod does not tolerate.
    pub(crate) taint: Option<&'s Taint>,
    /// Whether node selector and affinity allow the node.
    pub(crate) allowed: bool,
    /// How many reasons of the node's own speak against it: cordon, taint, affinity.
    pub(crate) node_reasons: usize,
    /// What is asked for and not free.
    pub(crate) lacking: Vec<String>,
}

impl Fit<'_> {
    pub(crate) fn reference(&self) -> ObjectRef {
        Snapshot::reference(Kind::Node, &self.node.metadata)
    }

    /// Returns what is left of a resource; none where more is taken than there is.
    pub(crate) fn free(&self, resource: &str) -> Quantity {
        let all = quantity(self.node.status.allocatable.get(resource));
        let used = self.used.get(resource).copied().unwrap_or(Quantity::ZERO);
        all.minus(used).max(Quantity::ZERO)
    }

    /// Returns what of the node speaks against the pod.
    pub(crate) fn evidence(&self) -> Vec<Evidence> {
        let object = self.reference();
        let mut found = Vec::new();
        if let Some(taint) = self.taint {
            let at = self.node.spec.taints.iter().position(|one| one == taint).unwrap_or_default();
            found.push(Evidence::field(&object, format!("spec.taints[{at}].key"), &taint.key));
        }
        for resource in &self.lacking {
            if let Some(all) = self.node.status.allocatable.get(resource) {
                found.push(Evidence::field(&object, format!("status.allocatable[{resource}]"), all));
            }
        }
        found
    }
}

/// Returns how a pod fits each node, in the order of names.
pub(crate) fn nodes<'s>(snapshot: &'s Snapshot, pod: &Pod) -> Vec<Fit<'s>> {
    let wanted = requests(&pod.spec);
    let pod = serde_json::to_value(pod).unwrap_or(Value::Null);
    let fit = |node: &'s Node| {
        let mut used: BTreeMap<String, Quantity> = BTreeMap::new();
        for other in snapshot.pods_on(&node.metadata.name) {
            if !matches!(other.status.phase.as_str(), "Succeeded" | "Failed") {
                for (resource, amount) in requests(&other.spec) {
                    let sum = used.entry(resource).or_insert(Quantity::ZERO);
                    *sum = sum.plus(amount);
                }
            }
        }
        let as_json = serde_json::to_value(node).unwrap_or(Value::Null);
        let tainted = node.spec.taints.iter().find(|taint| {
            let alone = serde_json::json!({"spec": {"taints": [taint]}});
            !tolerates(&pod, &alone)
        });
        let allowed = matches_affinity(&pod, &as_json);
        let node_reasons =
            usize::from(node.spec.unschedulable) + usize::from(tainted.is_some()) + usize::from(!allowed);
        let mut fit = Fit { node, used, taint: tainted, allowed, node_reasons, lacking: Vec::new() };
        fit.lacking = wanted
            .iter()
            .filter(|(resource, amount)| **amount > fit.free(resource))
            .map(|(resource, _)| resource.clone())
            .collect();
        fit
    };
    snapshot.objects().nodes.iter().map(fit).collect()
}

/// Returns what the scheduler reserves for a pod; `pods` is one.
pub(crate) fn requests(spec: &PodSpec) -> BTreeMap<String, Quantity> {
    let mut total: BTreeMap<String, Quantity> = BTreeMap::new();
    for container in spec.serving() {
        add(&mut total, &container.resources.requests);
    }
    let mut sidecars: BTreeMap<String, Quantity> = BTreeMap::new();
    for container in &spec.init_containers {
        if container.is_sidecar() {
            add(&mut sidecars, &container.resources.requests);
            continue;
        }
        let mut alone = sidecars.clone();
        add(&mut alone, &container.resources.requests);
        for (resource, amount) in alone {
            let most = total.entry(resource).or_insert(Quantity::ZERO);
            *most = (*most).max(amount);
        }
    }
    add(&mut total, &spec.overhead);
    total.insert("pods".to_owned(), Quantity::from_units(1));
    total
}

fn add(total: &mut BTreeMap<String, Quantity>, amounts: &Texts) {
    for (resource, amount) in amounts {
        let sum = total.entry(resource.clone()).or_insert(Quantity::ZERO);
        *sum = sum.plus(quantity(Some(amount)));
    }
}

/// Returns an amount; what is missing or no quantity is none.
pub(crate) fn quantity(text: Option<&String>) -> Quantity {
    text.and_then(|text| text.parse().ok()).unwrap_or(Quantity::ZERO)
}
