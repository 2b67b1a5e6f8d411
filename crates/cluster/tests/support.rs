//! A sandbox, a connection to it, a journal in memory and people who answer as told.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use serde_json::Value;
use todo_agent_cluster::{Cluster, DigestKey, Gate, Preview, Refusal, execute, policy::Rules, preview};
use todo_agent_core::{
    Change, Clock, Effect, Event, Expectation, ObjectRef, Op, Phase, Reader, Recipe, Redactor, Report, Run,
    approval::{Answer, ApprovalQuestion, Approver, Origin},
    journal::{Entry, Journal, JournalError, JournalRecord, NoHistory},
    reader::Scope,
};
use todo_agent_kube_rules::kinds;
use todo_agent_sandbox::{ApiServer, Options, Sandbox, World};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// One sandbox and everything that is needed to change it.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    pub(crate) cluster: Cluster,
    pub(crate) run: Run,
    pub(crate) key: DigestKey,
    pub(crate) journal: MemoryJournal,
    _events: UnboundedReceiver<Event>,
}

impl Stage {
    pub(crate) fn new(world: &str) -> Self {
        Self::of(World::builtin(world).unwrap())
    }

    pub(crate) fn of(world: World) -> Self {
        let sandbox = Sandbox::start(world, Options::default()).unwrap();
        let scope = Scope {
            context: "sandbox".to_owned(),
            namespace: sandbox.namespace(),
            server: "https://sandbox".to_owned(),
        };
        let cluster = Cluster::from_service(ApiServer::new(sandbox.clone()), scope, "identity".to_owned());
        let (events, receiver) = unbounded_channel();
        let run = Run {
            cancel: CancellationToken::new(),
            deadline: None,
            events,
            clock: Arc::new(sandbox.clock()),
            redactor: Arc::new(Redactor::new([1; 32])),
            history: Arc::new(NoHistory),
        };
        let journal = MemoryJournal::default();
        Self { sandbox, cluster, run, key: DigestKey::new([2; 32]), journal, _events: receiver }
    }

    /// Scales `deployment/backend` and waits for it.
    pub(crate) fn scale(&self, replicas: u32) -> Change {
        let target = self.backend();
        Change {
            tool: "scale",
            summary: format!("scale deployment/backend to {replicas} replicas"),
            equivalent: format!("kubectl scale deployment/backend --replicas={replicas}"),
            phases: vec![Phase {
                effects: vec![Effect::Object { target: target.clone(), op: Op::Scale { replicas } }],
                settle: vec![Expectation::Replicas { object: target.clone(), replicas }],
                deadline: std::time::Duration::from_mins(3),
            }],
            undo: Some(Recipe::Scale { target, before: 2, after: replicas }),
            undoes: None,
            remarks: vec![],
        }
    }

    pub(crate) fn backend(&self) -> ObjectRef {
        ObjectRef::new(kinds::find("deployment").unwrap(), &self.sandbox.namespace(), "backend")
    }

    pub(crate) async fn live(&self) -> Value {
        self.cluster.get(&self.backend()).await.unwrap()
    }

    pub(crate) async fn preview(&self, change: Change) -> Preview {
        preview(vec![change], &self.cluster, &self.key, &self.run).await.unwrap()
    }

    /// Admits with `--yes` and executes.
    pub(crate) async fn carry_out(&mut self, preview: Preview) -> Report {
        let rules = Rules { yes: todo_agent_cluster::policy::Yes::High, ..Rules::default() };
        let approved = Gate::new(rules)
            .admit(preview, &Origin::person(), &mut Says(Answer::Nobody), &mut self.journal, &self.run)
            .await
            .unwrap();
        execute(approved, &mut self.journal, &self.run).await
    }

    /// Asks for approval with the default rules.
    pub(crate) async fn ask(&mut self, preview: Preview, answer: Answer) -> Result<Report, Refusal> {
        let approved = Gate::new(Rules::default())
            .admit(preview, &Origin::person(), &mut Says(answer), &mut self.journal, &self.run)
            .await?;
        Ok(execute(approved, &mut self.journal, &self.run).await)
    }
}

/// A person who always gives the same answer.
pub(crate) struct Says(pub(crate) Answer);

impl Approver for Says {
    fn ask<'a>(&'a mut self, _question: &'a ApprovalQuestion<'a>) -> BoxFuture<'a, Answer> {
        let answer = self.0.clone();
        async move { answer }.boxed()
    }
}

/// A journal in memory; it can be told to fail.
#[derive(Default)]
pub(crate) struct MemoryJournal {
    pub(crate) records: Vec<JournalRecord>,
    pub(crate) full: bool,
}

impl MemoryJournal {
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.records
            .iter()
            .map(|record| match record.entry {
                Entry::Approved { .. } => "approved",
                Entry::Sending { .. } => "sending",
                Entry::Answered { .. } => "answered",
                Entry::Settled { .. } => "settled",
                Entry::Examined { .. } => "examined",
            })
            .collect()
    }
}

impl Journal for MemoryJournal {
    fn append(&mut self, record: &JournalRecord) -> Result<(), JournalError> {
        if self.full {
            return Err(JournalError("no space left on device".to_owned()));
        }
        self.records.push(record.clone());
        Ok(())
    }
}

/// Lets simulated time pass.
pub(crate) async fn wait(run: &Run, seconds: u64) {
    run.clock.sleep(std::time::Duration::from_secs(seconds)).await;
}

/// The clock of a stage, for reading.
pub(crate) fn now(run: &Run) -> jiff::Timestamp {
    Clock::now(run.clock.as_ref())
}
