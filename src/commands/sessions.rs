//! `todo-agent sessions list|show`: what was said and done before.

use serde_json::{Value, json};
use todo_agent_core::{Output, Redactor};

use crate::{
    problem::Problem,
    session::{self, Chain, Recorded},
    state::StateDirectory,
};

/// How many sessions a list shows.
const LISTED: usize = 50;

/// Lists the newest sessions.
pub(crate) fn list(state: &StateDirectory, redactor: &Redactor) -> Output {
    let sessions = session::list(state, LISTED);
    let output = Output::build(redactor, &json!({ "sessions": sessions }));
    if sessions.is_empty() {
        return output.text("No session is recorded yet.").build();
    }
    let rows = sessions.into_iter().map(|listed| {
        let place = format!("{}/{}", listed.context, listed.namespace);
        vec![listed.id, place, listed.outcome, listed.sentence.unwrap_or_else(|| "(a call)".to_owned())]
    });
    output.table(&["SESSION", "CONTEXT", "OUTCOME", "FIRST SENTENCE"], rows).build()
}

/// Shows one session, by its id or the start of it. A file that was changed afterwards is shown, and is not
/// an achieved answer.
///
/// # Errors
/// Returns that there is none, or several, or why it cannot be read.
pub(crate) fn show(state: &StateDirectory, id: &str, redactor: &Redactor) -> Result<Output, Problem> {
    let recorded = session::open(state, id)?;
    let meta = &recorded.meta;
    let word = |key: &str| meta[key].as_str().unwrap_or("unknown").to_owned();
    let chain = match recorded.chain {
        Chain::Whole => "whole".to_owned(),
        Chain::Torn => "whole, but the last line was not finished".to_owned(),
        Chain::Broken(line) => format!("CHANGED AFTERWARDS: line {line} is not the one that was written"),
    };
    let data = json!({ "meta": meta, "events": recorded.events, "record": chain });
    let output = Output::build(redactor, &data)
        .fields([
            ("session", word("id")),
            ("started", word("at")),
            ("context", word("context")),
            ("namespace", word("namespace")),
            ("version", word("version")),
            ("record", chain),
        ])
        .text(lines(&recorded).join("\n"));
    let output = if matches!(recorded.chain, Chain::Broken(_)) { output.not_achieved() } else { output };
    Ok(output.build())
}

fn lines(recorded: &Recorded) -> Vec<String> {
    recorded.events.iter().flat_map(event_lines).collect()
}

/// Returns an event as a person reads it: the time, a word for the event, what it says.
fn event_lines(event: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let list = |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().map(text).collect() };
    // 2026-05-01T10:00:00.123Z → 10:00:00
    let time = event["at"].as_str().and_then(|at| at.get(11..19)).unwrap_or("--:--:--");
    let said: Vec<String> = match event["event"].as_str().unwrap_or_default() {
        "sentence" => vec![format!("you: {}", text(&event["text"]))],
        "meta" | "fact" => vec![],
        "text" => vec![text(&event["text"])],
        "tool_call" => vec![format!("call: {} {}", text(&event["tool"]), event["args"])],
        "tool_result" => {
            let size = event["output"]["cut_bytes"].as_u64();
            let size = size.unwrap_or_else(|| event["output"].to_string().len() as u64);
            vec![format!("result of {}: {size} bytes", text(&event["tool"]))]
        }
        "preview" => {
            let change = &event["change"];
            let mut lines = vec![format!("preview {}:", text(&change["change_id"]))];
            for step in change["steps"].as_array().into_iter().flatten() {
                lines.push(format!("  {} (risk {})", text(&step["summary"]), text(&step["risk"])));
            }
            lines
        }
        "decision" => {
            let reason = event["reason"].as_str().map(|reason| format!(": {reason}")).unwrap_or_default();
            let verdict = text(&event["verdict"]).replace('_', " ");
            vec![format!("decision on {}: {verdict} by {}{reason}", text(&event["change_id"]), text(&event["by"]))]
        }
        "report" => {
            let mut lines = vec![format!("report on {}:", text(&event["change_id"]))];
            for effect in event["effects"].as_array().into_iter().flatten() {
                let outcome = text(&effect["outcome"]).replace('_', " ");
                let said = if effect["output"].is_null() { &effect["why"] } else { &effect["output"] };
                lines.push(format!("  {}: {outcome}: {}", text(&effect["summary"]), text(said)));
            }
            lines.extend(list(&event["remaining"]).into_iter().map(|rest| format!("  not sent: {rest}")));
            lines
        }
        "question" => vec![format!("asked: {}", text(&event["text"]))],
        "answer" => {
            let mut lines: Vec<String> =
                event["text"].as_str().filter(|text| !text.is_empty()).map(str::to_owned).into_iter().collect();
            let ledger = list(&event["ledger"]);
            if ledger.is_empty() {
                lines.push("changes in this turn: none".to_owned());
            }
            lines.extend(ledger.into_iter().map(|line| format!("changed: {line}")));
            lines
        }
        "error" => vec![format!("error ({}): {}", text(&event["code"]), text(&event["message"]))],
        "step" => {
            let status = text(&event["status"]);
            let note = event["note"].as_str().map(|note| format!(" ({note})")).unwrap_or_default();
            let mut lines = vec![format!(
                "step {} of {}, {}: {status}{note}",
                event["n"],
                text(&event["part"]),
                text(&event["name"])
            )];
            for unmet in event["unmet"].as_array().into_iter().flatten() {
                let [expectation, expected, actual] =
                    ["expectation", "expected", "actual"].map(|part| text(&unmet[part]));
                lines.push(format!("  {expectation}: expected {expected}, but {actual}"));
            }
            lines
        }
        other => vec![format!("{other}: {event}")],
    };
    let mut lines = Vec::with_capacity(said.len());
    for (index, line) in said.iter().flat_map(|said| said.split('\n')).enumerate() {
        lines.push(if index == 0 { format!("{time}  {line}") } else { format!("          {line}") });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_reads_like_a_conversation() {
        let events = [
            json!({"event": "sentence", "at": "2026-05-01T10:00:00Z", "text": "scale backend to 3"}),
            json!({"event": "tool_call", "at": "2026-05-01T10:00:00Z", "tool": "scale",
                   "args": {"replicas": 3, "workload": "backend"}}),
            json!({"event": "preview", "at": "2026-05-01T10:00:01Z", "change": {"change_id": "c-7k2m9q",
                   "steps": [{"summary": "scale deployment/backend from 2 to 3 replicas", "risk": "low"}]}}),
            json!({"event": "decision", "at": "2026-05-01T10:00:05Z", "change_id": "c-7k2m9q",
                   "verdict": "approved", "by": "person"}),
            json!({"event": "report", "at": "2026-05-01T10:00:09Z", "change_id": "c-7k2m9q", "remaining": [],
                   "effects": [{"summary": "scale deployment/backend from 2 to 3 replicas", "outcome": "done",
                                "output": "3 of 3 replicas available"}]}),
            json!({"event": "answer", "at": "2026-05-01T10:00:09Z", "text": "", "ledger": ["scale backend"]}),
            json!({"event": "step", "at": "2026-05-01T10:00:10Z", "n": 1, "part": "steps", "name": "scale up",
                   "status": "failed", "note": null, "unmet": [
                       {"expectation": "replicas backend", "expected": "4", "actual": "3 are wanted and 3 ready"}]}),
        ];
        let lines: Vec<String> = events.iter().flat_map(event_lines).collect();
        let expected = "\
10:00:00  you: scale backend to 3
10:00:00  call: scale {\"replicas\":3,\"workload\":\"backend\"}
10:00:01  preview c-7k2m9q:
            scale deployment/backend from 2 to 3 replicas (risk low)
10:00:05  decision on c-7k2m9q: approved by person
10:00:09  report on c-7k2m9q:
            scale deployment/backend from 2 to 3 replicas: done: 3 of 3 replicas available
10:00:09  changed: scale backend
10:00:10  step 1 of steps, scale up: failed
            replicas backend: expected 4, but 3 are wanted and 3 ready";
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn without_sessions_the_list_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDirectory::at(folder.path().to_owned()).unwrap();
        let output = list(&state, &Redactor::new([1; 32]));
        assert_eq!(output.for_person(80), "No session is recorded yet.");
    }
}
