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
    assert_snapshot!(read.filtered(&read.stderr), @r"
    warning: the state directory [env]/file/state cannot be used: Not a directory (os error 20); nothing is recorded, and so nothing can be changed
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert_snapshot!(environment.run(["--sandbox", "scale backend to 3", "--yes"]), @r"
    exit 1
    --- stderr
    warning: the state directory [env]/file/state cannot be used: Not a directory (os error 20); nothing is recorded, and so nothing can be changed
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. scale deployment/backend from 2 to 3 replicas
       action     scale Deployment backend in namespace todo (apps/v1)
       change     spec.replicas: 2 → 3
       risk       low
       proof      checked by the server (dry run)

    undo       scale deployment/backend back to 2
    same as    kubectl scale deployment/backend --replicas=3 -n todo
    error: the journal cannot be written: the state directory [env]/file/state cannot be used: Not a directory (os error 20)
    hint: without a record nothing is changed; check the state directory with: todo-agent doctor
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    environment.run(["--sandbox", "scale backend to 3", "--yes=high"]).exits(1).enough();
    environment.policy("mode = \"auto\"\n[[auto]]\ntool = \"scale\"\nnamespace = \"todo\"\n");
    environment.run(["--sandbox", "scale backend to 3"]).exits(1).says("nothing can be changed").enough();
}

#[test]
fn an_unknown_key_in_the_configuration_is_named_with_the_line_and_the_nearest_key() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "200");
    environment.write("home/.config/todo-agent/config.toml", "# mine\ncolor = \"never\"\ntimeoud = \"90s\"\n");
    assert_snapshot!(environment.run(["--sandbox", "list pods"]), @r"
    exit 2
    --- stderr
    error: [env]/home/.config/todo-agent/config.toml:3:1: unknown field `timeoud`, expected one of `timeout`, `color`, `model`, `planner`, `budget`
    hint: did you mean timeout?
    ");
}

#[test]
fn a_configuration_that_is_named_but_missing() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "200");
    environment.set("TODO_AGENT_CONFIG", &environment.path("none.toml").display().to_string());
    assert_snapshot!(environment.run(["--sandbox", "list pods"]), @r"
    exit 2
    --- stderr
    error: TODO_AGENT_CONFIG names [env]/none.toml, which is missing
    ");
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
