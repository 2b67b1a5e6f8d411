//! What belongs to the cluster: nodes, namespaces, events, quotas, admission webhooks, API services, metrics.

use jiff::Timestamp;
use serde_json::Value;

use super::{Condition, Meta, NameRef, Texts};

projections! {
    /// A Node.
    pub struct Node {
        metadata: Meta,
        spec: NodeSpec,
        status: NodeStatus,
    }

    /// `spec` of a node.
    pub struct NodeSpec {
        unschedulable: bool,
        taints: Vec<Taint>,
    }

    /// A taint.
    pub struct Taint {
        key: String,
        value: String,
        effect: String,
    }

    /// `status` of a node.
    pub struct NodeStatus {
        allocatable: Texts,
        conditions: Vec<Condition>,
        node_info: NodeInfo,
    }

    /// What a node is.
    pub struct NodeInfo {
        architecture: String,
        kubelet_version: String,
    }

    /// An object of which only the metadata is read.
    pub struct Plain {
        metadata: Meta,
        default: Option<bool>,
    }

    /// An Event.
    pub struct Event {
        metadata: Meta,
        r#type: String,
        reason: String,
        message: String,
        count: i64,
        involved_object: Involved,
        first_timestamp: Option<Timestamp>,
        last_timestamp: Option<Timestamp>,
        event_time: Option<Timestamp>,
        series: Series,
    }

    /// What an event is about.
    pub struct Involved {
        kind: String,
        namespace: String,
        name: String,
        uid: String,
        field_path: String,
    }

    /// How often an event came again.
    pub struct Series {
        count: i64,
        last_observed_time: Option<Timestamp>,
    }

    /// A ResourceQuota.
    pub struct Quota {
        metadata: Meta,
        status: QuotaStatus,
    }

    /// `status` of a quota.
    pub struct QuotaStatus {
        hard: Texts,
        used: Texts,
    }

    /// A LimitRange.
    pub struct LimitRange {
        metadata: Meta,
        spec: Value,
    }

    /// A webhook configuration, validating or mutating.
    pub struct Webhooks {
        metadata: Meta,
        webhooks: Vec<Webhook>,
    }

    /// One webhook.
    pub struct Webhook {
        name: String,
        failure_policy: String,
        client_config: WebhookClient,
    }

    /// Where a webhook is.
    pub struct WebhookClient {
        service: Option<ServiceName>,
    }

    /// A Service by namespace and name.
    pub struct ServiceName {
        namespace: String,
        name: String,
    }

    /// An APIService.
    pub struct ApiService {
        metadata: Meta,
        spec: ApiServiceSpec,
        status: ApiServiceStatus,
    }

    /// `spec` of an APIService.
    pub struct ApiServiceSpec {
        service: Option<ServiceName>,
    }

    /// `status` of an APIService.
    pub struct ApiServiceStatus {
        conditions: Vec<Condition>,
    }

    /// What a pod or a node uses.
    pub struct Usage {
        metadata: Meta,
        containers: Vec<ContainerUsage>,
        usage: Texts,
    }

    /// What a container uses.
    pub struct ContainerUsage {
        name: String,
        usage: Texts,
    }

    /// A ServiceAccount.
    pub struct ServiceAccount {
        metadata: Meta,
        image_pull_secrets: Vec<NameRef>,
        automount_service_account_token: Option<bool>,
    }
}

impl Event {
    /// Returns when the event was last seen.
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.series.last_observed_time.or(self.last_timestamp).or(self.event_time)
    }

    /// Returns how often it was seen.
    pub fn times(&self) -> i64 {
        self.series.count.max(self.count).max(1)
    }
}
