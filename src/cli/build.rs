//! From parsed words to a checked [`Invocation`]: which words are a sentence, and what values mean.

use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
    time::Duration,
};

use jiff::{SignedDuration, Span, SpanRelativeTo};
use todo_agent_cluster::policy::Yes;
use todo_agent_tools::diagnosis::Severity;

use super::{ExportFormat, FindingLevel, Flags, Input, Level, Line, SandboxSub, SessionsSub, Sub, command};
use crate::{
    commands::{
        diagnose::{self, Diagnosing, Gaps, Reach, Remedies},
        session_files::Export,
    },
    model::settings::ModelFlags,
    options::{
        Approvals, BudgetFlags, Changes, Colour, Command, Existing, Form, Health, Invocation, Onward, Options,
        OutputForm, PlanSource, Report, Request, RunScript, SandboxServe, read_call,
    },
    problem::{Problem, nearest},
    session::export::Format,
};

/// Returns what a parsed command line asks for.
///
/// # Errors
/// Returns the first value that makes no sense, with what would.
pub(super) fn invocation(line: Line, input: Input) -> Result<Invocation, Problem> {
    let model_check = line.flags.model_check;
    let options = options(line.flags)?;
    let command = match line.command {
        None if model_check && line.words.is_empty() => Command::ModelCheck,
        _ if model_check => return Err(Problem::usage("--model-check stands alone, without a sentence or a command")),
        Some(Sub::Resume { id }) if line.words.is_empty() => {
            Command::Resume { id, with: if input == Input::Terminal { Onward::Talk } else { Onward::Lines } }
        }
        Some(sub) if line.words.is_empty() => subcommand(sub)?,
        Some(_) => return Err(Problem::usage("a command and a sentence cannot be given together")),
        None => sentence(&line.words, input)?,
    };
    if options.output == OutputForm::Json && command == Command::Talk {
        return Err(Problem::usage("--json needs a sentence or a command")
            .hint("give a sentence in quotes, or pipe one sentence per line to standard input"));
    }
    Ok(Invocation { options, command })
}

fn options(flags: Flags) -> Result<Options, Problem> {
    for (flag, value) in [
        ("--context", &flags.context),
        ("--namespace", &flags.namespace),
        ("--provider", &flags.provider),
        ("--model", &flags.model),
    ] {
        if value.as_deref().is_some_and(str::is_empty) {
            return Err(Problem::usage(format!("{flag} needs a name")));
        }
    }
    if flags.sandbox.as_deref().is_some_and(str::is_empty) {
        return Err(Problem::usage("--sandbox= needs a world").hint("--sandbox alone takes the world todo"));
    }
    Ok(Options {
        context: flags.context,
        namespace: flags.namespace,
        kubeconfig: flags.kubeconfig,
        yes: match flags.yes {
            None => Yes::No,
            Some(Level::Medium) => Yes::Medium,
            Some(Level::High) => Yes::High,
        },
        approvals: if flags.unattended || flags.benchmark.skip_permissions {
            Approvals::Unattended
        } else {
            Approvals::ByPolicy
        },
        budgets: budgets(flags.max_steps, flags.max_tokens, flags.max_seconds)?,
        benchmark: flags.benchmark.read(),
        changes: match (flags.dry_run, flags.read_only) {
            (true, _) => Changes::Previewed,
            (false, true) => Changes::Refused,
            (false, false) => Changes::Made,
        },
        output: if flags.json { OutputForm::Json } else { OutputForm::Person },
        sandbox: flags.sandbox,
        sandbox_log: flags.sandbox_log,
        timeout: flags.timeout.as_deref().map(duration).transpose()?,
        colour: if flags.no_color { Colour::Never } else { Colour::Auto },
        verbosity: flags.verbose,
        model: ModelFlags {
            provider: flags.provider,
            model: flags.model,
            base_url: flags.base_url,
            ..ModelFlags::default()
        },
    })
}

fn budgets(steps: Option<usize>, tokens: Option<u64>, seconds: Option<u64>) -> Result<BudgetFlags, Problem> {
    for (flag, is_nothing) in
        [("--max-steps", steps == Some(0)), ("--max-tokens", tokens == Some(0)), ("--max-seconds", seconds == Some(0))]
    {
        if is_nothing {
            return Err(Problem::usage(format!("{flag} must be at least 1")));
        }
    }
    Ok(BudgetFlags { steps, tokens, time: seconds.map(Duration::from_secs) })
}

/// Returns a duration such as `90s`, `5m`, `1h30m`; a bare number means seconds.
///
/// # Errors
/// Returns what would be right.
pub(crate) fn duration(text: &str) -> Result<Duration, Problem> {
    let problem = || {
        Problem::usage(format!("{text:?} is not a duration")).hint("write it like 90s, 5m or 1h30m, more than nothing")
    };
    let parsed = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let signed: SignedDuration = text.parse().map_err(|_| problem())?;
        Duration::try_from(signed).map_err(|_| problem())?
    };
    if parsed.is_zero() { Err(problem()) } else { Ok(parsed) }
}

fn subcommand(sub: Sub) -> Result<Command, Problem> {
    Ok(match sub {
        Sub::Call { tool, arguments } => {
            Command::Call(read_call(&tool, &arguments).map_err(|message| json_problem(message, &tool))?)
        }
        Sub::Plan { words, out } => Command::Plan { request: request(&words)?, out },
        Sub::Approve { plan } => Command::Approve(plan_source(&plan)),
        Sub::Run { file, reports } => {
            let reports = reports.iter().map(|report| read_report(report)).collect::<Result<Vec<_>, _>>()?;
            one_file_each(&reports)?;
            Command::Run(RunScript { file, reports })
        }
        Sub::Undo { change_id: Some(id) } if !is_id(&id) => {
            return Err(Problem::usage(format!("{id:?} is not the id of a change"))
                .hint("ids look like c-7k2m9q and are printed with each report; without one, the last change is undone")
                .hint("put a sentence in quotes: todo-agent \"undo …\""));
        }
        Sub::Undo { change_id } => Command::Undo(change_id),
        Sub::Replay { session } => Command::Replay(session),
        Sub::Sessions { command } => sessions(command)?,
        // It needs to know how standard input is connected.
        Sub::Resume { id } => Command::Resume { id, with: Onward::Lines },
        Sub::Tools { name } => Command::Tools(name),
        Sub::Config => Command::Config,
        Sub::Doctor => Command::Doctor,
        Sub::Diagnose { target, all_namespaces, from, save, fail_on, strict, junit, fix } => {
            if target.is_some() && all_namespaces {
                return Err(Problem::usage("-A looks at everything; a target is one object")
                    .hint("leave one of them out; -n names the namespace of the target"));
            }
            Command::Diagnose(Diagnosing {
                target,
                reach: if all_namespaces { Reach::Everywhere } else { Reach::Namespace },
                from,
                save,
                fail_on: fail_on.map(|level| match level {
                    FindingLevel::Info => Severity::Info,
                    FindingLevel::Warning => Severity::Warning,
                    FindingLevel::Critical => Severity::Critical,
                }),
                gaps: if strict { Gaps::Incomplete } else { Gaps::Told },
                form: if junit { diagnose::Form::Junit } else { diagnose::Form::Usual },
                remedies: if fix { Remedies::Proposed } else { Remedies::Told },
            })
        }
        Sub::Health { all_namespaces } => {
            Command::Health(if all_namespaces { Health::OfCluster } else { Health::OfNamespace })
        }
        Sub::Completions { shell } => Command::Completions(shell),
        Sub::Sandbox { command: SandboxSub::Serve { world, port, speed, write_kubeconfig } } => {
            if !(speed.is_finite() && speed > 0.0) {
                return Err(Problem::usage(format!("--speed must be more than 0, got {speed}")));
            }
            Command::SandboxServe(SandboxServe { world, port, speed, kubeconfig: write_kubeconfig })
        }
    })
}

fn read_report(word: &OsStr) -> Result<Report, Problem> {
    let names = || Form::ALL.map(|(name, _)| name);
    let problem =
        |message: String| Problem::usage(message).hint(format!("write it as {}=FILE", names().join("=FILE, ")));
    let text = word.to_str().ok_or_else(|| problem("the file of a report is not valid UTF-8".to_owned()))?;
    let (kind, file) =
        text.split_once('=').ok_or_else(|| problem(format!("--report {text:?} does not say what is written where")))?;
    let Some((_, form)) = Form::ALL.into_iter().find(|(name, _)| *name == kind) else {
        let problem = problem(format!("there is no report of the kind {kind:?}"));
        return Err(match nearest(kind, names()) {
            Some(near) => problem.hint(format!("did you mean {near}?")),
            None => problem,
        });
    };
    if file.is_empty() {
        return Err(problem(format!("--report {text} names no file")));
    }
    Ok(Report { form, file: PathBuf::from(file) })
}

fn one_file_each(reports: &[Report]) -> Result<(), Problem> {
    for (index, report) in reports.iter().enumerate() {
        if reports[..index].iter().any(|other| other.file == report.file) {
            return Err(Problem::usage(format!("two reports are to be written to {}", report.file.display())));
        }
    }
    Ok(())
}

fn sessions(command: SessionsSub) -> Result<Command, Problem> {
    Ok(match command {
        SessionsSub::List => Command::SessionsList,
        SessionsSub::Show { id } => Command::SessionsShow(id),
        SessionsSub::Rm { ids } => Command::SessionsRemove(ids),
        SessionsSub::Prune { older_than, keep } => {
            Command::SessionsPrune { older_than: older_than.as_deref().map(age).transpose()?, keep }
        }
        SessionsSub::Export { id, format, out, force } => {
            let format = format.map(|format| match format {
                ExportFormat::Markdown => Format::Markdown,
                ExportFormat::Html => Format::Html,
            });
            let existing = if force { Existing::Replaced } else { Existing::Kept };
            Command::SessionsExport(Export { id, format, out, existing })
        }
    })
}

/// Returns an age such as `30d`, `2w` or `12h`; a day has 24 hours.
fn age(text: &str) -> Result<SignedDuration, Problem> {
    let span = text.parse::<Span>().and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    match span {
        Ok(age) if age.is_positive() => Ok(age),
        _ => {
            Err(Problem::usage(format!("{text:?} is not an age"))
                .hint("write it like 30d, 2w or 12h, more than nothing"))
        }
    }
}

fn json_problem(message: String, tool: &str) -> Problem {
    Problem::usage(message).hint(format!("todo-agent tools {tool} shows the arguments and an example"))
}

fn request(words: &[OsString]) -> Result<Request, Problem> {
    let words = texts(words)?;
    match words.as_slice() {
        [call, tool, arguments] if call == "call" => {
            let call = read_call(tool, arguments).map_err(|message| json_problem(message, tool))?;
            Ok(Request::Call(call))
        }
        [call, ..] if call == "call" => Err(Problem::usage("plan call takes a tool and its arguments as JSON")
            .hint(r#"todo-agent plan call scale '{"workload": "backend", "replicas": 3}'"#)),
        _ => Ok(Request::Sentence(words.join(" "))),
    }
}

/// Ids are made of one letter, a dash, and lower-case letters and digits; everything else is a file.
fn plan_source(word: &str) -> PlanSource {
    if is_id(word) { PlanSource::Id(word.to_owned()) } else { PlanSource::File(PathBuf::from(word)) }
}

fn is_id(word: &str) -> bool {
    word.split_once('-').is_some_and(|(letter, rest)| {
        letter.len() == 1
            && letter.bytes().all(|byte| byte.is_ascii_lowercase())
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

fn sentence(words: &[OsString], input: Input) -> Result<Command, Problem> {
    let words = texts(words)?;
    match words.as_slice() {
        [] => Ok(match input {
            Input::Terminal => Command::Talk,
            Input::Piped => Command::Lines,
        }),
        [word] if !word.contains(char::is_whitespace) => match near_subcommand(word) {
            Some(name) => Err(Problem::usage(format!("there is no command {word:?}"))
                .hint(format!("did you mean todo-agent {name}?"))
                .hint("a sentence has more than one word")),
            None => Ok(Command::Sentence(word.clone())),
        },
        _ => Ok(Command::Sentence(words.join(" "))),
    }
}

fn texts(words: &[OsString]) -> Result<Vec<String>, Problem> {
    words
        .iter()
        .map(|word| word.clone().into_string())
        .collect::<Result<_, _>>()
        .map_err(|_| Problem::usage("the sentence is not valid UTF-8").hint("check the terminal's encoding"))
}

fn near_subcommand(word: &str) -> Option<String> {
    let command = command();
    nearest(word, command.get_subcommands().map(clap::Command::get_name)).map(str::to_owned)
}

/// Returns the sentence that a refused command line may have been meant as: several words that begin with
/// a subcommand's name.
pub(super) fn meant_sentence(arguments: &[OsString]) -> Option<String> {
    let words: Vec<&str> =
        arguments.iter().skip(1).filter_map(|word| word.to_str()).filter(|word| !word.starts_with("--")).collect();
    let (first, rest) = words.split_first()?;
    let is_command = command().find_subcommand(first).is_some();
    let are_words = !rest.is_empty() && rest.iter().all(|word| !word.contains([' ', '{', '"']));
    (is_command && are_words).then(|| words.join(" "))
}
