//! Which containers' logs are read, and the reading: several at a time, each bounded, merged by time.
//!
//! Memory is bounded by construction: so many containers, so many bytes each, so many at a time.

use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;
use todo_agent_core::{
    Cause, ClusterError, Reader, ToolError,
    reader::{LogQuery, LogText},
    text::count,
};

use super::{
    Wanted,
    parse::{self, Line},
};
use crate::{arguments, pods, value};

/// The most bytes of one container's log that are read.
const MOST_BYTES: u64 = 2 * 1024 * 1024;
/// The most bytes of all logs together.
const MOST_BYTES_TOGETHER: u64 = 16 * 1024 * 1024;
/// The most containers that are read; a workload with more pods shows its first.
const MOST_SOURCES: usize = 40;
/// How many logs are read at the same time.
const AT_ONCE: usize = 8;
/// An earlier run is shown with the present one if it ended this lately.
const RECENT: Duration = Duration::from_hours(1);

/// One log: a run of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) pod: String,
    pub(super) container: String,
    /// Whether it is the run before the last restart.
    pub(super) run: RunOf,
    /// Why there may be no log yet.
    pub(super) waiting: Option<String>,
}

/// Which run of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunOf {
    Present,
    Previous,
}

impl Source {
    /// Returns what replicas have in common: the container and its run.
    pub(super) fn group(&self) -> String {
        let previous = if self.run == RunOf::Previous { " (previous)" } else { "" };
        format!("{}{previous}", self.container)
    }

    /// Returns `backend-1/app`, or `backend-1/app (previous)`.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.pod, self.group())
    }
}

/// The lines of all logs in the order of time.
pub(super) struct Collected {
    pub(super) lines: Vec<Line>,
    pub(super) sources: Vec<Source>,
    /// What was left out or could not be read, one sentence each.
    pub(super) notes: Vec<String>,
}

/// Returns the logs to read.
pub(super) fn sources(found: &[Value], wanted: &Wanted, now: Timestamp) -> Result<Vec<Source>, ToolError> {
    let mut sources = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for pod in found {
        let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"];
        for (specs, statuses) in ["/spec/initContainers", "/spec/containers"].into_iter().zip(statuses) {
            for spec in value::items(pod, specs) {
                let name = value::name_of(spec);
                names.push(name);
                if wanted.container.as_deref().is_some_and(|container| container != name) {
                    continue;
                }
                let status = value::items(pod, statuses).iter().find(|status| value::name_of(status) == name);
                add(&mut sources, pod, name, status, wanted, now);
            }
        }
    }
    if let Some(container) = wanted.container.as_deref().filter(|_| sources.is_empty() && !found.is_empty()) {
        if names.contains(&container) {
            return Ok(sources);
        }
        names.sort_unstable();
        names.dedup();
        let error = ToolError::name(format!("there is no container \"{container}\" in these pods"));
        let error = match arguments::nearest(container, names.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error,
        };
        return Err(error.hint(format!("the containers are {}", names.join(", "))));
    }
    Ok(sources)
}

fn add(sources: &mut Vec<Source>, pod: &Value, name: &str, status: Option<&Value>, wanted: &Wanted, now: Timestamp) {
    let source = |run: RunOf, waiting: Option<String>| Source {
        pod: value::name(pod).to_owned(),
        container: name.to_owned(),
        run,
        waiting,
    };
    let restarted = status.and_then(|status| value::number(status, "/restartCount")).unwrap_or(0) > 0;
    let ended = status.and_then(|status| value::instant(status, "/lastState/terminated/finishedAt"));
    let lately = ended.is_some_and(|ended| now.duration_since(ended).unsigned_abs() <= RECENT);
    if restarted && (wanted.previous_only || lately) {
        sources.push(source(RunOf::Previous, None));
    }
    // Between two runs of a crash loop the run before is the one that has just ended.
    let between = restarted && status.is_some_and(|status| status.pointer("/state/terminated").is_some());
    if !wanted.previous_only || between {
        sources.push(source(RunOf::Present, waiting(pod, status)));
    }
}

/// Returns why a container has not run yet; `None` for one that has.
fn waiting(pod: &Value, status: Option<&Value>) -> Option<String> {
    let Some(status) = status else {
        return Some(pods::trouble(pod).unwrap_or_else(|| "it has not started".to_owned()));
    };
    let has_run = value::number(status, "/restartCount").unwrap_or(0) > 0
        || ["/state/running", "/state/terminated", "/lastState/terminated"]
            .iter()
            .any(|at| status.pointer(at).is_some_and(|state| !state.is_null()));
    if has_run {
        return None;
    }
    let reason = value::some_text(status, "/state/waiting/reason").unwrap_or("it has not started");
    Some(match value::some_text(status, "/state/waiting/message") {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    })
}

/// Reads the logs and merges them.
pub(super) async fn read_all(
    reader: &dyn Reader,
    namespace: &str,
    mut sources: Vec<Source>,
    wanted: &Wanted,
) -> Result<Collected, ToolError> {
    let mut notes = Vec::new();
    if wanted.previous_only && sources.is_empty() {
        notes.push("no container was restarted, so there is no earlier run".to_owned());
    }
    if sources.len() > MOST_SOURCES {
        notes.push(format!(
            "the first {MOST_SOURCES} of {} containers are shown; name a pod or a container for the others",
            sources.len()
        ));
        sources.truncate(MOST_SOURCES);
    }
    notes.extend(sources.iter().filter_map(|source| {
        let waiting = source.waiting.as_ref()?;
        Some(format!("{} has no log yet: {waiting}", source.name()))
    }));
    let bytes = bytes_each(sources.len());
    let readable: Vec<usize> = (0..sources.len()).filter(|index| sources[*index].waiting.is_none()).collect();
    let mut logs = read_each(reader, queries(namespace, &sources, &readable, wanted, bytes)).await;
    let instead = runs_instead(&mut sources, &logs);
    logs.extend(read_each(reader, queries(namespace, &sources, &instead, wanted, bytes)).await);
    let mut lines = Vec::new();
    for (index, log) in logs {
        let name = sources[index].name();
        match log {
            Ok(log) if is_gone(&log) => {
                notes.push(format!("{name}: the node has not kept the log of this run, the run after it is shown"));
            }
            Ok(log) => {
                let parsed = parse::parse(&log.bytes, index);
                notes.extend(left_out(&name, &log, parsed.lines.len(), parsed.undecodable, wanted, bytes));
                lines.extend(parsed.lines);
            }
            // One container without a log must not hide what the others say.
            Err(error) if matches!(error.cause, Cause::Invalid | Cause::NotFound) => {
                notes.push(format!("{name}: {}", error.message));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(grep) = &wanted.grep {
        let all = lines.len();
        lines.retain(|line| grep.is_match(&line.text));
        notes.push(format!("{} of {} match {grep}", lines.len(), count(all, "line")));
    }
    lines.sort_by_key(|line| line.time);
    Ok(Collected { lines, sources, notes })
}

/// The log of a source, by its place.
type Read = (usize, Result<LogText, ClusterError>);

/// Reads several at a time; returns the logs in the order of their sources.
async fn read_each(reader: &dyn Reader, queries: Vec<(usize, LogQuery)>) -> Vec<Read> {
    let mut logs: Vec<_> = stream::iter(queries)
        .map(|(index, query)| async move { (index, reader.logs(&query).await) })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    logs.sort_by_key(|(index, _)| *index);
    logs
}

/// Adds the present run of each container whose run before is gone, unless it is read anyway; returns what it added.
/// A run that ends takes the place of the one before it at once, and the status of the pod says so only later.
fn runs_instead(sources: &mut Vec<Source>, logs: &[Read]) -> Vec<usize> {
    let first = sources.len();
    for (index, log) in logs {
        let gone = sources[*index].run == RunOf::Previous && log.as_ref().is_ok_and(is_gone);
        let present = Source { run: RunOf::Present, ..sources[*index].clone() };
        if gone && !sources.contains(&present) {
            sources.push(present);
        }
    }
    (first..sources.len()).collect()
}

/// Returns whether the log is only the kubelet's word that there is none: it keeps the last ended run of a container
/// and removes those before.
/// Source: k8s.io/kubernetes pkg/kubelet/kuberuntime/kuberuntime_container.go, GetContainerLogs.
fn is_gone(log: &LogText) -> bool {
    log.bytes.starts_with(b"unable to retrieve container logs for ") && !log.bytes.contains(&b'\n')
}

/// Returns the queries for these sources. They are made before the reading: a stream of borrowing closures would not be
/// Send.
fn queries(
    namespace: &str,
    sources: &[Source],
    which: &[usize],
    wanted: &Wanted,
    bytes: u64,
) -> Vec<(usize, LogQuery)> {
    which.iter().map(|&index| (index, query(namespace, &sources[index], wanted, bytes))).collect()
}

/// Returns the query for one log.
pub(super) fn query(namespace: &str, source: &Source, wanted: &Wanted, bytes: u64) -> LogQuery {
    LogQuery {
        namespace: namespace.to_owned(),
        pod: source.pod.clone(),
        container: Some(source.container.clone()),
        previous: source.run == RunOf::Previous,
        since: wanted.since,
        tail: Some(wanted.tail),
        limit_bytes: Some(bytes),
    }
}

/// Returns how many bytes each of so many logs may have.
pub(super) fn bytes_each(logs: usize) -> u64 {
    MOST_BYTES.min(MOST_BYTES_TOGETHER / u64::try_from(logs.max(1)).unwrap_or(1))
}

fn left_out(name: &str, log: &LogText, lines: usize, undecodable: usize, wanted: &Wanted, bytes: u64) -> Vec<String> {
    let mut notes = Vec::new();
    if log.cut {
        notes
            .push(format!("{name}: only {} KiB were read; narrow with since or grep, or a smaller tail", bytes / 1024));
    } else if lines >= wanted.tail as usize {
        notes.push(format!("{name}: the last {} lines; older ones are left out, ask with tail or since", wanted.tail));
    }
    if undecodable > 0 {
        notes.push(format!("{name}: {} that are no text are shown as escapes", count(undecodable, "byte")));
    }
    notes
}
