//! The program, end to end: each file is a subject, each test a thing that can happen to a person.
//!
//! The tests run the real program on simulated clusters and on servers that misbehave. Whatever they do, the
//! requests are compared with the approvals when a test ends; see `support/evidence.rs`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends where it stands")]

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "shared with the scenarios, which use other parts")]
mod support;

mod apply;
mod autoscale;
mod calls;
mod cluster_text;
mod connection;
mod conversation;
mod create;
mod delete;
mod diagnose;
mod evidence;
mod exec;
mod import_env;
mod json;
mod models;
mod models_at_terminal;
mod moved;
mod names;
mod node_control;
mod patch;
mod permissions;
mod plans;
mod policy;
mod port_forward;
mod readme;
mod replays;
mod rollouts;
mod scale;
mod script_examples;
mod script_reports;
mod scripts;
mod secrets;
mod sentences;
mod sessions;
mod set;
mod state;
mod terminal;
mod unanswered;
mod undo;

#[test]
fn no_file_of_these_tests_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it");
    let main = std::fs::read_to_string(format!("{folder}/main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(subject) = name.strip_suffix(".rs") else { continue };
        assert!(subject == "main" || main.contains(&format!("mod {subject};\n")), "main.rs does not name {name}");
    }
}
