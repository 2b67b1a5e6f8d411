//! The client and a scripted server: requests as they are sent, answers as they come, retries, and errors as a person reads
//! them.

use futures::StreamExt;
use insta::assert_snapshot;
use serde_json::{Value, json};
use todo_agent::model::{
    Client, Delta, Message, Model, ModelError, ModelSettings, Reply as Answer, Request,
    settings::{ModelFlags, ModelTable},
};
use todo_agent_core::Redactor;

use crate::support::model::{FakeModel, Reply};

fn settings(table: &str) -> ModelSettings {
    let table: ModelTable = toml::from_str(table).unwrap();
    ModelSettings::resolve(Some(&table), &ModelFlags::default(), &|_| None).unwrap().unwrap()
}

fn client(model: &FakeModel) -> Client {
    let table = format!(
        "base_url = {:?}\nmodel = \"fake\"\ntimeouts = {{ first = \"50ms\", between = \"50ms\" }}",
        model.url()
    );
    Client::new(settings(&table)).unwrap()
}

fn request(words: &str) -> Request {
    let redactor = Redactor::new([7; 32]);
    let messages = vec![Message::System(redactor.text("You are a test.")), Message::User(redactor.text(words))];
    Request { messages, tools: Vec::new() }
}

/// Asks and returns everything that came.
fn ask(client: &dyn Model, request: &Request) -> (Vec<Delta>, Result<Answer, ModelError>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut stream = client.stream(request);
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
    })
}

fn words(deltas: &[Delta]) -> String {
    deltas.iter().filter_map(|delta| if let Delta::Text(text) = delta { Some(text.as_str()) } else { None }).collect()
}

#[test]
fn words_come_as_they_are_said() {
    let model = FakeModel::start([Reply::text("All pods are ready.")]).anywhere();
    let client = client(&model);
    let (deltas, end) = ask(&client, &request("are all pods ready?"));
    let reply = end.unwrap();
    assert_eq!(words(&deltas), "All pods are ready.");
    assert!(deltas.len() > 3, "{deltas:?}");
    assert_eq!(reply.text, "All pods are ready.");
    let usage = reply.usage.unwrap();
    assert_eq!((usage.input, usage.cached, usage.output), (100, 40, 20));
}
