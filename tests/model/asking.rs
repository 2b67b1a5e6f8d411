//! How these tests ask: settings, a request, and everything that came back.

use std::{io::Write, net::TcpStream, time::Duration};

use futures::StreamExt;
use todo_agent::model::{
    Client, Delta, Message, Model, ModelError, ModelSettings, Reply, Request,
    settings::{ModelFlags, ModelTable},
};
use todo_agent_core::Redactor;

use crate::support::{
    hostile::{listen, read_request},
    model::FakeModel,
};

/// Returns the settings of a `[model]` table.
pub(crate) fn settings(table: &str) -> ModelSettings {
    let table: ModelTable = toml::from_str(table).unwrap_or_else(|error| panic!("{error}"));
    ModelSettings::resolve(Some(&table), &ModelFlags::default(), &|_| None).unwrap().unwrap()
}

pub(crate) fn client(model: &FakeModel) -> Client {
    client_with(model, "")
}

/// Returns a client with more lines in its table.
pub(crate) fn client_with(model: &FakeModel, table: &str) -> Client {
    client_at(&model.url(), table)
}

pub(crate) fn client_at(url: &str, table: &str) -> Client {
    let model = if table.contains("model = ") { "" } else { "model = \"fake\"\n" };
    Client::new(settings(&format!("base_url = {url:?}\n{model}{table}"))).unwrap()
}

/// Returns the base URL of a server that reads each request and answers as it likes.
pub(crate) fn server(react: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> String {
    let port = listen(move |mut stream| {
        if read_request(&mut stream).is_some() {
            react(&mut stream);
        }
    });
    format!("http://127.0.0.1:{port}/v1")
}

/// Returns the base URL of a server that gives each request this answer, raw.
pub(crate) fn server_saying(answer: impl Into<Vec<u8>>) -> String {
    let answer = answer.into();
    server(move |stream| drop(stream.write_all(&answer)))
}

pub(crate) fn request(words: &str) -> Request {
    let redactor = Redactor::new([7; 32]);
    let messages = vec![Message::System(redactor.text("You are a test.")), Message::User(redactor.text(words))];
    Request { messages, tools: Vec::new() }
}

/// Runs something that waits.
pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Asks and returns everything that came.
pub(crate) fn ask(model: &dyn Model, request: &Request) -> (Vec<Delta>, Result<Reply, ModelError>) {
    run(all_of(model, request))
}

/// Asks and, once this is so, lets every wait be over at once: nothing depends on how fast the machine is.
pub(crate) fn ask_beyond(model: &dyn Model, moment: impl Fn() -> bool) -> Result<Reply, ModelError> {
    let request = request("x");
    let reached = async {
        while !moment() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    run(async {
        let mut answer = std::pin::pin!(all_of(model, &request));
        tokio::select! {
            (_, end) = &mut answer => return end,
            () = reached => tokio::time::pause(),
        }
        answer.await.1
    })
}

async fn all_of(model: &dyn Model, request: &Request) -> (Vec<Delta>, Result<Reply, ModelError>) {
    let mut stream = model.stream(request);
    let mut deltas = Vec::new();
    let mut end = None;
    while let Some(delta) = stream.next().await {
        assert!(end.is_none(), "something came after the end");
        match delta {
            Ok(Delta::End(reply)) => end = Some(Ok(reply)),
            Ok(delta) => deltas.push(delta),
            Err(error) => end = Some(Err(error)),
        }
    }
    (deltas, end.expect("an end or an error"))
}

pub(crate) fn words(deltas: &[Delta]) -> String {
    deltas.iter().filter_map(|delta| if let Delta::Text(text) = delta { Some(text.as_str()) } else { None }).collect()
}

/// Returns an error as a person reads it, with its kind in front.
pub(crate) fn shown(error: &ModelError) -> String {
    let first = format!("{:?}: {}", error.trouble, error.message);
    let hints = error.hints.iter().map(|hint| format!("hint: {hint}"));
    std::iter::once(first).chain(hints).collect::<Vec<_>>().join("\n")
}
