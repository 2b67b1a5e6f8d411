//! The cells of a pod: one word for the state of all its containers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age::since;
use super::{list, name, number, or, text};

/// Restarts so far, and when the last one ended its predecessor.
#[derive(Debug, Default, Clone, Copy)]
struct Restarts<'a> {
    count: i64,
    last: &'a str,
}

impl<'a> Restarts<'a> {
    fn add(&mut self, container: &'a Value) {
        self.count += number(&container["restartCount"]);
        // Timestamps of one form order as their texts do.
        self.last = self.last.max(text(&container["lastState"]["terminated"]["finishedAt"]));
    }

    fn cell(self, now: Timestamp) -> String {
        if self.count == 0 || self.last.is_empty() {
            return self.count.to_string();
        }
        format!("{} ({} ago)", self.count, since(&self.last.into(), now))
    }
}

/// What containers say about their pod.
#[derive(Debug, Default)]
struct Summary<'a> {
    reason: String,
    ready: usize,
    restarts: Restarts<'a>,
}

/// Returns the cells of a pod.
pub(super) fn pod(pod: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&pod["spec"], &pod["status"]);
    let sidecars = list(&spec["initContainers"]).iter().filter(|it| is_sidecar(it)).count();
    let total = list(&spec["containers"]).len() + sidecars;
    let summary = summary(pod);
    let phase = text(&status["phase"]);
    let is_going = pod["metadata"]["deletionTimestamp"].is_string();
    let reason = if is_going && status["reason"] == "NodeLost" {
        "Unknown"
    } else if is_going && !["Succeeded", "Failed"].contains(&phase) {
        "Terminating"
    } else {
        &summary.reason
    };
    vec![
        name(pod),
        format!("{}/{total}", summary.ready).into(),
        reason.into(),
        summary.restarts.cell(now).into(),
        since(&pod["metadata"]["creationTimestamp"], now).into(),
        or(text(&status["podIPs"][0]["ip"]), "<none>").into(),
        or(text(&spec["nodeName"]), "<none>").into(),
        or(text(&status["nominatedNodeName"]), "<none>").into(),
        readiness_gates(pod).into(),
    ]
}

/// Returns the row's conditions: a pod that has ended is a completed row.
pub(super) fn row_conditions(pod: &Value) -> Option<Value> {
    let phase = text(&pod["status"]["phase"]);
    let message = match phase {
        "Succeeded" => "The pod has completed successfully.",
        "Failed" => "The pod failed.",
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": phase, "message": message}]))
}

fn summary(pod: &Value) -> Summary<'_> {
    let status = &pod["status"];
    let mut summary = Summary { reason: text(&status["phase"]).to_owned(), ..Summary::default() };
    if let Some(reason) = status["reason"].as_str().filter(|reason| !reason.is_empty()) {
        reason.clone_into(&mut summary.reason);
    }
    let gated = |it: &&Value| it["type"] == "PodScheduled" && it["reason"] == "SchedulingGated";
    if list(&status["conditions"]).iter().any(|it| gated(&it)) {
        "SchedulingGated".clone_into(&mut summary.reason);
    }
    let mut sidecars = Restarts::default();
    let is_initializing = initialization(pod, &mut summary, &mut sidecars);
    if !is_initializing || has_condition(pod, "Initialized") {
        summary.restarts = sidecars;
        containers(pod, &mut summary);
    }
    summary
}

/// Goes through the init containers up to the first that is not done, and returns whether there is one.
fn initialization<'a>(pod: &'a Value, summary: &mut Summary<'a>, sidecars: &mut Restarts<'a>) -> bool {
    let declared = list(&pod["spec"]["initContainers"]);
    for (at, container) in list(&pod["status"]["initContainerStatuses"]).iter().enumerate() {
        let sidecar = declared.iter().any(|it| it["name"] == container["name"] && is_sidecar(it));
        summary.restarts.add(container);
        if sidecar {
            sidecars.add(container);
        }
        let (terminated, waiting) = (&container["state"]["terminated"], text(&container["state"]["waiting"]["reason"]));
        if terminated.is_object() && number(&terminated["exitCode"]) == 0 {
            continue;
        }
        if sidecar && container["started"] == true {
            summary.ready += usize::from(container["ready"] == true);
            continue;
        }
        summary.reason = if terminated.is_object() {
            format!("Init:{}", end_of(terminated))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{at}/{}", declared.len())
        };
        return true;
    }
    false
}

fn containers<'a>(pod: &'a Value, summary: &mut Summary<'a>) {
    let mut is_running = false;
    let mut failure = String::new();
    for container in list(&pod["status"]["containerStatuses"]).iter().rev() {
        summary.restarts.add(container);
        let (state, waiting) = (&container["state"], text(&container["state"]["waiting"]["reason"]));
        if !waiting.is_empty() {
            waiting.clone_into(&mut summary.reason);
        } else if state["terminated"].is_object() {
            summary.reason = end_of(&state["terminated"]);
            if number(&state["terminated"]["exitCode"]) != 0 {
                failure.clone_from(&summary.reason);
            }
        } else if container["ready"] == true && state["running"].is_object() {
            is_running = true;
            summary.ready += 1;
        }
    }
    if summary.reason == "Completed" {
        if is_running && has_condition(pod, "Ready") {
            "Running".clone_into(&mut summary.reason);
        } else if !failure.is_empty() {
            summary.reason = failure;
        } else if is_running {
            "NotReady".clone_into(&mut summary.reason);
        }
    }
}

/// Returns how a container ended: the reason, else the signal, else the exit code.
fn end_of(terminated: &Value) -> String {
    match (text(&terminated["reason"]), number(&terminated["signal"])) {
        ("", 0) => format!("ExitCode:{}", number(&terminated["exitCode"])),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

fn is_sidecar(container: &Value) -> bool {
    container["restartPolicy"] == "Always"
}

fn has_condition(pod: &Value, kind: &str) -> bool {
    list(&pod["status"]["conditions"]).iter().any(|it| it["type"] == kind && it["status"] == "True")
}

fn readiness_gates(pod: &Value) -> String {
    let gates = list(&pod["spec"]["readinessGates"]);
    if gates.is_empty() {
        return "<none>".to_owned();
    }
    let open = gates.iter().filter(|gate| has_condition(pod, text(&gate["conditionType"]))).count();
    format!("{open}/{}", gates.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(pod: &Value) -> String {
        let now = "2026-01-01T00:05:00Z".parse().unwrap();
        let cells = super::pod(pod, now);
        cells[1..4].iter().map(text).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn the_state_of_containers_is_the_pods() {
        let with = |statuses: Value| json!({"spec": {"containers": [{}, {}]}, "status": {"phase": "Running", "containerStatuses": statuses}});
        let running = json!({"ready": true, "state": {"running": {}}});
        assert_eq!(cells(&with(json!([running, running]))), "2/2 | Running | 0");
        let crashed = json!({
            "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"finishedAt": "2026-01-01T00:04:00Z"}}
        });
        assert_eq!(cells(&with(json!([crashed, running]))), "1/2 | CrashLoopBackOff | 3 (60s ago)");
        let done = json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
        assert_eq!(cells(&with(json!([done, running]))), "1/2 | NotReady | 0");
        let failed = json!({"state": {"terminated": {"exitCode": 3}}});
        assert_eq!(cells(&with(json!([done, failed]))), "0/2 | ExitCode:3 | 0");
    }

    #[test]
    fn initialization_comes_first() {
        let with = |statuses: Value| {
            json!({
                "spec": {"containers": [{}], "initContainers": [{"name": "a"}, {"name": "b", "restartPolicy": "Always"}]},
                "status": {"phase": "Pending", "initContainerStatuses": statuses}
            })
        };
        assert_eq!(cells(&with(json!([{"name": "a", "state": {"running": {}}}]))), "0/2 | Init:0/2 | 0");
        let failed =
            json!([{"name": "a", "restartCount": 1, "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}]);
        assert_eq!(cells(&with(failed)), "0/2 | Init:Error | 1");
    }

    #[test]
    fn a_pod_that_goes_is_terminating_unless_it_has_ended() {
        let going = |phase: &str| json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": phase}});
        assert_eq!(cells(&going("Running")), "0/0 | Terminating | 0");
        assert_eq!(cells(&going("Failed")), "0/0 | Failed | 0");
        assert!(row_conditions(&going("Failed")).is_some() && row_conditions(&going("Running")).is_none());
    }
}
