//! Checks as `doctor` and `--model-check` show them: what was looked at, how it is, what to do.

use serde::Serialize;
use serde_json::json;
use todo_agent_core::{Output, Redactor};

use crate::problem::Problem;

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) state: CheckState,
    pub(crate) found: String,
    pub(crate) hints: Vec<String>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckState {
    Ok,
    Warn,
    Fail,
}

impl Check {
    pub(crate) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: CheckState::Ok, found: found.into(), hints: Vec::new() }
    }

    pub(crate) fn warn(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, state: CheckState::Warn, found: found.into(), hints: vec![hint.into()] }
    }

    /// Adds a hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Makes it a failure.
    pub(crate) fn fail(self) -> Self {
        Self { state: CheckState::Fail, ..self }
    }

    /// Returns whether nothing is wrong.
    pub(crate) fn is_ok(&self) -> bool {
        self.state == CheckState::Ok
    }

    pub(crate) fn failed(name: &'static str, problem: &Problem) -> Self {
        Self { name, state: CheckState::Fail, found: problem.message.clone(), hints: problem.hints.clone() }
    }
}

/// Shows checks; the answer counts as achieved when none failed.
pub(crate) fn shown(checks: &[Check], redactor: &Redactor) -> Output {
    let widest = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for check in checks {
        let word = match check.state {
            CheckState::Ok => "ok",
            CheckState::Warn => "warn",
            CheckState::Fail => "FAIL",
        };
        lines.push(format!("{word:<4}  {:<widest$}  {}", check.name, check.found));
        lines.extend(check.hints.iter().map(|hint| format!("{:1$}hint: {hint}", "", widest + 8)));
    }
    let failed = checks.iter().filter(|check| check.state == CheckState::Fail).count();
    let output = Output::build(redactor, &json!({ "checks": checks, "failed": failed })).lines(lines);
    if failed == 0 { output.build() } else { output.not_achieved().build() }
}
