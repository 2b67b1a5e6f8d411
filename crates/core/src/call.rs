//! A call of a typed tool as data: what the planner or a model wants done, before any argument is checked.

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
