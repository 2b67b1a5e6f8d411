//! How a step of a script ended, for a person: a line, and below it what went wrong and what the step showed.
//!
//! The words say what the signs and colours repeat: `ok`, `failed`, `skipped`.

use todo_agent_core::text;

use super::{page::Page, style::Role};
use crate::script::{Part, Status, StepResult};

/// How many bytes of what a failed step showed are shown; reports have more.
const SHOWED_BYTES: usize = 4 * 1024;

/// Returns how a step ended, laid out.
pub fn step_page(step: &StepResult, width: usize) -> Page {
    let mut page = Page::new(width);
    let (role, word) = match step.status {
        Status::Passed => (Role::Good, "✓ ok       "),
        Status::Failed => (Role::Bad, "✗ failed   "),
        Status::Skipped => (Role::Faint, "- skipped  "),
    };
    let after = match (step.status, &step.note) {
        (Status::Skipped, Some(why)) => format!("  ({})", **why),
        (_, Some(note)) => format!("  ({:.1} s, {})", step.seconds, **note),
        (_, None) => format!("  ({:.1} s)", step.seconds),
    };
    let part = if step.part == Part::Always { "always: " } else { "" };
    page.add(role, word, &format!("{part}{}{after}", *step.name));
    if step.status != Status::Failed {
        return page;
    }
    for unmet in &step.unmet {
        page.add(Role::Plain, "    ", &unmet.line());
    }
    if step.showed.is_empty() {
        page.add(Role::Faint, "    ", "it showed nothing");
        return page;
    }
    page.add(Role::Faint, "    ", "it showed:");
    for line in text::middle_out(&step.showed, SHOWED_BYTES).lines() {
        page.add(Role::Plain, "    | ", line);
    }
    page
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use todo_agent_core::Redactor;

    use super::*;
    use crate::script::Unmet;

    #[test]
    fn a_step_is_a_line_and_a_failed_one_says_why() {
        let redactor = Redactor::new([1; 32]);
        let step = |status, unmet, showed: &str, note: Option<&str>| StepResult {
            n: 1,
            part: if status == Status::Skipped { Part::Always } else { Part::Steps },
            name: redactor.text("three \u{1b}[2J pods"),
            status,
            exit: Some(0),
            seconds: 1.26,
            unmet,
            note: note.map(|note| redactor.text(note)),
            showed: redactor.text(showed),
        };
        let unmet = Unmet {
            expectation: redactor.text("json /total"),
            expected: redactor.text("3"),
            actual: redactor.text("it was 2"),
        };
        let pages = [
            step(Status::Passed, vec![], "", None),
            step(Status::Passed, vec![], "", Some("only previewed")),
            step(Status::Failed, vec![unmet.clone()], "2 pods in namespace todo\nNAME  READY", None),
            step(Status::Failed, vec![unmet], "", None),
            step(Status::Skipped, vec![], "", Some("interrupted")),
        ];
        let shown: String = pages.iter().map(|step| step_page(step, 80).plain()).collect();
        assert_snapshot!(shown, @r"
        ✓ ok       three \u{1b}[2J pods  (1.3 s)
        ✓ ok       three \u{1b}[2J pods  (1.3 s, only previewed)
        ✗ failed   three \u{1b}[2J pods  (1.3 s)
            json /total: expected 3, but it was 2
            it showed:
            | 2 pods in namespace todo
            | NAME  READY
        ✗ failed   three \u{1b}[2J pods  (1.3 s)
            json /total: expected 3, but it was 2
            it showed nothing
        - skipped  always: three \u{1b}[2J pods  (interrupted)
        ");
    }
}
