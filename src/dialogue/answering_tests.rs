//! Turns with a scripted model on a cluster in this process: what the model hears, what the person sees, how it ends.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use futures::stream::{self, BoxStream};
use insta::assert_snapshot;
use serde_json::json;
use todo_agent_cluster::{
    Cluster, DigestKey, Gate,
    policy::{Rules, Yes},
};
use todo_agent_core::{
    approval::{Answer as Said, ApprovalQuestion, Approver},
    journal::{Journal, JournalError, JournalRecord, NoHistory},
    reader::Scope,
};
use todo_agent_sandbox::{ApiServer, Options as SandboxOptions, Sandbox, World};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    agent::Parts,
    dialogue::{Budgets, PlannerUse},
    model::{Message, Model, ReplyCall, Usage},
    options::Changes,
    session::Recording,
};

/// A model that says what it is told to, one script per request.
struct Scripted {
    scripts: Mutex<VecDeque<Vec<Result<Delta, ModelError>>>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Model for Scripted {
    fn describe(&self) -> String {
        "a scripted model".into()
    }
    fn stream<'a>(&'a self, request: &'a Request) -> BoxStream<'a, Result<Delta, ModelError>> {
        self.requests.lock().unwrap().push(request.clone());
        let script = self.scripts.lock().unwrap().pop_front();
        stream::iter(script.expect("one more request than scripted")).boxed()
    }
}

/// Notes what is shown, a line each.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Ui for Seen {
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        let line = match shown {
            Shown::Words(words) => format!("words {:?}", words.as_str()),
            Shown::ToolFailed { ran, failure, .. } => format!("failed {}: {}", ran.call, failure.message),
            Shown::ToolResult { audience: crate::ui::Audience::Model(ran), .. } => format!("ran {}", ran.call),
            Shown::Preview(view) => format!("preview {}", view.steps[0].summary),
            Shown::Decision { verdict, by, .. } => format!("{verdict} by {by}"),
            Shown::Report(report) => format!("report {}", report.effects[0].outcome.text()),
            Shown::Answer(answer) => {
                let changes = if answer.ledger.is_empty() { "none".into() } else { answer.ledger.join("; ") };
                let changes = changes.split(" (c-").next().unwrap_or_default().to_owned();
                format!("answer {:?}, changes: {changes}", answer.text.as_str())
            }
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

struct Talk {
    agent: Agent,
    seen: Seen,
    requests: Arc<Mutex<Vec<Request>>>,
}

/// Returns a conversation with a model that gives these replies, in order, to a person who answers every question so.
fn talk(replies: Vec<Reply>, yes: Yes, answer: Said) -> Talk {
    let scripts = replies.into_iter().map(spoken).collect();
    talk_with(scripts, yes, answer)
}

/// Returns the deltas of a reply.
fn spoken(reply: Reply) -> Vec<Result<Delta, ModelError>> {
    let words = (!reply.text.is_empty()).then(|| Ok(Delta::Text(reply.text.clone())));
    words.into_iter().chain([Ok(Delta::End(reply))]).collect()
}

fn talk_with(scripts: Vec<Vec<Result<Delta, ModelError>>>, yes: Yes, answer: Said) -> Talk {
    let sandbox = Sandbox::start(World::builtin("todo").unwrap(), SandboxOptions::default()).unwrap();
    let scope = Scope { context: "sandbox".into(), namespace: "todo".into(), server: "in this process".into() };
    let cluster = Cluster::from_service(ApiServer::new(sandbox.clone()), scope, "a-cluster".into());
    let requests = Arc::default();
    let model = Scripted { scripts: Mutex::new(scripts.into()), requests: Arc::clone(&requests) };
    let redactor = Arc::new(Redactor::new([1; 32]));
    let seen = Seen::default();
    let agent = Agent::new(Parts {
        cluster,
        gate: Gate::new(Rules { yes, ..Rules::default() }),
        key: DigestKey::new([2; 32]),
        journal: Box::new(Forgetful),
        history: Arc::new(NoHistory),
        redactor: Arc::clone(&redactor),
        clock: Arc::new(sandbox.clock()),
        sandbox: Some(sandbox),
        ui: Recording::new(Box::new(seen.clone()), None, redactor),
        approver: Box::new(Answers(answer)),
        dialogue: Some(Dialogue::new(Box::new(model), Budgets::default(), PlannerUse::First, 32_000)),
        changes: Changes::Made,
        timeout: None,
    });
    Talk { agent, seen, requests }
}

impl Talk {
    async fn says(&mut self, sentence: &str) -> String {
        self.seen.0.lock().unwrap().clear();
        let exit = self.agent.sentence(sentence, CancellationToken::new()).await.unwrap();
        format!("{}\nexit {}", self.seen.0.lock().unwrap().join("\n"), exit.code())
    }

    /// What the model heard as results in its last request.
    fn heard(&self) -> Vec<String> {
        let requests = self.requests.lock().unwrap();
        let messages = &requests.last().unwrap().messages;
        messages
            .iter()
            .filter_map(|message| match message {
                Message::Tool { text, .. } => Some(text.to_string()),
                _ => None,
            })
            .collect()
    }
}

fn says(text: &str) -> Reply {
    Reply { text: text.into(), usage: Some(Usage { input: 100, cached: 0, output: 10 }), ..Reply::default() }
}

fn calls(calls: &[(&str, serde_json::Value)]) -> Reply {
    let call = |(index, (name, args)): (usize, &(&str, serde_json::Value))| ReplyCall {
        id: format!("c{index}"),
        name: (*name).into(),
        arguments: args.to_string(),
        ..ReplyCall::default()
    };
    Reply { calls: calls.iter().enumerate().map(call).collect(), ..Reply::default() }
}

#[tokio::test]
async fn a_question_is_answered_from_what_the_tools_found() {
    let look = calls(&[("list", json!({"kind": "pods"})), ("events", json!({}))]);
    let mut talk = talk(vec![look, says("All **five** pods are ready.")], Yes::No, Said::Nobody);
    assert_snapshot!(talk.says("could you summarise how my stuff is doing").await, @r#"
    ran list kind=pods
    ran events
    words "All **five** pods are ready."
    usage 2 requests, 100 in, 10 out
    answer "All **five** pods are ready.", changes: none
    exit 0
    "#);
    assert!(talk.heard()[0].contains("backend"));
}

#[tokio::test]
async fn a_change_is_previewed_asked_about_and_reported_to_the_model() {
    let propose = calls(&[("scale", json!({"workload": "backend", "replicas": 4}))]);
    let mut talk = talk(vec![propose, says("Done, four now.")], Yes::No, Said::Yes);
    assert_snapshot!(talk.says("make the backend strong enough for black friday").await, @r#"
    preview scale deployment/backend from 2 to 4 replicas
    approved by you
    report 4 of 4 replicas available
    words "Done, four now."
    usage 2 requests, 100 in, 10 out
    answer "Done, four now.", changes: scale deployment/backend from 2 to 4 replicas: done
    exit 0
    "#);
    assert_snapshot!(without_id(&talk.heard()[0]), @r"
    approved by you
    scale deployment/backend from 2 to 4 replicas (c-ID): done and verified: 4 of 4 replicas available
    ");
}

#[tokio::test]
async fn a_declined_change_is_not_made_and_the_model_is_told() {
    let propose = calls(&[("scale", json!({"workload": "backend", "replicas": 4}))]);
    let mut talk = talk(vec![propose, says("I scaled it to 4.")], Yes::No, Said::No("too expensive".into()));
    assert_snapshot!(talk.says("make the backend strong enough for black friday").await, @r#"
    preview scale deployment/backend from 2 to 4 replicas
    declined by you
    words "I scaled it to 4."
    usage 2 requests, 100 in, 10 out
    answer "I scaled it to 4.", changes: none
    exit 3
    "#);
    assert_snapshot!(talk.heard()[0], @"The person declined this change: too expensive. Nothing was sent. Do not propose it again.");
}

#[tokio::test]
async fn what_cannot_be_called_goes_back_to_the_model_and_three_times_ends_the_turn() {
    let broken = |n: u8| calls(&[("kubectl", json!({"command": format!("get pods {n}")}))]);
    let mut talk = talk(vec![broken(1), broken(2), broken(3)], Yes::No, Said::Nobody);
    assert_snapshot!(talk.says("how is it going over there").await, @r#"
    error model: the model made 3 messages in a row of calls that cannot be run, so the turn ends here
    usage 3 requests, 0 in, 0 out
    answer "", changes: none
    exit 1
    "#);
}

#[tokio::test]
async fn the_same_call_again_and_again_ends_the_turn() {
    let same = || calls(&[("list", json!({"kind": "pods"}))]);
    let mut talk = talk(vec![same(), same(), same()], Yes::No, Said::Nobody);
    assert_snapshot!(talk.says("how is it going over there").await, @r#"
    ran list kind=pods
    ran list kind=pods
    error model: the model called list 3 times in a row in the same way, so the turn ends here
    usage 3 requests, 0 in, 0 out
    answer "", changes: none
    exit 1
    "#);
}

#[tokio::test]
async fn an_empty_answer_is_asked_for_once_more_and_then_an_error() {
    let mut talk = talk(vec![Reply::default(), Reply::default()], Yes::No, Said::Nobody);
    assert_snapshot!(talk.says("how is it going over there").await, @r#"
    error model: the model gave an empty answer, twice
    usage 2 requests, 0 in, 0 out
    answer "", changes: none
    exit 1
    "#);
}

#[tokio::test]
async fn a_refusal_and_a_cut_are_said() {
    let refusal = Reply { text: "I cannot help with that.".into(), finish: Finish::Refused, ..Reply::default() };
    let cut = Reply { text: "The pods are".into(), finish: Finish::Length, ..Reply::default() };
    let mut talk = talk(vec![refusal, cut], Yes::No, Said::Nobody);
    assert_snapshot!(talk.says("how is it going over there").await, @r#"
    words "I cannot help with that."
    error model: the model refused to answer: I cannot help with that.
    usage 1 requests, 0 in, 0 out
    answer "", changes: none
    exit 1
    "#);
    assert_snapshot!(talk.says("how is it going over there").await, @r#"
    words "The pods are"
    warning the model's answer was cut at its greatest length; ask for less at once, or ask it to go on
    usage 1 requests, 0 in, 0 out
    answer "The pods are", changes: none
    exit 0
    "#);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_the_conversation_goes_on() {
    let broken = vec![Ok(Delta::Text("The pods ".into()))];
    let mut talk = talk_with(vec![broken, spoken(says("They are fine."))], Yes::No, Said::Nobody);
    assert_snapshot!(talk.says("how is it going over there").await, @r#"
    words "The pods "
    error model_unreachable: the model's answer broke off
    usage 0 requests, 0 in, 0 out
    answer "", changes: none
    exit 1
    "#);
    assert_snapshot!(talk.says("and how is it now then").await, @r#"
    words "They are fine."
    usage 1 requests, 100 in, 10 out
    answer "They are fine.", changes: none
    exit 0
    "#);
}

#[tokio::test]
async fn what_the_planner_did_is_known_to_the_model() {
    let mut talk = talk(vec![says("Because it was asked for.")], Yes::No, Said::Nobody);
    talk.says("list the pods").await;
    assert!(talk.requests.lock().unwrap().is_empty());
    talk.says("tell me what that means for us").await;
    assert!(talk.heard()[0].contains("backend"));
}

#[tokio::test]
async fn a_turn_ends_at_its_bounds() {
    let look = |n: u8| calls(&[("list", json!({"kind": "pods", "limit": n}))]);
    let mut talk = talk(vec![look(1), look(2), look(3)], Yes::No, Said::Nobody);
    talk.agent.parts.dialogue.as_mut().unwrap().budgets.steps = 2;
    assert_snapshot!(talk.says("how is it going over there").await, @r#"
    ran list kind=pods limit=1
    ran list kind=pods limit=2
    error budget: the model took 2 steps and was not done, so the turn ends here
    usage 2 requests, 0 in, 0 out
    answer "", changes: none
    exit 1
    "#);
}

#[tokio::test]
async fn a_model_that_has_seen_the_cluster_does_not_act_on_yes_alone() {
    let look = || calls(&[("list", json!({"kind": "pods"}))]);
    let scale = |replicas: u8| calls(&[("scale", json!({"workload": "backend", "replicas": replicas}))]);
    // The number is not the person's: --yes does not answer for them.
    let mut talk = talk(
        vec![look(), scale(5), says("It needs your approval."), look(), scale(4), says("Done.")],
        Yes::Medium,
        Said::Nobody,
    );
    assert_snapshot!(talk.says("look around and scale backend as needed").await, @r#"
    ran list kind=pods
    preview scale deployment/backend from 2 to 5 replicas
    needs_approval by policy
    words "It needs your approval."
    usage 3 requests, 100 in, 10 out
    answer "It needs your approval.", changes: none
    exit 3
    "#);
    // Verb, target and number are: it does.
    assert_snapshot!(talk.says("look around and scale backend to 4 afterwards").await, @r#"
    ran list kind=pods
    preview scale deployment/backend from 2 to 4 replicas
    approved by --yes
    report 4 of 4 replicas available
    words "Done."
    usage 3 requests, 100 in, 10 out
    answer "Done.", changes: scale deployment/backend from 2 to 4 replicas: done
    exit 0
    "#);
}

/// Returns a text without the random part of a change's id.
fn without_id(text: &str) -> String {
    let Some((before, after)) = text.split_once("(c-") else { return text.to_owned() };
    format!("{before}(c-ID{}", after.split_once(')').map_or(String::new(), |(_, rest)| format!("){rest}")))
}
