//! The report as Markdown. Everything from outside stands in code: a block between fences longer than any in
//! it, or a span on one line. So it can form no heading, link, image, mention or HTML, in any dialect.

use std::fmt::Write;

use todo_agent_core::text::{self, Lines};

use super::{Body, Entry, Report, Whole};

/// The width at which sentences are wrapped: code is not wrapped by those who show it.
const WIDTH: usize = 100;

/// Writes the report.
pub(super) fn write(report: &Report) -> String {
    let mut out = format!("# Incident report: session {}\n\n", span(&report.session));
    let record = report.record();
    if record.is_whole == Whole::No {
        let _ = writeln!(out, "> **{}**\n", record.text);
    }
    for (label, fact) in &report.facts {
        let _ = writeln!(out, "- {label}: {}", span(fact));
    }
    if record.is_whole == Whole::Yes {
        let _ = writeln!(out, "- Record: {}", record.text);
    }
    out.push_str("\nTimes are UTC. Secrets were masked when this was recorded.\n\n## What was said and done\n");
    for entry in &report.entries {
        write_entry(&mut out, entry);
    }
    out
}

fn write_entry(out: &mut String, entry: &Entry) {
    let time = if entry.time.is_empty() { "--:--:--" } else { &entry.time };
    let subject = entry.subject.as_deref().map(|subject| format!(" {}", span(subject))).unwrap_or_default();
    let _ = write!(out, "\n### {time} {}{subject}\n", entry.title);
    for body in &entry.body {
        let shown = match body {
            Body::Words(words) => wrapped(words),
            Body::Screen(text) | Body::Folded(text) => text.clone(),
        };
        let _ = write!(out, "\n{}", block(&shown));
    }
}

/// Returns a text as one line of code.
fn span(text: &str) -> String {
    let text = text::visible(text, Lines::Escape);
    if text.trim().is_empty() {
        return "(nothing)".to_owned();
    }
    let ticks = "`".repeat(longest_run(&text, '`') + 1);
    // A space keeps ticks of the text apart from the marks.
    let space = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// Returns a text as a block of code.
fn block(text: &str) -> String {
    let text = text::visible(text, Lines::Keep);
    let fence = "`".repeat((longest_run(&text, '`') + 1).max(3));
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str, sign: char) -> usize {
    text.split(|character| character != sign).map(str::len).max().unwrap_or(0)
}

fn wrapped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let mut column = 0;
        for word in line.split_inclusive(' ') {
            let width = text::width(word.trim_end());
            if column > 0 && column + width > WIDTH {
                out.truncate(out.trim_end_matches(' ').len());
                out.push('\n');
                column = 0;
            }
            out.push_str(word);
            column += text::width(word);
        }
        out.push('\n');
    }
    out
}
