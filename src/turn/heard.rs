//! What a model hears of a turn: decisions and outcomes in plain words, so that it neither claims more than was done nor
//! tries again what was turned down. Pure.

use todo_agent_core::{
    Outcome,
    output::MODEL_BYTES,
    report::{EffectReport, Printed},
    text,
};

/// What a call gets that was not run.
pub(super) const NOT_RUN: &str = "(not run: the turn ended before)";
/// What the calls of a plan get after its first.
pub(super) const PART_OF_PLAN: &str = "(part of the plan above; see its result)";
/// Returns a decision as a model hears it. What was turned down must not come back by another way.
pub(super) fn decision(verdict: &str, by: &str, reason: Option<&str>) -> String {
    let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    match verdict {
        "approved" => format!("approved by {by}{reason}"),
        "declined" => format!("The person declined this change{reason}. Nothing was sent. Do not propose it again."),
        "stopped" => "The person stopped here. Nothing was sent. Do not propose it again.".to_owned(),
        "forbidden" => format!("Policy forbids this change{reason}. Nothing was sent. Do not try another way."),
        "needs_approval" => format!("This change needs a person's approval{reason}. Nothing was sent."),
        "dry_run" => "Previewed only, as the person wished; nothing was sent.".to_owned(),
        "suggested" => "Shown as a suggestion only; nothing was sent.".to_owned(),
        other => format!("{other} by {by}{reason}"),
    }
}

pub(super) fn effect(effect: &EffectReport, change_id: &str) -> String {
    let result = match effect.outcome {
        Outcome::Done { .. } => "done and verified",
        // What the command was to bring about, its exit status does not say.
        Outcome::NotVerified { .. } if effect.printed.is_some() => "it ran, and ended with a failure",
        Outcome::NotVerified { .. } => "sent, NOT verified",
        Outcome::Moved { .. } => "not sent, the object changed",
        Outcome::Failed { .. } => "failed, nothing changed",
        Outcome::Unknown { .. } => "outcome unknown",
    };
    let said = format!("{} ({change_id}): {result}: {}", effect.summary, effect.outcome.text());
    match &effect.printed {
        Some(printed) => format!("{said}\n{}", text::middle_out(&of_command(printed), MODEL_BYTES)),
        None => said,
    }
}

/// Returns what a command printed, told apart from what this program says.
fn of_command(printed: &Printed) -> String {
    if printed.is_empty() {
        return "it printed nothing".to_owned();
    }
    let mut said = "it printed:\n".to_owned();
    for (mark, line) in printed.marked() {
        said.extend([mark, ' ']);
        said.push_str(line);
        said.push('\n');
    }
    if printed.cut {
        said.push_str("(it printed more than is kept)\n");
    }
    said
}
