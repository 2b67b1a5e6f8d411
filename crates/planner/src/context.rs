//! What the planner knows beside the sentence: the focus of the conversation and the names in the cluster.

use std::collections::HashSet;

use todo_agent_core::Names;

use crate::{
    focus::Focus,
    lexicon::common::{is_common, may_follow_a_kind},
    number,
    segment::Segment,
    tokens::{Token, TokenKind},
};

/// The focus, and the known names in a form that is quick to ask.
pub(crate) struct Context<'a> {
    /// The conversation so far.
    pub(crate) focus: &'a Focus,
    names: HashSet<String>,
    namespaces: HashSet<&'a str>,
}

/// The labels by which a workload is known beside its name.
const NAMING_LABELS: &[&str] = &["app.kubernetes.io/component", "app.kubernetes.io/name", "app"];

impl<'a> Context<'a> {
    /// Returns a context; empty `names` mean that nothing is known, not that nothing exists.
    pub(crate) fn new(focus: &'a Focus, names: &'a Names) -> Self {
        let own = names.entries.iter().map(|entry| &entry.name);
        let labels =
            names.entries.iter().flat_map(|entry| NAMING_LABELS.iter().filter_map(|key| entry.labels.get(*key)));
        let namespaces = names
            .namespaces
            .iter()
            .chain(names.entries.iter().filter_map(|entry| entry.namespace.as_ref()))
            .map(String::as_str)
            .collect();
        Self { focus, names: own.chain(labels).map(|name| name.to_lowercase()).collect(), namespaces }
    }

    /// Returns whether something in the cluster is called or labelled exactly so.
    pub(crate) fn is_known(&self, word: &str) -> bool {
        self.names.contains(word)
    }

    /// Returns whether a namespace of this name is known.
    pub(crate) fn is_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name)
    }

    /// Returns whether the unused token at `index` can be a name.
    pub(crate) fn is_name_at(&self, segment: &Segment, index: usize) -> bool {
        segment.free(index).is_some_and(|token| self.is_name(token))
    }

    /// Returns whether the unused token at `index` can be a name after a kind or the word namespace.
    pub(crate) fn is_name_after_kind(&self, segment: &Segment, index: usize) -> bool {
        self.is_name_at(segment, index) || segment.word(index).is_some_and(may_follow_a_kind)
    }

    /// Returns whether a token can be a name: quoted, known, or shaped like one and no common word.
    pub(crate) fn is_name(&self, token: &Token) -> bool {
        match token.kind {
            TokenKind::Quoted => !token.text.is_empty() && !token.text.contains(char::is_whitespace),
            TokenKind::Word => {
                self.is_known(&token.word) || (is_shaped_like_a_name(&token.word) && !is_common(&token.word))
            }
            TokenKind::Mark | TokenKind::Command => false,
        }
    }
}

fn is_shaped_like_a_name(word: &str) -> bool {
    word.len() <= 253
        && word.starts_with(char::is_alphanumeric)
        && word.ends_with(char::is_alphanumeric)
        && word.chars().all(|character| character.is_alphanumeric() || matches!(character, '-' | '.' | '/' | '_'))
        && !number::is_numeric(word)
}
