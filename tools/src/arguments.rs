//! Reads a tool's arguments from JSON and says what is wrong with them in words that help.
//!
//! Given values are put back here and nowhere else; a masked value is refused before anything is parsed.

use serde::de::DeserializeOwned;
use serde_json::Value;
use todo_agent_core::{Redactor, ToolError};

/// Returns the arguments of a tool.
pub(crate) fn parse<A: DeserializeOwned>(tool: &str, mut args: Value, redactor: &Redactor) -> Result<A, ToolError> {
    if args.is_null() {
        args = Value::Object(serde_json::Map::new());
    }
    if !args.is_object() {
        return Err(ToolError::arguments(format!("the arguments of {tool} must be a JSON object, got {args}")));
    }
    redactor.resolve_given(&mut args).map_err(|problem| {
        ToolError::arguments(problem.trim_start_matches('.'))
            .hint("give the value itself, or a reference to where it is")
    })?;
    serde_json::from_value(args.clone()).map_err(|error| complaint::<A>(tool, &args, &error))
}

fn complaint<A: DeserializeOwned>(tool: &str, args: &Value, error: &serde_json::Error) -> ToolError {
    let text = error.to_string();
    if let Some(rest) = text.strip_prefix("unknown field `") {
        let (field, rest) = rest.split_once('`').unwrap_or((rest, ""));
        let known = quoted(rest);
        let problem = ToolError::arguments(format!("{tool} has no argument \"{field}\""));
        let problem = match nearest(field, known.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean {near}?")),
            None => problem,
        };
        return problem.hint(format!("its arguments are {}", known.join(", ")));
    }
    if let Some(field) = text.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        return ToolError::arguments(format!("{tool} needs the argument \"{field}\""));
    }
    if let Some(rest) = text.strip_prefix("unknown variant `") {
        let (variant, rest) = rest.split_once('`').unwrap_or((rest, ""));
        let known = quoted(rest);
        let field = culprit::<A>(args).map_or_else(String::new, |field| format!("{field} "));
        let problem = ToolError::arguments(format!("{field}cannot be \"{variant}\""));
        let problem = match nearest(variant, known.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean {near}?")),
            None => problem,
        };
        return problem.hint(format!("it is one of {}", known.join(", ")));
    }
    match culprit::<A>(args) {
        Some(field) => ToolError::arguments(format!("{field}: {text}")),
        None => ToolError::arguments(text),
    }
}

/// Returns the field whose removal makes serde's complaint go away or turn into its absence.
fn culprit<A: DeserializeOwned>(args: &Value) -> Option<String> {
    let fields = args.as_object()?;
    fields.keys().find_map(|field| {
        let mut rest = fields.clone();
        rest.remove(field);
        let blames = match serde_json::from_value::<A>(Value::Object(rest)) {
            Ok(_) => true,
            Err(error) => error.to_string().starts_with(&format!("missing field `{field}`")),
        };
        blames.then(|| field.clone())
    })
}

/// Returns the words in backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// Returns the known word that is most like `word`, if one is like it at all.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let bound = (word.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(candidate, word), candidate))
        .filter(|(distance, candidate)| *distance <= bound || (word.len() > 3 && candidate.contains(word)))
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Args {
        workload: String,
        limit: Option<u32>,
        action: Option<Action>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Action {
        Restart,
    }

    fn complaint_about(args: Value) -> String {
        parse::<Args>("scale", args, &Redactor::new([1; 32])).unwrap_err().to_model()
    }

    #[test]
    fn a_complaint_names_the_argument_and_what_would_fit() {
        assert_eq!(
            complaint_about(json!({"worklod": "backend"})),
            "error: scale has no argument \"worklod\"\nhint: did you mean workload?\nhint: its arguments are workload, limit, action"
        );
        assert_eq!(complaint_about(json!({})), "error: scale needs the argument \"workload\"");
        assert_eq!(complaint_about(json!(null)), "error: scale needs the argument \"workload\"");
        assert_eq!(
            complaint_about(json!({"workload": "backend", "limit": "ten"})),
            "error: limit: invalid type: string \"ten\", expected u32"
        );
        assert_eq!(
            complaint_about(json!({"workload": "backend", "action": "restrt"})),
            "error: action cannot be \"restrt\"\nhint: did you mean restart?\nhint: it is one of restart"
        );
        assert_eq!(complaint_about(json!([1])), "error: the arguments of scale must be a JSON object, got [1]");
    }

    #[test]
    fn a_mask_is_refused_before_parsing() {
        assert!(complaint_about(json!({"workload": "‹secret:1›"})).starts_with("error: workload holds a masked value"));
    }
}
