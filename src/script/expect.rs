//! Compares what is expected of a step with what was seen of it. Pure; what was found is told bounded.

use serde_json::Value;
use todo_agent_core::{Redactor, text};

use super::{capture::Seen, check::Expected, result::Unmet};
use crate::problem::nearest;

/// How many bytes of a value are told.
const VALUE_BYTES: usize = 400;

/// Returns a line about something expected and not found.
pub(super) fn unmet(redactor: &Redactor, expectation: &str, expected: &str, actual: &str) -> Unmet {
    // Masked before it is cut: half a secret would not be recognised.
    let shown = |text: &str| redactor.text(&text::middle_out(&redactor.text(text), VALUE_BYTES));
    Unmet { expectation: shown(expectation), expected: shown(expected), actual: shown(actual) }
}

/// Compares the exit code alone.
pub(super) fn exit(expected: u8, seen: &Seen, exit: u8, redactor: &Redactor) -> Option<Unmet> {
    let reason = seen.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    (exit != expected).then(|| unmet(redactor, "exit", &expected.to_string(), &format!("it was {exit}{reason}")))
}

/// Compares all that can be told from what was seen: not the replicas, which are looked up.
pub(super) fn compare(expected: &Expected, seen: &Seen, code: u8, redactor: &Redactor) -> Vec<Unmet> {
    let mut found: Vec<Unmet> = exit(expected.exit, seen, code, redactor).into_iter().collect();
    for text in expected.text.iter().filter(|text| !seen.screen.contains(text.as_str())) {
        found.push(unmet(redactor, "text", &format!("{text:?}"), "the step did not show it"));
    }
    for text in &expected.not_text {
        if let Some(line) = seen.screen.lines().find(|line| line.contains(text.as_str())) {
            found.push(unmet(redactor, "not_text", &format!("no {text:?}"), &format!("it showed {:?}", line.trim())));
        } else if seen.screen.contains(text.as_str()) {
            found.push(unmet(redactor, "not_text", &format!("no {text:?}"), "it showed it"));
        }
    }
    for (pointer, wanted) in &expected.json {
        let actual = match seen.output.as_ref().map(|output| (output, output.pointer(pointer))) {
            Some((_, Some(actual))) if actual == wanted => continue,
            Some((_, Some(actual))) => format!("it was {actual}"),
            Some((output, None)) => format!("there is nothing{}", near(output, pointer)),
            None => "no tool of the step had an output".to_owned(),
        };
        found.push(unmet(redactor, &format!("json {pointer}"), &wanted.to_string(), &actual));
    }
    match expected.changed {
        Some(true) if !seen.touched => found.push(unmet(redactor, "changed", "a change", "nothing was changed")),
        Some(false) if seen.touched => found.push(unmet(redactor, "changed", "no change", "something was changed")),
        _ => {}
    }
    found
}

/// Compares a workload's replicas with its description.
pub(super) fn replicas(workload: &str, wanted: u64, seen: &Seen, redactor: &Redactor) -> Option<Unmet> {
    let tell = |actual: &str| Some(unmet(redactor, &format!("replicas {workload}"), &wanted.to_string(), actual));
    let Some(object) = seen.output.as_ref().and_then(|output| output.get("object")) else {
        return tell(seen.reason.as_deref().unwrap_or("it cannot be looked up"));
    };
    let number = |pointers: [&str; 2]| pointers.iter().find_map(|pointer| object.pointer(pointer)?.as_u64());
    // Another object may only be named alike.
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    if workload.rsplit('/').next() != Some(name) {
        return tell(&format!("there is only {name}"));
    }
    let Some(wants) = number(["/spec/replicas", "/status/desiredNumberScheduled"]) else {
        let kind = object.get("kind").and_then(Value::as_str).unwrap_or("object");
        return tell(&format!("a {kind} has no replicas"));
    };
    let ready = number(["/status/readyReplicas", "/status/numberReady"]).unwrap_or(0);
    if wants == wanted && ready == wanted { None } else { tell(&format!("{wants} are wanted and {ready} ready")) }
}

/// Returns what is there in place of a pointer's last known part.
fn near(output: &Value, pointer: &str) -> String {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return String::new() };
    let Some(fields) = output.pointer(parent).and_then(Value::as_object) else { return String::new() };
    match nearest(last, fields.keys().map(String::as_str)) {
        Some(key) => format!("; {parent}/{key} is there"),
        None => format!("; there are {}", fields.keys().cloned().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::json;

    use super::*;

    fn seen() -> Seen {
        Seen {
            screen: "2 pods in namespace todo\nNAME  READY\n".to_owned(),
            output: Some(json!({"total": 2, "items": [{"name": "backend"}], "token": "hunter22"})),
            previewed: true,
            touched: true,
            reason: Some("approval needed: risk low".to_owned()),
        }
    }

    fn told(expected: &Expected, code: u8) -> String {
        let redactor = Redactor::new([1; 32]);
        redactor.register("hunter22");
        compare(expected, &seen(), code, &redactor).iter().map(Unmet::line).collect::<Vec<_>>().join("\n")
    }

    fn pointers(pointers: &[(&str, Value)]) -> Vec<(String, Value)> {
        pointers.iter().map(|(pointer, value)| ((*pointer).to_owned(), value.clone())).collect()
    }

    #[test]
    fn what_is_as_expected_is_not_told() {
        let expected = Expected {
            text: vec!["2 pods".into(), "todo\nNAME".into()],
            not_text: vec!["crash".into()],
            json: pointers(&[("/total", json!(2)), ("/items/0", json!({"name": "backend"}))]),
            changed: Some(true),
            ..Expected::default()
        };
        assert_eq!(told(&expected, 0), "");
    }

    #[test]
    fn what_is_not_says_what_was_found() {
        let expected = Expected {
            text: vec!["3 pods".into()],
            not_text: vec!["READY".into(), "todo\nNAME".into()],
            json: pointers(&[
                ("/total", json!(3)),
                ("/totl", json!(2)),
                ("/items/0/ready", json!("1/1")),
                ("/items/4/name", json!("x")),
                ("/token", json!("other")),
            ]),
            changed: Some(false),
            ..Expected::default()
        };
        assert_snapshot!(told(&expected, 3), @r#"
        exit: expected 0, but it was 3 (approval needed: risk low)
        text: expected "3 pods", but the step did not show it
        not_text: expected no "READY", but it showed "NAME  READY"
        not_text: expected no "todo\nNAME", but it showed it
        json /total: expected 3, but it was 2
        json /totl: expected 2, but there is nothing; /total is there
        json /items/0/ready: expected "1/1", but there is nothing; there are name
        json /items/4/name: expected "x", but there is nothing
        json /token: expected "other", but it was "‹secret:1›"
        changed: expected no change, but something was changed
        "#);
    }

    #[test]
    fn replicas_are_those_that_are_wanted_and_ready() {
        let redactor = Redactor::new([1; 32]);
        let told = |workload: &str, object: Value| {
            let seen = Seen { output: Some(json!({"object": object})), ..Seen::default() };
            replicas(workload, 3, &seen, &redactor).map_or("met".to_owned(), |unmet| unmet.line())
        };
        let deployment = |name: &str, wanted: u64, ready: u64| {
            json!({"kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": wanted},
                "status": {"readyReplicas": ready}})
        };
        assert_eq!(told("backend", deployment("backend", 3, 3)), "met");
        assert_eq!(told("deployment/backend", deployment("backend", 3, 3)), "met");
        assert_eq!(
            told("backend", deployment("backend", 3, 2)),
            "replicas backend: expected 3, but 3 are wanted and 2 ready"
        );
        assert_eq!(told("back", deployment("backend", 3, 3)), "replicas back: expected 3, but there is only backend");
        let config = json!({"kind": "ConfigMap", "metadata": {"name": "todo"}});
        assert_eq!(told("todo", config), "replicas todo: expected 3, but a ConfigMap has no replicas");
        let daemons = json!({"kind": "DaemonSet", "metadata": {"name": "agent"}, "status": {"desiredNumberScheduled": 3, "numberReady": 3}});
        assert_eq!(told("agent", daemons), "met");
    }
}
