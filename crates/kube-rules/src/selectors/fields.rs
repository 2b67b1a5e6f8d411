//! Field selectors: `status.phase!=Running,spec.nodeName=node-1`, matched by looking into the object.
//!
//! Source: `k8s.io/apimachinery/pkg/fields`. Which field labels a kind supports is the API server's
//! business, not decided here.

use serde_json::Value;

use super::SelectorError;

/// One condition on one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRequirement {
    /// The field's label, a dotted path such as `status.phase`.
    pub field: String,
    /// Whether the value must be equal; else it must differ.
    pub equal: bool,
    /// The value compared with.
    pub value: String,
}

/// A field selector: every requirement must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector {
    /// The requirements.
    pub requirements: Vec<FieldRequirement>,
}

impl FieldSelector {
    /// Reads the text form: `status.phase!=Running,spec.nodeName=node-1`, with `\,`, `\=` and `\\` escaped.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let mut requirements = Vec::new();
        for term in split_unescaped(text) {
            if term.is_empty() {
                continue;
            }
            let invalid = || SelectorError(format!("invalid selector: '{text}'; can't understand '{term}'"));
            let at = term.find('=').ok_or_else(invalid)?;
            let (field, rest) = term.split_at(at);
            let (field, equal, value) = match field.strip_suffix('!') {
                Some(field) => (field, false, &rest[1..]),
                None => (field, true, rest.strip_prefix("==").unwrap_or(&rest[1..])),
            };
            requirements.push(FieldRequirement { field: field.to_owned(), equal, value: unescape(value) });
        }
        Ok(Self { requirements })
    }

    /// Returns whether the object is selected. An absent field compares as the empty text.
    pub fn matches(&self, object: &Value) -> bool {
        self.requirements.iter().all(|one| (field_text(object, &one.field) == one.value) == one.equal)
    }

    /// Returns the value that `field` must have, if the selector pins it.
    pub fn pinned(&self, field: &str) -> Option<&str> {
        self.requirements.iter().find(|one| one.equal && one.field == field).map(|one| one.value.as_str())
    }
}

fn field_text(object: &Value, path: &str) -> String {
    let mut value = object;
    for part in path.split('.') {
        value = &value[part];
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn split_unescaped(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, found) in text.char_indices() {
        match found {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

fn unescape(value: &str) -> String {
    let mut plain = String::new();
    let mut chars = value.chars();
    while let Some(found) = chars.next() {
        plain.push(if found == '\\' { chars.next().unwrap_or('\\') } else { found });
    }
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn field_selectors_look_into_the_object() {
        let pod = json!({"metadata": {"name": "a"}, "status": {"phase": "Running"}, "spec": {"hostNetwork": true}});
        for (text, expected) in [
            ("", true),
            ("metadata.name=a,status.phase!=Failed", true),
            ("spec.nodeName=", true),
            ("spec.hostNetwork==true", true),
            ("status.phase=Pending", false),
        ] {
            assert_eq!(FieldSelector::parse(text).unwrap().matches(&pod), expected, "{text}");
        }
        assert!(FieldSelector::parse("metadata.name").is_err());
        assert_eq!(FieldSelector::parse(r"a=x\,y").unwrap().pinned("a"), Some("x,y"));
    }
}
