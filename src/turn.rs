//! One turn: reads run at once, writes become one plan that is previewed, decided, executed and proven.
//!
//! Reads before the first write run side by side; reads after it see what the plan made of the cluster.
//! A plan is proposed whole or not at all: one call that cannot be proposed stops all of them.

mod again;

use std::io;

use futures::future::join_all;
use todo_agent_cluster::{Preview, Refusal, execute, preview};
use todo_agent_core::{
    Call, Cause, Change, ChangeView, ClusterError, Outcome, Output, Report, Run, ToolError,
    approval::{By, Origin},
};
use todo_agent_tools::{Proposal, Tool, find};

use crate::{
    agent::{Agent, watch},
    exit::Exit,
    problem::Problem,
    ui::Shown,
};
use again::{Left, differs, edited, left_over};

/// How often a plan is made anew because the cluster changed under it.
const MOST_ROUNDS: usize = 3;

pub(crate) struct Turn<'a> {
    agent: &'a mut Agent,
    run: Run,
    by: By,
    purpose: Purpose<'a>,
    exit: Exit,
    ledger: Vec<String>,
}

/// How far the writes of a turn go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// To the end: decided and executed.
    Act,
    /// As `Act`, if the preview is for the same objects in the same state as this one.
    ActAsPlanned(&'a ChangeView),
    /// To the preview, which is the answer.
    Preview,
}

/// Whether the rest of a turn still makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(agent: &'a mut Agent, run: Run, by: By, purpose: Purpose<'a>) -> Self {
        Self { agent, run, by, purpose, exit: Exit::Done, ledger: Vec::new() }
    }

    /// Proposes and previews the calls, shows what would be done, and returns it; `None` where there is
    /// nothing to do or it cannot be done.
    pub(crate) async fn preview(mut self, calls: &[Call]) -> io::Result<(Exit, Option<ChangeView>)> {
        let prepared = self.prepare(calls).await?;
        let view = prepared.and_then(|(preview, _)| preview).map(|preview| preview.view().clone());
        if let Some(view) = &view {
            self.agent.show(&Shown::Preview(view))?;
        }
        Ok((self.exit, view))
    }

    /// Runs the calls and returns how the turn ended.
    pub(crate) async fn run(mut self, calls: Vec<Call>) -> io::Result<Exit> {
        let mut tools = Vec::new();
        for call in &calls {
            match find(&call.tool) {
                Ok(tool) => tools.push(tool),
                Err(error) => return self.agent.fail(&error.into()),
            }
        }
        let is_write = |index: &usize| tools[*index].is_write();
        let first_write = (0..calls.len()).find(is_write).unwrap_or(calls.len());
        let (before, rest) = calls.split_at(first_write);
        let writes: Vec<Call> = (first_write..calls.len()).filter(is_write).map(|index| calls[index].clone()).collect();
        let after: Vec<Call> = rest.iter().filter(|call| !writes.contains(call)).cloned().collect();
        let mut then = self.reads(before).await?;
        if then == Then::GoOn && !writes.is_empty() {
            then = self.writes(writes).await?;
        }
        if then == Then::GoOn {
            self.reads(&after).await?;
        }
        let ledger = std::mem::take(&mut self.ledger);
        self.agent.answer(&calls, ledger)?;
        Ok(self.exit)
    }

    async fn reads(&mut self, calls: &[Call]) -> io::Result<Then> {
        if calls.is_empty() {
            return Ok(Then::GoOn);
        }
        for call in calls {
            let args = self.agent.parts.redactor.value(&call.args);
            self.agent.show(&Shown::ToolCall { tool: &call.tool, args: &args })?;
        }
        let cluster = self.agent.parts.cluster.clone();
        let run = self.run.clone();
        let work = join_all(calls.iter().map(|call| {
            let (cluster, run) = (&cluster, &run);
            async move {
                match find(&call.tool)? {
                    Tool::Read(tool) => tool.call(call.args.clone(), cluster, run).await,
                    Tool::Write(tool) => Err(ToolError::state(format!("{} is not a read", tool.name()))),
                }
            }
        }));
        let results = self.agent.watch(unless_cancelled(&self.run, work)).await;
        let Some(results) = results else { return self.interrupted() };
        for (call, result) in calls.iter().zip(results) {
            match result {
                Ok(output) => {
                    self.show_output(&call.tool, &output)?;
                    if !output.achieved() {
                        self.exit = self.exit.worse(Exit::NotAchieved);
                    }
                }
                Err(error) => {
                    let exit = self.agent.fail(&error.into())?;
                    self.exit = self.exit.worse(exit);
                }
            }
        }
        Ok(if self.run.cancel.is_cancelled() { Then::End } else { Then::GoOn })
    }

    /// Proposes, previews, decides and executes the writes; again for what the cluster moved under.
    async fn writes(&mut self, mut calls: Vec<Call>) -> io::Result<Then> {
        for round in 0..MOST_ROUNDS {
            let Some((preview, origins)) = self.prepare(&calls).await? else { return Ok(Then::End) };
            let Some(preview) = preview else { return Ok(Then::GoOn) };
            self.agent.show(&Shown::Preview(preview.view()))?;
            let change_id = preview.view().change_id.clone();
            match self.purpose {
                Purpose::Preview => {
                    self.decision(&change_id, "dry_run", "--dry-run", None)?;
                    return Ok(Then::End);
                }
                Purpose::ActAsPlanned(planned) => {
                    if let Some(why) = differs(planned, preview.view()) {
                        self.decision(&change_id, "needs_approval", "plan", Some(&why))?;
                        self.exit = self.exit.worse(Exit::NotApproved);
                        return Ok(Then::End);
                    }
                }
                Purpose::Act => {}
            }
            let (report, origins) = match self.decide_and_execute(preview).await? {
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
                    let call = call.to_string();
                    self.run.warn(format!("{call} was done in part; look at it before you go on"));
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
    async fn prepare(&mut self, calls: &[Call]) -> io::Result<Option<(Option<Preview>, Vec<usize>)>> {
        let mut changes: Vec<Change> = Vec::new();
        let mut origins = Vec::new();
        for (index, call) in calls.iter().enumerate() {
            let args = self.agent.parts.redactor.value(&call.args);
            self.agent.show(&Shown::ToolCall { tool: &call.tool, args: &args })?;
            match self.propose(call).await {
                Ok(Proposal::Changes(proposed)) => {
                    let phases = proposed.iter().flat_map(|change| &change.phases);
                    let steps = phases.map(|phase| phase.effects.len()).sum();
                    origins.extend(std::iter::repeat_n(index, steps));
                    changes.extend(proposed);
                }
                Ok(Proposal::Nothing(output)) => self.show_output(&call.tool, &output)?,
                Err(error) => {
                    if calls.len() > 1 {
                        self.run.warn("nothing of this plan was done");
                    }
                    self.end_with(&error.into())?;
                    return Ok(None);
                }
            }
        }
        if changes.is_empty() {
            return Ok(Some((None, origins)));
        }
        let (cluster, key, run) = (self.agent.parts.cluster.clone(), self.agent.parts.key.clone(), self.run.clone());
        let work = Box::pin(unless_cancelled(&self.run, preview(changes, &cluster, &key, &run)));
        match self.agent.watch(work).await {
            Some(Ok(preview)) => Ok(Some((Some(preview), origins))),
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

    async fn propose(&mut self, call: &Call) -> Result<Proposal, ToolError> {
        let tool = match find(&call.tool)? {
            Tool::Write(tool) => tool,
            Tool::Read(tool) => return Err(ToolError::state(format!("{} is not a write", tool.name()))),
        };
        let cluster = self.agent.parts.cluster.clone();
        let run = self.run.clone();
        let work = unless_cancelled(&self.run, tool.call(call.args.clone(), &cluster, &run));
        self.agent.watch(work).await.unwrap_or_else(|| Err(interruption().into()))
    }

    async fn decide_and_execute(&mut self, preview: Preview) -> io::Result<Decided> {
        let change_id = preview.view().change_id.clone();
        let origin = self.origin(&preview);
        let run = self.run.clone();
        let (parts, _) = self.agent.deciding();
        // No progress is shown while a person is asked: it would write over the question.
        let admitted = parts.gate.admit(preview, &origin, parts.approver.as_mut(), parts.journal.as_mut(), &run).await;
        match admitted {
            Ok(approved) => {
                let by = approved.by().to_owned();
                self.decision(&change_id, "approved", &by, None)?;
                let chosen = approved.chosen().to_vec();
                let (parts, events) = self.agent.deciding();
                let work = Box::pin(execute(approved, parts.journal.as_mut(), &run));
                let report = watch(events, &mut parts.ui, work).await;
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
        self.agent.show(&Shown::Decision { change_id, verdict, by, reason: reason.as_deref() })
    }

    /// Shows a report and enters it into the ledger.
    fn take_up(&mut self, report: &Report) -> io::Result<()> {
        self.agent.show(&Shown::Report(report))?;
        for effect in report.effects.iter().filter(|effect| effect.outcome.touched_the_cluster()) {
            let result = match effect.outcome {
                Outcome::Done { .. } => "done",
                Outcome::NotVerified { .. } => "sent, not verified",
                _ => "outcome unknown",
            };
            self.ledger.push(format!("{}: {result} ({})", effect.summary, report.change_id));
        }
        if report.undo.is_some() {
            self.agent.focus.changed();
        }
        if self.agent.parts.history.last().is_none() {
            self.agent.focus.nothing_to_undo();
        }
        self.agent.forget_names();
        if !report.is_complete() {
            let interrupted = self.run.cancel.is_cancelled();
            self.exit = self.exit.worse(if interrupted { Exit::Interrupted } else { Exit::NotAchieved });
        }
        Ok(())
    }

    /// Whose words the change is. Namespaces count as named when the person's own call names them.
    fn origin(&self, preview: &Preview) -> Origin {
        let own = self.by == By::Person;
        let steps = &preview.view().steps;
        let named = steps.iter().filter(|_| own).filter_map(|step| step.target.namespace.clone()).collect();
        Origin { by: self.by, tainted: false, own_words: vec![own; steps.len()], named_namespaces: named }
    }

    fn show_output(&mut self, tool: &str, output: &Output) -> io::Result<()> {
        self.agent.show(&Shown::ToolResult { tool, output })
    }

    fn end_with(&mut self, problem: &Problem) -> io::Result<Then> {
        let exit = self.agent.fail(problem)?;
        self.exit = self.exit.worse(exit);
        Ok(Then::End)
    }

    fn interrupted(&mut self) -> io::Result<Then> {
        self.end_with(&interruption().into())
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

fn interruption() -> ClusterError {
    ClusterError::new(Cause::Cancelled, "interrupted; nothing was changed")
}

/// Drops reading work when the turn is cancelled. Never used for sending a change.
async fn unless_cancelled<F: Future>(run: &Run, work: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        () = run.cancel.cancelled() => None,
        output = work => Some(output),
    }
}
