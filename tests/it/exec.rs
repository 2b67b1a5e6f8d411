//! A command in a container: asked about every time, run once, shown with what is secret masked.

use insta::assert_snapshot;

use crate::support::{Served, TestEnvironment, terminal::Terminal, world};

const PING: &str = r#"{"target": "redis", "command": ["redis-cli", "ping"]}"#;
const QUESTION: &str = "(Enter = no) ";

#[test]
fn a_person_sees_the_command_before_and_its_output_after() {
    let environment = TestEnvironment::new();
    let mut terminal = Terminal::start(&environment, ["--sandbox", "run redis-cli ping in redis"]);
    terminal.see(QUESTION);
    terminal.type_line("y");
    assert_snapshot!(terminal.end(), @r#"
    exit 0
    --- stdout
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. run redis-cli ping in pod/redis-0
       action     exec Pod redis-0 in namespace todo (v1)
       container  redis
       command    ["redis-cli","ping"]
       risk       high
       proof      not confirmed by the server: this cannot be tried before it is done
       note       pod/redis-0 of statefulset/redis
       note       it can read and change whatever the container can, secrets included; what it prints is
                  shown to you, and to a model where one asked

    undo       not possible: this change cannot be taken back
    same as    kubectl exec redis-0 -n todo -c redis -- redis-cli ping
    Asked because: a command in a container is always asked about
    Apply? [y]es [n]o [e]dit [q]uit (Enter = no) y
    ✓ ok: run redis-cli ping in pod/redis-0
      exit status 0
      | PONG
    undo: not possible for this change
    Changes in this turn: run redis-cli ping in pod/redis-0: done (c-change)
    this sandbox is discarded, and the way back with it; todo-agent sandbox serve keeps one
    "#);
    assert_eq!(environment.journal()[0]["steps"][0]["verb"], "exec");
    assert_eq!(environment.journal_words(), ["approved", "sending 1", "answered 1", "settled 1"]);
}

#[test]
fn no_answer_given_beforehand_covers_a_command() {
    let environment = TestEnvironment::new();
    environment.policy("mode = \"auto\"\n[[auto]]\ntool = \"exec\"\nnamespace = \"todo\"\n");
    for yes in ["--yes", "--yes=high"] {
        let output = environment.run(["--sandbox", yes, "call", "exec", PING]).exits(3);
        output.says("a command in a container is always asked about").enough();
    }
    assert!(environment.journal().is_empty());
    // Only a throw-away cluster has no questions.
    environment.run(["--sandbox", "--unattended", "call", "exec", PING]).exits(0).says("| PONG").enough();
}

#[test]
fn how_it_ended_is_what_counts() {
    let environment = TestEnvironment::new();
    let sandbox = world("commands");
    let run = |command: &str| {
        let args = format!(r#"{{"target": "app", "command": {command}}}"#);
        environment.run([&sandbox, "--unattended", "call", "exec", &args])
    };
    assert_snapshot!(run(r#"["ls", "/missing"]"#).exits(1).stdout_filtered(), @r"
    ✗ it ran, and failed: run ls /missing in pod/app-[pod]
      exit status 2
      ! ls: /missing: No such file or directory
    undo: not possible for this change
    Changes in this turn: run ls /missing in pod/app-[pod]: failed (c-change)
    ");
    assert_snapshot!(run(r#"["psql"]"#).exits(1).stdout_filtered(), @r#"
    ✗ failed: run psql in pod/app-[pod]
      the container has no such program (exec: "psql": executable file not found in $PATH)
    Nothing was changed.
    "#);
    assert_snapshot!(run(r#"["true"]"#).exits(0).stdout_filtered(), @r"
    ✓ ok: run true in pod/app-[pod]
      exit status 0
      it printed nothing
    undo: not possible for this change
    Changes in this turn: run true in pod/app-[pod]: done (c-change)
    ");
}

#[test]
fn what_it_prints_is_masked_and_cannot_pass_for_the_programs_own_words() {
    let environment = TestEnvironment::new();
    let args = r#"{"target": "app", "command": ["env"]}"#;
    let output = environment.run([&world("commands"), "--unattended", "call", "exec", args]).exits(0);
    assert_snapshot!(output.stdout_filtered(), @r"
    ✓ ok: run env in pod/app-[pod]
      exit status 0
      | PATH=/bin
      | DB_PASSWORD=‹secret:1›
      | ✓ ok: everything is fine
      | \u{1b}[2Jcleared
    undo: not possible for this change
    Changes in this turn: run env in pod/app-[pod]: done (c-change)
    ");
    for kept in [environment.sessions(), environment.journal().iter().map(ToString::to_string).collect()] {
        assert!(!kept.contains("hunter2hunter2"), "{kept}");
    }
    let json = environment.run([&world("commands"), "--unattended", "--json", "call", "exec", args]).exits(0);
    assert!(!json.stdout.contains("hunter2hunter2"));
    json.says(r#""printed""#).enough();
}

#[test]
fn who_may_not_is_told_before_being_asked() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    let output = environment.run(["--context", "sandbox-viewer", "--unattended", "call", "exec", PING]).exits(1);
    output.says("missing permission: create on pods/exec in namespace todo").enough();
    assert!(environment.journal().is_empty() && served.writes().is_empty());
}

#[test]
fn a_change_that_cannot_be_undone_says_so() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    environment.run(["--unattended", "call", "exec", PING]).exits(0).enough();
    environment.run(["undo", "--yes"]).exits(1).says("cannot be undone").enough();
    drop(served);
}
