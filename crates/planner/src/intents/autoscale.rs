//! "autoscale frontend 2 to 5 at 70% cpu": the bounds of an autoscaler and what it measures.
//!
//! "between 2 and 5" comes here as the one word `2-5`, which `sentence` makes of it.

use super::{Arguments, Heard, Hearing, Intent, lacks_target, values::take_number};
use crate::{
    context::Context,
    number::{self, Amount},
    planned::Missing,
    segment::Segment,
    target::Mention,
};

pub(crate) struct Autoscale;

const VERBS: &[&str] = &[
    "autoscale",
    "auto-scale",
    "auto scale",
    "create hpa for",
    "create autoscaler for",
    "add hpa to",
    "add hpa for",
    "add autoscaler to",
    "add autoscaler for",
    "set up autoscaling for",
    "set up autoscaling of",
    "set up hpa for",
    "enable autoscaling for",
    "enable autoscaling of",
    "enable autoscaling on",
    "turn on autoscaling for",
    "configure autoscaling for",
];
const MEASURES: &[(&str, &[&str])] = &[("cpu", &["cpu"]), ("memory", &["memory", "ram"])];

impl Intent for Autoscale {
    fn tool(&self) -> &'static str {
        "autoscale"
    }

    fn writes(&self) -> bool {
        true
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &["for", "of"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &["autoscale frontend 2 to 5 at 70% cpu", "autoscale backend between 2 and 5"]
    }

    fn hear(&self, segment: &mut Segment, _: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if segment.take_head(VERBS).is_none() && !take_spread_verb(segment) && hearing == Hearing::Fresh {
            return None;
        }
        let mut heard = Heard::default();
        for (flag, key) in
            [("--min", "min"), ("--max", "max"), ("--cpu-percent", "cpu"), ("--cpu", "cpu"), ("--memory", "memory")]
        {
            let given = segment.take_flag(&[flag]);
            if let Some(number) = given.and_then(|given| given.trim_end_matches('%').parse::<i64>().ok()) {
                heard.arguments.insert(key.to_owned(), number.into());
            }
        }
        take_measures(segment, &mut heard.arguments);
        take_bounds(segment, &mut heard.arguments);
        segment.take(&["replicas", "pods", "instances"]);
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        arguments.insert("workload".to_owned(), target.workload().into());
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        // Whether there is an autoscaler whose bounds could stay, only the cluster knows.
        let says_something = ["min", "max", "cpu", "memory"].iter().any(|key| arguments.contains_key(*key));
        lacks_target(arguments, "workload").or((!says_something).then_some(Missing::Count))
    }

    fn question(&self, missing: Missing, _: &Arguments) -> String {
        match missing {
            Missing::Target => "Which workload should be scaled automatically?".to_owned(),
            _ => "Between how many replicas, for example 2 to 5?".to_owned(),
        }
    }
}

/// Takes "make … autoscale" and "scale … automatically".
fn take_spread_verb(segment: &mut Segment) -> bool {
    let Some(head) = segment.head() else { return false };
    let pairs: [(&str, &[&str]); 3] = [
        ("make", &["autoscale", "scale automatically"]),
        ("let", &["autoscale", "scale automatically"]),
        ("scale", &["automatically"]),
    ];
    for (verb, rest) in pairs {
        let (Some(end), Some(rest)) = (segment.match_at(head, verb), segment.find(rest)) else { continue };
        segment.use_range(head, end);
        segment.use_range(rest.start, rest.end);
        return true;
    }
    false
}

/// Takes "at 70% cpu", "cpu 70 percent", "with a cpu target of 70%".
fn take_measures(segment: &mut Segment, arguments: &mut Arguments) {
    for &(resource, nouns) in MEASURES {
        for index in 0..segment.len() {
            let Some((Amount::Percent(percent), end)) = number::at(segment, index) else { continue };
            let begin = segment
                .word(index.wrapping_sub(1))
                .filter(|word| matches!(*word, "at" | "of" | "to"))
                .map_or(index, |_| index - 1);
            if let Some(noun) = segment.longest_at(end, nouns) {
                segment.use_range(begin, noun.end);
                arguments.insert(resource.to_owned(), percent.into());
                break;
            }
            let before = nouns.iter().find_map(|noun| {
                ["", " target", " utilization", " usage"].iter().find_map(|more| {
                    let phrase = format!("{noun}{more}");
                    let words = phrase.split(' ').count();
                    let start = begin.checked_sub(words)?;
                    segment.match_at(start, &phrase).map(|_| start)
                })
            });
            if let Some(start) = before {
                let with = start
                    .checked_sub(1)
                    .filter(|&at| segment.word(at).is_some_and(|word| matches!(word, "with" | "at")));
                segment.use_range(with.unwrap_or(start), end);
                arguments.insert(resource.to_owned(), percent.into());
                break;
            }
        }
    }
    segment.take(&["utilization", "usage"]);
}

/// Takes "2 to 5", "from 2 to 5", `2-5`, "min 2 max 5", "up to 5".
fn take_bounds(segment: &mut Segment, arguments: &mut Arguments) {
    let (min, max) =
        (&["with min", "with minimum", "min", "minimum", "at least"], &["max", "maximum", "up to", "at most"]);
    for (key, words) in [("min", min.as_slice()), ("max", max.as_slice())] {
        if let Some(number) = take_number(segment, words) {
            arguments.insert(key.to_owned(), number.into());
        }
    }
    for index in 0..segment.len() {
        let whole = |at: usize| segment.word(at).and_then(|word| word.parse::<i64>().ok());
        let range = segment
            .word(index)
            .and_then(|word| word.split_once('-'))
            .and_then(|(low, high)| Some((low.parse::<i64>().ok()?, high.parse::<i64>().ok()?)));
        let (low, high, end) = match (range, whole(index), whole(index + 2)) {
            (Some((low, high)), ..) => (low, high, index + 1),
            (None, Some(low), Some(high)) if segment.word(index + 1) == Some("to") => (low, high, index + 3),
            _ => continue,
        };
        let from =
            index.checked_sub(1).filter(|&at| segment.word(at).is_some_and(|word| matches!(word, "from" | "with")));
        segment.use_range(from.unwrap_or(index), end);
        arguments.insert("min".to_owned(), low.into());
        arguments.insert("max".to_owned(), high.into());
        return;
    }
}
