//! A port of this machine that leads into a pod: for as long as the program runs, and for this machine alone.

use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
    time::Duration,
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{
    Output, Served, TestEnvironment,
    forwarded::{LEADS_TO, address_in, address_of},
    spawn,
    terminal::Terminal,
};

const PROMPT: &str = "sandbox/todo \u{276f} ";

/// How long a page may take; it takes that long only where it never comes.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks a web server for its page.
fn page(address: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.write_all(b"GET / HTTP/1.1\r\nHost: todo\r\n\r\n").unwrap();
    let mut answer = [0; 512];
    let length = socket.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

fn interrupted(mut child: Child, environment: &TestEnvironment) -> Output {
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let _ = child.stdin.take();
    environment.shown(&child.wait_with_output().unwrap())
}

#[test]
fn a_page_comes_through_until_ctrl_c() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    let call = r#"{"target": "frontend", "local": 0}"#;
    let mut child = spawn(environment.command(["--yes", "call", "port_forward", call]).stdin(Stdio::null()));
    let address = address_of(&mut child);
    for _ in 0..2 {
        assert!(page(&address).ends_with("Todo chatbot\n"));
    }
    interrupted(child, &environment).exits(0).says("stays open until Ctrl-C").enough();
    assert!(TcpStream::connect(&address).is_err(), "closed with the program");
    drop(served);
}

#[test]
fn at_the_prompt_it_lasts_as_long_as_the_conversation() {
    let environment = TestEnvironment::new();
    let mut terminal = Terminal::start(&environment, ["--sandbox", "--yes"]);
    terminal.see(PROMPT);
    terminal.type_line("forward the frontend to 0");
    terminal.see("✓ ok");
    let address = address_in(&terminal.see(LEADS_TO));
    terminal.see(PROMPT);
    assert!(page(&address).ends_with("Todo chatbot\n"));
    terminal.type_line("list pods");
    terminal.see(PROMPT);
    assert!(page(&address).ends_with("Todo chatbot\n"));
    terminal.type_line("/quit");
    terminal.end().exits(0).enough();
    assert!(TcpStream::connect(&address).is_err(), "closed with the conversation");
}

#[test]
fn a_port_nobody_listens_on_and_one_that_is_taken() {
    let environment = TestEnvironment::new();
    let forward = |args: &str| environment.run(["--sandbox", "--yes", "call", "port_forward", args]);
    let silent = forward(r#"{"target": "frontend", "port": 1234, "local": 0}"#).exits(1);
    assert_snapshot!(silent.stdout_filtered(), @r"
    ✗ failed: forward a free port to port 1234 of pod/frontend-[pod]
      nobody listens on that port in the pod (connection refused)
    Nothing was changed.
    ");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = forward(&format!(r#"{{"target": "frontend", "local": {port}}}"#)).exits(1);
    refused.says(&format!("port {port} of this machine is taken; name another, or 0 for a free one")).enough();
    assert!(environment.requests().iter().filter(|it| crate::support::evidence::is_session(it)).count() == 1);
}

#[test]
fn a_preview_says_who_can_use_it_and_how_long() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "--dry-run", "forward the frontend to 8080"]), @r"
    exit 0
    --- stderr
    Change c-change
      context    sandbox (sandbox world todo)
      namespace  todo

    1. forward 127.0.0.1:[port] to port 3000 of pod/frontend-[pod]
       action     forward Pod frontend-[pod] in namespace todo (v1)
       listen     127.0.0.1:[port]
       port       3000
       risk       low
       proof      not confirmed by the server: this cannot be tried before it is done
       note       pod/frontend-[pod] of deployment/frontend
       note       whoever uses this machine can connect; it ends with this session, or with the pod

    undo       it ends with this session
    same as    kubectl port-forward pod/frontend-[pod] -n todo 8080:3000
    dry run. Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
}

#[test]
fn an_undo_passes_over_what_ended_by_itself() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    environment.run(["--yes", "scale backend to 3"]).exits(0).enough();
    let lines = "forward frontend to 0\n";
    environment.run_with_input(["--yes"], lines.as_bytes()).exits(0).says("until this session ends").enough();
    environment.run(["undo", "--yes"]).exits(0).says("scale deployment/backend from 3 to 2").enough();
    drop(served);
}
