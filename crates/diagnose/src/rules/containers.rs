//! The containers of a pod, in the order in which they start: init containers one after the other, then
//! sidecars and app containers. The first init container that does not finish hides all that come after it.

use super::{endings, images, waiting};
use crate::claim::{Claim, Subject};
use crate::finding::Evidence;
use crate::shape::{Container, ContainerStatus, Pod, Terminated};
use crate::snapshot::{Log, Run};

/// One container with its status and where that stands in the pod.
#[derive(Debug, Clone)]
pub(crate) struct Part<'s> {
    pub(crate) subject: &'s Subject<'s>,
    pub(crate) status: &'s ContainerStatus,
    pub(crate) spec: Option<&'s Container>,
    /// `status.containerStatuses[0]`
    pub(crate) path: String,
    pub(crate) init: bool,
}

/// Which of a container's endings is spoken of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending<'s> {
    pub(crate) how: &'s Terminated,
    /// `state` or `lastState`
    pub(crate) field: &'static str,
}

impl<'s> Part<'s> {
    pub(crate) fn name(&self) -> &'s str {
        &self.status.name
    }

    /// Returns how the text speaks of the container.
    pub(crate) fn called(&self) -> String {
        let kind = if self.init { "init container" } else { "container" };
        format!("{kind} {} of {}", self.name(), self.subject.workload().short())
    }

    pub(crate) fn claim(&self, rule: u16, text: impl Into<String>) -> Claim {
        self.subject.claim(rule, text).detail(self.name())
    }

    pub(crate) fn saw(&self, field: &str, value: impl std::fmt::Display) -> Evidence {
        Evidence::field(&self.subject.object, format!("{}.{field}", self.path), value)
    }

    /// Returns how the container ended last.
    pub(crate) fn ending(&self) -> Option<Ending<'s>> {
        let now = self.status.state.terminated.as_ref().map(|how| Ending { how, field: "state" });
        now.or_else(|| self.status.last_state.terminated.as_ref().map(|how| Ending { how, field: "lastState" }))
    }

    /// Returns the run whose log tells of the last ending.
    pub(crate) fn run_of_ending(&self) -> Run {
        if self.status.state.terminated.is_some() { Run::Current } else { Run::Previous }
    }

    /// Returns the log of the run that ended, else any log of the container.
    pub(crate) fn log(&self) -> Option<(&'s Log, &'s str)> {
        let of = |run| {
            let log = self.subject.snapshot.log(&self.subject.object.uid, self.name(), run)?;
            log.text.as_ref().ok().map(|text| (log, text.as_str()))
        };
        of(self.run_of_ending()).or_else(|| of(Run::Previous)).or_else(|| of(Run::Current)).or_else(|| self.sibling())
    }

    /// Returns the log of the same container in another pod of the controller that ended the same way: one pod's
    /// log is read for all.
    fn sibling(&self) -> Option<(&'s Log, &'s str)> {
        let owner = &self.subject.pod.metadata.controller()?.uid;
        let code = self.ending()?.how.exit_code;
        let same = |pod: &Pod| {
            let statuses = pod.status.container_statuses.iter().chain(&pod.status.init_container_statuses);
            let mut ours = statuses.filter(|status| status.name == self.name());
            pod.metadata.controller().is_some_and(|other| other.uid == *owner)
                && ours.any(|status| {
                    let ends =
                        [&status.state, &status.last_state].into_iter().find_map(|state| state.terminated.as_ref());
                    ends.is_some_and(|how| how.exit_code == code)
                })
        };
        let mut logs =
            self.subject.snapshot.logs_of_pods().filter(|(log, pod)| log.container == self.name() && same(pod));
        logs.find_map(|(log, _)| log.text.as_ref().ok().map(|text| (log, text.as_str())))
    }
}

/// Returns the containers that count: the first unfinished init container, or all that serve.
pub(crate) fn parts<'s>(subject: &'s Subject<'s>) -> Vec<Part<'s>> {
    let pod = subject.pod;
    let mut found = Vec::new();
    for (at, status) in pod.status.init_container_statuses.iter().enumerate() {
        let spec = pod.spec.init_containers.iter().find(|container| container.name == status.name);
        let part = Part { subject, status, spec, path: format!("status.initContainerStatuses[{at}]"), init: true };
        let sidecar = spec.is_some_and(Container::is_sidecar);
        let finished = status.state.terminated.as_ref().is_some_and(|how| how.exit_code == 0);
        if !sidecar && finished {
            continue;
        }
        found.push(part);
        if !sidecar || status.started != Some(true) {
            return found;
        }
    }
    for (at, status) in pod.status.container_statuses.iter().enumerate() {
        let spec = pod.spec.containers.iter().find(|container| container.name == status.name);
        found.push(Part { subject, status, spec, path: format!("status.containerStatuses[{at}]"), init: false });
    }
    found
}

pub(super) fn claims(subject: &Subject<'_>) -> Vec<Claim> {
    let mut found = Vec::new();
    for part in parts(subject) {
        found.extend(images::claim(&part).or_else(|| waiting::claim(&part)).or_else(|| endings::claim(&part)));
    }
    found
}
