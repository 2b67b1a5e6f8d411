//! The command line as a person writes it: flags, subcommands, and the grammar of sentences.
//!
//! One argument with a space is a sentence. Several words that start with a subcommand's name are that
//! subcommand; other words are joined to a sentence. No words mean a conversation at a terminal, else one
//! sentence per line of standard input. Parsing only: nothing is read, connected or printed here.

mod benchmark;
mod build;

use std::{ffi::OsString, fmt::Write as _, path::PathBuf};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint, error::ErrorKind};
use clap_complete::Shell;

pub(crate) use build::duration;

use crate::{options::Invocation, problem::Problem};

/// What happened to the command line.
#[derive(Debug)]
pub enum Parsed {
    /// It says what to do.
    Run(Box<Invocation>),
    /// It is answered by a text on standard output: help or version.
    Print(String),
    /// It cannot be understood.
    Refused {
        /// Why and what would be right, for a person.
        text: String,
        /// The same as data.
        problem: Problem,
    },
}

/// How standard input is connected, which decides what no words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A terminal.
    Terminal,
    /// A pipe or a file.
    Piped,
}

/// Parses a command line; the first argument is the program's name.
pub fn parse(arguments: impl IntoIterator<Item = OsString>, input: Input) -> Parsed {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let matches = match command().try_get_matches_from(&arguments) {
        Ok(matches) => matches,
        Err(error) => return refused(&error, &arguments),
    };
    let line = match Line::from_arg_matches(&matches) {
        Ok(line) => line,
        Err(error) => return refused(&error, &arguments),
    };
    match build::invocation(line, input) {
        Ok(invocation) => Parsed::Run(Box::new(invocation)),
        Err(problem) => {
            let mut text = format!("error: {problem}\n");
            for hint in &problem.hints {
                let _ = writeln!(text, "hint: {hint}");
            }
            Parsed::Refused { text, problem }
        }
    }
}

/// Returns the command line's definition, for help and completions.
pub fn command() -> clap::Command {
    Line::command()
}

fn refused(error: &clap::Error, arguments: &[OsString]) -> Parsed {
    let mut text = error.render().to_string();
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Parsed::Print(text);
    }
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut problem = Problem::usage(first.trim_start_matches("error: "));
    problem.hints.extend(lines.filter_map(|line| line.strip_prefix("tip: ")).map(str::to_owned));
    if let Some(sentence) = build::meant_sentence(arguments) {
        let hint = format!("if you meant a sentence, put it in quotes: todo-agent \"{sentence}\"");
        let _ = writeln!(text, "\nhint: {hint}");
        problem.hints.push(hint);
    }
    Parsed::Refused { text, problem }
}

const AFTER_HELP: &str = "\
Examples:
  todo-agent \"scale backend to 3\"             shows the change, asks, applies it, waits until it holds
  todo-agent --sandbox \"scale backend to 3\"   the same in a simulated cluster, with nothing installed
  todo-agent which pods are not ready          words that are no command are a sentence, too
  todo-agent undo                              takes the last change back
  todo-agent                                   talks with you

Exit codes: 0 done, 1 not achieved, 2 usage or not understood, 3 approval needed or refused,
4 forbidden by policy, 5 incomplete, 130 interrupted.";

/// Says what you want done in a Kubernetes cluster, shows every change before it makes it.
#[derive(Debug, Parser)]
#[command(name = "todo-agent", version, after_help = AFTER_HELP, max_term_width = 100)]
#[command(subcommand_help_heading = "Commands", disable_help_subcommand = false)]
#[command(override_usage = "todo-agent [OPTIONS] \"SENTENCE\"\n       todo-agent [OPTIONS] [COMMAND]")]
struct Line {
    #[command(flatten)]
    flags: Flags,
    /// What you want, in your words
    #[arg(value_name = "SENTENCE", allow_negative_numbers = true)]
    words: Vec<OsString>,
    #[command(subcommand)]
    command: Option<Sub>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line, turned into enums at once")]
struct Flags {
    /// The kubeconfig context to work in [default: the current context]
    #[arg(long, value_name = "NAME", global = true)]
    context: Option<String>,
    /// The namespace to work in [default: the context's own]
    #[arg(long, short, value_name = "NAME", global = true)]
    namespace: Option<String>,
    /// The kubeconfig file [default: $KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE", global = true)]
    kubeconfig: Option<PathBuf>,
    /// Approve changes of low and medium risk without asking; with =high also those of high risk
    #[arg(long, value_name = "LEVEL", value_enum, global = true)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "medium")]
    yes: Option<Level>,
    /// Approve everything, also what is protected; for benchmarks and throw-away clusters only
    #[arg(long, global = true, conflicts_with_all = ["dry_run", "read_only"])]
    unattended: bool,
    /// The most requests to the model in one turn [default: 25]
    #[arg(long, value_name = "N", global = true)]
    max_steps: Option<usize>,
    /// The most tokens in one turn, of requests and answers together [default: no bound]
    #[arg(long, value_name = "N", global = true)]
    max_tokens: Option<u64>,
    /// How long the model may take in one turn, in seconds [default: no bound]
    #[arg(long, value_name = "N", global = true)]
    max_seconds: Option<u64>,
    /// Show what would change, change nothing
    #[arg(long, global = true, conflicts_with = "read_only")]
    dry_run: bool,
    /// Refuse every change
    #[arg(long, global = true)]
    read_only: bool,
    /// Write one JSON object per line to standard output
    #[arg(long, global = true)]
    json: bool,
    /// Work in a simulated cluster: todo, todo-broken, empty, hpa, stuck, or the path of a world's file
    #[arg(long, value_name = "WORLD", global = true)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "todo")]
    #[arg(conflicts_with_all = ["context", "kubeconfig"])]
    sandbox: Option<String>,
    /// Log every request to the simulated cluster, one JSON object per line
    #[arg(long, value_name = "FILE", global = true)]
    sandbox_log: Option<PathBuf>,
    /// How long one request may take in all, for example 90s or 5m
    #[arg(long, value_name = "DURATION", global = true, allow_hyphen_values = true)]
    timeout: Option<String>,
    /// The model's provider: openai, gemini, ollama, … [env: TODO_AGENT_PROVIDER]
    #[arg(long, value_name = "NAME", alias = "llm-provider", global = true)]
    provider: Option<String>,
    /// The model to ask where the offline planner does not understand [env: TODO_AGENT_MODEL]
    #[arg(long, value_name = "NAME", global = true)]
    model: Option<String>,
    /// Any OpenAI-compatible server, for example http://localhost:8000/v1 [env: TODO_AGENT_BASE_URL]
    #[arg(long, value_name = "URL", global = true)]
    base_url: Option<String>,
    /// Check what works with the configured model, and why not
    #[arg(long)]
    model_check: bool,
    /// Use no colour
    #[arg(long, global = true)]
    no_color: bool,
    /// Tell more: each tool call and each request to the cluster
    #[arg(long, short, action = clap::ArgAction::Count, global = true)]
    verbose: u8,
    #[command(flatten)]
    benchmark: benchmark::BenchmarkFlags,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    /// Approve low and medium risk
    Medium,
    /// Approve every risk; protected objects are asked about all the same
    High,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FindingLevel {
    /// Worth knowing; nothing fails
    Info,
    /// Something fails or will
    Warning,
    /// Something does not work at all
    Critical,
}

#[derive(Debug, Subcommand)]
enum Sub {
    /// Run one tool with arguments as JSON; changes are shown and approved as always
    Call {
        /// The tool's name; `todo-agent tools` lists them
        tool: String,
        /// The arguments, a JSON object
        #[arg(value_name = "JSON")]
        arguments: String,
    },
    /// Make a plan, show it, keep it; `approve` carries it out later
    #[command(
        override_usage = "todo-agent plan \"SENTENCE\" [--out FILE]\n       todo-agent plan call TOOL JSON [--out FILE]"
    )]
    Plan {
        /// What you want, or `call TOOL JSON`
        #[arg(required = true, value_name = "SENTENCE", allow_negative_numbers = true)]
        words: Vec<OsString>,
        /// Also write the plan to this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show a kept plan as it would happen now, and carry it out once approved
    Approve {
        /// The plan's id or file
        #[arg(value_name = "ID|FILE")]
        plan: String,
    },
    /// Run the steps of a script and compare what comes of them with what is expected
    ///
    /// The whole file is checked before the first step runs. Nobody is asked: changes need --yes or the policy
    /// files. docs/SCRIPTS.md says what a script can hold.
    ///
    /// Exit codes: 0 every step went as expected, 1 one did not, 2 the script has mistakes and nothing was run,
    /// 130 interrupted.
    Run {
        /// The script, a YAML file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Write a report: junit=FILE, json=FILE or html=FILE; may be given several times
        #[arg(long = "report", value_name = "KIND=FILE", value_hint = ValueHint::FilePath)]
        reports: Vec<OsString>,
    },
    /// Take a change back: the last one, or the one with this id
    Undo {
        /// The change's id, as each report prints it
        #[arg(value_name = "ID")]
        change_id: Option<String>,
    },
    /// Go on from a recorded session: the newest, or the one with this id
    Resume {
        /// The session's id, or the start of it
        #[arg(value_name = "ID")]
        id: Option<String>,
    },
    /// Run a recorded session once more, without a cluster or a model, and say where it differs
    ///
    /// What came from outside is fed from the record; what this program makes of it is held against it. Nothing is
    /// sent anywhere. Exit codes: 0 as recorded, 1 it differs or the file was changed.
    Replay {
        /// The session's file, its id, or the start of that
        #[arg(value_name = "FILE|ID", value_hint = ValueHint::FilePath)]
        session: String,
    },
    /// Look at recorded sessions, export or remove them
    #[command(subcommand_required = true, arg_required_else_help = false)]
    Sessions {
        #[command(subcommand)]
        command: SessionsSub,
    },
    /// Show the tools there are, or one with its arguments and an example
    Tools {
        /// A tool's name
        name: Option<String>,
    },
    /// Show where the configuration is and what is in force
    Config,
    /// Say what is wrong and why: causes with what follows from them and what would help (-v: with the evidence)
    ///
    /// Exit codes: 0 done, whatever was found; 1 findings at or above --fail-on; 5 something could not be checked,
    /// with --strict.
    Diagnose {
        /// The object: backend, service/web, pod/x, node/n [default: everything in the namespace]
        #[arg(value_name = "TARGET")]
        target: Option<String>,
        /// Look at all namespaces
        #[arg(long, short = 'A')]
        all_namespaces: bool,
        /// Diagnose without a cluster: a saved snapshot, a file of kubectl get -o yaml, the folder of a dump
        #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath, conflicts_with = "save")]
        from: Option<PathBuf>,
        /// Also write what was read to this file, without secrets, to be diagnosed elsewhere
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        save: Option<PathBuf>,
        /// Fail if there is a finding of this severity or a higher one
        #[arg(long, value_name = "LEVEL", value_enum)]
        fail_on: Option<FindingLevel>,
        /// Fail if something could not be checked
        #[arg(long)]
        strict: bool,
        /// Write the findings as JUnit XML
        #[arg(long, conflicts_with = "json")]
        junit: bool,
        /// Propose the remedies as one plan; once approved and done, look again
        #[arg(long, conflicts_with_all = ["from", "save", "junit"])]
        fix: bool,
    },
    /// Say how nodes, workloads, storage and network are
    Health {
        /// Look at all namespaces
        #[arg(long, short = 'A')]
        all_namespaces: bool,
    },
    /// Check that everything is in place: files, cluster, permissions, terminal
    Doctor,
    /// Print a completion script for your shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Keep a simulated cluster running for kubectl and others
    #[command(subcommand_required = true)]
    Sandbox {
        #[command(subcommand)]
        command: SandboxSub,
    },
}

#[derive(Debug, Subcommand)]
enum SessionsSub {
    /// List them, newest first
    List,
    /// Show one
    Show {
        /// The session's id, or the start of it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Write one as an incident report: what was said, found, approved and done
    Export {
        /// The session's id, or the start of it
        #[arg(value_name = "ID")]
        id: String,
        /// The format [default: as the file's name ends, else markdown]
        #[arg(long, value_enum)]
        format: Option<ExportFormat>,
        /// Write to this file, which only you can read [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Replace the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Remove some: all that are named, or none
    Rm {
        /// The sessions' ids, or the starts of them
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Remove old ones [default: those that [sessions] in config.toml does not keep]
    Prune {
        /// Those that started longer ago than this, for example 30d or 12h
        #[arg(long, value_name = "AGE")]
        older_than: Option<String>,
        /// The oldest beyond so many
        #[arg(long, value_name = "N")]
        keep: Option<usize>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ExportFormat {
    /// For a ticket or a repository
    Markdown,
    /// For a browser, in one file
    Html,
}

#[derive(Debug, Subcommand)]
enum SandboxSub {
    /// Serve a simulated cluster on the loopback interface until stopped
    Serve {
        /// The world: todo, todo-broken, empty, hpa, stuck, or the path of a world's file
        #[arg(long, value_name = "WORLD", default_value = "todo")]
        world: String,
        /// The port; 0 takes a free one
        #[arg(long, value_name = "N", default_value_t = 0)]
        port: u16,
        /// How many simulated seconds pass in one second
        #[arg(long, value_name = "X", default_value_t = 1.0)]
        speed: f64,
        /// Where to write the kubeconfig; it appears once the server accepts
        #[arg(long, value_name = "FILE", alias = "kubeconfig-out")]
        write_kubeconfig: PathBuf,
    },
}

#[cfg(test)]
mod tests;
