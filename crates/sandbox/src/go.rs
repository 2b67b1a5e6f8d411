//! Values as Go prints them: the real server's errors quote them so, and people search for those.

use std::fmt::Write as _;

use serde_json::Value;

/// Returns a value as `%v` prints it: `map[a:1 b:[x y]]`.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<String> =
                fields.into_iter().map(|(name, value)| format!("{name}:{}", text(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
        other => other.to_string(),
    }
}

/// Returns a text as `%q` prints it.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_ascii_control() => drop(write!(quoted, "\\x{:02x}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// Returns the name of the Go type that a value is decoded to.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// Returns a value as `%v` prints it where it is held by structured-merge-diff.
pub(crate) fn boxed(value: &Value) -> String {
    format!("&{{{}}}", text(value))
}

/// Returns a value as `%#v` prints it where it is held by structured-merge-diff.
pub(crate) fn boxed_source(value: &Value) -> String {
    format!("&value.valueUnstructured{{Value:{}}}", source(value))
}

fn source(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Array(items) => {
            format!("[]interface {{}}{{{}}}", items.iter().map(source).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let mut fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(name.as_str()), source(value)))
                .collect();
            fields.sort();
            format!("map[string]interface {{}}{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_printed_as_go_does() {
        let value = json!({"b": [1, "x"], "a": {"c": null, "d": true}});
        assert_eq!(text(&value), "map[a:map[c:<nil> d:true] b:[1 x]]");
        assert_eq!(quoted("a\u{7}\"\u{1}"), r#""a\a\"\x01""#);
        assert_eq!(boxed(&json!("x")), "&{x}");
        assert_eq!(boxed_source(&json!(1)), "&value.valueUnstructured{Value:1}");
        assert_eq!(
            boxed_source(&json!({"a": ["x"]})),
            r#"&value.valueUnstructured{Value:map[string]interface {}{"a":[]interface {}{"x"}}}"#
        );
    }
}
