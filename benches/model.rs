//! What a conversation with a model costs beside the model: our own time per turn, memory over many turns, and the tokens
//! of the standard tasks. The model is a script in this process and answers at once.

mod support;

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{ExitCode, Stdio},
    sync::{Arc, Mutex},
    time::Instant,
};

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use serde_json::{Value, json};
use support::{Bar, Failure, Home, PROGRAM, Report, Sample, table};
use tiktoken_rs::CoreBPE;
use todo_agent::{
    agent::{Agent, Parts},
    dialogue::{Budgets, Dialogue, PlannerUse},
    input::Attached,
    model::{Delta, Message, Model, ModelError, Reply, ReplyCall, Request},
    options::Changes,
    session::Recording,
    ui::{Shown, Ui},
};
use todo_agent_cluster::{
    Cluster, DigestKey, Gate,
    policy::{Rules, Yes},
};
use todo_agent_core::{
    Event, Redactor,
    approval::{Answer, ApprovalQuestion, Approver},
    journal::{Journal, JournalError, JournalRecord, NoHistory},
    reader::Scope,
};
use todo_agent_sandbox::{ApiServer, Options, Sandbox, World};
use todo_agent_tools::TOOLS;
use tokio::runtime;
use tokio_util::sync::CancellationToken;

const TURNS: usize = 500;
/// How often the first word is timed.
const WORDS: usize = 20;
/// After so many turns the process has grown to its working size.
const SETTLED: usize = 50;

/// A task as people give it, and the calls that a capable model makes for it, message by message.
type Task = (&'static str, &'static [&'static [(&'static str, &'static str)]]);

const TASKS: &[Task] = &[
    ("is everything fine with my app", &[&[("list", r#"{"kind":"pods"}"#), ("events", r#"{"warnings_only":true}"#)]]),
    (
        "why could the backend be slow at the moment",
        &[
            &[("describe", r#"{"name":"backend"}"#), ("events", r#"{"about":"backend"}"#)],
            &[("logs", r#"{"target":"backend","since":"1h"}"#)],
        ],
    ),
    ("get the backend ready for black friday", &[&[("scale", r#"{"workload":"backend","replicas":4}"#)]]),
    (
        "give every pod of the frontend a fresh start and see that it worked",
        &[
            &[("rollout_control", r#"{"workload":"frontend","action":"restart"}"#)],
            &[("rollout", r#"{"workload":"frontend"}"#)],
        ],
    ),
];

/// A model that follows a script and counts what it is sent.
struct Scripted {
    replies: Mutex<VecDeque<Reply>>,
    sent: Sent,
}

/// What each request held.
type Sent = Arc<Mutex<Vec<String>>>;

impl Model for Scripted {
    fn describe(&self) -> String {
        "a script".into()
    }
    fn stream<'a>(&'a self, request: &'a Request) -> BoxStream<'a, Result<Delta, ModelError>> {
        let reply = self.replies.lock().map(|mut replies| replies.pop_front().unwrap_or_else(done)).unwrap_or_default();
        if let Ok(mut sent) = self.sent.lock() {
            sent.push(text_of(request));
        }
        stream::iter([Ok(Delta::Text(reply.text.clone())), Ok(Delta::End(reply))]).boxed()
    }
}

fn done() -> Reply {
    Reply { text: "All five pods are ready; nothing needs to be done.".into(), ..Reply::default() }
}

fn calling(calls: &[(&str, &str)]) -> Reply {
    let call = |(name, arguments): &(&str, &str)| ReplyCall {
        name: (*name).into(),
        arguments: (*arguments).into(),
        ..ReplyCall::default()
    };
    Reply { calls: calls.iter().map(call).collect(), ..Reply::default() }
}

/// Returns what a model reads of a request: every message, and the specifications as JSON.
fn text_of(request: &Request) -> String {
    let mut text = serde_json::to_string(&request.tools).unwrap_or_default();
    for message in &request.messages {
        match message {
            Message::System(words) | Message::User(words) | Message::Tool { text: words, .. } => text.push_str(words),
            Message::Assistant(said) => {
                text.push_str(&said.text);
                for call in &said.calls {
                    text.push_str(&call.name);
                    text.push_str(&call.arguments);
                }
            }
        }
        text.push('\n');
    }
    text
}

struct Nowhere;

impl Ui for Nowhere {
    fn show(&mut self, _: &Shown<'_>) -> std::io::Result<()> {
        Ok(())
    }
    fn progress(&mut self, _: &Event) {}
}

struct Forgetful;

impl Journal for Forgetful {
    fn append(&mut self, _: &JournalRecord) -> Result<(), JournalError> {
        Ok(())
    }
}

struct Nobody;

impl Approver for Nobody {
    fn ask<'a>(&'a mut self, _: &'a ApprovalQuestion<'a>) -> futures::future::BoxFuture<'a, Answer> {
        Box::pin(std::future::ready(Answer::Yes))
    }
}

fn agent(replies: VecDeque<Reply>) -> Result<(Agent, Sent), Failure> {
    let world = World::builtin("todo").ok_or("there is no world todo")?;
    let sandbox = Sandbox::start(world, Options::default())?;
    let scope = Scope { context: "sandbox".into(), namespace: "todo".into(), server: "in this process".into() };
    let cluster = Cluster::from_service(ApiServer::new(sandbox.clone()), scope, "a-cluster".into());
    let sent = Arc::default();
    let model = Scripted { replies: Mutex::new(replies), sent: Arc::clone(&sent) };
    let redactor = Arc::new(Redactor::new([1; 32]));
    let parts = Parts {
        cluster,
        gate: Gate::new(Rules { yes: Yes::High, ..Rules::default() }),
        key: DigestKey::new([2; 32]),
        journal: Box::new(Forgetful),
        history: Arc::new(NoHistory),
        redactor: Arc::clone(&redactor),
        clock: Arc::new(sandbox.clock()),
        sandbox: Some(sandbox),
        ui: Recording::new(Box::new(Nowhere), None, redactor),
        approver: Box::new(Nobody),
        dialogue: Some(Dialogue::new(Box::new(model), Budgets::default(), PlannerUse::Off, 128_000)),
        attached: Attached::nothing(),
        changes: Changes::Made,
        timeout: None,
        replay: None,
    };
    Ok((Agent::new(parts), sent))
}

fn main() -> Result<ExitCode, Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut report = Report::default();
    runtime.block_on(turns("turn that is answered at once", &[], Bar::MustBeAtMost(5.0), &mut report))?;
    let look: &[(&str, &str)] = &[("list", r#"{"kind":"pods"}"#)];
    runtime.block_on(turns("turn with one list, the list included", look, Bar::AimAtMost(15.0), &mut report))?;
    first_word(&mut report)?;
    let bpe = tiktoken_rs::o200k_base()?;
    runtime.block_on(tokens(&bpe, &mut report))?;
    Ok(report.finish()?)
}

/// Measures many turns of one conversation.
async fn turns(what: &str, calls: &[(&str, &str)], bar: Bar, report: &mut Report) -> Result<(), Failure> {
    let mut replies = VecDeque::new();
    for _ in 0..TURNS {
        if !calls.is_empty() {
            replies.push_back(calling(calls));
        }
        replies.push_back(done());
    }
    let (mut agent, sent) = agent(replies)?;
    let (mut sample, mut settled) = (Sample::default(), 0);
    for turn in 0..TURNS {
        let since = Instant::now();
        agent.sentence("how is it going over there", CancellationToken::new()).await?;
        sample.add(since.elapsed());
        if let Ok(mut sent) = sent.lock() {
            sent.clear();
        }
        if turn == SETTLED {
            settled = resident()?;
        }
    }
    report.judged(&format!("{what}, median of {TURNS}"), sample.median(), "ms", bar);
    report.noted(&format!("{what}, longest"), sample.longest(), "ms");
    let grown = resident()?.saturating_sub(settled);
    report.judged(&format!("memory from turn {SETTLED} to {TURNS}"), megabytes(grown), "MB", Bar::AimAtMost(8.0));
    report.noted(&format!("memory after turn {TURNS}"), megabytes(resident()?), "MB");
    Ok(())
}

/// Counts the tokens of each task with the tokeniser of present OpenAI models.
async fn tokens(bpe: &CoreBPE, report: &mut Report) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for (task, messages) in TASKS {
        let replies = messages.iter().map(|calls| calling(calls)).chain([done()]).collect();
        let (mut agent, sent) = agent(replies)?;
        agent.sentence(task, CancellationToken::new()).await?;
        let sent = sent.lock().map_err(|_| "the script panicked")?.clone();
        let counts: Vec<usize> = sent.iter().map(|text| bpe.encode_with_special_tokens(text).len()).collect();
        let largest = counts.iter().max().copied().unwrap_or(0);
        rows.push(vec![
            (*task).to_owned(),
            counts.len().to_string(),
            counts.first().copied().unwrap_or(0).to_string(),
            largest.to_string(),
            counts.iter().sum::<usize>().to_string(),
        ]);
    }
    let columns = ["task", "requests", "tokens of the first", "of the largest", "of all"];
    table(&columns, &rows)?;
    let specs: Vec<Value> = TOOLS.iter().map(|tool| json!(tool.spec())).collect();
    let base = format!("{}{}", include_str!("../prompts/system.md"), Value::Array(specs));
    let count = u32::try_from(bpe.encode_with_special_tokens(&base).len())?;
    report.judged("system prompt and specifications", f64::from(count), "tokens", Bar::MustBeAtMost(4_000.0));
    Ok(())
}

/// Measures how long the first word takes from the server's socket to standard output, through the whole program.
fn first_word(report: &mut Report) -> Result<(), Failure> {
    let mut sample = Sample::default();
    for _ in 0..WORDS {
        let home = Home::new()?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let mut command = home.command(PROGRAM, &["--sandbox", "how is it going over there"]);
        command.env("TODO_AGENT_BASE_URL", url).env("TODO_AGENT_MODEL", "any");
        let mut program = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut output = program.stdout.take().ok_or("no standard output")?;
        let (mut model, _) = listener.accept()?;
        read_request(&mut model)?;
        model.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")?;
        let since = Instant::now();
        model.write_all(b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Well, it\"}}]}\n\n")?;
        output.read_exact(&mut [0; 1])?;
        sample.add(since.elapsed());
        model.write_all(
            b"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        )?;
        drop(model);
        std::io::copy(&mut output, &mut std::io::sink())?;
        if !program.wait()?.success() {
            return Err("the program failed".into());
        }
    }
    report.judged("first word, from the socket to stdout, median", sample.median(), "ms", Bar::AimAtMost(5.0));
    report.noted("first word, longest", sample.longest(), "ms");
    Ok(())
}

/// Reads a request to its end.
fn read_request(stream: &mut TcpStream) -> Result<(), Failure> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length])?;
    Ok(())
}

/// Returns the bytes of this process that are in memory. Source: proc(5), /proc/self/statm, in pages of 4 KiB.
fn resident() -> Result<u64, Failure> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split_whitespace().nth(1).ok_or("no resident size")?.parse()?;
    Ok(pages * 4096)
}

#[expect(clippy::cast_precision_loss, reason = "a process has far fewer than 2^52 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
