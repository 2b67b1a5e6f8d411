//! Fails a wait early: when a pod of the newest revision stays in a state it will not leave by itself.
//!
//! The pods are only looked at when progress stops, so that a healthy rollout costs no extra requests.

use serde_json::Value;
use todo_agent_core::{
    ListQuery, Reader, Run, Within,
    lasting::{self, Patience},
};
use todo_agent_kube_rules::{
    kinds,
    pods::{self, Trouble},
};

use crate::cluster::Cluster;

pub(super) struct TroubleWatch<'a> {
    cluster: &'a Cluster,
    run: &'a Run,
    patience: Patience,
}

impl<'a> TroubleWatch<'a> {
    pub(super) fn new(cluster: &'a Cluster, run: &'a Run) -> Self {
        Self { cluster, run, patience: Patience::new(run) }
    }

    /// Returns the reason once a lasting state has held long enough.
    pub(super) async fn look(&mut self, workload: &Value) -> Option<String> {
        let now = self.run.clock.now();
        if !self.patience.wants_to_look(now) {
            return None;
        }
        let Some((pod, trouble)) = self.gravest(workload).await else {
            self.patience.is_over(now, false);
            return None;
        };
        let found = lasting::lasts(self.cluster, &pod, &trouble).await;
        self.patience.is_over(now, found).then(|| describe(&pod, &trouble))
    }

    /// Returns the gravest reason why a pod of the newest revision is not ready, if one is known.
    pub(super) async fn reason(&mut self, workload: &Value) -> Option<String> {
        let (pod, trouble) = self.gravest(workload).await?;
        Some(describe(&pod, &trouble))
    }

    async fn gravest(&self, workload: &Value) -> Option<(Value, Trouble)> {
        let pods = self.newest_pods(workload).await?;
        pods.into_iter()
            .filter_map(|pod| pods::trouble(&pod).map(|trouble| (pod, trouble)))
            .max_by_key(|(_, trouble)| trouble.lasting)
    }

    /// Returns the pods of the workload's newest revision; older ones are leaving anyway.
    async fn newest_pods(&self, workload: &Value) -> Option<Vec<Value>> {
        let namespace = workload["metadata"]["namespace"].as_str()?;
        // Without labels to select by, every pod of the namespace would be blamed.
        let labels = workload["spec"]["selector"]["matchLabels"].as_object().filter(|labels| !labels.is_empty())?;
        let selector: Vec<String> =
            labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
        let selector = selector.join(",");
        let list = |kind: &'static str| {
            let query = kinds::find(kind)
                .map(|kind| ListQuery::new(kind, Within::Namespace(namespace.to_owned())).labels(selector.clone()));
            async move { self.cluster.list(&query?).await.ok() }
        };
        let pods = list("pods").await?;
        let (label, newest) = match workload["kind"].as_str() {
            Some("StatefulSet") => {
                ("controller-revision-hash", workload["status"]["updateRevision"].as_str().map(str::to_owned))
            }
            // Source: k8s.io/api/apps/v1, DaemonSetTemplateGenerationKey and DeprecatedTemplateGeneration; the
            // controller still writes both.
            Some("DaemonSet") => {
                let generation = &workload["metadata"]["annotations"]["deprecated.daemonset.template.generation"];
                ("pod-template-generation", generation.as_str().map(str::to_owned))
            }
            Some("Deployment") if pods.iter().any(|pod| pods::trouble(pod).is_some()) => {
                ("pod-template-hash", list("replicasets").await.and_then(|sets| newest_hash(&sets, workload)))
            }
            _ => ("", None),
        };
        let Some(newest) = newest else { return Some(pods) };
        Some(pods.into_iter().filter(|pod| pod["metadata"]["labels"][label] == newest.as_str()).collect())
    }
}

fn newest_hash(sets: &[Value], deployment: &Value) -> Option<String> {
    sets.iter()
        .filter(|set| {
            set["metadata"]["ownerReferences"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|owner| owner["uid"] == deployment["metadata"]["uid"])
        })
        .max_by_key(|set| {
            set["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
                .as_str()
                .and_then(|revision| revision.parse::<i64>().ok())
        })?["metadata"]["labels"]["pod-template-hash"]
        .as_str()
        .map(str::to_owned)
}

fn describe(pod: &Value, trouble: &Trouble) -> String {
    let name = pod["metadata"]["name"].as_str().unwrap_or("?");
    format!("pod {name}: {}: {}", trouble.reason, trouble.message)
}
