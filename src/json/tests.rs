//! One example of every event, held against the published schema.

use std::collections::BTreeSet;

use todo_agent_core::{
    ChangeView, Outcome, Output, Redactor, Remark, Report, Risk,
    report::EffectReport,
    view::{ClusterView, FieldChange, ProofView, StepView, TargetView},
};

use std::time::Duration;

use super::*;
use crate::{
    model::{Finish, Usage},
    script::{Part, Status, StepResult, Unmet},
    ui::{Answer, Audience, Failure, Meta, ModelCall, ModelMessage, Ran, UsageShown},
};

const SCHEMA: &str = include_str!("../../docs/json-events.schema.json");

fn redactor() -> Redactor {
    Redactor::new([3; 32])
}

fn target() -> TargetView {
    TargetView {
        api_version: "apps/v1".into(),
        kind: "Deployment".into(),
        namespace: Some("todo".into()),
        name: "backend".into(),
    }
}

fn change() -> ChangeView {
    let step = StepView {
        n: 1,
        phase: 1,
        tool: "scale".into(),
        summary: "scale deployment/backend from 2 to 3 replicas".into(),
        verb: "scale".into(),
        target: target(),
        outside: false,
        diff: vec![FieldChange { path: "spec.replicas".into(), before: Some(json!(2)), after: Some(json!(3)) }],
        proof: ProofView::Served,
        remarks: vec![Remark::KeptBy("horizontalpodautoscaler/backend".into()), Remark::Fact("one replica".into())],
        warnings: vec![],
        risk: Risk::Low,
        protected: None,
        digest: "d1".into(),
        fingerprint: "f1".into(),
    };
    ChangeView {
        change_id: "c-7k2m9q".into(),
        cluster: ClusterView { context: "sandbox".into(), server: "in process".into(), identity: "uid".into() },
        steps: vec![step],
        equivalent: vec!["kubectl scale deployment/backend --replicas=3 -n todo".into()],
        undo: Some("scale deployment/backend back to 2".into()),
        digest: "d".into(),
    }
}

fn report(outcome: Outcome) -> Report {
    let effect = EffectReport { summary: "scale deployment/backend".into(), target: target(), outcome, printed: None };
    Report { change_id: "c-7k2m9q".into(), effects: vec![effect], remaining: vec![], undo: None, lasts: None }
}

/// Returns the lines for one example of every event.
fn lines() -> Vec<Value> {
    let redactor = redactor();
    let text = redactor.text("done");
    let args = redactor.value(&json!({"workload": "backend"}));
    let output = Output::build(&redactor, &json!({"pods": 3})).build();
    let change = change();
    let why = || "1 of 3 available".to_owned();
    let reports = [
        report(Outcome::Done { output: "3 of 3 replicas available".into() }),
        report(Outcome::NotVerified { why: why() }),
        report(Outcome::Moved { why: why() }),
        report(Outcome::Failed { why: why() }),
        report(Outcome::Unknown { why: why() }),
    ];
    let meta = Meta {
        version: "0.1.0",
        context: "sandbox".into(),
        namespace: "todo".into(),
        server: "in process".into(),
        session: None,
    };
    let answer = Answer { text: text.clone(), understood: vec!["scale backend to 3".into()], ledger: vec![] };
    let failure = Failure { code: "name".into(), message: text.clone(), hints: vec![text.clone()] };
    let tokens = Usage { input: 1200, cached: 1000, output: 80 };
    let call = ModelCall { id: "c1".into(), tool: text.clone(), args: args.clone() };
    let message = ModelMessage {
        text: text.clone(),
        reasoning: redactor.text(""),
        calls: vec![call],
        finish: Finish::Length,
        usage: Some(tokens),
    };
    let usage = UsageShown { requests: 2, usage: tokens, estimated: true, cost: Some(0.0012) };
    let choices = ["backend".to_owned()];
    let decision = |verdict, reason| Shown::Decision { change_id: "c-7k2m9q", verdict, by: "person", reason };

    let unmet = Unmet { expectation: text.clone(), expected: text.clone(), actual: text.clone() };
    let step = |status, exit, unmet, note| StepResult {
        n: 1,
        part: Part::Steps,
        name: text.clone(),
        status,
        exit,
        seconds: 0.25,
        unmet,
        note,
        showed: text.clone(),
    };
    let steps = [
        step(Status::Passed, Some(0), vec![], None),
        step(Status::Failed, Some(1), vec![unmet], None),
        StepResult { part: Part::Always, ..step(Status::Skipped, None, vec![], Some(text.clone())) },
    ];

    let mut written = Vec::new();
    let mut ui = JsonUi::new(&mut written, Requests::Shown);
    let mut shown = vec![
        Shown::Meta(&meta),
        Shown::Text(&text),
        Shown::ToolCall { tool: "scale", args: &args },
        Shown::ToolResult { tool: "list", output: &output, audience: Audience::Person },
        Shown::ToolFailed { tool: "list", failure: &failure, ran: Ran { call: &text, took: Duration::ZERO } },
        Shown::Heard { call_id: "c1", tool: "list", text: &text },
        Shown::Words(&text),
        Shown::Model(&message),
        Shown::Usage(&usage),
        Shown::Preview(&change),
        Shown::Question { text: &text, choices: &choices },
        Shown::Answer(&answer),
        Shown::Error(&failure),
        decision("declined", Some("too early")),
    ];
    let verdicts = ["approved", "needs_approval", "forbidden", "dry_run", "suggested", "stopped"];
    shown.extend(verdicts.map(|verdict| decision(verdict, None)));
    shown.extend(reports.iter().map(Shown::Report));
    shown.extend(steps.iter().map(Shown::Step));
    for shown in &shown {
        ui.show(shown).unwrap();
    }
    for event in [
        Event::Warning(text.clone()),
        Event::Line(text.clone()),
        Event::Progress(text.clone()),
        Event::Request { method: "GET", path: "/version".into(), purpose: "doctor" },
    ] {
        ui.progress(&event);
    }
    ui.info("tools", &args).unwrap();
    String::from_utf8(written).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_event_is_as_the_schema_says() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lines = lines();
    for line in &lines {
        let errors: Vec<String> = validator.iter_errors(line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{line}: {errors:?}");
    }
    let names = |values: Vec<&Value>| values.into_iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let written: BTreeSet<String> = names(lines.iter().map(|line| &line["event"]).collect());
    let known: BTreeSet<String> = names(schema["properties"]["event"]["enum"].as_array().unwrap().iter().collect());
    assert_eq!(written, known);
}

#[test]
fn the_schema_refuses_what_is_no_event() {
    let validator = jsonschema::validator_for(&serde_json::from_str(SCHEMA).unwrap()).unwrap();
    for wrong in [
        json!({"v": 1, "event": "text"}),
        json!({"v": 2, "event": "text", "text": "x"}),
        json!({"v": 1, "event": "surprise"}),
        json!({"v": 1, "event": "decision", "change_id": "c", "verdict": "perhaps", "by": "person"}),
        json!({"v": 1, "event": "report", "change_id": "c", "remaining": [],
               "effects": [{"summary": "s", "target": target(), "outcome": "failed"}]}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn version_and_name_come_first() {
    let mut written = Vec::new();
    let redactor = redactor();
    JsonUi::new(&mut written, Requests::Hidden).show(&Shown::Text(&redactor.text("hello"))).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), "{\"v\":1,\"event\":\"text\",\"text\":\"hello\"}\n");
}

#[test]
fn requests_are_events_only_when_asked_for() {
    let mut written = Vec::new();
    let mut ui = JsonUi::new(&mut written, Requests::Hidden);
    ui.progress(&Event::Request { method: "GET", path: "/version".into(), purpose: "doctor" });
    ui.progress(&Event::Progress(redactor().text("waiting")));
    assert!(written.is_empty());
}

#[test]
fn a_closed_pipe_met_during_progress_ends_the_next_event() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let redactor = redactor();
    let mut ui = JsonUi::new(Closed, Requests::Hidden);
    ui.progress(&Event::Warning(redactor.text("careful")));
    let error = ui.show(&Shown::Text(&redactor.text("hello"))).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn what_hides_or_turns_its_neighbours_around_is_escaped_and_reads_the_same() {
    let redactor = redactor();
    let text = "a\u{202e}b\u{200b}c\u{7f}\u{e0041}\n\u{1b}[2J";
    let mut written = Vec::new();
    JsonUi::new(&mut written, Requests::Hidden).show(&Shown::Text(&redactor.text(text))).unwrap();
    let line = String::from_utf8(written).unwrap();
    assert!(line.contains(r"a\u202eb\u200bc\u007f\udb40\udc41\n\u001b[2J"), "{line}");
    let read: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(read["text"], text);
}
