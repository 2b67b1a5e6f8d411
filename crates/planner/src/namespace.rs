//! Where in the cluster: "in namespace shop", "-n shop", "in shop", "across all namespaces".
//!
//! "in shop" without the word namespace is taken for one only where nothing else follows it, and is marked as
//! such, so that "errors in backend" can still be about a workload.

use crate::{
    context::Context,
    lexicon::kinds::{self, Spelling},
    segment::{Found, Segment},
};

/// The part of the cluster that a segment speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One namespace; `named` when the word "namespace" or a flag was used.
    One { name: String, named: bool },
    /// All namespaces.
    All,
}

const ALL: &[&str] = &[
    "across all namespaces",
    "across namespaces",
    "across every namespace",
    "in all namespaces",
    "in all of namespaces",
    "in every namespace",
    "in each namespace",
    "in any namespace",
    "from all namespaces",
    "of all namespaces",
    "for all namespaces",
    "over all namespaces",
    "from every namespace",
    "all namespaces",
    "every namespace",
    "all ns",
    "in whole cluster",
    "in entire cluster",
    "in cluster",
    "across cluster",
    "across whole cluster",
    "in this cluster",
    "on cluster",
    "cluster wide",
    "clusterwide",
    "cluster-wide",
    "everywhere",
    "--all-namespaces",
    "-a",
];

const PREPOSITIONS: &[&str] =
    &["in", "from", "of", "for", "within", "inside", "on", "at", "under", "into", "to", "using", "with"];
/// States of pods that people are "in", written as a namespace could be.
const STATES: &[&str] = &[
    "pending",
    "crashloop",
    "crashloopbackoff",
    "imagepullbackoff",
    "errimagepull",
    "createcontainerconfigerror",
    "terminating",
    "error",
    "trouble",
];
const NAMESPACE: &[&str] = &["namespace", "ns", "namespce", "name-space"];
const CALLED: &[&str] = &["called", "named"];
/// Verbs after which "namespace shop" is an object to show and not a place.
const SHOWING: &[&str] = &["describe", "inspect", "show", "get", "details", "about", "delete", "create", "list"];

/// Takes the scope of a segment.
pub(crate) fn take(segment: &mut Segment, context: &Context<'_>) -> Option<Scope> {
    if let Some(found) = segment.find(ALL)
        && !is_the_object(segment, found)
    {
        segment.use_range(found.start, found.end);
        return Some(Scope::All);
    }
    if let Some(name) = segment.take_flag(&["-n", "--namespace", "-ns"]) {
        return Some(Scope::One { name, named: true });
    }
    (0..segment.len())
        .find_map(|index| with_the_word(segment, index, context))
        .or_else(|| (0..segment.len()).find_map(|index| with_a_preposition(segment, index, context)))
}

/// Returns whether "all namespaces" is what is asked for, and not where to look.
fn is_the_object(segment: &Segment, found: Found) -> bool {
    matches!(found.phrase, "all namespaces" | "every namespace" | "all ns")
        && segment.len() > found.end - found.start
        && !segment.unused().any(|index| {
            let noun = segment
                .word(index)
                .is_some_and(|word| matches!(word, "events" | "event" | "warnings" | "logs" | "errors"));
            !(found.start..found.end).contains(&index)
                && (noun || kinds::at(segment, index, Spelling::Forgiving).is_some())
        })
}

/// Takes "in the shop namespace", "in namespace shop", "namespace shop".
fn with_the_word(segment: &mut Segment, index: usize, context: &Context<'_>) -> Option<Scope> {
    if !NAMESPACE.contains(&segment.word(index)?) {
        return None;
    }
    let before = index.checked_sub(1);
    let preposition = |at: usize| segment.word(at).is_some_and(|word| PREPOSITIONS.contains(&word));
    let after = segment.word(index + 1).filter(|word| CALLED.contains(word)).map_or(index + 1, |_| index + 2);
    let after_is_name = context.is_name_after_kind(segment, after);
    // "in namespace shop"
    if let Some(before) = before.filter(|&at| preposition(at))
        && after_is_name
    {
        return Some(one(segment, before, after + 1, after));
    }
    // "in the shop namespace"
    if let Some(name) = before.filter(|&at| context.is_name_at(segment, at))
        && let Some(start) = name.checked_sub(1).filter(|&at| preposition(at))
    {
        return Some(one(segment, start, index + 1, name));
    }
    // "namespace shop", unless the namespace is what is to be shown
    let shown = before.is_none_or(|at| segment.word(at).is_none_or(|word| SHOWING.contains(&word)));
    if after_is_name && (!shown || before.is_none()) {
        return Some(one(segment, index, after + 1, after));
    }
    // "shop namespace"
    let name = before.filter(|&at| context.is_name_at(segment, at))?;
    Some(one(segment, name, index + 1, name))
}

/// Takes "in shop" at the end of a segment or before another preposition.
fn with_a_preposition(segment: &mut Segment, index: usize, context: &Context<'_>) -> Option<Scope> {
    let word = segment.word(index)?;
    let firm = matches!(word, "in" | "within" | "inside");
    // "from shop" is a place only if it is known to be one; otherwise it may be a workload.
    let known = |at: usize| segment.free(at).is_some_and(|token| context.is_namespace(&token.text));
    if !(firm || (matches!(word, "from" | "of" | "for" | "on") && known(index + 1))) {
        return None;
    }
    if !context.is_name_at(segment, index + 1) || kinds::at(segment, index + 1, Spelling::Exact).is_some() {
        return None;
    }
    // "stuck in pending" speaks of a state, unless there is such a namespace.
    if !known(index + 1) && segment.word(index + 1).is_some_and(|word| STATES.contains(&word)) {
        return None;
    }
    let next = index + 2;
    let noun = segment.word(next).is_some_and(is_noun) || kinds::at(segment, next, Spelling::Exact).is_some();
    if noun || (index > 0 && context.is_name_at(segment, next)) {
        return None;
    }
    let named = known(index + 1);
    let Scope::One { name, .. } = one(segment, index, index + 2, index + 1) else { return None };
    Some(Scope::One { name, named })
}

/// Nouns that make the word before them their own: "in backend logs".
fn is_noun(word: &str) -> bool {
    matches!(
        word,
        "logs"
            | "log"
            | "events"
            | "container"
            | "containers"
            | "app"
            | "application"
            | "rollout"
            | "replicas"
            | "cluster"
    )
}

fn one(segment: &mut Segment, start: usize, end: usize, name: usize) -> Scope {
    let text = segment.tokens()[name].text.clone();
    segment.use_range(start, end);
    Scope::One { name: text, named: true }
}
