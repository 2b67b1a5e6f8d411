//! The program's own files: a place that cannot be written, a configuration that is not right, and what is
//! left behind for nobody else to read.

use std::{fs, os::unix::fs::PermissionsExt};

use insta::assert_snapshot;

use crate::support::TestEnvironment;

#[test]
fn a_state_directory_that_cannot_be_written_leaves_reads_and_stops_changes() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "200");
    let file = environment.write("file", "");
    environment.set("TODO_AGENT_STATE", &file.join("state").display().to_string());
    let read = environment.run(["--sandbox", "how many replicas does backend have"]).exits(0);
    assert_snapshot!(read.filtered(&read.stderr), @"");
    for yes in ["--yes", "--yes=high"] {
        let output = environment.run(["--sandbox", "scale backend to 3", yes]);
        assert_snapshot!(output, @"");
    }
    environment.policy("mode = \"auto\"\n[[auto]]\ntool = \"scale\"\nnamespace = \"todo\"\n");
    environment.run(["--sandbox", "scale backend to 3"]).exits(1).says("nothing can be changed").enough();
}

#[test]
fn an_unknown_key_in_the_configuration_is_named_with_the_line_and_the_nearest_key() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "200");
    environment.write("home/.config/todo-agent/config.toml", "# mine\ncolor = \"never\"\ntimeoud = \"90s\"\n");
    assert_snapshot!(environment.run(["--sandbox", "list pods"]), @"");
}

#[test]
fn a_configuration_that_is_named_but_missing() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "200");
    environment.set("TODO_AGENT_CONFIG", &environment.path("none.toml").display().to_string());
    assert_snapshot!(environment.run(["--sandbox", "list pods"]), @"");
}

#[test]
fn what_is_kept_is_only_this_persons_to_read() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "scale backend to 3", "--yes"]).exits(0).enough();
    let mut folders = vec![environment.state()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                seen += 1;
                let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{}", entry.path().display());
            }
        }
    }
    assert!(seen >= 3, "a key, a journal and a session");
}

#[test]
fn the_run_is_found_again_in_the_sessions() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "scale backend to 3", "--yes"]).exits(0).enough();
    environment.run(["sessions", "list"]).exits(0).says("scale backend to 3").enough();
}
