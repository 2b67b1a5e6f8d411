//! Reads a request body in protobuf, the form in which kubectl's typed commands send what they create.
//!
//! The numbers of the fields are in the `types` table, as the Go types' tags have them. A field that is not
//! there is an error, never dropped silently.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::types::{Field, Shape, row};
use super::written::is_left_out;
use crate::object;

/// What every message of Kubernetes begins with; a `runtime.Unknown` follows.
const MAGIC: &[u8] = b"k8s\0";

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
    let mut map = Map::new();
    read(name, bytes, &mut map)?;
    Ok(Value::Object(map))
}

/// Adds the fields of a message to a map; those of an inlined one, which is a message too, are its own.
fn read(name: &str, bytes: &[u8], map: &mut Map<String, Value>) -> Result<(), Unreadable> {
    let row = row(name).ok_or_else(|| Unreadable::Unknown(format!("{name} in protobuf")))?;
    for field in Fields(bytes) {
        let (number, wire) = field?;
        if let Some((_, inlined)) = row.inlined.iter().find(|(known, _)| *known == number) {
            read(inlined, wire.bytes()?, map)?;
            continue;
        }
        let (field, known) = row
            .fields
            .iter()
            .find(|(_, field)| field.number == number)
            .ok_or_else(|| Unreadable::Unknown(format!("field {number} of {name} in protobuf")))?;
        add(map, field, known, wire)?;
    }
    Ok(())
}

/// Adds one occurrence of a field. What Go writes for an unset field (an empty text, 0, a message with
/// nothing in it) is absent in JSON too.
fn add(map: &mut Map<String, Value>, name: &str, field: &Field, wire: Wire<'_>) -> Result<(), Unreadable> {
    let slot = || name.to_owned();
    match &field.shape {
        Shape::List { of, .. } => {
            let item = value(of, wire)?;
            if let Value::Array(items) = map.entry(slot()).or_insert_with(|| json!([])) {
                items.push(item);
            }
        }
        Shape::Map { of, .. } => {
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
        shape => {
            let found = value(shape, wire)?;
            if !found.is_null() && !is_left_out(field, &found) {
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
        Shape::Time => time(wire.bytes()?, object::time_text)?,
        Shape::MicroTime => time(wire.bytes()?, |at| at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())?,
        Shape::Quantity => first(wire.bytes()?, 1)?.map_or(Ok(Value::Null), |wire| wire.text().map(Value::from))?,
        Shape::IntOrString => int_or_string(wire.bytes()?)?,
        Shape::Struct { name, .. } => message(name, wire.bytes()?)?,
        Shape::Any if wire.is_empty() => Value::Null,
        // A raw extension: JSON inside.
        Shape::Any => {
            let raw = first(wire.bytes()?, 1)?.ok_or(Unreadable::Malformed)?;
            serde_json::from_slice(raw.bytes()?).map_err(|_| Unreadable::Malformed)?
        }
        Shape::Free | Shape::Custom | Shape::Map { .. } | Shape::List { .. } => {
            return Err(Unreadable::Unknown(format!("{shape:?} in protobuf")));
        }
    })
}

/// Returns a field of a small message.
fn first(bytes: &[u8], wanted: u64) -> Result<Option<Wire<'_>>, Unreadable> {
    for field in Fields(bytes) {
        if let (number, wire) = field?
            && number == wanted
        {
            return Ok(Some(wire));
        }
    }
    Ok(None)
}

fn int_or_string(bytes: &[u8]) -> Result<Value, Unreadable> {
    let is_text = first(bytes, 1)?.map_or(Ok(0), Wire::number)? == 1;
    Ok(if is_text {
        first(bytes, 3)?.map_or(Ok(String::new()), Wire::text)?.into()
    } else {
        first(bytes, 2)?.map_or(Ok(0), Wire::number)?.into()
    })
}

fn time(bytes: &[u8], written: impl Fn(Timestamp) -> String) -> Result<Value, Unreadable> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let number = |wanted| first(bytes, wanted)?.map_or(Ok(0), Wire::number);
    let nanoseconds = i32::try_from(number(2)?).map_err(|_| Unreadable::Malformed)?;
    let at = Timestamp::new(number(1)?, nanoseconds).map_err(|_| Unreadable::Malformed)?;
    Ok(written(at).into())
}

/// A value as it is on the wire.
#[derive(Debug, Clone, Copy)]
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Wire<'a> {
    fn is_empty(self) -> bool {
        matches!(self, Self::Bytes(bytes) if bytes.is_empty())
    }

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
    fn a_review_is_read_with_its_status() {
        let attributes = [field(1, b"shop"), field(2, b"get"), field(5, b"pods")].concat();
        let body = [field(1, b""), field(2, &field(1, &attributes)), field(3, &[8, 0])].concat();
        let review = decode(&envelope("authorization.k8s.io/v1", "SelfSubjectAccessReview", &body)).unwrap();
        let wanted = json!({"resourceAttributes": {"namespace": "shop", "verb": "get", "resource": "pods"}});
        assert_eq!((&review["spec"], &review["status"]), (&wanted, &json!({"allowed": false})));
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        assert_eq!(decode(b"{}"), Err(Unreadable::Malformed));
        assert_eq!(decode(&[MAGIC, &[0x12, 0x7f]].concat()), Err(Unreadable::Malformed));
        let unknown = |what: &str| Err(Unreadable::Unknown(what.to_owned()));
        assert_eq!(decode(&envelope("x/v1", "Backup", b"")), unknown("Backup in protobuf"));
        let body = field(9, b"x");
        assert_eq!(decode(&envelope("v1", "ConfigMap", &body)), unknown("field 9 of ConfigMap in protobuf"));
    }

    #[test]
    fn zero_that_was_set_stays_and_inlined_messages_are_one_with_theirs() {
        let port = field(1, &[1 << 3, 1, 3 << 3 | 2, 4, b'h', b't', b't', b'p'][..]);
        let probe = field(1, &field(2, &[field(1, b"/x"), field(2, &port[2..])].concat()));
        let container = [
            field(1, b"main"),
            field(10, &probe),
            field(8, &field(1, &[field(1, b"cpu"), field(2, &field(1, b"100m"))].concat())),
        ];
        let template = field(2, &field(2, &container.concat()));
        let body = field(2, &[&[1 << 3, 0][..], &field(3, &template)].concat());
        let object = decode(&envelope("apps/v1", "Deployment", &body)).unwrap();
        assert_eq!(
            object["spec"],
            json!({"replicas": 0, "template": {"spec": {"containers": [{
                "name": "main", "livenessProbe": {"httpGet": {"path": "/x", "port": "http"}}, "resources": {"limits": {"cpu": "100m"}}
            }]}}})
        );
    }
}
