//! `todo-agent tools [NAME]`: what the agent can do, and how each tool is called.

use serde_json::{Value, json};
use todo_agent_core::{Output, Redactor};
use todo_agent_tools::{TOOLS, Tool, find};

use crate::problem::Problem;

/// Lists every tool.
pub(crate) fn list(redactor: &Redactor) -> Output {
    let specs: Vec<Value> = TOOLS.iter().map(described).collect();
    let rows = TOOLS.iter().map(|tool| vec![tool.name().to_owned(), kind(tool).to_owned(), tool.about()]);
    Output::build(redactor, &json!({ "tools": specs }))
        .table(&["TOOL", "KIND", "WHAT IT DOES"], rows)
        .text("todo-agent tools NAME shows the arguments. Changes are always shown and approved first.")
        .build()
}

/// Shows one tool: its arguments and an example.
///
/// # Errors
/// Returns the nearest name where there is no such tool.
pub(crate) fn show(name: &str, redactor: &Redactor) -> Result<Output, Problem> {
    let tool = find(name)?;
    let spec = tool.spec();
    let example = tool.example();
    let required: Vec<&str> =
        spec.parameters["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let arguments = spec.parameters["properties"].as_object().into_iter().flatten();
    let rows = arguments.map(|(argument, schema)| {
        let needed = if required.contains(&argument.as_str()) { "yes" } else { "no" };
        vec![argument.clone(), accepts(schema), needed.to_owned(), about(schema)]
    });
    // A single quote inside a shell's single quotes is written as '\''.
    let quoted = example.args.to_string().replace('\'', r"'\''");
    Ok(Output::build(redactor, &described(tool))
        .text(format!("{name}: {}", spec.description))
        .table(&["ARGUMENT", "TYPE", "NEEDED", "MEANING"], rows)
        .text(format!("Example: todo-agent call {name} '{quoted}'"))
        .build())
}

fn described(tool: &Tool) -> Value {
    let spec = tool.spec();
    json!({
        "name": spec.name,
        "kind": kind(tool),
        "description": spec.description,
        "parameters": spec.parameters,
        "example": tool.example(),
    })
}

fn kind(tool: &Tool) -> &'static str {
    if tool.is_write() { "change" } else { "read" }
}

fn about(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().replace('\n', " ")
}

/// Returns what an argument accepts, in a word or as its choices.
fn accepts(schema: &Value) -> String {
    let words = |values: &Value| -> Option<String> {
        let words: Vec<&str> = values.as_array()?.iter().filter_map(Value::as_str).collect();
        (!words.is_empty()).then(|| words.join("|"))
    };
    // Choices with a description each are written as alternatives of one constant.
    let constants = || -> Option<String> {
        let choices: Vec<&str> =
            schema["oneOf"].as_array()?.iter().filter_map(|choice| choice["const"].as_str()).collect();
        (!choices.is_empty()).then(|| choices.join("|"))
    };
    words(&schema["enum"])
        .or_else(constants)
        .or_else(|| words(&schema["type"]))
        .or_else(|| schema["type"].as_str().map(str::to_owned))
        .unwrap_or_else(|| "any".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new([2; 32])
    }

    #[test]
    fn every_tool_is_listed_and_can_be_shown() {
        let listed = list(&redactor());
        for tool in TOOLS {
            assert!(listed.for_person(100).contains(tool.name()), "{}", tool.name());
            let shown = show(tool.name(), &redactor()).unwrap();
            let text = shown.for_person(100);
            assert!(text.contains(&format!("todo-agent call {} '{{", tool.name())), "{text}");
            assert_eq!(shown.for_json()["name"], tool.name());
            assert!(shown.for_json()["parameters"]["properties"].is_object());
        }
    }

    #[test]
    fn an_argument_says_what_it_accepts() {
        assert_eq!(accepts(&json!({"type": "integer"})), "integer");
        assert_eq!(accepts(&json!({"type": ["integer", "number"]})), "integer|number");
        assert_eq!(accepts(&json!({"enum": ["age", "name"]})), "age|name");
        assert_eq!(accepts(&json!({"oneOf": [{"const": "restart"}, {"const": "undo"}]})), "restart|undo");
        assert_eq!(accepts(&json!(true)), "any");
    }

    #[test]
    fn an_unknown_tool_is_answered_with_the_nearest() {
        let problem = show("scal", &redactor()).unwrap_err();
        assert_eq!(problem.exit.code(), 2);
        assert_eq!(problem.hints, ["did you mean scale?"]);
    }
}
