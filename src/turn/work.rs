//! What carries a turn's calls out: the tools, the preview, the gate, on a cluster; or a record of what they gave.
//!
//! A recorded view is judged by the same gate and can never be executed: only a preview becomes an approval.

use std::sync::Arc;

use futures::future::BoxFuture;
use todo_agent_cluster::{Approved, Cluster, Consent, DigestKey, Preview, Refusal, preview};
use todo_agent_core::{
    Call, Change, ChangeView, ClusterError, Output, Run, ToolError,
    approval::{Answer, ApprovalQuestion, Approver, Origin},
    journal::JournalError,
};
use todo_agent_tools::{Proposal, Tool, find};

use super::Turn;
use crate::{
    agent::Parts,
    replay::{Fed, Replay},
    session::{Fact, Recording},
    terminal::render_preview,
};

/// How wide the preview is that a session keeps, in columns.
const RECORDED_WIDTH: usize = 80;

/// Where a turn's answers come from.
pub(super) struct Source {
    cluster: Cluster,
    replay: Option<Arc<Replay>>,
}

/// What came of a call of a write tool.
pub(super) enum Proposed {
    /// Changes with so many effects in all; of a record only their number is known.
    Changes { changes: Vec<Change>, effects: usize },
    /// It is already as asked.
    Nothing(Output),
}

/// A plan that can be decided on.
pub(super) enum Draft {
    Live(Box<Preview>),
    Recorded(ChangeView),
}

/// A plan that may be carried out, or was.
pub(super) enum Admitted {
    Live(Box<Approved>),
    Recorded(Consent),
}

impl Turn<'_> {
    pub(super) fn source(&self) -> Source {
        Source { cluster: self.agent.parts.cluster.clone(), replay: self.agent.parts.replay.clone() }
    }
}

impl Source {
    pub(super) async fn read(&self, call: &Call, run: &Run) -> Result<Output, ToolError> {
        let tool = match find(&call.tool)? {
            Tool::Read(tool) => tool,
            Tool::Write(tool) => return Err(ToolError::state(format!("{} is not a read", tool.name()))),
        };
        let Some(replay) = &self.replay else { return tool.call(call.args.clone(), &self.cluster, run).await };
        match replay.tool(run).await? {
            Fed::Output(output) => Ok(output),
            Fed::Proposed { .. } => Err(ToolError::state(format!("{} is recorded as a write", tool.name()))),
        }
    }

    pub(super) async fn propose(&self, call: &Call, run: &Run) -> Result<Proposed, ToolError> {
        let tool = match find(&call.tool)? {
            Tool::Write(tool) => tool,
            Tool::Read(tool) => return Err(ToolError::state(format!("{} is not a write", tool.name()))),
        };
        if let Some(replay) = &self.replay {
            return Ok(match replay.tool(run).await? {
                Fed::Output(output) => Proposed::Nothing(output),
                Fed::Proposed { effects } => Proposed::Changes { changes: Vec::new(), effects },
            });
        }
        Ok(match tool.call(call.args.clone(), &self.cluster, run).await? {
            Proposal::Nothing(output) => Proposed::Nothing(output),
            Proposal::Changes(changes) => {
                let phases = changes.iter().flat_map(|change| &change.phases);
                let effects = phases.map(|phase| phase.effects.len()).sum();
                Proposed::Changes { changes, effects }
            }
        })
    }

    pub(super) async fn draft(&self, changes: Vec<Change>, key: &DigestKey, run: &Run) -> Result<Draft, ClusterError> {
        match &self.replay {
            Some(replay) => replay.preview(run).await.map(Draft::Recorded),
            None => preview(changes, &self.cluster, key, run).await.map(Box::new).map(Draft::Live),
        }
    }
}

impl Draft {
    pub(super) fn view(&self) -> &ChangeView {
        match self {
            Self::Live(preview) => preview.view(),
            Self::Recorded(view) => view,
        }
    }
}

impl Admitted {
    pub(super) fn by(&self) -> &str {
        match self {
            Self::Live(approved) => approved.by(),
            Self::Recorded(consent) => &consent.by,
        }
    }

    /// Returns the numbers that the approved steps had in the preview.
    pub(super) fn chosen(&self) -> &[usize] {
        match self {
            Self::Live(approved) => approved.chosen(),
            Self::Recorded(consent) => &consent.chosen,
        }
    }
}

/// Lets the gate decide.
pub(super) async fn admit(parts: &mut Parts, draft: Draft, origin: &Origin, run: &Run) -> Result<Admitted, Refusal> {
    let mut approver = Witnessed { approver: parts.approver.as_mut(), ui: &mut parts.ui };
    match draft {
        Draft::Live(preview) => {
            let journal = parts.journal.as_mut();
            let admitted = parts.gate.admit(*preview, origin, &mut approver, journal, run).await;
            admitted.map(Box::new).map(Admitted::Live)
        }
        Draft::Recorded(view) => {
            let consent = parts.gate.judge(&view, origin, &mut approver, run).await?;
            match parts.replay.as_ref().and_then(|replay| replay.journal_failure()) {
                Some(why) => Err(Refusal::NoJournal(JournalError(why))),
                None => Ok(Admitted::Recorded(consent)),
            }
        }
    }
}

/// Asks the person, and keeps what they were asked, what they saw and what they said.
struct Witnessed<'a> {
    approver: &'a mut dyn Approver,
    ui: &'a mut Recording,
}

impl Approver for Witnessed<'_> {
    fn ask<'a>(&'a mut self, question: &'a ApprovalQuestion<'a>) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let redactor = self.ui.redactor();
            self.ui.fact(&Fact::Asked {
                reason: &redactor.text(question.reason),
                type_names: question.type_names,
                grant_offered: question.grant_offered,
                shown: &redactor.text(&render_preview(question.view, RECORDED_WIDTH)),
            });
            let answer = self.approver.ask(question).await;
            self.ui.interruption(question.cancel);
            let said = match answer.clone() {
                Answer::No(why) => Answer::No(redactor.text(&why).into_inner()),
                Answer::Edit { step, args } => Answer::Edit { step, args: redactor.text(&args).into_inner() },
                other => other,
            };
            self.ui.fact(&Fact::Said { answer: &said });
            answer
        })
    }
}
