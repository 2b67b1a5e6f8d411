//! One JSON object: what `--json` says of each step, and what the step showed.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::script::result::{ScriptResult, StepResult};

/// The version of this form; it grows and never changes.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    v: u32,
    name: &'a str,
    file: String,
    place: Map<String, Value>,
    started: jiff::Timestamp,
    seconds: f64,
    verdict: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    steps: Vec<WrittenStep<'a>>,
}

#[derive(Serialize)]
struct WrittenStep<'a> {
    #[serde(flatten)]
    step: &'a StepResult,
    showed: &'a str,
}

/// Returns the report.
pub(super) fn report(result: &ScriptResult) -> String {
    let written = Written {
        v: VERSION,
        name: &result.name,
        file: result.file.display().to_string(),
        place: result.place.iter().map(|(key, value)| ((*key).to_owned(), Value::from(value.as_str()))).collect(),
        started: result.started,
        seconds: result.seconds,
        verdict: result.verdict(),
        error: result.error.as_ref().map(|error| error.as_str()),
        steps: result.steps.iter().map(|step| WrittenStep { step, showed: &step.showed }).collect(),
    };
    let text = serde_json::to_string_pretty(&written);
    text.unwrap_or_else(|error| serde_json::json!({ "v": VERSION, "error": error.to_string() }).to_string()) + "\n"
}
