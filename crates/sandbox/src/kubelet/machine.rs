//! One pod: its sandbox and volumes, its init containers in order, its containers, and its end by
//! deletion or eviction.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::container::{Container, Role};
use super::faults;
use super::logs::LogStore;
use super::references;
use crate::durations::after;
use crate::events::Occurrence;
use crate::object;
use crate::random::Random;
use crate::store::Store;
use crate::world::World;

/// The longest delay between attempts to mount volumes.
const LONGEST_MOUNT_DELAY: Duration = Duration::from_secs(122);

/// What a machine may look at.
pub(crate) struct Surroundings<'a> {
    pub(crate) pod: &'a Value,
    pub(crate) world: &'a World,
    pub(crate) store: &'a Store,
    /// Whether the pod's template is newer than the world's start.
    pub(crate) patched: bool,
    /// Patterns of the images that the node had from the start.
    pub(crate) preloaded: &'a [String],
    /// Images that were pulled since.
    pub(crate) pulled: &'a mut HashSet<String>,
    pub(crate) logs: &'a mut LogStore,
    pub(crate) random: &'a mut Random,
    pub(crate) now: Timestamp,
}

/// What a look at a pod has led to.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) occurrences: Vec<Occurrence>,
    /// When to look again.
    pub(crate) next: Option<Timestamp>,
    /// Whether the pod has stopped and may be removed.
    pub(crate) finished: bool,
    /// Whether containers that end are not to be started again.
    pub(crate) stopping: bool,
}

impl Outcome {
    /// Asks for a look at an instant.
    pub(crate) fn look_at(&mut self, at: Option<Timestamp>) {
        self.next = [self.next, at].into_iter().flatten().min();
    }
}

/// How far a pod has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its volumes are being mounted.
    Mounting { retry: Timestamp, delay: Duration },
    /// Its sandbox is being made.
    Preparing { until: Timestamp },
    /// Its containers are the kubelet's business.
    Active,
    /// Its processes have been told to stop.
    Stopping { until: Timestamp },
    /// It was evicted.
    Evicted { message: String },
}

/// The memory of one pod.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) uid: String,
    pub(crate) address: String,
    pub(crate) started: Timestamp,
    pub(crate) stage: Stage,
    /// Init containers first, then the main ones.
    pub(crate) containers: Vec<Container>,
}

impl Machine {
    /// Returns the machine of a pod that a kubelet has just seen.
    pub(crate) fn new(pod: &Value, address: String, now: Timestamp) -> Self {
        let init = list(pod, "initContainers").map(|spec| {
            let role = if spec["restartPolicy"] == "Always" { Role::Sidecar } else { Role::Init };
            Container::new(spec, role)
        });
        let main = list(pod, "containers").map(|spec| Container::new(spec, Role::Main));
        Self {
            uid: object::uid(pod).to_owned(),
            address,
            started: now,
            stage: Stage::Mounting { retry: now, delay: Duration::from_millis(500) },
            containers: init.chain(main).collect(),
        }
    }

    /// Returns the containers of the pod's `initContainers`.
    pub(crate) fn init_containers(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().filter(|container| container.role != Role::Main)
    }

    /// Returns the containers of the pod's `containers`.
    pub(crate) fn main_containers(&self) -> impl Iterator<Item = &Container> {
        self.containers.iter().filter(|container| container.role == Role::Main)
    }

    /// Returns whether the sandbox with its network is there.
    pub(crate) fn has_sandbox(&self) -> bool {
        matches!(self.stage, Stage::Active | Stage::Stopping { .. })
    }

    /// Returns whether every init container has done its part.
    pub(crate) fn is_initialized(&self) -> bool {
        self.init_containers().all(is_done)
    }

    /// Takes every step that is due.
    pub(crate) fn advance(&mut self, around: &mut Surroundings<'_>, outcome: &mut Outcome) {
        if object::is_terminating(around.pod) {
            self.stop(around, outcome);
            return;
        }
        if let Some((delay, reason)) = faults::eviction(around.world, around.store, around.pod, around.patched) {
            let at = after(self.started, delay);
            if at <= around.now {
                self.evict(&reason, around.now, outcome);
            } else {
                outcome.look_at(Some(at));
            }
        }
        let now = around.now;
        if let Stage::Mounting { retry, delay } = self.stage
            && retry <= now
        {
            self.stage = match references::missing_volume(around.store, around.pod) {
                Some(message) => {
                    outcome.occurrences.push(Occurrence::warning("FailedMount", message));
                    Stage::Mounting { retry: after(now, delay), delay: (delay * 2).min(LONGEST_MOUNT_DELAY) }
                }
                None => Stage::Preparing { until: after(now, around.random.millis(250, 500)) },
            };
        }
        match self.stage {
            Stage::Mounting { retry, .. } => outcome.look_at(Some(retry)),
            Stage::Preparing { until } if until > now => outcome.look_at(Some(until)),
            Stage::Preparing { .. } => {
                self.stage = Stage::Active;
                self.advance_containers(around, outcome);
            }
            Stage::Active => self.advance_containers(around, outcome),
            Stage::Stopping { .. } | Stage::Evicted { .. } => {}
        }
    }

    fn advance_containers(&mut self, around: &mut Surroundings<'_>, outcome: &mut Outcome) {
        let pod = around.pod;
        let specs: Vec<&Value> = list(pod, "initContainers").chain(list(pod, "containers")).collect();
        for (container, spec) in self.containers.iter_mut().zip(specs) {
            container.advance(spec, &self.address, around, outcome);
            // Each init container holds back everything after it.
            if container.role != Role::Main && !is_done(container) {
                break;
            }
        }
    }

    fn stop(&mut self, around: &mut Surroundings<'_>, outcome: &mut Outcome) {
        let now = around.now;
        outcome.stopping = true;
        let until = if let Stage::Stopping { until } = self.stage {
            until
        } else {
            let running: Vec<&Container> = self.containers.iter().filter(|container| container.is_running()).collect();
            for container in &running {
                let list = if container.role == Role::Main { "containers" } else { "initContainers" };
                let killing = Occurrence::normal("Killing", format!("Stopping container {}", container.name));
                outcome.occurrences.push(killing.about_container(list, &container.name));
            }
            let needed = if running.is_empty() { Duration::from_millis(50) } else { around.random.millis(300, 1200) };
            let grace = around.pod["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(30);
            let until = after(now, needed.min(Duration::from_secs(grace)));
            self.stage = Stage::Stopping { until };
            until
        };
        if until <= now {
            for container in &mut self.containers {
                container.stop(0, now);
            }
            outcome.finished = true;
        } else {
            outcome.look_at(Some(until));
        }
    }

    fn evict(&mut self, reason: &str, now: Timestamp, outcome: &mut Outcome) {
        if matches!(self.stage, Stage::Evicted { .. }) {
            return;
        }
        let resource = match reason {
            "MemoryPressure" => "memory",
            "PIDPressure" => "pids",
            _ => "ephemeral-storage",
        };
        let message = format!("The node was low on resource: {resource}. ");
        outcome.occurrences.push(Occurrence::warning("Evicted", message.clone()));
        for container in &mut self.containers {
            container.stop(137, now);
        }
        self.stage = Stage::Evicted { message };
    }
}

/// Returns whether an init container lets the next one begin.
fn is_done(container: &Container) -> bool {
    match container.role {
        Role::Sidecar => container.is_started(),
        Role::Init | Role::Main => container.is_completed(),
    }
}

fn list<'a>(pod: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    pod["spec"][field].as_array().into_iter().flatten()
}
