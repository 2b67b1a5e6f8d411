//! Variables of a script: `${name}` in a text is replaced by the variable's value; a text that is nothing else
//! becomes the value itself, a number stays a number. `$${` is a `${` that means itself.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::problem::nearest;

/// The variables of a script.
#[derive(Debug, Default)]
pub(super) struct Variables(pub(super) BTreeMap<String, Value>);

/// Returns whether a variable can have this name.
pub(super) fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
}

impl Variables {
    /// Returns the text with every variable replaced.
    ///
    /// # Errors
    /// Returns the first variable that does not exist, or that does not end.
    pub(super) fn text(&self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if rest[..start].ends_with('$') {
                filled.push_str(&rest[..start - 1]);
                filled.push_str("${");
                rest = &rest[start + 2..];
                continue;
            }
            filled.push_str(&rest[..start]);
            let inside = &rest[start + 2..];
            let end = inside.find('}').ok_or("a \"${\" has no \"}\"; write $${ where it means itself")?;
            match self.value(&inside[..end])? {
                Value::String(text) => filled.push_str(text),
                other => filled.push_str(&other.to_string()),
            }
            rest = &inside[end + 1..];
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Returns the JSON value with every variable in its texts replaced.
    ///
    /// # Errors
    /// As [`Variables::text`].
    pub(super) fn json(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
                Some(name) if is_name(name) => self.value(name)?.clone(),
                _ => Value::String(self.text(text)?),
            },
            Value::Array(items) => items.iter().map(|item| self.json(item)).collect::<Result<_, _>>()?,
            Value::Object(fields) => {
                let filled = fields.iter().map(|(key, value)| Ok((key.clone(), self.json(value)?)));
                filled.collect::<Result<_, String>>()?
            }
            other => other.clone(),
        })
    }

    fn value(&self, name: &str) -> Result<&Value, String> {
        self.0.get(name).ok_or_else(|| {
            let hint = match nearest(name, self.0.keys().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None if self.0.is_empty() => "the script has no variables".to_owned(),
                None => format!("the variables are {}", self.0.keys().cloned().collect::<Vec<_>>().join(", ")),
            };
            format!("there is no variable {name:?}; {hint}")
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables() -> Variables {
        let values = [("replicas", json!(3)), ("name", json!("backend")), ("ready", json!(true))];
        Variables(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    #[test]
    fn texts_are_filled_in() {
        let filled = |text| variables().text(text);
        assert_eq!(filled("scale ${name} to ${replicas}").unwrap(), "scale backend to 3");
        assert_eq!(
            filled("costs $5, $${name} means itself, ${ready}").unwrap(),
            "costs $5, ${name} means itself, true"
        );
        assert_eq!(filled("größe ${name}é").unwrap(), "größe backendé");
        assert_eq!(filled("${nam}").unwrap_err(), "there is no variable \"nam\"; did you mean name?");
        assert_eq!(
            filled("${image}").unwrap_err(),
            "there is no variable \"image\"; the variables are name, ready, replicas"
        );
        assert!(filled("${name").unwrap_err().contains("has no"));
    }

    #[test]
    fn a_value_keeps_its_type() {
        let filled = variables().json(&json!({"n": "${replicas}", "all": ["${ready}", "x${replicas}"], "m": 1}));
        assert_eq!(filled.unwrap(), json!({"n": 3, "all": [true, "x3"], "m": 1}));
        assert!(variables().json(&json!({"deep": [{"n": "${none}"}]})).is_err());
    }
}
