//! What the run found: printed always, and a failure when a difference has no reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;

use super::case::{Behaviour, Case};
use super::compare::{Difference, Known};
use super::mutation::Tally;
use super::normalise;

/// The least part of mutated answers that must fail a case, in percent.
const KILL_RATE: usize = 95;

/// Counts and findings.
#[derive(Default)]
pub(crate) struct Report {
    cases: usize,
    distribution: BTreeMap<&'static str, BTreeMap<String, usize>>,
    unrecorded: Vec<String>,
    unexplained: Vec<String>,
    asked_again: Vec<String>,
    explained: BTreeMap<usize, usize>,
    mutations: Tally,
}

impl Report {
    /// Counts a case.
    pub(crate) fn count(&mut self, behaviour: &Behaviour, case: &Case) {
        self.cases += 1;
        for (sort, word) in [("behaviour", &behaviour.name), ("verb", &case.verb), ("kind", &case.kind)] {
            *self.distribution.entry(sort).or_default().entry(word.clone()).or_default() += 1;
        }
    }

    /// Notes a case that no real server has answered.
    pub(crate) fn unrecorded(&mut self, case: &Case) {
        self.unrecorded.push(case.name.clone());
    }

    /// Notes that a live server answered a case otherwise, and is asked again.
    pub(crate) fn asked_again(&mut self, case: &Case, differences: &[Difference]) {
        let places: Vec<&str> = differences.iter().map(|difference| difference.at.as_str()).take(3).collect();
        self.asked_again.push(format!("{}: {}", case.name, places.join(", ")));
    }

    /// Notes what differs in a case.
    pub(crate) fn differences(&mut self, who: &str, case: &Case, differences: &[Difference], known: &Known) {
        for difference in differences {
            match known.explains(&case.name, difference) {
                Some(entry) => *self.explained.entry(entry).or_default() += 1,
                None => self.unexplained.push(format!(
                    "{}: {}\n    {who:<8}{}\n    real    {}",
                    case.name, difference.at, difference.found, difference.real
                )),
            }
        }
    }

    /// Adds the mutations of a case.
    pub(crate) fn mutations(&mut self, tally: Tally) {
        self.mutations.add(tally);
    }

    /// Prints everything and fails when something is wrong.
    pub(crate) fn finish(self, known: &Known, is_complete: bool) {
        let mut text = format!("contract: {} cases\n", self.cases);
        for (sort, counts) in &self.distribution {
            let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{word} {count}")).collect();
            let _ = writeln!(text, "  by {sort}: {}", counts.join(", "));
        }
        let _ = writeln!(text, "  normaliser: {} rules", normalise::RULES.len());
        let _ = writeln!(text, "  known differences: {}", known.entries.len());
        for (at, entry) in known.entries.iter().enumerate() {
            let count = self.explained.get(&at).copied().unwrap_or(0);
            let _ = writeln!(text, "    {count:>4} × {}: {}", entry.written, entry.reason);
        }
        let _ = writeln!(text, "  unexplained differences: {}", self.unexplained.len());
        for difference in &self.unexplained {
            let _ = writeln!(text, "  - {difference}");
        }
        let _ = writeln!(text, "  live cases asked again: {}", self.asked_again.len());
        for case in &self.asked_again {
            let _ = writeln!(text, "  - {case}");
        }
        let _ = writeln!(text, "  {}", self.mutations);
        let _ = std::io::stdout().write_all(text.as_bytes());

        assert!(self.unexplained.is_empty(), "{} differences have no reason", self.unexplained.len());
        assert!(self.unrecorded.is_empty(), "never answered by a real server: {:#?}", self.unrecorded);
        if is_complete {
            let used: BTreeSet<usize> = self.explained.keys().copied().collect();
            let idle: Vec<&str> = (0..known.entries.len())
                .filter(|at| !used.contains(at))
                .map(|at| known.entries[at].written.as_str())
                .collect();
            assert!(idle.is_empty(), "these known differences are gone; remove them: {idle:#?}");
            assert!(self.mutations.percent() >= KILL_RATE, "too many wrong answers go unseen");
        }
    }
}
