//! Sentences that only make sense after another: "and the frontend too", "same for redis", "again", "make it 5".
//!
//! The calls of the last sentence are taken up again with what is new laid over them. A change is repeated only
//! when the sentence says that it goes on ("and", "too", "same", a new number), never on a bare name.

use serde_json::Value;
use todo_agent_core::Call;

use crate::{
    context::Context,
    hearing,
    intents::{self, Arguments, Intent, Sharing},
    namespace::Scope,
    segment::Segment,
    sentence::Sentence,
    target::{Mention, Target},
};

const AGAIN: &[&str] = &[
    "again",
    "repeat",
    "repeat that",
    "repeat it",
    "do it again",
    "do that again",
    "same again",
    "and again",
    "redo",
    "redo it",
    "redo that",
    "do this again",
    "try again",
    "run it again",
    "retry",
];
pub(crate) const SAME: &[&str] = &[
    "do same for",
    "do same with",
    "do same to",
    "do same on",
    "do it for",
    "do that for",
    "do this for",
    "same for",
    "same with",
    "same to",
    "same on",
    "same thing for",
    "same thing with",
    "do same thing for",
    "do same thing with",
    "do same thing to",
    "likewise for",
    "likewise",
    "ditto for",
    "ditto",
    "repeat for",
    "repeat it for",
    "repeat that for",
    "repeat this for",
    "repeat that with",
    "what about",
    "how about",
    "same in",
    "do same in",
    "do likewise for",
    "this for",
    "that for",
    "apply same to",
    "do it with",
    "do that with",
    "same",
];

/// Returns the calls that a single segment asks for by going on from the last sentence.
pub(crate) fn calls(sentence: &Sentence, segment: &Segment, context: &Context<'_>) -> Option<Vec<Call>> {
    let last = &context.focus.last;
    let base = last.last()?;
    let intent = intents::of_tool(&base.tool)?;
    let mut rest = segment.clone();
    if rest.take_head(AGAIN).is_some() && rest.head().is_none() {
        return (base.tool != "undo").then(|| last.clone());
    }
    let mut rest = segment.clone();
    let same = rest.take_head(SAME).is_some() || segment.too;
    let request = hearing::going_on(intent, &rest, context).filter(hearing::Request::is_complete)?;
    let new = !request.arguments.is_empty();
    let place = request.scope.clone();
    if request.sharing == Sharing::Undecided && base.args.get("delta").is_some() {
        return None;
    }
    if request.problem.is_some() || (request.target.is_none() && !new && place.is_none()) {
        return None;
    }
    if intent.writes() && !(sentence.goes_on || same || new) {
        return None;
    }
    // A number alone says too little to change anything again.
    if intent.writes() && request.sharing == Sharing::Undecided && !(sentence.goes_on || same) {
        return None;
    }
    let mentions: Vec<Mention> = match &request.target {
        Some(Target::Named(mention)) => vec![mention.clone()],
        Some(Target::It | Target::Them) | None => Vec::new(),
    };
    let bases: Vec<&Call> = match request.target {
        Some(Target::Named(_)) => vec![base],
        Some(Target::It) if last.iter().filter(|call| call.tool == base.tool).count() > 1 => return None,
        _ => last.iter().filter(|call| call.tool == base.tool).collect(),
    };
    let calls =
        bases.into_iter().map(|base| overlaid(base, intent, &request.arguments, mentions.first(), place.as_ref()));
    Some(calls.collect())
}

fn overlaid(
    base: &Call,
    intent: &'static dyn Intent,
    new: &Arguments,
    mention: Option<&Mention>,
    place: Option<&Scope>,
) -> Call {
    let mut arguments = base.args.as_object().cloned().unwrap_or_default();
    intent.overlay(&mut arguments, new.clone());
    if let Some(mention) = mention {
        let mut aimed = Arguments::new();
        intent.aim(mention, &mut aimed);
        if aimed.contains_key("name") {
            arguments.remove("kind");
        }
        arguments.extend(aimed);
    }
    match place {
        Some(Scope::One { name, .. }) => {
            arguments.remove("all_namespaces");
            arguments.insert("namespace".to_owned(), name.as_str().into());
        }
        Some(Scope::All) => {
            arguments.remove("namespace");
            arguments.insert("all_namespaces".to_owned(), true.into());
        }
        None => {}
    }
    Call::new(base.tool.clone(), Value::Object(arguments))
}
