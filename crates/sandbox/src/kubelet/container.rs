//! One container: from its image over its start to its end and restart. Pure: it reads its surroundings,
//! changes itself, and reports what happened and when it has to be looked at again.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use super::faults::{self, Trouble};
use super::logs;
use super::machine::{Outcome, Surroundings};
use super::probe::Probe;
use super::program;
use super::references;
use crate::durations::{after, between};
use crate::events::Occurrence;
use crate::object;
use crate::world::ProbeKind;

/// The first delay between restarts and between pulls; it doubles.
pub(super) const FIRST_BACK_OFF: Duration = Duration::from_secs(10);
/// The longest delay between restarts and between pulls.
pub(super) const LONGEST_BACK_OFF: Duration = Duration::from_mins(5);
/// How often the kubelet looks at a pod that waits (its sync period with jitter).
pub(super) const SYNC_PERIOD: Duration = Duration::from_secs(12);
/// How long a simulated init container works.
const INIT_WORK: Duration = Duration::from_secs(1);

/// How often a process looks whether what it waits for is there.
const WAITING: Duration = Duration::from_secs(2);

/// The place of a container in its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Runs to completion before the main containers.
    Init,
    /// An init container that keeps running.
    Sidecar,
    /// A main container.
    Main,
}

/// How an instance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) exit_code: i32,
    pub(crate) reason: &'static str,
    pub(crate) started: Timestamp,
    pub(crate) finished: Timestamp,
    pub(crate) instance: u32,
}

/// Why an image is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PullFailure {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// What a container is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Not begun, or about to begin again.
    Waiting,
    /// The image is on its way.
    Pulling { since: Timestamp, until: Timestamp },
    /// The image did not come; tried again at `retry`.
    PullFailed { flip: Option<Timestamp>, retry: Timestamp },
    /// The configuration is incomplete; tried again at `retry`.
    Misconfigured { message: String, retry: Timestamp },
    /// The runtime is making it.
    Starting { until: Timestamp },
    /// The process runs.
    Running { since: Timestamp, end: Option<(Timestamp, End)> },
    /// The process has ended; begun again at `restart`, if ever.
    Ended { restart: Option<Timestamp>, notice: Option<Timestamp>, delay: Option<Duration> },
}

/// How a running process is going to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    exit_code: i32,
    reason: &'static str,
    lines: Vec<String>,
}

/// The memory of one container.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) role: Role,
    pub(crate) phase: Phase,
    pub(crate) restarts: u32,
    /// Counts instances, for container ids.
    pub(crate) instance: u32,
    /// How the latest instance ended, until the next one runs.
    pub(crate) ended: Option<Ended>,
    /// How the instance before that ended.
    pub(crate) before: Option<Ended>,
    pub(crate) pull_failure: Option<PullFailure>,
    pub(super) pull_delay: Duration,
    /// The delay before the next restart, and when one was last used.
    back_off: Option<(Duration, Timestamp)>,
    /// The delay that the container waits for now, once the kubelet has noticed.
    pub(crate) waiting: Option<Duration>,
    pub(crate) has_readiness: bool,
    pub(crate) probes: Vec<Probe>,
    trouble: Trouble,
    pub(crate) has_image: bool,
}

impl Container {
    /// Returns a container that has not begun.
    pub(crate) fn new(spec: &Value, role: Role) -> Self {
        Self {
            name: spec["name"].as_str().unwrap_or_default().to_owned(),
            role,
            phase: Phase::Waiting,
            restarts: 0,
            instance: 0,
            ended: None,
            before: None,
            pull_failure: None,
            pull_delay: FIRST_BACK_OFF,
            back_off: None,
            waiting: None,
            has_readiness: spec["readinessProbe"].is_object(),
            probes: Vec::new(),
            trouble: Trouble::default(),
            has_image: false,
        }
    }

    /// Returns whether the process runs.
    pub(crate) fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// Returns whether the process runs and its start-up probe has succeeded.
    pub(crate) fn is_started(&self) -> bool {
        self.is_running() && self.passes(ProbeKind::Startup)
    }

    /// Returns whether the container may get traffic.
    pub(crate) fn is_ready(&self) -> bool {
        match self.role {
            Role::Init => self.is_completed(),
            Role::Sidecar | Role::Main => self.is_started() && self.passes(ProbeKind::Readiness),
        }
    }

    /// Returns whether the process has ended well and for good.
    pub(crate) fn is_completed(&self) -> bool {
        matches!(self.phase, Phase::Ended { restart: None, .. })
            && self.ended.as_ref().is_some_and(|ended| ended.exit_code == 0)
    }

    fn passes(&self, kind: ProbeKind) -> bool {
        self.probes.iter().find(|probe| probe.kind == kind).is_none_or(|probe| probe.passing)
    }

    /// Takes every step that is due.
    pub(crate) fn advance(
        &mut self,
        spec: &Value,
        address: &str,
        around: &mut Surroundings<'_>,
        outcome: &mut Outcome,
    ) {
        // Each step either waits for a later instant or changes the phase; the bound is for safety.
        for _ in 0..100 {
            if !self.step(spec, address, around, outcome) {
                break;
            }
        }
        outcome.look_at(self.next_look());
    }

    fn next_look(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Waiting => None,
            Phase::Pulling { until, .. } | Phase::Starting { until } => Some(*until),
            Phase::PullFailed { flip, retry } => Some(flip.unwrap_or(*retry).min(*retry)),
            Phase::Misconfigured { retry, .. } => Some(*retry),
            Phase::Running { end, .. } => {
                let probes = self.probes.iter().filter_map(|probe| probe.next);
                probes.chain(end.as_ref().map(|(at, _)| *at)).min()
            }
            Phase::Ended { restart, notice, .. } => restart.iter().chain(notice).min().copied(),
        }
    }

    /// Takes one step; returns whether another may be due.
    fn step(&mut self, spec: &Value, address: &str, around: &mut Surroundings<'_>, outcome: &mut Outcome) -> bool {
        let now = around.now;
        match self.phase.clone() {
            Phase::Waiting => self.fetch(spec, around, outcome),
            Phase::Pulling { since, until } if until <= now => self.pulled(spec, since, around, outcome),
            Phase::PullFailed { retry, .. } if retry <= now => self.fetch(spec, around, outcome),
            Phase::PullFailed { flip: Some(flip), retry } if flip <= now => {
                self.back_off_pull(spec, retry, outcome);
            }
            Phase::Misconfigured { retry, .. } if retry <= now => self.configure(spec, around, outcome),
            Phase::Starting { until } if until <= now => self.start(spec, around, outcome),
            Phase::Running { since, end: Some((at, end)) } if at <= now => {
                if self.trouble.waits && current_trouble(spec, around).waits {
                    self.phase = Phase::Running { since, end: Some((after(now, WAITING), end)) };
                } else {
                    self.end(&end, around, outcome);
                }
            }
            Phase::Running { since, .. } => return self.probe(address, since, around, outcome),
            Phase::Ended { restart: Some(restart), .. } if restart <= now => {
                self.phase = Phase::Waiting;
            }
            Phase::Ended { restart, notice: Some(notice), delay } if notice <= now => {
                self.waiting = delay;
                self.phase = Phase::Ended { restart, notice: Some(after(now, SYNC_PERIOD)), delay };
                self.tell_back_off(around, outcome);
            }
            _ => return false,
        }
        true
    }

    pub(super) fn tell(&self, outcome: &mut Outcome, occurrence: Occurrence) {
        let list = if self.role == Role::Main { "containers" } else { "initContainers" };
        outcome.occurrences.push(occurrence.about_container(list, &self.name));
    }

    pub(super) fn configure(&mut self, spec: &Value, around: &mut Surroundings<'_>, outcome: &mut Outcome) {
        self.pull_failure = None;
        self.pull_delay = FIRST_BACK_OFF;
        if let Some(message) = references::missing_environment(around.store, around.pod, spec) {
            self.tell(outcome, Occurrence::warning("Failed", format!("Error: {message}")));
            self.phase = Phase::Misconfigured { message, retry: after(around.now, SYNC_PERIOD) };
            return;
        }
        self.phase = Phase::Starting { until: after(around.now, around.random.millis(200, 400)) };
    }

    fn start(&mut self, spec: &Value, around: &mut Surroundings<'_>, outcome: &mut Outcome) {
        let now = around.now;
        self.tell(outcome, Occurrence::normal("Created", "Container created"));
        self.tell(outcome, Occurrence::normal("Started", "Container started"));
        if let Some(ended) = self.ended.take() {
            self.restarts += 1;
            self.before = Some(ended);
        }
        self.waiting = None;
        self.instance += 1;
        self.trouble = current_trouble(spec, around);
        let (namespace, pod) = (object::namespace(around.pod), object::name(around.pod));
        around.logs.begin(namespace, pod, &self.name);
        // Nobody hears of a start from a process that never gets to work.
        let lines = if self.trouble.is_early {
            logs::known_lines(around.world, around.pod, spec).unwrap_or_default()
        } else {
            logs::start_lines(around.world, around.pod, spec)
        };
        around.logs.append((namespace, pod, &self.name), now, lines);
        let program = program::of(around.pod, spec);
        self.phase = Phase::Running { since: now, end: self.planned_end(program, now) };
        self.probes.clear();
        if self.role != Role::Init {
            for kind in [ProbeKind::Startup, ProbeKind::Readiness, ProbeKind::Liveness] {
                self.probes.extend(Probe::of(spec, kind));
            }
        }
        let held = self.probes.iter().any(|probe| probe.kind == ProbeKind::Startup);
        for probe in &mut self.probes {
            if !held || probe.kind == ProbeKind::Startup {
                probe.begin(now, now);
            }
        }
    }

    fn planned_end(&self, program: Option<program::Program>, now: Timestamp) -> Option<(Timestamp, End)> {
        let crash = self.trouble.crash.as_ref().map(|(delay, crash)| {
            let reason = if crash.exit_code == 0 { "Completed" } else { "Error" };
            (after(now, *delay), End { exit_code: crash.exit_code, reason, lines: crash.logs.clone() })
        });
        let oom = self
            .trouble
            .oom
            .map(|delay| (after(now, delay), End { exit_code: 137, reason: "OOMKilled", lines: Vec::new() }));
        let work = (self.role == Role::Init)
            .then(|| (after(now, INIT_WORK), End { exit_code: 0, reason: "Completed", lines: Vec::new() }));
        let planned = [crash, oom].into_iter().flatten().min_by_key(|(at, _)| *at);
        let known = program.map(|program| {
            let reason = if program.exit_code == 0 { "Completed" } else { "Error" };
            (after(now, program.time), End { exit_code: program.exit_code, reason, lines: Vec::new() })
        });
        planned.or(known).or(work)
    }

    fn end(&mut self, end: &End, around: &mut Surroundings<'_>, outcome: &mut Outcome) {
        let Phase::Running { since, .. } = self.phase else { return };
        let now = around.now;
        let (namespace, pod) = (object::namespace(around.pod), object::name(around.pod));
        around.logs.append((namespace, pod, &self.name), now, end.lines.iter().cloned().map(Bytes::from));
        self.ended = Some(Ended {
            exit_code: end.exit_code,
            reason: end.reason,
            started: since,
            finished: now,
            instance: self.instance,
        });
        self.probes.clear();
        let again = match (self.role, text(&around.pod["spec"], "restartPolicy")) {
            (Role::Init | Role::Main, "Never") => false,
            (Role::Init, _) | (Role::Main, "OnFailure") => end.exit_code != 0,
            (Role::Sidecar | Role::Main, _) => true,
        };
        if !again || outcome.stopping {
            self.phase = Phase::Ended { restart: None, notice: None, delay: None };
            return;
        }
        // The delay is used up by ten healthy minutes (twice the longest delay).
        let back_off = self.back_off.filter(|(_, used)| between(*used, now) <= LONGEST_BACK_OFF * 2);
        let latency = around.random.millis(300, 900);
        let noticed = after(now, latency);
        self.phase = match back_off {
            None => Phase::Ended { restart: Some(noticed), notice: None, delay: None },
            Some((delay, _)) => {
                Phase::Ended { restart: Some(after(noticed, delay)), notice: Some(noticed), delay: Some(delay) }
            }
        };
        let next = back_off.map_or(FIRST_BACK_OFF, |(delay, _)| (delay * 2).min(LONGEST_BACK_OFF));
        let used = back_off.map_or(noticed, |(delay, _)| after(noticed, delay));
        self.back_off = Some((next, used));
    }

    fn tell_back_off(&self, around: &Surroundings<'_>, outcome: &mut Outcome) {
        let pod = around.pod;
        let message = format!(
            "Back-off restarting failed container {} in pod {}_{}({})",
            self.name,
            object::name(pod),
            object::namespace(pod),
            object::uid(pod)
        );
        self.tell(outcome, Occurrence::warning("BackOff", message));
    }

    fn probe(&mut self, address: &str, since: Timestamp, around: &Surroundings<'_>, outcome: &mut Outcome) -> bool {
        let now = around.now;
        let Some(index) = self.probes.iter().position(|probe| probe.next.is_some_and(|next| next <= now)) else {
            return false;
        };
        let kind = self.probes[index].kind;
        let run = self.probes[index].run(&self.trouble, address, since, now);
        let name = match kind {
            ProbeKind::Readiness => "Readiness",
            ProbeKind::Liveness => "Liveness",
            ProbeKind::Startup => "Startup",
        };
        if let Some(failure) = run.failure {
            self.tell(outcome, Occurrence::warning("Unhealthy", format!("{name} probe failed: {failure}")));
        }
        if run.gave_up && kind != ProbeKind::Readiness {
            let message =
                format!("Container {} failed {} probe, will be restarted", self.name, name.to_ascii_lowercase());
            self.tell(outcome, Occurrence::normal("Killing", message));
            self.kill(since, around);
        } else if kind == ProbeKind::Startup && self.probes[index].passing {
            for probe in self.probes.iter_mut().filter(|probe| probe.kind != ProbeKind::Startup) {
                probe.begin(since, now);
            }
        }
        true
    }

    /// A process that does not answer its probe does not answer SIGTERM either: it is killed after the
    /// grace period.
    fn kill(&mut self, since: Timestamp, around: &Surroundings<'_>) {
        let grace = around.pod["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
        let end = End { exit_code: 137, reason: "Error", lines: Vec::new() };
        self.phase = Phase::Running { since, end: Some((after(around.now, Duration::from_secs(grace)), end)) };
        for probe in &mut self.probes {
            probe.next = None;
            probe.passing &= probe.kind != ProbeKind::Readiness;
        }
    }

    /// Ends the container because its pod ends; a running process exits with the given code.
    pub(crate) fn stop(&mut self, exit_code: i32, now: Timestamp) {
        if let Phase::Running { since, .. } = self.phase {
            let reason = if exit_code == 0 { "Completed" } else { "Error" };
            self.ended = Some(Ended { exit_code, reason, started: since, finished: now, instance: self.instance });
        }
        self.probes.clear();
        self.phase = Phase::Ended { restart: None, notice: None, delay: None };
    }
}

pub(super) fn current_trouble(spec: &Value, around: &Surroundings<'_>) -> Trouble {
    faults::trouble(around.world, around.store, around.pod, spec, around.patched)
}

pub(super) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
