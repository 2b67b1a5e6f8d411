//! "scale backend to 3", "add two replicas to frontend", "double the backend": how many replicas.
//!
//! Verbs that also mean other things ("set", "make", "run") count only with a number of replicas. A number that
//! cannot be a count (-1, 3.5, 1e9) becomes a question here: it is neither rounded nor sent on.

use super::{Arguments, Heard, Hearing, Intent, Sharing, lacks_target};
use crate::{
    context::Context,
    count::{self, Count, Direction},
    lexicon::kinds,
    number,
    planned::Missing,
    segment::Segment,
    target::Mention,
};

pub(crate) struct Scale;

/// How sure a verb is to be about replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    /// Also without a number: then the number is asked for.
    Sure,
    /// With a number, or with the word "replicas".
    Likely,
    /// Only with a number of replicas or "to" and a number.
    Doubtful,
    /// Only with a number of replicas: "update backend to 3" may mean a version.
    Remote,
}

use Direction::{Down, Neither, Up};
use Strength::{Doubtful, Likely, Remote, Sure};

const VERBS: &[(&str, Strength, Direction)] = &[
    ("scale", Sure, Neither),
    ("scale up", Sure, Up),
    ("scale out", Sure, Up),
    ("scale down", Sure, Down),
    ("scale in", Sure, Down),
    ("scale back", Sure, Down),
    ("rescale", Sure, Neither),
    ("upscale", Sure, Up),
    ("downscale", Sure, Down),
    ("resize", Likely, Neither),
    ("increase", Likely, Up),
    ("raise", Likely, Up),
    ("grow", Likely, Up),
    ("bump", Likely, Up),
    ("bump up", Likely, Up),
    ("expand", Likely, Up),
    ("extend", Likely, Up),
    ("decrease", Likely, Down),
    ("reduce", Likely, Down),
    ("lower", Likely, Down),
    ("shrink", Likely, Down),
    ("drop", Likely, Down),
    ("cut", Likely, Down),
    ("cut down", Likely, Down),
    ("bring down", Likely, Down),
    ("bring up", Likely, Up),
    ("take down", Likely, Down),
    ("set", Doubtful, Neither),
    ("change", Doubtful, Neither),
    ("adjust", Doubtful, Neither),
    ("make", Doubtful, Neither),
    ("make sure", Doubtful, Neither),
    ("put", Doubtful, Neither),
    ("bring", Doubtful, Neither),
    ("take", Doubtful, Neither),
    ("run", Remote, Neither),
    ("get", Doubtful, Neither),
    ("give", Doubtful, Neither),
    ("give me", Doubtful, Neither),
    ("give us", Doubtful, Neither),
    ("get me", Doubtful, Neither),
    ("get us", Doubtful, Neither),
    ("keep", Remote, Neither),
    ("have", Remote, Neither),
    ("use", Remote, Neither),
    ("move", Remote, Neither),
    ("turn", Remote, Neither),
    ("go", Remote, Neither),
    ("update", Remote, Neither),
    ("start", Remote, Neither),
    ("spin up", Remote, Neither),
    ("launch", Remote, Neither),
    ("modify", Remote, Neither),
    ("scale-up", Sure, Up),
    ("scaleup", Sure, Up),
    ("scale-out", Sure, Up),
    ("scale-down", Sure, Down),
    ("scaledown", Sure, Down),
    ("ensure", Doubtful, Neither),
];

/// Verbs whose number is a difference: "add 2 replicas to backend".
const DIFFERENCES: &[(&str, Direction)] = &[
    ("add", Up),
    ("remove", Down),
    ("take away", Down),
    ("spin up another", Up),
    ("start another", Up),
    ("drop another", Down),
    ("throw in", Up),
    ("remove another", Down),
    ("add another", Up),
    ("subtract", Down),
    ("launch another", Up),
];

const MULTIPLES: &[(&str, u32)] = &[
    ("double", 200),
    ("triple", 300),
    ("treble", 300),
    ("quadruple", 400),
    ("halve", 50),
    ("half", 50),
    ("double up", 200),
];

/// Said of a wish for more, without a number.
const MORE_LOAD: &[&str] = &[
    "to handle more load",
    "to handle more traffic",
    "to handle load",
    "to handle traffic",
    "for more load",
    "for more traffic",
    "to handle heavy load",
    "to handle higher load",
    "to handle increased load",
    "to handle more requests",
    "to handle more users",
    "to cope with load",
    "to cope with more load",
    "to serve more users",
    "little",
    "some",
    "further",
];

impl Intent for Scale {
    fn tool(&self) -> &'static str {
        "scale"
    }

    fn writes(&self) -> bool {
        true
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &["of", "for", "on", "to", "from", "in"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["scale backend to 3", "add 2 replicas to frontend", "scale backend to 3 and frontend to 2"]
    }

    fn hear(&self, segment: &mut Segment, context: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if let Some(multiple) = take_multiple(segment) {
            let mut heard = Heard::default();
            count::take_units(segment);
            heard.arguments.insert("percent".to_owned(), multiple.into());
            heard.sharing = Sharing::All;
            return Some(heard);
        }
        if !kinds::only_with_pods(segment) {
            return None;
        }
        let verb = take_verb(segment);
        let (strength, mut direction, difference) = match verb {
            Some(Verb { strength, direction, difference }) => (Some(strength), direction, difference),
            None => (None, Neither, false),
        };
        if strength.is_some()
            && let Some(found) = segment.take(&["back up", "back down", "up", "down", "out", "back"])
        {
            direction = match found.phrase {
                "up" | "out" | "back up" => Up,
                "down" | "back down" => Down,
                _ => direction,
            };
        }
        let pods_named = count::names_pods(segment);
        let wish = segment.wish;
        let pronoun = segment.find(&["it", "them", "that"]).is_some();
        let units = count::take_units(segment);
        let count = count::take(segment, direction, difference);
        let units = count::take_units(segment) || units;
        let has_number = !count.arguments.is_empty() || count.problem.is_some();
        let after_scale = context.focus.last.last().is_some_and(|call| call.tool == "scale");
        let accepted = match strength {
            Some(Sure) => true,
            Some(Likely) => has_number || units,
            Some(Doubtful) => {
                (difference && units)
                    || has_number
                        && (units || pods_named || count.prepositioned || count.relative || (pronoun && after_scale))
            }
            Some(Remote) => has_number && (units || pods_named || count.relative),
            None if hearing == Hearing::GoingOn => true,
            None => has_number && is_order_without_verb(segment, &count, units || pods_named, wish),
        };
        if !accepted {
            return None;
        }
        if strength == Some(Sure) && !has_number {
            segment.take(MORE_LOAD);
        }
        let sharing = match (difference, count.plain) {
            (true, _) => Sharing::All,
            (false, true) => Sharing::Undecided,
            (false, false) => Sharing::Own,
        };
        Some(Heard {
            asked: strength.is_some(),
            arguments: count.arguments,
            weak: matches!(strength, None | Some(Doubtful | Remote)),
            problem: count.problem,
            direction: match direction {
                Up => Some(Missing::CountUp),
                Down => Some(Missing::CountDown),
                Neither => None,
            },
            sharing,
        })
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        arguments.insert("workload".to_owned(), target.workload().into());
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        let counted = ["replicas", "delta", "percent"].iter().any(|key| arguments.contains_key(*key));
        lacks_target(arguments, "workload").or((!counted).then_some(Missing::Count))
    }

    fn question(&self, missing: Missing, arguments: &Arguments) -> String {
        let workload = arguments.get("workload").and_then(serde_json::Value::as_str).unwrap_or("it");
        match missing {
            Missing::Target => "Which workload should be scaled?".to_owned(),
            Missing::Count | Missing::CountUp | Missing::CountDown | Missing::Image | Missing::Schedule => {
                format!("How many replicas should {workload} have?")
            }
        }
    }

    fn overlay(&self, base: &mut Arguments, new: Arguments) {
        if !new.is_empty() {
            base.retain(|key, _| !matches!(key.as_str(), "replicas" | "delta" | "percent"));
        }
        base.extend(new);
    }
}

/// Returns whether a count without a verb is an order. "Backend to 3 replicas", "3 replicas for backend" and "3
/// replicas of backend please" are; "the 3 replicas of backend" only speaks of them.
fn is_order_without_verb(segment: &Segment, count: &Count, counted: bool, wish: bool) -> bool {
    let says = |words: &[&str]| segment.tokens().iter().any(|token| words.contains(&token.word.as_str()));
    if count.relative {
        return counted || wish || says(&["more", "fewer", "less"]);
    }
    let number_first = segment.tokens().first().is_some_and(|token| number::is_numeric(&token.word));
    let spoken_of = says(&["at", "with", "on"]) || (number_first && !says(&["for", "to"]));
    counted && (wish || !spoken_of)
}

struct Verb {
    strength: Strength,
    direction: Direction,
    difference: bool,
}

fn take_verb(segment: &mut Segment) -> Option<Verb> {
    let first = segment.head()?;
    // "backend scale to 3": the name may stand before the surest verb.
    let named = segment.match_at(first + 1, "scale").is_some() && segment.match_at(first, "scale").is_none();
    let head = if named { first + 1 } else { first };
    let plain = VERBS
        .iter()
        .filter_map(|&(verb, strength, direction)| Some((segment.match_at(head, verb)?, strength, direction, false)));
    let difference = DIFFERENCES
        .iter()
        .filter_map(|&(verb, direction)| Some((segment.match_at(head, verb)?, Doubtful, direction, true)));
    // "more replicas for backend"
    let more = [("more", Up), ("fewer", Down), ("less", Down)].into_iter().filter_map(|(word, direction)| {
        let replicas = segment.find(&["replicas", "instances", "copies"]).is_some();
        Some((segment.match_at(head, word).filter(|_| replicas)?, Likely, direction, true))
    });
    let plain = plain.chain(more);
    let (end, strength, direction, difference) = plain.chain(difference).max_by_key(|(end, ..)| *end)?;
    segment.use_range(head, end);
    Some(Verb { strength, direction, difference })
}

fn take_multiple(segment: &mut Segment) -> Option<u32> {
    let head = segment.head()?;
    let (end, percent) =
        MULTIPLES.iter().filter_map(|&(verb, percent)| Some((segment.match_at(head, verb)?, percent))).max()?;
    // "half the replicas of backend", but not "half of backend"
    if segment.match_at(head, "half").is_some() && segment.find(&["replicas", "pods", "instances"]).is_none() {
        return None;
    }
    segment.use_range(head, end);
    Some(percent)
}
