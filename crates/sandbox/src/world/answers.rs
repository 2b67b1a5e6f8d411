//! Declared answers: what containers say to a command (`exec`) and on a port (`portforward`). Of what is not
//! declared nothing is made up: a container has no such program, and nobody listens on such a port.

use serde::Deserialize;

use super::Target;

/// What the containers that match answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Answers {
    /// Which containers; all by default.
    #[serde(default, rename = "match")]
    pub target: Target,
    /// The commands they have.
    #[serde(default)]
    pub exec: Vec<CommandAnswer>,
    /// The ports they listen on.
    #[serde(default)]
    pub ports: Vec<PortAnswer>,
}

/// What one command does.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CommandAnswer {
    /// The command with its arguments, word by word.
    pub command: Vec<String>,
    /// What it prints.
    #[serde(default)]
    pub stdout: String,
    /// What it prints as errors.
    #[serde(default)]
    pub stderr: String,
    /// How it ends.
    #[serde(default)]
    pub exit_code: u8,
}

/// Who listens on one port.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PortAnswer {
    /// The port.
    pub port: u16,
    /// What is sent back for each message that arrives.
    #[serde(default)]
    pub reply: String,
}

impl Answers {
    /// Returns what is wrong with the answers as written.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.exec.iter().any(|answer| answer.command.is_empty()) {
            return Err("answers: a command needs at least one word".to_owned());
        }
        if self.ports.iter().any(|answer| answer.port == 0) {
            return Err("answers: nobody listens on port 0".to_owned());
        }
        Ok(())
    }
}
