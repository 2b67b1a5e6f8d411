//! One segment as a request: which intent, about what, where, and which words were left over.
//!
//! Every intent may try; the one that leaves the fewest words wins. Typing errors are corrected only if no
//! intent understood the segment as it was typed.

use crate::{
    context::Context,
    intents::{Arguments, Hearing, INTENTS, Intent, Needs, Sharing, reading_rest},
    lexicon::spelling,
    namespace::{self, Scope},
    planned::Missing,
    segment::Segment,
    target::{self, Mention, Target},
};

/// A request as heard in one segment.
pub(crate) struct Request {
    /// What is asked for.
    pub(crate) intent: &'static dyn Intent,
    /// Its own arguments, without target and namespace.
    pub(crate) arguments: Arguments,
    /// What it is about.
    pub(crate) target: Option<Target>,
    /// Which way a change of count goes.
    pub(crate) direction: Option<Missing>,
    /// Whether a verb of its own began it; without one ("the redis statefulset") it may go on from before.
    pub(crate) asked: bool,
    /// How its arguments bear on further targets.
    pub(crate) sharing: Sharing,
    /// Where.
    pub(crate) scope: Option<Scope>,
    /// A question to ask in place of a call.
    pub(crate) problem: Option<String>,
    /// Whether it goes on from the request before it in the sentence.
    pub(crate) goes_on: bool,
    /// Whether "too" or "also" was said.
    pub(crate) too: bool,
    /// The words used, as typed.
    pub(crate) understood: Vec<String>,
    /// The words left over, as typed.
    pub(crate) unused: Vec<String>,
}

impl Request {
    /// Returns whether every word was used.
    pub(crate) fn is_complete(&self) -> bool {
        self.unused.is_empty()
    }

    /// Returns how badly the segment was understood; 0 is best.
    fn cost(&self, context: &Context<'_>) -> usize {
        let aimed = match self.target {
            Some(Target::Named(_)) => true,
            Some(Target::It | Target::Them) => !context.focus.targets.is_empty(),
            None => false,
        };
        let aimless = self.intent.needs() == Needs::Target && !aimed;
        self.unused.len() * 4 + usize::from(aimless) * 2 + usize::from(self.problem.is_some())
    }
}

/// Hears a segment as a request of its own.
pub(crate) fn fresh(segment: &Segment, context: &Context<'_>) -> Option<Request> {
    let typed = best(segment, context);
    if typed.as_ref().is_some_and(Request::is_complete) {
        return typed;
    }
    let corrected = spelling::corrected(segment, |word| context.is_known(word)).and_then(|fixed| best(&fixed, context));
    match (typed, corrected) {
        (Some(typed), Some(corrected)) if corrected.cost(context) < typed.cost(context) => Some(corrected),
        (None, corrected) => corrected,
        (typed, _) => typed,
    }
}

fn best(segment: &Segment, context: &Context<'_>) -> Option<Request> {
    INTENTS
        .iter()
        .filter_map(|intent| hear(*intent, segment, context, Hearing::Fresh))
        .min_by_key(|request| request.cost(context))
}

/// Hears a segment as going on from a request of `intent`.
pub(crate) fn going_on(intent: &'static dyn Intent, segment: &Segment, context: &Context<'_>) -> Option<Request> {
    hear(intent, segment, context, Hearing::GoingOn)
}

fn hear(intent: &'static dyn Intent, segment: &Segment, context: &Context<'_>, hearing: Hearing) -> Option<Request> {
    let mut trial = segment.clone();
    let mut scope = namespace::take(&mut trial, context);
    let heard = intent.hear(&mut trial, context, hearing)?;
    let mut target = match intent.needs() {
        Needs::Nothing => None,
        Needs::Target | Needs::TargetIfAny => target::take(&mut trial, context, intent.prepositions()),
    };
    if target.is_none()
        && intent.needs() == Needs::Target
        && (!intent.writes() || intent.is_done_inside())
        && let Some(Scope::One { name, named: false }) = &scope
    {
        // "errors in backend": what looked like a place is what it is about.
        target = Some(Target::Named(Mention::of_word(name)));
        scope = None;
    }
    if heard.weak && target.is_none() && hearing == Hearing::Fresh {
        return None;
    }
    trial.take_all(&["again"]);
    if !intent.writes() {
        reading_rest(&mut trial);
    }
    let mut unused = trial.unused_texts();
    if scope == Some(Scope::All) && !intent.looks_everywhere() {
        unused.push("all namespaces".to_owned());
    }
    Some(Request {
        intent,
        arguments: heard.arguments,
        target,
        asked: heard.asked,
        direction: heard.direction,
        sharing: heard.sharing,
        scope,
        problem: heard.problem,
        goes_on: hearing == Hearing::GoingOn,
        too: segment.too,
        understood: trial.used_texts(),
        unused,
    })
}
