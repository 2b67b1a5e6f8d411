//! "logs of backend since 10 minutes", "grep the backend logs for timeout": what a workload wrote.

use super::{Arguments, Heard, Hearing, Intent, lacks_target, reading};
use crate::{
    context::Context,
    number::{self, Amount},
    planned::Missing,
    segment::Segment,
    target::Mention,
    time,
    tokens::TokenKind,
};

pub(crate) struct Logs;

const NOUNS: &[&str] = &[
    "log lines",
    "log output",
    "log messages",
    "log entries",
    "log file",
    "logfile",
    "logs",
    "log",
    "console output",
    "stdout",
    "logging",
    "logging output",
    "lines of log",
    "lines of logs",
    "printing",
    "logged",
    "printed",
    "lines",
];
const FOLLOW: &[&str] = &[
    "tail -f",
    "-f",
    "--follow",
    "follow",
    "stream",
    "streaming",
    "live",
    "in real time",
    "in realtime",
    "realtime",
    "real-time",
    "continuously",
    "follow along",
    "as they come",
    "keep following",
];
const PREVIOUS: &[&str] = &[
    "from before crash",
    "before crash",
    "before crashing",
    "before dying",
    "before it died",
    "from before restart",
    "before restart",
    "before last restart",
    "before it crashed",
    "from before it crashed",
    "from before last crash",
    "before last crash",
    "from previous run",
    "of previous run",
    "from last run",
    "of last run",
    "previous container",
    "previous instance",
    "previous run",
    "previous pod",
    "previous ones",
    "previous one",
    "previously crashed",
    "previous",
    "-p",
    "--previous",
    "crashed container",
    "crashed instance",
    "crashed",
    "last crash",
    "from last crash",
    "last instance",
    "old container",
    "terminated",
    "last run",
    "earlier run",
    "prior",
    "--previous=true",
    "crash",
];
/// Verbs that look for something in the logs.
const SEARCH: &[&str] = &[
    "grep",
    "search",
    "search through",
    "search in",
    "filter",
    "scan",
    "look",
    "look for",
    "look in",
    "look through",
    "check",
    "find",
    "search for",
    "grep for",
    "check if",
];
/// Words straight before what is looked for.
const CONTAINING: &[&str] = &[
    "containing",
    "that contain",
    "that contains",
    "which contain",
    "contain",
    "contains",
    "with word",
    "with text",
    "matching",
    "that match",
    "mentioning",
    "that mention",
    "filtered by",
    "filtered for",
    "filter by",
    "filter for",
    "grep for",
    "grep",
    "including",
    "search for",
    "look for",
    "looking for",
    "find",
    "only lines with",
    "lines with",
    "with string",
    "filtered on",
    "having",
    "search",
    "| grep",
    "--grep",
    "with",
    "for word",
    "for lines containing",
    "for string",
    "for text",
];
/// What people look for by a general word, and the text that logs have for it.
const USUAL: &[(&str, &str)] = &[
    ("error messages", "error"),
    ("error lines", "error"),
    ("errors", "error"),
    ("error", "error"),
    ("exceptions", "exception"),
    ("exception", "exception"),
    ("warnings", "warn"),
    ("warning", "warn"),
    ("panics", "panic"),
    ("panic", "panic"),
    ("fatal errors", "fatal"),
    ("fatal", "fatal"),
    ("timeouts", "timeout"),
    ("timeout", "timeout"),
    ("failures", "fail"),
    ("tracebacks", "traceback"),
    ("traceback", "traceback"),
];

impl Intent for Logs {
    fn tool(&self) -> &'static str {
        "logs"
    }

    fn examples(&self) -> &'static [&'static str] {
        &["logs of backend", "show the last 50 lines of the backend logs", "backend logs since 10m"]
    }

    fn hear(&self, segment: &mut Segment, context: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        let mut heard = Heard::default();
        let arguments = &mut heard.arguments;
        let usual: Vec<&'static str> = USUAL.iter().map(|(phrase, _)| *phrase).collect();
        let about_logs = segment.find(NOUNS).is_some();
        let tailed =
            segment.head().is_some_and(|head| segment.longest_at(head, &["tail", "follow", "stream"]).is_some());
        let errors =
            segment.find(&["errors", "error", "exceptions", "error messages", "exception", "tracebacks"]).is_some();
        if hearing == Hearing::Fresh && !(about_logs || tailed || errors) {
            return None;
        }
        if let Some(since) = time::take_since(segment) {
            arguments.insert("since".to_owned(), since.into());
        }
        let search = segment.head().and_then(|head| segment.longest_at(head, SEARCH)).is_some();
        if let Some(pattern) = take_pattern(segment, context, search, &usual) {
            arguments.insert("grep".to_owned(), pattern.into());
        }
        if let Some(lines) = take_tail(segment) {
            arguments.insert("tail".to_owned(), lines.into());
        }
        if segment.take(FOLLOW).is_some() {
            arguments.insert("follow".to_owned(), true.into());
        }
        if segment.take(PREVIOUS).is_some() {
            arguments.insert("previous".to_owned(), true.into());
            segment.take(&["previous"]);
        }
        if let Some(container) = take_container(segment, context) {
            arguments.insert("container".to_owned(), container.into());
        }
        segment.take(NOUNS);
        segment.take(NOUNS);
        segment.take_head(&["tail"]);
        segment.take_head(SEARCH);
        reading::take_head(segment);
        segment.take_all(&[
            "output of",
            "output from",
            "output",
            "say",
            "saying",
            "says",
            "only",
            "messages",
            "entries",
            "last",
            "log",
            "its own",
            "instead",
            "is",
        ]);
        // "errors in backend" alone: weaker than a request that says logs.
        heard.weak = !about_logs && !tailed;
        Some(heard)
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        arguments.insert("target".to_owned(), target.workload().into());
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        lacks_target(arguments, "target")
    }

    fn question(&self, _: Missing, _: &Arguments) -> String {
        "Whose logs do you want to see?".to_owned()
    }
}

/// What is counted in logs.
const LINES: &[&str] = &[
    "log lines",
    "lines",
    "entries",
    "messages",
    "log entries",
    "log messages",
    "rows",
    "lines of logs",
    "lines of log",
    "lines of output",
    "logs",
    "line",
];

/// Takes "last 50 lines", "tail 100", `--tail=50`, "50 lines".
fn take_tail(segment: &mut Segment) -> Option<i64> {
    if let Some(value) = segment.take_flag(&["--tail"]) {
        return value.parse().ok();
    }
    for index in 0..segment.len() {
        let before = segment.longest_at(
            index,
            &["last", "latest", "newest", "final", "recent", "most recent", "tail", "tail -n", "tail last", "bottom"],
        );
        let begin = before.map_or(index, |found| found.end);
        let Some((Amount::Whole { value: value @ 0.., signed: false }, end)) = number::at(segment, begin) else {
            continue;
        };
        let end = segment.longest_at(end, &["last", "latest"]).map_or(end, |found| found.end);
        match segment.longest_at(end, LINES) {
            Some(lines) => {
                let keep =
                    lines.phrase == "logs" || lines.phrase.ends_with("of logs") || lines.phrase.ends_with("of log");
                segment.use_range(index, if keep && lines.phrase == "logs" { end } else { lines.end });
            }
            None if before.is_some() => segment.use_range(index, end),
            None => continue,
        }
        return Some(value);
    }
    None
}

fn take_container(segment: &mut Segment, context: &Context<'_>) -> Option<String> {
    if let Some(value) = segment.take_flag(&["-c", "--container"]) {
        return Some(value);
    }
    let found = segment.find(&["container"])?;
    let called = segment.longest_at(found.end, &["called", "named"]).map_or(found.end, |called| called.end);
    let names = segment.unused().filter(|&index| context.is_name_at(segment, index)).count();
    if context.is_name_after_kind(segment, called) {
        let name = segment.tokens()[called].text.clone();
        let start = found.start - usize::from(found.start > 0 && segment.match_at(found.start - 1, "in").is_some());
        segment.use_range(start, called + 1);
        return Some(name);
    }
    // "the sidecar container of backend": another name is the workload.
    let before = found.start.checked_sub(1).filter(|&at| context.is_name_at(segment, at))?;
    // "the sidecar container in backend": what looked like a place is the workload.
    let in_workload = segment.tokens().get(found.end).is_some_and(|token| token.word == "in");
    if names < 2 && !in_workload {
        return None;
    }
    let name = segment.tokens()[before].text.clone();
    segment.use_range(before, found.end);
    Some(name)
}

/// Takes what to look for.
fn take_pattern(segment: &mut Segment, context: &Context<'_>, search: bool, usual: &[&'static str]) -> Option<String> {
    // A quotation of several words is no name, so it is what is looked for.
    let quoted = segment.unused().find(|&index| {
        segment
            .free(index)
            .is_some_and(|token| token.kind == TokenKind::Quoted && token.text.contains(char::is_whitespace))
    });
    if let Some(index) = quoted {
        let start = before_pattern(segment, index);
        segment.use_range(start, index + 1);
        return Some(segment.tokens()[index].text.clone());
    }
    for index in 0..segment.len() {
        if let Some(found) = segment.longest_at(index, usual) {
            let start = before_pattern(segment, index);
            segment.use_range(start, found.end);
            return USUAL.iter().find(|(phrase, _)| *phrase == found.phrase).map(|(_, text)| (*text).to_owned());
        }
    }
    let mut places: Vec<usize> = Vec::new();
    if search {
        places.extend((1..segment.len()).filter(|&at| segment.match_at(at, "for").is_some()));
    }
    places.extend((0..segment.len()).filter(|&at| segment.longest_at(at, CONTAINING).is_some()));
    let names = segment.unused().filter(|&index| context.is_name_at(segment, index)).count();
    for place in places {
        let found = segment.longest_at(place, CONTAINING);
        let end = found.map_or(place + 1, |found| found.end);
        let Some(token) = segment.free(end) else { continue };
        // The thing looked for may not be the only name: "search backend" looks for nothing yet.
        let only_name = context.is_name_at(segment, end) && names < 2 && token.kind != TokenKind::Quoted;
        if token.kind == TokenKind::Mark || (only_name && place == 0) || NOUNS.contains(&token.word.as_str()) {
            continue;
        }
        let text = token.text.clone();
        segment.use_range(place, end + 1);
        return Some(text);
    }
    None
}

/// Returns where the words before a pattern begin: "for", "containing", "that contain".
fn before_pattern(segment: &Segment, pattern: usize) -> usize {
    (pattern.saturating_sub(3)..pattern)
        .find(|&at| {
            segment.longest_at(at, CONTAINING).is_some_and(|found| found.end == pattern)
                || (at + 1 == pattern && segment.match_at(at, "for").is_some())
        })
        .unwrap_or(pattern)
}
