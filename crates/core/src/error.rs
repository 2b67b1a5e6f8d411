//! Errors as people and models read them: what happened, where, and what to do about it.
//!
//! A library error carries its hints; nothing from a client library is ever shown raw.

use thiserror::Error;

/// Why the cluster did not give what was asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The object, kind or namespace is not there (404).
    NotFound,
    /// The person may not do this (403).
    Forbidden,
    /// The cluster does not accept the credentials (401).
    Unauthorized,
    /// Something else holds this name, or the object changed meanwhile (409).
    Conflict,
    /// The cluster refuses the content (400, 422).
    Invalid,
    /// The list's continuation or the watch's version is too old (410).
    Expired,
    /// No answer: connection refused, name not resolved, cut, or too slow.
    Unreachable,
    /// The server asks to slow down or is failing (429, 5xx).
    Unavailable,
    /// An answer that is not the Kubernetes API's (HTML, half a body).
    NotKubernetes,
    /// Kubeconfig, context, certificate or exec plugin.
    Configuration,
    /// The person interrupted.
    Cancelled,
    /// The time allowed ran out.
    TimedOut,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 12] = [
        Self::NotFound,
        Self::Forbidden,
        Self::Unauthorized,
        Self::Conflict,
        Self::Invalid,
        Self::Expired,
        Self::Unreachable,
        Self::Unavailable,
        Self::NotKubernetes,
        Self::Configuration,
        Self::Cancelled,
        Self::TimedOut,
    ];

    /// Returns a stable word for programs that read `--json`.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::Unauthorized => "unauthorized",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::Unreachable => "unreachable",
            Self::Unavailable => "unavailable",
            Self::NotKubernetes => "not_kubernetes",
            Self::Configuration => "configuration",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
        }
    }
}

/// An error from talking to a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ClusterError {
    /// What kind of failure it was.
    pub cause: Cause,
    /// What happened, in one sentence, without trailing period.
    pub message: String,
    /// What a person can do about it.
    pub hints: Vec<String>,
}

impl ClusterError {
    /// Returns an error with no hints.
    pub fn new(cause: Cause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into(), hints: Vec::new() }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns whether the failure is this one.
    pub fn is(&self, cause: Cause) -> bool {
        self.cause == cause
    }
}

/// Why a tool could not answer or propose.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ToolError {
    /// The arguments do not fit the tool; the text says which and why.
    #[error("{message}")]
    Arguments {
        /// What is wrong with which argument.
        message: String,
        /// What would be right.
        hints: Vec<String>,
    },
    /// A name means nothing, or several things.
    #[error("{message}")]
    Name {
        /// What was looked for and where.
        message: String,
        /// Nearest names, or the candidates.
        hints: Vec<String>,
    },
    /// What is asked cannot be done in the present state, or would do nothing.
    #[error("{message}")]
    State {
        /// The state that stands in the way.
        message: String,
        /// What to do instead.
        hints: Vec<String>,
    },
    /// The cluster said no or nothing.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl ToolError {
    /// Returns an error about an argument.
    pub fn arguments(message: impl Into<String>) -> Self {
        Self::Arguments { message: message.into(), hints: Vec::new() }
    }

    /// Returns an error about a name.
    pub fn name(message: impl Into<String>) -> Self {
        Self::Name { message: message.into(), hints: Vec::new() }
    }

    /// Returns an error about the present state.
    pub fn state(message: impl Into<String>) -> Self {
        Self::State { message: message.into(), hints: Vec::new() }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        match &mut self {
            Self::Arguments { hints, .. } | Self::Name { hints, .. } | Self::State { hints, .. } => {
                hints.push(hint.into());
            }
            Self::Cluster(error) => error.hints.push(hint.into()),
        }
        self
    }

    /// Returns what a person can do about it.
    pub fn hints(&self) -> &[String] {
        match self {
            Self::Arguments { hints, .. } | Self::Name { hints, .. } | Self::State { hints, .. } => hints,
            Self::Cluster(error) => &error.hints,
        }
    }

    /// Returns a stable word for programs that read `--json`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Arguments { .. } => "arguments",
            Self::Name { .. } => "name",
            Self::State { .. } => "state",
            Self::Cluster(error) => error.cause.code(),
        }
    }

    /// Returns the error that has this code, as a record keeps it; `None` where no error has it.
    pub fn recorded(code: &str, message: String, hints: Vec<String>) -> Option<Self> {
        Some(match code {
            "arguments" => Self::Arguments { message, hints },
            "name" => Self::Name { message, hints },
            "state" => Self::State { message, hints },
            _ => {
                let cause = Cause::ALL.into_iter().find(|cause| cause.code() == code)?;
                Self::Cluster(ClusterError { cause, message, hints })
            }
        })
    }

    /// Returns the error as a model should read it: the sentence and the hints, one per line.
    pub fn to_model(&self) -> String {
        let mut text = format!("error: {self}");
        for hint in self.hints() {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_read_back_from_its_code() {
        let clusters = Cause::ALL.into_iter().map(|cause| ClusterError::new(cause, "what").hint("do").into());
        let own = [ToolError::arguments("what"), ToolError::name("what"), ToolError::state("what")];
        for error in own.into_iter().map(|error| error.hint("do")).chain(clusters) {
            let read = ToolError::recorded(error.code(), error.to_string(), error.hints().to_vec());
            assert_eq!(read, Some(error));
        }
        assert_eq!(ToolError::recorded("usage", String::new(), Vec::new()), None);
    }
}
