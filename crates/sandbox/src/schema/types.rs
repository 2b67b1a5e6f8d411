//! The fields of the built-in kinds: their JSON types, how patches merge them, who owns what of them, when they
//! are written, their numbers in protobuf.
//!
//! `types.txt` is made from the Go types of Kubernetes 1.37 by `crates/sandbox/types`: a line per struct (`*`:
//! owned as a whole), a word per field, `name:shape`, then what is special about it. `:Name` is an inlined
//! struct. Shapes: `s` text, `i` int32, `l` int64, `b` bool, `q` quantity, `p` integer or text, `t` and `m` time,
//! `x` bytes, `any`; `{T}` a map, `[T]` a list. Special: `*` owned as a whole, `/` in parts, `+` a set, `@a,b` items
//! told apart by these keys, `~key` merged by a strategic patch, `%` replaced by it, `=` default, `!` always written,
//! `!!` written as null when absent, `?` written also when zero, `#` number.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The shape of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    Int32,
    Int64,
    Bool,
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    Bytes,
    /// Anything; it has one owner as a whole.
    Any,
    /// Anything whose maps have owners for each of their fields.
    Free,
    /// An object of a kind without a row: its metadata is known, the rest is free.
    Custom,
    /// A map from text to values of one shape.
    Map {
        of: Box<Shape>,
        owned: Owned,
    },
    /// A list; `merge` says how a strategic merge patch combines it, `items` how its items are told apart.
    List {
        of: Box<Shape>,
        merge: Merge,
        items: Items,
    },
    /// An object of the named row; `owned` overrides what the row says.
    Struct {
        name: &'static str,
        owned: Option<Owned>,
    },
}

/// How two lists combine in a strategic merge patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Merge {
    /// The patch replaces the list.
    Atomic,
    /// The union of both.
    Set,
    /// Objects with equal values of this key are merged.
    ByKey(&'static str),
}

/// Whether a value has one owner or its parts have theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owned {
    Whole,
    InParts,
}

/// How the items of a list are told apart in server-side apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Items {
    /// They are not: the list has one owner.
    Whole,
    /// By what they are.
    Set,
    /// By the values of these fields.
    Keyed(Vec<&'static str>),
}

/// When a field is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// When it is not zero, as Go's `omitempty` has it.
    WhenNotZero,
    /// When it is set, be it to zero.
    WhenSet,
    /// Always.
    Always,
    /// Always, as null when it is not set.
    OrNull,
}

/// One field of a Go struct.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) shape: Shape,
    pub(crate) written: Written,
    /// The value that it has when a list needs it to tell items apart.
    pub(crate) default: Option<&'static str>,
    /// Whether a strategic merge patch replaces the map instead of merging it.
    pub(crate) is_replaced: bool,
    /// Its number in protobuf, 0 when it has none.
    pub(crate) number: u64,
}

/// The fields of one Go struct.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) fields: HashMap<&'static str, Field>,
    pub(crate) owned: Owned,
    /// The structs whose fields are inlined, by their numbers in protobuf.
    pub(crate) inlined: Vec<(u64, &'static str)>,
}

static TABLE: LazyLock<HashMap<&'static str, Row>> = LazyLock::new(|| {
    let mut rows: HashMap<&'static str, Row> = include_str!("types.txt").lines().map(read).collect();
    let names: Vec<&'static str> = rows.keys().copied().collect();
    for name in names {
        let mut fields = HashMap::new();
        inline(&rows, name, &mut fields);
        if let Some(row) = rows.get_mut(name) {
            row.fields.extend(fields);
        }
    }
    rows
});

/// Collects the fields of the structs that a row inlines, and of those that they inline.
fn inline(rows: &HashMap<&'static str, Row>, name: &str, fields: &mut HashMap<&'static str, Field>) {
    for (_, inner) in rows.get(name).into_iter().flat_map(|row| &row.inlined) {
        if let Some(row) = rows.get(inner) {
            // A field of an inlined struct has its number in there, not here.
            fields.extend(row.fields.iter().map(|(name, field)| (*name, Field { number: 0, ..field.clone() })));
        }
        inline(rows, inner, fields);
    }
}

fn read(line: &'static str) -> (&'static str, Row) {
    let mut words = line.split(' ');
    let head = words.next().unwrap_or_default();
    let (name, owned) = match head.strip_suffix('*') {
        Some(name) => (name, Owned::Whole),
        None => (head, Owned::InParts),
    };
    let mut row = Row { fields: HashMap::new(), owned, inlined: Vec::new() };
    for word in words {
        let (field, rest) = word.split_once(':').unwrap_or((word, ""));
        if field.is_empty() {
            let (inner, number) = rest.split_once('#').unwrap_or((rest, "0"));
            row.inlined.push((number.parse().unwrap_or(0), inner));
        } else {
            row.fields.insert(field, read_field(rest));
        }
    }
    (name, row)
}

/// The signs that end a shape, and each other.
const SIGNS: [char; 10] = ['*', '/', '+', '@', '~', '%', '=', '!', '?', '#'];

fn read_field(text: &'static str) -> Field {
    let (shape, mut rest) = text.split_at(text.find(SIGNS).unwrap_or(text.len()));
    let mut field =
        Field { shape: parse(shape), written: Written::WhenNotZero, default: None, is_replaced: false, number: 0 };
    while let Some(sign) = rest.chars().next() {
        let after = &rest[1..];
        let (value, next) = after.split_at(after.find(SIGNS).unwrap_or(after.len()));
        rest = next;
        match (sign, &mut field.shape) {
            ('*', Shape::Map { owned, .. }) => *owned = Owned::Whole,
            ('*', Shape::Struct { owned, .. }) => *owned = Some(Owned::Whole),
            ('/', Shape::Struct { owned, .. }) => *owned = Some(Owned::InParts),
            ('+', Shape::List { items, .. }) => *items = Items::Set,
            ('@', Shape::List { items, .. }) => *items = Items::Keyed(value.split(',').collect()),
            ('~', Shape::List { merge, .. }) => {
                *merge = if value.is_empty() { Merge::Set } else { Merge::ByKey(value) }
            }
            ('%', _) => field.is_replaced = true,
            ('=', _) => field.default = Some(value),
            ('!', _) => {
                field.written = if field.written == Written::Always { Written::OrNull } else { Written::Always }
            }
            ('?', _) => field.written = Written::WhenSet,
            ('#', _) => field.number = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    field
}

fn parse(text: &'static str) -> Shape {
    if let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        return Shape::Map { of: Box::new(parse(inner)), owned: Owned::InParts };
    }
    if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        return Shape::List { of: Box::new(parse(inner)), merge: Merge::Atomic, items: Items::Whole };
    }
    match text {
        "s" => Shape::Text,
        "i" => Shape::Int32,
        "l" => Shape::Int64,
        "b" => Shape::Bool,
        "q" => Shape::Quantity,
        "p" => Shape::IntOrString,
        "t" => Shape::Time,
        "m" => Shape::MicroTime,
        "x" => Shape::Bytes,
        "any" => Shape::Any,
        name => Shape::Struct { name, owned: None },
    }
}

/// The shape of every object's metadata.
static METADATA: Shape = Shape::Struct { name: "ObjectMeta", owned: None };

/// Returns a row.
pub(crate) fn row(name: &str) -> Option<&'static Row> {
    TABLE.get(name)
}

/// Returns the shape of a kind's objects.
pub(crate) fn root_type(kind: &str) -> Shape {
    TABLE.get_key_value(kind).map_or(Shape::Custom, |(name, _)| Shape::Struct { name, owned: None })
}

/// Returns a field of a struct, `None` when it has no such field or the shape is another.
pub(crate) fn field_of(shape: &Shape, name: &str) -> Option<&'static Field> {
    match shape {
        Shape::Struct { name: of, .. } => row(of)?.fields.get(name),
        _ => None,
    }
}

/// Returns the shape of the field `name` inside a value of this shape, `None` when there is no such field.
pub(crate) fn declared_field<'a>(shape: &'a Shape, name: &str) -> Option<&'a Shape> {
    match shape {
        Shape::Map { of, .. } => Some(of),
        Shape::Struct { .. } => field_of(shape, name).map(|field| &field.shape),
        Shape::Custom if name == "metadata" => Some(&METADATA),
        Shape::Free | Shape::Custom => Some(&Shape::Free),
        Shape::Any => Some(&Shape::Any),
        _ => None,
    }
}

/// Returns the shape of the field `name` inside a value of this shape, whatever it is.
pub(crate) fn field_shape<'a>(shape: &'a Shape, name: &str) -> &'a Shape {
    declared_field(shape, name).unwrap_or(&Shape::Any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::RESOURCES;

    #[test]
    fn every_named_struct_has_a_row_and_every_line_its_own() {
        fn check(shape: &Shape) {
            match shape {
                Shape::Struct { name, .. } => assert!(row(name).is_some(), "{name}"),
                Shape::Map { of, .. } | Shape::List { of, .. } => check(of),
                _ => {}
            }
        }
        assert_eq!(TABLE.len(), include_str!("types.txt").lines().count());
        for row in TABLE.values() {
            row.fields.values().for_each(|field| check(&field.shape));
        }
    }

    #[test]
    fn every_served_kind_has_a_row() {
        for resource in RESOURCES.iter() {
            assert!(row(resource.kind.kind).is_some(), "{}", resource.kind.kind);
        }
    }

    #[test]
    fn a_container_s_ports_merge_by_number_and_are_told_apart_by_protocol_too() {
        let spec = root_type("Container");
        let Shape::List { merge, items, .. } = field_shape(&spec, "ports") else { panic!("a list") };
        assert_eq!(*merge, Merge::ByKey("containerPort"));
        assert_eq!(*items, Items::Keyed(vec!["containerPort", "protocol"]));
        assert_eq!(row("ContainerPort").unwrap().fields["protocol"].default, Some("TCP"));
        assert_eq!(row("Probe").unwrap().fields["httpGet"].written, Written::WhenSet, "inlined");
    }
}
