//! What came of a script, step by step: data for the screen, for `--json` and for reports, all of it redacted.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;
use todo_agent_core::Redacted;

/// What came of one step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepResult {
    /// Its number in its part, from 1.
    pub n: usize,
    /// The part of the script it is of.
    pub part: Part,
    /// What the script calls it.
    pub name: Redacted<String>,
    /// How it ended.
    pub status: Status,
    /// The exit code that it alone would end the program with; none where it was not run.
    pub exit: Option<u8>,
    /// How long it took.
    pub seconds: f64,
    /// What was expected and did not come.
    pub unmet: Vec<Unmet>,
    /// Why it was skipped, or what is to be known about how it was judged.
    pub note: Option<Redacted<String>>,
    /// What a person would have seen of it. Not an event's business: what it showed were events.
    #[serde(skip)]
    pub showed: Redacted<String>,
}

/// The part of a script that a step is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What the script is for.
    Steps,
    /// What is done at the end in any case.
    Always,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As expected.
    Passed,
    /// Otherwise.
    Failed,
    /// It was not run.
    Skipped,
}

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unmet {
    /// Which one: `exit`, `text`, `json /total`.
    pub expectation: Redacted<String>,
    /// What was expected.
    pub expected: Redacted<String>,
    /// What was found.
    pub actual: Redacted<String>,
}

impl Unmet {
    /// Returns it as a line.
    pub fn line(&self) -> String {
        format!("{}: expected {}, but {}", *self.expectation, *self.expected, *self.actual)
    }
}

/// What came of a whole script.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptResult {
    /// The script's name.
    pub name: Redacted<String>,
    /// Its file.
    pub file: PathBuf,
    /// Where it ran: context, namespace and server; nothing where there was no cluster.
    pub place: Vec<(&'static str, String)>,
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// Every step of it, also those that were not run.
    pub steps: Vec<StepResult>,
    /// Why it could not go on, where no step is to blame.
    pub error: Option<Redacted<String>>,
    /// Whether somebody stopped it.
    pub interrupted: bool,
}

impl ScriptResult {
    /// Returns how many steps ended like this.
    pub fn count(&self, status: Status) -> usize {
        self.steps.iter().filter(|step| step.status == status).count()
    }

    /// Returns how the whole ended, in a word.
    pub fn verdict(&self) -> &'static str {
        if self.interrupted {
            "interrupted"
        } else if self.error.is_some() || self.count(Status::Failed) > 0 {
            "failed"
        } else {
            "passed"
        }
    }
}
