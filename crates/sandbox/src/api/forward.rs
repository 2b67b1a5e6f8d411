//! The `portforward` subresource: connections to ports of a pod, answered as the world declares it.
//!
//! Each port has two channels, for data and for what goes wrong. Source: `PortForwardLocation` in the API
//! server, `handleWebSocketStreams` in k8s.io/cri-streaming, containerd for the words about a port that nobody
//! listens on.

use std::fmt::Write as _;

use super::auth;
use super::exec::{digest, is_running};
use super::incoming::Incoming;
use super::read::existing;
use super::reply::Reply;
use super::route::{Target, Verb};
use super::status::ApiError;
use super::upgrade::{self, Channels, Protocol, Session};
use crate::object;
use crate::simulation::State;
use crate::world::PortAnswer;

/// A channel is one byte, and a port needs two of them.
const MOST_PORTS: usize = 127;

/// A port, and who listens on it, if anybody does.
#[derive(Debug)]
struct Forwarded {
    port: u16,
    listener: Option<PortAnswer>,
}

/// Connections to ports of a pod.
#[derive(Debug)]
pub(crate) struct Forwarding {
    uid: String,
    ports: Vec<Forwarded>,
}

/// Answers `portforward`.
pub(crate) fn forward(incoming: &Incoming, target: &Target, state: &State) -> Result<Reply, ApiError> {
    // A WebSocket begins with GET, and reading is not enough to connect.
    auth::authorize(&incoming.user, target, Verb::Create, None, &state.store)?;
    let pod = existing(target, &state.store)?;
    if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
        return Err(ApiError::bad_request(format!("pod {} does not have a host assigned", target.name)));
    }
    let protocol = upgrade::negotiate(incoming, "pods/portforward", &[Protocol::V4])?;
    let ports = match ports(incoming) {
        Ok(ports) => ports,
        Err(message) => return Ok(Reply::text(message).code(400)),
    };
    if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return Ok(Reply::text(format!("pod not found (\"{}_{}\")", target.name, target.namespace)).code(500));
    }
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let running: Vec<_> = containers.filter(|it| is_running(&pod, it["name"].as_str().unwrap_or_default())).collect();
    let listener = |port: u16| {
        let rules = state.world.answers.iter().filter(|rule| running.iter().any(|it| rule.target.matches(&pod, it)));
        rules.flat_map(|rule| &rule.ports).find(|answer| answer.port == port).cloned()
    };
    let ports = ports.into_iter().map(|port| Forwarded { port, listener: listener(port) }).collect();
    let forwarding = Forwarding { uid: object::uid(&pod).to_owned(), ports };
    upgrade::accept(incoming, protocol, Session::Forward(forwarding))
}

/// Returns the ports asked for. Source: `NewV4Options`.
fn ports(incoming: &Incoming) -> Result<Vec<u16>, String> {
    let mut ports = Vec::new();
    for list in incoming.query.all("ports") {
        for text in list.split(',') {
            let port = text.parse::<u16>().map_err(|_| format!("unable to parse \"{list}\" as a port"))?;
            if port == 0 {
                return Err(format!("port \"{list}\" must be > 0"));
            }
            ports.push(port);
        }
    }
    match ports.len() {
        0 => Err("query parameter \"port\" is required".to_owned()),
        1..=MOST_PORTS => Ok(ports),
        _ => Err(format!("the sandbox forwards at most {MOST_PORTS} ports at once")),
    }
}

impl Forwarding {
    /// Answers each message until the client leaves or nobody is left that listens.
    pub(super) async fn run(self, channels: &mut Channels) {
        let numbered = || (0_u8..).step_by(2).zip(&self.ports);
        for (data, forwarded) in numbered() {
            channels.send(data, &forwarded.port.to_le_bytes()).await;
            channels.send(data + 1, &forwarded.port.to_le_bytes()).await;
        }
        for (data, forwarded) in numbered().filter(|(_, forwarded)| forwarded.listener.is_none()) {
            channels.send(data + 1, self.refusal(forwarded.port).as_bytes()).await;
        }
        if self.ports.iter().all(|forwarded| forwarded.listener.is_none()) {
            return;
        }
        while let Some((channel, _)) = channels.receive().await {
            let spoken_to = numbered().find(|(data, _)| *data == channel).map(|(_, forwarded)| forwarded);
            if let Some(listener) = spoken_to.and_then(|forwarded| forwarded.listener.as_ref()) {
                channels.send(channel, listener.reply.as_bytes()).await;
            }
        }
    }

    fn refusal(&self, port: u16) -> String {
        let sandbox = digest(&["sandbox", &self.uid]);
        let mut text =
            format!("error forwarding port {port} to pod {sandbox}, uid : failed to execute portforward in ");
        // Writing to a String cannot fail.
        let _written = write!(
            text,
            "network namespace \"/var/run/netns/cni-{}\": failed to connect to localhost:{port} inside namespace \
             \"{sandbox}\", IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused IPv6 dial tcp6 [::1]:{port}: \
             connect: connection refused ",
            self.uid
        );
        text
    }
}
