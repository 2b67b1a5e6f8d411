//! What the program was asked to do, checked: the result of parsing, before anything is built.
//!
//! Plain data without clap. Everything in here is well-formed; whether a context or a file exists is found
//! out by whoever uses it.

use std::{path::PathBuf, time::Duration};

use clap_complete::Shell;
use jiff::SignedDuration;
use serde_json::Value;
use todo_agent_cluster::policy::Yes;
use todo_agent_core::Call;

use crate::commands::session_files::Export;
use crate::model::settings::ModelFlags;
pub use crate::{
    commands::{diagnose::Diagnosing, run::RunScript},
    script::report::{Form, Report},
};

/// A whole command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// What holds for every command.
    pub options: Options,
    /// What to do.
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The kubeconfig context; none means the current one.
    pub context: Option<String>,
    /// The pinned namespace; none means the context's own.
    pub namespace: Option<String>,
    /// The kubeconfig file; none means `KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// How far changes are approved without asking.
    pub yes: Yes,
    /// Whether anybody is asked at all.
    pub approvals: Approvals,
    /// How much a turn with a model may take.
    pub budgets: BudgetFlags,
    /// What the public benchmark asks for.
    pub benchmark: Benchmark,
    /// Whether changes are made.
    pub changes: Changes,
    /// Who reads the output.
    pub output: OutputForm,
    /// The sandbox's world, by name or path; none means a real cluster.
    pub sandbox: Option<String>,
    /// Where the sandbox logs its requests.
    pub sandbox_log: Option<PathBuf>,
    /// How long a turn may take; none means the configured time.
    pub timeout: Option<Duration>,
    /// Whether colour is used.
    pub colour: Colour,
    /// How much is told, 0 for the usual.
    pub verbosity: u8,
    /// Which model is asked.
    pub model: ModelFlags,
}

/// Whether changes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changes {
    /// They are, once approved.
    #[default]
    Made,
    /// They are previewed, no more (`--dry-run`).
    Previewed,
    /// They are refused (`--read-only`).
    Refused,
}

/// Whether anybody is asked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Approvals {
    /// As policy says.
    #[default]
    ByPolicy,
    /// Every question is answered yes, for benchmarks and throw-away clusters (`--unattended`).
    Unattended,
}

/// How much a turn with a model may take; none means the configured bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BudgetFlags {
    /// Requests to the model.
    pub steps: Option<usize>,
    /// Tokens, of requests and answers together.
    pub tokens: Option<u64>,
    /// How long until no further request is begun.
    pub time: Option<Duration>,
}

/// What the public benchmark asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Benchmark {
    /// How the task comes in and the answer goes out.
    pub surface: Surface,
    /// Where every event is written, too.
    pub trace: Option<PathBuf>,
    /// Whether the answers of tools are shown whole.
    pub shows_tool_output: bool,
    /// Whether the model writes its calls as text.
    pub writes_calls_as_text: bool,
    /// Whether an MCP client was asked for, which does not exist.
    pub wants_mcp_client: bool,
}

/// How the task comes in and the answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Surface {
    /// As for people.
    #[default]
    Usual,
    /// All of standard input is one task; its answer is the last thing on standard output.
    OneTask,
}

/// Who reads the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OutputForm {
    /// A person.
    #[default]
    Person,
    /// A program: one JSON object per line.
    Json,
}

/// Whether colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// On terminals, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Never.
    Never,
}

/// What happens to a file that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// It stays, and nothing is written.
    #[default]
    Kept,
    /// It is replaced.
    Replaced,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Answers one sentence.
    Sentence(String),
    /// Answers each line of standard input.
    Lines,
    /// Talks with a person at a terminal.
    Talk,
    /// Runs one tool.
    Call(Call),
    /// Makes a plan and keeps it.
    Plan {
        /// What is planned.
        request: Request,
        /// Where the plan is also written.
        out: Option<PathBuf>,
    },
    /// Proposes a kept plan again and asks for its approval.
    Approve(PlanSource),
    /// Runs the steps of a script.
    Run(RunScript),
    /// Takes back a change; none means the last one.
    Undo(Option<String>),
    /// Goes on from a recorded session; none means the newest.
    Resume {
        /// The session's id, or the start of it.
        id: Option<String>,
        /// How it goes on.
        with: Onward,
    },
    /// Runs a recorded session once more; its file or id.
    Replay(String),
    /// Lists the recorded sessions.
    SessionsList,
    /// Shows a recorded session.
    SessionsShow(String),
    /// Removes recorded sessions.
    SessionsRemove(Vec<String>),
    /// Removes old sessions; without a bound those that the configuration does not keep.
    SessionsPrune {
        /// How old.
        older_than: Option<SignedDuration>,
        /// How many stay.
        keep: Option<usize>,
    },
    /// Writes a session as an incident report.
    SessionsExport(Export),
    /// Shows the tools, or one of them.
    Tools(Option<String>),
    /// Shows the configuration.
    Config,
    /// Says what is wrong and why.
    Diagnose(Diagnosing),
    /// Says how the namespace or the cluster is.
    Health(Health),
    /// Checks that everything is in place.
    Doctor,
    /// Checks what works with the configured model.
    ModelCheck,
    /// Prints a completion script.
    Completions(Shell),
    /// Serves a sandbox on the loopback interface.
    SandboxServe(SandboxServe),
}

/// Of what the health is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Of the namespace and the nodes.
    OfNamespace,
    /// Of everything.
    OfCluster,
}

/// How a session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Onward {
    /// As a conversation at a terminal.
    Talk,
    /// With each line of standard input.
    Lines,
}

/// What is planned.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// A sentence.
    Sentence(String),
    /// A call of one tool.
    Call(Call),
}

/// Where a kept plan is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanSource {
    /// In the state directory, under this id.
    Id(String),
    /// In a file.
    File(PathBuf),
}

/// How a sandbox is served.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxServe {
    /// The world, by name or path.
    pub world: String,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// How many simulated seconds pass in one second.
    pub speed: f64,
    /// Where the kubeconfig is written.
    pub kubeconfig: PathBuf,
}

/// Returns a call from a tool's name and its arguments as JSON text.
///
/// # Errors
/// Returns what is wrong with the JSON, with its position.
pub fn read_call(tool: &str, arguments: &str) -> Result<Call, String> {
    let args: Value =
        serde_json::from_str(arguments).map_err(|error| format!("the arguments of {tool} are not JSON: {error}"))?;
    match args {
        Value::Object(_) => Ok(Call::new(tool, args)),
        _ => Err(format!("the arguments of {tool} must be a JSON object such as {{\"name\": \"backend\"}}")),
    }
}
