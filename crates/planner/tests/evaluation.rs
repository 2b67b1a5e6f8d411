//! What the planner makes of the sentences in `sentences/`: a table per intent, and the bars.
//!
//! `known.txt` may be looked at line by line; of `held_out.txt` only the figures are printed, so that nothing
//! is tuned on it. A change where none was ordered fails at once, in either file.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "the table is what this test is for")]

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use todo_agent_core::{Call, Names};
use todo_agent_planner::{Focus, Mode, Planned, plan};

/// The tools that propose changes.
const WRITES: &[&str] = &[
    "scale",
    "rollout_control",
    "set",
    "autoscale",
    "create",
    "patch",
    "delete",
    "node_control",
    "undo",
    "import_env",
    "apply",
    "exec",
    "port_forward",
];

#[derive(Debug, PartialEq)]
enum Expected {
    Calls { calls: Vec<Call>, mode: Mode },
    Ask,
    Pass,
    NoChange,
}

struct Case {
    group: String,
    line: String,
    turns: Vec<String>,
    expected: Expected,
}

#[derive(Default)]
struct Row {
    right: usize,
    missed: usize,
    wrong: usize,
    changed: Vec<String>,
    failures: Vec<String>,
}

#[test]
fn known_sentences() {
    evaluate(include_str!("../sentences/known.txt"), "known", true);
}

#[test]
fn held_out_sentences() {
    evaluate(include_str!("../sentences/held_out.txt"), "held out", false);
}

fn evaluate(text: &str, title: &str, show_failures: bool) {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for case in cases(text) {
        judge(&case, rows.entry(case.group.clone()).or_default());
    }
    println!("\n{title:<18}{:>7}{:>8}{:>7}", "right", "missed", "wrong");
    let (mut right, mut all) = (0, 0);
    for (group, row) in &rows {
        println!("{group:<18}{:>7}{:>8}{:>7}", row.right, row.missed, row.wrong);
        if group != "trap" && group != "out_of_scope" {
            right += row.right;
            all += row.right + row.missed + row.wrong;
        }
    }
    println!("in scope: {right} of {all} right ({:.1} %)", percent(right, all));
    if show_failures {
        rows.values().flat_map(|row| &row.failures).for_each(|failure| println!("  {failure}"));
    }
    let changed: Vec<&String> = rows.values().flat_map(|row| &row.changed).collect();
    assert!(changed.is_empty(), "changes that nobody ordered: {changed:#?}");
    assert!(
        percent(right, all) >= 92.0,
        "{title}: only {:.1} % of the sentences in scope are right",
        percent(right, all)
    );
}

#[allow(clippy::cast_precision_loss)]
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

fn judge(case: &Case, row: &mut Row) {
    let (last, before) = case.turns.split_last().unwrap();
    let mut focus = Focus::default();
    for turn in before {
        let planned = plan(turn, &focus, &Names::default());
        focus.update(&planned);
        if is_change(&planned) {
            focus.changed();
        }
    }
    let planned = plan(last, &focus, &Names::default());
    let ordered = matches!(&case.expected, Expected::Calls { calls, mode: Mode::Act } if calls.iter().any(is_write));
    if is_change(&planned) && !ordered {
        row.changed.push(case.line.clone());
    }
    let right = match (&case.expected, &planned) {
        (Expected::Calls { calls, mode }, Planned::Calls { calls: made, mode: made_mode }) => {
            calls == made && mode == made_mode
        }
        (Expected::Ask, Planned::Ask(_)) | (Expected::Pass, Planned::Pass(_)) => true,
        (Expected::NoChange, planned) => !is_change(planned),
        _ => false,
    };
    if right {
        row.right += 1;
        return;
    }
    if matches!(planned, Planned::Calls { .. }) {
        row.wrong += 1;
    } else {
        row.missed += 1;
    }
    row.failures.push(format!("{}\n      {}", case.line, serde_json::to_string(&planned).unwrap()));
}

fn is_write(call: &Call) -> bool {
    WRITES.contains(&call.tool.as_str())
}

fn is_change(planned: &Planned) -> bool {
    matches!(planned, Planned::Calls { calls, mode: Mode::Act } if calls.iter().any(is_write))
}

fn cases(text: &str) -> Vec<Case> {
    let mut group = String::new();
    let mut cases = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(title) = line.strip_prefix("##") {
            title.trim().clone_into(&mut group);
        } else if !line.starts_with('#') {
            let (said, expected) = line.rsplit_once(" => ").unwrap_or_else(|| panic!("no `=>` in {line}"));
            let turns = said.split(" >> ").map(str::to_owned).collect();
            cases.push(Case { group: group.clone(), line: line.to_owned(), turns, expected: expected_of(expected) });
        }
    }
    cases
}

fn expected_of(text: &str) -> Expected {
    match text.trim() {
        "ask" => Expected::Ask,
        "pass" => Expected::Pass,
        "never" => Expected::NoChange,
        calls => {
            let (mode, calls) =
                calls.strip_prefix("preview ").map_or((Mode::Act, calls), |calls| (Mode::PreviewOnly, calls));
            Expected::Calls { calls: calls.split(" ; ").map(call_of).collect(), mode }
        }
    }
}

/// Reads `tool argument=value …`; a value is JSON, or else a plain string.
fn call_of(text: &str) -> Call {
    let mut words: Vec<String> = Vec::new();
    let mut quoted = false;
    for (index, character) in text.trim().chars().enumerate() {
        match character {
            ' ' if !quoted => words.push(String::new()),
            _ => {
                quoted ^= character == '"';
                if index == 0 {
                    words.push(String::new());
                }
                words.last_mut().unwrap().push(character);
            }
        }
    }
    let mut arguments = Map::new();
    for word in words.iter().skip(1) {
        let (key, value) = word.split_once('=').unwrap();
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        arguments.insert(key.to_owned(), value);
    }
    Call::new(words[0].clone(), Value::Object(arguments))
}
