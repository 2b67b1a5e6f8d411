//! Probes as they are given, and as the API keeps them.
//!
//! The defaults that the server would add are added here: what is proposed is then what will be there, to the last
//! field, and an undo recognises it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::ToolError;

use crate::{arguments, words};

/// path and port, or port alone, or command
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProbeArgs {
    path: Option<String>,
    #[schemars(with = "Option<i64>")]
    port: Option<Value>,
    command: Option<Vec<String>>,
    delay: Option<u32>,
    period: Option<u32>,
    timeout: Option<u32>,
    failures: Option<u32>,
}

/// Returns the field of a container that holds a probe: `readinessProbe`.
pub(crate) fn field(which: &str) -> Result<&'static str, ToolError> {
    match which {
        "readiness" => Ok("readinessProbe"),
        "liveness" => Ok("livenessProbe"),
        "startup" => Ok("startupProbe"),
        other => {
            let error = ToolError::arguments(format!("probes has no \"{}\"", words::shown(other)));
            let known = ["readiness", "liveness", "startup"];
            Err(match arguments::nearest(other, known) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint("it has readiness, liveness and startup"),
            })
        }
    }
}

/// Returns a port: a number, or the name of one of the container's ports.
pub(in crate::write) fn port(argument: &str, given: &Value) -> Result<Value, ToolError> {
    let number = given.as_i64().or_else(|| given.as_str().and_then(|text| text.trim().parse().ok()));
    match (number, given.as_str()) {
        (Some(number), _) if (1..=65_535).contains(&number) => Ok(json!(number)),
        (None, Some(name)) if is_port_name(name) => Ok(json!(name)),
        _ => {
            let shown = words::shown(&given.to_string());
            Err(ToolError::arguments(format!(
                "{argument} must be a port from 1 to 65535 or a port's name, got {shown}"
            )))
        }
    }
}

/// Source: k8s.io/apimachinery/pkg/util/validation, IsValidPortName.
fn is_port_name(name: &str) -> bool {
    let allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    (1..=15).contains(&name.len())
        && name.chars().all(allowed)
        && name.contains(|character: char| character.is_ascii_lowercase())
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Returns the probe as the API keeps it. Where only times are given, the check itself is that of `present`.
pub(crate) fn build(which: &str, probe: &ProbeArgs, present: Option<&Value>) -> Result<Value, ToolError> {
    let mut built = match (&probe.path, &probe.port, &probe.command) {
        (Some(path), Some(given), None) => {
            let path = if path.starts_with('/') { path.clone() } else { format!("/{path}") };
            let port = port(&format!("the port of {which}"), given)?;
            json!({"httpGet": {"path": path, "port": port, "scheme": "HTTP"}})
        }
        (None, Some(given), None) => json!({"tcpSocket": {"port": port(&format!("the port of {which}"), given)?}}),
        (None, None, Some(command)) if !command.is_empty() => json!({"exec": {"command": command}}),
        (Some(path), None, None) => {
            let mut built = present.cloned().unwrap_or_default();
            if built["httpGet"].is_null() {
                return Err(ToolError::arguments(format!("probe {which} needs a port beside its path")));
            }
            built["httpGet"]["path"] = json!(path);
            built
        }
        (None, None, None) if present.is_some() => present.cloned().unwrap_or_default(),
        _ => {
            return Err(ToolError::arguments(format!("probe {which} needs path and port, port alone, or a command")));
        }
    };
    let times = [
        ("initialDelaySeconds", probe.delay, None),
        ("periodSeconds", probe.period, Some(10)),
        ("timeoutSeconds", probe.timeout, Some(1)),
        ("failureThreshold", probe.failures, Some(3)),
        ("successThreshold", None, Some(1)),
    ];
    for (field, given, default) in times {
        // Source: k8s.io/kubernetes/pkg/apis/core/v1/defaults.go, SetDefaults_Probe.
        let kept = present.and_then(|present| present.get(field)).and_then(Value::as_u64);
        let seconds = given.map(u64::from).or(kept).or(default);
        if let Some(seconds) = seconds {
            built[field] = json!(seconds);
        }
    }
    if built["initialDelaySeconds"] == 0
        && let Some(fields) = built.as_object_mut()
    {
        fields.remove("initialDelaySeconds");
    }
    Ok(built)
}
