//! Which stream carries what, and what a closed pipe does.

use std::sync::{Arc, Mutex};

use serde_json::json;
use todo_agent_core::{Output, Redactor};

use super::*;

/// A stream whose content can be read afterwards.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pipe nobody reads.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ui(detail: Detail) -> (TerminalUi, Sink, Sink) {
    let (out, err) = (Sink::default(), Sink::default());
    let look = Look::plain(80);
    let progress = ProgressLine::new(Box::new(io::sink()), look, Drawing::Lines);
    let ui = TerminalUi::on([Box::new(out.clone()), Box::new(err.clone())], [look, look], progress, detail);
    (ui, out, err)
}

fn redactor() -> Redactor {
    Redactor::new([1; 32])
}

fn answer(text: &str, ledger: &[&str]) -> Answer {
    Answer {
        text: redactor().text(text),
        understood: vec!["list {\"kind\":\"pods\"}".into()],
        ledger: ledger.iter().map(|&line| line.to_owned()).collect(),
    }
}

#[test]
fn the_answer_is_on_stdout_and_the_rest_on_stderr() {
    let (mut ui, out, err) = ui(Detail::Verbose);
    let output = Output::build(&redactor(), &json!(null)).text("backend 2/2").build();
    ui.show(&Shown::ToolResult { tool: "list", output: &output, audience: Audience::Person }).unwrap();
    ui.show(&Shown::Answer(&answer("All is well.", &[]))).unwrap();
    assert_eq!(out.text(), "backend 2/2\nAll is well.\nChanges in this turn: none\n");
    assert_eq!(err.text(), "understood as: list {\"kind\":\"pods\"}\n");
}

#[test]
fn without_v_the_results_stand_alone() {
    let (mut ui, out, err) = ui(Detail::Normal);
    ui.show(&Shown::ToolCall { tool: "list", args: &redactor().value(&json!({})) }).unwrap();
    ui.show(&Shown::Answer(&answer("", &[]))).unwrap();
    assert_eq!((out.text(), err.text()), (String::new(), String::new()));
}

#[test]
fn prose_never_stands_without_the_account_and_an_account_never_is_left_out() {
    let (mut ui, out, _) = ui(Detail::Normal);
    ui.show(&Shown::Answer(&answer("I have scaled everything.", &[]))).unwrap();
    ui.show(&Shown::Answer(&answer("", &["deployment/backend: scaled from 2 to 3"]))).unwrap();
    assert_eq!(
        out.text(),
        "I have scaled everything.\nChanges in this turn: none\n\
         Changes in this turn: deployment/backend: scaled from 2 to 3\n"
    );
}

#[test]
fn verbose_names_calls_and_requests() {
    let (mut ui, out, err) = ui(Detail::Verbose);
    ui.show(&Shown::ToolCall { tool: "list", args: &redactor().value(&json!({"kind": "pods"})) }).unwrap();
    let path = "/api/v1/pods".to_owned();
    ui.progress(&Event::Request { method: "GET", path, purpose: "list" });
    assert_eq!(out.text(), "");
    assert_eq!(err.text(), "call: list {\"kind\":\"pods\"}\nrequest: GET /api/v1/pods (list)\n");
}

#[test]
fn a_failure_has_its_hints_and_no_control_characters() {
    let (mut ui, _, err) = ui(Detail::Normal);
    let failure = Failure {
        code: "not_found".into(),
        message: redactor().text("no deployment \"x\u{1b}[2J\""),
        hints: vec![redactor().text("did you mean backend?")],
    };
    ui.show(&Shown::Error(&failure)).unwrap();
    assert_eq!(err.text(), "error: no deployment \"x\\u{1b}[2J\"\nhint: did you mean backend?\n");
}

#[test]
fn a_decision_says_that_nothing_was_sent() {
    let (mut ui, _, err) = ui(Detail::Normal);
    let decision = |verdict, by, reason| Shown::Decision { change_id: "c-1", verdict, by, reason };
    ui.show(&decision("approved", "person", None)).unwrap();
    ui.show(&decision("approved", "--yes", None)).unwrap();
    ui.show(&decision("declined", "person", Some("too many"))).unwrap();
    assert_eq!(err.text(), "approved by --yes\ndeclined: too many. Nothing was sent.\n");
}

#[test]
fn a_closed_pipe_is_an_error_also_after_a_followed_line() {
    let look = Look::plain(80);
    let progress = ProgressLine::new(Box::new(io::sink()), look, Drawing::Lines);
    let mut ui = TerminalUi::on([Box::new(Closed), Box::new(Sink::default())], [look, look], progress, Detail::Normal);
    let text = redactor().text("hello");
    assert_eq!(ui.show(&Shown::Text(&text)).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    ui.progress(&Event::Line(text));
    let meta = redactor().text("anything");
    assert_eq!(ui.show(&Shown::Text(&meta)).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
