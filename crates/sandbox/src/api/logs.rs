//! The `log` subresource: which container, which instance, which part of it; followed or not.
//!
//! Source: `LogLocation` in the API server and `validateContainerLogStatus` in the kubelet.

use std::collections::VecDeque;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use jiff::Timestamp;
use serde_json::Value;

use super::incoming::Incoming;
use super::read::existing;
use super::reply::Reply;
use super::route::Target;
use super::status::{ApiError, Cause};
use crate::kubelet::{LogLine, LogStore};
use crate::simulation::Sandbox;
use crate::store::Key;

/// What part of a log is wanted.
#[derive(Debug, Clone, Default)]
struct Options {
    tail: Option<usize>,
    since: Option<Timestamp>,
    timestamps: bool,
    limit: Option<usize>,
    follow: bool,
    previous: bool,
}

/// Which of a container's two kept logs is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Instance {
    Current,
    Previous,
}

/// Answers `log`.
pub(crate) fn logs(incoming: &Incoming, target: &Target, sandbox: &Sandbox) -> Result<Reply, ApiError> {
    if incoming.method != http::Method::GET {
        return Err(ApiError::method_not_allowed());
    }
    let options = options(incoming, &target.name)?;
    let state = sandbox.state();
    let pod = existing(target, &state.store)?;
    let container = container(&pod, incoming.query.get("container"))?;
    if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
        return Ok(Reply::text(Bytes::new()).code(204));
    }
    let instance = instance(&pod, &container, options.previous)?;
    let lines = state
        .logs
        .read(&target.namespace, &target.name, &container, instance == Instance::Previous)
        .unwrap_or_default();
    drop(state);
    let printed = lines.len();
    let first: Vec<LogLine> = select(lines, &options);
    let text = render(&first, &options, options.limit);
    if !options.follow || options.previous {
        return Ok(Reply::text(text));
    }
    let following = Following {
        sandbox: sandbox.clone(),
        key: Key::of(target.resource.kind, &target.namespace, &target.name),
        restarts: restarts(&pod, &container),
        container,
        printed,
        left: options.limit.map(|limit| limit - text.len().min(limit)),
        ready: if text.is_empty() { VecDeque::new() } else { VecDeque::from([text]) },
        options,
        over: false,
    };
    let chunks =
        stream::unfold(
            following,
            |mut following| async move { following.next().await.map(|chunk| (chunk, following)) },
        );
    Ok(Reply::stream("text/plain; charset=utf-8", chunks.boxed()))
}

fn options(incoming: &Incoming, pod: &str) -> Result<Options, ApiError> {
    let query = &incoming.query;
    let invalid = |cause: Cause| ApiError::invalid_kind("PodLogOptions", "", pod, &[cause]);
    let at_least = |field: &'static str, least: i64, why: &str| match query.number(field)? {
        Some(number) if number < least => Err(invalid(Cause::invalid(field, &number.into(), why))),
        number => Ok(number),
    };
    let tail = at_least("tailLines", 0, "must be greater than or equal to 0")?;
    let limit = at_least("limitBytes", 1, "must be greater than 0")?;
    let seconds = at_least("sinceSeconds", 1, "must be greater than 0")?;
    let time = query
        .get("sinceTime")
        .map(|text| text.parse::<Timestamp>().map_err(|error| ApiError::bad_request(error.to_string())))
        .transpose()?;
    if seconds.is_some() && time.is_some() {
        let why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
        return Err(invalid(Cause::forbidden("", why)));
    }
    let ago = |seconds: i64| {
        let whole = jiff::SignedDuration::from_secs(seconds.min(1 << 40));
        incoming.now.checked_sub(whole).unwrap_or(Timestamp::MIN)
    };
    Ok(Options {
        tail: tail.and_then(|tail| usize::try_from(tail).ok()),
        since: time.or(seconds.map(ago)),
        timestamps: query.flag("timestamps"),
        limit: limit.and_then(|limit| usize::try_from(limit).ok()),
        follow: query.flag("follow"),
        previous: query.flag("previous"),
    })
}

/// Returns the container that is meant: the named one, or the only one.
fn container(pod: &Value, asked: Option<&str>) -> Result<String, ApiError> {
    let names = |list: &str| -> Vec<String> {
        let containers = pod["spec"][list].as_array().into_iter().flatten();
        containers.filter_map(|container| container["name"].as_str()).map(str::to_owned).collect()
    };
    let (main, init) = (names("containers"), names("initContainers"));
    let pod_name = crate::object::name(pod);
    match asked {
        Some(asked) if main.iter().chain(&init).any(|name| name == asked) => Ok(asked.to_owned()),
        Some(asked) => Err(ApiError::bad_request(format!("container {asked} is not valid for pod {pod_name}"))),
        None => match main.as_slice() {
            [only] => Ok(only.clone()),
            several => {
                let mut message = format!(
                    "a container name must be specified for pod {pod_name}, choose one of: [{}]",
                    several.join(" ")
                );
                if !init.is_empty() {
                    message.push_str(" or one of the init containers: [");
                    message.push_str(&init.join(" "));
                    message.push(']');
                }
                Err(ApiError::bad_request(message))
            }
        },
    }
}

fn status_of<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    ["containerStatuses", "initContainerStatuses"]
        .iter()
        .flat_map(|list| pod["status"][*list].as_array().into_iter().flatten())
        .find(|status| status["name"] == container)
}

fn restarts(pod: &Value, container: &str) -> u64 {
    status_of(pod, container).and_then(|status| status["restartCount"].as_u64()).unwrap_or(0)
}

/// Returns which kept log to read, or why there is none. A container that waits after an exit has its last
/// instance both as its log and as its previous log.
fn instance(pod: &Value, container: &str, previous: bool) -> Result<Instance, ApiError> {
    let pod_name = crate::object::name(pod);
    let status = status_of(pod, container).unwrap_or(&Value::Null);
    let state = &status["state"];
    let started = state["running"].is_object() || state["terminated"].is_object();
    let ended_before = status["lastState"]["terminated"].is_object();
    if previous {
        return match (ended_before, started) {
            (false, _) => Err(ApiError::bad_request(format!(
                "previous terminated container \"{container}\" in pod \"{pod_name}\" not found"
            ))),
            (true, true) => Ok(Instance::Previous),
            (true, false) => Ok(Instance::Current),
        };
    }
    if started || ended_before {
        return Ok(Instance::Current);
    }
    let why = match state["waiting"]["reason"].as_str() {
        Some("ErrImagePull") => "image can't be pulled",
        Some("ImagePullBackOff") => "trying and failing to pull image",
        Some(reason) => reason,
        None => "ContainerCreating",
    };
    Err(ApiError::bad_request(format!("container \"{container}\" in pod \"{pod_name}\" is waiting to start: {why}")))
}

fn select(mut lines: Vec<LogLine>, options: &Options) -> Vec<LogLine> {
    if let Some(since) = options.since {
        lines.retain(|line| line.at >= since);
    }
    if let Some(tail) = options.tail {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    lines
}

fn render(lines: &[LogLine], options: &Options, limit: Option<usize>) -> Bytes {
    let mut text = Vec::new();
    for line in lines {
        if options.timestamps {
            text.extend_from_slice(line.at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string().as_bytes());
        }
        text.extend_from_slice(&line.text);
        text.push(b'\n');
    }
    if let Some(limit) = limit {
        text.truncate(limit);
    }
    text.into()
}

/// A log that is being followed.
struct Following {
    sandbox: Sandbox,
    key: Key,
    container: String,
    /// Which instance of the container this is.
    restarts: u64,
    /// How many of its lines have been looked at.
    printed: usize,
    /// How many bytes may still be sent.
    left: Option<usize>,
    ready: VecDeque<Bytes>,
    options: Options,
    over: bool,
}

impl Following {
    /// Waits for the next chunk; `None` ends the log, as the container's end does.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(chunk);
            }
            if self.over || self.left == Some(0) {
                return None;
            }
            let (mut changed, now) = self.collect();
            if !self.ready.is_empty() || self.over {
                continue;
            }
            let soon = now.checked_add(jiff::Span::new().seconds(1)).unwrap_or(Timestamp::MAX);
            let sandbox = self.sandbox.clone();
            tokio::select! {
                changed = changed.changed() => if changed.is_err() { return None },
                () = sandbox.reached(soon) => {}
            }
        }
    }

    fn collect(&mut self) -> (tokio::sync::watch::Receiver<u64>, Timestamp) {
        let sandbox = self.sandbox.clone();
        let state = sandbox.state();
        let pod = state.store.get(&self.key);
        let restarted = pod.as_ref().is_none_or(|pod| restarts(pod, &self.container) != self.restarts);
        let running = pod.as_ref().is_some_and(|pod| {
            status_of(pod, &self.container).is_some_and(|status| status["state"]["running"].is_object())
        });
        let lines = self.lines(&state.logs, restarted && pod.is_some());
        if lines.len() > self.printed {
            let text = render(&lines[self.printed..], &self.options, self.left);
            self.left = self.left.map(|left| left - text.len().min(left));
            self.printed = lines.len();
            self.ready.push_back(text);
        }
        self.over = restarted || !running;
        (state.store.changed(), state.now)
    }

    fn lines(&self, logs: &LogStore, previous: bool) -> Vec<LogLine> {
        logs.read(&self.key.namespace, &self.key.name, &self.container, previous).unwrap_or_default()
    }
}
