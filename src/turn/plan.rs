//! The writes of a turn: proposed, previewed, decided and executed as one plan; again for what the cluster moved under.

use std::{io, time::Duration};

use todo_agent_cluster::{Refusal, execute};
use todo_agent_core::{
    Call, Change, ChangeView, Outcome, Report, ToolError,
    approval::{By, Origin},
    output::MODEL_BYTES,
};

use super::{
    Asked, Purpose, Then, Turn,
    again::{Left, differs, edited, left_over},
    heard, unless_cancelled,
    work::{self, Admitted, Draft, Proposed},
};
use crate::{
    agent::watch,
    dialogue::own_words::{named, own_words},
    exit::Exit,
    problem::Problem,
    session::Fact,
    ui::{Ran, Shown},
};

/// How often a plan is made anew because the cluster changed under it.
const MOST_ROUNDS: usize = 3;

impl Turn<'_> {
    /// Proposes, previews, decides and executes the writes; again for what the cluster moved under.
    pub(super) async fn writes(&mut self, mut calls: Vec<Call>) -> io::Result<Then> {
        for round in 0..MOST_ROUNDS {
            let Some((draft, origins)) = self.prepare(&calls).await? else { return Ok(Then::End) };
            let Some(draft) = draft else { return Ok(Then::GoOn) };
            self.agent.show(&Shown::Preview(draft.view()))?;
            let change_id = draft.view().change_id.clone();
            match self.purpose {
                Purpose::Preview => {
                    self.decision(&change_id, "dry_run", "--dry-run", None)?;
                    return Ok(Then::End);
                }
                Purpose::ActAsPlanned(planned) => {
                    if let Some(why) = differs(planned, draft.view()) {
                        self.decision(&change_id, "needs_approval", "plan", Some(&why))?;
                        self.exit = self.exit.worse(Exit::NotApproved);
                        return Ok(Then::End);
                    }
                }
                Purpose::Act => {}
            }
            let (report, origins) = match self.decide_and_execute(draft, &calls, &origins).await? {
                Decided::Executed { report, chosen } => {
                    // The report speaks of the approved steps only.
                    (report, chosen.iter().filter_map(|n| origins.get(n - 1).copied()).collect::<Vec<_>>())
                }
                Decided::Again { step, args } => {
                    match edited(&calls, &origins, step, &args) {
                        Ok(changed) => calls = changed,
                        Err(problem) => return self.end_with(&problem),
                    }
                    continue;
                }
                Decided::Refused => return Ok(Then::End),
            };
            let exit_before = self.exit;
            self.take_up(&report)?;
            if !report.moved() {
                return Ok(if report.is_complete() { Then::GoOn } else { Then::End });
            }
            calls = match left_over(&calls, &origins, &report) {
                Left::Calls(left) => left,
                Left::Half(call) => {
                    let call = call.shown(&self.agent.parts.redactor);
                    self.run.warn(format!("{} was done in part; look at it before you go on", *call));
                    break;
                }
            };
            if round + 1 == MOST_ROUNDS || self.run.cancel.is_cancelled() {
                break;
            }
            self.run.warn("the cluster changed since the preview; here is what remains, as it would be now");
            // What moved is asked again, so its first result is not the turn's.
            self.exit = exit_before;
        }
        self.exit = self.exit.worse(Exit::NotAchieved);
        Ok(Then::End)
    }

    /// Proposes and previews. `None` ends the turn; an empty preview means that nothing needs doing.
    /// The second part says for each step which call it came from.
    pub(super) async fn prepare(&mut self, calls: &[Call]) -> io::Result<Option<(Option<Draft>, Vec<usize>)>> {
        let mut changes: Vec<Change> = Vec::new();
        let mut origins = Vec::new();
        for (index, call) in calls.iter().enumerate() {
            let args = self.agent.parts.redactor.value(&call.args);
            self.agent.show(&Shown::ToolCall { tool: &call.tool, args: &args })?;
            match self.propose(call).await {
                Ok(Proposed::Changes { changes: proposed, effects }) => {
                    self.agent.parts.ui.fact(&Fact::Proposed { effects });
                    origins.extend(std::iter::repeat_n(index, effects));
                    changes.extend(proposed);
                }
                Ok(Proposed::Nothing(output)) => {
                    self.plan.push(format!(
                        "{}: {}",
                        *call.shown(&self.agent.parts.redactor),
                        output.for_model(MODEL_BYTES)
                    ));
                    self.show_output(call, &output, Duration::ZERO)?;
                }
                Err(error) => {
                    self.not_proposed(call, calls.len(), error)?;
                    return Ok(None);
                }
            }
        }
        if origins.is_empty() {
            return Ok(Some((None, origins)));
        }
        let (source, key, run) = (self.source(), self.agent.parts.key.clone(), self.run.clone());
        let work = Box::pin(unless_cancelled(&self.run, source.draft(changes, &key, &run)));
        match self.agent.watch(work).await {
            Some(Ok(draft)) => Ok(Some((Some(draft), origins))),
            Some(Err(error)) => {
                self.end_with(&error.into())?;
                Ok(None)
            }
            None => {
                self.interrupted()?;
                Ok(None)
            }
        }
    }

    /// One call that cannot be proposed stops the whole plan.
    fn not_proposed(&mut self, call: &Call, of: usize, error: ToolError) -> io::Result<()> {
        if self.is_for_model() {
            self.exit = self.exit.worse(Exit::NotAchieved);
            self.plan.push(format!("{}: {}", *call.shown(&self.agent.parts.redactor), error.to_model()));
            if of > 1 {
                self.plan.push(self.undone().to_owned());
            }
            let failure = Problem::from(error).shown(&self.agent.parts.redactor);
            let shown = call.shown(&self.agent.parts.redactor);
            let ran = Ran { call: &shown, took: Duration::ZERO };
            return self.agent.show(&Shown::ToolFailed { tool: &call.tool, failure: &failure, ran });
        }
        if of > 1 {
            self.run.warn(self.undone());
        }
        self.end_with(&error.into())?;
        Ok(())
    }

    async fn propose(&mut self, call: &Call) -> Result<Proposed, ToolError> {
        let (source, run) = (self.source(), self.run.clone());
        let work = unless_cancelled(&self.run, source.propose(call, &run));
        let result = self.agent.watch(work).await;
        self.is_interrupted();
        result.unwrap_or_else(|| Err(self.interruption().into()))
    }

    async fn decide_and_execute(&mut self, draft: Draft, calls: &[Call], origins: &[usize]) -> io::Result<Decided> {
        let change_id = draft.view().change_id.clone();
        let origin = self.origin(draft.view(), calls, origins);
        let run = self.run.clone();
        // No progress is shown while a person is asked: it would write over the question.
        let admitted = work::admit(&mut self.agent.parts, draft, &origin, &run).await;
        self.is_interrupted();
        match admitted {
            Ok(admitted) => {
                self.decision(&change_id, "approved", admitted.by(), None)?;
                let chosen = admitted.chosen().to_vec();
                let (parts, events) = self.agent.deciding();
                let report = match (admitted, &parts.replay) {
                    (Admitted::Live(approved), _) => {
                        let work = Box::pin(execute(*approved, parts.journal.as_mut(), &run));
                        watch(events, &mut parts.ui, work).await
                    }
                    (Admitted::Recorded(_), replay) => match replay.as_ref().and_then(|replay| replay.report()) {
                        Some(report) => report,
                        // The record ends here, and with it the replay.
                        None => return Ok(Decided::Refused),
                    },
                };
                self.is_interrupted();
                self.agent.show_requests();
                Ok(Decided::Executed { report, chosen })
            }
            Err(Refusal::Edit { step, args }) => Ok(Decided::Again { step, args }),
            Err(refusal) => {
                self.refused(&change_id, refusal)?;
                Ok(Decided::Refused)
            }
        }
    }

    fn refused(&mut self, change_id: &str, refusal: Refusal) -> io::Result<()> {
        let exit = match refusal {
            Refusal::Forbidden(why) => {
                self.decision(change_id, "forbidden", "policy", Some(&why))?;
                Exit::Forbidden
            }
            Refusal::NeedsApproval(why) => {
                let reason = format!("{why}, and there is no terminal to ask on");
                self.decision(change_id, "needs_approval", "policy", Some(&reason))?;
                Exit::NotApproved
            }
            Refusal::Declined(reason) => {
                self.decision(change_id, "declined", "you", (!reason.is_empty()).then_some(reason.as_str()))?;
                Exit::NotApproved
            }
            Refusal::Stop => {
                self.decision(change_id, "stopped", "you", None)?;
                if self.run.cancel.is_cancelled() { Exit::Interrupted } else { Exit::NotApproved }
            }
            Refusal::Suggested => {
                self.decision(
                    change_id,
                    "suggested",
                    "policy",
                    Some("mode suggest shows commands and changes nothing"),
                )?;
                Exit::Done
            }
            Refusal::NoJournal(error) => {
                let problem = Problem::state(error.to_string())
                    .hint("without a record nothing is changed; check the state directory with: todo-agent doctor");
                self.agent.fail(&problem)?
            }
            // Handled where the plan can be made anew.
            Refusal::Edit { .. } => Exit::NotApproved,
        };
        self.exit = self.exit.worse(exit);
        Ok(())
    }

    fn decision(&mut self, change_id: &str, verdict: &str, by: &str, reason: Option<&str>) -> io::Result<()> {
        // What a person gives as a reason may hold anything.
        let reason = reason.map(|reason| self.agent.parts.redactor.text(reason).into_inner());
        self.plan.push(heard::decision(verdict, by, reason.as_deref()));
        self.agent.show(&Shown::Decision { change_id, verdict, by, reason: reason.as_deref() })
    }

    /// Shows a report and enters it into the ledger.
    fn take_up(&mut self, report: &Report) -> io::Result<()> {
        self.agent.show(&Shown::Report(report))?;
        self.plan.extend(report.effects.iter().map(|effect| heard::effect(effect, &report.change_id)));
        self.plan.extend(report.remaining.iter().map(|step| format!("not sent: {step}")));
        for effect in report.effects.iter().filter(|effect| effect.outcome.touched_the_cluster()) {
            let result = match effect.outcome {
                Outcome::Done { .. } => "done",
                Outcome::NotVerified { .. } if effect.printed.is_some() => "failed",
                Outcome::NotVerified { .. } => "sent, not verified",
                _ => "outcome unknown",
            };
            self.ledger.push(format!("{}: {result} ({})", effect.summary, report.change_id));
        }
        self.agent.look_for_changes();
        self.agent.forget_names();
        if !report.is_complete() {
            let interrupted = self.run.cancel.is_cancelled();
            self.exit = self.exit.worse(if interrupted { Exit::Interrupted } else { Exit::NotAchieved });
        }
        Ok(())
    }

    /// Whose words the change is. Namespaces count as named when the person's own call names them.
    fn origin(&self, view: &ChangeView, calls: &[Call], origins: &[usize]) -> Origin {
        let steps = &view.steps;
        let namespaces = steps.iter().filter_map(|step| step.target.namespace.clone());
        match self.asked {
            Asked::Person => Origin {
                by: By::Person,
                tainted: false,
                own_words: vec![true; steps.len()],
                named_namespaces: namespaces.collect(),
            },
            Asked::Model { sentence, sentences, tainted } => {
                let pinned = self.agent.scope().namespace.clone();
                let own = |index: usize| {
                    let call = origins.get(index).and_then(|&origin| calls.get(origin));
                    call.is_some_and(|call| own_words(call, sentence, &pinned))
                };
                Origin {
                    by: By::Model,
                    tainted,
                    own_words: (0..steps.len()).map(own).collect(),
                    named_namespaces: namespaces.filter(|namespace| named(namespace, sentences)).collect(),
                }
            }
        }
    }
}

enum Decided {
    Executed {
        report: Report,
        /// The numbers that the approved steps had in the preview.
        chosen: Vec<usize>,
    },
    Again {
        step: usize,
        args: String,
    },
    Refused,
}
