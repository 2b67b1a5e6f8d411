//! The decision: what comes of a sentence.
//!
//! Order: read it; an answer to an open question; hear every segment; forbid; put the calls together; ask for
//! what is missing. Whatever is not understood whole passes, with what was understood and what was not.

use serde_json::Value;
use todo_agent_core::{Call, Names};

use crate::{
    answer,
    context::Context,
    focus::{Focus, Spoken, spoken},
    follow_up,
    hearing::{self, Request},
    intents::{Arguments, INTENTS, Intent},
    namespace::{self, Scope},
    planned::{Choice, Gap, Missing, Mode, Pass, PassReason, Planned, Question},
    segment::{Join, Segment},
    sentence::Sentence,
    target::{Mention, Target},
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
enum Part {
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
    match undo_fault(&parts, context).or_else(|| place_fault(&parts)) {
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
        if !understood && segment.join == Join::And {
            let mut rest = segment.clone();
            rest.too |= rest.take_head(follow_up::SAME).is_some();
            let next = hearing::going_on(previous.intent, &rest, context)
                .filter(|request| request.is_complete() && brings_something(request));
            if let Some(next) = next {
                return Part::Request(Box::new(next));
            }
        }
    } else if before.is_empty() && (!understood || aimless) && sentence.segments.len() == 1 {
        if let Some(calls) = follow_up::calls(sentence, segment, context) {
            return Part::Repeated(calls);
        }
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

fn lacks_target(request: &Request) -> bool {
    request.target.is_none() && request.intent.lacks(&request.arguments) == Some(Missing::Target)
}

/// Returns whether a segment that goes on names something of its own, not only a further number.
fn brings_something(request: &Request) -> bool {
    match request.intent.needs() {
        crate::intents::Needs::Nothing => !request.arguments.is_empty(),
        _ => matches!(request.target, Some(Target::Named(_))),
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
    const STEMS: &[&str] =
        &["scale", "scaling", "restart", "roll", "revert", "undo", "pause", "pausing", "resum", "bounc", "reboot"];
    segment.tokens().iter().any(|token| {
        token.text.contains(' ')
            || STEMS.iter().any(|stem| token.word.starts_with(stem) && token.word.len() <= stem.len() + 4)
    })
}

/// Puts the calls of a sentence together.
fn assemble(parts: Vec<Part>, context: &Context<'_>, mode: Mode) -> Planned {
    let mut place = None;
    let mut requests: Vec<Request> = Vec::new();
    let mut calls: Vec<Call> = Vec::new();
    for part in parts {
        match part {
            Part::Place(scope) => place = Some(scope),
            Part::Repeated(repeated) => calls.extend(repeated),
            Part::Request(request) => match requests.last_mut() {
                // "logs of backend, last 100 lines": more about the same request.
                Some(previous) if is_detail_of(&request, previous) => {
                    previous.arguments.extend(request.arguments);
                    previous.scope = request.scope.or(previous.scope.take());
                }
                _ => requests.push(*request),
            },
            Part::Unheard(..) => {}
        }
    }
    share_within_groups(&mut requests);
    share_places(&mut requests, place.as_ref());
    let mut current: Vec<Spoken> = Vec::new();
    let mut question = None;
    for request in requests {
        let resolved = resolve(&request, &current, context);
        let mentions = match resolved {
            Resolved::Targets(mentions) => mentions,
            Resolved::Ambiguous(choices) => {
                question.get_or_insert((Err(choices), calls.len()));
                vec![None]
            }
        };
        if let Some(problem) = request.problem.clone() {
            question.get_or_insert((Ok(problem), calls.len()));
        }
        let made: Vec<Call> = mentions.into_iter().map(|mention| call(&request, mention)).collect();
        let named = spoken(&made);
        if !named.is_empty() {
            if request.goes_on {
                current.extend(named);
            } else {
                current = named;
            }
        }
        calls.extend(made);
    }
    match question {
        None => answer::finished(calls, mode),
        Some((Ok(text), index)) => {
            let gap = calls.get(index).is_some_and(|call| call.tool == "scale");
            let gap = gap.then_some(Gap { calls, index, missing: Missing::Count, mode });
            Planned::Ask(Question { text, choices: Vec::new(), gap })
        }
        Some((Err(words), index)) => which(words, calls, index, mode),
    }
}

/// Returns whether a read only says more about the read before it.
fn is_detail_of(request: &Request, previous: &Request) -> bool {
    let own = match request.intent.needs() {
        crate::intents::Needs::Nothing => request.arguments.contains_key("kind"),
        _ => request.target.is_some(),
    };
    !own && !request.intent.writes()
        && request.intent.tool() == previous.intent.tool()
        && !(request.arguments.is_empty() && request.scope.is_none())
}

fn which(words: Vec<Spoken>, calls: Vec<Call>, index: usize, mode: Mode) -> Planned {
    let text =
        format!("Which one: {}?", words.iter().map(|spoken| spoken.word.as_str()).collect::<Vec<_>>().join(" or "));
    let choice = |spoken: &Spoken| {
        let mut calls = calls.clone();
        if let Some(call) = calls.get_mut(index)
            && let Some(intent) = crate::intents::of_tool(&call.tool)
            && let Some(arguments) = call.args.as_object_mut()
        {
            intent.aim(&Mention::of_word(&spoken.word), arguments);
            if let Some(namespace) = &spoken.namespace {
                arguments.entry("namespace").or_insert_with(|| namespace.as_str().into());
            }
        }
        Choice { label: spoken.word.clone(), calls }
    };
    let choices = words.iter().map(choice).collect();
    let gap = Some(Gap { calls: calls.clone(), index, missing: Missing::Target, mode });
    Planned::Ask(Question { text, choices, gap })
}

/// Lets requests that go on from each other share arguments: "scale backend and frontend to 3".
fn share_within_groups(requests: &mut [Request]) {
    let mut start = 0;
    while start < requests.len() {
        let end = (start + 1..requests.len()).find(|&at| !requests[at].goes_on).unwrap_or(requests.len());
        let group = &mut requests[start..end];
        // Backwards: what is said at the end holds for those before it that say nothing.
        for at in (0..group.len().saturating_sub(1)).rev() {
            if group[at].arguments.is_empty() && group[at].problem.is_none() {
                let next = &group[at + 1];
                let (arguments, problem) = (next.arguments.clone(), next.problem.clone());
                group[at].arguments = arguments;
                group[at].problem = problem;
            }
            if group[at].scope.is_none() {
                group[at].scope = group[at + 1].scope.clone();
            }
        }
        // Forwards: what the verb itself says ("restart") holds for all; a number only with "too".
        for at in 1..group.len() {
            let (before, rest) = group.split_at_mut(at);
            let (previous, request) = (&before[at - 1], &mut rest[0]);
            let counted = request.intent.lacks(&aimed(request)) == Some(Missing::Count);
            if request.plain_number
                && let Some(difference) = previous.arguments.get("delta").and_then(Value::as_i64)
                && let Some(count) = request.arguments.remove("replicas").and_then(|count| count.as_i64())
            {
                // "add one replica to backend and two to frontend"
                request.arguments.insert("delta".to_owned(), (count * difference.signum()).into());
            }
            if request.intent.tool() != "scale" || (counted && (request.too || previous.for_all)) {
                request.for_all = previous.for_all;
                let mut arguments = previous.arguments.clone();
                request.intent.overlay(&mut arguments, std::mem::take(&mut request.arguments));
                request.arguments = arguments;
            }
            if request.scope.is_none() && !request.intent.writes() {
                request.scope = previous.scope.clone();
            }
        }
        start = end;
    }
}

fn aimed(request: &Request) -> Arguments {
    let mut arguments = request.arguments.clone();
    if let Some(Target::Named(mention)) = &request.target {
        request.intent.aim(mention, &mut arguments);
    }
    arguments
}

/// Lets a place hold for the whole sentence: said first, or last after reads joined by "and".
fn share_places(requests: &mut [Request], place: Option<&Scope>) {
    let reads = requests.iter().all(|request| !request.intent.writes());
    let last = requests.last().and_then(|request| request.scope.clone());
    let only_last = requests.iter().rev().skip(1).all(|request| request.scope.is_none());
    for request in requests.iter_mut().filter(|request| request.scope.is_none() && request.intent.tool() != "undo") {
        request.scope = place.cloned();
        if request.scope.is_none() && reads && only_last {
            request.scope = last.clone().filter(|scope| *scope != Scope::All || request.intent.looks_everywhere());
        }
    }
}

enum Resolved {
    Targets(Vec<Option<(Mention, Option<String>)>>),
    Ambiguous(Vec<Spoken>),
}

/// Finds what "it" and "them" mean: in this sentence first, then in the conversation.
fn resolve(request: &Request, current: &[Spoken], context: &Context<'_>) -> Resolved {
    let known = if current.is_empty() { &context.focus.targets } else { current };
    let mention = |spoken: &Spoken| Some((Mention::of_word(&spoken.word), spoken.namespace.clone()));
    match (&request.target, known) {
        (Some(Target::Named(named)), _) => Resolved::Targets(vec![Some((named.clone(), None))]),
        (Some(Target::It | Target::Them), []) => Resolved::Targets(vec![None]),
        (Some(Target::It), [one]) => Resolved::Targets(vec![mention(one)]),
        (Some(Target::It), many) => Resolved::Ambiguous(many.to_vec()),
        (Some(Target::Them), many) => Resolved::Targets(many.iter().map(mention).collect()),
        // "restart backend and show the logs": a read without a target is about what was just spoken of.
        (None, [one]) if !request.intent.writes() && lacks_target(request) => Resolved::Targets(vec![mention(one)]),
        (None, _) => Resolved::Targets(vec![None]),
    }
}

fn call(request: &Request, target: Option<(Mention, Option<String>)>) -> Call {
    let mut arguments = request.arguments.clone();
    let mut namespace = None;
    if let Some((mention, spoken_namespace)) = target {
        request.intent.aim(&mention, &mut arguments);
        namespace = spoken_namespace;
    }
    match &request.scope {
        Some(Scope::One { name, .. }) => namespace = Some(name.clone()),
        Some(Scope::All) => {
            arguments.insert("all_namespaces".to_owned(), true.into());
            namespace = None;
        }
        None => {}
    }
    if let Some(namespace) = namespace {
        arguments.insert("namespace".to_owned(), namespace.into());
    }
    Call::new(request.intent.tool(), Value::Object(arguments))
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
