//! What is wrong with a script, in the order of its lines, as one problem.

use std::{fmt::Write as _, path::Path};

use crate::{
    exit::Exit,
    problem::Problem,
    script::placed::{Mistake, Place},
};

/// The most mistakes that are told at once.
const MOST: usize = 20;

/// Mistakes found so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(super) fn add(&mut self, place: Place, message: impl Into<String>) {
        self.0.push(Mistake { place, message: message.into() });
    }

    /// Adds a mistake with what would be right.
    pub(super) fn add_hinted(&mut self, place: Place, message: &str, hints: &[String]) {
        let hint = hints.first().map(|hint| format!("; {hint}")).unwrap_or_default();
        self.add(place, format!("{message}{hint}"));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the problem: one mistake as a line of its own, several below each other.
    pub(super) fn problem(mut self, path: &Path) -> Problem {
        self.0.sort();
        self.0.dedup();
        let shown = path.display();
        let line = |Mistake { place: Place { line, column }, message }: &Mistake| {
            format!("{shown}:{line}:{column}: {message}")
        };
        let message = match self.0.as_slice() {
            [one] => line(one),
            several => {
                let mut text = format!("{shown} has {} mistakes", several.len());
                for mistake in several.iter().take(MOST) {
                    let _ = write!(text, "\n{}", line(mistake));
                }
                if several.len() > MOST {
                    let _ = write!(text, "\n… and {} more", several.len() - MOST);
                }
                text
            }
        };
        let problem = Problem { exit: Exit::Usage, code: "script", message, hints: Vec::new() };
        problem.hint("nothing was run; docs/SCRIPTS.md says what a script can hold")
    }
}

impl From<Mistake> for Mistakes {
    fn from(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }
}
