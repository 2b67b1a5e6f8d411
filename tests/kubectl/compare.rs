//! The lines in which two runs of a case differ, and those differences that are understood.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex::Regex;
use serde::Deserialize;
use similar::{ChangeTag, TextDiff};

use super::case::Case;
use super::normalise::RULES;
use super::run::{Output, Outputs};

/// Returns where the outputs of `who` differ from the real ones without a known reason, for people.
pub(crate) fn differences(who: &str, case: &Case, found: &Outputs, real: &Outputs, known: &Known) -> Vec<String> {
    let mut unexplained = Vec::new();
    if found.outputs.len() != real.outputs.len() {
        unexplained.push(format!("{who}: {} outputs, recorded {}", found.outputs.len(), real.outputs.len()));
    }
    for (step, (found, real)) in found.outputs.iter().zip(&real.outputs).enumerate() {
        let (left, right) = (whole(real), whole(found));
        let diff = TextDiff::from_lines(&left, &right);
        for change in diff.iter_all_changes() {
            let sign = match change.tag() {
                ChangeTag::Equal => continue,
                ChangeTag::Delete => "real",
                ChangeTag::Insert => who,
            };
            let line = change.value().trim_end_matches('\n');
            if !known.explains(&case.name, line) {
                unexplained.push(format!("  step {step} `{}`\n    {sign:<8}{line}", found.command));
            }
        }
    }
    unexplained
}

fn whole(output: &Output) -> String {
    let code = output.code.map_or("no exit code".to_owned(), |code| format!("exit code {code}"));
    let mut lines = vec![format!("command: {}", output.command)];
    lines.extend(output.stdout.trim_end().lines().map(str::to_owned));
    lines.extend(output.stderr.lines().map(|line| format!("stderr: {line}")));
    lines.push(code);
    lines.join("\n") + "\n"
}

/// The differences that are understood.
pub(crate) struct Known(Vec<Entry>);

struct Entry {
    written: Written,
    case: Regex,
    line: Regex,
    uses: AtomicUsize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    case: String,
    line: String,
    reason: String,
    /// It is there in some runs and not in others: one without it proves nothing.
    #[serde(default)]
    by_chance: bool,
}

impl Known {
    /// Reads the list: patterns for the whole of a case's name and of a differing line, and the reason.
    pub(crate) fn load(file: &Path) -> Self {
        let written: Vec<Written> = serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let whole = |text: &str| Regex::new(&format!("^(?:{text})$")).unwrap();
        let entry = |written: Written| {
            assert!(written.reason.len() > 20, "a reason that is none: {}", written.reason);
            Entry { case: whole(&written.case), line: whole(&written.line), uses: AtomicUsize::new(0), written }
        };
        Self(written.into_iter().map(entry).collect())
    }

    fn explains(&self, case: &str, line: &str) -> bool {
        let Some(entry) = self.0.iter().find(|entry| entry.case.is_match(case) && entry.line.is_match(line)) else {
            return false;
        };
        entry.uses.fetch_add(1, Ordering::Relaxed);
        true
    }

    /// Returns the entries that explained nothing, although they always should.
    pub(crate) fn idle(&self) -> Vec<String> {
        let is_idle = |entry: &&Entry| !entry.written.by_chance && entry.uses.load(Ordering::Relaxed) == 0;
        let idle = self.0.iter().filter(is_idle);
        idle.map(|entry| format!("{}: {}", entry.written.case, entry.written.line)).collect()
    }

    /// Returns the rules and the known differences, for people.
    pub(crate) fn report(&self, client: &str) -> String {
        let mut lines = vec![format!("{client}: {} normaliser rules", RULES.len())];
        lines.extend(RULES.iter().map(|rule| format!("  {}: {}", rule.name, rule.reason)));
        lines.push(format!("{} known differences", self.0.len()));
        for entry in &self.0 {
            let uses = entry.uses.load(Ordering::Relaxed);
            lines.push(format!("  {uses:>4} × {}: {}", entry.written.case, entry.written.reason));
        }
        lines.join("\n")
    }
}
