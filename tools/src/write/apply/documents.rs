//! Manifests as text, read into objects: several documents, lists unrolled, bounded in size and number.
//!
//! Pure. The YAML reader refuses duplicate keys and bounds what anchors may grow to.

use serde_json::Value;
use todo_agent_core::ToolError;

/// The largest manifests that are read.
pub(super) const LARGEST: usize = 1024 * 1024;
/// The most objects in them.
const MOST: usize = 100;

/// Reads the documents; `noun` is what they are called in complaints.
pub(super) fn read(text: &str, noun: &str) -> Result<Vec<Value>, ToolError> {
    if text.len() > LARGEST {
        return Err(ToolError::arguments(format!("{noun}: larger than 1 MiB")).hint("apply it in parts"));
    }
    if let Some(at) =
        text.lines().position(|line| line.trim_start_matches(' ').starts_with('\t') && !line.trim().is_empty())
    {
        return Err(ToolError::arguments(format!("{noun}: line {} is indented with a tab", at + 1))
            .hint("YAML indents with spaces"));
    }
    // `defaultMode: 0644` is octal, as kubectl has it.
    let options = serde_saphyr::options! { legacy_octal_numbers: true, with_snippet: false };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| ToolError::arguments(format!("{noun}: not YAML: {}", plain(&error.to_string()))))?;
    let mut objects = Vec::new();
    for (n, document) in documents.into_iter().enumerate() {
        unroll(n + 1, noun, document, &mut objects)?;
    }
    if objects.is_empty() {
        return Err(ToolError::arguments(format!("there is no object in {noun}")));
    }
    if objects.len() > MOST {
        return Err(ToolError::arguments(format!(
            "there are {} objects in {noun}; at most {MOST} are applied at once",
            objects.len()
        )));
    }
    Ok(objects)
}

/// Takes out of the reader's words what speaks of the reader.
fn plain(message: &str) -> String {
    message.replace(", set DuplicateKeyPolicy in Options if acceptable", ",")
}

fn unroll(n: usize, noun: &str, mut document: Value, objects: &mut Vec<Value>) -> Result<(), ToolError> {
    match &document {
        Value::Null => Ok(()),
        Value::Object(fields) => {
            let is_list = fields.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
            if is_list && let Some(Value::Array(items)) = document.get_mut("items").map(Value::take) {
                return items.into_iter().try_for_each(|item| unroll(n, noun, item, objects));
            }
            objects.push(document);
            Ok(())
        }
        other => {
            let what = if other.is_array() { "a list" } else { "a plain value" };
            Err(ToolError::arguments(format!("document {n} of {noun} is {what}, not an object"))
                .hint("an object begins with apiVersion and kind"))
        }
    }
}
