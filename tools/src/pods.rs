//! What a pod's status means: the STATUS, READY and RESTARTS that kubectl prints.
//!
//! Why a pod is not well is decided in kube-rules, so that every part of the program says the same.
//! Source: `printPod` in kubernetes/pkg/printers/internalversion/printers.go.

use jiff::Timestamp;
use serde_json::Value;

use crate::{durations, value};

/// A pod's line as kubectl prints it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodStatus {
    /// The STATUS column, for example `Running` or `Init:CrashLoopBackOff`.
    pub(crate) status: String,
    /// How many containers are ready.
    pub(crate) ready: usize,
    /// How many containers there are, restartable init containers included.
    pub(crate) containers: usize,
    /// How often containers were restarted.
    pub(crate) restarts: i64,
    /// When a container last ended.
    pub(crate) last_restart: Option<Timestamp>,
}

impl PodStatus {
    /// The paths of all that a pod's line reads, its node included.
    pub(crate) const READS: &[&str] = &[
        "metadata.deletionTimestamp",
        "spec.nodeName",
        "spec.containers.name",
        "spec.initContainers.name",
        "spec.initContainers.restartPolicy",
        "status.phase",
        "status.reason",
        "status.conditions.type",
        "status.conditions.status",
        "status.conditions.reason",
        "status.initContainerStatuses.name",
        "status.initContainerStatuses.ready",
        "status.initContainerStatuses.started",
        "status.initContainerStatuses.restartCount",
        "status.initContainerStatuses.state",
        "status.initContainerStatuses.lastState.terminated.finishedAt",
        "status.containerStatuses.ready",
        "status.containerStatuses.restartCount",
        "status.containerStatuses.state",
        "status.containerStatuses.lastState.terminated.finishedAt",
    ];

    /// Reads a pod.
    pub(crate) fn of(pod: &Value) -> Self {
        let phase = value::text(pod, "/status/phase");
        let mut shown = Self {
            status: value::some_text(pod, "/status/reason").unwrap_or(phase).to_owned(),
            ready: 0,
            containers: value::items(pod, "/spec/containers").len(),
            restarts: 0,
            last_restart: None,
        };
        let gated = value::condition(pod, "PodScheduled")
            .is_some_and(|condition| value::text(condition, "/reason") == "SchedulingGated");
        if gated {
            "SchedulingGated".clone_into(&mut shown.status);
        }
        let initializing = shown.read_init_containers(pod);
        if !initializing || value::condition_holds(pod, "Initialized") {
            shown.read_containers(pod, initializing);
        }
        if value::some_text(pod, "/metadata/deletionTimestamp").is_some() {
            if value::text(pod, "/status/reason") == "NodeLost" {
                "Unknown".clone_into(&mut shown.status);
            } else if !matches!(phase, "Succeeded" | "Failed") {
                "Terminating".clone_into(&mut shown.status);
            }
        }
        shown
    }

    /// Returns whether an init container has not done its work.
    fn read_init_containers(&mut self, pod: &Value) -> bool {
        let specs = value::items(pod, "/spec/initContainers");
        let is_sidecar = |name: &str| {
            specs.iter().any(|spec| value::name_of(spec) == name && value::text(spec, "/restartPolicy") == "Always")
        };
        self.containers += specs.iter().filter(|spec| value::text(spec, "/restartPolicy") == "Always").count();
        for (index, container) in value::items(pod, "/status/initContainerStatuses").iter().enumerate() {
            self.count_restarts(container);
            let sidecar = is_sidecar(value::name_of(container));
            let ended = container.pointer("/state/terminated").filter(|ended| !ended.is_null());
            if ended.is_some_and(|ended| value::number(ended, "/exitCode") == Some(0)) {
                continue;
            }
            if sidecar && value::is_true(container, "/started") {
                self.ready += usize::from(value::is_true(container, "/ready"));
                continue;
            }
            let waiting = value::some_text(container, "/state/waiting/reason");
            self.status = match (ended, waiting) {
                (Some(ended), _) => format!("Init:{}", end_of(ended)),
                (None, Some(reason)) if reason != "PodInitializing" => format!("Init:{reason}"),
                (None, _) => format!("Init:{index}/{}", specs.len()),
            };
            return true;
        }
        false
    }

    fn read_containers(&mut self, pod: &Value, initializing: bool) {
        if !initializing {
            // kubectl counts the restarts of ordinary init containers only while they run.
            (self.restarts, self.last_restart) = (0, None);
            let specs = value::items(pod, "/spec/initContainers");
            for container in value::items(pod, "/status/initContainerStatuses") {
                let sidecar = specs.iter().any(|spec| {
                    value::name_of(spec) == value::name_of(container) && value::text(spec, "/restartPolicy") == "Always"
                });
                if sidecar {
                    self.count_restarts(container);
                }
            }
        }
        let mut has_running = false;
        for container in value::items(pod, "/status/containerStatuses").iter().rev() {
            self.count_restarts(container);
            let ended = container.pointer("/state/terminated").filter(|ended| !ended.is_null());
            if let Some(reason) = value::some_text(container, "/state/waiting/reason") {
                reason.clone_into(&mut self.status);
            } else if let Some(ended) = ended {
                self.status = end_of(ended);
            } else if value::is_true(container, "/ready") && container.pointer("/state/running").is_some() {
                has_running = true;
                self.ready += 1;
            }
        }
        if self.status == "Completed" && has_running {
            let ready = value::condition_holds(pod, "Ready");
            if ready { "Running" } else { "NotReady" }.clone_into(&mut self.status);
        }
    }

    fn count_restarts(&mut self, container: &Value) {
        self.restarts += value::number(container, "/restartCount").unwrap_or(0);
        let last = value::instant(container, "/lastState/terminated/finishedAt");
        self.last_restart = self.last_restart.max(last);
    }

    /// Returns the READY column.
    pub(crate) fn ready_text(&self) -> String {
        format!("{}/{}", self.ready, self.containers)
    }

    /// Returns the RESTARTS column.
    pub(crate) fn restarts_text(&self, now: Timestamp) -> String {
        match self.last_restart {
            Some(last) if self.restarts > 0 => {
                format!("{} ({} ago)", self.restarts, durations::age(Some(last), now))
            }
            _ => self.restarts.to_string(),
        }
    }

    /// Returns whether the pod has finished its work.
    pub(crate) fn is_completed(&self) -> bool {
        matches!(self.status.as_str(), "Completed" | "Succeeded")
    }

    /// Returns whether every container is ready and the pod stays.
    pub(crate) fn is_ready(&self) -> bool {
        self.status == "Running" && self.ready == self.containers
    }

    /// Returns whether the pod fails by itself, not merely not yet ready.
    pub(crate) fn is_failing(&self) -> bool {
        let status = self.status.trim_start_matches("Init:");
        ["BackOff", "Err", "Error", "Failed", "OOMKilled", "ExitCode", "Signal", "Evicted", "Invalid", "CannotRun"]
            .iter()
            .any(|sign| status.contains(sign))
    }
}

fn end_of(terminated: &Value) -> String {
    if let Some(reason) = value::some_text(terminated, "/reason") {
        return reason.to_owned();
    }
    match value::number(terminated, "/signal") {
        Some(signal) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{}", value::number(terminated, "/exitCode").unwrap_or(0)),
    }
}

/// Returns why a pod is not well, in one line; `None` for one that is ready, done or leaving.
pub(crate) fn trouble(pod: &Value) -> Option<String> {
    let trouble = todo_agent_kube_rules::pods::trouble(pod)?;
    Some(if trouble.message.is_empty() { trouble.reason } else { format!("{}: {}", trouble.reason, trouble.message) })
}

/// Returns how a container ended: `OOMKilled (exit code 137)`.
pub(crate) fn end_with_code(terminated: &Value) -> String {
    let code = value::number(terminated, "/exitCode").unwrap_or(0);
    let reason = value::some_text(terminated, "/reason").unwrap_or("ended");
    match value::some_text(terminated, "/message") {
        Some(message) => format!("{reason} (exit code {code}): {}", message.trim()),
        None => format!("{reason} (exit code {code})"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &Value) -> Value {
        let names: Vec<Value> = vec![json!({"name": "app"})];
        json!({"metadata": {"name": "p"}, "spec": {"containers": names, "initContainers": [{"name": "setup"}]}, "status": status})
    }

    fn line(pod: &Value) -> String {
        let shown = PodStatus::of(pod);
        format!("{} {} {}", shown.ready_text(), shown.status, shown.restarts)
    }

    #[test]
    fn the_status_is_the_one_kubectl_prints() {
        let done = json!([{"name": "setup", "state": {"terminated": {"exitCode": 0}}, "restartCount": 2}]);
        let running = pod(&json!({"phase": "Running", "initContainerStatuses": done,
            "containerStatuses": [{"name": "app", "ready": true, "restartCount": 0, "state": {"running": {}}}]}));
        assert_eq!(line(&running), "1/1 Running 0");
        let crashing = pod(&json!({"phase": "Running", "initContainerStatuses": done, "containerStatuses": [
            {"name": "app", "ready": false, "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}));
        assert_eq!(line(&crashing), "0/1 CrashLoopBackOff 4");
        let init_waits = pod(&json!({"phase": "Pending", "initContainerStatuses": [
            {"name": "setup", "restartCount": 0, "state": {"running": {}}}]}));
        assert_eq!(line(&init_waits), "0/1 Init:0/1 0");
        let init_fails = pod(&json!({"phase": "Pending", "initContainerStatuses": [
            {"name": "setup", "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}));
        assert_eq!(line(&init_fails), "0/1 Init:CrashLoopBackOff 3");
        let init_error = pod(&json!({"phase": "Failed", "initContainerStatuses": [
            {"name": "setup", "restartCount": 0, "state": {"terminated": {"exitCode": 3}}}]}));
        assert_eq!(line(&init_error), "0/1 Init:ExitCode:3 0");
        let completed = pod(&json!({"phase": "Succeeded", "initContainerStatuses": done, "containerStatuses": [
            {"name": "app", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]}));
        assert_eq!(line(&completed), "0/1 Completed 0");
        let evicted = pod(&json!({"phase": "Failed", "reason": "Evicted"}));
        assert_eq!(line(&evicted), "0/1 Evicted 0");
    }

    #[test]
    fn a_deleted_pod_is_terminating_and_a_sidecar_counts() {
        let mut going = pod(&json!({"phase": "Running", "containerStatuses": []}));
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(PodStatus::of(&going).status, "Terminating");
        let sidecar = json!({"spec": {"containers": [{"name": "app"}], "initContainers": [{"name": "proxy", "restartPolicy": "Always"}]},
            "status": {"phase": "Running",
                "initContainerStatuses": [{"name": "proxy", "ready": true, "started": true, "restartCount": 1, "state": {"running": {}}}],
                "containerStatuses": [{"name": "app", "ready": true, "restartCount": 0, "state": {"running": {}}}]}});
        assert_eq!(line(&sidecar), "2/2 Running 1");
    }
}
