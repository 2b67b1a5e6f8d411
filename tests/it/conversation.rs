//! A conversation at a terminal: several turns in one place, each with its own end.

use crate::support::{TestEnvironment, terminal::Terminal};

const PROMPT: &str = "sandbox/todo \u{276f} ";
const QUESTION: &str = "(Enter = no) ";

fn begun(environment: &TestEnvironment) -> Terminal {
    let mut terminal = Terminal::start(environment, ["--sandbox"]);
    terminal.see(PROMPT);
    terminal
}

#[test]
fn a_change_is_made_and_taken_back() {
    let environment = TestEnvironment::new();
    let mut terminal = begun(&environment);
    terminal.type_line("scale backend to 3");
    terminal.see(QUESTION);
    terminal.type_line("y");
    terminal.see("3 of 3 replicas available");
    terminal.see(PROMPT);
    terminal.type_line("/undo");
    terminal.see("takes back c-");
    terminal.see(QUESTION);
    terminal.type_line("y");
    terminal.see("2 of 2 replicas available");
    terminal.see(PROMPT);
    terminal.type_line("/quit");
    terminal.end().exits(0).enough();
}

#[test]
fn a_pronoun_means_what_was_spoken_of() {
    let environment = TestEnvironment::new();
    let mut terminal = begun(&environment);
    terminal.type_line("describe backend");
    terminal.see("deployment/backend in namespace todo");
    terminal.see(PROMPT);
    terminal.type_line("scale it to 3");
    terminal.see("scale deployment/backend from 2 to 3 replicas");
    terminal.see(QUESTION);
    terminal.type_line("n");
    terminal.see(PROMPT);
    terminal.type_line("/quit");
    terminal.end().exits(0).enough();
    assert!(environment.journal().is_empty());
}

#[test]
fn ctrl_c_at_a_question_ends_the_turn_and_not_the_conversation() {
    let environment = TestEnvironment::new();
    let mut terminal = begun(&environment);
    terminal.type_line("scale backend to 3");
    terminal.see(QUESTION);
    terminal.press_ctrl_c();
    terminal.see("Nothing was sent");
    terminal.see(PROMPT);
    terminal.type_line("list deployments");
    terminal.see("3 deployments in namespace todo");
    terminal.see(PROMPT);
    terminal.type_line("/quit");
    terminal.end().exits(0).enough();
    assert!(environment.journal().is_empty());
}

#[test]
fn yes_for_the_session_covers_this_operation_on_this_object_only() {
    let environment = TestEnvironment::new();
    let mut terminal = begun(&environment);
    terminal.type_line("scale backend to 3");
    terminal.see(QUESTION);
    terminal.type_line("s");
    terminal.see("3 of 3 replicas available");
    terminal.see(PROMPT);
    // The same on the same object is covered, up to medium risk.
    terminal.type_line("scale backend to 4");
    terminal.see("4 of 4 replicas available");
    terminal.see(PROMPT);
    // A harder action, another object and another operation are not.
    for sentence in ["scale backend to 0", "scale frontend to 3", "restart backend"] {
        terminal.type_line(sentence);
        terminal.see(QUESTION);
        terminal.type_line("n");
        terminal.see(PROMPT);
    }
    terminal.type_line("/quit");
    terminal.end().exits(0).enough();
    let approved = environment.journal().iter().filter(|record| record["record"] == "approved").count();
    assert_eq!(approved, 2);
}
