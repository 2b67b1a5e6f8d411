//! The preview: the screen on which a person decides. Every line that matters for the decision is here,
//! whole, at any width, and nothing from outside can look like a line of the program's own.
//!
//! Layout: the cluster and namespace, then each step with its object, its fields, its risk and how sure
//! the preview is, then how to take it back and the command that would do the same.

use todo_agent_core::{
    ChangeView, Remark, Risk,
    view::{FieldChange, ProofView, StepView},
};

use super::{
    page::Page,
    style::Role,
    values::{self, Mark, Shown},
};

/// Returns the preview of a change as plain text for a terminal of this many columns.
pub fn render_preview(view: &ChangeView, width: usize) -> String {
    preview_page(view, width).plain()
}

/// Returns the preview of a change, laid out.
pub fn preview_page(view: &ChangeView, width: usize) -> Page {
    let mut page = Page::new(width);
    page.add(Role::Strong, "", &format!("Change {}", view.change_id));
    let cluster = &view.cluster;
    row(&mut page, 2, Role::Plain, "context", &format!("{} ({})", cluster.context, cluster.server));
    row(&mut page, 2, Role::Plain, "namespace", &namespaces(view));
    if view.steps.len() > 1 {
        row(
            &mut page,
            2,
            risk_role(view.risk()),
            "risk",
            &format!("{} (the highest of all steps)", view.risk().word()),
        );
    }
    caution(&mut page, 2, "the context", values::foreign(&cluster.context));
    let mut phase = 1;
    for step in &view.steps {
        page.gap();
        if step.phase > phase {
            page.add(Role::Plain, "", &format!("when the steps above have settled (phase {}):", step.phase));
            phase = step.phase;
        }
        add_step(&mut page, step);
    }
    page.gap();
    match &view.undo {
        Some(undo) => row(&mut page, 0, Role::Plain, "undo", undo),
        None => row(&mut page, 0, Role::Warn, "undo", "not possible: this change cannot be taken back"),
    }
    for command in &view.equivalent {
        page.add_command(Role::Faint, "same as    ", command);
    }
    page
}

fn add_step(page: &mut Page, step: &StepView) {
    page.add(Role::Strong, &format!("{}. ", step.n), &step.summary);
    let target = &step.target;
    let place = match &target.namespace {
        Some(namespace) => format!("in namespace {namespace}"),
        None => "for the whole cluster (it has no namespace)".to_owned(),
    };
    let object = format!("{} {} {} {place} ({})", step.verb, target.kind, target.name, target.api_version);
    row(page, 3, Role::Plain, "action", &object);
    for change in &step.diff {
        match step.verb.as_str() {
            // Nothing was there before, and it is no field of the object.
            "exec" | "forward" => {
                let value = change.after.as_ref().map(values::plain).unwrap_or_default();
                row(page, 3, Role::Strong, &change.path, &value);
            }
            _ => add_field(page, change),
        }
    }
    row(page, 3, risk_role(step.risk), "risk", step.risk.word());
    let (role, proof) = match step.proof {
        ProofView::Served => (Role::Plain, "checked by the server (dry run)"),
        ProofView::Computed => (Role::Warn, "not confirmed by the server: worked out here"),
        ProofView::Stated => (Role::Warn, "not confirmed by the server: this cannot be tried before it is done"),
    };
    row(page, 3, role, "proof", proof);
    if let Some(why) = &step.protected {
        row(page, 3, Role::Bad, "protected", why);
    }
    if step.outside {
        let place = target.namespace.as_deref().unwrap_or("the whole cluster");
        row(page, 3, Role::Warn, "outside", &format!("this is outside the namespace you work in: {place}"));
    }
    for remark in &step.remarks {
        match remark {
            Remark::Fact(fact) => row(page, 3, Role::Plain, "note", fact),
            Remark::KeptBy(keeper) => row(page, 3, Role::Warn, "kept by", keeper),
        }
    }
    for warning in &step.warnings {
        row(page, 3, Role::Warn, "warning", &format!("from the server: {warning}"));
    }
    caution(page, 3, "the name", values::foreign(&target.name));
    caution(page, 3, "the namespace", values::foreign(target.namespace.as_deref().unwrap_or_default()));
    caution(page, 3, "the kind", values::foreign(&format!("{} {}", target.kind, target.api_version)));
    for change in &step.diff {
        let text = [&change.before, &change.after].into_iter().flatten().map(ToString::to_string).collect::<String>();
        caution(page, 3, &change.path, values::look_alikes(&text));
    }
}

fn add_field(page: &mut Page, change: &FieldChange) {
    match values::shown(change) {
        Shown::Line(line) => row(page, 3, Role::Plain, "change", &format!("{}: {line}", change.path)),
        Shown::Block(lines) => {
            if change.path.is_empty() {
                row(page, 3, Role::Plain, "object", "as the server would keep it:");
            } else {
                row(page, 3, Role::Plain, "change", &format!("{}:", change.path));
            }
            for (mark, line) in lines {
                match mark {
                    Mark::Added => page.add(Role::Good, "     + ", &line),
                    Mark::Removed => page.add(Role::Bad, "     - ", &line),
                    Mark::Kept => page.add(Role::Faint, "       ", &line),
                    Mark::Skipped => page.add(Role::Faint, "     ", &line),
                }
            }
        }
    }
}

fn row(page: &mut Page, indent: usize, role: Role, label: &str, text: &str) {
    page.add(role, &format!("{}{label:<11}", " ".repeat(indent)), text);
}

/// Names the characters that could be taken for others.
fn caution(page: &mut Page, indent: usize, what: &str, characters: Vec<char>) {
    if characters.is_empty() {
        return;
    }
    let listed: Vec<String> =
        characters.into_iter().map(|character| format!("{character} (U+{:04X})", u32::from(character))).collect();
    let text = format!("{what} holds characters that can pass for others: {}", listed.join(", "));
    row(page, indent, Role::Bad, "look-alike", &text);
}

fn namespaces(view: &ChangeView) -> String {
    let mut names: Vec<&str> = Vec::new();
    for step in &view.steps {
        let name = step.target.namespace.as_deref().unwrap_or("none (cluster-wide)");
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

fn risk_role(risk: Risk) -> Role {
    match risk {
        Risk::Low => Role::Good,
        Risk::Medium => Role::Warn,
        Risk::High => Role::Bad,
    }
}

#[cfg(test)]
#[path = "preview_tests.rs"]
mod tests;
