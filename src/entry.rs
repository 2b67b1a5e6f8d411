//! From the process's arguments to its exit code: parse, read what the command needs and no more, run it.
//!
//! Help and version need neither configuration nor a runtime and come first. A closed pipe ends the program
//! with 0; a panic says where it happened, never with what values.

use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal, Write},
    panic,
};

use jiff::SignedDuration;
use serde_json::json;
use todo_agent_cluster::contexts;
use todo_agent_core::{Event, Output, Redactor};
use todo_agent_tools::{TOOLS, Tool};
use tokio::runtime::{Builder, Runtime};

use crate::{
    cli::{self, Input, Parsed},
    commands::{
        self,
        session_files::{self, Export, Exported, Removal},
    },
    config::Config,
    exit::Exit,
    input::Attached,
    json::{JsonUi, Requests},
    model::ModelSettings,
    options::{Changes, Command, Invocation, Options, OutputForm},
    policy_file::Policy,
    problem::Problem,
    program::{self, Circumstances},
    session::Retention,
    state::{StateDirectory, environment, fill_random, state_path},
    ui::{Audience, Shown},
};

/// Runs the program.
pub fn main() -> Exit {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(io::stderr(), "error: todo-agent failed at {place}\nhint: this is a bug; please report it");
    }));
    // What a panic leaves behind is not used again: the process ends.
    panic::catch_unwind(panic::AssertUnwindSafe(unguarded)).unwrap_or(Exit::NotAchieved)
}

fn unguarded() -> Exit {
    let arguments: Vec<OsString> = env::args_os().collect();
    if let [_, only] = arguments.as_slice()
        && (only == "--version" || only == "-V")
    {
        return ended(writeln!(io::stdout(), "todo-agent {}", env!("CARGO_PKG_VERSION")).map(|()| Exit::Done));
    }
    let input = if io::stdin().is_terminal() { Input::Terminal } else { Input::Piped };
    match cli::parse(arguments.iter().cloned(), input) {
        Parsed::Print(text) => ended(io::stdout().write_all(text.as_bytes()).map(|()| Exit::Done)),
        Parsed::Refused { problem, .. } if arguments.iter().any(|word| word == "--json") => {
            let options = Options { output: OutputForm::Json, ..Options::default() };
            ended(fail(&options, &problem))
        }
        Parsed::Refused { text, problem } => ended(io::stderr().write_all(text.as_bytes()).map(|()| problem.exit)),
        Parsed::Run(invocation) => ended(run(*invocation, input)),
    }
}

/// Ends with the exit of what was done; where nobody reads any more, with that.
fn ended(result: io::Result<Exit>) -> Exit {
    result.unwrap_or_else(|error| {
        let problem = Problem::from(error);
        if !problem.is_closed_pipe() {
            let _ = writeln!(io::stderr(), "error: {problem}");
        }
        problem.exit
    })
}

fn run(invocation: Invocation, input: Input) -> io::Result<Exit> {
    let Invocation { options, command } = invocation;
    match command {
        Command::Completions(shell) => {
            commands::completions::run(shell, &mut io::stdout())?;
            Ok(Exit::Done)
        }
        Command::Tools(None) => show(&options, "tools", Ok(commands::tools::list(&redactor()?))),
        Command::Tools(Some(name)) => show(&options, "tools", commands::tools::show(&name, &redactor()?)),
        Command::SessionsList => {
            let redactor = redactor()?;
            let listed = StateDirectory::open(&environment).map(|state| commands::sessions::list(&state, &redactor));
            show(&options, "sessions", listed)
        }
        Command::SessionsShow(id) => {
            let redactor = redactor()?;
            let shown =
                StateDirectory::open(&environment).and_then(|state| commands::sessions::show(&state, &id, &redactor));
            show(&options, "session", shown)
        }
        Command::SessionsRemove(ids) => {
            let redactor = redactor()?;
            let removed = StateDirectory::open(&environment)
                .and_then(|state| session_files::remove(&state, &ids, removal(&options), &redactor));
            show(&options, "sessions", removed)
        }
        Command::SessionsPrune { older_than, keep } => {
            let pruned = prune(&options, older_than, keep, &redactor()?);
            show(&options, "sessions", pruned)
        }
        Command::Replay(session) => {
            let state = StateDirectory::open(&environment);
            let redactor = redactor()?;
            let replayed = runtime()?.block_on(Box::pin(commands::replay::run(&session, state, &redactor)));
            show(&options, "replay", replayed)
        }
        Command::SessionsExport(wish) => export(&options, &wish),
        Command::Config => show(&options, "config", config(&options, &redactor()?)),
        Command::ModelCheck => {
            let checked = match model(&options) {
                Ok(settings) => runtime()?.block_on(commands::model_check::run(settings.as_ref(), &redactor()?)),
                Err(problem) => Err(problem),
            };
            show(&options, "model_check", checked)
        }
        Command::Doctor => {
            let output = runtime()?.block_on(doctor(&options, &redactor()?));
            show(&options, "doctor", Ok(output))
        }
        Command::Diagnose(wish) if wish.stands_apart() => diagnose(&options, &wish),
        Command::SandboxServe(serve) => {
            let runtime = runtime()?;
            let served = runtime.block_on(commands::sandbox_serve::run(
                &serve,
                options.sandbox_log.as_deref(),
                &mut io::stderr(),
            ));
            runtime.shutdown_background();
            match served {
                Ok(exit) => Ok(exit),
                Err(problem) => fail(&options, &problem),
            }
        }
        command => on_cluster(options, command, input),
    }
}

/// Runs a command that works on a cluster.
fn on_cluster(options: Options, command: Command, input: Input) -> io::Result<Exit> {
    let mut circumstances = match circumstances() {
        Ok(circumstances) => circumstances,
        Err(problem) => return fail(&options, &problem),
    };
    let beside = matches!(command, Command::Sentence(_)) && input == Input::Piped;
    let attached = if beside { Attached::read(io::stdin()) } else { Attached::nothing() };
    circumstances.attached = attached.clone();
    let runtime = runtime()?;
    let shown = options.clone();
    let exit = runtime.block_on(program::run(options, command, circumstances));
    // A thread may still wait for a terminal; the program does not.
    runtime.shutdown_background();
    if attached.arrived() > 0 {
        let text = format!(
            "{} bytes of standard input came beside the sentence and were not used: they are data for a model, or came too late",
            attached.arrived()
        );
        let (mut ui, _) = program::surfaces(&shown, &Config::default());
        ui.progress(&Event::Warning(redactor()?.text(&text)));
    }
    exit
}

fn circumstances() -> Result<Circumstances, Problem> {
    let config = Config::load(&environment)?;
    Ok(Circumstances {
        config,
        policy: policy()?,
        state: StateDirectory::open(&environment),
        attached: Attached::nothing(),
    })
}

/// Returns the model that is configured, if any.
fn model(options: &Options) -> Result<Option<ModelSettings>, Problem> {
    ModelSettings::resolve(Config::load(&environment)?.model.as_ref(), &options.model, &environment)
}

fn policy() -> Result<Policy, Problem> {
    let directory = env::current_dir()
        .map_err(|error| Problem::configuration(format!("the working directory cannot be used: {error}")))?;
    let tools: Vec<&str> = TOOLS.iter().map(Tool::name).collect();
    Policy::load(&environment, &directory, &tools)
}

fn config(options: &Options, redactor: &Redactor) -> Result<Output, Problem> {
    let config = Config::load(&environment)?;
    let policy = policy()?;
    let model = model(options)?;
    // Without a kubeconfig the modes of contexts say nothing, which is no reason to fail here.
    let current = contexts(options.kubeconfig.as_deref()).ok().and_then(|(_, current)| current);
    let context =
        if options.sandbox.is_some() { Some("sandbox".to_owned()) } else { options.context.clone().or(current) };
    let shown = commands::config::Shown {
        config: &config,
        policy: &policy,
        options,
        context: context.as_deref().filter(|context| !context.is_empty()),
        state: state_path(&environment),
        model: model.as_ref(),
        environment: &environment,
    };
    Ok(commands::config::run(&shown, redactor))
}

async fn doctor(options: &Options, redactor: &Redactor) -> Output {
    let (config, policy, state) = (Config::load(&environment), policy(), StateDirectory::open(&environment));
    let model = match &config {
        Ok(config) => ModelSettings::resolve(config.model.as_ref(), &options.model, &environment),
        // What is wrong with the file is said once.
        Err(_) => Ok(None),
    };
    let subject = commands::doctor::Subject {
        options,
        config: config.as_ref(),
        policy: policy.as_ref(),
        state: state.as_ref(),
        model: model.as_ref().map(Option::as_ref),
        wish: program::wish(options, config.as_ref().map(|config| config.colour).unwrap_or_default()),
    };
    commands::doctor::run(&subject, redactor).await
}

fn removal(options: &Options) -> Removal {
    match options.changes {
        Changes::Made => Removal::Done,
        Changes::Previewed | Changes::Refused => Removal::Shown,
    }
}

fn prune(
    options: &Options,
    age: Option<SignedDuration>,
    files: Option<usize>,
    redactor: &Redactor,
) -> Result<Output, Problem> {
    let retention = match (age, files) {
        (None, None) => Config::load(&environment)?.sessions,
        (age, files) => Retention { age, files },
    };
    let state = StateDirectory::open(&environment)?;
    session_files::prune(&state, retention, removal(options), redactor)
}

fn export(options: &Options, wish: &Export) -> io::Result<Exit> {
    let redactor = redactor()?;
    match StateDirectory::open(&environment).and_then(|state| session_files::export(&state, wish, &redactor)) {
        Ok(Exported::Text(report)) if options.output == OutputForm::Person => {
            io::stdout().write_all(report.as_bytes())?;
            Ok(Exit::Done)
        }
        Ok(Exported::Text(report)) => {
            let data = json!({ "exported": wish.id, "text": report });
            show(options, "session", Ok(Output::build(&redactor, &data).build()))
        }
        Ok(Exported::File(output)) => show(options, "session", Ok(output)),
        Err(problem) => fail(options, &problem),
    }
}

fn diagnose(options: &Options, wish: &commands::diagnose::Diagnosing) -> io::Result<Exit> {
    let runtime = runtime()?;
    let told = runtime.block_on(Box::pin(commands::diagnose::apart(wish, options, redactor()?)));
    runtime.shutdown_background();
    let told = match told {
        Ok(told) => told,
        Err(problem) => return fail(options, &problem),
    };
    match &told.junit {
        Some(junit) => io::stdout().write_all(junit.as_bytes())?,
        None => drop(show(options, "diagnose", Ok(told.output))?),
    }
    Ok(told.exit)
}

/// Shows a command's answer, or why there is none.
fn show(options: &Options, about: &str, answer: Result<Output, Problem>) -> io::Result<Exit> {
    let output = match answer {
        Ok(output) => output,
        Err(problem) => return fail(options, &problem),
    };
    if options.output == OutputForm::Json {
        JsonUi::new(io::stdout(), Requests::Hidden).info(about, output.for_json())?;
    } else {
        let (mut ui, _) = program::surfaces(options, &Config::default());
        ui.show(&Shown::ToolResult { tool: about, output: &output, audience: Audience::Person })?;
    }
    Ok(if output.achieved() { Exit::Done } else { Exit::NotAchieved })
}

fn fail(options: &Options, problem: &Problem) -> io::Result<Exit> {
    let (mut ui, _) = program::surfaces(options, &Config::default());
    ui.show(&Shown::Error(&problem.shown(&redactor()?)))?;
    Ok(problem.exit)
}

fn redactor() -> io::Result<Redactor> {
    let mut key = [0; 32];
    fill_random(&mut key).map_err(|problem| io::Error::other(problem.message))?;
    Ok(Redactor::new(key))
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
