//! What stands against applying a configuration: fields that others hold and that it would change.
//!
//! Source: `managedfields/internal/conflict.go` of apimachinery; the words are its own.

use serde_json::{Value, json};

use super::managers::{Manager, Operation};
use super::set::FieldSet;

/// The fields in the way, by the manager that holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflicts(pub(super) Vec<(Manager, FieldSet)>);

impl Conflicts {
    /// Returns the conflicts that are left without these fields; `None` when there are none.
    pub(super) fn without(self, allowed: &FieldSet) -> Option<Self> {
        let left = self.0.into_iter().map(|(manager, fields)| (manager, fields.difference(allowed)));
        let left: Vec<_> = left.filter(|(_, fields)| !fields.is_empty()).collect();
        (!left.is_empty()).then_some(Self(left))
    }

    /// Returns the message of the refusal.
    pub(crate) fn message(&self) -> String {
        let found: Vec<(String, Vec<String>)> =
            self.0.iter().map(|(manager, fields)| (described(manager), fields.texts())).collect();
        if let [(manager, fields)] = found.as_slice()
            && let [field] = fields.as_slice()
        {
            return format!("Apply failed with 1 conflict: conflict with {manager}: {field}");
        }
        let mut lines = Vec::new();
        for (manager, fields) in &found {
            lines.push(format!("conflicts with {manager}:"));
            lines.extend(fields.iter().map(|field| format!("- {field}")));
        }
        let count: usize = found.iter().map(|(_, fields)| fields.len()).sum();
        format!("Apply failed with {count} conflicts: {}", lines.join("\n"))
    }

    /// Returns the causes of the refusal.
    pub(crate) fn causes(&self) -> Value {
        let cause = |manager: &Manager, field: String| json!({"reason": "FieldManagerConflict", "message": format!("conflict with {}", described(manager)), "field": field});
        let causes = self
            .0
            .iter()
            .flat_map(|(manager, fields)| fields.texts().into_iter().map(move |field| cause(manager, field)));
        causes.collect::<Vec<_>>().into()
    }
}

fn described(manager: &Manager) -> String {
    let mut text = Value::from(manager.name.as_str()).to_string();
    if !manager.subresource.is_empty() {
        text = format!("{text} with subresource {}", Value::from(manager.subresource.as_str()));
    }
    match manager.operation {
        Operation::Apply => text,
        Operation::Update => format!("{text} using {}", manager.api_version),
    }
}
