//! One probe of one container: when it runs, what it finds, and what its thresholds make of that. A probe
//! whose result cannot change any more asks for no further wake-up, so that healthy pods cost nothing.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::faults::Trouble;
use crate::durations::{after, between};
use crate::world::ProbeKind;

/// A probe worker.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) kind: ProbeKind,
    settings: Settings,
    /// When it runs next.
    pub(crate) next: Option<Timestamp>,
    successes: u64,
    failures: u64,
    /// The result that counts, after thresholds.
    pub(crate) passing: bool,
    decided: bool,
}

#[derive(Debug, Clone)]
struct Settings {
    period: Duration,
    initial_delay: Duration,
    success_threshold: u64,
    failure_threshold: u64,
    action: Action,
}

#[derive(Debug, Clone)]
enum Action {
    Http { path: String, port: u64 },
    Tcp { port: u64 },
    Other,
}

/// What one run found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// The output of a failed run.
    pub(crate) failure: Option<String>,
    /// Whether this run made the probe's threshold of failures.
    pub(crate) gave_up: bool,
}

impl Probe {
    /// Returns the probe that a container declares, not yet running.
    pub(crate) fn of(container: &Value, kind: ProbeKind) -> Option<Self> {
        let declared = match kind {
            ProbeKind::Readiness => &container["readinessProbe"],
            ProbeKind::Liveness => &container["livenessProbe"],
            ProbeKind::Startup => &container["startupProbe"],
        };
        if !declared.is_object() {
            return None;
        }
        let number = |field: &str, default: u64| declared[field].as_u64().unwrap_or(default);
        let port = |value: &Value| port_number(container, value);
        let action = if declared["httpGet"].is_object() {
            let get = &declared["httpGet"];
            Action::Http { path: get["path"].as_str().unwrap_or("/").to_owned(), port: port(&get["port"]) }
        } else if declared["tcpSocket"].is_object() {
            Action::Tcp { port: port(&declared["tcpSocket"]["port"]) }
        } else {
            Action::Other
        };
        let settings = Settings {
            period: Duration::from_secs(number("periodSeconds", 10).max(1)),
            initial_delay: Duration::from_secs(number("initialDelaySeconds", 0)),
            success_threshold: number("successThreshold", 1).max(1),
            failure_threshold: number("failureThreshold", 3).max(1),
            action,
        };
        // Until it has run, a liveness probe counts as passing and the others do not.
        let passing = kind == ProbeKind::Liveness;
        Some(Self { kind, settings, next: None, successes: 0, failures: 0, passing, decided: false })
    }

    /// Starts the worker of a container that started at `started`.
    pub(crate) fn begin(&mut self, started: Timestamp, now: Timestamp) {
        self.next = Some(after(started, self.settings.initial_delay).max(now));
    }

    /// Runs the probe at `now` and plans the next run.
    pub(crate) fn run(&mut self, trouble: &Trouble, address: &str, started: Timestamp, now: Timestamp) -> Run {
        let failure = self.failure_at(trouble, address, started, now);
        let mut gave_up = false;
        if failure.is_some() {
            self.failures += 1;
            self.successes = 0;
            if self.failures >= self.settings.failure_threshold {
                gave_up = true;
                self.passing = false;
                self.decided = true;
            }
        } else {
            self.successes += 1;
            self.failures = 0;
            if self.successes >= self.settings.success_threshold {
                self.passing = true;
                self.decided = true;
            }
        }
        self.next = self.next_run(trouble, failure.is_some(), started, now);
        Run { failure, gave_up }
    }

    fn next_run(&self, trouble: &Trouble, failed: bool, started: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let settled = self.decided && self.passing && !failed;
        if settled && self.kind == ProbeKind::Startup {
            return None;
        }
        let next = after(now, self.settings.period);
        if !settled {
            return Some(next);
        }
        // Passing for good, except for a fault that begins later: skip the runs in between.
        let begins = trouble
            .failing
            .iter()
            .filter(|(kind, ..)| *kind == self.kind)
            .map(|(_, from, _)| from)
            .chain(&trouble.broken)
            .map(|from| after(started, *from))
            .filter(|begins| *begins > now)
            .min()?;
        let periods = between(now, begins).as_secs().div_ceil(self.settings.period.as_secs());
        Some(next.max(after(now, self.settings.period * u32::try_from(periods).unwrap_or(u32::MAX))))
    }

    fn failure_at(&self, trouble: &Trouble, address: &str, started: Timestamp, now: Timestamp) -> Option<String> {
        let broken = trouble.broken.is_some_and(|from| now >= after(started, from));
        if broken || now < after(started, trouble.slow_start) {
            return Some(self.settings.action.refusal(address));
        }
        let (.., message) =
            trouble.failing.iter().find(|(kind, from, _)| *kind == self.kind && now >= after(started, *from))?;
        Some(message.clone().unwrap_or_else(|| match &self.settings.action {
            Action::Http { .. } => "HTTP probe failed with statuscode: 503".to_owned(),
            action => action.refusal(address),
        }))
    }
}

impl Action {
    /// What a probe finds where no process answers.
    fn refusal(&self, address: &str) -> String {
        match self {
            Self::Http { path, port } => {
                format!("Get \"http://{address}:{port}{path}\": dial tcp {address}:{port}: connect: connection refused")
            }
            Self::Tcp { port } => format!("dial tcp {address}:{port}: connect: connection refused"),
            Self::Other => "command failed with exit code 1".to_owned(),
        }
    }
}

/// Returns the number of a container's port given by number or name.
pub(crate) fn port_number(container: &Value, port: &Value) -> u64 {
    let named =
        || container["ports"].as_array()?.iter().find(|declared| declared["name"] == *port)?["containerPort"].as_u64();
    port.as_u64().or_else(named).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn readiness(extra: &Value) -> Probe {
        let mut probe = json!({"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 5});
        probe.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let container = json!({"ports": [{"name": "http", "containerPort": 8000}], "readinessProbe": probe});
        Probe::of(&container, ProbeKind::Readiness).unwrap()
    }

    #[test]
    fn a_healthy_probe_settles_after_one_run() {
        let mut probe = readiness(&json!({"initialDelaySeconds": 3}));
        probe.begin(at(10), at(10));
        assert_eq!(probe.next, Some(at(13)));
        let run = probe.run(&Trouble::default(), "10.244.0.3", at(10), at(13));
        assert_eq!(run, Run { failure: None, gave_up: false });
        assert!(probe.passing && probe.next.is_none());
    }

    #[test]
    fn a_slow_start_refuses_connections_until_it_is_over() {
        let mut probe = readiness(&json!({}));
        let trouble = Trouble { slow_start: Duration::from_secs(7), ..Trouble::default() };
        let run = probe.run(&trouble, "10.244.0.3", at(0), at(5));
        assert_eq!(
            run.failure.as_deref(),
            Some("Get \"http://10.244.0.3:8000/health\": dial tcp 10.244.0.3:8000: connect: connection refused")
        );
        assert!(!probe.passing);
        assert_eq!(probe.run(&trouble, "10.244.0.3", at(0), at(10)).failure, None);
        assert!(probe.passing);
    }

    #[test]
    fn a_later_fault_is_found_at_a_regular_run_after_three_failures() {
        let mut probe = readiness(&json!({}));
        let trouble =
            Trouble { failing: vec![(ProbeKind::Readiness, Duration::from_secs(58), None)], ..Trouble::default() };
        probe.run(&trouble, "", at(0), at(0));
        assert_eq!(probe.next, Some(at(60)), "the runs that cannot fail are skipped");
        for (second, passing) in [(60, true), (65, true), (70, false)] {
            let run = probe.run(&trouble, "", at(0), at(second));
            assert_eq!(run.failure.as_deref(), Some("HTTP probe failed with statuscode: 503"));
            assert_eq!(probe.passing, passing, "{second}");
        }
    }
}
