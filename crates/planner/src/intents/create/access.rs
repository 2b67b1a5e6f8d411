//! "give user alice read access to pods", "allow only frontend to talk to backend": a role for somebody, and who may
//! connect to what.
//!
//! Both say everything in one breath or are not understood: access is never widened on a guess.

use serde_json::json;

use super::super::Arguments;
use crate::{
    context::Context,
    lexicon::kinds::{self, Spelling},
    segment::Segment,
    tokens::TokenKind,
};

const GIVING: &[&str] = &["give", "grant", "allow", "let"];
const SUBJECTS: &[(&str, &str)] = &[
    ("user", "user"),
    ("group", "group"),
    ("service account", "serviceaccount"),
    ("serviceaccount", "serviceaccount"),
];
const READING: &[&str] = &[
    "read access to",
    "read only access to",
    "read-only access to",
    "readonly access to",
    "read access on",
    "read access for",
    "to read",
    "read",
];
const TALKING: &[&str] = &[
    "to talk to",
    "to connect to",
    "to reach",
    "to access",
    "to call",
    "talk to",
    "connect to",
    "access to",
    "traffic to",
    "reach",
    "access",
    "call",
];

/// Takes a role for reading one kind of object.
pub(super) fn take_role(segment: &mut Segment, arguments: &mut Arguments) -> bool {
    let Some(head) = segment.head() else { return false };
    let Some(verb) = segment.longest_at(head, GIVING) else { return false };
    let found = match subject(segment, verb.end) {
        // "give user alice read access to pods"
        Some((at, subject)) => segment
            .longest_at(at, READING)
            .and_then(|reading| kinds::at(segment, reading.end, Spelling::Exact))
            .map(|kind| (kind.end, subject, kind)),
        // "give read access to pods to user alice"
        None => segment
            .longest_at(verb.end, READING)
            .and_then(|reading| kinds::at(segment, reading.end, Spelling::Exact))
            .and_then(|kind| {
                let to = segment.longest_at(segment.next_unused(kind.end), &["to", "for"])?;
                let (end, subject) = subject(segment, to.end)?;
                Some((end, subject, kind))
            }),
    };
    let Some((end, subject, kind)) = found else { return false };
    segment.use_range(verb.start, end);
    arguments.insert("kind".to_owned(), "role".into());
    arguments.insert("subject".to_owned(), subject.into());
    arguments.insert("resources".to_owned(), json!([kind.kind.plural]));
    true
}

/// Returns the end of "user alice", and the subject as the tool reads it.
fn subject(segment: &Segment, at: usize) -> Option<(usize, String)> {
    let (at, kind) = SUBJECTS.iter().find_map(|(phrase, kind)| Some((segment.match_at(at, phrase)?, *kind)))?;
    let name = segment.free(at).filter(|token| token.kind != TokenKind::Mark)?.text.clone();
    Some((at + 1, format!("{kind}:{name}")))
}

/// Takes who alone may connect to a workload. `sentence` makes one word of "allow only".
pub(super) fn take_policy(segment: &mut Segment, context: &Context<'_>, arguments: &mut Arguments) -> bool {
    let Some(head) = segment.head() else { return false };
    let Some(end) = segment.match_at(head, "allow-only") else { return false };
    let talking = segment.longest_at(end + 1, TALKING);
    let (true, Some(talking)) = (context.is_name_at(segment, end), talking) else { return false };
    if !context.is_name_at(segment, talking.end) {
        return false;
    }
    let word = |at: usize| segment.tokens()[at].text.clone();
    let (from, to) = (word(end), word(talking.end));
    segment.use_range(head, talking.end + 1);
    arguments.insert("kind".to_owned(), "network_policy".into());
    arguments.insert("target".to_owned(), to.into());
    arguments.insert("from".to_owned(), json!([from]));
    super::parts::take_port(segment, arguments);
    true
}
