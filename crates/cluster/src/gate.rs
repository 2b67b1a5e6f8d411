//! The one gate: every change of a cluster passes here, and only here an approval is made.
//!
//! [`Approved`] has no constructor, cannot be copied and cannot be read from a file:
//!
//! ```compile_fail,E0451
//! # use todo_agent_cluster::{Approved, Cluster, DigestKey};
//! # use todo_agent_core::ChangeView;
//! fn forge(cluster: Cluster, key: DigestKey, view: ChangeView) -> Approved {
//!     let expires = jiff::Timestamp::MAX;
//!     Approved { cluster, key, view, phases: vec![], undo: vec![], expires, by: String::new(), chosen: vec![] } // private fields
//! }
//! ```
//! ```compile_fail,E0308
//! # use todo_agent_cluster::Approved;
//! fn twice(approved: &Approved) -> Approved {
//!     approved.clone() // not Clone: an approval is good once
//! }
//! ```
//! ```compile_fail,E0277
//! # use todo_agent_cluster::Approved;
//! fn read(text: &str) -> Approved {
//!     serde_json::from_str(text).unwrap() // not Deserialize
//! }
//! ```
//! ```compile_fail,E0382
//! # use todo_agent_cluster::{Approved, execute};
//! # use todo_agent_core::{Run, journal::Journal};
//! async fn again(approved: Approved, journal: &mut dyn Journal, run: &Run) {
//!     let first = execute(approved, journal, run).await;
//!     let second = execute(approved, journal, run).await; // used up by the first
//! }
//! ```

use std::time::Duration;

use jiff::Timestamp;
use todo_agent_core::{
    ChangeView, Recipe, Run,
    approval::{Answer, ApprovalQuestion, Approver, Origin},
    journal::{Entry, Journal, JournalError, JournalRecord, StepRecord},
};

use crate::{
    policy::{self, Grant, Rules, Verdict},
    preview::{PlannedPhase, Preview},
};

/// How long an approval is good for.
const APPROVAL_LASTS: Duration = Duration::from_mins(10);

/// Decides about changes, by policy first and by asking the person where policy does not decide.
#[derive(Debug)]
pub struct Gate {
    rules: Rules,
    grants: Vec<Grant>,
}

/// A change that may be executed once, on the cluster it was previewed on, as it was shown.
pub struct Approved {
    pub(crate) cluster: crate::Cluster,
    pub(crate) key: crate::DigestKey,
    pub(crate) view: ChangeView,
    pub(crate) phases: Vec<PlannedPhase>,
    pub(crate) undo: Vec<Recipe>,
    pub(crate) expires: Timestamp,
    by: String,
    chosen: Vec<usize>,
}

impl Approved {
    /// Returns who or what approved it: `you`, `--yes`, a grant, mode `auto`.
    pub fn by(&self) -> &str {
        &self.by
    }

    /// Returns the numbers that the approved steps had in the preview, ascending; step `n` of the report is
    /// the one that was `n`-th of these.
    pub fn chosen(&self) -> &[usize] {
        &self.chosen
    }

    /// Returns what was approved.
    pub fn view(&self) -> &ChangeView {
        &self.view
    }
}

impl std::fmt::Debug for Approved {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Approved").field("by", &self.by).finish_non_exhaustive()
    }
}

/// Who consents to a change, and to which of its steps. Not an [`Approved`]: it holds nothing that could be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// `you`, `--yes`, a grant, mode `auto`.
    pub by: String,
    /// The numbers of the steps, ascending.
    pub chosen: Vec<usize>,
}

/// Why a change was not approved. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Policy forbids it.
    Forbidden(String),
    /// A person would have to be asked, and nobody can be.
    NeedsApproval(String),
    /// The person said no, with these words.
    Declined(String),
    /// The person wants other arguments for a step.
    Edit {
        /// The step's number, from 1.
        step: usize,
        /// The arguments as JSON text.
        args: String,
    },
    /// The person wants the turn to end.
    Stop,
    /// The mode shows commands instead of acting.
    Suggested,
    /// What is done could not be recorded, so it is not done.
    NoJournal(JournalError),
}

impl Gate {
    /// Returns a gate with these rules and no grants.
    pub fn new(rules: Rules) -> Self {
        Self { rules, grants: Vec::new() }
    }

    /// Returns the rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Forgets every grant, for example when the context changes, and takes new rules.
    pub fn reset(&mut self, rules: Rules) {
        self.rules = rules;
        self.grants.clear();
    }

    /// Decides about a previewed change and records the approval before returning it.
    ///
    /// # Errors
    /// Returns why it was not approved.
    pub async fn admit(
        &mut self,
        preview: Preview,
        origin: &Origin,
        approver: &mut dyn Approver,
        journal: &mut dyn Journal,
        run: &Run,
    ) -> Result<Approved, Refusal> {
        let shown_at = run.clock.now();
        let consent = self.judge(&preview.view, origin, approver, run).await?;
        let all = consent.chosen.len() == preview.view.steps.len();
        let preview = if all { preview } else { narrowed(preview, &consent.chosen) };
        approve(preview, consent, shown_at, journal, run)
    }

    /// Decides about a change by its view alone, with the grants so far, and asks the person where policy does not
    /// decide. What comes of it is a word and no approval: nothing can be executed with it.
    ///
    /// # Errors
    /// Returns why the change is not consented to.
    pub async fn judge(
        &mut self,
        view: &ChangeView,
        origin: &Origin,
        approver: &mut dyn Approver,
        run: &Run,
    ) -> Result<Consent, Refusal> {
        let all: Vec<usize> = view.steps.iter().map(|step| step.n).collect();
        let consent = |by: &str| Ok(Consent { by: by.to_owned(), chosen: all.clone() });
        let (reason, type_names) = match policy::decide(view, origin, &self.rules, &self.grants) {
            Verdict::Allow(by) => return consent(&by),
            Verdict::Forbid(why) => return Err(Refusal::Forbidden(why)),
            Verdict::Suggest => return Err(Refusal::Suggested),
            Verdict::Ask(reason) => (reason, Vec::new()),
            Verdict::AskByName(reason, names) => (reason, names),
        };
        let question = ApprovalQuestion {
            view,
            reason: &reason,
            type_names: &type_names,
            grant_offered: type_names.is_empty() && view.risk() <= todo_agent_core::Risk::Medium,
            cancel: &run.cancel,
        };
        let answer = approver.ask(&question).await;
        if run.cancel.is_cancelled() {
            return Err(Refusal::Stop);
        }
        let by_name = !type_names.is_empty();
        match answer {
            Answer::Typed(names) if by_name && names == type_names => consent("you"),
            Answer::Yes | Answer::YesForSession | Answer::Typed(_) | Answer::Only(_) if by_name => {
                Err(Refusal::Declined("the name was not typed as it is".to_owned()))
            }
            Answer::YesForSession if question.grant_offered => {
                self.grants.extend(view.steps.iter().map(|step| Grant {
                    verb: step.verb.clone(),
                    kind: step.target.kind.clone(),
                    namespace: step.target.namespace.clone(),
                    name: step.target.name.clone(),
                    fields: step.diff.iter().map(|change| change.path.clone()).collect(),
                    risk: step.risk,
                }));
                consent("you, for this session")
            }
            Answer::Yes | Answer::YesForSession => consent("you"),
            Answer::Only(steps) => {
                let chosen: Vec<usize> = all.iter().copied().filter(|step| steps.contains(step)).collect();
                if chosen.is_empty() {
                    return Err(Refusal::Declined("no step was chosen".to_owned()));
                }
                Ok(Consent { by: "you, in part".to_owned(), chosen })
            }
            Answer::Edit { step, args } => Err(Refusal::Edit { step, args }),
            Answer::No(reason) => Err(Refusal::Declined(reason)),
            Answer::Typed(_) => Err(Refusal::Declined("a name was typed where yes was asked".to_owned())),
            Answer::Stop => Err(Refusal::Stop),
            Answer::Nobody => Err(Refusal::NeedsApproval(reason)),
        }
    }
}

fn approve(
    preview: Preview,
    Consent { by, chosen }: Consent,
    shown_at: Timestamp,
    journal: &mut dyn Journal,
    run: &Run,
) -> Result<Approved, Refusal> {
    let uids: Vec<Option<String>> =
        preview.phases.iter().flat_map(|phase| &phase.effects).map(|effect| effect.uid.clone()).collect();
    let steps = preview
        .view
        .steps
        .iter()
        .zip(uids)
        .map(|(step, uid)| StepRecord {
            summary: step.summary.clone(),
            verb: step.verb.clone(),
            target: step.target.clone(),
            uid,
            digest: step.digest.clone(),
        })
        .collect();
    let record = JournalRecord {
        at: run.clock.now(),
        change_id: preview.view.change_id.clone(),
        entry: Entry::Approved {
            cluster: preview.view.cluster.identity.clone(),
            by: by.clone(),
            steps,
            undo: preview.undo.clone(),
            undoes: preview.undoes.clone(),
        },
    };
    journal.append(&record).map_err(Refusal::NoJournal)?;
    Ok(Approved {
        cluster: preview.cluster,
        key: preview.key,
        view: preview.view,
        phases: preview.phases,
        undo: preview.undo,
        expires: shown_at.saturating_add(APPROVAL_LASTS).unwrap_or(shown_at),
        by,
        chosen,
    })
}

/// Keeps only the chosen steps, renumbered from 1, with what must settle for them and how to undo them.
fn narrowed(mut preview: Preview, chosen: &[usize]) -> Preview {
    for phase in &mut preview.phases {
        phase.effects.retain(|effect| chosen.contains(&effect.n));
        let kept: Vec<_> = phase.effects.iter().map(|effect| effect.target.clone()).collect();
        phase.settle.retain(|expectation| kept.contains(expectation.object()));
    }
    preview.phases.retain(|phase| !phase.effects.is_empty());
    preview.view.steps.retain(|step| chosen.contains(&step.n));
    for (index, effect) in preview.phases.iter_mut().flat_map(|phase| &mut phase.effects).enumerate() {
        effect.n = index + 1;
    }
    for (index, step) in preview.view.steps.iter_mut().enumerate() {
        step.n = index + 1;
    }
    let kept: Vec<_> =
        preview.phases.iter().flat_map(|phase| &phase.effects).map(|effect| effect.target.clone()).collect();
    preview.undo.retain(|recipe| kept.contains(recipe.target()));
    preview.view.undo = Recipe::describe_all(&preview.undo);
    preview
}
