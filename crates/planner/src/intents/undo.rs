//! "undo", "revert that", "undo change c-7f3a": take back a change that was made through this program.
//!
//! Rolling a workload back to an earlier revision is `rollout_control`, not this.

use serde_json::Value;

use super::{Arguments, Heard, Hearing, Intent, Needs};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention, tokens::TokenKind};

pub(crate) struct Undo;

/// Verbs that need nothing after them.
const ALONE: &[&str] = &["undo", "revert", "undo again"];
/// Verbs that mean this only with one of `OBJECTS`.
const VERBS: &[&str] =
    &["undo", "revert", "reverse", "roll back", "rollback", "take back", "put back", "back out", "unwind"];
const OBJECTS: &[&str] = &[
    "it",
    "that",
    "this",
    "that change",
    "this change",
    "last change",
    "last changes",
    "latest change",
    "previous change",
    "most recent change",
    "change",
    "last one",
    "last action",
    "last step",
    "last operation",
    "last command",
    "last thing",
    "last modification",
    "that one",
    "that last change",
    "that again",
    "it again",
];
/// Verbs around their object.
const AROUND: &[&str] = &[
    "take that back",
    "take it back",
    "take this back",
    "put it back",
    "put that back",
    "change it back",
    "change that back",
    "set it back",
    "set that back",
    "take back that",
    "turn it back",
    "reverse that",
    "reverse it",
    "take last change back",
];
/// The same with "roll", which after a change means the change.
const ROLL: &[&str] =
    &["roll it back", "roll that back", "roll this back", "roll back it", "rollback it", "roll back that"];
/// What was done last, as a noun.
const DEEDS: &[(&str, &str)] = &[
    ("scaling", "scale"),
    ("scale", "scale"),
    ("scale up", "scale"),
    ("scale down", "scale"),
    ("last scaling", "scale"),
    ("restart", "rollout_control"),
    ("pause", "rollout_control"),
    ("rollback", "rollout_control"),
];

impl Intent for Undo {
    fn tool(&self) -> &'static str {
        "undo"
    }

    fn writes(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn examples(&self) -> &'static [&'static str] {
        &["undo", "undo the last change"]
    }

    fn hear(&self, segment: &mut Segment, context: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if hearing == Hearing::GoingOn {
            return None;
        }
        if let Some(id) = take_id(segment) {
            return Some(heard(Arguments::from_iter([("change_id".to_owned(), Value::String(id))])));
        }
        let changed = context.focus.can_undo
            && context.focus.last.iter().any(|call| super::of_tool(&call.tool).is_some_and(Intent::writes));
        if segment.take_head(AROUND).is_some() || (changed && segment.take_head(ROLL).is_some()) {
            return Some(heard(Arguments::new()));
        }
        let verb = segment.longest_at(segment.head()?, VERBS)?;
        let deeds: Vec<&'static str> = DEEDS
            .iter()
            .filter(|(_, tool)| context.focus.last.iter().any(|call| call.tool == *tool))
            .map(|(noun, _)| *noun)
            .collect();
        let object = segment.longest_at(verb.end, OBJECTS).or_else(|| segment.longest_at(verb.end, &deeds));
        if let Some(object) = object {
            segment.use_range(verb.start, object.end);
            return Some(heard(Arguments::new()));
        }
        (ALONE.contains(&verb.phrase) && segment.free(verb.end).is_none()).then(|| {
            segment.use_range(verb.start, verb.end);
            heard(Arguments::new())
        })
    }

    fn aim(&self, _: &Mention, _: &mut Arguments) {}

    fn lacks(&self, _: &Arguments) -> Option<Missing> {
        None
    }
}

fn heard(arguments: Arguments) -> Heard {
    Heard { arguments, ..Heard::default() }
}

/// Takes "undo change ID" or "undo ID", where an id holds a digit.
fn take_id(segment: &mut Segment) -> Option<String> {
    let verb = segment.longest_at(segment.head()?, &["undo change", "undo change id", "undo", "revert change"])?;
    let token = segment.free(verb.end)?;
    let has_digit = token.word.bytes().any(|byte| byte.is_ascii_digit());
    let plain =
        token.word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'#'));
    let named = verb.phrase.contains("change") || token.word.len() >= 4;
    if token.kind == TokenKind::Mark || !(has_digit && plain && named) || segment.free(verb.end + 1).is_some() {
        return None;
    }
    let id = token.text.trim_start_matches('#').to_owned();
    segment.use_range(verb.start, verb.end + 1);
    Some(id)
}
