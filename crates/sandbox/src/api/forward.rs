//! The `portforward` subresource: connections to ports of a pod, answered as the world declares it.
//!
//! Each port has two channels, for data and for what goes wrong; `tunnel` has streams of SPDY instead. Source: `PortForwardLocation` in the API
//! server, `handleWebSocketStreams` in k8s.io/cri-streaming, containerd for the words about a port that nobody
//! listens on.

use std::collections::BTreeMap;

use super::auth;
use super::exec::{digest, is_running};
use super::incoming::Incoming;
use super::read::existing;
use super::reply::Reply;
use super::route::{Target, Verb};
use super::status::ApiError;
use super::upgrade::{self, Channels, Protocol, Session};
use crate::object;
use crate::simulation::Sandbox;
use crate::store::Key;
use crate::world::PortAnswer;

/// A channel is one byte, and a port needs two of them.
const MOST_PORTS: usize = 127;

/// Connections to ports of a pod.
#[derive(Debug)]
pub(crate) struct Forwarding {
    sandbox: Sandbox,
    pod: Key,
    uid: String,
    /// The ports with channels of their own; a tunnel names them as it goes.
    ports: Vec<u16>,
}

/// Answers `portforward`.
pub(crate) fn forward(incoming: &Incoming, target: &Target, sandbox: &Sandbox) -> Result<Reply, ApiError> {
    let pod = {
        let state = sandbox.state();
        // A WebSocket begins with GET, and reading is not enough to connect.
        auth::authorize(&incoming.user, target, Verb::Create, None, &state.store)?;
        existing(target, &state.store)?
    };
    if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
        return Err(ApiError::bad_request(format!("pod {} does not have a host assigned", target.name)));
    }
    let known = [Protocol::Tunnel, Protocol::V4, Protocol::Spdy];
    let protocol = upgrade::negotiate(incoming, "pods/portforward", &known)?;
    if let Some(refusal) = upgrade::not_acceptable(incoming) {
        return Ok(refusal);
    }
    let ports = match protocol {
        Protocol::V4 | Protocol::V5 => match ports(incoming) {
            Ok(ports) => ports,
            Err(message) => return Ok(Reply::text(message).code(400)),
        },
        Protocol::Tunnel | Protocol::Spdy => Vec::new(),
    };
    if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return Ok(Reply::text(format!("pod not found (\"{}_{}\")", target.name, target.namespace)).code(500));
    }
    let forwarding =
        Forwarding { sandbox: sandbox.clone(), pod: Key::of_object(&pod), uid: object::uid(&pod).to_owned(), ports };
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
        let numbered = || (0_u8..).step_by(2).zip(self.ports.iter().copied());
        for (data, port) in numbered() {
            channels.send(data, &port.to_le_bytes()).await;
            channels.send(data + 1, &port.to_le_bytes()).await;
        }
        let mut open = BTreeMap::new();
        for (data, port) in numbered() {
            match self.listener(port) {
                Ok(_) => drop(open.insert(data, port)),
                Err(why) => channels.send(data + 1, why.as_bytes()).await,
            }
        }
        while !open.is_empty() {
            let Some((channel, _)) = channels.receive().await else { return };
            match open.get(&channel).map(|port| self.listener(*port)) {
                Some(Ok(listener)) => channels.send(channel, listener.reply.as_bytes()).await,
                Some(Err(_)) => drop(open.remove(&channel)),
                None => {}
            }
        }
    }

    /// Returns who listens on a port now, or what the node says when nobody does.
    pub(super) fn listener(&self, port: u16) -> Result<PortAnswer, String> {
        let state = self.sandbox.state();
        let Some(pod) = state.store.get(&self.pod).filter(|pod| object::uid(pod) == self.uid) else {
            let sandbox = digest(&["sandbox", &self.uid]);
            return Err(self.error(port, &format!("failed to find sandbox \"{sandbox}\" in store: not found")));
        };
        let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        let running = containers.filter(|it| is_running(&pod, it["name"].as_str().unwrap_or_default()));
        let rules = running.flat_map(|it| state.world.answers.iter().filter(|rule| rule.target.matches(&pod, it)));
        let found = rules.flat_map(|rule| &rule.ports).find(|answer| answer.port == port).cloned();
        found.ok_or_else(|| self.refusal(port))
    }

    fn error(&self, port: u16, why: &str) -> String {
        format!("error forwarding port {port} to pod {}, uid : {why}", digest(&["sandbox", &self.uid]))
    }

    fn refusal(&self, port: u16) -> String {
        let sandbox = digest(&["sandbox", &self.uid]);
        let why = format!(
            "failed to execute portforward in network namespace \"/var/run/netns/cni-{}\": failed to connect to \
             localhost:{port} inside namespace \"{sandbox}\", IPv4: dial tcp4 127.0.0.1:{port}: connect: connection \
             refused IPv6 dial tcp6 [::1]:{port}: connect: connection refused ",
            self.uid
        );
        self.error(port, &why)
    }
}
