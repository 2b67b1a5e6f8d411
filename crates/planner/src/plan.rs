//! The decision: what comes of a sentence.
//!
//! Order: read it; an answer to an open question; hear every segment; forbid; put the calls together; ask for
//! what is missing. Whatever is not understood whole passes, with what was understood and what was not.

use todo_agent_core::{Call, Names};

use crate::{
    answer,
    assemble::assemble,
    context::Context,
    focus::Focus,
    follow_up,
    hearing::{self, Request},
    intents::{INTENTS, Intent, Needs},
    namespace::{self, Scope},
    planned::{Missing, Mode, Pass, PassReason, Planned},
    segment::{Join, Segment},
    sentence::Sentence,
    target::Target,
    veto,
};

/// Plans a sentence: calls, a question, or "pass".
///
/// Pure and bounded: sentences over 4 KiB or 256 words pass unread. `names` may be empty; they only help to tell
/// a name from another word. The person's word for an object is passed on unchanged.
pub fn plan(sentence: &str, focus: &Focus, names: &Names) -> Planned {
    let sentence = match Sentence::read(sentence) {
        Ok(sentence) => sentence,
        Err(reason) => return pass(reason, Vec::new(), Vec::new(), None),
    };
    let context = Context::new(focus, names);
    if let Some(planned) = focus.pending.as_ref().and_then(|question| answer::resolve(question, &sentence, &context)) {
        return planned;
    }
    decide(&sentence, &context)
}

/// One segment, heard.
pub(crate) enum Part {
    Request(Box<Request>),
    /// Calls taken up again from the last sentence.
    Repeated(Vec<Call>),
    /// Only a place: it holds for what follows.
    Place(Scope),
    /// Not understood.
    Unheard(Option<Box<Request>>, Vec<String>),
}

fn decide(sentence: &Sentence, context: &Context<'_>) -> Planned {
    let parts = hear_all(sentence, context);
    let last_change = parts.iter().rposition(changes);
    if let Some(last) = last_change
        && let Some(reason) = veto::forbids(sentence, &sentence.segments[..=last])
    {
        return pass_parts(reason, &parts);
    }
    if parts.iter().any(|part| matches!(part, Part::Unheard(..))) {
        let spoken_of = sentence.segments.iter().any(mentions_a_change);
        let reason = spoken_of.then(|| veto::forbids(sentence, &sentence.segments)).flatten();
        return pass_parts(reason.unwrap_or(PassReason::NotUnderstood), &parts);
    }
    let mode = if sentence.preview && last_change.is_some() { Mode::PreviewOnly } else { Mode::Act };
    match undo_fault(&parts, context).or_else(|| place_fault(&parts)).or_else(|| import_fault(&parts)) {
        Some(reason) => pass_parts(reason, &parts),
        None => assemble(parts, context, mode),
    }
}

/// Returns why an "undo" in the sentence cannot be meant as it stands.
fn undo_fault(parts: &[Part], context: &Context<'_>) -> Option<PassReason> {
    for (index, part) in parts.iter().enumerate() {
        let Part::Request(request) = part else { continue };
        if request.intent.tool() != "undo" || request.arguments.contains_key("change_id") {
            continue;
        }
        if !context.focus.can_undo {
            return Some(PassReason::NothingToUndo);
        }
        // "restart backend and undo that": which change is meant depends on what comes of the first.
        if parts[..index].iter().any(changes) {
            return Some(PassReason::NotUnderstood);
        }
    }
    None
}

/// Returns why the place of a change is unclear: "restart backend in shop and frontend" may mean either.
fn place_fault(parts: &[Part]) -> Option<PassReason> {
    parts.windows(2).find_map(|pair| match pair {
        [Part::Request(first), Part::Request(second)]
            if second.goes_on && second.intent.writes() && first.scope.is_some() && second.scope.is_none() =>
        {
            Some(PassReason::NotUnderstood)
        }
        _ => None,
    })
}

/// Returns why it is unclear what a file becomes: in "into a secret and what a configmap" the second half is no read.
fn import_fault(parts: &[Part]) -> Option<PassReason> {
    parts.windows(2).find_map(|pair| match pair {
        [Part::Request(first), Part::Request(second)]
            if first.intent.tool() == "import_env"
                && first.arguments.contains_key("secret")
                && second.intent.tool() == "list"
                && second.arguments.get("kind").is_some_and(|kind| kind == "configmaps" || kind == "secrets") =>
        {
            Some(PassReason::NotUnderstood)
        }
        _ => None,
    })
}

fn hear_all(sentence: &Sentence, context: &Context<'_>) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for segment in &sentence.segments {
        let part = hear_one(sentence, segment, &parts, context);
        parts.push(part);
    }
    parts
}

fn hear_one(sentence: &Sentence, segment: &Segment, before: &[Part], context: &Context<'_>) -> Part {
    let fresh = hearing::fresh(segment, context);
    let understood = fresh.as_ref().is_some_and(Request::is_complete);
    let aimless = fresh.as_ref().is_some_and(|request| request.problem.is_none() && lacks_target(request));
    if let Some(Part::Request(previous)) = before.last() {
        // A segment with its own verb stands by itself; one without goes on from the one before.
        // "the backend and frontend pods": without a verb it is the first of the two that is meant.
        let terse = fresh
            .as_ref()
            .is_some_and(|request| matches!(request.intent.tool(), "list" | "describe") && !request.asked);
        if (!understood || terse) && segment.join != Join::Stop {
            let mut rest = segment.clone();
            rest.too |= rest.take_head(follow_up::SAME).is_some();
            let next = hearing::going_on(previous.intent, &rest, context)
                .filter(|request| request.is_complete() && brings_something(request));
            if let Some(next) = next {
                return Part::Request(Box::new(next));
            }
            if terse && previous.intent.writes() {
                return Part::Unheard(None, segment.unused_texts());
            }
        }
    } else if before.is_empty()
        && (!understood || aimless || says_more_of_the_last(sentence, segment, fresh.as_ref(), context))
        && sentence.segments.len() == 1
        && let Some(calls) = follow_up::calls(sentence, segment, context)
    {
        return Part::Repeated(calls);
    }
    match fresh {
        Some(request) if understood => Part::Request(Box::new(request)),
        fresh => {
            let mut rest = segment.clone();
            if before.is_empty()
                && let Some(scope) = namespace::take(&mut rest, context)
                && rest.head().is_none()
                && sentence.segments.len() > 1
            {
                return Part::Place(scope);
            }
            let unused = fresh.as_ref().map_or_else(|| segment.unused_texts(), |request| request.unused.clone());
            Part::Unheard(fresh.map(Box::new), unused)
        }
    }
}

/// Returns whether a short sentence is better read as going on: "and the redis statefulset", "only warnings".
fn says_more_of_the_last(
    sentence: &Sentence,
    segment: &Segment,
    fresh: Option<&Request>,
    context: &Context<'_>,
) -> bool {
    let (Some(fresh), Some(last)) = (fresh, context.focus.last.last()) else { return false };
    let only = segment.word(0) == Some("only") && fresh.intent.tool() == last.tool;
    let goes_on = sentence.goes_on && fresh.intent.tool() != last.tool;
    !fresh.intent.writes() && !fresh.asked && (only || goes_on)
}

pub(crate) fn lacks_target(request: &Request) -> bool {
    request.target.is_none() && request.intent.lacks(&request.arguments) == Some(Missing::Target)
}

/// Returns whether a segment that goes on names something of its own, not only a further number.
fn brings_something(request: &Request) -> bool {
    match request.intent.needs() {
        // A name alone may be anything: "pods in shop and todo".
        Needs::Nothing => request.arguments.keys().any(|key| key != "name_contains"),
        _ if request.intent.writes() => matches!(request.target, Some(Target::Named(_))),
        _ => matches!(request.target, Some(Target::Named(_))) || !request.arguments.is_empty(),
    }
}

fn changes(part: &Part) -> bool {
    match part {
        Part::Request(request) | Part::Unheard(Some(request), _) => request.intent.writes(),
        Part::Repeated(calls) => calls.iter().any(|call| writes(&call.tool)),
        Part::Place(_) | Part::Unheard(None, _) => false,
    }
}

fn writes(tool: &str) -> bool {
    crate::intents::of_tool(tool).is_some_and(Intent::writes)
}

/// Returns whether a word of a segment names a change in any form; only for a better reason to pass.
fn mentions_a_change(segment: &Segment) -> bool {
    const STEMS: &[&str] = &[
        "scale", "scaling", "restart", "roll", "revert", "undo", "pause", "pausing", "resum", "bounc", "reboot",
        "delet", "creat", "drain", "cordon", "autoscal", "expos", "appl", "resiz",
    ];
    segment.tokens().iter().any(|token| {
        token.text.contains(' ')
            || STEMS.iter().any(|stem| token.word.starts_with(stem) && token.word.len() <= stem.len() + 4)
    })
}

fn pass_parts(reason: PassReason, parts: &[Part]) -> Planned {
    let mut understood = Vec::new();
    let mut unused = Vec::new();
    let mut nearest = None;
    for part in parts {
        match part {
            Part::Request(request) => {
                understood.push(request.understood.join(" "));
                nearest.get_or_insert(request.intent);
            }
            Part::Unheard(request, words) => {
                if let Some(request) = request {
                    understood.extend((!request.understood.is_empty()).then(|| request.understood.join(" ")));
                    nearest.get_or_insert(request.intent);
                }
                unused.extend(words.iter().cloned());
            }
            Part::Repeated(calls) => understood.extend(calls.iter().map(|call| call.tool.clone())),
            Part::Place(_) => {}
        }
    }
    pass(reason, understood, unused, nearest)
}

fn pass(
    reason: PassReason,
    understood: Vec<String>,
    unused: Vec<String>,
    nearest: Option<&'static dyn Intent>,
) -> Planned {
    let own = nearest.map_or(&[][..], |intent| intent.examples());
    let others = INTENTS.iter().rev().filter_map(|intent| intent.examples().first());
    let mut examples: Vec<String> = Vec::new();
    for example in own.iter().chain(others).take(4) {
        if !examples.iter().any(|known| known == example) {
            examples.push((*example).to_owned());
        }
    }
    Planned::Pass(Pass { understood, unused, reason, examples })
}
