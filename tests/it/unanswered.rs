//! Requests whose answer never came: what is known is said, what is not known is looked at, and nothing is
//! ever sent twice.

use std::process::Stdio;

use insta::assert_snapshot;

use crate::support::{
    Served, TestEnvironment,
    proxy::{Proxy, Reaction, is_the_write},
    spawn,
};

/// A sandbox, and a proxy in front of it that does this to the first kind of requests.
fn behind_a_proxy(environment: &TestEnvironment, to: fn(&str) -> bool, reaction: Reaction) -> (Served, Proxy) {
    let served = Served::at_speed(environment, "todo", 20.0);
    let proxy =
        Proxy::before(&served.access, "todo", move |request| if to(request) { reaction } else { Reaction::Pass });
    let kubeconfig = environment.write("proxy.yaml", proxy.kubeconfig());
    environment.set("KUBECONFIG", &kubeconfig.display().to_string());
    (served, proxy)
}

#[test]
fn killed_between_sending_and_answer_the_next_start_reports_it_and_never_resends() {
    let environment = TestEnvironment::new();
    let (served, proxy) = behind_a_proxy(&environment, is_the_write, Reaction::HoldAnswer);
    let mut command = environment.command(["scale backend to 3", "--yes"]);
    let mut run = spawn(command.stdin(Stdio::null()));
    proxy.stopped();
    run.kill().unwrap();
    assert_eq!(environment.shown(&run.wait_with_output().unwrap()).code, None);
    assert_eq!(environment.journal_words(), ["approved", "sending 1"]);

    environment.set("COLUMNS", "200");
    served.await_available("backend", 3);
    let next = environment.run(["list deployments"]).exits(0);
    assert_snapshot!(next.filtered(&next.stderr), @r#"warning: c-change ([time]) got no answer to "scale deployment/backend from 2 to 3 replicas": deployment/backend asks for 3 replicas, 3 are available"#);
    assert_eq!(environment.journal_words(), ["approved", "sending 1", "examined 1"]);
    assert_eq!(served.writes().len(), 1);

    let after = environment.run(["list deployments"]).exits(0);
    after.never_says("got no answer").enough();
    // What was found to be there can be taken back.
    let kubeconfig = environment.path("served.yaml").display().to_string();
    environment.run(["--kubeconfig", &kubeconfig, "undo", "--yes"]).exits(0).enough();
    assert_eq!(served.replicas("backend"), 2);
}

#[test]
fn killed_before_the_request_arrived_the_next_start_finds_the_old_state() {
    let environment = TestEnvironment::new();
    let (served, proxy) = behind_a_proxy(&environment, is_the_write, Reaction::Hold);
    let mut command = environment.command(["scale backend to 3", "--yes"]);
    let mut run = spawn(command.stdin(Stdio::null()));
    proxy.stopped();
    // The request is on its way and has not arrived: the journal came first.
    assert_eq!(environment.journal_words(), ["approved", "sending 1"]);
    run.kill().unwrap();
    assert_eq!(environment.shown(&run.wait_with_output().unwrap()).code, None);
    let next = environment.run(["list deployments"]).exits(0);
    next.says("asks for 2 replicas, 2 are available").enough();
    assert!(served.writes().is_empty());
    assert_eq!(served.replicas("backend"), 2);
}

#[test]
fn an_answer_that_is_lost_on_the_way_is_looked_for_in_the_cluster() {
    let environment = TestEnvironment::new();
    let (served, _proxy) = behind_a_proxy(&environment, is_the_write, Reaction::CutAnswer);
    let output = environment.run(["scale backend to 3", "--yes"]);
    assert_snapshot!(output.stdout_filtered(), @r"
    ✓ ok: scale deployment/backend from 2 to 3 replicas
      3 of 3 replicas available
    undo: todo-agent undo c-change  (scale deployment/backend back to 2)
    Changes in this turn: scale deployment/backend from 2 to 3 replicas: done (c-change)
    ");
    assert_eq!(served.writes().len(), 1);
    assert_eq!(environment.journal_words(), ["approved", "sending 1", "examined 1", "settled 1"]);
}

#[test]
fn a_preview_whose_answer_is_lost_changes_nothing() {
    let environment = TestEnvironment::new();
    let is_dry_run = |request: &str| request.contains("dryRun");
    let (served, _proxy) = behind_a_proxy(&environment, is_dry_run, Reaction::CutAnswer);
    let output = environment.run(["scale backend to 3", "--yes=high"]);
    assert_ne!(output.code, Some(0), "{output}");
    assert!(served.writes().is_empty());
    assert!(environment.journal().is_empty());
}
