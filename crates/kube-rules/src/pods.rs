//! What keeps a pod from being ready, read from its status: the kubelet's and the scheduler's own words.
//!
//! On Kubernetes 1.37 a crash-looping container without probes often stays `terminated` between restarts
//! and never shows `CrashLoopBackOff`; restart count and last state tell it all the same.

use serde_json::Value;

/// Why a pod is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The reason in the API's words, for example `ImagePullBackOff`.
    pub reason: String,
    /// What the API says about it, with the container it concerns.
    pub message: String,
    /// Whether it will not go away by waiting.
    pub lasting: Lasting,
}

/// Whether waiting may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lasting {
    /// Still starting, or a probe that may yet succeed.
    Passing,
    /// A crash loop by count and state; its `BackOff` event makes it certain.
    Likely,
    /// A state the kubelet only leaves when something is changed.
    Proven,
}

/// Waiting reasons that do not pass by themselves.
/// Source: k8s.io/kubernetes pkg/kubelet/images/types.go and kuberuntime_container.go.
const PROVEN: &[&str] = &[
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "SignatureValidationFailed",
    "CreateContainerConfigError",
    "CreateContainerError",
    "PreCreateHookError",
    "PreStartHookError",
    "PostStartHookError",
    "RunContainerError",
    "CrashLoopBackOff",
];

/// How many restarts make a terminated container a crash loop.
const RESTARTS_OF_A_LOOP: i64 = 2;

/// Returns whether the pod's Ready condition is true.
pub fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition["status"] == "True")
}

/// Returns whether the pod is being deleted.
pub fn is_terminating(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_string()
}

/// Returns why a pod is not ready, the gravest reason first; `None` for a ready, finished or leaving pod.
pub fn trouble(pod: &Value) -> Option<Trouble> {
    if is_ready(pod) || is_terminating(pod) || pod["status"]["phase"] == "Succeeded" {
        return None;
    }
    let containers = ["initContainerStatuses", "containerStatuses"]
        .iter()
        .flat_map(|list| pod["status"][list].as_array().into_iter().flatten())
        .filter_map(of_container)
        .max_by_key(|trouble| trouble.lasting);
    if let Some(found) = containers.as_ref().filter(|trouble| trouble.lasting > Lasting::Passing) {
        return Some(found.clone());
    }
    of_pod(pod).or(containers).or_else(|| of_readiness(pod))
}

fn of_container(status: &Value) -> Option<Trouble> {
    let name = status["name"].as_str().unwrap_or("?");
    let restarts = status["restartCount"].as_i64().unwrap_or(0);
    let waiting = &status["state"]["waiting"];
    if let Some(reason) = waiting["reason"].as_str() {
        let said = waiting["message"].as_str().unwrap_or_default();
        let last =
            exit(&status["lastState"]["terminated"]).map(|exit| format!(" (last run: {exit})")).unwrap_or_default();
        let separator = if said.is_empty() { "" } else { ": " };
        let lasting = if PROVEN.contains(&reason) { Lasting::Proven } else { Lasting::Passing };
        return Some(Trouble {
            reason: reason.to_owned(),
            message: format!("container {name}{separator}{said}{last}"),
            lasting,
        });
    }
    let terminated = &status["state"]["terminated"];
    let ended = exit(terminated)?;
    if terminated["exitCode"] == 0 && restarts == 0 {
        return None;
    }
    Some(Trouble {
        reason: terminated["reason"].as_str().unwrap_or("Error").to_owned(),
        message: format!("container {name} ended with {ended}, restarted {restarts} times"),
        lasting: if restarts >= RESTARTS_OF_A_LOOP { Lasting::Likely } else { Lasting::Passing },
    })
}

fn exit(terminated: &Value) -> Option<String> {
    let code = terminated["exitCode"].as_i64()?;
    let reason = terminated["reason"].as_str().unwrap_or("Error");
    Some(format!("{reason}, exit code {code}"))
}

fn of_pod(pod: &Value) -> Option<Trouble> {
    let scheduled = condition(pod, "PodScheduled")?;
    if scheduled["status"] == "False" {
        return Some(Trouble {
            reason: scheduled["reason"].as_str().unwrap_or("Unschedulable").to_owned(),
            message: scheduled["message"].as_str().unwrap_or_default().to_owned(),
            lasting: Lasting::Passing,
        });
    }
    if pod["status"]["phase"] == "Failed" {
        return Some(Trouble {
            reason: pod["status"]["reason"].as_str().unwrap_or("Failed").to_owned(),
            message: pod["status"]["message"].as_str().unwrap_or_default().to_owned(),
            lasting: Lasting::Passing,
        });
    }
    None
}

fn of_readiness(pod: &Value) -> Option<Trouble> {
    let ready = condition(pod, "Ready")?;
    Some(Trouble {
        reason: ready["reason"].as_str().unwrap_or("NotReady").to_owned(),
        message: ready["message"].as_str().unwrap_or("the pod runs but is not ready").to_owned(),
        lasting: Lasting::Passing,
    })
}

fn condition<'a>(pod: &'a Value, kind: &str) -> Option<&'a Value> {
    pod["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(container: &Value) -> Value {
        json!({"status": {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"},
            {"type": "PodScheduled", "status": "True"}], "containerStatuses": [container]}})
    }

    #[test]
    fn an_image_that_does_not_exist_is_proven() {
        let pod = pod(
            &json!({"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"a:v9\""}}}),
        );
        let trouble = trouble(&pod).unwrap();
        assert_eq!(trouble.lasting, Lasting::Proven);
        assert_eq!(trouble.message, "container app: Back-off pulling image \"a:v9\"");
    }

    #[test]
    fn a_crash_loop_that_only_shows_terminated_is_likely() {
        let pod = pod(
            &json!({"name": "app", "restartCount": 3, "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}),
        );
        let trouble = trouble(&pod).unwrap();
        assert_eq!((trouble.lasting, trouble.reason.as_str()), (Lasting::Likely, "OOMKilled"));
    }

    #[test]
    fn a_starting_pod_passes() {
        let pod = pod(&json!({"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}}));
        assert_eq!(trouble(&pod).unwrap().lasting, Lasting::Passing);
    }

    #[test]
    fn the_schedulers_words_are_kept() {
        let pod = json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 Insufficient cpu."}]}});
        assert_eq!(trouble(&pod).unwrap().message, "0/1 nodes are available: 1 Insufficient cpu.");
    }

    #[test]
    fn ready_and_leaving_pods_have_no_trouble() {
        let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
        let leaving = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {}});
        assert_eq!(trouble(&ready), None);
        assert_eq!(trouble(&leaving), None);
    }
}
