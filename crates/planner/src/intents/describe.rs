//! "describe deployment backend", "show me the redis statefulset", "tell me about frontend".

use serde_json::Value;

use super::{Arguments, Heard, Hearing, Intent, lacks_target, reading};
use crate::{
    context::Context,
    lexicon::{common, kinds},
    planned::Missing,
    segment::Segment,
    target::{self, Mention, Target},
};

pub(crate) struct Describe;

const SURE: &[&str] = &[
    "describe",
    "desc",
    "inspect",
    "examine",
    "describe me",
    "show details of",
    "show details for",
    "show me details of",
    "details of",
    "details for",
    "details about",
    "details on",
    "detail of",
    "more details about",
    "more details on",
    "more details of",
    "more detail on",
    "information about",
    "information on",
    "information for",
    "information of",
    "more information about",
    "more information on",
    "info about",
    "info on",
    "info for",
    "info of",
    "more info about",
    "more info on",
    "tell me about",
    "tell me more about",
    "tell me something about",
    "tell me everything about",
    "everything about",
    "show me everything about",
    "show everything about",
    "give me details of",
    "give me details on",
    "description of",
    "show description of",
    "give me description of",
    "summary of",
    "summarize",
    "explain me",
    "details",
    "detail",
    "full details of",
    "all details of",
    "describe details of",
    "learn more about",
    "what do you know about",
    "what can you tell me about",
    "definition of",
    "specification of",
    "spec of",
    "properties of",
    "more about",
    "more on",
    "something about",
];
/// Verbs that show a list of a kind, or one object of that name.
const PERHAPS: &[&str] = &[
    "show",
    "show me",
    "get",
    "get me",
    "display",
    "view",
    "see",
    "print",
    "give me",
    "let me see",
    "look at",
    "have look at",
    "take look at",
    "have closer look at",
    "take closer look at",
    "what is",
    "what's",
    "open",
    "bring up",
    "pull up",
];
const LOOKS_LIKE: &[&str] = &["what does", "what do", "how does"];

impl Intent for Describe {
    fn tool(&self) -> &'static str {
        "describe"
    }

    fn examples(&self) -> &'static [&'static str] {
        &["describe backend", "show me deployment backend"]
    }

    fn hear(&self, segment: &mut Segment, context: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if hearing == Hearing::GoingOn {
            return Some(Heard { asked: true, ..Heard::default() });
        }
        let head = segment.head()?;
        let looks = segment.longest_at(head, LOOKS_LIKE).zip(segment.find(&["look like", "looks like"]));
        if let Some((begin, end)) = looks {
            segment.use_range(begin.start, begin.end);
            segment.use_range(end.start, end.end);
            return Some(Heard { asked: true, ..Heard::default() });
        }
        if segment.take_head(SURE).is_some() {
            segment.take(&["in detail", "in details"]);
            return Some(Heard { asked: true, ..Heard::default() });
        }
        // "show me more details of …"
        let mut trial = segment.clone();
        if reading::take_head(&mut trial) {
            let found = trial.take_head(SURE).is_some() || {
                trial.take_head(&["more", "all", "full", "some"]);
                trial.take_head(SURE).is_some()
            };
            if found {
                *segment = trial;
                return Some(Heard { asked: true, ..Heard::default() });
            }
        }
        let Some(found) = segment.longest_at(head, PERHAPS) else {
            // "deployment backend", and nothing else; "deploy backend" is an order to deploy.
            let mut rest = segment.clone();
            let Target::Named(mention) = target::take(&mut rest, context, &[])? else { return None };
            let single = mention.kind.is_some_and(|kind| kind != "deploy") && !mention.plural && rest.head().is_none();
            let named = !common::is_common(&mention.word.to_lowercase());
            return (single && named).then(|| Heard { weak: true, ..Heard::default() });
        };
        segment.use_range(found.start, found.end);
        // "show backend details"
        let detailed = segment
            .take(&["details", "in detail", "in details", "details please", "info", "information", "more closely"])
            .is_some();
        if detailed {
            return Some(Heard { weak: true, asked: true, ..Heard::default() });
        }
        let questioning = found.phrase.starts_with("what");
        match target::take(&mut segment.clone(), context, target::BEFORE)? {
            Target::Named(mention) if mention.plural || (questioning && mention.kind.is_none()) => None,
            Target::Named(mention) if mention.kind.is_none() && is_misspelt_kind(&mention, context) => None,
            // "show the deployment" is about a kind, unless something was spoken of.
            Target::It | Target::Them if context.focus.targets.is_empty() => None,
            _ => Some(Heard { weak: true, asked: true, ..Heard::default() }),
        }
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        let (kind, name) = target.parts();
        if let Some(kind) = kind {
            arguments.insert("kind".to_owned(), singular(kind).into());
        }
        arguments.insert("name".to_owned(), name.into());
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        lacks_target(arguments, "name")
    }

    fn question(&self, _: Missing, _: &Arguments) -> String {
        "What should be described?".to_owned()
    }

    fn overlay(&self, base: &mut Arguments, new: Arguments) {
        if new.contains_key("name") {
            base.remove("kind");
        }
        base.extend(new);
    }
}

fn is_misspelt_kind(mention: &Mention, context: &Context<'_>) -> bool {
    !context.is_known(&mention.word) && kinds::nearly(&mention.word).is_some()
}

/// Writes kind and name apart, leaving out a kind that people use for the workload ("the backend pods").
pub(super) fn aim_at_object(target: &Mention, arguments: &mut Arguments) {
    let (kind, name) = target.parts();
    let spoken = !target.kind_first && matches!(kind, Some("pod" | "po" | "service" | "svc")) && target.kind.is_some();
    if let Some(kind) = kind.filter(|_| !spoken) {
        arguments.insert("kind".to_owned(), singular(kind).into());
    }
    arguments.insert("name".to_owned(), Value::from(name));
}

/// Returns the singular name of a kind's alias (`svc` is `service`).
fn singular(alias: &str) -> &str {
    todo_agent_kube_rules::kinds::find(alias).map_or(alias, |kind| kind.singular)
}
