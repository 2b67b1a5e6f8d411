//! From checked options to an agent: which cluster, which clock, where things are recorded, who is asked.

use std::{path::PathBuf, sync::Arc, time::Duration};

use jiff::Timestamp;
use todo_agent_cluster::{Cluster, ConnectOptions, DigestKey, Gate};
use todo_agent_core::{
    Clock, Event, Redactor, SystemClock,
    approval::Approver,
    journal::{History, Journal, JournalError, JournalRecord, NoHistory},
    reader::Scope,
};
use todo_agent_sandbox::{ApiServer, Sandbox, World};

use crate::{
    agent::{Agent, Parts},
    dialogue::Dialogue,
    input::Attached,
    journal::FileJournal,
    options::Options,
    policy_file::Policy,
    problem::Problem,
    session::{Fact, ModelTerms, Place, Recording, Retention, Session, Terms},
    state::{StateDirectory, fill_random},
    ui::{Meta, Shown, Ui},
    unanswered,
};

/// The world of `--sandbox` without a name.
pub const DEFAULT_WORLD: &str = "todo";

/// What an agent is started with.
pub struct Start<'a> {
    /// The command line.
    pub options: &'a Options,
    /// What the person's and the project's policy files say.
    pub policy: &'a Policy,
    /// How long a turn may take.
    pub timeout: Option<Duration>,
    /// Which recorded sessions are kept.
    pub retention: Retention,
    /// Where things are kept, or why nothing can be.
    pub state: Result<StateDirectory, Problem>,
    /// What shows things.
    pub ui: Box<dyn Ui>,
    /// Who is asked.
    pub approver: Box<dyn Approver>,
    /// The conversation with a model, where one is configured.
    pub dialogue: Option<Dialogue>,
    /// What is piped in beside a sentence.
    pub attached: Attached,
}

/// Starts an agent: connects, opens journal and session, looks after requests that never got an answer.
///
/// # Errors
/// Returns why there is no cluster to work on, together with the user interface to say so.
pub async fn start(start: Start<'_>) -> Result<Agent, (Problem, Box<dyn Ui>)> {
    let Start { options, policy, timeout, retention, state, ui, approver, dialogue, attached } = start;
    let connected = match connect(options).await {
        Ok(connected) => connected,
        Err(problem) => return Err((problem, ui)),
    };
    let mut session_key = [0; 32];
    if let Err(problem) = fill_random(&mut session_key) {
        return Err((problem, ui));
    }
    let redactor = Arc::new(Redactor::new(session_key));
    let identity = match connected.cluster.identity().await {
        Ok(identity) => identity,
        Err(error) => return Err((error.into(), ui)),
    };
    let scope = connected.cluster.scope();
    let (session, warning) = match session(state.as_ref(), scope) {
        Ok(session) => (Some(session.keeping(retention)), None),
        Err(problem) => (None, Some(format!("this session is not recorded: {problem}"))),
    };
    let kept = Kept::open(state.as_ref(), &identity);
    let mut recording = Recording::new(ui, session, Arc::clone(&redactor));
    for warning in kept.warning.iter().chain(warning.iter().filter(|_| kept.warning.is_none())) {
        recording.progress(&Event::Warning(redactor.text(warning)));
    }
    let mut parts = Parts {
        gate: Gate::new(policy.rules(&scope.context, options)),
        cluster: connected.cluster,
        key: kept.key,
        journal: kept.journal,
        history: kept.history,
        redactor,
        clock: connected.clock,
        sandbox: connected.sandbox,
        ui: recording,
        approver,
        dialogue,
        attached,
        changes: options.changes,
        timeout,
        replay: None,
    };
    show_place(&mut parts);
    unanswered::examine(&mut parts).await;
    Ok(Agent::new(parts))
}

/// Moves an agent to another cluster. Grants, names and focus are forgotten; the session goes on.
///
/// # Errors
/// Returns why there is no such cluster; the agent then stays where it is.
pub async fn move_to(
    agent: &mut Agent,
    options: &Options,
    policy: &Policy,
    state: Result<&StateDirectory, &Problem>,
) -> Result<(), Problem> {
    let connected = connect(options).await?;
    let kept = Kept::open(state, &connected.cluster.identity().await?);
    let parts = &mut agent.parts;
    parts.gate.reset(policy.rules(&connected.cluster.scope().context, options));
    parts.cluster = connected.cluster;
    parts.clock = connected.clock;
    parts.sandbox = connected.sandbox;
    parts.key = kept.key;
    parts.journal = kept.journal;
    parts.history = kept.history;
    show_place(parts);
    unanswered::examine(parts).await;
    agent.forget_everything();
    agent.forget_conversation();
    Ok(())
}

/// Tells programs and the session where the agent stands now.
pub(crate) fn show_place(parts: &mut Parts) {
    let scope = parts.cluster.scope().clone();
    let meta = Meta {
        version: env!("CARGO_PKG_VERSION"),
        context: scope.context,
        namespace: scope.namespace,
        server: scope.server,
        session: parts.ui.session_id().map(str::to_owned),
    };
    // A closed pipe shows again with the first answer.
    let _ = parts.ui.show(&Shown::Meta(&meta));
    record_terms(parts);
}

/// Records under which terms the conversation goes on.
pub(crate) fn record_terms(parts: &mut Parts) {
    let model = parts.dialogue.as_ref().map(|dialogue| ModelTerms {
        name: parts.redactor.text(&dialogue.model.describe()).into_inner(),
        planner: dialogue.planner,
        budgets: dialogue.budgets,
        context_tokens: dialogue.context_tokens,
        prices: dialogue.prices,
    });
    let rules = parts.gate.rules().clone();
    let terms = Terms { rules, changes: parts.changes, timeout: parts.timeout, model };
    parts.ui.fact(&Fact::Terms(&terms));
}

fn session(state: Result<&StateDirectory, &Problem>, scope: &Scope) -> Result<Session, Problem> {
    let Scope { context, namespace, server } = scope.clone();
    let place = Place { context, namespace, server };
    Session::start(state.map_err(Clone::clone)?, Arc::new(SystemClock), place)
}

pub(crate) struct Connected {
    pub(crate) cluster: Cluster,
    pub(crate) clock: Arc<dyn Clock>,
    /// The cluster itself, where it is simulated in this process.
    pub(crate) sandbox: Option<Sandbox>,
}

pub(crate) async fn connect(options: &Options) -> Result<Connected, Problem> {
    if let Some(world) = &options.sandbox {
        return start_sandbox(world, options);
    }
    let connect = ConnectOptions {
        kubeconfig: options.kubeconfig.clone(),
        context: options.context.clone(),
        namespace: options.namespace.clone(),
        login: options.timeout,
    };
    let cluster = Cluster::connect(&connect).await?;
    Ok(Connected { cluster, clock: Arc::new(SystemClock), sandbox: None })
}

fn start_sandbox(world: &str, options: &Options) -> Result<Connected, Problem> {
    if let Some(context) = &options.context {
        return Err(Problem::usage(format!("--sandbox and --context {context} are two different clusters"))
            .hint("leave one of them out"));
    }
    let sandbox =
        // On a whole second, as all times of Kubernetes are: else the ages of the same world differ by one, as the
        // second falls.
        Sandbox::start(load_world(world)?, todo_agent_sandbox::Options { now: whole_second(), ..Default::default() })
            .map_err(|error| Problem::configuration(format!("the world {world} cannot be started: {error}")))?;
    let mut service = ApiServer::new(sandbox.clone());
    if let Some(file) = &options.sandbox_log {
        service = service.log_to(file).map_err(|error| {
            Problem::configuration(format!("the sandbox log {} cannot be written: {error}", file.display()))
        })?;
    }
    let namespace = options.namespace.clone().unwrap_or_else(|| sandbox.namespace());
    let scope = Scope { context: "sandbox".to_owned(), namespace, server: format!("sandbox world {world}") };
    // Each start is another cluster; its journal must not be taken for another's.
    let identity = format!("sandbox-{}-{}", Timestamp::now().as_millisecond(), std::process::id());
    let cluster = Cluster::from_service(service, scope, identity);
    Ok(Connected { cluster, clock: Arc::new(sandbox.clock()), sandbox: Some(sandbox) })
}

/// Returns a shipped world by name, or the world in a file.
///
/// # Errors
/// Returns what is wrong with the file, or the nearest name.
pub fn load_world(name: &str) -> Result<World, Problem> {
    if let Some(world) = World::builtin(name) {
        return Ok(world);
    }
    let path = PathBuf::from(name);
    if path.is_file() || name.contains(['/', '.']) {
        return World::load(&path).map_err(|error| Problem::configuration(error.to_string()));
    }
    let names = todo_agent_sandbox::BUILTIN_WORLDS;
    let problem = Problem::usage(format!("there is no world {name:?}"));
    Err(match crate::problem::nearest(name, names.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None => problem.hint(format!("there are {}; or name a file", names.join(", "))),
    })
}

/// What is kept on disk, or what stands in for it where nothing can be.
struct Kept {
    key: DigestKey,
    journal: Box<dyn Journal>,
    history: Arc<dyn History>,
    warning: Option<String>,
}

impl Kept {
    fn open(state: Result<&StateDirectory, &Problem>, identity: &str) -> Self {
        let opened = state.map_err(Clone::clone).and_then(|state| {
            let key = state.digest_key()?;
            Ok((key, FileJournal::open(state, identity)?))
        });
        match opened {
            Ok((key, journal)) => {
                let history = Arc::new(journal.history());
                Self { key: DigestKey::new(key), journal: Box::new(journal), history, warning: None }
            }
            Err(problem) => Self::nothing(&problem),
        }
    }

    fn nothing(problem: &Problem) -> Self {
        let mut key = [0; 32];
        // Nothing can be executed without a journal, so a key of zeros digests nothing that is sent.
        let _ = fill_random(&mut key);
        Self {
            key: DigestKey::new(key),
            journal: Box::new(NoJournal(problem.to_string())),
            history: Arc::new(NoHistory),
            warning: Some(format!("{problem}; nothing is recorded, and so nothing can be changed")),
        }
    }
}

/// A journal that cannot be written; it stops every change at the gate.
struct NoJournal(String);

impl Journal for NoJournal {
    fn append(&mut self, _record: &JournalRecord) -> Result<(), JournalError> {
        Err(JournalError(self.0.clone()))
    }
}

fn whole_second() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}
