//! What a model wants called, read with patience: names with tails, arguments as a string inside a string. What cannot be
//! read becomes an error that goes back to the model and nowhere else.

use serde_json::{Map, Value};
use todo_agent_core::{Call, ToolError};
use todo_agent_tools::find;

use crate::model::ReplyCall;

/// The most bytes that the arguments of one call may have.
const MOST_BYTES: usize = 64 * 1024;
/// The most calls that one message may hold.
pub(crate) const MOST_CALLS: usize = 16;

/// When the offline planner answers although a model is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannerUse {
    /// It answers what it understands completely; the model gets the rest.
    #[default]
    First,
    /// It answers everything; no model is asked.
    Only,
    /// The model answers everything.
    Off,
}

/// Returns the call of a known tool with arguments that are a JSON object.
///
/// # Errors
/// Returns what is wrong, for the model to mend.
pub(crate) fn understood(call: &ReplyCall) -> Result<Call, ToolError> {
    // Some servers leave marks of their chat template in the name: `list<|channel|>commentary`.
    let name = call.name.split("<|").next().unwrap_or_default().trim();
    let name = name.strip_prefix("functions.").unwrap_or(name);
    let tool = find(name)?;
    Ok(Call::new(tool.name(), arguments(tool.name(), &call.arguments)?))
}

fn arguments(tool: &str, text: &str) -> Result<Value, ToolError> {
    if text.len() > MOST_BYTES {
        let message = format!("the arguments of {tool} have {} bytes; at most {MOST_BYTES} are read", text.len());
        return Err(ToolError::arguments(message).hint("send less at once"));
    }
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let parsed: Value = serde_json::from_str(text).map_err(|error| {
        let message = format!("the arguments of {tool} are not one JSON object: {error}");
        ToolError::arguments(message).hint("send one JSON object that fits the tool's parameters, nothing after it")
    })?;
    match parsed {
        Value::String(inner) if !inner.trim_start().starts_with('"') => arguments(tool, &inner),
        Value::Null => Ok(Value::Object(Map::new())),
        object @ Value::Object(_) => Ok(object),
        other => {
            Err(ToolError::arguments(format!("the arguments of {tool} must be a JSON object, got {}", kind(&other))))
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(name: &str, arguments: &str) -> Result<Call, String> {
        let call = ReplyCall { name: name.into(), arguments: arguments.into(), ..ReplyCall::default() };
        understood(&call).map_err(|error| error.to_model())
    }

    #[test]
    fn what_servers_really_send_is_read() {
        let call = Call::new("list", json!({"kind": "pods"}));
        for (name, arguments) in [
            ("list", r#"{"kind": "pods"}"#),
            ("list", r#""{\"kind\": \"pods\"}""#),
            ("list<|channel|>commentary", r#" {"kind":"pods"} "#),
            ("functions.list", r#"{"kind":"pods"}"#),
        ] {
            assert_eq!(read(name, arguments).unwrap(), call);
        }
        assert_eq!(read("undo", "").unwrap(), Call::new("undo", json!({})));
        assert_eq!(read("undo", "null").unwrap(), Call::new("undo", json!({})));
    }

    #[test]
    fn what_cannot_be_read_is_explained_to_the_model() {
        assert!(read("kubectl", "{}").unwrap_err().starts_with("error: there is no tool \"kubectl\""));
        assert!(read("scal", "{}").unwrap_err().ends_with("did you mean scale?"));
        for broken in [r#"{"kind": "pods"}{"kind": "nodes"}"#, "{\"kind\": ", "[1]", "\"\\\"x\\\"\"", "list pods"] {
            assert!(read("list", broken).unwrap_err().starts_with("error: the arguments of list"), "{broken}");
        }
        assert!(read("list", &"x".repeat(MOST_BYTES + 1)).unwrap_err().contains("send less"));
    }
}
