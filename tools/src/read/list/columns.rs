//! The columns of each kind, as kubectl prints them, and what a row says about its object's health.
//!
//! Source: pkg/printers/internalversion/printers.go of Kubernetes; `-o wide` columns are left out except
//! a pod's node.

use jiff::Timestamp;
use serde_json::{Map, Value};
use todo_agent_core::{ListQuery, ResourceType, Within};

use crate::{durations, pods::PodStatus, value, workloads};

/// One object as a line of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) cells: Vec<String>,
    pub(super) status: String,
    pub(super) health: Health,
    pub(super) is_pending: bool,
    pub(super) restarts: i64,
    pub(super) created: Option<Timestamp>,
}

/// How an object does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Ready,
    NotReady,
    Failing,
    Completed,
    /// The kind has no such notion.
    Unknown,
}

impl Health {
    pub(super) fn is_not_ready(self) -> bool {
        matches!(self, Self::NotReady | Self::Failing)
    }
}

impl Row {
    /// Returns the row as data, one field per column; `names` are those of [`field_names`].
    pub(super) fn data(&self, names: &[String]) -> Value {
        let mut fields = Map::new();
        if !self.namespace.is_empty() {
            fields.insert("namespace".to_owned(), Value::from(self.namespace.as_str()));
        }
        fields.extend(names.iter().zip(&self.cells).map(|(name, cell)| (name.clone(), Value::from(cell.as_str()))));
        Value::Object(fields)
    }
}

/// Returns the request for all that rows of this type show, and no more.
pub(super) fn query(resource: &ResourceType, within: Within) -> ListQuery {
    let named = ["metadata.name", "metadata.namespace", "metadata.creationTimestamp"];
    let query = ListQuery::new(resource.clone(), within).only(&[&named[..], reads(resource)].concat());
    if needs_metadata_only(resource) { query.metadata_only() } else { query }
}

/// Returns whether objects of this type are listed without their content: a Secret's must never be
/// read, a ConfigMap's is large and not shown.
fn needs_metadata_only(resource: &ResourceType) -> bool {
    matches!((resource.group.as_str(), resource.kind.as_str()), ("", "Secret" | "ConfigMap" | "ServiceAccount"))
}

/// Returns whether rows of this type say how the object does.
pub(super) fn has_status(resource: &ResourceType) -> bool {
    let columns = columns(resource);
    columns.iter().any(|column| matches!(*column, "STATUS" | "READY" | "TYPE"))
        && !matches!(resource.kind.as_str(), "Service")
}

/// Returns the names of the columns.
pub(super) fn columns(resource: &ResourceType) -> &'static [&'static str] {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") => &["NAME", "READY", "STATUS", "RESTARTS", "AGE", "NODE"],
        ("", "Service") => &["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORTS", "AGE"],
        ("", "Node") => &["NAME", "STATUS", "ROLES", "AGE", "VERSION"],
        ("", "Namespace") => &["NAME", "STATUS", "AGE"],
        ("", "Event") => &["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"],
        ("", "PersistentVolumeClaim") => {
            &["NAME", "STATUS", "VOLUME", "CAPACITY", "ACCESS MODES", "STORAGECLASS", "AGE"]
        }
        ("", "PersistentVolume") => &["NAME", "STATUS", "CAPACITY", "CLAIM", "STORAGECLASS", "AGE"],
        ("apps", "Deployment") => &["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"],
        ("apps", "StatefulSet") => &["NAME", "READY", "AGE"],
        ("apps", "DaemonSet") => &["NAME", "DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"],
        ("apps", "ReplicaSet") => &["NAME", "DESIRED", "CURRENT", "READY", "AGE"],
        ("batch", "Job") => &["NAME", "STATUS", "COMPLETIONS", "AGE"],
        ("batch", "CronJob") => &["NAME", "SCHEDULE", "SUSPEND", "ACTIVE", "LAST SCHEDULE", "AGE"],
        ("autoscaling", _) => &["NAME", "REFERENCE", "MINPODS", "MAXPODS", "REPLICAS", "AGE"],
        ("networking.k8s.io", "Ingress") => &["NAME", "CLASS", "HOSTS", "ADDRESS", "AGE"],
        ("networking.k8s.io", "NetworkPolicy") => &["NAME", "POD-SELECTOR", "AGE"],
        ("policy", "PodDisruptionBudget") => {
            &["NAME", "MIN AVAILABLE", "MAX UNAVAILABLE", "ALLOWED DISRUPTIONS", "AGE"]
        }
        ("storage.k8s.io", "StorageClass") => &["NAME", "PROVISIONER", "RECLAIM", "BINDING", "EXPANSION", "AGE"],
        _ => &["NAME", "AGE"],
    }
}

/// Returns what the columns are called in a row's data.
pub(super) fn field_names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|column| column.to_lowercase().replace([' ', '-'], "_")).collect()
}

/// Returns what [`row`] reads of an object of this type, beside its name, namespace and age.
fn reads(resource: &ResourceType) -> &'static [&'static str] {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") => PodStatus::READS,
        ("", "Service") => &["spec.type", "spec.clusterIP", "spec.externalIPs", "spec.ports", "status.loadBalancer"],
        ("", "Node") => &[
            "metadata.labels",
            "spec.unschedulable",
            "status.conditions.type",
            "status.conditions.status",
            "status.nodeInfo.kubeletVersion",
        ],
        ("", "Namespace") => &["status.phase"],
        ("", "Event") => &["lastTimestamp", "eventTime", "type", "reason", "involvedObject", "message"],
        ("", "PersistentVolumeClaim") => &["spec.volumeName", "spec.storageClassName", "status"],
        ("", "PersistentVolume") => &["spec.capacity", "spec.claimRef", "spec.storageClassName", "status.phase"],
        ("apps", _) => &["spec.replicas", "status"],
        ("batch", "Job") => &["spec.completions", "status"],
        ("batch", "CronJob") => &["spec.schedule", "spec.suspend", "status"],
        ("autoscaling", _) => {
            &["spec.scaleTargetRef", "spec.minReplicas", "spec.maxReplicas", "status.currentReplicas"]
        }
        ("networking.k8s.io", "Ingress") => &["spec.ingressClassName", "spec.rules.host", "status.loadBalancer"],
        ("networking.k8s.io", "NetworkPolicy") => &["spec.podSelector"],
        ("policy", "PodDisruptionBudget") => &["spec.minAvailable", "spec.maxUnavailable", "status.disruptionsAllowed"],
        ("storage.k8s.io", "StorageClass") => {
            &["provisioner", "reclaimPolicy", "volumeBindingMode", "allowVolumeExpansion", "metadata.annotations"]
        }
        _ => &[],
    }
}

/// Returns an object's row.
pub(super) fn row(resource: &ResourceType, object: &Value, now: Timestamp) -> Row {
    let created = value::instant(object, "/metadata/creationTimestamp");
    let mut row = Row {
        name: value::name(object).to_owned(),
        namespace: value::text(object, "/metadata/namespace").to_owned(),
        cells: Vec::new(),
        status: String::new(),
        health: Health::Unknown,
        is_pending: false,
        restarts: 0,
        created,
    };
    let age = durations::age(created, now);
    let name = row.name.clone();
    let text = |pointer: &str| value::some_text(object, pointer).unwrap_or("<none>").to_owned();
    let number = |pointer: &str| value::number(object, pointer).unwrap_or(0).to_string();
    let mut is = |status: &str, health: Health| {
        status.clone_into(&mut row.status);
        row.health = health;
    };
    row.cells = match (resource.group.as_str(), resource.kind.as_str()) {
        ("", "Pod") => {
            let shown = PodStatus::of(object);
            is(&shown.status, pod_health(&shown));
            row.is_pending = value::text(object, "/status/phase") == "Pending";
            row.restarts = shown.restarts;
            let node = text("/spec/nodeName");
            vec![name, shown.ready_text(), shown.status.clone(), shown.restarts_text(now), age, node]
        }
        ("apps", kind @ ("Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")) => {
            let (ready, desired) = (workloads::ready(object), workloads::desired(object));
            let failed = value::condition(object, "Progressing")
                .is_some_and(|condition| value::text(condition, "/reason") == "ProgressDeadlineExceeded");
            is("", if failed { Health::Failing } else { health(ready >= desired) });
            let of = format!("{ready}/{desired}");
            let (updated, available) = (workloads::updated(object), workloads::available(object));
            match kind {
                "Deployment" => vec![name, of, updated.to_string(), available.to_string(), age],
                "StatefulSet" => vec![name, of, age],
                "DaemonSet" => vec![
                    name,
                    desired.to_string(),
                    number("/status/currentNumberScheduled"),
                    ready.to_string(),
                    updated.to_string(),
                    available.to_string(),
                    age,
                ],
                _ => vec![name, desired.to_string(), number("/status/replicas"), ready.to_string(), age],
            }
        }
        ("", "Service") => {
            vec![name, text("/spec/type"), text("/spec/clusterIP"), external_addresses(object), ports(object), age]
        }
        ("", "Node") => {
            let status = node_status(object);
            is(&status, health(status.starts_with("Ready")));
            vec![name, status, roles(object), age, text("/status/nodeInfo/kubeletVersion")]
        }
        ("", "Namespace") => {
            let status = text("/status/phase");
            is(&status, health(status == "Active"));
            vec![name, status, age]
        }
        ("", "Event") => {
            let last = value::some_text(object, "/lastTimestamp").or_else(|| value::some_text(object, "/eventTime"));
            let last = last.and_then(|last| last.parse().ok()).or(created);
            is(&text("/type"), Health::Unknown);
            let about = format!(
                "{}/{}",
                value::text(object, "/involvedObject/kind").to_lowercase(),
                value::text(object, "/involvedObject/name")
            );
            vec![durations::age(last, now), text("/type"), text("/reason"), about, text("/message").trim().to_owned()]
        }
        ("", "PersistentVolumeClaim") => {
            let status = text("/status/phase");
            is(&status, health(status == "Bound"));
            row.is_pending = status == "Pending";
            let modes: Vec<String> = value::items(object, "/status/accessModes").iter().map(value::plain).collect();
            let (volume, capacity) = (text("/spec/volumeName"), text("/status/capacity/storage"));
            vec![name, status, volume, capacity, modes.join(","), text("/spec/storageClassName"), age]
        }
        ("", "PersistentVolume") => {
            let status = text("/status/phase");
            is(&status, health(matches!(status.as_str(), "Bound" | "Available")));
            let claim = match value::some_text(object, "/spec/claimRef/name") {
                Some(claim) => format!("{}/{claim}", value::text(object, "/spec/claimRef/namespace")),
                None => "<none>".to_owned(),
            };
            vec![name, status, text("/spec/capacity/storage"), claim, text("/spec/storageClassName"), age]
        }
        ("batch", "Job") => {
            let (status, health) = job_status(object);
            is(status, health);
            let completions = value::number(object, "/spec/completions").unwrap_or(1);
            vec![name, status.to_owned(), format!("{}/{completions}", number("/status/succeeded")), age]
        }
        ("batch", "CronJob") => {
            let suspended = value::is_true(object, "/spec/suspend").to_string();
            let active = value::items(object, "/status/active").len().to_string();
            let last = value::instant(object, "/status/lastScheduleTime");
            let last = if last.is_some() { durations::age(last, now) } else { "<none>".to_owned() };
            vec![name, text("/spec/schedule"), suspended, active, last, age]
        }
        ("autoscaling", _) => {
            let target = format!(
                "{}/{}",
                value::text(object, "/spec/scaleTargetRef/kind"),
                value::text(object, "/spec/scaleTargetRef/name")
            );
            let minimum = value::number(object, "/spec/minReplicas").unwrap_or(1).to_string();
            vec![name, target, minimum, number("/spec/maxReplicas"), number("/status/currentReplicas"), age]
        }
        ("networking.k8s.io", "Ingress") => {
            let hosts: Vec<&str> =
                value::items(object, "/spec/rules").iter().filter_map(|rule| value::some_text(rule, "/host")).collect();
            let hosts = if hosts.is_empty() { "*".to_owned() } else { hosts.join(",") };
            vec![name, text("/spec/ingressClassName"), hosts, external_addresses(object), age]
        }
        ("networking.k8s.io", "NetworkPolicy") => {
            let pods = value::entries(object, "/spec/podSelector/matchLabels")
                .map(|(key, label)| format!("{key}={}", value::plain(label)))
                .collect::<Vec<_>>();
            let more = !value::items(object, "/spec/podSelector/matchExpressions").is_empty();
            let shown = match (pods.is_empty(), more) {
                // kubectl's word for a selector that selects every pod.
                (true, false) => "<none>".to_owned(),
                (_, true) => [pods.join(","), "…".to_owned()].concat(),
                (false, false) => pods.join(","),
            };
            vec![name, shown, age]
        }
        ("policy", "PodDisruptionBudget") => {
            let share = |field: &str| object["spec"].get(field).map_or_else(|| "N/A".to_owned(), value::plain);
            let allowed = number("/status/disruptionsAllowed");
            vec![name, share("minAvailable"), share("maxUnavailable"), allowed, age]
        }
        ("storage.k8s.io", "StorageClass") => {
            let default = value::meta(object, "annotations", "storageclass.kubernetes.io/is-default-class");
            let name = if default == Some("true") { format!("{name} (default)") } else { name };
            let grows = value::is_true(object, "/allowVolumeExpansion").to_string();
            vec![name, text("/provisioner"), text("/reclaimPolicy"), text("/volumeBindingMode"), grows, age]
        }
        _ => vec![name, age],
    };
    row
}

fn health(ready: bool) -> Health {
    if ready { Health::Ready } else { Health::NotReady }
}

fn pod_health(shown: &PodStatus) -> Health {
    match shown {
        _ if shown.is_completed() => Health::Completed,
        _ if shown.is_ready() => Health::Ready,
        _ if shown.is_failing() => Health::Failing,
        _ => Health::NotReady,
    }
}

fn job_status(job: &Value) -> (&'static str, Health) {
    if value::condition_holds(job, "Complete") {
        ("Complete", Health::Completed)
    } else if value::condition_holds(job, "Failed") {
        ("Failed", Health::Failing)
    } else if value::condition_holds(job, "Suspended") {
        ("Suspended", Health::Unknown)
    } else {
        ("Running", Health::Unknown)
    }
}

fn node_status(node: &Value) -> String {
    let status = match value::condition(node, "Ready").map(|ready| value::text(ready, "/status")) {
        Some("True") => "Ready",
        // Also where nobody has heard of the node: its condition is then "Unknown", its status is not.
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let fenced = if value::is_true(node, "/spec/unschedulable") { ",SchedulingDisabled" } else { "" };
    format!("{status}{fenced}")
}

fn roles(node: &Value) -> String {
    let roles: Vec<&str> = value::entries(node, "/metadata/labels")
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
        .filter(|role| !role.is_empty())
        .collect();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

fn external_addresses(object: &Value) -> String {
    let balancer = value::items(object, "/status/loadBalancer/ingress");
    let given = value::items(object, "/spec/externalIPs").iter().map(value::plain);
    let addresses: Vec<String> = balancer
        .iter()
        .filter_map(|one| value::some_text(one, "/ip").or_else(|| value::some_text(one, "/hostname")))
        .map(str::to_owned)
        .chain(given)
        .collect();
    match (addresses.is_empty(), value::text(object, "/spec/type")) {
        (false, _) => addresses.join(","),
        (true, "LoadBalancer") => "<pending>".to_owned(),
        (true, _) => "<none>".to_owned(),
    }
}

/// Returns a Service's ports as kubectl writes them: `80:30080/TCP`.
pub(crate) fn ports(service: &Value) -> String {
    let ports: Vec<String> = value::items(service, "/spec/ports")
        .iter()
        .map(|port| {
            let number = value::number(port, "/port").unwrap_or(0);
            let protocol = value::some_text(port, "/protocol").unwrap_or("TCP");
            match value::number(port, "/nodePort") {
                Some(node) if node != 0 => format!("{number}:{node}/{protocol}"),
                _ => format!("{number}/{protocol}"),
            }
        })
        .collect();
    if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") }
}
