//! Probes: containers that are killed for them (14, 15), and pods that run and never become ready (110–113).
//! What the probe asks is compared with what the container declares and says that it listens on.

use jiff::SignedDuration;

use super::containers::{Part, parts};
use crate::claim::{Claim, Subject, seen};
use crate::finding::Confidence;
use crate::logs::listening;
use crate::remedy::{Probe, Remedy};
use crate::shape::{Container, Event, IntOrText, ProbeSpec, condition};
use crate::snapshot::Run;

/// A container that started this recently may still become ready.
const PATIENCE: SignedDuration = SignedDuration::from_secs(90);

/// Returns the claim that a probe killed the container, where the kubelet said so.
pub(super) fn kill(part: &Part<'_>) -> Option<Claim> {
    let events = part.subject.events("Killing");
    let (event, probe) = events.iter().rev().find_map(|event| {
        let message = event.message.to_ascii_lowercase();
        let ours = event.message.contains(part.name()) || event.involved_object.field_path.contains(part.name());
        let probe = if message.contains("liveness probe") {
            Probe::Liveness
        } else if message.contains("startup probe") {
            Probe::Startup
        } else {
            return None;
        };
        ours.then_some((*event, probe))
    })?;
    // The kubelet kills, then the container ends: an older event is of an older trouble.
    let finished = part.ending().and_then(|ending| ending.how.finished_at);
    if let (Some(seen), Some(finished)) = (event.last_seen(), finished)
        && finished.duration_since(seen) > SignedDuration::from_mins(10)
    {
        return None;
    }
    let failures = unhealthy(part, probe);
    let rule = if probe == Probe::Liveness { 14 } else { 15 };
    let (rule, why, remedies) = reason(part, probe, rule, failures.map_or("", |event| event.message.as_str()));
    let text = format!("{} is killed by its {} probe{why}", part.called(), probe.word());
    Some(part.claim(rule, text).evidence([seen(event)]).evidence(failures.map(seen)).remedies(remedies))
}

fn spec(container: &Container, probe: Probe) -> Option<&ProbeSpec> {
    match probe {
        Probe::Liveness => container.liveness_probe.as_ref(),
        Probe::Readiness => container.readiness_probe.as_ref(),
        Probe::Startup => container.startup_probe.as_ref(),
    }
}

/// Returns the newest event of a failed probe of this container.
fn unhealthy<'s>(part: &Part<'s>, probe: Probe) -> Option<&'s Event> {
    let events = part.subject.events("Unhealthy");
    let several = part.subject.pod.spec.containers.len() > 1;
    events.into_iter().rev().find(|event| {
        let path = &event.involved_object.field_path;
        let ours = !several || path.is_empty() || path.contains(&format!("{{{}}}", part.name()));
        ours && event.message.to_ascii_lowercase().starts_with(probe.word())
    })
}

/// Returns the rule, the words after "probe", and what would help.
fn reason(part: &Part<'_>, probe: Probe, rule: u16, message: &str) -> (u16, String, Vec<Remedy>) {
    let workload = part.subject.workload().clone();
    let container = part.name().to_owned();
    let spec = part.spec.and_then(|container| spec(container, probe));
    let time = |failure_threshold, timeout_seconds| Remedy::SetProbeTime {
        workload: workload.clone(),
        container: container.clone(),
        probe,
        failure_threshold,
        timeout_seconds,
    };
    let lower = message.to_ascii_lowercase();
    if let Some((asked, better)) = wrong_port(part, spec, &lower) {
        let heard = better.as_ref().map(|port| format!(", and the container has {port}")).unwrap_or_default();
        let rule = if probe == Probe::Readiness { 111 } else { rule };
        let ask =
            Remedy::SetProbePort { workload: workload.clone(), container: container.clone(), probe, port: better };
        return (rule, format!(": it asks port {asked}, where nothing listens{heard}"), vec![ask]);
    }
    if lower.contains("timeout") || lower.contains("deadline exceeded") || lower.contains("timed out") {
        let seconds = spec.map_or(1, |spec| spec.timeout_seconds.max(1));
        let rule = if seconds <= 1 { 112 } else { rule };
        let why = format!(": it does not answer within {seconds} s");
        return (rule, why, vec![time(None, Some(seconds.saturating_mul(5).max(5)))]);
    }
    if let Some(code) = lower.split("statuscode: ").nth(1) {
        let asked = spec.and_then(|spec| spec.http_get.as_ref()).map_or("", |asked| asked.path.as_str());
        let step = match code.trim() {
            "404" => format!("correct the path of the {} probe", probe.word()),
            _ => format!("see in the log why {asked} answers {}", code.trim()),
        };
        return (rule, format!(": {asked} answers with status {}", code.trim()), vec![Remedy::manual(step)]);
    }
    let why = match message.split_once("probe failed: ") {
        Some((_, said)) if !said.trim().is_empty() => format!(": {}", said.trim()),
        _ => String::new(),
    };
    if probe == Probe::Startup {
        let threshold = spec.map_or(3, |spec| spec.failure_threshold.max(1));
        return (rule, why, vec![time(Some(threshold.saturating_mul(4)), None)]);
    }
    let step = format!("see why the {} probe fails; do not just remove it", probe.word());
    (rule, why, vec![Remedy::manual(step)])
}

/// Returns the port that is asked and the better one, where the asked one is not the container's.
fn wrong_port(part: &Part<'_>, spec: Option<&ProbeSpec>, message: &str) -> Option<(IntOrText, Option<String>)> {
    let container = part.spec?;
    let asked = spec?.port()?;
    if !message.contains("refused") && !message.is_empty() {
        return None;
    }
    let declared: Vec<i64> = container.ports.iter().map(|port| port.container_port).collect();
    let number = match asked {
        IntOrText::Number(number) => Some(*number),
        IntOrText::Text(name) => container.ports.iter().find(|port| port.name == *name).map(|port| port.container_port),
    };
    let mut logs = [Run::Current, Run::Previous]
        .into_iter()
        .filter_map(|run| part.subject.snapshot.log(&part.subject.object.uid, part.name(), run)?.text.as_deref().ok());
    let heard = logs.find_map(listening);
    match (number, heard) {
        (None, _) => Some((asked.clone(), container.ports.first().map(|port| port.container_port.to_string()))),
        (Some(number), Some(heard)) if heard != number => Some((asked.clone(), Some(heard.to_string()))),
        (Some(number), None) if !declared.is_empty() && !declared.contains(&number) => {
            Some((asked.clone(), declared.first().map(ToString::to_string)))
        }
        (Some(_), _) => None,
    }
}

/// Claims why a pod that runs is not ready.
pub(super) fn claims(subject: &Subject<'_>) -> Vec<Claim> {
    let conditions = &subject.pod.status.conditions;
    if subject.pod.status.phase != "Running" {
        return Vec::new();
    }
    let Some(ready) = condition(conditions, "Ready").filter(|ready| ready.status != "True") else { return Vec::new() };
    if subject.snapshot.since(ready.last_transition_time).is_some_and(|since| since < PATIENCE) {
        return Vec::new();
    }
    if ready.reason == "ReadinessGatesNotReady" {
        return vec![gates(subject, &ready.message)];
    }
    parts(subject).iter().filter(|part| !part.status.ready).filter_map(readiness).collect()
}

fn gates(subject: &Subject<'_>, message: &str) -> Claim {
    let conditions = &subject.pod.status.conditions;
    let unmet = subject.pod.spec.readiness_gates.iter().map(|gate| gate.condition_type.as_str());
    let unmet = unmet.filter(|gate| condition(conditions, gate).is_none_or(|condition| condition.status != "True"));
    let names = unmet.collect::<Vec<_>>().join(", ");
    let at = conditions.iter().position(|condition| condition.r#type == "Ready").unwrap_or_default();
    subject
        .claim(
            113,
            format!("pods of {} wait for the readiness gate {names}, which nothing sets", subject.workload().short()),
        )
        .saw(&subject.object, format!("status.conditions[{at}].message"), message)
        .remedy(Remedy::manual(format!("see whether the controller that sets {names} runs")))
}

fn readiness(part: &Part<'_>) -> Option<Claim> {
    let running = part.status.state.running.as_ref()?;
    if part.subject.snapshot.since(running.started_at).is_none_or(|since| since < PATIENCE) {
        return None;
    }
    let started = part.status.started != Some(false);
    let probe = if started { Probe::Readiness } else { Probe::Startup };
    let wanted = part.spec.and_then(|container| spec(container, probe));
    let event = unhealthy(part, probe);
    if wanted.is_none() && event.is_none() {
        return None;
    }
    let (rule, why, remedies) = reason(part, probe, 110, event.map_or("", |event| event.message.as_str()));
    let text = format!("{} runs, but its {} probe fails{why}", part.called(), probe.word());
    let confidence = if event.is_some() { Confidence::Proved } else { Confidence::Supported };
    Some(
        part.claim(rule, text)
            .confidence(confidence)
            .evidence([part.saw("ready", false)])
            .evidence(event.map(seen))
            .remedies(remedies),
    )
}
