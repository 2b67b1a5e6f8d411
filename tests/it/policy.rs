//! What may be done without asking, what is asked, what is forbidden: flags, modes and policy files.

use insta::assert_snapshot;

use crate::support::{TestEnvironment, world};

/// Runs on the sandbox and returns the exit code, and whether anything was done.
fn ends<'a>(environment: &TestEnvironment, arguments: impl IntoIterator<Item = &'a str>) -> (i32, bool) {
    let before = environment.journal().len();
    let output = environment.run(arguments);
    (output.code.unwrap(), environment.journal().len() > before)
}

const NOT_DONE: bool = false;
const DONE: bool = true;

#[test]
fn a_dry_run_shows_and_does_nothing() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "scale backend to 3", "--dry-run", "--yes"]), @r"
    exit 0
    --- stderr
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
    dry run. Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert!(environment.journal().is_empty());
}

#[test]
fn a_read_only_run_forbids_every_change() {
    let environment = TestEnvironment::new();
    let output = environment.run(["--sandbox", "scale backend to 3", "--read-only", "--yes=high"]);
    assert_snapshot!(output, @r"
    exit 4
    --- stderr
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
    forbidden by policy: this run is read-only. Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert!(environment.journal().is_empty());
    assert_eq!(ends(&environment, ["--sandbox", "list pods", "--read-only"]), (0, NOT_DONE));
}

#[test]
fn yes_goes_up_to_medium_and_yes_high_further() {
    let environment = TestEnvironment::new();
    let risks = [("scale backend to 3", "low"), ("scale backend to 1", "medium"), ("scale backend to 0", "high")];
    let table = risks.map(|(sentence, risk)| {
        let plain = ends(&environment, ["--sandbox", sentence]);
        let yes = ends(&environment, ["--sandbox", sentence, "--yes"]);
        let high = ends(&environment, ["--sandbox", sentence, "--yes=high"]);
        (risk, plain, yes, high)
    });
    assert_eq!(
        table,
        [
            ("low", (3, NOT_DONE), (0, DONE), (0, DONE)),
            ("medium", (3, NOT_DONE), (0, DONE), (0, DONE)),
            ("high", (3, NOT_DONE), (3, NOT_DONE), (0, DONE)),
        ]
    );
}

#[test]
fn what_a_policy_forbids_no_flag_allows() {
    let environment = TestEnvironment::new();
    environment.policy("[[rules]]\ntool = \"scale\"\nnamespace = \"todo\"\nverdict = \"forbid\"\n");
    assert_snapshot!(environment.run(["--sandbox", "scale backend to 3", "--yes=high"]), @r"
    exit 4
    --- stderr
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
    forbidden by policy: a policy file forbids scale on deployment/backend. Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert_eq!(ends(&environment, ["--sandbox", "restart backend", "--yes"]), (0, DONE));
}

#[test]
fn what_a_policy_asks_about_no_flag_answers() {
    let environment = TestEnvironment::new();
    environment.policy("[[rules]]\nkind = \"deployment\"\nverdict = \"ask\"\n");
    assert_snapshot!(environment.run(["--sandbox", "scale backend to 3", "--yes=high"]), @r"
    exit 3
    --- stderr
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
    approval needed: a policy file asks for it, and there is no terminal to ask on. Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert!(environment.journal().is_empty());
}

#[test]
fn mode_auto_does_what_is_listed_and_asks_for_the_rest() {
    let environment = TestEnvironment::new();
    environment.policy("mode = \"auto\"\n[[auto]]\ntool = \"scale\"\nnamespace = \"todo\"\n");
    let table = ["scale backend to 3", "scale backend to 1", "scale backend to 0", "restart backend"]
        .map(|sentence| (sentence, ends(&environment, ["--sandbox", sentence])));
    assert_eq!(
        table,
        [
            ("scale backend to 3", (0, DONE)),
            ("scale backend to 1", (0, DONE)),
            ("scale backend to 0", (3, NOT_DONE)),
            ("restart backend", (3, NOT_DONE)),
        ]
    );
}

#[test]
fn mode_suggest_shows_the_command_and_does_nothing() {
    let environment = TestEnvironment::new();
    environment.policy("mode = \"suggest\"\n");
    assert_snapshot!(environment.run(["--sandbox", "scale backend to 3", "--yes=high"]), @r"
    exit 0
    --- stderr
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
    only suggested: mode suggest shows commands and changes nothing. Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert!(environment.journal().is_empty());
}

#[test]
fn a_protected_namespace_asks_for_the_name_whatever_was_approved() {
    let environment = TestEnvironment::new();
    let shop = world("shop");
    let arguments = [shop.as_str(), "-n", "kube-system", "scale coredns to 3", "--yes=high"];
    assert_snapshot!(environment.run(arguments), @r"
    exit 3
    --- stderr
    Change c-change
      context    sandbox (sandbox world [worlds]/shop.yaml)
      namespace  kube-system

    1. scale deployment/coredns from 2 to 3 replicas
       action     scale Deployment coredns in namespace kube-system (apps/v1)
       change     spec.replicas: 2 → 3
       risk       low
       proof      checked by the server (dry run)
       protected  kube-system belongs to the cluster itself

    undo       scale deployment/coredns back to 2
    same as    kubectl scale deployment/coredns --replicas=3 -n kube-system
    approval needed: kube-system belongs to the cluster itself, and there is no terminal to ask on.
    Nothing was sent.
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    environment.policy("mode = \"auto\"\n[[auto]]\ntool = \"scale\"\nnamespace = \"kube-system\"\n");
    assert_eq!(ends(&environment, arguments), (3, NOT_DONE));
}

#[test]
fn a_project_may_forbid_and_may_not_allow() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "200");
    environment.write("work/.todo-agent/policy.toml", "mode = \"read-only\"\n");
    assert_eq!(ends(&environment, ["--sandbox", "scale backend to 3", "--yes=high"]), (4, NOT_DONE));
    environment.write("work/.todo-agent/policy.toml", "[[auto]]\ntool = \"scale\"\nnamespace = \"todo\"\n");
    assert_snapshot!(environment.run(["--sandbox", "scale backend to 3", "--yes=high"]), @r"
    exit 2
    --- stderr
    error: [env]/work/.todo-agent/policy.toml: a project may only tighten, not list auto
    hint: move [[auto]] to your own policy.toml
    ");
    environment.write("work/.todo-agent/policy.toml", "mode = \"auto\"\n");
    assert_eq!(ends(&environment, ["--sandbox", "scale backend to 3"]), (3, NOT_DONE));
}

#[test]
fn a_policy_that_cannot_be_understood_stops_everything() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "200");
    for (policy, says) in [
        ("[[rules]]\ntol = \"scale\"\nverdict = \"forbid\"\n", "tool"),
        ("[[rules]]\ntool = \"scal\"\nverdict = \"forbid\"\n", "scale"),
        ("[[rules]]\ntool = \"scale\"\nverdict = \"forbidden\"\n", "forbid"),
        ("mode = \"yolo\"\n", "confirm"),
        ("mode = \n", "policy.toml:1:"),
    ] {
        environment.policy(policy);
        let output = environment.run(["--sandbox", "scale backend to 3", "--yes=high"]);
        output.exits(2).says("policy.toml").says(says).enough();
    }
    assert!(environment.journal().is_empty());
    environment.policy("[[rules]]\ntol = \"scale\"\nverdict = \"forbid\"\n");
    assert_snapshot!(environment.run(["--sandbox", "list pods"]), @r"
    exit 2
    --- stderr
    error: [env]/home/.config/todo-agent/policy.toml:2:1: unknown field `tol`, expected one of `tool`, `kind`, `namespace`, `verdict`
    hint: did you mean tool?
    ");
}
