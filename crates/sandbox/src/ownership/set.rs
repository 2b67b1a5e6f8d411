//! A set of paths as a tree, and its form `FieldsV1`.
//!
//! Source: `fieldpath/set.go` and `fieldpath/serialize.go` of structured-merge-diff. A path's parents are in the set
//! only when they were put there: who owns a field of a map does not own the map.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::element::Element;
use super::typed::is_declared;
use crate::schema::{Shape, declared_field};

/// A set of paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSet(BTreeMap<Element, Node>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Node {
    /// Whether the path that ends here is in the set.
    is_member: bool,
    below: FieldSet,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.is_member && self.below.is_empty()
    }
}

impl FieldSet {
    /// Returns the set of these paths, each the names of nested fields.
    pub(crate) fn of_fields(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<Element> = path.iter().map(|name| Element::field(*name)).collect();
            set.insert(&path);
        }
        set
    }

    /// Adds a path; the empty one is in no set.
    pub(super) fn insert(&mut self, path: &[Element]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = match self.0.get_mut(first) {
            Some(node) => node,
            None => self.0.entry(first.clone()).or_default(),
        };
        if rest.is_empty() {
            node.is_member = true;
        } else {
            node.below.insert(rest);
        }
    }

    /// Returns whether there is no path in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether a path is in it.
    pub(super) fn has(&self, path: &[Element]) -> bool {
        match path {
            [] => false,
            [last] => self.0.get(last).is_some_and(|node| node.is_member),
            [first, rest @ ..] => self.0.get(first).is_some_and(|node| node.below.has(rest)),
        }
    }

    /// Returns the paths below a step, without it.
    pub(super) fn below(&self, element: &Element) -> Option<&Self> {
        self.0.get(element).map(|node| &node.below).filter(|below| !below.is_empty())
    }

    /// Returns the paths of either.
    pub(super) fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        let mut union = self.clone();
        for (element, node) in &other.0 {
            let mine = union.0.entry(element.clone()).or_default();
            mine.is_member |= node.is_member;
            mine.below = mine.below.union(&node.below);
        }
        union
    }

    /// Returns the paths of both.
    pub(super) fn intersection(&self, other: &Self) -> Self {
        self.map(|element, node| {
            let theirs = other.0.get(element)?;
            let below = node.below.intersection(&theirs.below);
            Some(Node { is_member: node.is_member && theirs.is_member, below })
        })
    }

    /// Returns the paths that the other does not have.
    pub(super) fn difference(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        self.map(|element, node| {
            let Some(theirs) = other.0.get(element) else { return Some(node.clone()) };
            let below = node.below.difference(&theirs.below);
            Some(Node { is_member: node.is_member && !theirs.is_member, below })
        })
    }

    /// Returns the paths that the other does not have and that are not below one of its paths.
    pub(super) fn without(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        self.map(|element, node| match other.0.get(element) {
            None => Some(node.clone()),
            Some(theirs) if theirs.is_member => None,
            Some(theirs) => Some(Node { is_member: node.is_member, below: node.below.without(&theirs.below) }),
        })
    }

    /// Returns the set with the declared fields that it has paths below.
    pub(super) fn with_named_fields(&self, shape: &Shape) -> Self {
        self.map(|element, node| {
            let inner = match (element, shape) {
                (Element::Field(name), _) => declared_field(shape, name),
                (Element::Key(_), Shape::List { of, .. }) => Some(&**of),
                _ => None,
            };
            let is_named = matches!(element, Element::Field(name) if is_declared(shape, name))
                && inner.is_some()
                && !node.below.is_empty();
            let below = inner.map_or_else(|| node.below.clone(), |inner| node.below.with_named_fields(inner));
            Some(Node { is_member: node.is_member || is_named, below })
        })
    }

    fn map(&self, change: impl Fn(&Element, &Node) -> Option<Node>) -> Self {
        let changed = self.0.iter().filter_map(|(element, node)| Some((element.clone(), change(element, node)?)));
        Self(changed.filter(|(_, node)| !node.is_empty()).collect())
    }

    /// Returns every path as text, in the order in which the real server reports them.
    pub(crate) fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        self.collect(&mut String::new(), &mut texts);
        texts
    }

    fn collect(&self, prefix: &mut String, texts: &mut Vec<String>) {
        for (element, _) in self.0.iter().filter(|(_, node)| node.is_member) {
            texts.push(format!("{prefix}{element}"));
        }
        for (element, node) in &self.0 {
            let length = prefix.len();
            let _ = write!(prefix, "{element}");
            node.below.collect(prefix, texts);
            prefix.truncate(length);
        }
    }

    /// Returns the set as `FieldsV1`.
    pub(crate) fn fields_v1(&self) -> Value {
        let mut fields = Map::new();
        for (element, node) in &self.0 {
            let mut below = node.below.fields_v1();
            if node.is_member && !node.below.is_empty() {
                crate::object::set(&mut below, ".", json!({}));
            }
            fields.insert(element.key(), below);
        }
        Value::Object(fields)
    }

    /// Reads `FieldsV1`; keys without a meaning are dropped.
    pub(crate) fn of_fields_v1(fields: &Value) -> Self {
        let mut set = Self::default();
        for (key, value) in fields.as_object().into_iter().flatten() {
            let Some(element) = Element::of_key(key) else { continue };
            let below = Self::of_fields_v1(value);
            let is_member = below.is_empty() || value.get(".").is_some();
            set.0.insert(element, Node { is_member, below });
        }
        set
    }
}
