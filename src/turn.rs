//! One turn: reads run at once, writes become one plan that is previewed, decided, executed and proven.
//!
//! Reads before the first write run side by side; reads after it see what the plan made of the cluster.
//! A plan is proposed whole or not at all: one call that cannot be proposed stops all of them.

mod again;
mod heard;

use std::{
    io,
    time::{Duration, Instant},
};

use futures::future::join_all;
use todo_agent_cluster::{Preview, Refusal, execute, preview};
use todo_agent_core::{
    Call, Cause, Change, ChangeView, ClusterError, Outcome, Output, Report, Run, ToolError,
    approval::{By, Origin},
    output::MODEL_BYTES,
};
use todo_agent_tools::{Proposal, Tool, find};

use crate::{
    agent::{Agent, watch},
    dialogue::own_words::{named, own_words},
    exit::Exit,
    problem::Problem,
    ui::{Audience, Ran, Shown},
};
use again::{Left, differs, edited, left_over};

/// How often a plan is made anew because the cluster changed under it.
const MOST_ROUNDS: usize = 3;

pub(crate) struct Turn<'a> {
    agent: &'a mut Agent,
    run: Run,
    asked: Asked<'a>,
    purpose: Purpose<'a>,
    exit: Exit,
    ledger: Vec<String>,
    /// What came of each call, for a model; in the order of the calls.
    results: Vec<String>,
    /// What became of the plan, for a model.
    plan: Vec<String>,
}

/// Who asked for the calls.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// The person, in a sentence that the planner understood, or as a call.
    Person,
    /// A model, which sees the results; the person sees what is done and not every answer.
    Model {
        /// The sentence it answers.
        sentence: &'a str,
        /// Everything the person said in this conversation.
        sentences: &'a [&'a str],
        /// Whether it has seen text from outside.
        tainted: bool,
    },
}

/// How a turn went.
#[derive(Debug)]
pub(crate) struct Turned {
    pub(crate) exit: Exit,
    /// What was changed, one line per effect.
    pub(crate) ledger: Vec<String>,
    /// What came of each call as a model reads it.
    pub(crate) results: Vec<String>,
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
    pub(crate) fn new(agent: &'a mut Agent, run: Run, asked: Asked<'a>, purpose: Purpose<'a>) -> Self {
        let (ledger, results, plan) = (Vec::new(), Vec::new(), Vec::new());
        Self { agent, run, asked, purpose, exit: Exit::Done, ledger, results, plan }
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

    /// Runs the calls of known tools.
    pub(crate) async fn run(mut self, calls: &[Call]) -> io::Result<Turned> {
        let is_write = |index: &usize| find(&calls[*index].tool).is_ok_and(Tool::is_write);
        let first_write = (0..calls.len()).find(is_write).unwrap_or(calls.len());
        let (writes, after): (Vec<usize>, Vec<usize>) = (first_write..calls.len()).partition(is_write);
        self.results = vec![heard::NOT_RUN.to_owned(); calls.len()];
        let mut then = self.reads(calls, &(0..first_write).collect::<Vec<_>>()).await?;
        if then == Then::GoOn && !writes.is_empty() {
            then = self.writes(writes.iter().map(|&index| calls[index].clone()).collect()).await?;
            let plan = std::mem::take(&mut self.plan).join("\n");
            for (place, &index) in writes.iter().enumerate() {
                self.results[index] = if place == 0 { plan.clone() } else { heard::PART_OF_PLAN.to_owned() };
            }
        }
        if then == Then::GoOn {
            self.reads(calls, &after).await?;
        }
        Ok(Turned { exit: self.exit, ledger: self.ledger, results: self.results })
    }

    async fn reads(&mut self, calls: &[Call], which: &[usize]) -> io::Result<Then> {
        if which.is_empty() {
            return Ok(Then::GoOn);
        }
        for &index in which {
            let args = self.agent.parts.redactor.value(&calls[index].args);
            self.agent.show(&Shown::ToolCall { tool: &calls[index].tool, args: &args })?;
        }
        let cluster = self.agent.parts.cluster.clone();
        let run = self.run.clone();
        let work = join_all(which.iter().map(|&index| {
            let (cluster, run, call) = (&cluster, &run, &calls[index]);
            async move {
                let since = Instant::now();
                let result = match find(&call.tool) {
                    Ok(Tool::Read(tool)) => tool.call(call.args.clone(), cluster, run).await,
                    Ok(Tool::Write(tool)) => Err(ToolError::state(format!("{} is not a read", tool.name()))),
                    Err(error) => Err(error),
                };
                (result, since.elapsed())
            }
        }));
        let results = self.agent.watch(unless_cancelled(&self.run, work)).await;
        let Some(results) = results else { return self.interrupted() };
        for (&index, (result, took)) in which.iter().zip(results) {
            match result {
                Ok(output) => self.answered(&calls[index], &output, took, index)?,
                Err(error) => self.failed(&calls[index], error, took, index)?,
            }
        }
        Ok(if self.run.cancel.is_cancelled() { Then::End } else { Then::GoOn })
    }

    fn answered(&mut self, call: &Call, output: &Output, took: Duration, index: usize) -> io::Result<()> {
        self.show_output(call, output, took)?;
        if self.is_for_model() || self.agent.parts.dialogue.is_some() {
            self.results[index] = output.for_model(MODEL_BYTES);
        }
        if !self.is_for_model() && !output.achieved() {
            self.exit = self.exit.worse(Exit::NotAchieved);
        }
        Ok(())
    }

    /// A model may mend its call, so that the person is told no more than that it failed.
    fn failed(&mut self, call: &Call, error: ToolError, took: Duration, index: usize) -> io::Result<()> {
        self.results[index] = error.to_model();
        if self.is_for_model() {
            let failure = Problem::from(error).shown(&self.agent.parts.redactor);
            let shown = self.agent.parts.redactor.text(&call.to_string());
            let ran = Ran { call: &shown, took };
            return self.agent.show(&Shown::ToolFailed { tool: &call.tool, failure: &failure, ran });
        }
        let exit = self.agent.fail(&error.into())?;
        self.exit = self.exit.worse(exit);
        Ok(())
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
            let (report, origins) = match self.decide_and_execute(preview, &calls, &origins).await? {
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
                Ok(Proposal::Nothing(output)) => {
                    self.plan.push(format!("{call}: {}", output.for_model(MODEL_BYTES)));
                    self.show_output(call, &output, Duration::ZERO)?;
                }
                Err(error) => {
                    self.not_proposed(call, calls.len(), error)?;
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

    /// One call that cannot be proposed stops the whole plan.
    fn not_proposed(&mut self, call: &Call, of: usize, error: ToolError) -> io::Result<()> {
        if self.is_for_model() {
            self.exit = self.exit.worse(Exit::NotAchieved);
            self.plan.push(format!("{call}: {}", error.to_model()));
            if of > 1 {
                self.plan.push(self.undone().to_owned());
            }
            let failure = Problem::from(error).shown(&self.agent.parts.redactor);
            let shown = self.agent.parts.redactor.text(&call.to_string());
            let ran = Ran { call: &shown, took: Duration::ZERO };
            return self.agent.show(&Shown::ToolFailed { tool: &call.tool, failure: &failure, ran });
        }
        if of > 1 {
            self.run.warn(self.undone());
        }
        self.end_with(&error.into())?;
        Ok(())
    }

    async fn propose(&mut self, call: &Call) -> Result<Proposal, ToolError> {
        let tool = match find(&call.tool)? {
            Tool::Write(tool) => tool,
            Tool::Read(tool) => return Err(ToolError::state(format!("{} is not a write", tool.name()))),
        };
        let cluster = self.agent.parts.cluster.clone();
        let run = self.run.clone();
        let work = unless_cancelled(&self.run, tool.call(call.args.clone(), &cluster, &run));
        let result = self.agent.watch(work).await;
        result.unwrap_or_else(|| Err(self.interruption().into()))
    }

    async fn decide_and_execute(&mut self, preview: Preview, calls: &[Call], origins: &[usize]) -> io::Result<Decided> {
        let change_id = preview.view().change_id.clone();
        let origin = self.origin(&preview, calls, origins);
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
    fn origin(&self, preview: &Preview, calls: &[Call], origins: &[usize]) -> Origin {
        let steps = &preview.view().steps;
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

    fn is_for_model(&self) -> bool {
        matches!(self.asked, Asked::Model { .. })
    }

    fn show_output(&mut self, call: &Call, output: &Output, took: Duration) -> io::Result<()> {
        let shown = self.agent.parts.redactor.text(&call.to_string());
        let audience = if self.is_for_model() { Audience::Model(Ran { call: &shown, took }) } else { Audience::Person };
        self.agent.show(&Shown::ToolResult { tool: &call.tool, output, audience })
    }

    fn end_with(&mut self, problem: &Problem) -> io::Result<Then> {
        self.plan.push(format!("error: {problem}"));
        let exit = self.agent.fail(problem)?;
        self.exit = self.exit.worse(exit);
        Ok(Then::End)
    }

    fn interruption(&self) -> ClusterError {
        let what = if self.ledger.is_empty() { "interrupted; nothing was changed" } else { "interrupted" };
        ClusterError::new(Cause::Cancelled, what)
    }

    /// Says that a plan ended where one of its calls could not be proposed.
    fn undone(&self) -> &'static str {
        if self.ledger.is_empty() { "nothing of this plan was done" } else { "nothing more of this plan was done" }
    }

    fn interrupted(&mut self) -> io::Result<Then> {
        self.end_with(&self.interruption().into())
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

/// Drops reading work when the turn is cancelled. Never used for sending a change.
async fn unless_cancelled<F: Future>(run: &Run, work: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        () = run.cancel.cancelled() => None,
        output = work => Some(output),
    }
}
