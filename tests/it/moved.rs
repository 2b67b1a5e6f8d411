//! An object that somebody changes between preview and sending, while everything was approved in advance:
//! one approval never covers another state of the object, nor a harder action.

use std::process::{Child, Stdio};

use crate::support::{
    Output, Served, TestEnvironment,
    proxy::{Proxy, at_the_last_look},
    spawn,
};

/// Runs the program and stops it after its preview, before it looks at the object for the last time.
fn stopped_before_sending(environment: &TestEnvironment, served: &Served, arguments: &[&str]) -> (Child, Proxy) {
    let proxy = Proxy::before(&served.access, "todo", at_the_last_look());
    let kubeconfig = environment.write("proxy.yaml", proxy.kubeconfig()).display().to_string();
    let mut command =
        environment.command(["--kubeconfig", kubeconfig.as_str()].into_iter().chain(arguments.iter().copied()));
    let run = spawn(command.stdin(Stdio::null()));
    proxy.stopped();
    (run, proxy)
}

fn ended(environment: &TestEnvironment, run: Child) -> Output {
    environment.shown(&run.wait_with_output().unwrap())
}

#[test]
fn the_approval_of_the_old_state_is_not_used_for_the_new_one() {
    for yes in ["--yes", "--yes=high"] {
        let environment = TestEnvironment::new();
        let served = Served::at_speed(&environment, "todo", 20.0);
        let (run, proxy) = stopped_before_sending(&environment, &served, &["scale backend to 3", yes]);
        served.scale("backend", 5);
        // Until its status rests: each change of it between look and write is a 409 and another try.
        served.await_available("backend", 5);
        proxy.go_on();
        let output = ended(&environment, run).exits(0).says("was changed since the preview");
        // It was shown anew and approved anew, by the same flag.
        output.says("spec.replicas: 5 \u{2192} 3").enough();
        let approved = environment.journal_words().iter().filter(|word| *word == "approved").count();
        assert_eq!((approved, served.writes().len(), served.replicas("backend")), (2, 1, 3));
    }
}

#[test]
fn a_harder_action_needs_an_approval_of_its_own() {
    let environment = TestEnvironment::new();
    environment.policy("mode = \"auto\"\n[[auto]]\ntool = \"scale\"\nnamespace = \"todo\"\n");
    let served = Served::at_speed(&environment, "todo", 20.0);
    served.scale("backend", 4);
    // Two fewer of four is medium; two fewer of two is none at all, which is high.
    let call = ["call", "scale", r#"{"workload": "backend", "delta": -2}"#, "--yes"];
    let (run, proxy) = stopped_before_sending(&environment, &served, &call);
    served.scale("backend", 2);
    proxy.go_on();
    ended(&environment, run).exits(3).says("spec.replicas: 2 \u{2192} 0").enough();
    assert_eq!(served.replicas("backend"), 2);
    assert!(served.writes().is_empty());
}

#[test]
fn an_object_that_was_deleted_and_made_anew_is_another_one() {
    let environment = TestEnvironment::new();
    let served = Served::at_speed(&environment, "todo", 20.0);
    let (run, proxy) = stopped_before_sending(&environment, &served, &["scale backend to 3", "--yes"]);
    served.make_anew("backend");
    proxy.go_on();
    let output = ended(&environment, run);
    output.says("was deleted and made anew since the preview").enough();
    // Only what was shown anew may be sent.
    let approved = environment.journal_words().iter().filter(|word| *word == "approved").count();
    assert_eq!(approved, 2);
}
