//! Reads a request body in protobuf, the form in which kubectl's typed commands send what they create.
//!
//! The numbers are here, the names' shapes in the `types` table. Only the messages that clients of the
//! sandbox were seen to send are known; a field that is not is an error, never dropped silently.
//! Source: `generated.proto` of `k8s.io/api` and `k8s.io/apimachinery` (v1.37).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::types::{Shape, field_shape};
use crate::object;

/// What every message of Kubernetes begins with; a `runtime.Unknown` follows.
const MAGIC: &[u8] = b"k8s\0";

/// The fields of each message, `number:name`.
const MESSAGES: &[(&str, &str)] = &[
    (
        "ObjectMeta",
        "1:name 2:generateName 3:namespace 4:selfLink 5:uid 6:resourceVersion 7:generation 8:creationTimestamp \
         9:deletionTimestamp 10:deletionGracePeriodSeconds 11:labels 12:annotations 13:ownerReferences 14:finalizers",
    ),
    ("OwnerReference", "1:kind 3:name 4:uid 5:apiVersion 6:controller 7:blockOwnerDeletion"),
    ("ObjectReference", "1:kind 2:namespace 3:name 4:uid 5:apiVersion 6:resourceVersion 7:fieldPath"),
    ("LocalObjectReference", "1:name"),
    ("Namespace", "1:metadata 2:spec 3:status"),
    ("NamespaceSpec", "1:finalizers"),
    ("NamespaceStatus", "1:phase"),
    ("ServiceAccount", "1:metadata 2:secrets 3:imagePullSecrets 4:automountServiceAccountToken"),
    ("ConfigMap", "1:metadata 2:data 3:binaryData 4:immutable"),
    ("Secret", "1:metadata 2:data 3:type 4:stringData 5:immutable"),
    ("Role", "1:metadata 2:rules"),
    ("PolicyRule", "1:verbs 2:apiGroups 3:resources 4:resourceNames 5:nonResourceURLs"),
    ("RoleBinding", "1:metadata 2:subjects 3:roleRef"),
    ("ClusterRoleBinding", "1:metadata 2:subjects 3:roleRef"),
    ("Subject", "1:kind 2:apiGroup 3:name 4:namespace"),
    ("RoleRef", "1:apiGroup 2:kind 3:name"),
    ("SelfSubjectAccessReview", "1:metadata 2:spec 3:status"),
    ("SubjectAccessReview", "1:metadata 2:spec 3:status"),
    ("SelfSubjectRulesReview", "1:metadata 2:spec 3:status"),
    ("AccessReviewSpec", "1:resourceAttributes 2:nonResourceAttributes 3:user 4:groups 6:uid"),
    ("ResourceAttributes", "1:namespace 2:verb 3:group 4:version 5:resource 6:subresource 7:name"),
    ("PathAttributes", "1:path 2:verb"),
    ("RulesReviewSpec", "1:namespace"),
    ("DeleteOptions", "1:gracePeriodSeconds 2:preconditions 3:orphanDependents 4:propagationPolicy 5:dryRun"),
    ("Preconditions", "1:uid 2:resourceVersion"),
];

/// Why a body cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is no protobuf of Kubernetes.
    Malformed,
    /// It is a message, or has a field, that the sandbox does not know.
    Unknown(String),
}

/// Returns the object that a body holds, as JSON.
pub(crate) fn decode(body: &[u8]) -> Result<Value, Unreadable> {
    let rest = body.strip_prefix(MAGIC).ok_or(Unreadable::Malformed)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in Fields(rest) {
        match field? {
            (1, Wire::Bytes(kind_of)) => {
                for field in Fields(kind_of) {
                    match field? {
                        (1, wire) => api_version = wire.text()?,
                        (2, wire) => kind = wire.text()?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let mut object = message(&kind, raw)?;
    object::set(&mut object, "apiVersion", api_version);
    object::set(&mut object, "kind", kind);
    Ok(object)
}

fn message(name: &str, bytes: &[u8]) -> Result<Value, Unreadable> {
    let (name, numbers) = MESSAGES
        .iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| Unreadable::Unknown(format!("{name} in protobuf")))?;
    let mut map = Map::new();
    for field in Fields(bytes) {
        let (number, wire) = field?;
        let field = numbers
            .split_whitespace()
            .filter_map(|entry| entry.split_once(':'))
            .find_map(|(known, field)| (known == number.to_string()).then_some(field))
            .ok_or_else(|| Unreadable::Unknown(format!("field {number} of {name} in protobuf")))?;
        add(&mut map, field, &field_shape(&Shape::Struct(name), field), wire)?;
    }
    Ok(Value::Object(map))
}

/// Adds one occurrence of a field. What Go writes for an unset field (an empty text, 0, a message with
/// nothing in it) is absent in JSON too.
fn add(map: &mut Map<String, Value>, field: &str, shape: &Shape, wire: Wire<'_>) -> Result<(), Unreadable> {
    let slot = || field.to_owned();
    match shape {
        Shape::List { of, .. } => {
            let item = value(of, wire)?;
            if let Value::Array(items) = map.entry(slot()).or_insert_with(|| json!([])) {
                items.push(item);
            }
        }
        Shape::Map(of) => {
            let (mut key, mut held) = (String::new(), value(of, Wire::Bytes(&[]))?);
            for entry in Fields(wire.bytes()?) {
                match entry? {
                    (1, wire) => key = wire.text()?,
                    (2, wire) => held = value(of, wire)?,
                    _ => return Err(Unreadable::Malformed),
                }
            }
            if let Value::Object(entries) = map.entry(slot()).or_insert_with(|| json!({})) {
                entries.insert(key, held);
            }
        }
        _ => {
            let found = value(shape, wire)?;
            let is_unset = found == "" || found == 0 || found.is_null() || found == json!({});
            if !is_unset {
                map.insert(slot(), found);
            }
        }
    }
    Ok(())
}

fn value(shape: &Shape, wire: Wire<'_>) -> Result<Value, Unreadable> {
    Ok(match shape {
        Shape::Text => wire.text()?.into(),
        Shape::Bool => (wire.number()? != 0).into(),
        Shape::Int32 | Shape::Int64 => wire.number()?.into(),
        Shape::Bytes => STANDARD.encode(wire.bytes()?).into(),
        Shape::Time => time(wire.bytes()?)?,
        Shape::Struct(name) => message(name, wire.bytes()?)?,
        // The status that a client sends along with a review says nothing.
        Shape::Any => Value::Null,
        _ => return Err(Unreadable::Unknown(format!("{shape:?} in protobuf"))),
    })
}

fn time(bytes: &[u8]) -> Result<Value, Unreadable> {
    for field in Fields(bytes) {
        if let (1, wire) = field? {
            let at = Timestamp::from_second(wire.number()?).map_err(|_| Unreadable::Malformed)?;
            return Ok(object::time_text(at).into());
        }
    }
    Ok(Value::Null)
}

/// A value as it is on the wire.
#[derive(Debug, Clone, Copy)]
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    fn bytes(self) -> Result<&'a [u8], Unreadable> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Number(_) => Err(Unreadable::Malformed),
        }
    }

    fn text(self) -> Result<String, Unreadable> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| Unreadable::Malformed)
    }

    fn number(self) -> Result<i64, Unreadable> {
        match self {
            Self::Number(number) => Ok(number.cast_signed()),
            Self::Bytes(_) => Err(Unreadable::Malformed),
        }
    }
}

/// The fields of a message, in the order in which they were written.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn field(&mut self) -> Option<(u64, Wire<'a>)> {
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Number(self.varint()?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(length)?;
                self.0 = rest;
                Wire::Bytes(bytes)
            }
            // Kubernetes has no fixed-width fields.
            _ => return None,
        };
        Some((tag >> 3, wire))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Unreadable::Malformed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a field whose value has a length.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()][..], bytes].concat()
    }

    fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let type_meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC, &field(1, &type_meta), &field(2, raw), &field(3, b""), &field(4, b"")].concat()
    }

    #[test]
    fn a_secret_is_read_without_what_go_leaves_empty() {
        let labels = [field(1, b"app"), field(2, b"")].concat();
        let metadata = [field(1, b"s"), field(2, b""), vec![7 << 3, 0], field(8, b""), field(11, &labels)].concat();
        let entry = [field(1, b"k"), field(2, b"v")].concat();
        let body = [field(1, &metadata), field(2, &entry), field(3, b"Opaque"), vec![5 << 3, 0]].concat();
        assert_eq!(
            decode(&envelope("v1", "Secret", &body)).unwrap(),
            json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "labels": {"app": ""}},
                "data": {"k": "dg=="}, "type": "Opaque", "immutable": false
            })
        );
    }

    #[test]
    fn a_review_is_read_whatever_its_status() {
        let attributes = [field(1, b"shop"), field(2, b"get"), field(5, b"pods")].concat();
        let body = [field(1, b""), field(2, &field(1, &attributes)), field(3, &[8, 0])].concat();
        let review = decode(&envelope("authorization.k8s.io/v1", "SelfSubjectAccessReview", &body)).unwrap();
        let wanted = json!({"resourceAttributes": {"namespace": "shop", "verb": "get", "resource": "pods"}});
        assert_eq!((&review["spec"], &review["status"]), (&wanted, &Value::Null));
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        assert_eq!(decode(b"{}"), Err(Unreadable::Malformed));
        assert_eq!(decode(&[MAGIC, &[0x12, 0x7f]].concat()), Err(Unreadable::Malformed));
        let unknown = |what: &str| Err(Unreadable::Unknown(what.to_owned()));
        assert_eq!(decode(&envelope("apps/v1", "Deployment", b"")), unknown("Deployment in protobuf"));
        let body = field(9, b"x");
        assert_eq!(decode(&envelope("v1", "ConfigMap", &body)), unknown("field 9 of ConfigMap in protobuf"));
    }

    /// A message whose fields have no shape would be read as nothing.
    #[test]
    fn every_field_has_a_shape() {
        for (name, fields) in MESSAGES {
            for (_, field) in fields.split_whitespace().map(|entry| entry.split_once(':').unwrap()) {
                let shape = field_shape(&Shape::Struct(name), field);
                assert!(shape != Shape::Any || field == "status", "{name}.{field}");
            }
        }
    }
}
