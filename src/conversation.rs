//! The conversation at a terminal: what the REPL needs, done by the agent.

mod about;

use std::{io, path::PathBuf, time::Instant};

use serde_json::json;
use todo_agent_cluster::contexts;
use todo_agent_core::{Call, Names, ObjectRef, Reader, reader::Scope};
use todo_agent_kube_rules::kinds;
use todo_agent_tools::TOOLS;
use tokio_util::sync::CancellationToken;

use crate::{
    agent::Agent,
    commands::session_files::{self, Export, Exported},
    config::Config,
    dialogue::switch_model,
    exit::Exit,
    options::{Changes, Existing, Options},
    policy_file::Policy,
    problem::Problem,
    session::Place,
    start::{move_to, record_terms},
    state::{StateDirectory, environment},
    terminal::repl::{Conversation, ToolEffect, ToolLine},
    ui::{Failure, Shown},
};

/// What a conversation was begun with.
#[derive(Debug)]
pub struct Begun {
    /// The command line.
    pub options: Options,
    /// The configuration.
    pub config: Config,
    /// The policy files.
    pub policy: Policy,
    /// Where things are kept, or why nothing can be.
    pub state: Result<StateDirectory, Problem>,
}

/// An agent in conversation with a person.
pub struct Conversing {
    agent: Agent,
    options: Options,
    config: Config,
    policy: Policy,
    state: Result<StateDirectory, Problem>,
    contexts: Vec<String>,
    /// When the last turn ended: a simulated cluster goes on while the person thinks.
    since: Instant,
}

impl Conversing {
    /// Returns a conversation with this agent.
    pub fn new(agent: Agent, begun: Begun) -> Self {
        let Begun { options, config, policy, state } = begun;
        let contexts = match &options.sandbox {
            Some(_) => vec![agent.scope().context.clone()],
            None => contexts(options.kubeconfig.as_deref()).map(|(names, _)| names).unwrap_or_default(),
        };
        Self { agent, options, config, policy, state, contexts, since: Instant::now() }
    }

    fn let_time_pass(&mut self) {
        if let Some(sandbox) = &self.agent.parts.sandbox {
            sandbox.advance(self.since.elapsed());
        }
        self.since = Instant::now();
    }

    fn failure(&self, problem: &Problem) -> Failure {
        problem.shown(&self.agent.parts.redactor)
    }
}

impl Conversation for Conversing {
    async fn turn(&mut self, sentence: &str, cancel: CancellationToken) -> io::Result<Exit> {
        self.let_time_pass();
        let exit = self.agent.sentence(sentence, cancel).await;
        self.since = Instant::now();
        exit
    }

    async fn undo(&mut self, change_id: Option<&str>, cancel: CancellationToken) -> io::Result<Exit> {
        self.let_time_pass();
        let args = change_id.map_or(json!({}), |change_id| json!({ "change_id": change_id }));
        self.agent.call(Call::new("undo", args), cancel).await
    }

    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        self.agent.show(shown)
    }

    fn place(&self) -> Place {
        let Scope { context, namespace, server } = self.agent.scope().clone();
        Place { context, namespace, server }
    }

    fn contexts(&self) -> Vec<String> {
        self.contexts.clone()
    }

    async fn switch_context(&mut self, name: &str) -> Result<(), Failure> {
        if self.options.sandbox.is_some() {
            let problem =
                Problem::usage("the sandbox is the only context here").hint("start without --sandbox for a cluster");
            return Err(self.failure(&problem));
        }
        // The namespace of the command line was meant for the context of the command line.
        let options = Options { context: Some(name.to_owned()), namespace: None, ..self.options.clone() };
        match move_to(&mut self.agent, &options, &self.policy, self.state.as_ref()).await {
            Ok(()) => {
                self.options = options;
                Ok(())
            }
            Err(problem) => Err(self.failure(&problem)),
        }
    }

    async fn switch_namespace(&mut self, name: &str) -> Result<(), Failure> {
        let Some(kind) = kinds::find("namespace") else { return Ok(()) };
        let namespace = ObjectRef::new(kind, "", name);
        match self.agent.parts.cluster.get(&namespace).await {
            Err(error) if error.is(todo_agent_core::Cause::NotFound) => {
                let problem = Problem::from(error).hint("\"list namespaces\" shows those that exist");
                Err(self.failure(&problem))
            }
            // Whoever may not read namespaces may still work in one.
            _ => {
                self.agent.pin_namespace(name);
                Ok(())
            }
        }
    }

    fn model(&self) -> String {
        about::model(self.agent.parts.dialogue.as_ref())
    }

    fn switch_model(&mut self, name: &str) -> Result<(), Failure> {
        let mut options = self.options.clone();
        options.model.model = Some(name.to_owned());
        let switched = match &mut self.agent.parts.dialogue {
            Some(dialogue) => switch_model(dialogue, &options, &self.config, &environment),
            None => Err(Problem::usage("no model is configured, so there is none to switch to")
                .hint("start with --model and --provider, or write a [model] table into config.toml")),
        };
        match switched {
            Ok(()) => {
                self.options = options;
                record_terms(&mut self.agent.parts);
                Ok(())
            }
            Err(problem) => Err(self.failure(&problem)),
        }
    }

    fn cost(&self) -> String {
        about::cost(self.agent.parts.dialogue.as_ref())
    }

    async fn compact(&mut self, cancel: CancellationToken) -> io::Result<Exit> {
        self.agent.compact(cancel).await
    }

    fn policy(&self) -> String {
        let changes = match self.options.changes {
            Changes::Made => "made once approved",
            Changes::Previewed => "previewed only (--dry-run)",
            Changes::Refused => "refused (--read-only)",
        };
        about::policy(self.agent.parts.gate.rules(), changes)
    }

    fn export(&mut self, file: Option<&str>) -> Result<String, Failure> {
        let Some(id) = self.session_id() else {
            return Err(
                self.failure(&Problem::state("this session is not recorded, so that there is nothing to export"))
            );
        };
        let out = file.map_or_else(|| PathBuf::from(format!("todo-agent-{id}.md")), PathBuf::from);
        let wish = Export { id, format: None, out: Some(out), existing: Existing::Kept };
        let state = self.state.as_ref().map_err(Clone::clone);
        match state.and_then(|state| session_files::export(state, &wish, &self.agent.redactor())) {
            Ok(Exported::File(output)) => Ok(output.for_person(usize::MAX)),
            Ok(Exported::Text(report)) => Ok(report),
            Err(problem) => Err(self.failure(&problem)),
        }
    }

    fn session_id(&self) -> Option<String> {
        self.agent.parts.ui.session_id().map(str::to_owned)
    }

    fn tools(&self) -> Vec<ToolLine> {
        TOOLS
            .iter()
            .map(|tool| ToolLine {
                name: tool.name().to_owned(),
                summary: tool.about(),
                effect: if tool.is_write() { ToolEffect::Writes } else { ToolEffect::Reads },
            })
            .collect()
    }

    async fn names(&mut self) -> Names {
        let run = self.agent.run(CancellationToken::new());
        self.agent.names(&run).await
    }
}
