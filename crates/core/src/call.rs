//! A call of a typed tool as data: what the planner or a model wants done, before any argument is checked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
