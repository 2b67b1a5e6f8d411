//! What a request is about: a name, a kind and a name, or something spoken of before.
//!
//! The person's word is passed on unchanged; finding the object is the tools' work. Two names side by side are
//! never guessed into one.

use crate::{
    context::Context,
    lexicon::{
        PLURAL_PRONOUNS, PRONOUNS, WORKLOAD_NOUNS,
        kinds::{self, Spelling},
    },
    segment::Segment,
    tokens::TokenKind,
};

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A name, perhaps with its kind.
    Named(Mention),
    /// "it", "that one", "the deployment".
    It,
    /// "them", "both".
    Them,
}

/// A name as it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// The kind's alias in the singular, as the person wrote it (`deploy`) where kubectl knows it.
    pub(crate) kind: Option<&'static str>,
    /// Whether the kind stood before the name ("pod redis-0"), not after it ("the backend pod").
    pub(crate) kind_first: bool,
    /// Whether the kind stood in the plural ("the backend pods").
    pub(crate) plural: bool,
    /// The person's word, which may be `kind/name`.
    pub(crate) word: String,
}

impl Mention {
    /// Returns the mention of a word that already holds its kind, if any.
    pub(crate) fn of_word(word: &str) -> Self {
        Self { kind: None, kind_first: false, plural: false, word: word.to_owned() }
    }

    /// Returns the word that means a workload or pod to the tools: `backend`, `deployment/backend`, `pod/redis-0`.
    ///
    /// "The backend pods" and "the backend service" are how people speak of the workload `backend`; the kind
    /// counts only where it names a workload or stands before the name.
    pub(crate) fn workload(&self) -> String {
        match self.kind {
            Some("pod" | "po") if !self.kind_first => self.word.clone(),
            Some("service" | "svc") | None => self.word.clone(),
            Some(kind) => format!("{kind}/{}", self.word),
        }
    }

    /// Returns kind and name apart, also for a word such as `deployment/backend`.
    pub(crate) fn parts(&self) -> (Option<&str>, &str) {
        match (self.kind, self.word.split_once('/')) {
            (None, Some((kind, name))) if kinds::is_alias(kind) && !name.is_empty() => (Some(kind), name),
            (kind, _) => (kind, &self.word),
        }
    }
}

/// Words that may stand before a target.
pub(crate) const BEFORE: &[&str] = &[
    "of",
    "for",
    "on",
    "from",
    "to",
    "in",
    "about",
    "with",
    "at",
    "by",
    "inside",
    "related to",
    "regarding",
    "concerning",
    "belonging to",
    "that belong to",
    "against",
];
/// Words between a kind and a name.
const CALLED: &[&str] = &["called", "named", "with name", "by name of"];

/// Takes the target of a segment: the first that is found, with the words that belong to it. `before` are the
/// prepositions that may stand before it.
pub(crate) fn take(segment: &mut Segment, context: &Context<'_>, before: &[&'static str]) -> Option<Target> {
    for index in 0..segment.len() {
        if segment.free(index).is_none() {
            continue;
        }
        if let Some((start, end, target)) = target_at(segment, index, context, before) {
            // "both backend and frontend": the names follow.
            if target == Target::Them
                && segment.match_at(index, "both").is_some()
                && named(segment, end, context).is_some()
            {
                segment.use_range(index, end);
                continue;
            }
            segment.use_range(start, end);
            return Some(target);
        }
    }
    None
}

fn target_at(
    segment: &Segment,
    index: usize,
    context: &Context<'_>,
    before: &[&'static str],
) -> Option<(usize, usize, Target)> {
    let begin = segment.longest_at(index, before).map_or(index, |found| found.end);
    if let Some((end, mention)) = named(segment, begin, context) {
        return Some((index, end, Target::Named(mention)));
    }
    if let Some(found) = segment.longest_at(begin, PLURAL_PRONOUNS) {
        return Some((index, pronoun_end(segment, found.end), Target::Them));
    }
    if let Some(found) = segment.longest_at(begin, PRONOUNS) {
        return Some((index, pronoun_end(segment, found.end), Target::It));
    }
    // "the deployment", without a name: the one spoken of.
    let kind = kinds::at(segment, begin, Spelling::Exact).filter(|kind| !kind.plural)?;
    Some((index, kind.end, Target::It))
}

/// Returns the end of "that deployment", "its pods".
fn pronoun_end(segment: &Segment, end: usize) -> usize {
    kinds::at(segment, end, Spelling::Exact)
        .map(|kind| kind.end)
        .or_else(|| segment.longest_at(end, WORKLOAD_NOUNS).map(|found| found.end))
        .unwrap_or(end)
}

fn named(segment: &Segment, begin: usize, context: &Context<'_>) -> Option<(usize, Mention)> {
    for spelling in [Spelling::Exact, Spelling::Forgiving] {
        if let Some(kind) = kinds::at(segment, begin, spelling) {
            let name = segment.longest_at(kind.end, CALLED).map_or(kind.end, |found| found.end);
            let typed = spelling == Spelling::Forgiving && context.is_known(&segment.tokens()[begin].word);
            let next_is_kind = kinds::at(segment, name, Spelling::Exact).is_some();
            let name_fits =
                context.is_name_at(segment, name) || (!kind.plural && context.is_name_after_kind(segment, name));
            if name_fits && !next_is_kind && !typed {
                let word = segment.tokens()[name].text.clone();
                let mention = Mention { kind: Some(kind.alias), kind_first: true, plural: kind.plural, word };
                return Some((trailing_noun(segment, name + 1), mention));
            }
        }
    }
    let token = segment.free(begin)?;
    let is_kind_word = token.kind == TokenKind::Word && kinds::at(segment, begin, Spelling::Exact).is_some();
    if !context.is_name(token) || (is_kind_word && !context.is_known(&token.word)) {
        return None;
    }
    let word = token.text.clone();
    for spelling in [Spelling::Exact, Spelling::Forgiving] {
        if let Some(kind) = kinds::at(segment, begin + 1, spelling) {
            let known = spelling == Spelling::Forgiving && context.is_known(&segment.tokens()[begin + 1].word);
            if !known {
                let mention = Mention { kind: Some(kind.alias), kind_first: false, plural: kind.plural, word };
                return Some((kind.end, mention));
            }
        }
    }
    Some((trailing_noun(segment, begin + 1), Mention { kind: None, kind_first: false, plural: false, word }))
}

/// Returns the end after a noun such as "app" that adds nothing to a name.
fn trailing_noun(segment: &Segment, end: usize) -> usize {
    segment.longest_at(end, WORKLOAD_NOUNS).map_or(end, |found| found.end)
}
