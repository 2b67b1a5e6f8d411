//! Workloads: one shape for Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs, whose
//! fields do not contradict each other; and the autoscalers and budgets that act on them.

use jiff::Timestamp;
use serde_json::Value;

use super::{Condition, IntOrText, Meta, NameRef, Template};

projections! {
    /// A workload.
    pub struct Workload {
        metadata: Meta,
        spec: WorkloadSpec,
        status: WorkloadStatus,
    }

    /// `spec` of a workload.
    pub struct WorkloadSpec {
        replicas: Option<i64>,
        selector: Value,
        template: Template,
        paused: bool,
        suspend: bool,
        progress_deadline_seconds: Option<i64>,
        min_ready_seconds: i64,
        strategy: Strategy,
        update_strategy: Strategy,
        pod_management_policy: String,
        service_name: String,
        volume_claim_templates: Vec<ClaimTemplate>,
        backoff_limit: Option<i64>,
        active_deadline_seconds: Option<i64>,
        schedule: String,
    }

    /// A claim that a StatefulSet makes for each pod.
    pub struct ClaimTemplate {
        metadata: NameRef,
    }

    /// How pods are replaced.
    pub struct Strategy {
        r#type: String,
        rolling_update: RollingUpdate,
    }

    /// The bounds of a rolling update.
    pub struct RollingUpdate {
        max_unavailable: Option<IntOrText>,
        max_surge: Option<IntOrText>,
        partition: i64,
    }

    /// `status` of a workload.
    pub struct WorkloadStatus {
        observed_generation: i64,
        replicas: i64,
        ready_replicas: i64,
        updated_replicas: i64,
        available_replicas: i64,
        current_revision: String,
        update_revision: String,
        desired_number_scheduled: i64,
        number_ready: i64,
        number_unavailable: i64,
        number_misscheduled: i64,
        active: Count,
        succeeded: i64,
        failed: i64,
        start_time: Option<Timestamp>,
        completion_time: Option<Timestamp>,
        conditions: Vec<Condition>,
    }

    /// A HorizontalPodAutoscaler.
    pub struct Autoscaler {
        metadata: Meta,
        spec: AutoscalerSpec,
        status: AutoscalerStatus,
    }

    /// `spec` of an autoscaler.
    pub struct AutoscalerSpec {
        scale_target_ref: ScaleTarget,
        min_replicas: Option<i64>,
        max_replicas: i64,
        metrics: Vec<Metric>,
    }

    /// What is scaled.
    pub struct ScaleTarget {
        kind: String,
        name: String,
    }

    /// What is measured.
    pub struct Metric {
        r#type: String,
        resource: Option<ResourceMetric>,
    }

    /// A measured resource.
    pub struct ResourceMetric {
        name: String,
        target: Value,
        current: Value,
    }

    /// `status` of an autoscaler.
    pub struct AutoscalerStatus {
        current_replicas: i64,
        desired_replicas: i64,
        current_metrics: Vec<Metric>,
        conditions: Vec<Condition>,
    }

    /// A PodDisruptionBudget.
    pub struct Budget {
        metadata: Meta,
        spec: BudgetSpec,
        status: BudgetStatus,
    }

    /// `spec` of a budget.
    pub struct BudgetSpec {
        min_available: Option<IntOrText>,
        max_unavailable: Option<IntOrText>,
        selector: Value,
        unhealthy_pod_eviction_policy: String,
    }

    /// `status` of a budget.
    pub struct BudgetStatus {
        observed_generation: i64,
        disruptions_allowed: i64,
        current_healthy: i64,
        desired_healthy: i64,
        expected_pods: i64,
        conditions: Vec<Condition>,
    }
}

/// `active`: a Job counts its pods, a CronJob lists its Jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Count(pub i64);

impl<'de> serde::Deserialize<'de> for Count {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value: Value = serde::Deserialize::deserialize(from)?;
        let listed = value.as_array().map(|list| i64::try_from(list.len()).unwrap_or(i64::MAX));
        Ok(Self(listed.or_else(|| value.as_i64()).unwrap_or_default()))
    }
}
