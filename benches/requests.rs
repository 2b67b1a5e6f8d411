//! What a cold scale asks of the API server: every request with its purpose.
//!
//! The whole agent runs, from the sentence to the verified report, once against the sandbox in this process
//! as `--sandbox` does, and once through a kubeconfig and TLS as with any cluster; there nothing is known yet,
//! not even which cluster it is.

mod support;

use std::{
    io,
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt};
use support::{Bar, Failure, Home, Report, table};
use todo_agent::{
    agent::{Agent, Parts},
    exit::Exit,
    input::Attached,
    journal::FileJournal,
    options::Changes,
    session::Recording,
    state::StateDirectory,
    ui::{Shown, Ui},
};
use todo_agent_cluster::{
    Cluster, ConnectOptions, DigestKey, Gate, RequestRecord,
    policy::{Rules, Yes},
};
use todo_agent_core::{
    Clock, Event, Redactor, SystemClock,
    approval::{Answer, ApprovalQuestion, Approver},
    reader::Scope,
};
use todo_agent_sandbox::{ApiServer, Options, Sandbox, ServeOptions, World, serve};
use tokio::runtime;
use tokio_util::sync::CancellationToken;

/// How fast simulated time passes where it follows the wall clock.
const SPEED: f64 = 20.0;
/// The other sentences that are counted.
const READS: [&str; 4] = ["list pods", "describe backend", "show the logs of backend", "is backend rolled out?"];

fn main() -> Result<ExitCode, Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut report = Report::default();
    runtime.block_on(async {
        let scale = in_process("scale backend to 3").await?;
        list("in process", &scale, &mut report)?;
        let scale = through_kubeconfig("scale backend to 3").await?;
        list("through a kubeconfig", &scale, &mut report)?;
        for sentence in READS {
            let requests = in_process(sentence).await?;
            report.noted(&format!("{sentence}, in process"), f64::from(u32::try_from(requests.len())?), "requests");
        }
        Ok::<_, Failure>(())
    })?;
    Ok(report.finish()?)
}

/// A request as the agent tells of it.
struct Asked {
    method: &'static str,
    path: String,
    purpose: &'static str,
}

/// Prints the requests of a scale, numbered.
fn list(place: &str, requests: &[Asked], report: &mut Report) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = (1..)
        .zip(requests)
        .map(|(n, Asked { method, path, purpose }): (u32, _)| {
            vec![n.to_string(), (*method).to_owned(), path.clone(), (*purpose).to_owned()]
        })
        .collect();
    table(&["n", "method", &format!("path ({place})"), "purpose"], &rows)?;
    if !requests.iter().any(|request| request.method == "PATCH" && !request.path.contains("dryRun")) {
        return Err("no change is among the requests".into());
    }
    let count = f64::from(u32::try_from(requests.len())?);
    report.judged(&format!("a cold scale, {place}"), count, "requests", Bar::AimAtMost(12.0));
    Ok(())
}

async fn in_process(sentence: &str) -> Result<Vec<Asked>, Failure> {
    let sandbox = todo()?;
    let scope = Scope {
        context: "sandbox".to_owned(),
        namespace: sandbox.namespace(),
        server: "sandbox world todo".to_owned(),
    };
    let cluster = Cluster::from_service(ApiServer::new(sandbox.clone()), scope, "benchmark".to_owned());
    let home = Home::new()?;
    say(sentence, cluster, Arc::new(sandbox.clock()), home.path()).await
}

async fn through_kubeconfig(sentence: &str) -> Result<Vec<Asked>, Failure> {
    let home = Home::new()?;
    let kubeconfig = home.path().join("kubeconfig");
    let options = ServeOptions { port: 0, speed: SPEED, log: None, kubeconfig: kubeconfig.clone() };
    let said = async {
        while !kubeconfig.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let options = ConnectOptions { kubeconfig: Some(kubeconfig.clone()), ..ConnectOptions::default() };
        say(sentence, Cluster::connect(&options).await?, Arc::new(SystemClock), home.path()).await
    };
    tokio::select! {
        served = serve(todo()?, options, std::future::pending()) => {
            Err(served.err().map_or("the sandbox stopped".into(), Failure::from))
        }
        requests = said => requests,
    }
}

fn todo() -> Result<Sandbox, Failure> {
    let world = World::builtin("todo").ok_or("there is no world todo")?;
    Ok(Sandbox::start(world, Options::default())?)
}

/// Says a sentence to a new agent with an empty state directory, and returns what it asked the server.
async fn say(sentence: &str, cluster: Cluster, clock: Arc<dyn Clock>, home: &Path) -> Result<Vec<Asked>, Failure> {
    let redactor = Arc::new(Redactor::new([1; 32]));
    let asked = Arc::default();
    let state = StateDirectory::at(home.join("state")).map_err(|problem| problem.to_string())?;
    let key = state.digest_key().map_err(|problem| problem.to_string())?;
    let identity = cluster.identity().await?;
    let journal = FileJournal::open(&state, &identity).map_err(|problem| problem.to_string())?;
    let mut agent = Agent::new(Parts {
        cluster: cluster.clone(),
        gate: Gate::new(Rules { yes: Yes::Medium, ..Rules::default() }),
        key: DigestKey::new(key),
        history: Arc::new(journal.history()),
        journal: Box::new(journal),
        redactor: Arc::clone(&redactor),
        clock,
        sandbox: None,
        ui: Recording::new(Box::new(Listening(Arc::clone(&asked))), None, redactor),
        approver: Box::new(Nobody),
        dialogue: None,
        attached: Attached::nothing(),
        changes: Changes::Made,
        timeout: None,
        replay: None,
    });
    match agent.sentence(sentence, CancellationToken::new()).await? {
        Exit::Done => {
            let mut asked = std::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner));
            // What the agent has not told of yet.
            let rest = cluster.take_requests().into_iter();
            asked.extend(rest.map(|RequestRecord { method, path, purpose, .. }| Asked { method, path, purpose }));
            if asked.is_empty() { Err("no request was seen".into()) } else { Ok(asked) }
        }
        exit => Err(format!("{sentence:?} ended with {exit:?}").into()),
    }
}

/// Keeps the requests and shows nothing; an error ends it.
struct Listening(Arc<Mutex<Vec<Asked>>>);

impl Ui for Listening {
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        match shown {
            Shown::Error(failure) => Err(io::Error::other(failure.message.to_string())),
            _ => Ok(()),
        }
    }

    fn progress(&mut self, event: &Event) {
        if let Event::Request { method, path, purpose } = event {
            let asked = Asked { method, path: path.clone(), purpose };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        }
    }
}

/// Is never asked: `--yes` answers for what a scale is.
struct Nobody;

impl Approver for Nobody {
    fn ask<'a>(&'a mut self, _question: &'a ApprovalQuestion<'a>) -> BoxFuture<'a, Answer> {
        async { Answer::Nobody }.boxed()
    }
}
