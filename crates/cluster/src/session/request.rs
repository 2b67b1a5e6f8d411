//! What opens a session: the request, its digest, and what a person is shown of it.
//!
//! It has no precondition, for the API knows none here; who sends it compares the pod with the approved one before.

use serde_json::{Value, json};
use todo_agent_core::{ObjectRef, Risk, view::FieldChange};

use crate::{digest::DigestKey, http::ApiRequest};

/// A session before it is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SessionRequest {
    path: String,
    pub(crate) aim: Aim,
}

/// What a session is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Aim {
    /// A command in a container.
    Exec { container: String, command: Vec<String> },
    /// A port of this machine that leads to one of the pod.
    Forward { local: u16, port: u16 },
}

impl SessionRequest {
    pub(crate) fn new(pod: &ObjectRef, aim: Aim) -> Self {
        let subresource = match aim {
            Aim::Exec { .. } => "exec",
            Aim::Forward { .. } => "portforward",
        };
        Self { path: format!("{}/{subresource}", pod.path()), aim }
    }

    pub(crate) fn verb(&self) -> &'static str {
        match self.aim {
            Aim::Exec { .. } => "exec",
            Aim::Forward { .. } => "forward",
        }
    }

    /// Returns what it is in a sentence about the pod: `you may not … pod/redis-0`.
    pub(crate) fn doing(&self) -> &'static str {
        match self.aim {
            Aim::Exec { .. } => "run commands in",
            Aim::Forward { .. } => "forward ports to",
        }
    }

    /// Returns the name that RBAC has for it.
    pub(crate) fn subresource(&self) -> &'static str {
        match self.aim {
            Aim::Exec { .. } => "exec",
            Aim::Forward { .. } => "portforward",
        }
    }

    /// A command may do and read whatever its container can. A way into a pod from this machine alone changes nothing.
    pub(crate) fn risk(&self) -> Risk {
        match self.aim {
            Aim::Exec { .. } => Risk::High,
            Aim::Forward { .. } => Risk::Low,
        }
    }

    /// Returns what is done, as a person sees it: what is sent, word by word.
    pub(crate) fn shown(&self) -> Vec<FieldChange> {
        let field = |path: &str, after: Value| FieldChange { path: path.to_owned(), before: None, after: Some(after) };
        match &self.aim {
            Aim::Exec { container, command } => {
                vec![field("container", json!(container)), field("command", json!(command))]
            }
            Aim::Forward { local, port } => {
                let local =
                    if *local == 0 { json!("127.0.0.1, a free port") } else { json!(format!("127.0.0.1:{local}")) };
                vec![field("listen", local), field("port", json!(port))]
            }
        }
    }

    /// Returns the digest of the request.
    pub(crate) fn digest(&self, key: &DigestKey) -> String {
        let sent = match &self.aim {
            Aim::Exec { container, command } => json!({"container": container, "command": command}),
            Aim::Forward { port, .. } => json!({"ports": port}),
        };
        key.digest(&[b"GET", self.path.as_bytes(), b"websocket", sent.to_string().as_bytes()])
    }

    /// Returns the request.
    pub(crate) fn request(&self, change_id: &str) -> ApiRequest {
        // Whoever asks for JSON here is told that there is none (406).
        let mut request = ApiRequest::get(self.path.clone(), "make the change").accept("*/*");
        match &self.aim {
            Aim::Exec { container, command } => {
                request = request.query("container", container).query("stdout", "true").query("stderr", "true");
                for word in command {
                    request = request.query("command", word);
                }
                request.protocols = Some("v5.channel.k8s.io, v4.channel.k8s.io");
            }
            Aim::Forward { port, .. } => {
                request = request.query("ports", port.to_string());
                request.protocols = Some("v4.channel.k8s.io");
            }
        }
        request.change_id = Some(change_id.to_owned());
        request
    }
}

#[cfg(test)]
mod tests {
    use todo_agent_kube_rules::kinds;

    use super::*;

    fn exec(container: &str, command: &[&str]) -> SessionRequest {
        let pod = ObjectRef::new(kinds::find("pod").unwrap(), "todo", "redis-0");
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        SessionRequest::new(&pod, Aim::Exec { container: container.to_owned(), command })
    }

    #[test]
    fn the_digest_covers_every_word() {
        let key = DigestKey::new([3; 32]);
        let of = |container: &str, command: &[&str]| exec(container, command).digest(&key);
        let ls = of("redis", &["ls", "/data"]);
        assert_eq!(ls, of("redis", &["ls", "/data"]));
        for other in [
            of("side", &["ls", "/data"]),
            of("redis", &["ls /data"]),
            of("redis", &["ls"]),
            of("redis", &["rm", "/data"]),
        ] {
            assert_ne!(ls, other);
        }
    }

    #[test]
    fn a_command_goes_word_by_word() {
        let request = exec("redis", &["echo", "a b", "$(id)"]).request("c-1");
        let words: Vec<&str> =
            request.query.iter().filter(|(key, _)| *key == "command").map(|(_, word)| word.as_str()).collect();
        assert_eq!(words, ["echo", "a b", "$(id)"]);
        assert_eq!(request.path, "/api/v1/namespaces/todo/pods/redis-0/exec");
    }
}
