//! `port_forward`: proposes a port of this machine that leads to one of a pod, as long as the session lives.
//!
//! Only this machine can use it: it listens on the loopback address. The pod's port is the one that is named, the one
//! of the Service, or the only one its containers declare; among several none is guessed.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{Change, Effect, FullReader, Phase, Recipe, Remark, Run, ToolError};

use super::running_pod::{self, RunningPod};
use crate::{
    tool::{Proposal, Write},
    value, words, workloads,
};

/// How long opening may take.
const DEADLINE: Duration = Duration::from_secs(30);
/// The first port that everybody may listen on.
const FIRST_FREE: u16 = 1024;
/// What is added to a port that only root may listen on: 80 becomes 8080.
const ABOVE: u16 = 8000;

/// Propose to forward a port of this machine to a pod, until the session ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortForwardArgs {
    /// backend, pod/backend-1, service/backend
    target: String,
    namespace: Option<String>,
    /// of the pod or service; default its only one
    port: Option<u16>,
    /// on this machine; default like port, 0 a free one
    local: Option<u16>,
}

/// The tool.
pub(crate) struct PortForward;

impl Write for PortForward {
    const NAME: &'static str = "port_forward";
    type Args = PortForwardArgs;

    fn example(&self) -> Value {
        json!({"target": "frontend", "local": 8080})
    }

    async fn propose<'a>(
        &'a self,
        args: PortForwardArgs,
        reader: &'a dyn FullReader,
        run: &'a Run,
    ) -> Result<Proposal, ToolError> {
        run.check()?;
        let reader = reader.as_reader();
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let found = running_pod::of(reader, running_pod::named(reader, &args.target, namespace).await?).await?;
        let PodPort { number: port, of_service, note } = port_of(&found, args.port)?;
        let named = of_service.unwrap_or(port);
        let local = args.local.unwrap_or(if named < FIRST_FREE { named + ABOVE } else { named });
        let listens = if local == 0 { "a free port".to_owned() } else { format!("127.0.0.1:{local}") };
        let mut remarks: Vec<Remark> = found.notes.into_iter().chain(note).map(Remark::Fact).collect();
        remarks.push(Remark::Fact(
            "whoever uses this machine can connect; it ends with this session, or with the pod".to_owned(),
        ));
        let flag = workloads::namespace_flag(&found.pod);
        let ports = if local == 0 { format!(":{port}") } else { format!("{local}:{port}") };
        Ok(Proposal::Changes(vec![Change {
            tool: Self::NAME,
            summary: format!("forward {listens} to port {port} of {}", found.pod.short()),
            equivalent: format!("kubectl port-forward {}{flag} {ports}", found.pod.short()),
            phases: vec![Phase {
                effects: vec![Effect::Forward { target: found.pod.clone(), local, port }],
                settle: Vec::new(),
                deadline: DEADLINE,
            }],
            undo: Some(Recipe::EndOfSession { target: found.pod }),
            undoes: None,
            remarks,
        }]))
    }
}

/// The port of a pod that is meant.
#[derive(Debug, PartialEq, Eq)]
struct PodPort {
    number: u16,
    /// The Service's number for it.
    of_service: Option<u16>,
    note: Option<String>,
}

fn port_of(found: &RunningPod, asked: Option<u16>) -> Result<PodPort, ToolError> {
    if asked == Some(0) {
        return Err(ToolError::arguments("port must be from 1 to 65535, got 0"));
    }
    match &found.service {
        Some(service) => of_service(found, service, asked),
        None => of_pod(found, asked),
    }
}

fn of_pod(found: &RunningPod, asked: Option<u16>) -> Result<PodPort, ToolError> {
    let declared = declared(&found.live);
    let only = |port: u16, note: Option<String>| Ok(PodPort { number: port, of_service: None, note });
    match (asked, declared.as_slice()) {
        (Some(port), []) => only(port, None),
        (Some(port), declared) if declared.iter().any(|(known, _)| *known == port) => only(port, None),
        (Some(port), declared) => {
            let note = format!("no container declares port {port}; declared: {}", listed(declared));
            only(port, Some(note))
        }
        (None, [(port, _)]) => only(*port, None),
        (None, []) => Err(ToolError::arguments(format!("{} declares no port", found.pod.short()))
            .hint("name the one its program listens on, for example port 8080")),
        (None, several) => {
            Err(ToolError::arguments(format!("{} has several ports: {}", found.pod.short(), listed(several)))
                .hint(format!("name one, for example port {}", several[0].0)))
        }
    }
}

fn of_service(found: &RunningPod, service: &Value, asked: Option<u16>) -> Result<PodPort, ToolError> {
    let name = found.resolved.object.short();
    let number = |port: &Value| value::number(port, "/port").and_then(|port| u16::try_from(port).ok());
    let ports: Vec<(u16, &Value)> =
        value::items(service, "/spec/ports").iter().filter_map(|port| Some((number(port)?, port))).collect();
    let numbers = || ports.iter().map(|(port, _)| port.to_string()).collect::<Vec<_>>().join(", ");
    let (service_port, port) = match (asked, ports.as_slice()) {
        (None, [only]) => *only,
        (Some(asked), all) => *all.iter().find(|(port, _)| *port == asked).ok_or_else(|| {
            ToolError::arguments(format!("{name} has no port {asked}")).hint(format!("its ports: {}", numbers()))
        })?,
        (None, []) => return Err(ToolError::state(format!("{name} has no ports"))),
        (None, _) => {
            return Err(ToolError::arguments(format!("{name} has several ports: {}", numbers()))
                .hint(format!("name one, for example port {}", ports[0].0)));
        }
    };
    let target = match port.get("targetPort") {
        Some(Value::String(named)) => named_port(&found.live, named).ok_or_else(|| {
            ToolError::state(format!(
                "{name} leads to port \"{named}\", and no container of {} has it",
                found.pod.short()
            ))
            .hint(format!("name the port of the pod instead: forward {} port 8080", found.pod.short()))
        })?,
        Some(number) => number.as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or(service_port),
        None => service_port,
    };
    let note = (target != service_port).then(|| format!("port {service_port} of {name} is port {target} of its pods"));
    Ok(PodPort { number: target, of_service: Some(service_port), note })
}

/// Returns the TCP ports that a pod's containers declare, with their names.
fn declared(pod: &Value) -> Vec<(u16, String)> {
    let containers = value::items(pod, "/spec/containers").iter();
    let ports = containers.flat_map(|container| value::items(container, "/ports"));
    let tcp = ports.filter(|port| matches!(value::text(port, "/protocol"), "" | "TCP"));
    tcp.filter_map(|port| {
        let number = value::number(port, "/containerPort").and_then(|port| u16::try_from(port).ok())?;
        Some((number, value::name_of(port).to_owned()))
    })
    .collect()
}

fn named_port(pod: &Value, name: &str) -> Option<u16> {
    declared(pod).into_iter().find(|(_, known)| known == name).map(|(port, _)| port)
}

fn listed(ports: &[(u16, String)]) -> String {
    let text = |(port, name): &(u16, String)| match name.as_str() {
        "" => port.to_string(),
        name => format!("{port} ({name})"),
    };
    ports.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
