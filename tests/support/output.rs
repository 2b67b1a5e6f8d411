//! What a run of the program left: exit code, answer, everything around the answer.
//!
//! Shown with everything that differs from run to run replaced by something of the same width, so that a
//! snapshot is what a person saw, line breaks included.

use std::{fmt, process, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

use super::secrets;

/// What a run of the program left.
#[must_use = "compare the output with a snapshot, or assert how the program ended"]
#[derive(Clone)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// What is replaced beside the usual: paths of the environment.
    pub(crate) replaced: Vec<(String, String)>,
}

impl Output {
    #[track_caller]
    pub(crate) fn of(output: &process::Output, replaced: Vec<(String, String)>) -> Self {
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            secrets::leaked(&format!("{stdout}\n{stderr}")),
            None,
            "a Secret's value is shown:\n{stdout}\n{stderr}"
        );
        Self { code: output.status.code(), stdout, stderr, replaced }
    }

    /// Asserts the exit code and returns the output for more.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Asserts that both streams together contain these words.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.unwrapped().contains(words), "{words:?} is not in:\n{self}");
        self
    }

    /// Asserts that neither stream contains these words.
    #[track_caller]
    pub(crate) fn never_says(self, words: &str) -> Self {
        assert!(!self.unwrapped().contains(words), "{words:?} is in:\n{self}");
        self
    }

    /// Ends the chain where nothing more is asserted.
    pub(crate) fn enough(self) {
        drop(self);
    }

    /// Returns the id of the change that was shown last.
    #[track_caller]
    pub(crate) fn change_id(&self) -> String {
        self.id("c-")
    }

    /// Returns the id of the plan that was kept.
    #[track_caller]
    pub(crate) fn plan_id(&self) -> String {
        self.id("p-")
    }

    #[track_caller]
    fn id(&self, lead: &str) -> String {
        static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b[cp]-[a-z0-9]{6}\b").unwrap());
        let both = format!("{}{}", self.stderr, self.stdout);
        let last = ID.find_iter(&both).map(|id| id.as_str()).filter(|id| id.starts_with(lead)).last();
        last.unwrap_or_else(|| panic!("there is no id in:\n{self}")).to_owned()
    }

    /// Returns the lines of standard output as JSON.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"))).collect()
    }

    /// Returns both streams with line breaks and indentation as single spaces.
    fn unwrapped(&self) -> String {
        let both = format!("{}\n{}", self.stderr, self.stdout);
        both.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Returns the answer alone, as snapshots show it.
    pub(crate) fn stdout_filtered(&self) -> String {
        self.filtered(&self.stdout)
    }

    /// Returns a text of this run as snapshots show it.
    pub(crate) fn filtered(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.replaced {
            text = text.replace(from.as_str(), to);
        }
        for (pattern, replacement) in FILTERS.iter() {
            text = pattern.replace_all(&text, *replacement).into_owned();
        }
        text
    }
}

/// Ids, times, durations, pod hashes and ports. What a line can break at is as wide as what it replaces.
static FILTERS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"\bc-[a-z0-9]{6}\b", "c-change"),
        (r"\bp-[a-z0-9]{6}\b", "p-planid"),
        (r"\b([a-z-]+)-[0-9a-f]{5,10}-[a-z0-9]{5}(_|\b)", "$1-[pod]$2"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
        (r"\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?( UTC)?", "[time]"),
        (r"\b\d\d:\d\d:\d\d\b", "hh:mm:ss"),
        (r"\b(127\.0\.0\.1|localhost):\d+", "$1:[port]"),
        // How long something took is chance.
        (r"\(\d+\.\d s\)", "(0.0 s)"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "[uid]"),
    ]
    .into_iter()
    .map(|(pattern, replacement)| (Regex::new(pattern).unwrap(), replacement))
    .collect()
});

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(formatter, "exit {code}")?,
            None => writeln!(formatter, "killed")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(formatter, "--- {name}")?;
                formatter.write_str(&self.filtered(text))?;
            }
        }
        Ok(())
    }
}
