//! What a patch may touch: not the object's identity, not what the server keeps, not the values of a Secret.
//!
//! Pure. Everything else is the server's to judge, which tries the patch before anybody is asked.

use serde_json::Value;
use todo_agent_core::{ObjectRef, PatchStyle, ToolError};
use todo_agent_kube_rules::kinds;

use crate::{arguments, words};

/// The largest patch; more is a file to apply.
const LARGEST: usize = 256 * 1024;

/// What is not a patch's business, and what to do instead.
const KEPT: &[(&str, &str)] = &[
    ("/metadata/name", "an object cannot be renamed; create another and delete this one"),
    ("/metadata/namespace", "an object cannot move; create it there and delete it here"),
    ("/metadata/resourceVersion", "the version is checked anyway"),
    ("/metadata/uid", "the server gives it"),
    ("/metadata/generation", "the server counts it"),
    ("/metadata/creationTimestamp", "the server gives it"),
    ("/metadata/deletionTimestamp", "delete the object instead"),
    ("/metadata/managedFields", "the server keeps it"),
    ("/status", "controllers write the status"),
    ("/kind", "an object keeps its kind; create one of the other kind"),
    ("/apiVersion", "the version is that of the kind"),
];

/// Returns the patch, if it may be proposed for this object.
pub(super) fn against(object: &ObjectRef, style: PatchStyle, mut body: Value) -> Result<Value, ToolError> {
    if body.to_string().len() > LARGEST {
        return Err(ToolError::arguments("the patch is longer than 256 KiB").hint("apply the whole object from a file"));
    }
    let built_in = kinds::by_type(&object.resource.api_version(), &object.resource.kind).is_some();
    if style == PatchStyle::Strategic && !built_in {
        return Err(ToolError::arguments(format!(
            "{} is a custom kind, which has no strategic patch",
            object.resource.kind
        ))
        .hint("give merge or json"));
    }
    if style == PatchStyle::Json {
        operations(&body)?;
    } else if let Some(fields) = body.as_object_mut() {
        // A manifest cut down to a patch says what it is of.
        fields.retain(|key, value| match key.as_str() {
            "kind" => *value != object.resource.kind.as_str(),
            "apiVersion" => *value != object.resource.api_version().as_str(),
            _ => true,
        });
        if fields.is_empty() {
            return Err(ToolError::arguments("the patch is empty"));
        }
    } else {
        return Err(ToolError::arguments(format!("a patch must be a JSON object, got {body}")));
    }
    let touched = pointers(style, &body);
    for pointer in touched.iter().chain(sources(&body).iter()) {
        let lies_in =
            |place: &str| pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if let Some((place, instead)) = KEPT.iter().find(|(place, _)| lies_in(place)) {
            let path = place.trim_start_matches('/').replace('/', ".");
            return Err(ToolError::arguments(format!("{path} cannot be patched")).hint(*instead));
        }
        if ["", "/metadata"].contains(&pointer.as_str()) {
            return Err(ToolError::arguments("a patch cannot replace the whole object or its metadata"));
        }
        if object.resource.kind == "Secret" && !lies_in("/metadata/labels") {
            return Err(ToolError::arguments(
                "of a Secret only the labels can be patched: its values are never read or shown",
            )
            .hint("change values with kubectl, or import them from a file"));
        }
    }
    Ok(body)
}

fn operations(body: &Value) -> Result<(), ToolError> {
    const KNOWN: &[&str] = &["add", "remove", "replace", "move", "copy", "test"];
    let wrong = |why: String| {
        Err(ToolError::arguments(why).hint("[{\"op\": \"replace\", \"path\": \"/spec/x\", \"value\": 1}]"))
    };
    let Some(operations) = body.as_array().filter(|operations| !operations.is_empty()) else {
        return wrong("a JSON patch must be a list of operations".to_owned());
    };
    for (index, operation) in operations.iter().enumerate() {
        let n = index + 1;
        let op = operation["op"].as_str().unwrap_or_default();
        if !KNOWN.contains(&op) {
            let error = ToolError::arguments(format!("operation {n} has an unknown op \"{}\"", words::shown(op)));
            return Err(match arguments::nearest(op, KNOWN.iter().copied()) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint(format!("it is one of {}", KNOWN.join(", "))),
            });
        }
        if !operation["path"].as_str().is_some_and(|path| path.starts_with('/')) {
            return wrong(format!("operation {n} needs a path that begins with /"));
        }
        if matches!(op, "add" | "replace" | "test") && operation.get("value").is_none() {
            return wrong(format!("operation {n} needs a value"));
        }
        if matches!(op, "move" | "copy") && !operation["from"].is_string() {
            return wrong(format!("operation {n} needs from"));
        }
    }
    Ok(())
}

/// Returns the fields that a patch writes, as JSON pointers; lists are taken whole.
pub(super) fn pointers(style: PatchStyle, body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if style == PatchStyle::Json {
        let written = body.as_array().into_iter().flatten().filter(|operation| operation["op"] != "test");
        found.extend(
            written
                .filter_map(|operation| operation["path"].as_str())
                .map(|path| path.strip_suffix("/-").unwrap_or(path).to_owned()),
        );
    } else {
        leaves(&mut String::new(), body, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns what a JSON patch moves from.
fn sources(body: &Value) -> Vec<String> {
    let moved = body.as_array().into_iter().flatten().filter(|operation| operation["op"] == "move");
    moved.filter_map(|operation| operation["from"].as_str().map(str::to_owned)).collect()
}

fn leaves(pointer: &mut String, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, inner) in fields {
                let length = pointer.len();
                // A directive of a strategic patch is about where it stands, or about the field it names.
                let field = match key.strip_prefix('$') {
                    None => Some(key.as_str()),
                    Some(directive) => directive.split_once('/').map(|(_, field)| field),
                };
                match field {
                    Some(field) => {
                        pointer.push('/');
                        pointer.push_str(&field.replace('~', "~0").replace('/', "~1"));
                        let whole = key.starts_with('$');
                        if whole {
                            found.push(pointer.clone());
                        } else {
                            leaves(pointer, inner, found);
                        }
                        pointer.truncate(length);
                    }
                    None => found.push(pointer.clone()),
                }
            }
        }
        _ => found.push(pointer.clone()),
    }
}
