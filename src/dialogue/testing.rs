//! A conversation with a model that plays a part, on a cluster in this process; for tests.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex},
};

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use todo_agent_cluster::{
    Cluster, DigestKey, Gate,
    policy::{Rules, Yes},
};
use todo_agent_core::{
    Event, Redactor,
    approval::{Answer as Said, ApprovalQuestion, Approver},
    journal::{Journal, JournalError, JournalRecord, NoHistory},
    reader::Scope,
};
use todo_agent_sandbox::{ApiServer, Options as SandboxOptions, Sandbox, World};
use tokio_util::sync::CancellationToken;

use super::{Budgets, Dialogue, PlannerUse};
use crate::{
    agent::{Agent, Parts},
    input::Attached,
    model::{Delta, Message, Model, ModelError, Reply, ReplyCall, Request, Usage},
    options::Changes,
    session::Recording,
    ui::{Audience, Shown, Ui},
};

/// The deltas of one answer.
pub(super) type Script = Vec<Result<Delta, ModelError>>;

/// A model that answers each request as a part says.
struct Actor<P> {
    part: P,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl<P: Fn(&Request) -> Script + Send + Sync> Model for Actor<P> {
    fn describe(&self) -> String {
        "a scripted model".into()
    }
    fn stream<'a>(&'a self, request: &'a Request) -> BoxStream<'a, Result<Delta, ModelError>> {
        self.requests.lock().unwrap().push(request.clone());
        stream::iter((self.part)(request)).boxed()
    }
}

/// Notes what is shown, a line each.
#[derive(Clone, Default)]
pub(super) struct Seen(pub(super) Arc<Mutex<Vec<String>>>);

impl Ui for Seen {
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        let line = match shown {
            Shown::Words(words) => {
                // Words come one by one; together they are easier to read.
                let mut seen = self.0.lock().unwrap();
                match seen.last_mut().filter(|line| line.starts_with("words ")) {
                    Some(line) => line.push_str(words),
                    None => seen.push(format!("words {}", words.as_str())),
                }
                return Ok(());
            }
            Shown::ToolFailed { ran, failure, .. } => format!("failed {}: {}", ran.call, failure.message),
            Shown::ToolResult { audience: Audience::Model(ran), .. } => format!("ran {}", ran.call),
            Shown::Preview(view) => format!("preview {}", view.steps[0].summary),
            Shown::Decision { verdict, by, .. } => format!("{verdict} by {by}"),
            Shown::Report(report) => format!("report {}", report.effects[0].outcome.text()),
            Shown::Answer(answer) => {
                let changes = if answer.ledger.is_empty() { "none".into() } else { answer.ledger.join("; ") };
                let changes = changes.split(" (c-").next().unwrap_or_default().to_owned();
                format!("answer {:?}, changes: {changes}", answer.text.as_str())
            }
            Shown::Usage(usage) if usage.estimated => format!("usage {} requests, estimated", usage.requests),
            Shown::Usage(usage) => {
                format!("usage {} requests, {} in, {} out", usage.requests, usage.usage.input, usage.usage.output)
            }
            Shown::Error(failure) => format!("error {}: {}", failure.code, failure.message),
            _ => return Ok(()),
        };
        self.0.lock().unwrap().push(line);
        Ok(())
    }
    fn progress(&mut self, event: &Event) {
        if let Event::Warning(text) = event {
            self.0.lock().unwrap().push(format!("warning {text}"));
        }
    }
}

/// Keeps nothing; a turn needs one to be able to act.
struct Forgetful;

impl Journal for Forgetful {
    fn append(&mut self, _: &JournalRecord) -> Result<(), JournalError> {
        Ok(())
    }
}

struct Answers(Said);

impl Approver for Answers {
    fn ask<'a>(&'a mut self, _: &'a ApprovalQuestion<'a>) -> futures::future::BoxFuture<'a, Said> {
        Box::pin(std::future::ready(self.0.clone()))
    }
}

/// A person, an agent and a model.
pub(super) struct Talk {
    pub(super) agent: Agent,
    pub(super) seen: Seen,
    pub(super) requests: Arc<Mutex<Vec<Request>>>,
}

/// Returns a conversation with a model that gives these replies, in order, to a person who answers every question so.
pub(super) fn talk(replies: Vec<Reply>, yes: Yes, answer: Said) -> Talk {
    let scripts = replies.into_iter().map(spoken).collect();
    talk_with(scripts, yes, answer)
}

/// As [`talk`], with every delta.
pub(super) fn talk_with(scripts: Vec<Script>, yes: Yes, answer: Said) -> Talk {
    let sandbox = Sandbox::start(World::builtin("todo").unwrap(), SandboxOptions::default()).unwrap();
    let service = ApiServer::new(sandbox.clone());
    let scripts: Mutex<VecDeque<Script>> = Mutex::new(scripts.into());
    let part = move |_: &Request| scripts.lock().unwrap().pop_front().expect("one more request than scripted");
    Talk::on(sandbox, service, part, Rules { yes, ..Rules::default() }, answer)
}

impl Talk {
    /// Returns a conversation on this cluster with a model that plays this part.
    pub(super) fn on(
        sandbox: Sandbox,
        service: ApiServer,
        part: impl Fn(&Request) -> Script + Send + Sync + 'static,
        rules: Rules,
        answer: Said,
    ) -> Self {
        let namespace = sandbox.namespace();
        let scope = Scope { context: "sandbox".into(), namespace, server: "in this process".into() };
        let cluster = Cluster::from_service(service, scope, "a-cluster".into());
        let requests = Arc::default();
        let model = Actor { part, requests: Arc::clone(&requests) };
        let redactor = Arc::new(Redactor::new([1; 32]));
        let seen = Seen::default();
        let agent = Agent::new(Parts {
            cluster,
            gate: Gate::new(rules),
            key: DigestKey::new([2; 32]),
            journal: Box::new(Forgetful),
            history: Arc::new(NoHistory),
            redactor: Arc::clone(&redactor),
            clock: Arc::new(sandbox.clock()),
            sandbox: Some(sandbox),
            ui: Recording::new(Box::new(seen.clone()), None, redactor),
            approver: Box::new(Answers(answer)),
            dialogue: Some(Dialogue::new(Box::new(model), Budgets::default(), PlannerUse::First, 32_000)),
            attached: Attached::nothing(),
            changes: Changes::Made,
            timeout: None,
            replay: None,
        });
        Self { agent, seen, requests }
    }

    /// Says a sentence and returns what was seen of it, a line each.
    pub(super) async fn says(&mut self, sentence: &str) -> String {
        self.seen.0.lock().unwrap().clear();
        let exit = self.agent.sentence(sentence, CancellationToken::new()).await.unwrap();
        format!("{}\nexit {}", self.seen.0.lock().unwrap().join("\n"), exit.code())
    }

    /// Returns what the model heard as results in its last request.
    pub(super) fn heard(&self) -> Vec<String> {
        results(self.requests.lock().unwrap().last().unwrap())
    }
}

/// Returns the results in a request.
pub(super) fn results(request: &Request) -> Vec<String> {
    let text = |message: &Message| match message {
        Message::Tool { text, .. } => Some(text.to_string()),
        _ => None,
    };
    request.messages.iter().filter_map(text).collect()
}

/// Returns the deltas of a reply.
pub(super) fn spoken(reply: Reply) -> Script {
    let words = (!reply.text.is_empty()).then(|| Ok(Delta::Text(reply.text.clone())));
    words.into_iter().chain([Ok(Delta::End(reply))]).collect()
}

/// Returns an answer in words.
pub(super) fn says(text: &str) -> Reply {
    Reply { text: text.into(), usage: Some(Usage { input: 100, cached: 0, output: 10 }), ..Reply::default() }
}

/// Returns a message that only calls tools.
pub(super) fn calls(calls: &[(&str, serde_json::Value)]) -> Reply {
    let call = |(index, (name, args)): (usize, &(&str, serde_json::Value))| ReplyCall {
        id: format!("c{index}"),
        name: (*name).into(),
        arguments: args.to_string(),
        ..ReplyCall::default()
    };
    let usage = Some(Usage { input: 100, cached: 0, output: 10 });
    Reply { calls: calls.iter().enumerate().map(call).collect(), usage, ..Reply::default() }
}
