//! Follows logs: polls once a second and shows each new line as an event, until interrupted, out of time,
//! or no container is left that could say more.
//!
//! What a poll sees twice is shown once. Pods that start later are not picked up.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde_json::json;
use todo_agent_core::{Cause, Event, Output, Reader, Run, ToolError, text::count};

use super::{
    Pods, Wanted,
    collect::{self, RunOf, Source},
    parse::{self, Line},
};

const POLL: Duration = Duration::from_secs(1);
/// How far back a poll looks beyond the last one, so that a slow request loses nothing.
const OVERLAP: Duration = Duration::from_secs(5);

/// Follows until the end of the turn and answers how much was shown.
pub(super) async fn follow(
    reader: &dyn Reader,
    run: &Run,
    found: &Pods,
    sources: &[Source],
    wanted: &Wanted,
) -> Result<Output, ToolError> {
    let sources: Vec<&Source> = sources.iter().filter(|source| source.run == RunOf::Present).collect();
    if sources.is_empty() {
        let text = format!("no container to follow in {}", found.described());
        return Ok(Output::build(&run.redactor, &json!({"lines": 0})).text(text).build());
    }
    run.progress(format!("following {}; Ctrl-C ends it", found.what));
    let mut seen: BTreeMap<usize, Seen> = BTreeMap::new();
    let mut shown = 0;
    let mut first = true;
    loop {
        let mut fresh = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            let mut query = collect::query(&found.namespace, source, wanted, collect::bytes_each(sources.len()));
            if !first {
                (query.since, query.tail) = (Some(POLL + OVERLAP), None);
            }
            match reader.logs(&query).await {
                Ok(log) => {
                    let lines = parse::parse(&log.bytes, index).lines;
                    fresh.extend(seen.entry(index).or_default().new_lines(lines));
                }
                // A container that has not started or is gone says nothing; the others go on.
                Err(error) if matches!(error.cause, Cause::Invalid | Cause::NotFound | Cause::Unavailable) => {}
                Err(error) => return Err(error.into()),
            }
        }
        fresh.sort_by_key(|line| line.time);
        for line in fresh {
            if wanted.grep.as_ref().is_some_and(|grep| !grep.is_match(&line.text)) {
                continue;
            }
            let prefix = if sources.len() > 1 { format!("{} | ", sources[line.source].name()) } else { String::new() };
            run.send(Event::Line(run.redactor.text(&format!("{prefix}{}", line.text))));
            shown += 1;
        }
        first = false;
        match run.sleep(POLL).await {
            Ok(()) => {}
            Err(error) if matches!(error.cause, Cause::Cancelled | Cause::TimedOut) => break,
            Err(error) => return Err(error.into()),
        }
    }
    let text = format!("followed {}: {}", found.what, count(shown, "line"));
    Ok(Output::build(&run.redactor, &json!({"target": found.what, "lines": shown})).text(text).build())
}

/// What was shown of one log: the newest instant, and how many lines of that instant.
#[derive(Default)]
struct Seen {
    newest: Option<Timestamp>,
    at_newest: usize,
}

impl Seen {
    /// Returns the lines that were not shown before. Lines are in the order of time.
    fn new_lines(&mut self, lines: Vec<Line>) -> Vec<Line> {
        let mut at_newest = 0;
        let mut fresh = Vec::new();
        for line in lines {
            if line.time < self.newest {
                continue;
            }
            if line.time == self.newest && self.newest.is_some() {
                at_newest += 1;
                if at_newest <= self.at_newest {
                    continue;
                }
            }
            fresh.push(line);
        }
        if let Some(last) = fresh.last() {
            let newest = last.time;
            let known = if newest == self.newest { self.at_newest } else { 0 };
            self.at_newest = known + fresh.iter().filter(|line| line.time == newest).count();
            self.newest = newest;
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(log: &str) -> Vec<Line> {
        parse::parse(log.as_bytes(), 0).lines
    }

    #[test]
    fn a_poll_that_overlaps_the_last_one_shows_nothing_twice() {
        let mut seen = Seen::default();
        let texts = |lines: Vec<Line>| lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join(",");
        assert_eq!(texts(seen.new_lines(lines("2026-03-01T12:00:00Z a\n2026-03-01T12:00:01Z b\n"))), "a,b");
        assert_eq!(texts(seen.new_lines(lines("2026-03-01T12:00:01Z b\n2026-03-01T12:00:01Z c\n"))), "c");
        assert_eq!(texts(seen.new_lines(lines("2026-03-01T12:00:01Z b\n2026-03-01T12:00:01Z c\n"))), "");
        assert_eq!(texts(seen.new_lines(lines("2026-03-01T12:00:01Z c\n2026-03-01T12:00:02Z d\n"))), "d");
    }
}
