//! Where a replay differs from its record, as a person reads it.

use serde_json::Value;
use todo_agent_core::text::{self, Lines};

/// The most bytes of a value that are shown.
const SHOWN: usize = 400;

/// The first thing that is not as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The line of the file, from 1.
    pub line: usize,
    /// The turn it belongs to: its number, from 1, and what the person wanted.
    pub turn: Option<(usize, String)>,
    /// What was recorded; nothing where the record holds no more of the turn.
    pub recorded: Option<Value>,
    /// What this program does instead; nothing where it does no more.
    pub now: Option<Value>,
}

impl Difference {
    /// Returns it on several lines: where, what was, what is.
    pub fn describe(&self) -> String {
        let place = match &self.turn {
            Some((number, wanted)) => format!("line {}, turn {number} ({wanted})", self.line),
            None => format!("line {}", self.line),
        };
        if let (Some(recorded), Some(now)) = (&self.recorded, &self.now)
            && name(recorded) == name(now)
        {
            let (path, was, is) = first_difference(recorded, now);
            return format!("{place}: {} {path}\nrecorded  {}\nnow       {}", name(recorded), shown(&was), shown(&is));
        }
        format!("{place}\nrecorded  {}\nnow       {}", whole(self.recorded.as_ref()), whole(self.now.as_ref()))
    }
}

fn whole(event: Option<&Value>) -> String {
    let Some(event) = event else { return "nothing more".to_owned() };
    let mut fields = event.clone();
    if let Some(fields) = fields.as_object_mut() {
        fields.retain(|key, _| key != "event" && key != "fact");
    }
    format!("{} {}", name(event), shown(&fields))
}

/// Returns what kind of event it is.
fn name(event: &Value) -> String {
    let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
    match word("event").as_str() {
        "fact" => word("fact"),
        other => other.to_owned(),
    }
}

/// Returns the path of the first field that differs, and its two values.
fn first_difference(left: &Value, right: &Value) -> (String, Value, Value) {
    let inner = match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let keys = left.keys().chain(right.keys().filter(|key| !left.contains_key(*key)));
            let mut fields = keys.map(|key| (key.clone(), left.get(key).cloned(), right.get(key).cloned()));
            fields.find(|(_, left, right)| left != right)
        }
        (Value::Array(left), Value::Array(right)) => {
            let places = 0..left.len().max(right.len());
            let mut items = places.map(|at| (at.to_string(), left.get(at).cloned(), right.get(at).cloned()));
            items.find(|(_, left, right)| left != right)
        }
        (Value::String(left), Value::String(right)) if left.contains('\n') || right.contains('\n') => {
            let line = |text: &str, at: usize| text.lines().nth(at).map(Value::from);
            let places = 0..left.lines().count().max(right.lines().count());
            let mut lines = places.map(|at| (format!("line {}", at + 1), line(left, at), line(right, at)));
            lines.find(|(_, left, right)| left != right)
        }
        _ => None,
    };
    let Some((key, left, right)) = inner else { return (String::new(), left.clone(), right.clone()) };
    let (path, left, right) = first_difference(&left.unwrap_or_default(), &right.unwrap_or_default());
    (if path.is_empty() { key } else { format!("{key}.{path}") }, left, right)
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text::visible(&text::middle_out(&text, SHOWN), Lines::Escape)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn difference(recorded: Option<Value>, now: Option<Value>) -> String {
        Difference { line: 7, turn: Some((2, "scale backend to 3".into())), recorded, now }.describe()
    }

    #[test]
    fn the_field_that_differs_is_named() {
        let was = json!({"event": "decision", "verdict": "approved", "by": "--yes"});
        let is = json!({"event": "decision", "verdict": "needs_approval", "by": "policy"});
        assert_eq!(
            difference(Some(was.clone()), Some(is)),
            "line 7, turn 2 (scale backend to 3): decision by\nrecorded  --yes\nnow       policy"
        );
        let other = json!({"event": "fact", "fact": "asked", "steps": [{"n": 1}]});
        let more = json!({"event": "fact", "fact": "asked", "steps": [{"n": 1}, {"n": 2}]});
        assert_eq!(
            difference(Some(other), Some(more)),
            "line 7, turn 2 (scale backend to 3): asked steps.1\nrecorded  null\nnow       {\"n\":2}"
        );
        assert_eq!(
            difference(Some(was), None),
            "line 7, turn 2 (scale backend to 3)\nrecorded  decision \
             {\"by\":\"--yes\",\"verdict\":\"approved\"}\nnow       nothing more"
        );
    }
}
