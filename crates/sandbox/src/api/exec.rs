//! The `exec` subresource: a command in a container, answered as the world declares it.
//!
//! Source: `ExecLocation` and `validateContainer` in the API server, `NewStreamTranslatorHandler` in
//! k8s.io/apiserver for version 5, `ServeExec` in k8s.io/cri-streaming for version 4, containerd for the
//! words about a program that is not there.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::auth;
use super::incoming::Incoming;
use super::read::existing;
use super::reply::Reply;
use super::route::{Target, Verb};
use super::status::ApiError;
use super::upgrade::{self, Channels, Protocol, Session};
use crate::object;
use crate::simulation::State;
use crate::world::{CommandAnswer, World};

const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const ERROR: u8 = 3;

/// What becomes of a command.
#[derive(Debug)]
enum Fate {
    /// It runs to its end.
    Ends(CommandAnswer),
    /// The runtime cannot begin it.
    CannotBegin(String),
    /// The kubelet has no such container.
    NoContainer(String),
}

/// A command, from its beginning to its end.
#[derive(Debug)]
pub(crate) struct Execution {
    command: Vec<String>,
    fate: Fate,
    stdout: bool,
    stderr: bool,
}

/// Answers `exec`.
pub(crate) fn exec(incoming: &Incoming, target: &Target, state: &State) -> Result<Reply, ApiError> {
    // A WebSocket begins with GET, and reading is not enough to run a command.
    auth::authorize(&incoming.user, target, Verb::Create, None, &state.store)?;
    let pod = existing(target, &state.store)?;
    let container = container(&pod, incoming.query.get("container"))?;
    if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
        return Err(ApiError::bad_request(format!("pod {} does not have a host assigned", target.name)));
    }
    let protocol = upgrade::negotiate(incoming, "pods/exec", &[Protocol::V5, Protocol::V4])?;
    if let Some(refusal) = upgrade::not_acceptable(incoming) {
        return Ok(refusal);
    }
    let command: Vec<String> = incoming.query.all("command").map(str::to_owned).collect();
    if command.is_empty() {
        return Err(ApiError::not_implemented("pods/exec without a command"));
    }
    let (stdout, stderr) = (incoming.query.flag("stdout"), incoming.query.flag("stderr"));
    if !stdout && !stderr && !incoming.query.flag("stdin") {
        return Ok(Reply::text("you must specify at least 1 of stdin, stdout, stderr").code(400));
    }
    let name = container["name"].as_str().unwrap_or_default();
    let fate = if is_running(&pod, name) {
        answer(&state.world, &pod, container, &command)
    } else if protocol == Protocol::V4 {
        return Ok(Reply::text(no_container(name)).code(500));
    } else {
        Fate::NoContainer(name.to_owned())
    };
    // As with a terminal, there is one output then.
    let stderr = stderr && !incoming.query.flag("tty");
    upgrade::accept(incoming, protocol, Session::Exec(Execution { command, fate, stdout, stderr }))
}

/// Returns the container that is meant: the named one, or the only one.
fn container<'a>(pod: &'a Value, asked: Option<&str>) -> Result<&'a Value, ApiError> {
    let of = |list: &str| pod["spec"][list].as_array().into_iter().flatten();
    let all = || of("initContainers").chain(of("containers"));
    let pod_name = object::name(pod);
    if let Some(asked) = asked {
        return all()
            .find(|container| container["name"] == asked)
            .ok_or_else(|| ApiError::bad_request(format!("container {asked} is not valid for pod {pod_name}")));
    }
    let mut main = of("containers");
    if let (Some(only), None) = (main.next(), main.next()) {
        return Ok(only);
    }
    let names: Vec<&str> = all().filter_map(|container| container["name"].as_str()).collect();
    Err(ApiError::bad_request(format!(
        "a container name must be specified for pod {pod_name}, choose one of: [{}]",
        names.join(" ")
    )))
}

/// Returns whether a container of a pod runs.
pub(super) fn is_running(pod: &Value, container: &str) -> bool {
    ["containerStatuses", "initContainerStatuses"]
        .iter()
        .flat_map(|list| pod["status"][*list].as_array().into_iter().flatten())
        .any(|status| status["name"] == container && status["state"]["running"].is_object())
}

fn answer(world: &World, pod: &Value, container: &Value, command: &[String]) -> Fate {
    let declared = (world.answers.iter().filter(|rule| rule.target.matches(pod, container)))
        .flat_map(|rule| &rule.exec)
        .find(|answer| answer.command == command);
    if let Some(answer) = declared {
        return Fate::Ends(answer.clone());
    }
    let program = command.first().map_or("", String::as_str);
    let missing = if program.contains('/') {
        format!("stat {program}: no such file or directory")
    } else {
        "executable file not found in $PATH".to_owned()
    };
    let id = digest(&[object::uid(pod), &command.join(" ")]);
    Fate::CannotBegin(format!(
        "failed to exec in container: failed to start exec \"{id}\": OCI runtime exec failed: exec failed: unable to \
         start container process: exec: {}: {missing}: unknown",
        Value::from(program)
    ))
}

/// Returns an id of 64 hexadecimal digits, as runtimes give them.
pub(super) fn digest(parts: &[&str]) -> String {
    let sum = Sha256::digest(parts.join("\0"));
    sum.iter().fold(String::new(), |sum, byte| format!("{sum}{byte:02x}"))
}

fn no_container(name: &str) -> String {
    format!("container not found ({})", Value::from(name))
}

impl Execution {
    /// Runs the command and says how it ended.
    pub(super) async fn run(self, channels: &mut Channels, protocol: Protocol) {
        // The empty message tells the client that all is set up.
        let first = if self.stdout {
            STDOUT
        } else if self.stderr {
            STDERR
        } else {
            ERROR
        };
        channels.send(first, &[]).await;
        if let Fate::Ends(answer) = &self.fate {
            for (wanted, channel, text) in
                [(self.stdout, STDOUT, &answer.stdout), (self.stderr, STDERR, &answer.stderr)]
            {
                if wanted && !text.is_empty() {
                    channels.send(channel, text.as_bytes()).await;
                }
            }
        }
        channels.send(ERROR, self.status(protocol).to_string().as_bytes()).await;
    }

    fn status(&self, protocol: Protocol) -> Value {
        match &self.fate {
            Fate::Ends(answer) if answer.exit_code == 0 => json!({"metadata": {}, "status": "Success"}),
            Fate::Ends(answer) => {
                let code = answer.exit_code;
                // Version 5 is translated on the way, which loses the runtime's own words.
                let words = if protocol == Protocol::V5 {
                    format!("command terminated with exit code {code}")
                } else {
                    format!("error executing command [{}], exit code {code}", self.command.join(" "))
                };
                json!({
                    "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
                    "message": format!("command terminated with non-zero exit code: {words}"),
                    "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]}
                })
            }
            Fate::CannotBegin(why) => {
                let failed = format!("error executing command in container: {why}");
                if protocol == Protocol::V5 {
                    internal(&format!("Internal error occurred: {failed}"))
                } else {
                    internal(&failed)
                }
            }
            Fate::NoContainer(name) => internal(&format!("unable to upgrade connection: {}", no_container(name))),
        }
    }
}

fn internal(why: &str) -> Value {
    json!({
        "metadata": {}, "status": "Failure", "reason": "InternalError", "code": 500,
        "message": format!("Internal error occurred: {why}"),
        "details": {"causes": [{"message": why}]}
    })
}
