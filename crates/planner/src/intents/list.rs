//! "list pods", "which deployments are failing in shop?", "how many pods are running": objects of one kind.

use super::{
    Arguments, Heard, Hearing, Intent, Needs,
    list_phrases::{COUNT, GLUE, LABELLED, NAMED, OLDEST, SORT_WORDS, SORTS, STATES},
    reading,
};
use crate::{
    context::Context,
    lexicon::kinds::{self, Spelling},
    number::{self, Amount},
    planned::Missing,
    segment::{Found, Segment},
    target::Mention,
};

pub(crate) struct List;

impl Intent for List {
    fn tool(&self) -> &'static str {
        "list"
    }

    fn looks_everywhere(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    fn examples(&self) -> &'static [&'static str] {
        &["list pods", "which pods are not ready?", "how many deployments are there in namespace shop"]
    }

    fn hear(&self, segment: &mut Segment, context: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let mut heard = Heard::default();
        let arguments = &mut heard.arguments;
        let everything = segment
            .take_head(&[
                "what is running",
                "what's running",
                "whats running",
                "what runs",
                "show what is running",
                "show me what is running",
                "show me what's running",
            ])
            .is_some();
        if everything {
            arguments.insert("kind".to_owned(), "pods".into());
            arguments.insert("status".to_owned(), "running".into());
        }
        // "what is a pod?" asks for an explanation.
        let explained = segment
            .head()
            .and_then(|head| segment.longest_at(head, &["what is", "what's"]))
            .and_then(|found| kinds::at(segment, found.end, Spelling::Exact))
            .is_some_and(|kind| !kind.plural);
        if explained {
            return None;
        }
        if segment.take(COUNT).is_some() {
            arguments.insert("count_only".to_owned(), true.into());
        }
        if let Some(selector) = take_selector(segment) {
            arguments.insert("selector".to_owned(), selector.into());
        }
        if let Some(sort) = take_of(segment, SORTS) {
            arguments.insert("sort".to_owned(), sort.into());
            segment.take(SORT_WORDS);
        }
        if let Some(status) = take_of(segment, STATES) {
            arguments.insert("status".to_owned(), status.into());
        }
        if let Some(limit) = take_limit(segment) {
            arguments.insert("limit".to_owned(), limit.into());
        }
        // Sorting by age shows the youngest first: the whole list answers "oldest", the first few of it would not.
        if !arguments.contains_key("limit") && !arguments.contains_key("sort") && segment.take(OLDEST).is_some() {
            arguments.insert("sort".to_owned(), "age".into());
        }
        heard.asked = reading::take_head(segment);
        let mut place = None;
        if !everything {
            let kind = [Spelling::Exact, Spelling::Forgiving].into_iter().find_map(|spelling| {
                (0..segment.len()).find_map(|index| {
                    let known = segment.word(index).is_some_and(|word| context.is_known(word));
                    kinds::at(segment, index, spelling)
                        .filter(|_| !(spelling == Spelling::Forgiving && known))
                        .map(|kind| (index, kind))
                })
            });
            place = kind.map(|(index, kind)| (index, kind.end));
            match kind {
                // "deploy backend" is an order to deploy, not a list of deployments.
                Some((0, kind)) if kind.alias == "deploy" => return None,
                Some((index, kind)) => {
                    segment.use_range(index, kind.end);
                    arguments.insert("kind".to_owned(), kind.kind.plural.into());
                    settle_running(kind.kind.kind, arguments);
                }
                None if hearing == Hearing::GoingOn => {}
                None => return None,
            }
        }
        if let Some(name) = take_name(segment, context, place) {
            arguments.insert("name_contains".to_owned(), name.into());
        }
        segment.take_all(GLUE);
        if hearing == Hearing::GoingOn && arguments.is_empty() {
            return Some(Heard { weak: true, ..heard });
        }
        Some(heard)
    }

    fn aim(&self, _: &Mention, _: &mut Arguments) {}

    fn lacks(&self, _: &Arguments) -> Option<Missing> {
        None
    }

    fn overlay(&self, base: &mut Arguments, new: Arguments) {
        if new.contains_key("kind") {
            base.remove("status");
            base.remove("name_contains");
        }
        base.extend(new);
    }
}

/// Makes of "running" what the kind can answer: pods run, workloads are ready, services merely exist.
fn settle_running(kind: &str, arguments: &mut Arguments) {
    if arguments.get("status").and_then(serde_json::Value::as_str) != Some("running") {
        return;
    }
    match kind {
        "Pod" | "Job" => {}
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Node" => {
            arguments.insert("status".to_owned(), "ready".into());
        }
        _ => {
            arguments.remove("status");
        }
    }
}

fn take_of(segment: &mut Segment, table: &[(&'static str, &'static str)]) -> Option<&'static str> {
    let phrases: Vec<&'static str> = table.iter().map(|(phrase, _)| *phrase).collect();
    let found = segment.take(&phrases)?;
    table.iter().find(|(phrase, _)| *phrase == found.phrase).map(|(_, meaning)| *meaning)
}

/// Takes a label selector: `-l app=web`, "with label app=web".
fn take_selector(segment: &mut Segment) -> Option<String> {
    if let Some(value) = segment.take_flag(&["-l", "--selector"]) {
        return Some(value);
    }
    let index = (0..segment.len()).find(|&index| {
        segment.free(index).is_some_and(|token| {
            token
                .text
                .split_once('=')
                .is_some_and(|(key, value)| !key.is_empty() && !value.is_empty() && !key.starts_with('-'))
        })
    })?;
    let start = (index.saturating_sub(3)..index)
        .find(|&at| segment.longest_at(at, LABELLED).is_some_and(|found| found.end == index))
        .unwrap_or(index);
    segment.use_range(start, index + 1);
    Some(segment.tokens()[index].text.clone())
}

/// Takes "top 5", "first 10", "limit 3", or "5" before a kind.
fn take_limit(segment: &mut Segment) -> Option<i64> {
    if let Some(value) = segment.take_flag(&["--limit"]) {
        return value.parse().ok();
    }
    for index in 0..segment.len() {
        let before = segment.longest_at(
            index,
            &["top", "first", "limit to", "limit", "at most", "only first", "max", "maximum", "limited to", "up to"],
        );
        let begin = before.map_or(index, |found| found.end);
        if let Some((Amount::Whole { value: value @ 1.., signed: false }, end)) = number::at(segment, begin)
            && (before.is_some() || kinds::at(segment, end, Spelling::Exact).is_some())
        {
            segment.use_range(index, end);
            return Some(value);
        }
    }
    None
}

/// Takes the part of a name: "named backend", "of the frontend", or a bare name beside the kind.
fn take_name(segment: &mut Segment, context: &Context<'_>, kind: Option<(usize, usize)>) -> Option<String> {
    for index in 0..segment.len() {
        if let Some(found) = segment.longest_at(index, NAMED)
            && let kind_end = kinds::at(segment, found.end, Spelling::Exact).map_or(found.end, |kind| kind.end)
            && context.is_name_at(segment, kind_end)
        {
            let found = Found { end: kind_end, ..found };
            let name = segment.tokens()[found.end].text.clone();
            let end = segment
                .longest_at(
                    found.end + 1,
                    &["in name", "in their name", "in its name", "in their names", "app", "application", "workload"],
                )
                .map_or(found.end + 1, |found| found.end);
            segment.use_range(index, end);
            return Some(name);
        }
    }
    // A bare name must stand beside the kind: "which node is redis-0 on" is no list of nodes.
    let index = segment.unused().find(|&index| context.is_name_at(segment, index))?;
    let beside = kind.is_none_or(|(start, end)| {
        let between = if index < start { index + 1..start } else { end..index };
        between.into_iter().all(|at| segment.word(at).is_none_or(|word| matches!(word, "does" | "do" | "has")))
    });
    if !beside {
        return None;
    }
    segment.use_range(index, index + 1);
    Some(segment.tokens()[index].text.clone())
}
