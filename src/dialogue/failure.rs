//! A model's trouble as a problem of the program: one code for each, and the exit that follows from it.

use crate::{
    exit::Exit,
    model::{ModelError, Trouble},
    problem::Problem,
};

pub(super) const TOO_LONG: &str = "model_too_long";
const INTERRUPTED: &str = "cancelled";

/// Every code that the end of a conversation with a model may have.
const CODES: [(&str, Exit); 12] = [
    ("configuration", Exit::Usage),
    ("model_key", Exit::Usage),
    ("model_unknown", Exit::Usage),
    ("model_quota", Exit::NotAchieved),
    (TOO_LONG, Exit::NotAchieved),
    ("model_refused", Exit::NotAchieved),
    ("model_unreachable", Exit::NotAchieved),
    ("model_timeout", Exit::NotAchieved),
    ("model_nonsense", Exit::NotAchieved),
    ("model", Exit::NotAchieved),
    ("timed_out", Exit::NotAchieved),
    (INTERRUPTED, Exit::Interrupted),
];

/// Returns the problem with this code, as a record keeps it.
pub(crate) fn failed(code: &str, message: String, hints: Vec<String>) -> Problem {
    let known = CODES.into_iter().find(|(known, _)| *known == code);
    let (code, exit) = known.unwrap_or(("model", Exit::NotAchieved));
    Problem { exit, code, message, hints }
}

/// Returns a model's trouble as a problem of the program.
pub(super) fn problem(error: ModelError) -> Problem {
    let code = match error.trouble {
        Trouble::Configuration => "configuration",
        Trouble::Key => "model_key",
        Trouble::Unknown => "model_unknown",
        Trouble::Quota => "model_quota",
        Trouble::TooLong => TOO_LONG,
        Trouble::Refused => "model_refused",
        Trouble::Unreachable => "model_unreachable",
        Trouble::Timeout => "model_timeout",
        Trouble::Nonsense => "model_nonsense",
    };
    failed(code, error.message, error.hints)
}

pub(super) fn model_problem(message: impl Into<String>) -> Problem {
    failed("model", message.into(), Vec::new())
}

pub(crate) fn interrupted() -> Problem {
    failed(INTERRUPTED, "interrupted".to_owned(), Vec::new())
}
