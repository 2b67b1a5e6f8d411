//! Calls in a text, read with patience: with and without a fence, several blocks, other names for the keys, prose around
//! them, a second object glued on. And the curtain that keeps blocks from the person while they are written.

use serde_json::{Deserializer, Map, Value};

/// Fences that may hold calls; in others, such as `yaml`, a person is shown something.
const FENCES: &[&str] = &["", "json", "jsonc", "json5", "tool", "tools", "tool_call", "tool_calls", "tool_code"];
/// Marks that some models are trained to write.
const OPEN_MARK: &str = "<tool_call>";
const CLOSE_MARK: &str = "</tool_call>";
/// How many places are tried where a call may begin without a fence.
const MOST_PLACES: usize = 32;

/// A text taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written<'t> {
    /// The words before the first call; what stands after it was written without its result.
    pub(super) text: &'t str,
    /// The calls, name and arguments as JSON text, or what was written in their place.
    pub(super) calls: Vec<(String, String)>,
}

/// Takes the calls out of a text.
pub(super) fn split(text: &str) -> Written<'_> {
    let mut first = None;
    let mut calls = Vec::new();
    for (start, body) in fenced(text).into_iter().chain(marked(text)) {
        let found = calls_in(body);
        if !found.is_empty() {
            first = Some(first.map_or(start, |first: usize| first.min(start)));
            calls.extend(found);
        }
    }
    if calls.is_empty() {
        let bare = line_starts(text).filter(|(_, line)| line.starts_with(['{', '['])).take(MOST_PLACES);
        for (start, _) in bare {
            // Without a fence only what is whole counts: anything else may be an example.
            calls = whole_calls(&text[start..]);
            if !calls.is_empty() {
                first = Some(start);
                break;
            }
        }
    }
    Written { text: first.map_or(text, |first| text[..first].trim_end()), calls }
}

/// Returns where each line begins.
fn line_starts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |offset, line| {
        let start = *offset;
        *offset += line.len();
        Some((start, line))
    })
}

/// Returns the bodies of fenced blocks that may hold calls, each with where its fence begins.
fn fenced(text: &str) -> Vec<(usize, &str)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, usize, bool)> = None;
    for (start, line) in line_starts(text) {
        match open {
            None => {
                let Some(info) = line.trim_start().strip_prefix("```") else { continue };
                let word: String = info
                    .chars()
                    .take_while(|character| character.is_ascii_alphanumeric() || *character == '_')
                    .collect();
                let may_hold = FENCES.contains(&word.to_ascii_lowercase().as_str());
                let body = start + (line.len() - info.len()) + word.len();
                // Fence, block and fence on one line.
                if may_hold && info[word.len()..].trim_end().ends_with("```") {
                    let end = start + line.trim_end().len() - 3;
                    blocks.push((start, &text[body..end.max(body)]));
                } else {
                    open = Some((start, body, may_hold));
                }
            }
            Some((fence, body, may_hold)) => {
                let Some(at) = line.find("```") else { continue };
                let closes = line.trim_start().starts_with("```") || line.trim_end().ends_with("```");
                if !closes {
                    continue;
                }
                if may_hold {
                    blocks.push((fence, &text[body..start + at]));
                }
                open = None;
            }
        }
    }
    // An answer that was cut has no closing fence.
    if let Some((fence, body, true)) = open {
        blocks.push((fence, &text[body..]));
    }
    blocks
}

fn marked(text: &str) -> Vec<(usize, &str)> {
    let mut blocks = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(OPEN_MARK) {
        let (start, body) = (from + at, from + at + OPEN_MARK.len());
        let end = text[body..].find(CLOSE_MARK).map_or(text.len(), |end| body + end);
        blocks.push((start, &text[body..end]));
        from = end;
    }
    blocks
}

/// Returns the calls of a block, whole or broken.
fn calls_in(body: &str) -> Vec<(String, String)> {
    let calls = whole_calls(body);
    if !calls.is_empty() {
        return calls;
    }
    match named(body) {
        Some(name) if serde_json::from_str::<Value>(body.trim()).is_err() => {
            vec![(name.to_owned(), body.trim().to_owned())]
        }
        _ => Vec::new(),
    }
}

/// Returns the calls at the beginning of a text, one object or list after the other.
fn whole_calls(text: &str) -> Vec<(String, String)> {
    let values = Deserializer::from_str(text).into_iter::<Value>();
    values.map_while(Result::ok).flat_map(|value| calls_of(&value)).collect()
}

fn calls_of(value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Array(items) => items.iter().flat_map(calls_of).collect(),
        Value::Object(fields) => match (fields.get("tool_calls"), call_of(fields)) {
            (_, Some(call)) => vec![call],
            (Some(calls @ Value::Array(_)), None) => calls_of(calls),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn call_of(fields: &Map<String, Value>) -> Option<(String, String)> {
    // The published form of a call, written as text.
    if let Some(Value::Object(function)) = fields.get("function") {
        return call_of(function);
    }
    let arguments =
        ["args", "arguments", "parameters", "input", "action_input"].iter().find_map(|key| fields.get(*key));
    let word = |key: &str| fields.get(key).and_then(Value::as_str);
    let name = match (word("tool").or_else(|| word("action")), arguments) {
        (Some(name), _) => name,
        // An object with a name alone is an object of the cluster.
        (None, Some(_)) => word("name").or_else(|| word("function"))?,
        (None, None) => return None,
    };
    let arguments = match arguments {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) => "{}".to_owned(),
        Some(other) => other.to_string(),
        None => {
            let rest = fields.iter().filter(|(key, _)| !matches!(key.as_str(), "tool" | "action" | "id" | "type"));
            Value::Object(rest.map(|(key, value)| (key.clone(), value.clone())).collect()).to_string()
        }
    };
    Some((name.to_owned(), arguments))
}

/// Returns the name of the tool that broken JSON wants to call.
fn named(body: &str) -> Option<&str> {
    let rest = ["\"tool\"", "'tool'"].iter().find_map(|key| body.split_once(key))?.1.trim_start();
    let rest = rest.strip_prefix([':', '='])?.trim_start().strip_prefix(['"', '\''])?;
    rest.split(['"', '\'', '\n']).next()
}

/// Shows a text as it is written, up to where a block may begin.
#[derive(Debug, Default)]
pub(super) struct Curtain {
    shown: String,
    /// What cannot be told yet, or everything once a block may have begun.
    held: String,
    place: Place,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    LineStart,
    InLine,
    /// In a fence that holds no calls.
    InFence,
    InFenceLine,
    /// Behind the curtain.
    InBlock,
}

impl Curtain {
    /// Takes more of the text and returns what can be shown.
    pub(super) fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        let mut free = 0;
        while self.place != Place::InBlock && free < self.held.len() {
            let rest = &self.held[free..];
            let end = rest.find('\n');
            let line = &rest[..end.unwrap_or(rest.len())];
            let Some(next) = self.place.after(line, end.is_some()) else { break };
            self.place = next;
            if next != Place::InBlock {
                free += end.map_or(line.len(), |end| end + 1);
            }
        }
        let shown: String = self.held.drain(..free).collect();
        self.shown.push_str(&shown);
        shown
    }

    /// Takes the whole text without its calls and returns what was not shown of it.
    pub(super) fn rest_of(&mut self, text: &str) -> String {
        // The space before a block may have been shown already.
        let rest = text.strip_prefix(self.shown.as_str()).unwrap_or_default().to_owned();
        self.shown.push_str(&rest);
        rest
    }

    /// Returns everything that was shown.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }
}

impl Place {
    /// Returns where a text is after a line, or the part of one that has come; `None` where that cannot be told yet.
    fn after(self, line: &str, is_whole: bool) -> Option<Self> {
        let starts_line = matches!(self, Self::LineStart | Self::InFence);
        let start = line.trim_start();
        if starts_line && !is_whole && "```".starts_with(start) {
            return None;
        }
        let fence = start.strip_prefix("```").filter(|_| starts_line);
        let in_fence = match (self, fence) {
            (Self::InFence, Some(_)) => false,
            (Self::InFence | Self::InFenceLine, _) => true,
            (_, Some(info)) => {
                let mut words = info.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
                let word = words.next().unwrap_or_default().to_ascii_lowercase();
                // The word after the fence may go on.
                if !is_whole && words.next().is_none() && FENCES.iter().any(|known| known.starts_with(&word)) {
                    return None;
                }
                if FENCES.contains(&word.as_str()) {
                    return Some(Self::InBlock);
                }
                true
            }
            (_, None) => {
                if (starts_line && line.starts_with(['{', '['])) || line.contains(OPEN_MARK) {
                    return Some(Self::InBlock);
                }
                let may_become = (1..OPEN_MARK.len()).any(|length| line.ends_with(&OPEN_MARK[..length]));
                if may_become && !is_whole {
                    return None;
                }
                false
            }
        };
        Some(match (in_fence, is_whole) {
            (true, true) => Self::InFence,
            (true, false) => Self::InFenceLine,
            (false, true) => Self::LineStart,
            (false, false) => Self::InLine,
        })
    }
}
