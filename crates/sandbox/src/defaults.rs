//! The values that the API server fills in, by kind.
//!
//! Source: `SetDefaults_*` in `k8s.io/kubernetes/pkg/apis` (v1.37) and the admission plugins that every
//! cluster runs (ServiceAccount, DefaultTolerationSeconds, Priority). Only absent fields are filled;
//! what needs the store (cluster IPs) is in `allocation`.

mod batch;
mod others;
mod pods;
#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::controllers::definitions;
use crate::object::{default, map_at, metadata_mut, time_text};

pub(crate) use batch::{TEMPLATE_GENERATION, count_template};
pub(crate) use pods::{pod, quality_of_service};

/// Fills in the defaults of an object of a served kind. Applying it twice changes nothing.
pub(crate) fn apply(object: &mut Value) {
    // Empty lists of finalizers are not written (`omitempty`).
    if object["metadata"]["finalizers"].as_array().is_some_and(Vec::is_empty) {
        metadata_mut(object).remove("finalizers");
    }
    match object["kind"].as_str().unwrap_or_default() {
        "Pod" => pod(object),
        "Deployment" => deployment(object),
        "ReplicaSet" => {
            default(map_at(object, "spec"), "replicas", 1);
            pods::template(object);
        }
        "StatefulSet" => stateful_set(object),
        "Service" => service(object),
        "Secret" => secret(object),
        "Namespace" => namespace(object),
        "HorizontalPodAutoscaler" => autoscaler(object),
        "RoleBinding" | "ClusterRoleBinding" => binding(object),
        "EndpointSlice" => {
            protocol_of_each(object.get_mut("ports"));
            for port in list_mut(object.get_mut("ports")) {
                if let Some(port) = port.as_object_mut() {
                    default(port, "name", "");
                }
            }
        }
        "Role" | "ClusterRole" => {
            if let Some(role) = object.as_object_mut() {
                default(role, "rules", Value::Null);
            }
        }
        "Event" => event(object),
        "CustomResourceDefinition" => definitions::complete(object),
        "DaemonSet" => batch::daemon_set(object),
        "Job" => batch::job(object),
        "CronJob" => batch::cron_job(object),
        "PersistentVolumeClaim" => others::claim(object),
        "PersistentVolume" => others::volume(object),
        "StorageClass" => others::storage_class(object),
        "LimitRange" => others::limit_range(object),
        "NetworkPolicy" => others::network_policy(object),
        "IngressClass" => others::ingress_class(object),
        "PriorityClass" => others::priority_class(object),
        "Endpoints" => {
            for subset in list_mut(object.get_mut("subsets")) {
                protocol_of_each(subset.get_mut("ports"));
            }
        }
        _ => {}
    }
}

/// Replaces the status by what a new object of the kind starts with: clients cannot set it on creation.
pub(crate) fn initial_status(object: &mut Value, now: Timestamp) {
    let status = match object["kind"].as_str().unwrap_or_default() {
        "Pod" => json!({"phase": "Pending", "qosClass": quality_of_service(&object["spec"])}),
        "ReplicaSet" => json!({"replicas": 0}),
        "StatefulSet" => json!({"replicas": 0, "availableReplicas": 0}),
        "Namespace" => json!({"phase": "Active"}),
        "HorizontalPodAutoscaler" => json!({"currentMetrics": null, "desiredReplicas": 0}),
        "CustomResourceDefinition" => definitions::initial_status(object),
        "PersistentVolumeClaim" => json!({"phase": "Pending"}),
        "PersistentVolume" => json!({"phase": "Pending", "lastPhaseTransitionTime": time_text(now)}),
        "DaemonSet" => json!({
            "currentNumberScheduled": 0, "desiredNumberScheduled": 0, "numberMisscheduled": 0, "numberReady": 0
        }),
        "Deployment" | "Job" | "CronJob" | "ResourceQuota" => json!({}),
        "Service" | "Ingress" => json!({"loadBalancer": {}}),
        "PodDisruptionBudget" => json!({
            "currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0
        }),
        // A kubelet registers its node together with its status.
        _ => return,
    };
    crate::object::set(object, "status", status);
}

fn list_mut(value: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    value.and_then(Value::as_array_mut).into_iter().flatten()
}

fn protocol_of_each(ports: Option<&mut Value>) {
    for port in list_mut(ports) {
        if let Some(port) = port.as_object_mut() {
            default(port, "protocol", "TCP");
        }
    }
}

fn deployment(object: &mut Value) {
    let spec = map_at(object, "spec");
    if spec.get("paused").is_some_and(|paused| *paused == false) {
        spec.remove("paused");
    }
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "progressDeadlineSeconds", 600);
    default(spec, "strategy", json!({}));
    if let Some(strategy) = spec.get_mut("strategy").and_then(Value::as_object_mut) {
        default(strategy, "type", "RollingUpdate");
        if strategy.get("type").is_some_and(|kind| kind == "RollingUpdate") {
            default(strategy, "rollingUpdate", json!({}));
            if let Some(rolling) = strategy.get_mut("rollingUpdate").and_then(Value::as_object_mut) {
                default(rolling, "maxUnavailable", "25%");
                default(rolling, "maxSurge", "25%");
            }
        }
    }
    pods::template(object);
}

fn stateful_set(object: &mut Value) {
    let spec = map_at(object, "spec");
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "podManagementPolicy", "OrderedReady");
    default(spec, "serviceName", "");
    default(spec, "updateStrategy", json!({"type": "RollingUpdate"}));
    default(spec, "persistentVolumeClaimRetentionPolicy", json!({"whenDeleted": "Retain", "whenScaled": "Retain"}));
    if let Some(strategy) = spec.get_mut("updateStrategy").and_then(Value::as_object_mut) {
        default(strategy, "type", "RollingUpdate");
        if strategy.get("type").is_some_and(|kind| kind == "RollingUpdate") {
            default(strategy, "rollingUpdate", json!({}));
            if let Some(rolling) = strategy.get_mut("rollingUpdate").and_then(Value::as_object_mut) {
                default(rolling, "partition", 0);
                default(rolling, "maxUnavailable", 1);
            }
        }
    }
    for claim in list_mut(spec.get_mut("volumeClaimTemplates")) {
        crate::object::set(claim, "apiVersion", "v1");
        crate::object::set(claim, "kind", "PersistentVolumeClaim");
        default(map_at(claim, "spec"), "volumeMode", "Filesystem");
        default(map_at(claim, "status"), "phase", "Pending");
    }
    pods::template(object);
}

fn service(object: &mut Value) {
    let spec = map_at(object, "spec");
    default(spec, "type", "ClusterIP");
    default(spec, "sessionAffinity", "None");
    for port in list_mut(spec.get_mut("ports")) {
        if let Some(port) = port.as_object_mut() {
            default(port, "protocol", "TCP");
            // Go writes an unset target as 0.
            let is_unset = port.get("targetPort").is_none_or(|target| *target == 0 || *target == "");
            if let Some(number) = port.get("port").cloned().filter(|_| is_unset) {
                port.insert("targetPort".into(), number);
            }
        }
    }
    let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind != "ExternalName" {
        default(spec, "internalTrafficPolicy", "Cluster");
        default(spec, "ipFamilies", json!(["IPv4"]));
        default(spec, "ipFamilyPolicy", "SingleStack");
    }
    if kind == "NodePort" || kind == "LoadBalancer" {
        default(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", true);
    }
}

/// Moves `stringData`, which is write-only, into `data`.
fn secret(object: &mut Value) {
    let Some(map) = object.as_object_mut() else { return };
    default(map, "type", "Opaque");
    let Some(Value::Object(plain)) = map.remove("stringData") else { return };
    let data = map_at(object, "data");
    for (key, value) in plain {
        if let Value::String(text) = value {
            data.insert(key, STANDARD.encode(text).into());
        }
    }
}

fn namespace(object: &mut Value) {
    let name = crate::object::name(object).to_owned();
    let labels = metadata_mut(object).entry("labels").or_insert(json!({}));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert("kubernetes.io/metadata.name".into(), name.into());
    }
    let terminating = crate::object::is_terminating(object);
    let spec = map_at(object, "spec");
    if !terminating {
        default(spec, "finalizers", json!(["kubernetes"]));
    }
    default(map_at(object, "status"), "phase", "Active");
}

fn autoscaler(object: &mut Value) {
    let spec = map_at(object, "spec");
    default(spec, "minReplicas", 1);
    scaling_behavior(spec);
    default(
        spec,
        "metrics",
        json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]),
    );
}

/// Fields that an Event writes also when they are empty.
fn event(object: &mut Value) {
    let Some(event) = object.as_object_mut() else { return };
    default(event, "eventTime", Value::Null);
    default(event, "source", json!({}));
    default(event, "firstTimestamp", Value::Null);
    default(event, "lastTimestamp", Value::Null);
    default(event, "reportingComponent", "");
    default(event, "reportingInstance", "");
}

/// Source: `SetDefaults_HorizontalPodAutoscaler` and `GenerateHPAScale*Rules` of `pkg/apis/autoscaling/v2`.
fn scaling_behavior(spec: &mut serde_json::Map<String, Value>) {
    let Some(behavior) = spec.get_mut("behavior").filter(|it| it.is_object()) else { return };
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let up = map_at(behavior, "scaleUp");
    default(up, "stabilizationWindowSeconds", 0);
    default(up, "selectPolicy", "Max");
    default(up, "policies", json!([{"type": "Pods", "value": 4, "periodSeconds": 15}, percent.clone()]));
    let down = map_at(behavior, "scaleDown");
    default(down, "selectPolicy", "Max");
    default(down, "policies", json!([percent]));
}

fn binding(object: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    if let Some(role) = object.get_mut("roleRef").and_then(Value::as_object_mut) {
        default(role, "apiGroup", GROUP);
    }
    for subject in list_mut(object.get_mut("subjects")) {
        if let Some(subject) = subject.as_object_mut()
            && subject.get("kind").is_some_and(|kind| kind == "User" || kind == "Group")
        {
            default(subject, "apiGroup", GROUP);
        }
    }
}
