//! The cells of definitions and of custom resources, whose columns their definition names by JSON paths.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age::since;
use super::{list, name, text};
use crate::conditions;
use crate::schema::custom;

/// Returns the cells of a definition.
pub(super) fn definition(object: &Value, _now: Timestamp) -> Vec<Value> {
    let spec = &object["spec"];
    let versions: Vec<String> = list(&spec["versions"])
        .iter()
        .map(|version| {
            if version["storage"] == true {
                format!("{}(storage)", text(&version["name"]))
            } else {
                text(&version["name"]).to_owned()
            }
        })
        .collect();
    let short: Vec<&str> = list(&spec["names"]["shortNames"]).iter().map(text).collect();
    vec![
        name(object),
        text(&spec["scope"]).into(),
        versions.join(",").into(),
        text(&object["metadata"]["creationTimestamp"]).into(),
        text(&spec["group"]).into(),
        text(&spec["names"]["kind"]).into(),
        short.join(",").into(),
        conditions::is_true(&object["status"], "Established").into(),
    ]
}

/// Returns the columns that the definition of an object's kind names, `None` for built-in kinds.
fn declared(api_version: &str, kind: &str) -> Option<Vec<Value>> {
    let columns = custom::by_type(api_version, kind)?.columns?;
    let usual = json!([{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]);
    let columns = if list(columns).is_empty() { &usual } else { columns };
    Some(list(columns).to_vec())
}

/// Returns the descriptions of the columns of a custom resource.
pub(super) fn columns(api_version: &str, kind: &str, first: Value) -> Option<Vec<Value>> {
    let rest = declared(api_version, kind)?.into_iter().map(|column| {
        let path = text(&column["jsonPath"]);
        let usual = format!("Custom resource definition column (in JSONPath format): {path}");
        json!({
            "name": column["name"], "type": column["type"], "format": text(&column["format"]),
            "description": column["description"].as_str().unwrap_or(&usual),
            "priority": column["priority"].as_i64().unwrap_or_default(),
        })
    });
    Some(std::iter::once(first).chain(rest).collect())
}

/// Returns the cells of a custom resource.
pub(super) fn cells(object: &Value, now: Timestamp) -> Option<Vec<Value>> {
    let columns = declared(text(&object["apiVersion"]), text(&object["kind"]))?;
    let rest = columns.iter().map(|column| {
        let found = at_path(object, text(&column["jsonPath"]));
        match (text(&column["type"]), found) {
            ("date", Some(time)) => since(time, now).into(),
            ("string", Some(value)) if !value.is_string() => value.to_string().into(),
            (_, Some(value)) => value.clone(),
            (_, None) => Value::Null,
        }
    });
    Some(std::iter::once(name(object)).chain(rest).collect())
}

/// Returns what a path like `.status.conditions[?(@.type=="Ready")].status` names.
fn at_path<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut found = object;
    let mut rest = path.trim_start_matches('$');
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']')?;
            found = match index.strip_prefix("?(@.").and_then(|filter| filter.strip_suffix(')')) {
                Some(filter) => {
                    let (field, wanted) = filter.split_once("==")?;
                    let wanted = wanted.trim().trim_matches(['"', '\'']);
                    list(found).iter().find(|item| item[field.trim()] == wanted)?
                }
                None => match index.trim_matches(['"', '\'']).parse::<usize>() {
                    Ok(number) => found.get(number)?,
                    Err(_) => found.get(index.trim_matches(['"', '\'']))?,
                },
            };
            rest = after;
        } else {
            let word = rest.trim_start_matches('.');
            // A dot that is part of a name is written `\.`.
            let mut end = word.len();
            let mut before = ' ';
            for (at, sign) in word.char_indices() {
                if (sign == '.' || sign == '[') && before != '\\' {
                    end = at;
                    break;
                }
                before = sign;
            }
            found = found.get(word[..end].replace('\\', ""))?;
            rest = &word[end..];
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_through_names_numbers_and_filters() {
        let object = json!({"metadata": {"annotations": {"example.com/note": "hi"}},
            "status": {"conditions": [{"type": "Other"}, {"type": "Ready", "status": "True"}]}});
        for (path, expected) in [
            (".status.conditions[1].status", Some("True")),
            (r#".status.conditions[?(@.type=="Ready")].status"#, Some("True")),
            (r".metadata.annotations.example\.com/note", Some("hi")),
            (".metadata.annotations['example.com/note']", Some("hi")),
            (".status.none", None),
        ] {
            assert_eq!(at_path(&object, path).and_then(Value::as_str), expected, "{path}");
        }
    }
}
