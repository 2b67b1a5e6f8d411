//! Whether a pod fits a node, as the default scheduler decides it: unschedulable nodes, node names,
//! taints, node selectors and affinity, host ports, and requested resources — in the scheduler's order
//! and with its messages. Pure: pods and nodes are JSON values, the caller keeps the sums.
//!
//! Source: `pkg/scheduler/framework/plugins` and `FitError` of Kubernetes 1.37.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::quantities::Quantity;

/// Amounts by resource name (`cpu`, `memory`, `pods`, extended resources).
pub type Amounts = BTreeMap<String, Quantity>;

/// One node with what its pods already take.
#[derive(Debug, Clone)]
pub struct NodeUse<'a> {
    /// The Node object.
    pub node: &'a Value,
    /// The requests of the pods on it; `pods` counts them.
    pub used: Amounts,
    /// Host ports taken, as `protocol/port`.
    pub host_ports: Vec<String>,
}

/// Why no node takes a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unschedulable {
    /// The scheduler's message, as in the `FailedScheduling` event and the `PodScheduled` condition.
    pub message: String,
}

/// Returns what the scheduler reserves for a pod: the larger of the sum over containers (and restartable
/// init containers) and any plain init container, plus overhead. `pods` is always 1.
pub fn pod_requests(pod: &Value) -> Amounts {
    let mut total = Amounts::new();
    for container in items(&pod["spec"]["containers"]) {
        add(&mut total, &container["resources"]);
    }
    let mut sidecars = Amounts::new();
    let mut initial = Amounts::new();
    for container in items(&pod["spec"]["initContainers"]) {
        if container["restartPolicy"] == "Always" {
            add(&mut total, &container["resources"]);
            add(&mut sidecars, &container["resources"]);
        } else {
            let mut alone = sidecars.clone();
            add(&mut alone, &container["resources"]);
            for (name, amount) in alone {
                let entry = initial.entry(name).or_insert(Quantity::ZERO);
                *entry = (*entry).max(amount);
            }
        }
    }
    for (name, amount) in initial {
        let entry = total.entry(name).or_insert(Quantity::ZERO);
        *entry = (*entry).max(amount);
    }
    add_amounts(&mut total, &pod["spec"]["overhead"]);
    total.insert("pods".to_owned(), Quantity::from_units(1));
    total
}

/// Returns the host ports that a pod claims, as `protocol/port`.
pub fn host_ports(pod: &Value) -> Vec<String> {
    items(&pod["spec"]["containers"])
        .flat_map(|container| items(&container["ports"]))
        .filter_map(|port| {
            let number = port["hostPort"].as_u64().filter(|number| *number > 0)?;
            Some(format!("{}/{number}", port["protocol"].as_str().unwrap_or("TCP")))
        })
        .collect()
}

impl<'a> NodeUse<'a> {
    /// Returns the use of a node by the pods bound to it that have not finished.
    pub fn of(node: &'a Value, pods: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut this = Self { node, used: Amounts::new(), host_ports: Vec::new() };
        for pod in pods {
            if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
                continue;
            }
            for (name, amount) in pod_requests(pod) {
                let entry = this.used.entry(name).or_insert(Quantity::ZERO);
                *entry = entry.plus(amount);
            }
            this.host_ports.extend(host_ports(pod));
        }
        this
    }

    /// Returns the amount that pods may take of a resource.
    pub fn allocatable(&self, resource: &str) -> Quantity {
        let status = &self.node["status"];
        let amounts = if status["allocatable"].is_object() { &status["allocatable"] } else { &status["capacity"] };
        quantity(&amounts[resource]).unwrap_or(Quantity::ZERO)
    }

    /// Returns how well the pod would fit: 0 (full) to 100 (empty), the scheduler's "least allocated".
    pub fn score(&self, requests: &Amounts) -> i64 {
        let score = |resource: &str| {
            let capacity = self.allocatable(resource).milli();
            let wanted = amount(&self.used, resource).plus(amount(requests, resource)).milli();
            if capacity == 0 || wanted > capacity {
                return 0;
            }
            let free = i128::from(capacity - wanted) * 100 / i128::from(capacity);
            i64::try_from(free).unwrap_or_default()
        };
        i64::midpoint(score("cpu"), score("memory"))
    }
}

/// What else may speak against a node: volumes that cannot be used there. The scheduler asks last.
pub type Objection<'a> = dyn Fn(&Value) -> Option<&'static str> + 'a;

/// Returns the indices of the nodes that take the pod, best first (ties in the given order).
///
/// # Errors
/// The scheduler's message when none does.
pub fn fit(pod: &Value, nodes: &[NodeUse<'_>]) -> Result<Vec<usize>, Unschedulable> {
    fit_unless(pod, nodes, &|_| None)
}

/// Returns what `fit` does, among the nodes that nothing else speaks against.
///
/// # Errors
/// The scheduler's message when no node takes the pod.
pub fn fit_unless(pod: &Value, nodes: &[NodeUse<'_>], objection: &Objection<'_>) -> Result<Vec<usize>, Unschedulable> {
    if nodes.is_empty() {
        return Err(Unschedulable { message: "no nodes available to schedule pods".to_owned() });
    }
    let requests = pod_requests(pod);
    let mut feasible = Vec::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut preemptable = 0;
    for (index, node) in nodes.iter().enumerate() {
        match rejections(pod, &requests, node, objection) {
            Rejection::None => feasible.push(index),
            Rejection::Unresolvable(found) => count(&mut reasons, found),
            Rejection::Resolvable(found) => {
                preemptable += 1;
                count(&mut reasons, found);
            }
        }
    }
    if feasible.is_empty() {
        return Err(Unschedulable { message: message(nodes.len(), &reasons, preemptable) });
    }
    feasible.sort_by_key(|index| std::cmp::Reverse(nodes[*index].score(&requests)));
    Ok(feasible)
}

fn count(reasons: &mut BTreeMap<String, usize>, found: Vec<String>) {
    for reason in found {
        *reasons.entry(reason).or_default() += 1;
    }
}

/// The scheduler's text: a histogram of reasons sorted as strings, then the same for preemption, which
/// never finds victims here because no pod has a priority.
fn message(total: usize, reasons: &BTreeMap<String, usize>, preemptable: usize) -> String {
    let histogram = |reasons: &BTreeMap<String, usize>| {
        let mut parts: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        parts.sort();
        parts.join(", ")
    };
    let mut preemption = BTreeMap::new();
    if preemptable > 0 {
        preemption.insert("No preemption victims found for incoming pod".to_owned(), preemptable);
    }
    if preemptable < total {
        preemption.insert("Preemption is not helpful for scheduling".to_owned(), total - preemptable);
    }
    format!(
        "0/{total} nodes are available: {}. preemption: 0/{total} nodes are available: {}.",
        histogram(reasons),
        histogram(&preemption)
    )
}

/// What one node says to a pod; the first plugin that refuses decides.
enum Rejection {
    None,
    /// Removing other pods would not help.
    Unresolvable(Vec<String>),
    /// Removing other pods might help.
    Resolvable(Vec<String>),
}

fn rejections(pod: &Value, requests: &Amounts, node: &NodeUse<'_>, objection: &Objection<'_>) -> Rejection {
    let unresolvable = |reason: &str| Rejection::Unresolvable(vec![reason.to_owned()]);
    let spec = &node.node["spec"];
    let unschedulable = Taint { key: "node.kubernetes.io/unschedulable", value: "", effect: "NoSchedule" };
    if spec["unschedulable"] == true && !tolerated(pod, &unschedulable) {
        return unresolvable("node(s) were unschedulable");
    }
    if let Some(name) = pod["spec"]["nodeName"].as_str().filter(|name| !name.is_empty())
        && node.node["metadata"]["name"] != name
    {
        return unresolvable("node(s) didn't match the requested node name");
    }
    if items(&spec["taints"]).any(|taint| blocks(pod, taint)) {
        return unresolvable("node(s) had untolerated taint(s)");
    }
    if !matches_affinity(pod, node.node) {
        return unresolvable("node(s) didn't match Pod's node affinity/selector");
    }
    if host_ports(pod).iter().any(|port| node.host_ports.contains(port)) {
        return Rejection::Resolvable(vec!["node(s) didn't have free ports for the requested pod ports".to_owned()]);
    }
    let mut lacking = Vec::new();
    let mut impossible = false;
    for (resource, wanted) in requests {
        let capacity = node.allocatable(resource);
        if wanted.is_zero() || amount(&node.used, resource).plus(*wanted) <= capacity {
            continue;
        }
        impossible |= *wanted > capacity;
        lacking.push(if resource == "pods" { "Too many pods".to_owned() } else { format!("Insufficient {resource}") });
    }
    match lacking.is_empty() {
        true => objection(node.node).map_or(Rejection::None, unresolvable),
        // Removing pods does not help a pod that is larger than the whole node.
        false if impossible => Rejection::Unresolvable(lacking),
        false => Rejection::Resolvable(lacking),
    }
}

/// Returns whether a pod tolerates the taints of a node that keep pods away.
pub fn tolerates(pod: &Value, node: &Value) -> bool {
    !items(&node["spec"]["taints"]).any(|taint| blocks(pod, taint))
}

struct Taint<'a> {
    key: &'a str,
    value: &'a str,
    effect: &'a str,
}

fn blocks(pod: &Value, taint: &Value) -> bool {
    let effect = text(taint, "effect");
    let taint = Taint { key: text(taint, "key"), value: text(taint, "value"), effect };
    matches!(effect, "NoSchedule" | "NoExecute") && !tolerated(pod, &taint)
}

fn tolerated(pod: &Value, taint: &Taint<'_>) -> bool {
    items(&pod["spec"]["tolerations"]).any(|toleration| {
        let (key, effect) = (text(toleration, "key"), text(toleration, "effect"));
        let exists = text(toleration, "operator") == "Exists";
        (effect.is_empty() || effect == taint.effect)
            && ((key.is_empty() && exists) || key == taint.key)
            && (exists || text(toleration, "value") == taint.value)
    })
}

/// Returns whether a node satisfies the pod's `nodeSelector` and required node affinity.
pub fn matches_affinity(pod: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let selected = pod["spec"]["nodeSelector"]
        .as_object()
        .is_none_or(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)));
    let required = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let mut terms = items(&required["nodeSelectorTerms"]).peekable();
    selected && (terms.peek().is_none() || terms.any(|term| matches_term(term, node)))
}

fn matches_term(term: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let mut expressions = items(&term["matchExpressions"]).peekable();
    let mut fields = items(&term["matchFields"]).peekable();
    if expressions.peek().is_none() && fields.peek().is_none() {
        return false;
    }
    expressions.all(|wanted| matches_expression(wanted, labels[text(wanted, "key")].as_str()))
        && fields.all(|wanted| matches_expression(wanted, node["metadata"]["name"].as_str()))
}

fn matches_expression(wanted: &Value, value: Option<&str>) -> bool {
    let listed = || items(&wanted["values"]).any(|candidate| candidate.as_str() == value);
    let bound = || items(&wanted["values"]).next().and_then(Value::as_str)?.parse::<i64>().ok();
    let number = || value?.parse::<i64>().ok();
    match text(wanted, "operator") {
        "In" => value.is_some() && listed(),
        "NotIn" => value.is_none() || !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => number().zip(bound()).is_some_and(|(number, bound)| number > bound),
        "Lt" => number().zip(bound()).is_some_and(|(number, bound)| number < bound),
        _ => false,
    }
}

fn add(total: &mut Amounts, resources: &Value) {
    add_amounts(total, &resources["requests"]);
    // A limit without a request is its request, as the API server defaults it.
    for (name, amount) in resources["limits"].as_object().into_iter().flatten() {
        if resources["requests"].get(name).is_none()
            && let Some(amount) = quantity(amount)
        {
            let entry = total.entry(name.clone()).or_insert(Quantity::ZERO);
            *entry = entry.plus(amount);
        }
    }
}

fn add_amounts(total: &mut Amounts, amounts: &Value) {
    for (name, amount) in amounts.as_object().into_iter().flatten() {
        if let Some(amount) = quantity(amount) {
            let entry = total.entry(name.clone()).or_insert(Quantity::ZERO);
            *entry = entry.plus(amount);
        }
    }
}

fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

fn amount(amounts: &Amounts, resource: &str) -> Quantity {
    amounts.get(resource).copied().unwrap_or(Quantity::ZERO)
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, cpu: &str) -> Value {
        json!({
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "disk": "ssd"}},
            "status": {"allocatable": {"cpu": cpu, "memory": "8Gi", "pods": "110"}},
        })
    }

    fn pod(cpu: &str) -> Value {
        json!({"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": cpu, "memory": "64Mi"}}}]}})
    }

    fn refusal(pod: &Value, nodes: &[Value]) -> String {
        let uses: Vec<NodeUse<'_>> = nodes.iter().map(|node| NodeUse::of(node, [])).collect();
        fit(pod, &uses).unwrap_err().message
    }

    #[test]
    fn full_nodes_are_told_in_the_schedulers_words() {
        let nodes = [node("a", "1"), node("b", "1"), node("c", "1")];
        let taken = pod("800m");
        let uses: Vec<NodeUse<'_>> = nodes.iter().map(|node| NodeUse::of(node, [&taken])).collect();
        assert_eq!(
            fit(&pod("500m"), &uses).unwrap_err().message,
            "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: \
             3 No preemption victims found for incoming pod."
        );
    }

    #[test]
    fn each_node_gives_its_own_reason() {
        let mut cordoned = node("a", "4");
        cordoned["spec"]["unschedulable"] = json!(true);
        let mut tainted = node("b", "4");
        tainted["spec"]["taints"] = json!([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]);
        assert_eq!(
            refusal(&pod("8"), &[cordoned, tainted, node("c", "4")]),
            "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s), \
             1 node(s) were unschedulable. preemption: 0/3 nodes are available: \
             3 Preemption is not helpful for scheduling."
        );
        assert_eq!(refusal(&pod("1"), &[]), "no nodes available to schedule pods");
    }

    #[test]
    fn a_toleration_opens_a_tainted_node() {
        let mut tainted = node("a", "4");
        tainted["spec"]["taints"] = json!([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]);
        let mut tolerant = pod("1");
        for toleration in [json!({"operator": "Exists"}), json!({"key": "dedicated", "value": "gpu"})] {
            tolerant["spec"]["tolerations"] = json!([toleration]);
            assert_eq!(fit(&tolerant, &[NodeUse::of(&tainted, [])]), Ok(vec![0]));
        }
    }

    #[test]
    fn selectors_and_affinity_choose_nodes() {
        let nodes = [node("a", "4"), node("b", "4")];
        let uses: Vec<NodeUse<'_>> = nodes.iter().map(|node| NodeUse::of(node, [])).collect();
        let mut picky = pod("1");
        picky["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": "b"});
        assert_eq!(fit(&picky, &uses), Ok(vec![1]));
        picky["spec"]["nodeSelector"] = json!({"disk": "hdd"});
        assert!(
            fit(&picky, &uses).unwrap_err().message.contains("2 node(s) didn't match Pod's node affinity/selector")
        );
        let mut affine = pod("1");
        affine["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({"nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]},
                {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["a"]}]}]});
        assert_eq!(fit(&affine, &uses), Ok(vec![1]));
    }

    #[test]
    fn the_emptier_node_comes_first() {
        let nodes = [node("a", "4"), node("b", "4")];
        let busy = pod("3");
        let uses = [NodeUse::of(&nodes[0], [&busy]), NodeUse::of(&nodes[1], [])];
        assert_eq!(fit(&pod("500m"), &uses), Ok(vec![1, 0]));
    }

    #[test]
    fn init_containers_count_by_their_maximum() {
        let pod = json!({"spec": {
            "containers": [{"resources": {"requests": {"cpu": "200m"}}}, {"resources": {"limits": {"cpu": "100m"}}}],
            "initContainers": [{"resources": {"requests": {"cpu": "1"}}},
                {"restartPolicy": "Always", "resources": {"requests": {"cpu": "50m"}}}],
        }});
        assert_eq!(pod_requests(&pod)["cpu"].to_string(), "1");
    }
}
