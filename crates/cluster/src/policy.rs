//! What may be done without asking, what is asked, what is forbidden: a pure function of the view of a
//! change, of who wants it, and of the rules.
//!
//! The verdict is the strictest of every rule that applies. Rules of a project may only tighten.

use serde::{Deserialize, Serialize};
use todo_agent_core::{
    ChangeView, Risk,
    approval::{By, Origin},
    view::StepView,
};

/// How freely the agent may act in a context.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nothing is changed.
    ReadOnly,
    /// The equivalent command is shown, nothing is changed.
    Suggest,
    /// Every change is asked about.
    #[default]
    Confirm,
    /// Listed tools in listed namespaces act without asking, up to medium risk.
    Auto,
}

/// How far `--yes` answers for the person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Yes {
    /// Not given.
    #[default]
    No,
    /// `--yes`: up to medium risk.
    Medium,
    /// `--yes=high`: any risk.
    High,
}

/// The rules of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The mode of the pinned context.
    pub mode: Mode,
    /// What `--yes` allows.
    pub yes: Yes,
    /// For benchmarks and throw-away clusters: every question is answered yes.
    pub unattended: bool,
    /// Rules of the person and of the project.
    pub rules: Vec<Rule>,
    /// What mode `auto` may do, as (tool, namespace) pairs.
    pub auto: Vec<(String, String)>,
}

/// A rule that tightens: what matches is asked about or forbidden. A missing matcher matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The tool's name.
    #[serde(default)]
    pub tool: Option<String>,
    /// The object's kind.
    #[serde(default)]
    pub kind: Option<String>,
    /// The object's namespace.
    #[serde(default)]
    pub namespace: Option<String>,
    /// What becomes of it.
    pub verdict: RuleVerdict,
}

/// What a rule makes of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleVerdict {
    /// A person is asked, whatever `--yes` says.
    Ask,
    /// It is not done.
    Forbid,
}

/// An answer given for the rest of a session: this operation on this object, up to this risk. A patch is another
/// operation for every field it changes: who agreed to restarts has not agreed to other images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The verb.
    pub verb: String,
    /// The object's kind.
    pub kind: String,
    /// The object's namespace.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
    /// The paths of the fields it may change.
    pub fields: Vec<String>,
    /// The highest risk it covers; never above medium.
    pub risk: Risk,
}

/// What policy says of a change. Ordered from free to strict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be done; the text says by what: `--yes`, a grant, mode `auto`, `--unattended`.
    Allow(String),
    /// A person must say yes.
    Ask(String),
    /// A person must type the objects' names.
    AskByName(String, Vec<String>),
    /// The mode shows commands instead of acting.
    Suggest,
    /// It is not done.
    Forbid(String),
}

impl Verdict {
    fn strictness(&self) -> u8 {
        match self {
            Self::Allow(_) => 0,
            Self::Ask(_) => 1,
            Self::AskByName(..) => 2,
            Self::Suggest => 3,
            Self::Forbid(_) => 4,
        }
    }

    fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::AskByName(why, mut names), Self::AskByName(_, more)) => {
                names.extend(more);
                names.dedup();
                Self::AskByName(why, names)
            }
            (left, right) if right.strictness() > left.strictness() => right,
            (left, _) => left,
        }
    }
}

/// Returns what the rules say of a change.
pub fn decide(view: &ChangeView, origin: &Origin, rules: &Rules, grants: &[Grant]) -> Verdict {
    match rules.mode {
        Mode::ReadOnly => return Verdict::Forbid("this run is read-only".to_owned()),
        Mode::Suggest => return Verdict::Suggest,
        Mode::Confirm | Mode::Auto => {}
    }
    view.steps
        .iter()
        .enumerate()
        .map(|(index, step)| of_step(step, index, origin, rules, grants))
        .reduce(Verdict::stricter)
        // A change without steps has nothing to allow.
        .unwrap_or_else(|| Verdict::Ask("nothing is known about this change".to_owned()))
}

fn of_step(step: &StepView, index: usize, origin: &Origin, rules: &Rules, grants: &[Grant]) -> Verdict {
    let matching: Vec<&Rule> = rules.rules.iter().filter(|rule| matches(rule, step)).collect();
    if matching.iter().any(|rule| rule.verdict == RuleVerdict::Forbid) {
        return Verdict::Forbid(format!("a policy file forbids {} on {}", step.tool, step.target.short()));
    }
    if step.outside && !names_namespace(step, origin) {
        let namespace = step.target.namespace.as_deref().unwrap_or("the whole cluster");
        return Verdict::Forbid(format!("{namespace} is outside the pinned namespace and was not named by you"));
    }
    if rules.unattended {
        return Verdict::Allow("--unattended".to_owned());
    }
    if let Some(why) = &step.protected {
        return Verdict::AskByName(why.clone(), vec![step.target.name.clone()]);
    }
    // What a command reads and does cannot be seen before, so no answer given beforehand covers it.
    if step.verb == "exec" {
        return Verdict::Ask("a command in a container is always asked about".to_owned());
    }
    if !matching.is_empty() {
        return Verdict::Ask("a policy file asks for it".to_owned());
    }
    // Untrusted text may have chosen the values: only the person's own words pass without a look.
    let trusted = !origin.tainted || origin.is_own_words(index) || origin.by == By::Remedy;
    if trusted && let Some(by) = answered(step, rules, grants) {
        return Verdict::Allow(by);
    }
    Verdict::Ask(format!("risk {}", step.risk.word()))
}

fn answered(step: &StepView, rules: &Rules, grants: &[Grant]) -> Option<String> {
    match rules.yes {
        Yes::High => return Some("--yes=high".to_owned()),
        Yes::Medium if step.risk <= Risk::Medium => return Some("--yes".to_owned()),
        Yes::Medium | Yes::No => {}
    }
    let granted = grants.iter().any(|grant| {
        grant.verb == step.verb
            && grant.kind == step.target.kind
            && grant.namespace == step.target.namespace
            && grant.name == step.target.name
            && step.diff.iter().all(|change| grant.fields.iter().any(|field| covers(field, &change.path)))
            && step.risk <= grant.risk.min(Risk::Medium)
    });
    if granted {
        return Some("your answer for this session".to_owned());
    }
    let listed = rules.mode == Mode::Auto
        && step.risk <= Risk::Medium
        && rules.auto.iter().any(|(tool, namespace)| {
            *tool == step.tool && Some(namespace.as_str()) == step.target.namespace.as_deref()
        });
    listed.then(|| "mode auto".to_owned())
}

/// Returns whether a path is the field, or lies in it. A whole object has no path: what is made is always looked at.
fn covers(field: &str, path: &str) -> bool {
    let lies_in = path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    lies_in && !path.is_empty()
}

fn matches(rule: &Rule, step: &StepView) -> bool {
    let same = |wanted: &Option<String>, actual: &str| {
        wanted.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(actual))
    };
    // A rule for a namespace is one for the namespace itself, too.
    let itself = (step.target.kind == "Namespace").then_some(step.target.name.as_str());
    same(&rule.tool, &step.tool)
        && same(&rule.kind, &step.target.kind)
        && same(&rule.namespace, step.target.namespace.as_deref().or(itself).unwrap_or_default())
}

fn names_namespace(step: &StepView, origin: &Origin) -> bool {
    step.target.namespace.as_ref().is_some_and(|namespace| origin.named_namespaces.contains(namespace))
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
