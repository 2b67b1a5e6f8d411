//! The agent: one conversation with one cluster. A sentence becomes calls, calls become answers and plans.
//!
//! It decides nothing about safety: writes go through `turn` to the gate. It never talks to a
//! cluster but through tools, preview and execute.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use todo_agent_cluster::{Cluster, DigestKey, Gate, RequestRecord};
use todo_agent_core::{
    Call, ChangeView, Clock, Event, Names, Output, Redacted, Redactor, Run,
    approval::Approver,
    journal::{History, Journal},
    reader::Scope,
};
use todo_agent_planner::{Focus, Mode, Pass, PassReason, Planned, Question, plan};
use todo_agent_sandbox::Sandbox;
use todo_agent_tools::find;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::{
    dialogue::{Dialogue, PlannerUse},
    exit::Exit,
    input::Attached,
    options::Changes,
    problem::Problem,
    replay::Replay,
    session::{Fact, Recording},
    start::show_place,
    turn::{Asked, Purpose, Turn, Turned},
    ui::{Answer, Shown, Ui},
};

/// How long the names of a cluster are taken as known.
const NAMES_LAST: Duration = Duration::from_secs(30);

/// What an agent is built from.
pub struct Parts {
    /// The cluster.
    pub cluster: Cluster,
    /// Where approvals are decided.
    pub gate: Gate,
    /// The key of digests.
    pub key: DigestKey,
    /// Where changes are recorded; one that always fails where the state directory cannot be written.
    pub journal: Box<dyn Journal>,
    /// What was done before.
    pub history: Arc<dyn History>,
    /// What masks secrets.
    pub redactor: Arc<Redactor>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The cluster itself, where it is simulated in this process.
    pub sandbox: Option<Sandbox>,
    /// Where everything is shown and recorded.
    pub ui: Recording,
    /// Who is asked.
    pub approver: Box<dyn Approver>,
    /// The conversation with a model, where one is configured.
    pub dialogue: Option<Dialogue>,
    /// What is piped in beside a sentence: data for a model.
    pub attached: Attached,
    /// Whether changes are made.
    pub changes: Changes,
    /// How long a turn may take.
    pub timeout: Option<Duration>,
    /// The record that is replayed, where one is.
    pub replay: Option<Arc<Replay>>,
}

/// One conversation with one cluster.
pub struct Agent {
    pub(crate) parts: Parts,
    pub(crate) focus: Focus,
    /// Whether the last sentence got an answer from a model.
    pub(crate) answered: bool,
    names: Option<(Instant, Names)>,
    events: UnboundedSender<Event>,
    shown_events: UnboundedReceiver<Event>,
}

impl Agent {
    /// Returns an agent that knows nothing yet.
    pub fn new(parts: Parts) -> Self {
        let (events, shown_events) = unbounded_channel();
        let mut agent = Self { parts, focus: Focus::default(), answered: false, names: None, events, shown_events };
        agent.forget_everything();
        agent
    }

    /// Answers one sentence.
    ///
    /// # Errors
    /// Returns an error only when nobody reads the output any more.
    pub async fn sentence(&mut self, text: &str, cancel: CancellationToken) -> io::Result<Exit> {
        let sentence = self.parts.redactor.take_given(text.trim());
        self.parts.ui.sentence(&sentence, self.parts.clock.now());
        let run = self.run(cancel);
        let exit = self.answer_to(&sentence, run).await?;
        Ok(self.ended(exit))
    }

    async fn answer_to(&mut self, sentence: &Redacted<String>, run: Run) -> io::Result<Exit> {
        let use_of_planner = self.parts.dialogue.as_ref().map_or(PlannerUse::Only, |dialogue| dialogue.planner);
        if use_of_planner == PlannerUse::Off {
            return self.converse(sentence, run).await;
        }
        let planned = match self.plan(sentence, &run).await {
            Ok(planned) => planned,
            Err(problem) => return self.fail(&problem),
        };
        self.focus.update(&planned);
        match planned {
            Planned::Calls { calls, mode } => {
                let turned = self.act(&calls, mode, run).await?;
                self.take_up(sentence, &calls, &turned);
                Ok(turned.exit)
            }
            _ if use_of_planner == PlannerUse::First => {
                // What the planner would have asked, the model may know from the conversation.
                self.focus.pending = None;
                self.converse(sentence, run).await
            }
            Planned::Ask(question) => self.ask(&question),
            Planned::Pass(pass) => self.pass(&pass),
        }
    }

    /// Runs calls as one turn of the person: reads at once, writes as one plan through the gate.
    async fn act(&mut self, calls: &[Call], mode: Mode, run: Run) -> io::Result<Turned> {
        for call in calls {
            if let Err(error) = find(&call.tool) {
                let exit = self.fail(&error.into())?;
                return Ok(Turned { exit, ledger: Vec::new(), results: Vec::new(), output: None });
            }
        }
        let preview_only = mode == Mode::PreviewOnly || self.only_previews();
        let purpose = if preview_only { Purpose::Preview } else { Purpose::Act };
        let turned = Turn::new(self, run, Asked::Person, purpose).run(calls).await?;
        self.answer(calls, turned.ledger.clone())?;
        Ok(turned)
    }

    /// Lets a later question to the model be about what was done without it.
    fn take_up(&mut self, sentence: &Redacted<String>, calls: &[Call], turned: &Turned) {
        let redactor = self.redactor();
        if let Some(dialogue) = &mut self.parts.dialogue {
            let results = turned.results.iter().map(|result| redactor.text(result)).collect();
            dialogue.take_up_planned(sentence, calls, results, &turned.ledger, &redactor);
        }
    }

    /// Returns whether every change ends with its preview.
    pub(crate) fn only_previews(&self) -> bool {
        self.parts.changes == Changes::Previewed
    }

    /// Runs the calls of a kept plan, if the cluster is as it was when the plan was made.
    ///
    /// # Errors
    /// Returns an error only when nobody reads the output any more.
    pub async fn approve(
        &mut self,
        calls: Vec<Call>,
        planned: &ChangeView,
        cancel: CancellationToken,
    ) -> io::Result<Exit> {
        let run = self.run(cancel);
        let masked = self.masked(&calls);
        self.parts.ui.fact(&Fact::Approve { calls: &masked, view: planned });
        let previewed = self.parts.changes == Changes::Previewed;
        let purpose = if previewed { Purpose::Preview } else { Purpose::ActAsPlanned(planned) };
        let turned = Turn::new(self, run, Asked::Person, purpose).run(&calls).await?;
        self.answer(&calls, turned.ledger)?;
        Ok(self.ended(turned.exit))
    }

    /// Shows what calls would do, and returns it for keeping.
    ///
    /// # Errors
    /// Returns an error only when nobody reads the output any more.
    pub async fn preview(
        &mut self,
        calls: &[Call],
        cancel: CancellationToken,
    ) -> io::Result<(Exit, Option<ChangeView>)> {
        let run = self.run(cancel);
        let masked = self.masked(calls);
        self.parts.ui.fact(&Fact::Plan { calls: &masked });
        let (exit, view) = Turn::new(self, run, Asked::Person, Purpose::Preview).preview(calls).await?;
        Ok((self.ended(exit), view))
    }

    /// Runs calls that a person wrote out, as `todo-agent call` does.
    ///
    /// # Errors
    /// Returns an error only when nobody reads the output any more.
    pub async fn call(&mut self, call: Call, cancel: CancellationToken) -> io::Result<Exit> {
        self.answered_call(call, cancel).await.map(|(exit, _)| exit)
    }

    /// Runs a call like [`Agent::call`] and returns what a read tool answered.
    ///
    /// # Errors
    /// Returns an error only when nobody reads the output any more.
    pub async fn answered_call(&mut self, call: Call, cancel: CancellationToken) -> io::Result<(Exit, Option<Output>)> {
        let run = self.run(cancel);
        todo_agent_tools::register_secrets([(call.tool.as_str(), &call.args)], &self.parts.redactor);
        let args = self.parts.redactor.value(&call.args);
        self.parts.ui.fact(&Fact::ByHand { tool: &call.tool, args: &args });
        let mut turned = self.act(std::slice::from_ref(&call), Mode::Act, run).await?;
        let said =
            self.parts.redactor.text(&format!("(The person called {} by hand.)", *call.shown(&self.parts.redactor)));
        self.take_up(&said, &[call], &turned);
        Ok((self.ended(turned.exit), turned.output.take()))
    }

    /// Runs the calls that a diagnosis proposes, as one plan.
    ///
    /// # Errors
    /// Returns an error only when nobody reads the output any more.
    pub async fn remedy(&mut self, calls: &[Call], cancel: CancellationToken) -> io::Result<Exit> {
        let run = self.run(cancel);
        let masked = self.masked(calls);
        self.parts.ui.fact(&Fact::Remedies { calls: &masked });
        let turned = self.act(calls, Mode::Act, run).await?;
        Ok(self.ended(turned.exit))
    }

    /// Returns the calls a sentence means, without running them.
    ///
    /// # Errors
    /// Returns why there are none.
    pub async fn planned_calls(&mut self, text: &str, cancel: CancellationToken) -> Result<Vec<Call>, Problem> {
        let sentence = self.parts.redactor.take_given(text.trim());
        let run = self.run(cancel);
        match self.plan(&sentence, &run).await? {
            Planned::Calls { calls, .. } => Ok(calls),
            Planned::Ask(question) => Err(Problem::usage(question.text)),
            Planned::Pass(pass) => Err(not_understood(&pass)),
        }
    }

    /// Returns the pinned context, namespace and server.
    pub fn scope(&self) -> &Scope {
        self.parts.cluster.scope()
    }

    /// Returns what masks secrets.
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.parts.redactor)
    }

    /// Returns a call without secret values, for keeping.
    pub fn redacted(&self, call: Call) -> Call {
        Call { args: self.parts.redactor.value(&call.args).into_inner(), ..call }
    }

    fn masked(&self, calls: &[Call]) -> Redacted<Value> {
        let all = calls.iter().map(|call| (call.tool.as_str(), &call.args));
        todo_agent_tools::register_secrets(all, &self.parts.redactor);
        self.parts.redactor.data(&calls)
    }

    /// Ends a turn in the record.
    pub(crate) fn ended(&mut self, exit: Exit) -> Exit {
        self.parts.ui.fact(&Fact::Ended { exit: exit.code() });
        exit
    }

    /// Says a paragraph to the person.
    ///
    /// # Errors
    /// Returns an error only when nobody reads the output any more.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        let text = self.parts.redactor.text(text);
        self.show(&Shown::Text(&text))
    }

    /// Returns whether the cluster's journal holds a change that could be taken back.
    pub fn has_changes(&self) -> bool {
        self.parts.history.last().is_some()
    }

    /// Notes something beside the answer.
    pub fn note(&mut self, text: &str) {
        let event = Event::Note(self.parts.redactor.text(text));
        self.parts.ui.progress(&event);
    }

    /// Stays as long as ports of this machine lead into the cluster, or until it is cancelled.
    pub async fn keep_forwards(&mut self, cancel: &CancellationToken) -> Exit {
        let open = self.parts.cluster.forwards();
        if open.is_empty() || cancel.is_cancelled() {
            return Exit::Done;
        }
        let addresses: Vec<String> = open.iter().map(|forward| forward.local.to_string()).collect();
        self.note(&format!("{} stays open until Ctrl-C", addresses.join(" and ")));
        tokio::select! {
            () = cancel.cancelled() => return Exit::Done,
            () = self.parts.cluster.forwards_closed() => {}
        }
        let pods: Vec<String> = open.iter().map(|forward| forward.pod.short()).collect();
        self.warn(&format!("{} is gone, and the way to it with it", pods.join(" and ")));
        Exit::NotAchieved
    }

    /// Warns of something.
    pub fn warn(&mut self, text: &str) {
        let event = Event::Warning(self.parts.redactor.text(text));
        self.parts.ui.progress(&event);
    }

    /// Returns the circumstances of a new turn.
    pub(crate) fn run(&self, cancel: CancellationToken) -> Run {
        let clock = Arc::clone(&self.parts.clock);
        let deadline = self.parts.timeout.and_then(|timeout| clock.now().checked_add(timeout).ok());
        Run {
            cancel,
            deadline,
            events: self.events.clone(),
            clock,
            redactor: Arc::clone(&self.parts.redactor),
            history: Arc::clone(&self.parts.history),
        }
    }

    /// Shows something and records it.
    pub(crate) fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        self.parts.ui.show(shown)
    }

    /// Shows what stands in the way.
    ///
    /// # Errors
    /// Returns an error only when nobody reads the output any more.
    pub fn fail(&mut self, problem: &Problem) -> io::Result<Exit> {
        let failure = problem.shown(&self.parts.redactor);
        self.show(&Shown::Error(&failure))?;
        Ok(problem.exit)
    }

    /// Waits for work while showing its progress, then the requests it took.
    pub(crate) async fn watch<F: Future>(&mut self, work: F) -> F::Output {
        let output = watch(&mut self.shown_events, &mut self.parts.ui, work).await;
        self.show_requests();
        output
    }

    /// Tells whoever wants to know (`-v`) which requests were sent and why.
    pub(crate) fn show_requests(&mut self) {
        for RequestRecord { method, path, purpose, .. } in self.parts.cluster.take_requests() {
            let path = self.parts.redactor.text(&path).into_inner();
            self.parts.ui.progress(&Event::Request { method, path, purpose });
        }
    }

    /// Splits the agent for a decision: the gate with its journal and approver, and a way to show progress.
    pub(crate) fn deciding(&mut self) -> (&mut Parts, &mut UnboundedReceiver<Event>) {
        (&mut self.parts, &mut self.shown_events)
    }

    /// Makes another namespace the default; grants and focus belong to the one before.
    pub(crate) fn pin_namespace(&mut self, namespace: &str) {
        self.parts.cluster = self.parts.cluster.with_namespace(namespace);
        let rules = self.parts.gate.rules().clone();
        self.parts.gate.reset(rules);
        show_place(&mut self.parts);
        self.forget_everything();
    }

    /// Forgets what the conversation was about, as when another cluster is chosen.
    pub(crate) fn forget_everything(&mut self) {
        self.names = None;
        self.focus = Focus::default();
        self.look_for_changes();
    }

    /// Takes up whether the journal holds a change that could be taken back.
    pub(crate) fn look_for_changes(&mut self) {
        let undoable = self.has_changes();
        self.parts.ui.fact(&Fact::Undoable { undoable });
        if undoable {
            self.focus.changed();
        } else {
            self.focus.nothing_to_undo();
        }
    }

    /// Forgets what was said with the model.
    pub(crate) fn forget_conversation(&mut self) {
        self.parts.ui.fact(&Fact::Forgotten);
        if let Some(dialogue) = &mut self.parts.dialogue {
            dialogue.forget();
        }
    }

    /// Forgets the names that were fetched; something may have been created or removed.
    pub(crate) fn forget_names(&mut self) {
        self.names = None;
    }

    /// Returns the names in the cluster, fetched at most every 30 seconds; empty where they may not be read.
    pub async fn names(&mut self, run: &Run) -> Names {
        if let Some((at, names)) = &self.names
            && at.elapsed() < NAMES_LAST
        {
            return names.clone();
        }
        let cluster = self.parts.cluster.clone();
        let fetched = todo_agent_tools::names(&cluster, run, todo_agent_tools::names::COMMON_KINDS);
        let names = self.watch(fetched).await.unwrap_or_default();
        self.names = Some((Instant::now(), names.clone()));
        names
    }

    /// Plans without names first: most sentences need none, and asking costs requests.
    async fn plan(&mut self, sentence: &Redacted<String>, run: &Run) -> Result<Planned, Problem> {
        let first = plan(sentence, &self.focus, &Names::default());
        let Planned::Pass(pass) = &first else { return Ok(first) };
        if pass.unused.is_empty() || pass.reason != PassReason::NotUnderstood {
            return Ok(first);
        }
        let names = match &self.parts.replay {
            Some(replay) => replay.names(),
            None => self.names(run).await,
        };
        self.parts.ui.interruption(&run.cancel);
        run.check()?;
        let planned = plan(sentence, &self.focus, &names);
        self.record_names(sentence, &names, &planned);
        Ok(planned)
    }

    /// Records the names that a sentence was understood with: those that bear on it, where they are enough.
    fn record_names(&mut self, sentence: &Redacted<String>, names: &Names, planned: &Planned) {
        let told = names.bearing_on(sentence);
        let told = if plan(sentence, &self.focus, &told) == *planned { &told } else { names };
        let names = self.parts.redactor.data(told);
        self.parts.ui.fact(&Fact::Names { names: &names });
    }

    fn ask(&mut self, question: &Question) -> io::Result<Exit> {
        let text = self.parts.redactor.text(&question.text);
        let choices: Vec<String> = question.choices.iter().map(|choice| choice.label.clone()).collect();
        self.show(&Shown::Question { text: &text, choices: &choices })?;
        Ok(Exit::Usage)
    }

    fn pass(&mut self, pass: &Pass) -> io::Result<Exit> {
        self.fail(&not_understood(pass))
    }

    /// Ends a turn: how it was understood and what was changed.
    pub(crate) fn answer(&mut self, calls: &[Call], ledger: Vec<String>) -> io::Result<()> {
        let understood = calls.iter().map(|call| call.shown(&self.parts.redactor).into_inner()).collect();
        let text = self.parts.redactor.text("");
        self.show(&Shown::Answer(&Answer { text, understood, ledger }))
    }
}

/// Waits for work while showing its progress.
pub(crate) async fn watch<F: Future>(events: &mut UnboundedReceiver<Event>, ui: &mut dyn Ui, work: F) -> F::Output {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => ui.progress(&event),
            output = &mut work => {
                while let Ok(event) = events.try_recv() {
                    ui.progress(&event);
                }
                return output;
            }
        }
    }
}

fn not_understood(pass: &Pass) -> Problem {
    let mut problem = Problem::usage(pass.reason.explanation());
    problem.code = "not_understood";
    if !pass.understood.is_empty() {
        problem = problem.hint(format!("understood: {}", pass.understood.join(", ")));
    }
    if !pass.unused.is_empty() {
        let unused: Vec<String> = pass.unused.iter().map(|word| format!("{word:?}")).collect();
        problem = problem.hint(format!("not understood: {}", unused.join(", ")));
    }
    for example in pass.examples.iter().take(3) {
        problem = problem.hint(format!("try: {example}"));
    }
    problem
}
