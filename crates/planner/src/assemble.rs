//! The calls of a sentence, put together from its requests.
//!
//! Here "it" becomes a name, "backend and frontend to 3" two calls, and a place that was said once holds where it
//! may. Nothing is decided: whether a change may come of it was settled before.

use serde_json::Value;
use todo_agent_core::Call;

use crate::{
    answer,
    context::Context,
    focus::{Spoken, spoken},
    hearing::Request,
    intents::{Arguments, Needs, Sharing},
    namespace::Scope,
    plan::{Part, lacks_target},
    planned::{Choice, Gap, Missing, Mode, Planned, Question},
    target::{Mention, Target},
};

/// Puts the calls of a sentence together.
pub(crate) fn assemble(parts: Vec<Part>, context: &Context<'_>, mode: Mode) -> Planned {
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
                // "how many pods and services are there"
                Some(previous) if counts_along(&request, previous) => {
                    let mut request = *request;
                    request.arguments.insert("count_only".to_owned(), true.into());
                    requests.push(request);
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
    let mut directions: Vec<Option<Missing>> = vec![None; calls.len()];
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
        let new_calls: Vec<Call> = mentions.into_iter().map(|mention| call(&request, mention)).collect();
        let named = spoken(&new_calls);
        if !named.is_empty() {
            if request.goes_on {
                current.extend(named);
            } else {
                current = named;
            }
        }
        directions.extend(new_calls.iter().map(|_| request.direction));
        calls.extend(new_calls);
    }
    match question {
        None => with_direction(answer::finished(calls, mode), &directions),
        Some((Ok(text), index)) => {
            let gap = calls.get(index).is_some_and(|call| call.tool == "scale");
            let gap = gap.then_some(Gap { calls, index, missing: Missing::Count, mode });
            Planned::Ask(Question { text, choices: Vec::new(), gap })
        }
        Some((Err(words), index)) => which(&words, &calls, index, mode),
    }
}

/// Keeps with a question which way "scale down" goes, so that "by two" is understood.
fn with_direction(planned: Planned, directions: &[Option<Missing>]) -> Planned {
    match planned {
        Planned::Ask(Question { text, choices, gap: Some(gap) }) if gap.missing == Missing::Count => {
            let missing = directions.get(gap.index).copied().flatten().unwrap_or(gap.missing);
            Planned::Ask(Question { text, choices, gap: Some(Gap { missing, ..gap }) })
        }
        planned => planned,
    }
}

/// Returns whether a bare kind follows a request to count.
fn counts_along(request: &Request, previous: &Request) -> bool {
    request.intent.tool() == "list"
        && !request.asked
        && previous.arguments.contains_key("count_only")
        && request.arguments.keys().all(|key| key == "kind")
}

/// Returns whether a read only says more about the read before it.
fn is_detail_of(request: &Request, previous: &Request) -> bool {
    let own = match request.intent.needs() {
        Needs::Nothing => request.arguments.contains_key("kind"),
        _ => request.target.is_some(),
    };
    let says_something = !request.arguments.is_empty() || request.scope.is_some();
    let same = request.intent.tool() == previous.intent.tool();
    says_something && same && !(own || request.intent.writes())
}

fn which(words: &[Spoken], calls: &[Call], index: usize, mode: Mode) -> Planned {
    let text =
        format!("Which one: {}?", words.iter().map(|spoken| spoken.word.as_str()).collect::<Vec<_>>().join(" or "));
    let choice = |spoken: &Spoken| {
        let mut calls = calls.to_vec();
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
    let gap = Some(Gap { calls: calls.to_vec(), index, missing: Missing::Target, mode });
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
                let scope = group[at + 1].scope.clone();
                group[at].scope = scope;
            }
        }
        // Forwards: what the verb itself says ("restart") holds for all; a number only with "too".
        for at in 1..group.len() {
            let (before, rest) = group.split_at_mut(at);
            let (previous, request) = (&before[at - 1], &mut rest[0]);
            let counted = request.intent.lacks(&aimed(request)) == Some(Missing::Count);
            if request.sharing == Sharing::Undecided
                && let Some(difference) = previous.arguments.get("delta").and_then(Value::as_i64)
                && let Some(count) = request.arguments.remove("replicas").and_then(|count| count.as_i64())
            {
                // "add one replica to backend and two to frontend"
                request.arguments.insert("delta".to_owned(), (count * difference.signum()).into());
            }
            if request.intent.tool() != "scale" || (counted && (request.too || previous.sharing == Sharing::All)) {
                request.sharing = previous.sharing;
                let mut arguments = previous.arguments.clone();
                request.intent.overlay(&mut arguments, std::mem::take(&mut request.arguments));
                request.arguments = arguments;
            }
            if request.scope.is_none() && !request.intent.writes() {
                request.scope = previous.scope.clone();
            }
        }
        share_kinds(group);
        start = end;
    }
}

/// Lets "the deployments backend and frontend" and "backend and frontend deployments" name the kind of both.
fn share_kinds(group: &mut [Request]) {
    let plural = group.iter().find_map(|request| match &request.target {
        Some(Target::Named(mention)) if mention.plural => mention.kind.map(|kind| (kind, mention.kind_first)),
        _ => None,
    });
    let Some((kind, kind_first)) = plural else { return };
    for request in group {
        if let Some(Target::Named(mention)) = &mut request.target
            && mention.kind.is_none()
            && !mention.word.contains('/')
        {
            mention.kind = Some(kind);
            mention.kind_first = kind_first;
        }
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
