//! "can alice list pods in todo?", "explain deployment.spec.strategy": what somebody may do, and what a field means.
//!
//! Only questions that name everything are understood: who can do something has no tool, and a field needs its kind.

use super::{Arguments, Heard, Hearing, Intent, Needs};
use crate::{
    context::Context,
    lexicon::{
        common::is_common,
        kinds::{self, KindWord, Spelling},
    },
    planned::Missing,
    segment::Segment,
    target::Mention,
    tokens::{Token, TokenKind},
};

pub(crate) struct Explain;

/// What may stand before "alice can list pods".
const CHECKING: &[&str] =
    &["check if", "check whether", "see if", "see whether", "tell me if", "tell me whether", "find out if", "test if"];
const CAN: &[&str] = &["can", "may"];
const BEING: &[&str] = &["am", "is", "are"];
const BEING_ALLOWED: &[&str] =
    &["allowed to", "permitted to", "authorized to", "authorised to", "able to", "entitled to"];
const HAVING: &[&str] = &["do", "does", "has", "have"];
const HAVING_RIGHTS: &[&str] = &[
    "have permission to",
    "have permissions to",
    "have right to",
    "have rights to",
    "permission to",
    "permissions to",
    "right to",
    "rights to",
];
const CAN_I: &[&str] = &["auth can-i", "can-i"];
const SUBJECTS: &[(&str, &str)] = &[
    ("user", "user"),
    ("group", "group"),
    ("service account", "serviceaccount"),
    ("serviceaccount", "serviceaccount"),
];
/// What people say, and the verb of the API with the part of an object that it is about.
const VERBS: &[(&str, &str, Option<&str>)] = &[
    ("get", "get", None),
    ("read", "get", None),
    ("list", "list", None),
    ("see", "list", None),
    ("view", "list", None),
    ("watch", "watch", None),
    ("create", "create", None),
    ("make", "create", None),
    ("update", "update", None),
    ("edit", "update", None),
    ("change", "update", None),
    ("modify", "update", None),
    ("patch", "patch", None),
    ("delete", "delete", None),
    ("remove", "delete", None),
    ("read logs of", "get", Some("log")),
    ("see logs of", "get", Some("log")),
    ("get logs of", "get", Some("log")),
    ("exec into", "create", Some("exec")),
    ("exec in", "create", Some("exec")),
];

const DOCUMENTING: &[&str] = &[
    "explain",
    "explain field",
    "explain me",
    "explain me field",
    "meaning of",
    "documentation of",
    "documentation for",
    "docs of",
    "docs for",
    "show documentation of",
    "show me documentation of",
    "show docs for",
    "show me docs for",
    "what means",
    "what is meaning of",
    "what's meaning of",
];
const WHAT_IS: &[&str] = &["what is", "what's", "what is field"];
const OF: &[&str] = &["of", "in", "for", "on"];
/// Where a field begins that is not asked for by "explain".
const TOP: &[&str] = &["spec", "status", "metadata", "data"];

impl Intent for Explain {
    fn tool(&self) -> &'static str {
        "explain"
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn examples(&self) -> &'static [&'static str] {
        &["can alice list pods in todo?", "explain deployment.spec.strategy"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let mut arguments = Arguments::new();
        let understood = match hearing {
            // "can alice list pods and services?"
            Hearing::GoingOn => {
                let kind = kinds::at(segment, segment.head()?, Spelling::Exact)?;
                segment.use_range(segment.head()?, kind.end);
                arguments.insert("kind".to_owned(), kind.kind.plural.into());
                true
            }
            Hearing::Fresh => {
                take_permission(segment, &mut arguments).is_some() || take_field(segment, &mut arguments).is_some()
            }
        };
        understood.then(|| Heard { arguments, asked: true, ..Heard::default() })
    }

    fn aim(&self, _: &Mention, _: &mut Arguments) {}

    fn lacks(&self, _: &Arguments) -> Option<Missing> {
        None
    }
}

/// Takes "can alice list pods", "am I allowed to delete the pod redis-0", `auth can-i list pods --as alice`.
fn take_permission(segment: &mut Segment, arguments: &mut Arguments) -> Option<()> {
    let head = segment.head()?;
    let as_other = segment.clone();
    let (end, subject) = if let Some(asked) = segment.longest_at(head, CAN_I) {
        let other =
            segment.take_flag(&["--as"]).or_else(|| Some(format!("group:{}", segment.take_flag(&["--as-group"])?)));
        (asked.end, other)
    } else {
        asked(segment, head)?
    };
    let verb = VERBS.iter().filter_map(|verb| Some((segment.match_at(end, verb.0)?, verb.1, verb.2))).max();
    let found = verb.and_then(|(at, verb, part)| Some((verb, part, kinds::at(segment, at, Spelling::Exact)?)));
    let Some((verb, part, kind)) = found else {
        *segment = as_other;
        return None;
    };
    let name = segment.free(kind.end).filter(|token| !kind.plural && is_name(token)).map(|token| token.text.clone());
    segment.use_range(head, kind.end + usize::from(name.is_some()));
    arguments.insert("kind".to_owned(), kind.kind.plural.into());
    arguments.insert("verb".to_owned(), verb.into());
    for (argument, value) in [("subject", subject), ("name", name), ("subresource", part.map(str::to_owned))] {
        if let Some(value) = value {
            arguments.insert(argument.to_owned(), value.into());
        }
    }
    Some(())
}

/// Returns where the verb begins that is asked about, and who would do it; nobody is the person.
fn asked(segment: &Segment, head: usize) -> Option<(usize, Option<String>)> {
    if let Some(checking) = segment.longest_at(head, CHECKING) {
        let (end, subject) = subject(segment, checking.end)?;
        return Some((segment.longest_at(end, CAN)?.end, subject));
    }
    if let Some(can) = segment.longest_at(head, CAN) {
        return subject(segment, can.end);
    }
    let ways = [(BEING, BEING_ALLOWED), (HAVING, HAVING_RIGHTS)];
    ways.into_iter().find_map(|(begin, rest)| {
        let (end, subject) = subject(segment, segment.longest_at(head, begin)?.end)?;
        Some((segment.longest_at(end, rest)?.end, subject))
    })
}

fn subject(segment: &Segment, at: usize) -> Option<(usize, Option<String>)> {
    if matches!(segment.word(at)?, "i" | "we") {
        return Some((at + 1, None));
    }
    let marked = SUBJECTS.iter().find_map(|(phrase, kind)| Some((segment.match_at(at, phrase)?, *kind)));
    let (at, kind) = marked.map_or((at, None), |(end, kind)| (end, Some(kind)));
    let name = segment.free(at).filter(|token| is_name(token))?.text.clone();
    Some((at + 1, Some(kind.map_or_else(|| name.clone(), |kind| format!("{kind}:{name}")))))
}

/// Returns whether somebody or something can be called so; people are also called by an address.
fn is_name(token: &Token) -> bool {
    let allowed = |character: char| character.is_alphanumeric() || "-._@:/".contains(character);
    let everyday = token.kind == TokenKind::Word && (is_common(&token.word) || kinds::is_alias(&token.word));
    token.kind != TokenKind::Mark && !everyday && token.text.chars().all(allowed)
}

/// Takes "explain deployment.spec.strategy" and "what does spec.template mean for a statefulset".
fn take_field(segment: &mut Segment, arguments: &mut Arguments) -> Option<()> {
    let head = segment.head()?;
    let (at, firm, mean) = if let Some(documenting) = segment.longest_at(head, DOCUMENTING) {
        (documenting.end, true, None)
    } else if let Some(what) = segment.longest_at(head, WHAT_IS) {
        (what.end, false, None)
    } else {
        let does = segment.longest_at(head, &["what does"])?;
        (does.end, false, Some(segment.longest_at(does.end + 1, &["mean", "do"])?.end))
    };
    let token = segment.free(at).filter(|token| token.kind == TokenKind::Word)?;
    let end = mean.unwrap_or(at + 1);
    let is_top = |path: &str| TOP.contains(&path.split('.').next().unwrap_or_default());
    if is_top(&token.text) {
        // "spec.template … for a statefulset"
        let field = token.text.clone();
        let kind = kinds::at(segment, segment.longest_at(end, OF)?.end, Spelling::Exact)?;
        segment.use_range(head, kind.end);
        arguments.insert("kind".to_owned(), typed(&kind).into());
        arguments.insert("field".to_owned(), field.into());
        return Some(());
    }
    if let Some((kind, path)) = token.text.split_once('.').map(|(kind, path)| (kind.to_owned(), path.to_owned())) {
        // The cluster knows more kinds than are known here.
        if !(is_top(&path) || (firm && kinds::is_alias(&kind))) {
            return None;
        }
        segment.use_range(head, end);
        arguments.insert("kind".to_owned(), kind.into());
        arguments.insert("field".to_owned(), path.into());
        return Some(());
    }
    let kind = kinds::at(segment, at, Spelling::Exact).filter(|_| firm && segment.word(head) == Some("explain"))?;
    let field = segment.word(kind.end).is_some_and(is_top);
    let field = field.then(|| segment.tokens()[kind.end].text.clone());
    segment.use_range(head, kind.end + usize::from(field.is_some()));
    arguments.insert("kind".to_owned(), typed(&kind).into());
    arguments.extend(field.map(|field| ("field".to_owned(), field.into())));
    Some(())
}

fn typed(kind: &KindWord) -> &'static str {
    if kind.plural { kind.kind.plural } else { kind.alias }
}
