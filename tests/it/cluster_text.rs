//! Text from a cluster is data: it moves no cursor, hides nothing, and nobody does what it says.

use std::process::Stdio;

use insta::assert_snapshot;

use crate::support::{TestEnvironment, world};

/// Asserts that a text has no character that a terminal would act on or that turns writing around.
#[track_caller]
fn assert_harmless(text: &str) {
    let acts = |character: &char| {
        (character.is_control() && *character != '\n')
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
    };
    let found = text.chars().find(acts);
    assert_eq!(found, None, "in:\n{}", text.escape_debug());
}

#[test]
fn control_characters_in_logs_are_made_visible() {
    let environment = TestEnvironment::new();
    let output = environment.run([&*world("loud"), "logs of painter"]).exits(0);
    assert_harmless(&output.stdout);
    assert_harmless(&output.stderr);
    let lines = output.stdout.lines().filter_map(|line| line.split_once(" | "));
    let shown: Vec<&str> = lines.map(|(_, text)| text).collect();
    assert_snapshot!(shown.join("\n"), @"");
}

#[test]
fn an_annotation_cannot_write_lines_of_its_own() {
    let environment = TestEnvironment::new();
    let loud = world("loud");
    for sentence in ["describe painter", "scale painter to 3"] {
        let output = environment.run([&loud, sentence]);
        assert_harmless(&output.stdout);
        assert_harmless(&output.stderr);
        let forged = |line: &str| line.trim_start().starts_with("1. scale deployment/painter from 2 to 0");
        assert!(!output.stdout.lines().any(forged) && !output.stderr.lines().any(forged), "{output}");
    }
}

#[test]
fn instructions_in_a_cluster_are_not_followed() {
    let environment = TestEnvironment::new();
    environment.policy("mode = \"auto\"\n[[auto]]\ntool = \"scale\"\nnamespace = \"loud\"\n");
    let loud = world("loud");
    for sentence in ["logs of preacher", "describe preacher", "events", "list deployments", "rollout status of preacher"] {
        for yes in ["--yes", "--yes=high"] {
            environment.run([&loud, sentence, yes]).exits(0).enough();
        }
    }
    assert!(environment.journal().is_empty());
}

#[test]
fn ten_megabytes_of_log_are_read_in_bounds_and_said_to_be_cut() {
    let environment = TestEnvironment::new();
    let output = environment.run([&*world("loud"), "logs of torrent"]).exits(0);
    assert!(output.stdout.len() < 200_000, "{} bytes", output.stdout.len());
    assert_harmless(&output.stdout);
    let first = output.stdout.lines().next().unwrap_or_default();
    assert_snapshot!(output.filtered(first), @"");
}

#[test]
fn a_log_that_is_no_text_is_shown_without_harm() {
    let environment = TestEnvironment::new();
    let output = environment.run([&*world("loud"), "logs of binary"]).exits(0);
    assert_harmless(&output.stdout);
    assert_snapshot!(output.stdout.lines().filter_map(|line| line.split_once(" | ")).map(|(_, text)| text).collect::<Vec<_>>().join("\n"), @"");
}

#[test]
fn forty_columns_are_enough() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "40");
    let output = environment.run(["--sandbox", "scale backend to 3 and frontend to 1", "--yes"]).exits(0);
    assert_snapshot!(output, @"");
    for line in output.stdout.lines().chain(output.stderr.lines()) {
        assert!(line.chars().count() <= 40 || line.contains("kubectl"), "{line:?} is wider than 40 columns");
    }
    for sentence in ["list pods", "describe backend", "events", "logs of backend", "list deployments -o wide"] {
        environment.run(["--sandbox", sentence]).enough();
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let environment = TestEnvironment::new();
    let loud = world("loud");
    for arguments in [vec!["--sandbox", "scale backend to 3", "--yes"], vec![&loud, "logs of torrent"], vec!["tools"], vec!["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        // Nobody reads from the start, as after `| head -0`; `| head -1` ends up here a line later.
        drop(reader);
        let mut command = environment.command(arguments.iter().copied());
        let output = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = environment.shown(output.wait_with_output().unwrap());
        output.exits(0).never_says("panicked").never_says("bug").enough();
    }
}
