//! Pods: the template part is in `template`, here are the pod itself and what the kubelet says of it.

use jiff::Timestamp;

use super::{Condition, Meta, PodSpec};

projections! {
    /// A Pod.
    pub struct Pod {
        metadata: Meta,
        spec: PodSpec,
        status: PodStatus,
    }

    /// `status` of a pod.
    pub struct PodStatus {
        phase: String,
        reason: String,
        message: String,
        start_time: Option<Timestamp>,
        nominated_node_name: String,
        #[serde(rename = "podIP")]
        pod_ip: String,
        conditions: Vec<Condition>,
        init_container_statuses: Vec<ContainerStatus>,
        container_statuses: Vec<ContainerStatus>,
    }

    /// The status of one container.
    pub struct ContainerStatus {
        name: String,
        ready: bool,
        started: Option<bool>,
        restart_count: i64,
        #[serde(rename = "imageID")]
        image_id: String,
        state: ContainerState,
        last_state: ContainerState,
    }

    /// The state of a container: at most one of them is set.
    pub struct ContainerState {
        waiting: Option<Waiting>,
        running: Option<Running>,
        terminated: Option<Terminated>,
    }

    /// Why a container does not run yet.
    pub struct Waiting {
        reason: String,
        message: String,
    }

    /// Since when a container runs.
    pub struct Running {
        started_at: Option<Timestamp>,
    }

    /// How a container ended.
    pub struct Terminated {
        exit_code: i64,
        signal: i64,
        reason: String,
        message: String,
        started_at: Option<Timestamp>,
        finished_at: Option<Timestamp>,
    }
}
