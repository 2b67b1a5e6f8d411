//! What containers have printed: the current and the previous instance of each, as kubelets keep them.
//! Reading with options (`tailLines`, `sinceSeconds`) is the API server's part.

use std::collections::HashMap;

use base64::Engine as _;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;

use crate::world::World;

/// One printed line, without its line end. The bytes need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was printed.
    pub at: Timestamp,
    /// What was printed.
    pub text: Bytes,
}

#[derive(Debug, Default)]
struct ContainerLogs {
    current: Option<Vec<LogLine>>,
    previous: Option<Vec<LogLine>>,
}

/// The logs of every container that has started.
#[derive(Debug, Default)]
pub(crate) struct LogStore {
    pods: HashMap<(String, String), HashMap<String, ContainerLogs>>,
}

impl LogStore {
    /// Returns the lines of a container's current or previous instance, `None` when there is no such
    /// instance.
    pub(crate) fn read(&self, namespace: &str, pod: &str, container: &str, previous: bool) -> Option<Vec<LogLine>> {
        let logs = self.pods.get(&(namespace.to_owned(), pod.to_owned()))?.get(container)?;
        if previous { logs.previous.clone() } else { logs.current.clone() }
    }

    /// Begins the log of a new instance; the current one becomes the previous one.
    pub(crate) fn begin(&mut self, namespace: &str, pod: &str, container: &str) {
        let logs = self.container(namespace, pod, container);
        logs.previous = logs.current.take();
        logs.current = Some(Vec::new());
    }

    /// Appends lines to a container's current log.
    pub(crate) fn append(
        &mut self,
        (namespace, pod, container): (&str, &str, &str),
        at: Timestamp,
        lines: impl IntoIterator<Item = Bytes>,
    ) {
        let current = self.container(namespace, pod, container).current.get_or_insert_default();
        current.extend(lines.into_iter().map(|text| LogLine { at, text }));
    }

    /// Forgets the logs of a pod that is gone.
    pub(crate) fn forget(&mut self, namespace: &str, pod: &str) {
        self.pods.remove(&(namespace.to_owned(), pod.to_owned()));
    }

    fn container(&mut self, namespace: &str, pod: &str, container: &str) -> &mut ContainerLogs {
        let pod = self.pods.entry((namespace.to_owned(), pod.to_owned())).or_default();
        pod.entry(container.to_owned()).or_default()
    }
}

/// Returns what is known of what a container prints when it starts: what the world declares for it, else what its
/// command line tells.
pub(crate) fn known_lines(world: &World, pod: &Value, container: &Value) -> Option<Vec<Bytes>> {
    let mut declared: Option<Vec<Bytes>> = None;
    for rule in world.logs.iter().filter(|rule| rule.target.matches(pod, container)) {
        let lines = declared.get_or_insert_default();
        let round: Vec<Bytes> = rule.lines.iter().map(|line| Bytes::from(line.clone())).collect();
        for _ in 0..rule.repeat {
            lines.extend(round.iter().cloned());
        }
        if let Some(bytes) = rule.base64.as_ref().and_then(|text| base64::prelude::BASE64_STANDARD.decode(text).ok()) {
            lines.push(bytes.into());
        }
    }
    let of_program = || Some(super::program::known(container)?.lines.into_iter().map(Bytes::from).collect());
    declared.or_else(of_program)
}

/// Returns what a container prints when it starts and works: what is known of it, else what programs of its image
/// print.
pub(crate) fn start_lines(world: &World, pod: &Value, container: &Value) -> Vec<Bytes> {
    if let Some(known) = known_lines(world, pod, container) {
        return known;
    }
    let image = container["image"].as_str().unwrap_or_default();
    let port = container["ports"][0]["containerPort"].as_u64().unwrap_or(8080);
    let lines = match image {
        _ if image.contains("frontend") => vec![
            "   ▲ Next.js 15.1.0".to_owned(),
            format!("   - Local:        http://localhost:{port}"),
            " ✓ Starting...".to_owned(),
            " ✓ Ready in 412ms".to_owned(),
        ],
        _ if image.contains("backend") => vec![
            "INFO:     Started server process [1]".to_owned(),
            "INFO:     Waiting for application startup.".to_owned(),
            "INFO:     Application startup complete.".to_owned(),
            format!("INFO:     Uvicorn running on http://0.0.0.0:{port} (Press CTRL+C to quit)"),
        ],
        _ if image.contains("mcp") => vec![
            "INFO     Starting MCP server 'todo' with transport 'streamable-http'".to_owned(),
            format!("INFO:     Uvicorn running on http://0.0.0.0:{port} (Press CTRL+C to quit)"),
        ],
        _ if image.starts_with("redis") => vec![
            "1:C * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo".to_owned(),
            "1:M * Server initialized".to_owned(),
            "1:M * Ready to accept connections tcp".to_owned(),
        ],
        _ if image.starts_with("nginx") => vec![
            "/docker-entrypoint.sh: Configuration complete; ready for start up".to_owned(),
            "[notice] 1#1: start worker processes".to_owned(),
        ],
        _ => vec![format!("{}: started", container["name"].as_str().unwrap_or_default())],
    };
    lines.into_iter().map(Bytes::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_makes_the_current_log_the_previous_one() {
        let mut logs = LogStore::default();
        let texts = |logs: &LogStore, previous| -> Option<Vec<Bytes>> {
            Some(logs.read("shop", "api", "app", previous)?.into_iter().map(|line| line.text).collect())
        };
        assert_eq!(texts(&logs, false), None);
        for text in ["first", "second"] {
            logs.begin("shop", "api", "app");
            logs.append(("shop", "api", "app"), Timestamp::UNIX_EPOCH, [Bytes::from(text)]);
        }
        assert_eq!(texts(&logs, false), Some(vec![Bytes::from("second")]));
        assert_eq!(texts(&logs, true), Some(vec![Bytes::from("first")]));
        logs.forget("shop", "api");
        assert_eq!(texts(&logs, false), None);
    }
}
