//! How containers end, again and again (1–19, 114): by their exit code, the kernel, a probe, or a runtime that
//! cannot start them. On 1.37 a crash loop is restarts and a terminated state; `CrashLoopBackOff` is often
//! absent. What the exit code leaves open, the log says (141–156).

use jiff::SignedDuration;

use super::containers::{Ending, Part};
use super::{log_classes, probes};
use crate::claim::Claim;
use crate::finding::{Confidence, Evidence, Unknown};
use crate::kind::Kind;
use crate::reach::similar;
use crate::remedy::{Bound, Remedy};
use crate::shape::condition;

/// So long after its last ending a container that runs counts as steady.
const RECENT: SignedDuration = SignedDuration::from_mins(10);
/// A kill for lack of memory is worth a word for longer.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);
/// So many restarts are more than a slow start.
const MANY: i64 = 3;

/// Returns the ending that makes trouble, if any does.
fn trouble<'s>(part: &Part<'s>) -> Option<Ending<'s>> {
    let status = part.status;
    let ending = part.ending()?;
    if ending.how.reason == "OOMKilled" {
        let since = part.subject.snapshot.since(ending.how.finished_at);
        let finished = part.init && ending.how.exit_code == 0;
        return (!finished && since.is_none_or(|since| since < REMEMBERED)).then_some(ending);
    }
    if status.state.waiting.as_ref().is_some_and(|waiting| waiting.reason == "CrashLoopBackOff") {
        return Some(ending);
    }
    let ended_well = ending.how.exit_code == 0;
    let finishes = part.init || part.subject.pod.spec.restart_policy == "OnFailure";
    if status.restart_count == 0 || (ended_well && finishes) {
        return None;
    }
    if status.state.terminated.is_some() {
        return Some(ending);
    }
    let recent = part.subject.snapshot.since(ending.how.finished_at).is_some_and(|since| since < RECENT);
    (status.state.running.is_some() && status.restart_count >= MANY && recent).then_some(ending)
}

/// Returns whether the log of this container would tell more than its status does.
pub(crate) fn wants_log(part: &Part<'_>) -> bool {
    trouble(part).is_some_and(|ending| {
        ending.how.reason != "OOMKilled"
            && !matches!(ending.how.reason.as_str(), "StartError" | "ContainerCannotRun" | "ContainerStatusUnknown")
            && probes::kill(part).is_none()
    })
}

pub(super) fn claim(part: &Part<'_>) -> Option<Claim> {
    let ending = trouble(part)?;
    let claim = cause(part, ending);
    let field = ending.field;
    Some(
        claim
            .evidence([
                part.saw(&format!("{field}.terminated.exitCode"), ending.how.exit_code).at(ending.how.finished_at),
                part.saw(&format!("{field}.terminated.reason"), &ending.how.reason),
                part.saw("restartCount", part.status.restart_count),
            ])
            .evidence(log_evidence(part)),
    )
}

/// The last line of the log is shown where no class said which line matters.
fn log_evidence(part: &Part<'_>) -> Option<Evidence> {
    let (_, text) = part.log()?;
    if crate::logs::triage(text).is_some() {
        return None;
    }
    let (line, last) = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).last()?;
    Some(log_classes::line(part, line + 1, last))
}

fn cause(part: &Part<'_>, ending: Ending<'_>) -> Claim {
    let how = ending.how;
    let called = part.called();
    match how.reason.as_str() {
        "OOMKilled" => return out_of_memory(part),
        "ContainerStatusUnknown" => return lost(part),
        "Unknown" if how.exit_code == 255 => return lost(part),
        "StartError" | "ContainerCannotRun" => {
            let message = [part.saw(&format!("{}.terminated.message", ending.field), &how.message)];
            return start_error(part, &how.message).evidence(message);
        }
        _ => {}
    }
    if let Some(kill) = probes::kill(part) {
        return kill;
    }
    let log = part.log().map_or("", |(_, text)| text);
    if log.contains("exec format error") {
        return wrong_architecture(part);
    }
    if log.contains("panic: ") && log.contains("goroutine ") {
        let line = log.lines().find(|line| line.starts_with("panic: ")).unwrap_or("panic");
        return part
            .claim(3, format!("{called} panics: {}", line.trim_start_matches("panic: ")))
            .evidence(log_classes::find(part, "panic: "))
            .remedies(log_classes::rollback(part))
            .remedy(Remedy::manual("correct what it panics of"));
    }
    if how.exit_code == 3 && log.contains("OutOfMemoryError") {
        return heap(part, 4, "the Java heap is full");
    }
    if log.contains("heap out of memory") {
        return heap(part, 10, "the JavaScript heap is full");
    }
    if how.exit_code == 127
        && let Some(word) = unknown_command(log)
    {
        return not_found(part, word);
    }
    if let Some(event) = system_out_of_memory(part).filter(|_| how.exit_code != 137) {
        return part
            .claim(
                12,
                format!(
                    "a process in {called} was killed for lack of memory, and it ended with exit code {}",
                    how.exit_code
                ),
            )
            .confidence(Confidence::Supported)
            .evidence([crate::claim::seen(event)])
            .remedy(Remedy::manual("give the container more memory, or let it start fewer processes"));
    }
    if !matches!(how.exit_code, 126 | 132 | 134 | 135 | 137 | 139 | 143)
        && let Some(claim) = log_classes::claim(part)
    {
        return claim;
    }
    by_code(part, how.exit_code, how.signal)
}

fn by_code(part: &Part<'_>, code: i64, signal: i64) -> Claim {
    let called = part.called();
    let tell = |rule: u16, text: String, step: &str| part.claim(rule, text).remedy(Remedy::manual(step));
    let log = match part.log() {
        Some(_) => None,
        None => Some(Unknown::unseen(format!("the log of {called}, which would say more"))),
    };
    let claim = match code {
        0 => tell(
            1,
            format!("{called} ends with exit code 0 and is started again and again: its main process finishes"),
            "run the process in the foreground, or make it a Job if it is meant to finish",
        ),
        2 => tell(
            3,
            format!("{called} ends with exit code 2, as programs do on wrong arguments"),
            "correct the arguments of the command",
        ),
        126 => tell(
            5,
            format!("{called} cannot execute its command"),
            "make the file executable, and not on a volume that is mounted noexec",
        ),
        127 => not_found(part, "its command"),
        132 => tell(
            9,
            format!("{called} dies of an instruction that the node's processor does not know"),
            "use an image for an older processor, or a newer node",
        ),
        134 => tell(
            10,
            format!("{called} aborts itself"),
            "look for what it says before it aborts; raise the heap or the memory limit if it is about memory",
        ),
        139 => tell(
            16,
            format!("{called} dies of a segmentation fault"),
            "this is native code: check the image (musl or glibc, architecture) and its version",
        ),
        137 => killed(part),
        143 => terminated(part),
        129..=165 => {
            let number = if signal > 0 { signal } else { code - 128 };
            let step = match number {
                7 => "a bus error often is a full shared memory: mount an emptyDir of medium Memory on /dev/shm",
                _ => "find out what sends the signal",
            };
            tell(18, format!("{called} dies of signal {number}{}", signal_name(number)), step)
        }
        _ if part.init => tell(
            29,
            format!("{called} fails with exit code {code}, so the pod cannot start"),
            "correct what its log says",
        ),
        _ if part.status.state.running.is_some() => {
            let restarts = part.status.restart_count;
            tell(
                114,
                format!("{called} runs, but has ended with exit code {code} and been restarted {restarts} times"),
                "correct what its log says before it ends",
            )
        }
        _ => part
            .claim(2, format!("{called} ends with exit code {code}, again and again"))
            .remedies(log_classes::rollback(part))
            .remedy(Remedy::manual("correct what its log says before it ends")),
    };
    claim.unknowns(log)
}

fn signal_name(number: i64) -> &'static str {
    match number {
        1 => " (HUP)",
        2 => " (INT)",
        5 => " (TRAP)",
        7 => " (BUS)",
        8 => " (FPE)",
        13 => " (PIPE)",
        _ => "",
    }
}

fn out_of_memory(part: &Part<'_>) -> Claim {
    let called = part.called();
    let workload = part.subject.workload().clone();
    let limit = part.spec.and_then(|spec| spec.resources.limits.get("memory"));
    let set = |amount: Option<String>| Remedy::SetResource {
        workload: workload.clone(),
        container: part.name().to_owned(),
        limit: Bound::Limit,
        resource: "memory".to_owned(),
        amount,
    };
    let Some(limit) = limit else {
        return part
            .claim(13, format!("{called} was killed because the node ran out of memory; it has no memory limit"))
            .because([part.subject.snapshot.named(Kind::Node, "", &part.subject.pod.spec.node_name)])
            .remedy(set(None));
    };
    let list = if part.init { "initContainers" } else { "containers" };
    let specs = if part.init { &part.subject.pod.spec.init_containers } else { &part.subject.pod.spec.containers };
    let at = specs.iter().position(|spec| spec.name == part.name()).unwrap_or_default();
    part.claim(11, format!("{called} needs more memory than its limit of {limit} and is killed"))
        .evidence([Evidence::field(&part.subject.object, format!("spec.{list}[{at}].resources.limits.memory"), limit)])
        .remedy(set(None))
}

fn heap(part: &Part<'_>, rule: u16, why: &str) -> Claim {
    part.claim(rule, format!("{} ends because {why}", part.called()))
        .evidence(log_classes::find(part, "OutOfMemoryError"))
        .evidence(log_classes::find(part, "heap out of memory"))
        .remedy(Remedy::manual("raise the heap (MaxRAMPercentage, --max-old-space-size), and the memory limit with it"))
}

fn lost(part: &Part<'_>) -> Claim {
    let node = part.subject.snapshot.named(Kind::Node, "", &part.subject.pod.spec.node_name);
    part.claim(19, format!("how {} ended is not known: its node was lost or restarted", part.called()))
        .because([node.clone()])
        .remedy(Remedy::manual(format!("look at {}; the program itself is not to blame", node.short())))
}

/// Claims what a runtime says when it cannot start a container (5, 7, 8, 24, 26).
pub(super) fn start_error(part: &Part<'_>, message: &str) -> Claim {
    let called = part.called();
    let command = super::waiting::between(message, "exec: \"", "\"").unwrap_or_default();
    let set = |command: Option<Vec<String>>| Remedy::SetCommand {
        workload: part.subject.workload().clone(),
        container: part.name().to_owned(),
        command,
    };
    if message.contains("exec format error") {
        return wrong_architecture(part);
    }
    if message.contains("permission denied") && message.contains("exec") {
        return part
            .claim(5, format!("{called} cannot execute {command}: permission denied"))
            .remedy(Remedy::manual("make the file executable (chmod +x) in the image"))
            .remedy(set(None));
    }
    if message.contains("executable file not found") {
        return part
            .claim(7, format!("{called} cannot start: there is no {command} in its image's PATH"))
            .remedy(set(None));
    }
    let mounting = message.contains("error mounting") || message.contains("mountpoint");
    if !mounting && (message.contains("no such file or directory") || message.contains("is a directory")) {
        let what = if message.contains("is a directory") { "is a directory" } else { "is not in its image" };
        let what = if command.is_empty() {
            format!("cannot start: {message}")
        } else {
            format!("cannot start: {command} {what}")
        };
        return part.claim(7, format!("{called} {what}")).remedy(set(None));
    }
    let why = message.rsplit("runc create failed: ").next().unwrap_or(message);
    part.claim(26, format!("{called} cannot be run: {why}")).remedy(Remedy::manual(if mounting {
        "mount a file on a file and a directory on a directory, at a path that can be made in the image"
    } else {
        "correct what the runtime's message names (capabilities, devices, seccomp or AppArmor profile, cgroup)"
    }))
}

fn wrong_architecture(part: &Part<'_>) -> Claim {
    let snapshot = part.subject.snapshot;
    let name = &part.subject.pod.spec.node_name;
    let node = snapshot.objects().nodes.iter().find(|node| node.metadata.name == *name);
    let architecture = node.map_or("", |node| node.status.node_info.architecture.as_str());
    let claim = part
        .claim(
            8,
            format!(
                "the program of {} is built for another architecture than its node's {architecture}",
                part.called()
            ),
        )
        .confidence(Confidence::Supported)
        .evidence(log_classes::find(part, "exec format error"));
    let claim = match architecture {
        "" => claim,
        found => claim.saw(&snapshot.named(Kind::Node, "", name), "status.nodeInfo.architecture", found),
    };
    claim.remedy(Remedy::manual("build the image for this architecture, or select nodes by kubernetes.io/arch; a script needs its first line #!"))
}

/// The word before `: not found`, as shells print it.
fn unknown_command(log: &str) -> Option<&str> {
    log.lines().find_map(|line| {
        let line = line.strip_suffix(": not found").or_else(|| line.strip_suffix(": command not found"))?;
        line.rsplit(": ").next().map(str::trim).filter(|word| !word.is_empty() && !word.contains(' '))
    })
}

fn not_found(part: &Part<'_>, word: &str) -> Claim {
    const COMMANDS: &[&str] = &[
        "wget",
        "curl",
        "bash",
        "node",
        "npm",
        "python",
        "python3",
        "java",
        "nginx",
        "redis-server",
        "uvicorn",
        "gunicorn",
        "sleep",
        "echo",
    ];
    let mut text = format!("{} cannot find {word} in its image", part.called());
    if let Some(near) = similar(word, COMMANDS.iter().copied()) {
        text = format!("{text}; did you mean {near}?");
    }
    part.claim(6, text).evidence(log_classes::find(part, "not found")).remedy(Remedy::SetCommand {
        workload: part.subject.workload().clone(),
        container: part.name().to_owned(),
        command: None,
    })
}

fn killed(part: &Part<'_>) -> Claim {
    let node = part.subject.snapshot.named(Kind::Node, "", &part.subject.pod.spec.node_name);
    let limited = part.spec.is_some_and(|spec| spec.resources.limits.contains_key("memory"));
    let system = system_out_of_memory(part);
    if let (false, Some(event)) = (limited, system) {
        return part
            .claim(13, format!("{} was killed while its node ran out of memory; it has no memory limit", part.called()))
            .confidence(Confidence::Supported)
            .because([node])
            .evidence([crate::claim::seen(event)]);
    }
    part.claim(18, format!("{} is killed (signal 9), and not for lack of memory", part.called()))
        .confidence(Confidence::Supported)
        .because([node])
        .remedy(Remedy::manual("find out what kills it: a probe, a wrapper, or a shutdown that takes too long"))
}

/// Returns the node's word that the kernel killed something close to the container's end.
fn system_out_of_memory<'s>(part: &Part<'s>) -> Option<&'s crate::shape::Event> {
    let node = part.subject.snapshot.named(Kind::Node, "", &part.subject.pod.spec.node_name);
    let finished = part.ending()?.how.finished_at?;
    let close = |event: &&crate::shape::Event| {
        event.reason == "SystemOOM"
            && event.last_seen().is_some_and(|at| at.duration_since(finished).abs() < SignedDuration::from_secs(30))
    };
    part.subject.snapshot.events_of(&node.uid).into_iter().rfind(close)
}

fn terminated(part: &Part<'_>) -> Claim {
    let disrupted = condition(&part.subject.pod.status.conditions, "DisruptionTarget");
    let text = match disrupted {
        Some(target) => format!("{} was asked to end: {}", part.called(), target.reason),
        None => format!("{} ends on a SIGTERM that nothing in the cluster is seen to send", part.called()),
    };
    part.claim(17, text)
        .confidence(Confidence::Supported)
        .remedy(Remedy::manual("find out what sends SIGTERM, often a wrapper or a supervisor in the container"))
}
