//! The containers of a pod or a pod template, each as a few fields: image, command, ports, resources,
//! probes, variables, mounts, and its state where it runs.
//!
//! The object comes in redacted; a variable's value that was masked stays masked.

use jiff::Timestamp;
use serde_json::Value;

use crate::{durations, pods, value};

/// A headline and its fields.
pub(super) type Section = (String, Vec<(String, String)>);

/// Returns a section for each container.
pub(super) fn described(spec: &Value, live: &Value, now: Timestamp) -> Vec<Section> {
    let kinds = [
        ("/initContainers", "init container", "/status/initContainerStatuses"),
        ("/containers", "container", "/status/containerStatuses"),
    ];
    let mut sections = Vec::new();
    for (at, word, statuses) in kinds {
        for container in value::items(spec, at) {
            let name = value::name_of(container);
            let status = value::items(live, statuses).iter().find(|status| value::name_of(status) == name);
            sections.push((format!("{word} {name}"), fields(container, status, now)));
        }
    }
    sections
}

fn fields(container: &Value, status: Option<&Value>, now: Timestamp) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut add = |name: &str, text: String| {
        if !text.is_empty() {
            fields.push((name.to_owned(), text));
        }
    };
    add("image", value::text(container, "/image").to_owned());
    if let Some(status) = status {
        add("state", state(status, now));
        let last = status.pointer("/lastState/terminated").filter(|last| !last.is_null());
        add("last run", last.map_or_else(String::new, |last| ended(last, now)));
        let restarts = value::number(status, "/restartCount").unwrap_or(0);
        add("restarts", if restarts > 0 { restarts.to_string() } else { String::new() });
    }
    for (name, at) in [("command", "/command"), ("args", "/args")] {
        add(name, value::items(container, at).iter().map(value::plain).collect::<Vec<_>>().join(" "));
    }
    add("ports", ports(container));
    add("requests", amounts(container, "/resources/requests"));
    add("limits", amounts(container, "/resources/limits"));
    for (name, at) in [("liveness", "/livenessProbe"), ("readiness", "/readinessProbe"), ("startup", "/startupProbe")] {
        add(name, container.pointer(at).map(probe).unwrap_or_default());
    }
    for variable in value::items(container, "/env") {
        add(&format!("env {}", value::name_of(variable)), variable_text(variable));
    }
    add("env from", value::items(container, "/envFrom").iter().map(env_from).collect::<Vec<_>>().join(", "));
    add("mounts", value::items(container, "/volumeMounts").iter().map(mount).collect::<Vec<_>>().join("\n"));
    fields
}

fn state(status: &Value, now: Timestamp) -> String {
    let ready = if value::is_true(status, "/ready") { "ready" } else { "not ready" };
    let state = |at: &str| status.pointer(at).filter(|state| !state.is_null());
    if state("/state/running").is_some() {
        let age = durations::age(value::instant(status, "/state/running/startedAt"), now);
        return format!("running for {age}, {ready}");
    }
    if let Some(waiting) = state("/state/waiting") {
        let reason = value::some_text(waiting, "/reason").unwrap_or("waiting");
        return match value::some_text(waiting, "/message") {
            Some(message) => format!("waiting: {reason}: {message}"),
            None => format!("waiting: {reason}"),
        };
    }
    state("/state/terminated")
        .map_or_else(|| ready.to_owned(), |terminated| format!("ended: {}", ended(terminated, now)))
}

fn ended(terminated: &Value, now: Timestamp) -> String {
    let text = pods::end_with_code(terminated);
    match value::instant(terminated, "/finishedAt") {
        Some(finished) => format!("{text}, {} ago", durations::age(Some(finished), now)),
        None => text,
    }
}

fn ports(container: &Value) -> String {
    let ports = value::items(container, "/ports").iter().map(|port| {
        let number = value::number(port, "/containerPort").unwrap_or(0);
        let protocol = value::some_text(port, "/protocol").unwrap_or("TCP");
        let name = value::some_text(port, "/name").map_or_else(String::new, |name| format!(" ({name})"));
        format!("{number}/{protocol}{name}")
    });
    ports.collect::<Vec<_>>().join(", ")
}

fn amounts(container: &Value, at: &str) -> String {
    value::entries(container, at)
        .map(|(name, amount)| format!("{name} {}", value::plain(amount)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn probe(probe: &Value) -> String {
    let what = if let Some(get) = probe.get("httpGet") {
        let scheme = value::some_text(get, "/scheme").unwrap_or("HTTP").to_lowercase();
        let port = get.get("port").map(value::plain).unwrap_or_default();
        format!("{scheme} GET :{port}{}", value::some_text(get, "/path").unwrap_or("/"))
    } else if let Some(socket) = probe.get("tcpSocket") {
        format!("tcp :{}", socket.get("port").map(value::plain).unwrap_or_default())
    } else if probe.get("exec").is_some() {
        value::items(probe, "/exec/command").iter().map(value::plain).collect::<Vec<_>>().join(" ")
    } else if let Some(grpc) = probe.get("grpc") {
        format!("grpc :{}", grpc.get("port").map(value::plain).unwrap_or_default())
    } else {
        return String::new();
    };
    // Defaults of the API: every 10 s, 1 s to answer, 3 failures.
    let number = |at: &str, default: i64| value::number(probe, at).unwrap_or(default);
    let delay = match number("/initialDelaySeconds", 0) {
        0 => String::new(),
        delay => format!(" after {delay} s"),
    };
    format!(
        "{what}{delay} every {} s, {} s to answer, {} failures",
        number("/periodSeconds", 10),
        number("/timeoutSeconds", 1),
        number("/failureThreshold", 3)
    )
}

fn variable_text(variable: &Value) -> String {
    let reference = |at: &str, kind: &str| {
        let source = variable.pointer(at)?;
        Some(format!("from {kind}/{} key {}", value::name_of(source), value::text(source, "/key")))
    };
    let given = || variable.get("value").map(value::plain);
    reference("/valueFrom/secretKeyRef", "secret")
        .or_else(|| reference("/valueFrom/configMapKeyRef", "configmap"))
        .or_else(|| Some(format!("from field {}", value::some_text(variable, "/valueFrom/fieldRef/fieldPath")?)))
        .or_else(|| Some(format!("from {}", value::some_text(variable, "/valueFrom/resourceFieldRef/resource")?)))
        .or_else(given)
        .filter(|text| !text.is_empty())
        .unwrap_or_else(|| "(empty)".to_owned())
}

fn env_from(source: &Value) -> String {
    match (value::some_text(source, "/configMapRef/name"), value::some_text(source, "/secretRef/name")) {
        (Some(name), _) => format!("configmap/{name}"),
        (None, Some(name)) => format!("secret/{name}"),
        (None, None) => String::new(),
    }
}

fn mount(mount: &Value) -> String {
    let read_only = if value::is_true(mount, "/readOnly") { " (read-only)" } else { "" };
    format!("{} from {}{read_only}", value::text(mount, "/mountPath"), value::name_of(mount))
}
