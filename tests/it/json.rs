//! `--json`: one object per line on standard output, as the schema in the repository says.

use std::fs;

use insta::assert_snapshot;

use crate::support::{TestEnvironment, world};

#[test]
fn every_line_is_as_the_schema_says() {
    let environment = TestEnvironment::new();
    let path = format!("{}/docs/json-events.schema.json", env!("CARGO_MANIFEST_DIR"));
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let shop = world("shop");
    let runs: &[&[&str]] = &[
        &["--sandbox", "--json", "scale backend to 3", "--yes"],
        &["--sandbox", "--json", "scale backend to 3"],
        &["--sandbox", "--json", "scale backend to 3", "--dry-run"],
        &["--sandbox", "--json", "scale backend to 3", "--read-only"],
        &["--sandbox=hpa", "--json", "scale backend to 4", "--yes=high"],
        &["--sandbox", "--json", "scale backend to 3 and frontend to 1", "--yes"],
        &["--sandbox", "--json", "-vv", "list pods"],
        &["--sandbox", "--json", "describe backend"],
        &["--sandbox", "--json", "logs of backend"],
        &["--sandbox", "--json", "events"],
        &["--sandbox=stuck", "--json", "rollout status of backend"],
        &["--sandbox", "--json", "scale backend to -1"],
        &["--sandbox", "--json", "bake a cake"],
        &["--sandbox", "--json", "undo"],
        &[&shop, "--json", "scale api to 3"],
        &["--json", "list pods"],
        &["--json", "--yes=maybe", "list pods"],
        &["--sandbox", "--json", "call", "scale", "{"],
        &["--json", "tools"],
        &["--json", "tools", "scale"],
        &["--json", "sessions", "list"],
        &["--json", "config"],
        &["--sandbox", "--json", "doctor"],
        &["--sandbox", "--json", "plan", "scale backend to 3"],
    ];
    for arguments in runs {
        let output = environment.run(arguments.iter().copied());
        let events = output.events();
        assert!(!events.is_empty(), "{arguments:?}\n{output}");
        for event in events {
            if let Err(error) = schema.validate(&event) {
                panic!("{arguments:?}: {error}\n{event}");
            }
        }
    }
}

#[test]
fn a_change_tells_its_story_in_events() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox", "--json", "scale backend to 3", "--yes"]).exits(0);
    let story: Vec<String> = output.events().iter().map(|event| event["event"].as_str().unwrap().to_owned()).collect();
    assert_snapshot!(story.join(" "), @"meta tool_call preview decision report answer");
    assert_snapshot!(output.filtered(&output.stderr), @"");
}

#[test]
fn a_program_cannot_approve() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox", "--json", "scale backend to 3"]).exits(3);
    let events = output.events();
    let decision = events.iter().find(|event| event["event"] == "decision").unwrap();
    assert_eq!(decision["verdict"], "needs_approval");
    assert!(environment.journal().is_empty());
}
