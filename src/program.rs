//! Runs the commands that work on a cluster: a sentence, lines of sentences, a call, a plan, an undo.
//!
//! Owns Ctrl-C: the first one cancels the turn, never a request in flight; the second ends the program.

use std::{io, process, thread};

use serde_json::json;
use todo_agent_core::Call;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::{
    agent::Agent,
    commands::{self, plan, resume},
    config::Config,
    conversation::{Begun, Conversing},
    dialogue,
    exit::Exit,
    input::{Attached, next_sentence, whole_input},
    options::{Approvals, Colour, Command, Health, Onward, Options, OutputForm, PlanSource, Surface},
    policy_file::Policy,
    problem::Problem,
    start::{Start, start},
    state::{StateDirectory, environment},
    terminal::{
        Detail, Look, TerminalApprover, TerminalUi,
        repl::{self, ReplSetup},
    },
    trace::Traced,
    ui::{Shown, Ui},
};

/// What a command on a cluster needs beside the command line.
pub struct Circumstances {
    /// The configuration.
    pub config: Config,
    /// The policy files.
    pub policy: Policy,
    /// Where things are kept, or why nothing can be.
    pub state: Result<StateDirectory, Problem>,
    /// What is piped in beside a sentence.
    pub attached: Attached,
}

/// Runs a command that works on a cluster.
///
/// # Errors
/// Returns an error only when nobody reads the output any more.
pub async fn run(mut options: Options, command: Command, circumstances: Circumstances) -> io::Result<Exit> {
    if let Command::Run(script) = command {
        return Box::pin(commands::run::run(script, options, circumstances)).await;
    }
    let Circumstances { config, policy, state, attached } = circumstances;
    let (mut ui, approver) = surfaces(&options, &config);
    if let Some(path) = &options.benchmark.trace {
        ui = match Traced::new(ui, path) {
            Ok(traced) => Box::new(traced),
            Err((problem, mut ui)) => return fail(ui.as_mut(), &problem),
        };
    }
    let kept = match &command {
        Command::Approve(source) => match kept_plan(source, &state, &mut options) {
            Ok(kept) => Some(kept),
            Err(problem) => return fail(ui.as_mut(), &problem),
        },
        _ => None,
    };
    let resumed = match &command {
        Command::Resume { id, .. } => {
            let state = state.as_ref().map_err(Clone::clone);
            match state.and_then(|state| resume::load(id.as_deref(), state, &mut options)) {
                Ok(recorded) => Some(recorded),
                Err(problem) => return fail(ui.as_mut(), &problem),
            }
        }
        _ => None,
    };
    let timeout = options.timeout.or(config.timeout);
    let dialogue = match dialogue::dialogue(&options, &config, &environment) {
        Ok(dialogue) => dialogue,
        Err(problem) => return fail(ui.as_mut(), &problem),
    };
    let given = Start {
        options: &options,
        policy: &policy,
        timeout,
        retention: config.sessions,
        state: state.clone(),
        ui,
        approver,
        dialogue,
        attached,
    };
    let mut agent = match start(given).await {
        Ok(agent) => agent,
        Err((problem, mut ui)) => return fail(ui.as_mut(), &problem),
    };
    warn(&mut agent, &options);
    if let Some(recorded) = &resumed {
        let redactor = agent.redactor();
        let said = resume::take_up(&mut agent, recorded, &redactor);
        agent.note(&said);
    }
    if matches!(command, Command::Talk | Command::Resume { with: Onward::Talk, .. }) {
        let look = Look::of_stdout(wish(&options, config.colour));
        return Box::pin(talk(agent, look, Begun { options, config, policy, state })).await;
    }
    let cancel = cancel_on_interrupt();
    let stays = !matches!(command, Command::Lines);
    let until = cancel.clone();
    let exit = match command {
        Command::Lines if options.benchmark.surface == Surface::OneTask => one_task(&mut agent, cancel).await?,
        Command::Sentence(sentence) => agent.sentence(&sentence, cancel).await?,
        Command::Lines | Command::Resume { .. } => lines(&mut agent, &cancel).await?,
        Command::Call(call) => agent.call(call, cancel).await?,
        Command::Diagnose(wish) => commands::diagnose::run(&mut agent, &wish, &options, cancel).await?,
        Command::Health(of) => {
            let args = if of == Health::OfCluster { json!({ "all_namespaces": true }) } else { json!({}) };
            agent.call(Call::new("health", args), cancel).await?
        }
        Command::Undo(change_id) => {
            let args = change_id.map_or(json!({}), |change_id| json!({ "change_id": change_id }));
            agent.call(Call::new("undo", args), cancel).await?
        }
        Command::Plan { request, out } => {
            let state = state.as_ref().map_err(Clone::clone);
            plan::plan(&mut agent, state, request, out.as_deref(), cancel).await?
        }
        Command::Approve(_) => match kept {
            Some(kept) => plan::approve(&mut agent, kept, cancel).await?,
            None => Exit::Usage,
        },
        other => agent.fail(&Problem::usage(format!("{other:?} does not work on a cluster")))?,
    };
    let exit = if stays { exit.worse(agent.keep_forwards(&until).await) } else { exit };
    farewell(&mut agent, &options);
    Ok(exit)
}

/// Says what ends with the program.
pub(crate) fn farewell(agent: &mut Agent, options: &Options) {
    if options.sandbox.is_some() && options.output == OutputForm::Person {
        let back = if agent.has_changes() { ", and the way back with it" } else { "" };
        agent.note(&format!("this sandbox is discarded{back}; todo-agent sandbox serve keeps one"));
    }
}

/// Says what is out of the ordinary about this run.
pub(crate) fn warn(agent: &mut Agent, options: &Options) {
    if options.approvals == Approvals::Unattended {
        agent.warn("--unattended: every change is made without asking, protected objects included");
    }
    if options.benchmark.wants_mcp_client {
        agent.warn("--mcp-client: there is no MCP client; the built-in tools are used");
    }
}

/// Talks with a person at the terminal until they leave.
async fn talk(agent: Agent, look: Look, begun: Begun) -> io::Result<Exit> {
    let setup = ReplSetup {
        history: begun.state.as_ref().ok().map(|state| state.path().join("history")),
        look,
        redactor: agent.redactor(),
    };
    let mut conversation = Conversing::new(agent, begun);
    Box::pin(repl::run(&mut conversation, setup)).await
}

/// Reads a kept plan and goes to where it was made, unless the command line says otherwise.
fn kept_plan(
    source: &PlanSource,
    state: &Result<StateDirectory, Problem>,
    options: &mut Options,
) -> Result<plan::KeptPlan, Problem> {
    let kept = plan::load(source, state.as_ref().map_err(Clone::clone))?;
    if options.sandbox.is_none() {
        options.context.get_or_insert_with(|| kept.context.clone());
    }
    options.namespace.get_or_insert_with(|| kept.namespace.clone());
    Ok(kept)
}

/// Returns what shows things and who is asked.
pub fn surfaces(options: &Options, config: &Config) -> (Box<dyn Ui>, Box<dyn todo_agent_core::approval::Approver>) {
    if options.output == OutputForm::Json {
        let requests = if options.verbosity > 1 { crate::json::Requests::Shown } else { crate::json::Requests::Hidden };
        return (Box::new(crate::json::JsonUi::new(io::stdout(), requests)), Box::new(NobodyToAsk));
    }
    let detail = if options.verbosity > 0 { Detail::Verbose } else { Detail::Normal };
    let mut ui = TerminalUi::new(wish(options, config.colour), detail);
    if options.benchmark.surface == Surface::OneTask {
        ui = ui.with_account_aside();
    }
    if options.benchmark.shows_tool_output {
        ui = ui.with_whole_tool_output();
    }
    let approver = TerminalApprover::new(ui.progress_line(), ui.look());
    (Box::new(ui), Box::new(approver))
}

/// Returns whether colour is wished for; the stricter of command line and configuration.
pub fn wish(options: &Options, configured: Colour) -> Colour {
    match (options.colour, configured) {
        (Colour::Auto, Colour::Auto) => Colour::Auto,
        (Colour::Never, _) | (_, Colour::Never) => Colour::Never,
    }
}

/// With `--json` a program reads, and a program cannot approve; a script neither.
pub(crate) struct NobodyToAsk;

impl todo_agent_core::approval::Approver for NobodyToAsk {
    fn ask<'a>(
        &'a mut self,
        _question: &'a todo_agent_core::approval::ApprovalQuestion<'a>,
    ) -> futures::future::BoxFuture<'a, todo_agent_core::approval::Answer> {
        Box::pin(std::future::ready(todo_agent_core::approval::Answer::Nobody))
    }
}

/// Shows why there is no agent to say it.
pub(crate) fn fail(ui: &mut dyn Ui, problem: &Problem) -> io::Result<Exit> {
    // No secret was read yet, but every text goes the same way.
    let redactor = todo_agent_core::Redactor::new([0; 32]);
    ui.show(&Shown::Error(&problem.shown(&redactor)))?;
    Ok(problem.exit)
}

/// Answers all of standard input as one task. Whoever reads the answer wants it, whatever it says of the cluster.
async fn one_task(agent: &mut Agent, cancel: CancellationToken) -> io::Result<Exit> {
    let read = tokio::task::spawn_blocking(|| whole_input(&mut io::stdin().lock())).await;
    match read.unwrap_or_else(|_| Err(Problem::usage("standard input cannot be read"))) {
        Ok(task) => match agent.sentence(&task, cancel).await? {
            Exit::NotAchieved if agent.answered => Ok(Exit::Done),
            exit => Ok(exit),
        },
        Err(problem) => agent.fail(&problem),
    }
}

/// Answers each line of standard input; the worst end is the program's.
async fn lines(agent: &mut Agent, cancel: &CancellationToken) -> io::Result<Exit> {
    let mut sentences = sentences_of_stdin();
    let mut worst = None;
    loop {
        let next = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(worst.unwrap_or(Exit::Done).worse(Exit::Interrupted)),
            next = sentences.recv() => next,
        };
        let exit = match next {
            Some(Ok(sentence)) => agent.sentence(&sentence, cancel.child_token()).await?,
            Some(Err(problem)) => agent.fail(&problem)?,
            None => break,
        };
        worst = Some(exit.worse(worst.unwrap_or(Exit::Done)));
        // Ctrl-C at a question is a key, not a signal; it means the lines after it, too.
        if exit == Exit::Interrupted {
            break;
        }
    }
    if let Some(worst) = worst {
        return Ok(worst);
    }
    let problem = Problem::usage("there is no sentence on standard input, so there is nothing to do")
        .hint("give one: todo-agent \"list the pods\"");
    agent.fail(&problem)
}

/// Reads sentences on a thread of their own: waiting for input must not keep Ctrl-C from being heard.
fn sentences_of_stdin() -> mpsc::Receiver<Result<String, Problem>> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut number = 0;
        while let Some(sentence) = next_sentence(&mut input, &mut number).transpose() {
            let is_last = sentence.is_err();
            if sender.blocking_send(sentence).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// Returns a token that Ctrl-C cancels, or a request to end (SIGTERM), as of a CI that gives up; a second one ends the
/// program at once.
pub fn cancel_on_interrupt() -> CancellationToken {
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    tokio::spawn(async move {
        let mut terminate = signal(SignalKind::terminate()).ok();
        let mut terminated = async || match &mut terminate {
            Some(signal) => signal.recv().await,
            None => std::future::pending().await,
        };
        loop {
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => if interrupted.is_err() { return },
                terminated = terminated() => if terminated.is_none() { return },
            }
            if token.is_cancelled() {
                process::exit(Exit::Interrupted.code().into());
            }
            token.cancel();
        }
    });
    cancel
}
