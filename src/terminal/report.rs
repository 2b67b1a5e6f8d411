//! What came of a change, and the account at the end of a turn.
//!
//! The words say what the signs and colours repeat: `ok`, `not verified`, `failed`, `not sent`, `unknown`.

use todo_agent_core::{
    Outcome, Report,
    report::{EffectReport, Printed},
    text,
};

use super::{page::Page, style::Role};

/// Returns the report as plain text for a terminal of this many columns.
pub fn render_report(report: &Report, width: usize) -> String {
    report_page(report, width).plain()
}

/// Returns the account of a turn's changes as plain text: one line per effect, or that there were none.
pub fn render_ledger(ledger: &[String], width: usize) -> String {
    ledger_page(ledger, width).plain()
}

/// Returns the report, laid out.
pub fn report_page(report: &Report, width: usize) -> Page {
    let mut page = Page::new(width);
    for effect in &report.effects {
        let (role, word) = word(effect);
        page.add(role, &format!("{word}: "), &effect.summary);
        page.add(Role::Plain, "  ", effect.outcome.text());
        if let Some(printed) = &effect.printed {
            add_printed(&mut page, printed);
        }
    }
    for remaining in &report.remaining {
        page.add(Role::Warn, "not sent: ", remaining);
    }
    let touched = report.effects.iter().any(|effect| effect.outcome.touched_the_cluster());
    match &report.undo {
        Some(undo) if touched => {
            page.add(Role::Hint, "undo: ", &format!("todo-agent undo {}  ({undo})", report.change_id));
        }
        None if touched && report.lasts.is_some() => {}
        None if touched => page.add(Role::Plain, "undo: ", "not possible for this change"),
        _ => page.add(Role::Plain, "", "Nothing was changed."),
    }
    if let Some(lasts) = report.lasts.as_ref().filter(|_| touched) {
        page.add(Role::Plain, "lasts: ", lasts);
    }
    page
}

/// Returns the account of a turn's changes, laid out.
pub fn ledger_page(ledger: &[String], width: usize) -> Page {
    let mut page = Page::new(width);
    match ledger {
        [] => page.add(Role::Faint, "", "Changes in this turn: none"),
        [one] if text::width(one) + 22 <= width => page.add(Role::Plain, "Changes in this turn: ", one),
        several => {
            page.add(Role::Plain, "", "Changes in this turn:");
            for line in several {
                page.add(Role::Plain, "- ", line);
            }
        }
    }
    page
}

/// Adds what a command printed, line by line; marked, so that no line of it passes for one of the program's own.
fn add_printed(page: &mut Page, printed: &Printed) {
    if printed.is_empty() {
        page.add(Role::Faint, "  ", "it printed nothing");
        return;
    }
    for (mark, line) in printed.marked() {
        page.add(Role::Plain, &format!("  {mark} "), line);
    }
    if printed.cut {
        page.add(Role::Warn, "  ", "it printed more than is kept; what is shown is the beginning");
    }
}

fn word(effect: &EffectReport) -> (Role, &'static str) {
    match effect.outcome {
        // It ran, and what it says of itself is all that is known.
        Outcome::NotVerified { .. } if effect.printed.is_some() => (Role::Bad, "✗ it ran, and failed"),
        Outcome::Done { .. } => (Role::Good, "✓ ok"),
        Outcome::NotVerified { .. } => (Role::Warn, "sent, but not verified"),
        Outcome::Moved { .. } => (Role::Warn, "not sent, the object has changed"),
        Outcome::Failed { .. } => (Role::Bad, "✗ failed"),
        Outcome::Unknown { .. } => (Role::Bad, "sent, result unknown"),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use todo_agent_core::view::TargetView;

    use super::*;

    fn effect(summary: &str, outcome: Outcome) -> EffectReport {
        let target = TargetView {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("todo".into()),
            name: "backend".into(),
        };
        EffectReport { summary: summary.into(), target, outcome, printed: None }
    }

    fn report(effects: Vec<EffectReport>, remaining: Vec<String>) -> Report {
        Report {
            change_id: "c-7k2m9q".into(),
            effects,
            remaining,
            undo: Some("scale deployment/backend back to 2".into()),
            lasts: None,
        }
    }

    #[test]
    fn a_change_that_was_made_and_seen() {
        let done = Outcome::Done { output: "3 of 3 replicas available".into() };
        let report = report(vec![effect("scale deployment/backend from 2 to 3 replicas", done)], vec![]);
        assert_snapshot!(render_report(&report, 80), @"
    ✓ ok: scale deployment/backend from 2 to 3 replicas
      3 of 3 replicas available
    undo: todo-agent undo c-7k2m9q  (scale deployment/backend back to 2)
    ");
    }

    #[test]
    fn a_change_that_went_half_way() {
        let why = "1 of 3 replicas available; pod backend-x: CrashLoopBackOff".to_owned();
        let first = effect("scale deployment/backend from 2 to 3 replicas", Outcome::NotVerified { why });
        let report = report(vec![first], vec!["restart deployment/frontend".into()]);
        assert_snapshot!(render_report(&report, 40), @"
    sent, but not verified: scale
                        deployment/backend
                        from 2 to 3 replicas
      1 of 3 replicas available; pod
      backend-x: CrashLoopBackOff
    not sent: restart deployment/frontend
    undo: todo-agent undo c-7k2m9q  (scale
          deployment/backend back to 2)
    ");
    }

    #[test]
    fn a_change_that_was_refused_offers_no_undo() {
        let refused = Outcome::Failed { why: "forbidden: you may not patch deployments/scale".into() };
        let report = report(vec![effect("scale deployment/backend from 2 to 3 replicas", refused)], vec![]);
        assert_snapshot!(render_report(&report, 80), @"
    ✗ failed: scale deployment/backend from 2 to 3 replicas
      forbidden: you may not patch deployments/scale
    Nothing was changed.
    ");
    }

    #[test]
    fn what_a_command_printed_cannot_pass_for_the_programs_own_lines() {
        let ended = Outcome::NotVerified { why: "exit status 2".into() };
        let mut ran = effect("run ls /x /data in pod/redis-0", ended);
        let stdout = "dump.rdb\n✓ ok: everything is fine\u{1b}[2J\n".into();
        ran.printed = Some(Printed { stdout, stderr: "ls: /x: No such file\n".into(), cut: true });
        let report = Report { undo: None, ..report(vec![ran], vec![]) };
        assert_snapshot!(render_report(&report, 80), @r"
        ✗ it ran, and failed: run ls /x /data in pod/redis-0
          exit status 2
          | dump.rdb
          | ✓ ok: everything is fine\u{1b}[2J
          ! ls: /x: No such file
          it printed more than is kept; what is shown is the beginning
        undo: not possible for this change
        ");
    }

    #[test]
    fn what_ends_by_itself_says_when() {
        let done = Outcome::Done { output: "127.0.0.1:8080 leads to port 3000 of pod/frontend-1".into() };
        let report = report(vec![effect("forward 127.0.0.1:8080 to port 3000 of pod/frontend-1", done)], vec![]);
        let report = Report { undo: None, lasts: Some("until this session ends".into()), ..report };
        assert_snapshot!(render_report(&report, 80), @r"
        ✓ ok: forward 127.0.0.1:8080 to port 3000 of pod/frontend-1
          127.0.0.1:8080 leads to port 3000 of pod/frontend-1
        lasts: until this session ends
        ");
    }

    #[test]
    fn every_turn_says_what_it_changed() {
        assert_snapshot!(render_ledger(&[], 80), @"Changes in this turn: none");
        assert_snapshot!(render_ledger(&["deployment/backend: scaled from 2 to 3".into()], 80), @"Changes in this turn: deployment/backend: scaled from 2 to 3");
        let line = "deployment/backend: scaled from 2 to 3";
        assert_eq!(render_ledger(&[line.into()], 40), format!("Changes in this turn:\n- {line}\n"));
        assert_snapshot!(render_ledger(&["one\u{1b}[2J".into(), "two".into()], 80), @r"
    Changes in this turn:
    - one\u{1b}[2J
    - two
    ");
    }
}
