//! The differences between two sets of normalised answers, and those that are understood.

use std::path::Path;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::answer::Answers;

/// One place where two answers differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// `step/body/metadata/name`.
    pub(crate) at: String,
    pub(crate) found: Value,
    pub(crate) real: Value,
}

/// Returns where the answers of two runs differ.
pub(crate) fn cases(found: &Answers, real: &Answers) -> Vec<Difference> {
    let mut differences = Vec::new();
    let value = |answers: &Answers| serde_json::to_value(&answers.answers).unwrap();
    walk(String::new(), &value(found), &value(real), &mut differences);
    differences
}

fn walk(at: String, found: &Value, real: &Value, differences: &mut Vec<Difference>) {
    match (found, real) {
        (Value::Object(left), Value::Object(right)) => {
            let names: std::collections::BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for name in names {
                let part = |map: &Map<String, Value>| map.get(name).cloned().unwrap_or("(absent)".into());
                let place = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
                walk(place, &part(left), &part(right), differences);
            }
        }
        (Value::Array(left), Value::Array(right)) => {
            for at_index in 0..left.len().max(right.len()) {
                let part = |list: &[Value]| list.get(at_index).cloned().unwrap_or("(absent)".into());
                let place = if at.is_empty() { at_index.to_string() } else { format!("{at}/{at_index}") };
                walk(place, &part(left), &part(right), differences);
            }
        }
        _ if found == real => {}
        _ => differences.push(Difference { at, found: found.clone(), real: real.clone() }),
    }
}

/// The differences that are understood.
pub(crate) struct Known {
    pub(crate) entries: Vec<Entry>,
}

/// One understood difference.
pub(crate) struct Entry {
    /// The pattern for the case, as written.
    pub(crate) written: String,
    pub(crate) case: Regex,
    pub(crate) at: Regex,
    pub(crate) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    case: String,
    at: String,
    reason: String,
}

impl Known {
    /// Reads the list: patterns for the whole of a case's name and of the place, and the reason.
    pub(crate) fn load(file: &Path) -> Self {
        let written: Vec<Written> = serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let whole = |text: &str| Regex::new(&format!("^(?:{text})$")).unwrap();
        let entries = written
            .into_iter()
            .map(|entry| Entry {
                case: whole(&entry.case),
                at: whole(&entry.at),
                reason: entry.reason,
                written: entry.case,
            })
            .collect();
        Self { entries }
    }

    /// Returns the number of the entry that explains a difference.
    pub(crate) fn explains(&self, case: &str, difference: &Difference) -> Option<usize> {
        self.entries.iter().position(|entry| entry.case.is_match(case) && entry.at.is_match(&difference.at))
    }
}
