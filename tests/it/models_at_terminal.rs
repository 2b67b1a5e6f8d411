//! A person at a terminal and a model that speaks while they look on: words as they come, Ctrl-C in the middle, a plan to
//! approve, and a conversation that goes on afterwards.

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    TestEnvironment,
    model::{FakeModel, Reply},
    terminal::Terminal,
};

const QUESTION: &str = "could you tell me how my application is doing";

#[test]
fn words_are_shown_while_the_model_still_speaks_and_ctrl_c_ends_it() {
    let model = FakeModel::start([Reply::text("The first words of a long answer that nobody waits for.").gated()]);
    let environment = TestEnvironment::with_model(&model.url());
    let mut terminal = Terminal::start(&environment, ["--sandbox", QUESTION]);
    for gate in 1..=8 {
        model.wait_for_gate(gate);
        model.open_gate();
    }
    terminal.see("The first");
    terminal.press_ctrl_c();
    let output = terminal.end().exits(130);
    // What is said about the turn begins on a line of its own.
    assert!(output.stdout.contains("\nerror: interrupted"), "{output}");
    output.never_says("waits for").enough();
    assert!(environment.journal().is_empty());
}

#[test]
fn a_model_that_never_answers_is_left_with_ctrl_c() {
    let model = FakeModel::start([Reply::silence()]);
    let environment = TestEnvironment::with_model(&model.url());
    let mut terminal = Terminal::start(&environment, ["--sandbox", QUESTION]);
    terminal.see("waiting for");
    model.wait_for_requests(1);
    terminal.press_ctrl_c();
    terminal.end().exits(130).says("interrupted").enough();
}

#[test]
fn a_conversation_with_a_plan_and_its_follow_up() {
    let model = FakeModel::start([
        Reply::message("I propose four.", &[("scale", json!({"workload": "backend", "replicas": 4}))]),
        Reply::text("It has four now."),
        Reply::text("Four, as you approved."),
    ]);
    let environment = TestEnvironment::with_model(&model.url());
    let mut terminal = Terminal::start(&environment, ["--sandbox"]);
    terminal.see("❯ ");
    terminal.type_line("make the backend strong enough for black friday");
    terminal.see("(Enter = no) ");
    terminal.type_line("y");
    terminal.see("Changes in this turn: scale deployment/backend from 2 to 4 replicas: done");
    terminal.see("❯ ");
    terminal.type_line("remind me how many that makes");
    terminal.see("Four, as you approved.");
    terminal.see("❯ ");
    terminal.type_line("/cost");
    let costs = terminal.see("cost   ");
    assert!(costs.contains("requests       3"), "{costs}");
    terminal.type_line("/quit");
    terminal.end().exits(0).enough();
    let last = model.requests().pop().unwrap();
    let roles: Vec<&str> =
        last["messages"].as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap()).collect();
    assert_snapshot!(roles.join(" "), @"system user assistant tool assistant user");
}
