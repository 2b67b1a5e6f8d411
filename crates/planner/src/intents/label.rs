//! "label the deployment backend with tier=api", "annotate …", "remove the label tier from …".
//!
//! They are calls of the tool `patch`, of which people in plain words only mean this.

use serde_json::{Value, json};

use super::{Arguments, Heard, Hearing, Intent, values::pair};
use crate::{context::Context, planned::Missing, segment::Segment, target::Mention, tokens::TokenKind};

pub(crate) struct Label;

const SETTING: &[(&str, &str)] = &[
    ("label", "labels"),
    ("add label", "labels"),
    ("set label", "labels"),
    ("put label", "labels"),
    ("annotate", "annotations"),
    ("add annotation", "annotations"),
    ("set annotation", "annotations"),
];
const REMOVING: &[(&str, &str)] = &[
    ("remove label", "labels"),
    ("delete label", "labels"),
    ("remove annotation", "annotations"),
    ("delete annotation", "annotations"),
];

impl Intent for Label {
    fn tool(&self) -> &'static str {
        "patch"
    }

    fn writes(&self) -> bool {
        true
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &["to", "of", "on", "from", "for"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["label the deployment backend with tier=api"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if hearing == Hearing::GoingOn {
            return None;
        }
        let first = segment.head()?;
        let find = |table: &'static [(&'static str, &'static str)]| {
            table.iter().filter_map(|(verb, field)| Some((segment.match_at(first, verb)?, *field))).max()
        };
        let mut heard = Heard::default();
        if let Some((end, field)) = find(REMOVING) {
            let name = segment.free(end).filter(|token| token.kind == TokenKind::Word)?.text.clone();
            segment.use_range(first, end + 1);
            heard.arguments.insert(field.to_owned(), json!({name: Value::Null}));
            return Some(heard);
        }
        let (end, field) = find(SETTING)?;
        // kubectl's way to remove one: `label node worker-1 disk-`
        if let Some((at, name)) = taken_away(segment, end) {
            segment.use_range(first, end);
            segment.use_range(at, at + 1);
            heard.arguments.insert(field.to_owned(), json!({name: Value::Null}));
            return Some(heard);
        }
        let at = (end..segment.len()).find(|&at| segment.free(at).is_some_and(|token| pair(token).is_some()))?;
        let with = at.checked_sub(1).filter(|&at| segment.word(at).is_some_and(|word| matches!(word, "with" | "as")));
        let (name, value) = segment.free(at).and_then(pair).map(|(name, value)| (name.to_owned(), value.to_owned()))?;
        segment.use_range(first, end);
        segment.use_range(with.unwrap_or(at), at + 1);
        heard.arguments.insert(field.to_owned(), json!({name: value}));
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        if target.plural {
            return;
        }
        let (kind, name) = target.parts();
        // The answer to "which volume claim?" names no kind.
        if kind.is_none() && arguments.contains_key("kind") {
            arguments.insert("name".to_owned(), name.into());
        }
        if let Some(kind) = kind {
            arguments.insert("kind".to_owned(), kind.into());
            arguments.insert("name".to_owned(), name.into());
        }
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        (!(arguments.contains_key("kind") && arguments.contains_key("name"))).then_some(Missing::Target)
    }

    fn question(&self, _: Missing, arguments: &Arguments) -> String {
        if arguments.get("kind").is_some_and(|kind| kind == "pvc") {
            return "Which volume claim is meant?".to_owned();
        }
        "Which object is meant? Name its kind and its name, for example deployment backend.".to_owned()
    }
}

fn taken_away(segment: &Segment, from: usize) -> Option<(usize, String)> {
    (from..segment.len()).find_map(|at| {
        let token = segment.free(at).filter(|token| token.kind == TokenKind::Word)?;
        let name = token.text.strip_suffix('-').filter(|name| !name.is_empty())?;
        Some((at, name.to_owned()))
    })
}
