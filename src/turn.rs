//! One turn: reads run at once, writes become one plan that is previewed, decided, executed and proven.
//!
//! Reads before the first write run side by side; reads after it see what the plan made of the cluster.
//! A plan is proposed whole or not at all: one call that cannot be proposed stops all of them.

mod again;
mod heard;
mod plan;
mod work;

use std::{
    io,
    time::{Duration, Instant},
};

use futures::future::join_all;
use todo_agent_core::{Call, Cause, ChangeView, ClusterError, Output, Run, ToolError, output::MODEL_BYTES};
use todo_agent_tools::{Tool, find};

use crate::{
    agent::Agent,
    exit::Exit,
    problem::Problem,
    ui::{Audience, Ran, Shown},
};

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
    /// What the last read answered the person.
    output: Option<Output>,
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
    /// What the last read answered, where a person asked.
    pub(crate) output: Option<Output>,
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
        Self { agent, run, asked, purpose, exit: Exit::Done, ledger, results, plan, output: None }
    }

    /// Proposes and previews the calls, shows what would be done, and returns it; `None` where there is
    /// nothing to do or it cannot be done.
    pub(crate) async fn preview(mut self, calls: &[Call]) -> io::Result<(Exit, Option<ChangeView>)> {
        let prepared = self.prepare(calls).await?;
        let view = prepared.and_then(|(draft, _)| draft).map(|draft| draft.view().clone());
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
        Ok(Turned { exit: self.exit, ledger: self.ledger, results: self.results, output: self.output })
    }

    async fn reads(&mut self, calls: &[Call], which: &[usize]) -> io::Result<Then> {
        if which.is_empty() {
            return Ok(Then::GoOn);
        }
        for &index in which {
            let args = self.agent.parts.redactor.value(&calls[index].args);
            self.agent.show(&Shown::ToolCall { tool: &calls[index].tool, args: &args })?;
        }
        let (source, run) = (self.source(), self.run.clone());
        let work = join_all(which.iter().map(|&index| {
            let (source, run, call) = (&source, &run, &calls[index]);
            async move {
                let since = Instant::now();
                (source.read(call, run).await, since.elapsed())
            }
        }));
        let results = self.agent.watch(unless_cancelled(&self.run, work)).await;
        let Some(results) = results else { return self.interrupted() };
        for (&index, (result, took)) in which.iter().zip(results) {
            match result {
                Ok(output) => self.answered(&calls[index], output, took, index)?,
                Err(error) => self.failed(&calls[index], error, took, index)?,
            }
        }
        Ok(if self.is_interrupted() { Then::End } else { Then::GoOn })
    }

    fn answered(&mut self, call: &Call, output: Output, took: Duration, index: usize) -> io::Result<()> {
        self.show_output(call, &output, took)?;
        if self.is_for_model() || self.agent.parts.dialogue.is_some() {
            self.results[index] = output.for_model(MODEL_BYTES);
        }
        if !self.is_for_model() {
            if !output.achieved() {
                self.exit = self.exit.worse(Exit::NotAchieved);
            }
            self.output = Some(output);
        }
        Ok(())
    }

    /// A model may mend its call, so that the person is told no more than that it failed.
    fn failed(&mut self, call: &Call, error: ToolError, took: Duration, index: usize) -> io::Result<()> {
        self.results[index] = error.to_model();
        if self.is_for_model() {
            let failure = Problem::from(error).shown(&self.agent.parts.redactor);
            let shown = call.shown(&self.agent.parts.redactor);
            let ran = Ran { call: &shown, took };
            return self.agent.show(&Shown::ToolFailed { tool: &call.tool, failure: &failure, ran });
        }
        let exit = self.agent.fail(&error.into())?;
        self.exit = self.exit.worse(exit);
        Ok(())
    }

    fn is_for_model(&self) -> bool {
        matches!(self.asked, Asked::Model { .. })
    }

    fn show_output(&mut self, call: &Call, output: &Output, took: Duration) -> io::Result<()> {
        let shown = call.shown(&self.agent.parts.redactor);
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
        self.is_interrupted();
        self.end_with(&self.interruption().into())
    }

    /// Returns whether the person interrupted the turn; the record knows it from then on.
    fn is_interrupted(&mut self) -> bool {
        self.agent.parts.ui.interruption(&self.run.cancel);
        self.run.cancel.is_cancelled()
    }
}

/// Drops reading work when the turn is cancelled. Never used for sending a change.
async fn unless_cancelled<F: Future>(run: &Run, work: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        () = run.cancel.cancelled() => None,
        output = work => Some(output),
    }
}
