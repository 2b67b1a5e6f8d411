//! A short answer to the question that is open: a number, a name, one of the choices, or no.
//!
//! An answer must be understood whole; anything else is planned as a sentence of its own.

use serde_json::Value;
use todo_agent_core::Call;

use crate::{
    context::Context,
    hearing, intents,
    namespace::Scope,
    planned::{Gap, Missing, Mode, Pass, PassReason, Planned, Question},
    segment::Segment,
    sentence::{Mood, Sentence},
    target::{self, Target},
    tokens::Token,
};

const NO: &[&str] = &[
    "no",
    "nope",
    "none",
    "nothing",
    "cancel",
    "never mind",
    "nevermind",
    "forget it",
    "stop",
    "no thanks",
    "abort",
    "neither",
    "leave it",
    "don't",
    "do nothing",
];
const ORDINALS: &[&[&str]] = &[
    &["1", "first", "first one", "one"],
    &["2", "second", "second one", "two"],
    &["3", "third", "third one", "three"],
    &["4", "fourth", "fourth one", "four"],
    &["5", "fifth", "fifth one", "five"],
];

/// Returns what comes of a sentence as the answer to `question`; `None` if it is no answer.
pub(crate) fn resolve(question: &Question, sentence: &Sentence, context: &Context<'_>) -> Option<Planned> {
    let [segment] = sentence.segments.as_slice() else { return None };
    if sentence.mood == Mood::Questioned {
        return None;
    }
    let said = segment.unused_texts().join(" ").to_lowercase();
    if NO.contains(&said.as_str()) {
        let reason = PassReason::Declined;
        return Some(Planned::Pass(Pass { understood: vec![said], unused: Vec::new(), reason, examples: Vec::new() }));
    }
    let mode = question.gap.as_ref().map_or(Mode::Act, |gap| gap.mode);
    let chosen = question.choices.iter().enumerate().find(|(index, choice)| {
        choice.label.to_lowercase() == said || ORDINALS.get(*index).is_some_and(|words| words.contains(&said.as_str()))
    });
    if let Some((_, choice)) = chosen {
        return Some(finished(choice.calls.clone(), mode));
    }
    let gap = question.gap.as_ref()?;
    let call = gap.calls.get(gap.index)?;
    let intent = intents::of_tool(&call.tool)?;
    let mut arguments = call.args.as_object().cloned().unwrap_or_default();
    match gap.missing {
        Missing::Count | Missing::CountUp | Missing::CountDown => {
            let directed = directed(segment, gap.missing);
            let request = hearing::going_on(intent, &directed, context).filter(hearing::Request::is_complete)?;
            if let Some(text) = request.problem {
                return Some(Planned::Ask(Question { text, ..question.clone() }));
            }
            if request.target.is_some() || request.arguments.is_empty() || request.scope.is_some() {
                return None;
            }
            intent.overlay(&mut arguments, request.arguments);
        }
        Missing::Image => {
            let mut rest = segment.clone();
            rest.take_head(&["use", "image", "use image", "it is", "with image"]);
            let at = rest.head()?;
            let image = rest.free(at).filter(|token| intents::may_be_image(token))?.text.clone();
            rest.use_range(at, at + 1);
            if rest.head().is_some() {
                return None;
            }
            arguments.insert("image".to_owned(), image.into());
        }
        Missing::Schedule => {
            let mut rest = segment.clone();
            let schedule = intents::take_schedule(&mut rest).filter(|_| rest.head().is_none())?;
            arguments.insert("schedule".to_owned(), schedule.into());
        }
        Missing::Target => {
            let mut rest = segment.clone();
            let scope = crate::namespace::take(&mut rest, context);
            let Target::Named(mention) = target::take(&mut rest, context, target::BEFORE)? else { return None };
            if rest.head().is_some() || scope == Some(Scope::All) {
                return None;
            }
            intent.aim(&mention, &mut arguments);
            if let Some(Scope::One { name, .. }) = scope {
                arguments.insert("namespace".to_owned(), name.into());
            }
        }
    }
    let mut calls = gap.calls.clone();
    *calls.get_mut(gap.index)? = Call::new(call.tool.clone(), Value::Object(arguments));
    Some(finished(calls, gap.mode))
}

/// Puts the verb of the question before an answer such as "by two", which means nothing without it.
fn directed(segment: &Segment, missing: Missing) -> Segment {
    let particle = match missing {
        Missing::CountUp => "up",
        Missing::CountDown => "down",
        Missing::Target | Missing::Count | Missing::Image | Missing::Schedule => return segment.clone(),
    };
    if segment.word(0) != Some("by") {
        return segment.clone();
    }
    let verb = ["scale", particle].map(Token::word);
    Segment::new(verb.into_iter().chain(segment.tokens().iter().cloned()).collect(), segment.join, false, false)
}

/// Returns the calls, or the question for the next thing that they lack.
pub(crate) fn finished(calls: Vec<Call>, mode: Mode) -> Planned {
    for (index, call) in calls.iter().enumerate() {
        let Some(intent) = intents::of_tool(&call.tool) else { continue };
        let none = intents::Arguments::new();
        let arguments = call.args.as_object().unwrap_or(&none);
        if let Some(missing) = intent.lacks(arguments) {
            let text = intent.question(missing, arguments);
            let gap = Some(Gap { calls, index, missing, mode });
            return Planned::Ask(Question { text, choices: Vec::new(), gap });
        }
    }
    Planned::Calls { calls, mode }
}
