//! The paths in which two values differ.
//!
//! Source: `typed/compare.go` of structured-merge-diff.

use serde_json::{Map, Value};

use super::element::Element;
use super::set::FieldSet;
use super::typed::{Form, element, form};
use crate::schema::{Shape, field_shape};

/// The paths that one value has and another has not, or has otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Comparison {
    pub(super) removed: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) added: FieldSet,
}

impl Comparison {
    /// Returns the comparison without these paths and what is below them.
    pub(super) fn without(&self, ignored: &FieldSet) -> Self {
        Self {
            removed: self.removed.without(ignored),
            modified: self.modified.without(ignored),
            added: self.added.without(ignored),
        }
    }

    /// Returns the paths that are there afterwards and were not, or not so.
    pub(super) fn written(&self) -> FieldSet {
        self.modified.union(&self.added)
    }
}

/// Compares two values of one shape.
pub(super) fn compare(shape: &Shape, before: &Value, after: &Value) -> Comparison {
    let mut walk = Walk::default();
    walk.visit(shape, Some(before), Some(after));
    walk.found
}

#[derive(Default)]
struct Walk {
    path: Vec<Element>,
    found: Comparison,
}

impl Walk {
    fn visit(&mut self, shape: &Shape, before: Option<&Value>, after: Option<&Value>) {
        if self.visit_parts(shape, before, after) {
            match (before, after) {
                (None, Some(_)) => self.found.added.insert(&self.path),
                (Some(_), None) => self.found.removed.insert(&self.path),
                _ => {}
            }
            return;
        }
        match (before, after) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (Some(before), Some(after)) if before != after => self.found.modified.insert(&self.path),
            _ => {}
        }
    }

    /// Compares what the values are made of; false when they are leaves.
    fn visit_parts(&mut self, shape: &Shape, before: Option<&Value>, after: Option<&Value>) -> bool {
        let forms = [before, after].map(|value| value.map(|value| form(shape, value)));
        let form = match forms {
            [Some(one), Some(other)] if one != other => return false,
            [Some(one), _] | [None, Some(one)] => one,
            [None, None] => return false,
        };
        let nothing = (Map::new(), Vec::new());
        match form {
            Form::Leaf => false,
            Form::Map => {
                let [before, after] =
                    [before, after].map(|value| value.and_then(Value::as_object).unwrap_or(&nothing.0));
                if before.is_empty() && after.is_empty() {
                    return false;
                }
                let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
                for name in names {
                    self.path.push(Element::field(name));
                    self.visit(field_shape(shape, name), before.get(name), after.get(name));
                    self.path.pop();
                }
                true
            }
            Form::List => {
                let [before, after] =
                    [before, after].map(|value| value.and_then(Value::as_array).unwrap_or(&nothing.1));
                if before.is_empty() && after.is_empty() {
                    return false;
                }
                self.visit_items(shape, before, after);
                true
            }
        }
    }

    fn visit_items(&mut self, shape: &Shape, before: &[Value], after: &[Value]) {
        let Shape::List { of, .. } = shape else { return };
        let find = |items: &[Value], wanted: &Element| -> Vec<Value> {
            items.iter().filter(|item| element(shape, item).as_ref() == Ok(wanted)).cloned().collect()
        };
        let mut seen = Vec::new();
        for found in before.iter().chain(after).filter_map(|item| element(shape, item).ok()) {
            if seen.contains(&found) {
                continue;
            }
            let (left, right) = (find(before, &found), find(after, &found));
            self.path.push(found.clone());
            match (left.len(), right.len()) {
                (0 | 1, 0 | 1) => self.visit(of, left.first(), right.first()),
                (0 | 1, _) => {
                    if !left.is_empty() {
                        self.visit(of, left.first(), None);
                    }
                    self.found.added.insert(&self.path);
                }
                (_, 0 | 1) => {
                    if !right.is_empty() {
                        self.visit(of, None, right.first());
                    }
                    self.found.removed.insert(&self.path);
                }
                _ if left != right => self.found.modified.insert(&self.path),
                _ => {}
            }
            self.path.pop();
            seen.push(found);
        }
    }
}
