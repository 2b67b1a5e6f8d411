use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;
use crate::model::ReplyCall;

fn redactor() -> Redactor {
    Redactor::new([1; 32])
}

fn call(id: &str, name: &str, arguments: &str) -> ReplyCall {
    ReplyCall { id: id.into(), name: name.into(), arguments: arguments.into(), extra: Map::new() }
}

fn reply(calls: Vec<ReplyCall>) -> Reply {
    Reply { calls, ..Reply::default() }
}

/// Says what breaks the invariants, if anything does.
fn broken(messages: &[Message]) -> Option<String> {
    let mut ids: Vec<&str> = Vec::new();
    let mut awaited: Vec<&str> = Vec::new();
    for message in messages {
        match message {
            Message::Tool { call_id, .. } => match awaited.iter().position(|id| id == call_id) {
                Some(at) => drop(awaited.remove(at)),
                None => return Some(format!("an orphan: {call_id}")),
            },
            _ if !awaited.is_empty() => return Some(format!("without a result: {awaited:?}")),
            Message::Assistant(said) => {
                for call in &said.calls {
                    if ids.contains(&call.id.as_str()) {
                        return Some(format!("twice: {}", call.id));
                    }
                    ids.push(&call.id);
                    awaited.push(&call.id);
                }
            }
            Message::System(_) | Message::User(_) => {}
        }
    }
    (!awaited.is_empty()).then(|| format!("without a result: {awaited:?}"))
}

#[derive(Debug, Clone)]
enum Step {
    Person,
    Said(Vec<u8>),
    Result(u8),
    Close,
    Drop,
    Summarise,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(Step::Person),
        proptest::collection::vec(0_u8..4, 0..4).prop_map(Step::Said),
        (0_u8..4).prop_map(Step::Result),
        Just(Step::Close),
        Just(Step::Drop),
        Just(Step::Summarise),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    fn every_call_has_one_result_whatever_happens(steps in steps()) {
        let (mut history, redactor) = (History::default(), redactor());
        let mut ids: Vec<String> = Vec::new();
        for step in steps {
            match step {
                Step::Person => {
                    history.close(&redactor);
                    history.person(redactor.text("list the pods"));
                }
                Step::Said(calls) => {
                    history.close(&redactor);
                    // Servers repeat ids, or send none.
                    let calls = calls.iter().map(|id| match id {
                        0 => call("", "list", "{}"),
                        id => call(&format!("c{id}"), "list", r#"{"kind": "pods"}"#),
                    });
                    ids = history.said(&reply(calls.collect()), &redactor);
                }
                Step::Result(index) => {
                    let id = ids.get(usize::from(index)).cloned().unwrap_or_else(|| "no such call".into());
                    history.result(&id, "a pod", &redactor);
                }
                Step::Close => history.close(&redactor),
                Step::Drop => history.drop_results(0, 2, &redactor),
                Step::Summarise => {
                    history.close(&redactor);
                    history.summarise("the person listed pods", &redactor);
                }
            }
        }
        history.close(&redactor);
        let messages = history.messages(redactor.text("system"));
        prop_assert_eq!(broken(&messages), None);
    }
}

#[test]
fn a_result_is_bounded_and_given_once() {
    let (mut history, redactor) = (History::default(), redactor());
    let ids = history.said(&reply(vec![call("a", "logs", "{}")]), &redactor);
    history.result(&ids[0], &"x".repeat(100_000), &redactor);
    history.result(&ids[0], "again", &redactor);
    assert_eq!(history.len(), 2);
    assert!(history.tokens() < estimate(RESULT_BYTES) + 100);
}

#[test]
fn dropped_results_are_the_oldest_and_say_so() {
    let (mut history, redactor) = (History::default(), redactor());
    for number in 0..4 {
        history.person(redactor.text("logs"));
        let ids = history.said(&reply(vec![call("", "logs", "{}")]), &redactor);
        history.result(&ids[0], &format!("{number} {}", "line ".repeat(400)), &redactor);
    }
    let before = history.tokens();
    history.drop_results(before * 6 / 10, 3, &redactor);
    let dropped: Vec<bool> = history
        .messages(redactor.text(""))
        .iter()
        .filter_map(|message| match message {
            Message::Tool { text, .. } => Some(text.starts_with("(this result was dropped")),
            _ => None,
        })
        .collect();
    assert_eq!(dropped, [true, true, false, false]);
}

#[test]
fn a_summary_keeps_the_last_sentence_and_the_taint() {
    let (mut history, redactor) = (History::default(), redactor());
    history.person(redactor.text("first"));
    assert!(!history.is_tainted());
    history.planned(&[Call::new("list", json!({"kind": "pods"}))], vec![redactor.text("a pod")], &redactor);
    history.person(redactor.text("second"));
    history.summarise("there is a pod", &redactor);
    assert!(history.is_tainted());
    assert_eq!(history.sentences().iter().map(|text| text.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(history.len(), 2);
}

#[test]
fn a_secret_in_the_arguments_is_masked_and_what_is_no_json_is_not_kept() {
    let (mut history, redactor) = (History::default(), redactor());
    history.said(
        &reply(vec![
            call("a", "set", r#"{"env": {"DB_PASSWORD": "hunter22hunter"}}"#),
            call("b", "set", r#"{"env": "#),
        ]),
        &redactor,
    );
    let Message::Assistant(said) = &history.messages(redactor.text(""))[1] else { panic!("no message of the model") };
    assert!(!said.calls[0].arguments.contains("hunter22hunter"));
    assert_eq!(said.calls[1].arguments.as_str(), "{}");
}
