//! A person at a terminal: what they are asked, what counts as an answer, and Ctrl-C at each stage.

use std::process::{Child, Stdio};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    Output, Served, TestEnvironment,
    proxy::{Proxy, Reaction, is_the_write},
    spawn,
    terminal::Terminal,
    world, world_file,
};

const QUESTION: &str = "(Enter = no) ";

/// Starts the program on the sandbox and waits for its question.
fn asked(environment: &TestEnvironment, sentence: &str) -> Terminal {
    let mut terminal = Terminal::start(environment, ["--sandbox", sentence]);
    terminal.see(QUESTION);
    terminal
}

#[test]
fn yes_applies_the_change() {
    let environment = TestEnvironment::new();
    let mut terminal = asked(&environment, "scale backend to 3");
    terminal.type_line("y");
    assert_snapshot!(terminal.end(), @r"
    exit 0
    --- stdout
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
    Asked because: risk low
    Apply? [y]es [n]o [e]dit [s]ession [q]uit (Enter = no) y
    ✓ ok: scale deployment/backend from 2 to 3 replicas
      3 of 3 replicas available
    undo: todo-agent undo c-change  (scale deployment/backend back to 2)
    Changes in this turn: scale deployment/backend from 2 to 3 replicas: done (c-change)
    this sandbox is discarded, and the way back with it; todo-agent sandbox serve keeps one
    ");
    assert_eq!(environment.journal()[0]["by"], "you");
}

#[test]
fn enter_alone_and_no_and_quit_and_the_end_of_input_are_no() {
    for (keys, code) in [("", 3), ("n", 3), ("no, not today", 3), ("q", 3)] {
        let environment = TestEnvironment::new();
        let mut terminal = asked(&environment, "scale backend to 3");
        terminal.type_line(keys);
        terminal.end().exits(code).says("Nothing was sent").enough();
        assert!(environment.journal().is_empty(), "{keys:?}");
    }
}

#[test]
fn what_is_not_an_answer_is_asked_again() {
    let environment = TestEnvironment::new();
    let mut terminal = asked(&environment, "scale backend to 3");
    for words in ["ja", "yes please", "ok"] {
        terminal.type_line(words);
        terminal.see(QUESTION);
    }
    terminal.paste("y\r");
    terminal.type_line("");
    terminal.see("pasted text is not an answer");
    terminal.see(QUESTION);
    terminal.type_line("n");
    terminal.end().exits(3).enough();
    assert!(environment.journal().is_empty());
}

#[test]
fn what_was_typed_before_the_question_is_not_an_answer() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    // The request for the preview waits until the keys were typed.
    let proxy = Proxy::before(&served.access, "todo", |request| {
        if request.contains("dryRun") { Reaction::PassWhenTold } else { Reaction::Pass }
    });
    let kubeconfig = environment.write("proxy.yaml", proxy.kubeconfig()).display().to_string();
    let mut terminal = Terminal::start(&environment, ["--kubeconfig", &kubeconfig, "scale backend to 3"]);
    proxy.stopped();
    terminal.type_line("y");
    terminal.type_line("yes");
    proxy.go_on();
    terminal.see(QUESTION);
    terminal.type_line("");
    terminal.end().exits(3).enough();
    assert_eq!(served.replicas("backend"), 2);
}

#[test]
fn some_steps_of_a_plan() {
    let environment = TestEnvironment::new();
    let mut terminal = asked(&environment, "scale backend to 3 and frontend to 1");
    terminal.type_line("only 2");
    terminal.end().says("1 of 1 replicas available").enough();
    let journal = environment.journal();
    assert_eq!(journal[0]["steps"].as_array().unwrap().len(), 1, "{journal:#?}");
    assert_eq!(journal[0]["steps"][0]["target"]["name"], "frontend");
}

#[test]
fn an_edited_step_is_shown_and_asked_anew() {
    let environment = TestEnvironment::new();
    let mut terminal = asked(&environment, "scale backend to 3");
    terminal.type_line("e");
    terminal.see("as JSON: ");
    terminal.type_line(r#"{"workload": "backend", "replicas": 4}"#);
    terminal.see("spec.replicas: 2 → 4");
    terminal.see(QUESTION);
    terminal.type_line("y");
    terminal.end().exits(0).says("4 of 4 replicas available").enough();
}

#[test]
fn a_protected_object_needs_its_name_typed() {
    let environment = TestEnvironment::new();
    let shop = world("shop");
    let arguments = [shop.as_str(), "-n", "kube-system", "scale coredns to 3", "--yes=high"];
    let mut terminal = Terminal::start(&environment, arguments);
    terminal.see("Type \"coredns\" to apply");
    terminal.see(QUESTION);
    terminal.type_line("yes");
    terminal.see("that is not the name");
    terminal.see(QUESTION);
    terminal.type_line("coredns");
    terminal.end().exits(0).says("3 of 3 replicas available").enough();
}

#[test]
fn an_object_that_changed_while_it_was_asked_is_asked_again() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let mut terminal = Terminal::start(&environment, ["scale backend to 3"]);
    terminal.see("spec.replicas: 2 → 3");
    terminal.see(QUESTION);
    served.scale("backend", 5);
    terminal.type_line("y");
    terminal.see("was changed since the preview");
    terminal.see("spec.replicas: 5 → 3");
    terminal.see(QUESTION);
    assert!(served.writes().is_empty());
    assert_eq!(served.replicas("backend"), 5);
    terminal.type_line("y");
    terminal.end().exits(0).says("3 of 3 replicas available").enough();
    assert_eq!(served.replicas("backend"), 3);
}

#[test]
fn an_object_whose_status_changed_is_not_asked_again() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let mut terminal = Terminal::start(&environment, ["scale backend to 3"]);
    terminal.see(QUESTION);
    let status = serde_json::json!({"status": {"readyReplicas": 1, "availableReplicas": 1, "unavailableReplicas": 1}});
    served.patch_at("/apis/apps/v1/namespaces/todo/deployments/backend/status", &status);
    terminal.type_line("y");
    terminal.end().exits(0).never_says("was changed since").enough();
    assert_eq!(served.replicas("backend"), 3);
}

#[test]
fn an_object_that_is_gone_is_not_made_again() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let mut terminal = Terminal::start(&environment, ["scale backend to 3"]);
    terminal.see(QUESTION);
    served.access.request("DELETE", "/apis/apps/v1/namespaces/todo/deployments/backend", None);
    terminal.type_line("y");
    terminal.end().exits(1).says("is gone").enough();
    assert!(served.writes().is_empty());
}

#[test]
fn ctrl_c_at_the_question_sends_nothing() {
    let environment = TestEnvironment::new();
    let mut terminal = asked(&environment, "scale backend to 3");
    terminal.press_ctrl_c();
    terminal.end().exits(130).says("Nothing was sent").enough();
    assert!(environment.journal().is_empty());
}

/// Sends SIGINT to the program, as Ctrl-C does while nothing is asked.
fn interrupt(run: &Child) {
    let id = i32::try_from(run.id()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(id, Signal::INT).unwrap();
}

fn started(environment: &TestEnvironment, arguments: &[&str]) -> Child {
    let mut command = environment.command(arguments.iter().copied());
    spawn(command.stdin(Stdio::null()))
}

fn ended(environment: &TestEnvironment, run: Child) -> Output {
    environment.shown(&run.wait_with_output().unwrap())
}

#[test]
fn ctrl_c_while_the_change_is_prepared_sends_nothing() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let proxy = Proxy::before(&served.access, "todo", |request| {
        if request.contains("/deployments/backend") { Reaction::Hold } else { Reaction::Pass }
    });
    let kubeconfig = environment.write("proxy.yaml", proxy.kubeconfig()).display().to_string();
    let run = started(&environment, &["--kubeconfig", &kubeconfig, "scale backend to 3", "--yes"]);
    proxy.stopped();
    interrupt(&run);
    assert_snapshot!(ended(&environment, run), @r"
    exit 130
    --- stderr
    error: interrupted; nothing was changed
    ");
    assert!(environment.journal().is_empty());
    assert!(served.writes().is_empty());
}

#[test]
fn ctrl_c_while_the_change_settles_says_how_far_it_came() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, &world_file("slow"));
    let run = started(&environment, &["scale backend to 3", "--yes"]);
    environment.wait_for_record("answered");
    interrupt(&run);
    let output = ended(&environment, run);
    assert_snapshot!(output.stdout_filtered(), @r"
    sent, but not verified: scale deployment/backend from 2 to 3 replicas
      interrupted; now: 2 of 3 replicas available
    undo: todo-agent undo c-change  (scale deployment/backend back to 2)
    Changes in this turn: scale deployment/backend from 2 to 3 replicas: sent, not verified (c-change)
    ");
    assert_eq!(output.code, Some(130));
    assert_eq!(environment.journal_words(), ["approved", "sending 1", "answered 1", "settled 1"]);
    assert_eq!(served.replicas("backend"), 3);
}

#[test]
fn ctrl_c_never_cuts_a_request_in_flight() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, &world_file("slow"));
    let proxy = Proxy::before(&served.access, "todo", |request| {
        if is_the_write(request) { Reaction::PassWhenTold } else { Reaction::Pass }
    });
    let kubeconfig = environment.write("proxy.yaml", proxy.kubeconfig()).display().to_string();
    let run = started(&environment, &["--kubeconfig", &kubeconfig, "scale backend to 3", "--yes"]);
    proxy.stopped();
    interrupt(&run);
    proxy.go_on();
    ended(&environment, run).exits(130).enough();
    assert_eq!(environment.journal_words(), ["approved", "sending 1", "answered 1", "settled 1"]);
    assert_eq!(served.replicas("backend"), 3);
}

#[test]
fn without_a_terminal_nothing_is_sent_to_a_kept_cluster() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    environment.run(["scale backend to 3"]).exits(3).says("spec.replicas: 2 → 3").enough();
    // Answers on standard input are data, not answers.
    environment.run_with_input(["scale backend to 3"], b"y\nyes\n").exits(3).enough();
    assert_eq!(served.replicas("backend"), 2);
    assert!(served.writes().is_empty());
}
