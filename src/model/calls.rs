//! Tool calls put together from their pieces.
//!
//! The published form has an index in every piece and the id and name in the first. Servers leave each of them out, give
//! every call the same index, send calls whole, or the arguments as an object; where pieces belong is decided here, once.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Delta, Failure, ReplyCall, Trouble, extra::Extra};

/// The most calls of one answer.
pub(crate) const MOST_CALLS: usize = 64;
/// The most bytes of the arguments of one call.
pub(crate) const MOST_ARGUMENT_BYTES: usize = 256 * 1024;
/// The most bytes of a call's name or id; what is longer is cut, since neither can be right.
const MOST_NAME_BYTES: usize = 256;

/// The calls of one answer so far.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    begun: Vec<Begun>,
}

#[derive(Debug, Default)]
struct Begun {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    braces: Braces,
    extra: Extra,
    announced: bool,
}

impl Calls {
    /// Takes one entry of `tool_calls`.
    ///
    /// # Errors
    /// Returns that a bound was passed.
    pub(crate) fn piece(&mut self, piece: &Value, give: &mut impl FnMut(Delta)) -> Result<(), Failure> {
        let Some(fields) = piece.as_object() else { return Ok(()) };
        let function = fields.get("function").and_then(Value::as_object);
        let field = |name: &str| function.and_then(|function| function.get(name)).or_else(|| fields.get(name));
        let word = |value: Option<&Value>| value.and_then(Value::as_str).map(str::trim).unwrap_or_default().to_owned();
        let (mut id, name) = (word(fields.get("id")), word(field("name")));
        // Mistral's first versions wrote it so.
        if id == "null" {
            id.clear();
        }
        let arguments = text_of(field("arguments"));
        let index = fields.get("index").and_then(Value::as_u64);
        let at = match self.place(index, &id, &name, &arguments) {
            Some(at) => at,
            None => self.begin(index, give)?,
        };
        let call = &mut self.begun[at];
        if call.id.is_empty() {
            append_cut(&mut call.id, &id);
        }
        // Some servers repeat the name with every piece, others cut it in pieces.
        if call.name != name && call.arguments.is_empty() {
            append_cut(&mut call.name, &name);
        }
        if call.arguments.len() + arguments.len() > MOST_ARGUMENT_BYTES {
            return Err(Failure::lasting(
                Trouble::Nonsense,
                format!(
                    "the model wrote arguments of more than {} KiB for {}",
                    MOST_ARGUMENT_BYTES / 1024,
                    call.named()
                ),
            )
            .hint("ask for less at once, or try another model"));
        }
        call.braces.read(&arguments);
        call.arguments.push_str(&arguments);
        call.extra.keep(fields, &["index", "id", "type", "function", "name", "arguments"])?;
        let unknown: Map<String, Value> = function.into_iter().flatten().filter(is_unknown).map(owned).collect();
        call.extra.keep(&Map::from_iter([("function".to_owned(), Value::Object(unknown))]), &[])?;
        if !call.arguments.is_empty() {
            call.announce(give);
        }
        Ok(())
    }

    /// Returns the call that a piece goes on with; `None` where it begins one.
    fn place(&self, index: Option<u64>, id: &str, name: &str, arguments: &str) -> Option<usize> {
        let at = match index {
            Some(_) => self.begun.iter().rposition(|call| call.index == index),
            None if !id.is_empty() => self.begun.iter().rposition(|call| call.id == id),
            None if name.is_empty() => self.begun.len().checked_sub(1),
            None => None,
        }?;
        let call = &self.begun[at];
        let other_id = !id.is_empty() && !call.id.is_empty() && call.id != id;
        let is_another = !name.is_empty()
            && (other_id
                || (call.braces.are_closed() && !arguments.is_empty())
                || (!call.arguments.is_empty() && call.name != name));
        (!is_another).then_some(at)
    }

    fn begin(&mut self, index: Option<u64>, give: &mut impl FnMut(Delta)) -> Result<usize, Failure> {
        if let Some(last) = self.begun.last_mut() {
            last.announce(give);
        }
        if self.begun.len() == MOST_CALLS {
            let message = format!("the model wrote more than {MOST_CALLS} calls in one message");
            return Err(Failure::lasting(Trouble::Nonsense, message));
        }
        self.begun.push(Begun { index, ..Begun::default() });
        Ok(self.begun.len() - 1)
    }

    /// Returns the whole calls, each with an id of its own.
    pub(crate) fn finish(self, give: &mut impl FnMut(Delta)) -> Vec<ReplyCall> {
        let mut ids: HashSet<String> = HashSet::new();
        let mut calls = Vec::with_capacity(self.begun.len());
        for (number, mut call) in self.begun.into_iter().enumerate() {
            call.announce(give);
            let mut id = call.id;
            let mut attempt = number + 1;
            while id.is_empty() || !ids.insert(id.clone()) {
                id = format!("call_{attempt}");
                attempt += 1;
            }
            ids.insert(id.clone());
            calls.push(ReplyCall {
                id,
                name: call.name,
                arguments: unwrapped(call.arguments),
                extra: call.extra.into_fields(),
            });
        }
        calls
    }
}

impl Begun {
    fn announce(&mut self, give: &mut impl FnMut(Delta)) {
        if !self.announced {
            self.announced = true;
            give(Delta::Calling(self.name.clone()));
        }
    }

    fn named(&self) -> &str {
        if self.name.is_empty() { "a call without a name" } else { &self.name }
    }
}

/// Follows the braces of a JSON object, to know whether it is whole.
#[derive(Debug, Default)]
struct Braces {
    depth: u32,
    opened: bool,
    quoted: bool,
    escaped: bool,
}

impl Braces {
    fn read(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if std::mem::take(&mut self.escaped) => {}
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                b'{' if !self.quoted => {
                    self.depth += 1;
                    self.opened = true;
                }
                b'}' if !self.quoted => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    fn are_closed(&self) -> bool {
        self.opened && self.depth == 0 && !self.quoted
    }
}

fn is_unknown((key, value): &(&String, &Value)) -> bool {
    !matches!(key.as_str(), "name" | "arguments") && !value.is_null()
}

fn owned((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

fn append_cut(text: &mut String, more: &str) {
    let room = MOST_NAME_BYTES.saturating_sub(text.len());
    text.push_str(&more[..more.floor_char_boundary(room)]);
}

fn text_of(arguments: Option<&Value>) -> String {
    match arguments {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Takes arguments out of a string inside the string, and away from an empty object that some proxies begin with.
fn unwrapped(arguments: String) -> String {
    if let Some(rest) = arguments.strip_prefix("{}")
        && serde_json::from_str::<Map<String, Value>>(rest).is_ok()
    {
        return rest.to_owned();
    }
    match serde_json::from_str::<String>(&arguments) {
        Ok(inner) if serde_json::from_str::<Map<String, Value>>(&inner).is_ok() => inner,
        _ => arguments,
    }
}
