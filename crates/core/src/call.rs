//! A call of a typed tool as data: what the planner or a model wants done, before any argument is checked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::redact::{Redacted, Redactor};

/// One call of a tool, by name, with its arguments as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The tool's name, for example `scale`.
    pub tool: String,
    /// The arguments as the tool's `Args` type reads them.
    #[serde(default)]
    pub args: Value,
}

impl Call {
    /// Returns a call of `tool` with `args`.
    pub fn new(tool: impl Into<String>, args: Value) -> Self {
        Self { tool: tool.into(), args }
    }

    /// Returns the call on one line as anybody may see it: an argument whose name means a secret is masked, however
    /// short it is.
    pub fn shown(&self, redactor: &Redactor) -> Redacted<String> {
        let masked = Self { tool: self.tool.clone(), args: redactor.value(&self.args).into_inner() };
        redactor.text(&masked.to_string())
    }
}

impl fmt::Display for Call {
    /// Writes the call on one line: `scale replicas=3 workload=backend`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.tool)?;
        for (key, value) in self.args.as_object().into_iter().flatten() {
            match value {
                Value::String(text) => write!(formatter, " {key}={text}")?,
                other => write!(formatter, " {key}={other}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_argument_that_means_a_secret_is_never_shown() {
        let call = Call::new("scale", json!({"workload": "backend", "token": "x", "replicas": 3}));
        let shown = call.shown(&Redactor::new([1; 32]));
        assert_eq!(*shown, "scale replicas=3 token=‹secret:1› workload=backend");
    }
}
