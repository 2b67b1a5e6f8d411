//! Why the program cannot go on, as people and scripts read it: what happened, what to do, which exit code.
//!
//! Every library error becomes a [`Problem`] here and nowhere else, so that code, exit and hints are decided
//! in one place.

use std::io;

use todo_agent_core::{Cause, ClusterError, Redactor, ToolError};

use crate::{exit::Exit, ui::Failure};

/// Why the program cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// How the program ends because of it.
    pub exit: Exit,
    /// A stable word for programs that read `--json`.
    pub code: &'static str,
    /// What happened, in one sentence, without trailing period.
    pub message: String,
    /// What a person can do about it.
    pub hints: Vec<String>,
}

impl Problem {
    /// Returns a problem with how the program was called (exit 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, code: "usage", message: message.into(), hints: Vec::new() }
    }

    /// Returns a problem with a configuration file (exit 2).
    pub fn configuration(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, code: "configuration", message: message.into(), hints: Vec::new() }
    }

    /// Returns a problem with the program's own files (exit 1).
    pub fn state(message: impl Into<String>) -> Self {
        Self { exit: Exit::NotAchieved, code: "state", message: message.into(), hints: Vec::new() }
    }

    /// Returns a problem with something that does not exist (exit 2).
    pub fn unknown(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, code: "name", message: message.into(), hints: Vec::new() }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the problem as a [`Failure`] to show.
    pub fn shown(&self, redactor: &Redactor) -> Failure {
        Failure {
            code: self.code.to_owned(),
            message: redactor.text(&self.message),
            hints: self.hints.iter().map(|hint| redactor.text(hint)).collect(),
        }
    }

    /// Returns whether nobody reads the output any more, which is no failure.
    pub fn is_closed_pipe(&self) -> bool {
        self.code == CLOSED_PIPE
    }
}

const CLOSED_PIPE: &str = "closed_pipe";

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            let message = "nobody reads the output any more".to_owned();
            return Self { exit: Exit::Done, code: CLOSED_PIPE, message, hints: Vec::new() };
        }
        let message = format!("cannot write the answer: {error}");
        Self { exit: Exit::NotAchieved, code: "output", message, hints: Vec::new() }
    }
}

impl From<ClusterError> for Problem {
    fn from(error: ClusterError) -> Self {
        ToolError::Cluster(error).into()
    }
}

impl From<ToolError> for Problem {
    fn from(error: ToolError) -> Self {
        let exit = match &error {
            ToolError::Arguments { .. } => Exit::Usage,
            ToolError::Name { .. } | ToolError::State { .. } => Exit::NotAchieved,
            ToolError::Cluster(cluster) => match cluster.cause {
                Cause::Configuration => Exit::Usage,
                Cause::Cancelled => Exit::Interrupted,
                _ => Exit::NotAchieved,
            },
        };
        Self { exit, code: error.code(), message: error.to_string(), hints: error.hints().to_vec() }
    }
}

/// Returns the name nearest to a mistyped one, if one is near enough to be meant.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(word, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_failure() {
        let problem = Problem::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(problem.is_closed_pipe());
        assert_eq!(problem.exit, Exit::Done);
    }

    #[test]
    fn the_exit_follows_from_the_cause() {
        assert_eq!(Problem::from(ToolError::arguments("replicas")).exit, Exit::Usage);
        assert_eq!(Problem::from(ClusterError::new(Cause::Forbidden, "no")).exit, Exit::NotAchieved);
        assert_eq!(Problem::from(ClusterError::new(Cause::Configuration, "no kubeconfig")).exit, Exit::Usage);
        assert_eq!(Problem::from(ClusterError::new(Cause::Cancelled, "interrupted")).exit, Exit::Interrupted);
    }

    #[test]
    fn only_a_near_name_is_offered() {
        assert_eq!(nearest("docter", ["doctor", "tools"]), Some("doctor"));
        assert_eq!(nearest("pods", ["doctor", "tools"]), None);
    }
}
