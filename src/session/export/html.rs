//! The report as one HTML file: no script, nothing from elsewhere, and a policy in it that says so to the
//! browser. Everything from outside is escaped in one function; its attributes are all our own.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use todo_agent_core::text::{self, Lines};

use super::{Body, Entry, Report, Speaker, Whole};

const STYLE: &str = include_str!("style.css");

/// Writes the report.
pub(super) fn write(report: &Report) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    // Only this style sheet, by its hash; nothing else at all.
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'");
    let _ = writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str("<meta name=\"referrer\" content=\"no-referrer\">\n");
    let session = line(&report.session);
    let _ = writeln!(out, "<title>Incident report: session {session}</title>\n<style>{STYLE}</style>\n</head>\n<body>");
    let _ = writeln!(out, "<h1>Incident report: session <code>{session}</code></h1>");
    let record = report.record();
    let kind = if record.is_whole == Whole::Yes { "whole" } else { "changed" };
    let _ = writeln!(out, "<p class=\"record {kind}\">{}</p>\n<dl>", line(&record.text));
    for (label, fact) in &report.facts {
        let _ = writeln!(out, "<dt>{label}</dt><dd>{}</dd>", line(fact));
    }
    out.push_str("</dl>\n<p>Times are UTC. Secrets were masked when this was recorded.</p>\n");
    out.push_str("<h2>What was said and done</h2>\n");
    for entry in &report.entries {
        write_entry(&mut out, entry);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn write_entry(out: &mut String, entry: &Entry) {
    let class = match entry.speaker {
        Speaker::Person => "person",
        Speaker::Agent => "agent",
        Speaker::Tool => "tool",
        Speaker::Change => "change",
        Speaker::Failure => "failure",
    };
    let subject =
        entry.subject.as_deref().map(|subject| format!(" <code>{}</code>", line(subject))).unwrap_or_default();
    let time = if entry.time.is_empty() { "--:--:--" } else { &entry.time };
    let _ = writeln!(out, "<section class=\"{class}\">\n<h3><time>{time}</time> {}{subject}</h3>", entry.title);
    for body in &entry.body {
        let _ = match body {
            Body::Words(words) => writeln!(out, "<p class=\"words\">{}</p>", escaped(words)),
            Body::Screen(screen) => writeln!(out, "<pre>{}</pre>", escaped(screen.trim_end())),
            Body::Folded(text) => {
                let size = text::count(text.len(), "byte");
                writeln!(out, "<details><summary>{size}</summary>\n<pre>{}</pre>\n</details>", escaped(text))
            }
        };
    }
    out.push_str("</section>\n");
}

/// Returns a text on one line.
fn line(text: &str) -> String {
    escaped(&text::visible(text, Lines::Escape))
}

/// Returns a text that means nothing but itself, hidden characters shown.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text::visible(text, Lines::Keep).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
