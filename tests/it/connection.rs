//! No cluster, or one that does not behave: each time one sentence that says what, where and what to do.

use insta::assert_snapshot;

use crate::support::{
    Served, TestEnvironment,
    hostile::{HostileServer, answer, closed_port, expired_certificate, kubeconfig, status},
};

/// An environment with room for long paths on one line.
fn wide() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "300");
    environment
}

/// A kubeconfig with the contexts `minikube` and `staging`, none of them current.
const TWO_CONTEXTS: &str = "
apiVersion: v1
kind: Config
contexts:
- {name: minikube, context: {cluster: minikube, user: ana}}
- {name: staging, context: {cluster: staging, user: ana}}
users: [{name: ana, user: {token: not-a-secret}}]
clusters:
- {name: minikube, cluster: {server: 'https://127.0.0.1:1'}}
- {name: staging, cluster: {server: 'https://127.0.0.1:1'}}
";

#[test]
fn no_kubeconfig() {
    assert_snapshot!(wide().run(["list pods"]), @r#"
    exit 2
    --- stderr
    error: no kubeconfig found (looked at [env]/home/.kube/config)
    hint: start a cluster (minikube start), or name a file with --kubeconfig
    hint: or try it without a cluster: todo-agent --sandbox "list the pods"
    "#);
}

#[test]
fn a_kubeconfig_that_is_named_but_missing() {
    assert_snapshot!(wide().run(["--kubeconfig", "nowhere.yaml", "list pods"]), @r#"
    exit 2
    --- stderr
    error: no kubeconfig found (looked at nowhere.yaml)
    hint: start a cluster (minikube start), or name a file with --kubeconfig
    hint: or try it without a cluster: todo-agent --sandbox "list the pods"
    "#);
}

#[test]
fn no_current_context() {
    let environment = wide();
    environment.kubeconfig(TWO_CONTEXTS);
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 2
    --- stderr
    error: the kubeconfig names no current context
    hint: choose one with --context: minikube, staging
    ");
}

#[test]
fn an_unknown_context_gets_the_nearest_offered() {
    let environment = wide();
    environment.kubeconfig(TWO_CONTEXTS);
    assert_snapshot!(environment.run(["--context", "minicube", "list pods"]), @r#"
    exit 2
    --- stderr
    error: there is no context "minicube" in the kubeconfig
    hint: did you mean minikube?
    "#);
    assert_snapshot!(environment.run(["--context", "production", "list pods"]), @r#"
    exit 2
    --- stderr
    error: there is no context "production" in the kubeconfig
    hint: there are: minikube, staging
    "#);
}

#[test]
fn a_kubeconfig_that_is_not_yaml_is_named_with_the_line() {
    let environment = wide();
    environment.kubeconfig("apiVersion: v1\nkind: Config\nusers:\n- name: ana\n  user: {token: not-a-secret\n");
    assert_snapshot!(environment.run(["list pods"]).never_says("not-a-secret"), @r"
    exit 2
    --- stderr
    error: the kubeconfig [env]/home/.kube/config:5:9 is not valid: line 5 column 9: unclosed bracket '{'
    hint: kubectl config view shows what kubectl makes of it
    ");
}

#[test]
fn a_context_whose_cluster_is_missing() {
    let environment = wide();
    environment.kubeconfig(&TWO_CONTEXTS.replace("- {name: staging, cluster: {server: 'https://127.0.0.1:1'}}", ""));
    assert_snapshot!(environment.run(["--context", "staging", "list pods"]), @r"
    exit 2
    --- stderr
    error: the context staging cannot be used: failed to load the cluster of context: staging
    hint: check its cluster and user in the kubeconfig: kubectl config view --minify
    ");
}

/// A kubeconfig whose user logs in with a program.
fn with_login(program: &str) -> String {
    let server = HostileServer::answering(|_| status(401, "Unauthorized", "Unauthorized"));
    let login = format!(
        "{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {program}, interactiveMode: Never}}}}"
    );
    server.kubeconfig().replace("{token: not-a-secret}", &login)
}

#[test]
fn a_login_program_that_is_not_installed() {
    let environment = wide();
    environment.kubeconfig(&with_login("cloud-login"));
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 2
    --- stderr
    error: the login program cloud-login of this context is not installed
    hint: install it, or use another context; it is named under users[].user.exec in the kubeconfig
    ");
}

#[test]
fn a_login_program_that_fails() {
    let environment = wide();
    environment.program("cloud-login", "#!/bin/sh\necho 'no refresh token' >&2\nexit 3\n");
    environment.kubeconfig(&with_login("cloud-login"));
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 2
    --- stderr
    error: the login program cloud-login of this context failed
    hint: run it by hand to see why: cloud-login
    ");
}

#[test]
fn a_login_program_that_hangs_is_given_up() {
    let environment = wide();
    environment.program("cloud-login", "#!/bin/sh\nexec 2>&-\nsleep 8\n");
    environment.kubeconfig(&with_login("cloud-login"));
    assert_snapshot!(environment.run(["list pods", "--timeout", "1s"]), @r"
    exit 2
    --- stderr
    error: cloud-login gave no credentials within 1s
    hint: run it by hand; it may be waiting for a login in the browser
    ");
}

#[test]
fn an_expired_certificate() {
    let environment = wide();
    environment.kubeconfig(&expired_certificate());
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 2
    --- stderr
    error: a TLS certificate for https://127.0.0.1:[port] has expired
    hint: renew it, or fetch a new kubeconfig (Minikube: minikube update-context, then minikube start)
    ");
}

#[test]
fn nobody_listens() {
    let environment = wide();
    environment.kubeconfig(&kubeconfig(&format!("https://127.0.0.1:{}", closed_port()), ""));
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 1
    --- stderr
    error: https://127.0.0.1:[port] cannot be reached: connection refused
    hint: is the cluster running? Minikube: minikube status, minikube start
    ");
}

#[test]
fn somebody_listens_and_says_nothing() {
    let environment = wide();
    environment.kubeconfig(&HostileServer::silent().kubeconfig());
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 1
    --- stderr
    error: http://127.0.0.1:[port] did not answer within 4.5s
    hint: is the cluster running, and is it reachable from here (VPN, firewall)? Minikube: minikube status
    ");
}

#[test]
fn a_login_page_instead_of_the_api() {
    let environment = wide();
    let page = "<!DOCTYPE html><html><title>Sign in</title>\u{1b}[2J</html>";
    let server = HostileServer::answering(move |_| answer("200 OK", "text/html", page));
    environment.kubeconfig(&server.kubeconfig());
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 1
    --- stderr
    error: http://127.0.0.1:[port] answered 200 with something that is not the Kubernetes API: <!DOCTYPE html><html><title>Sign in</title>\u{1b}[2J</html>
    hint: check the server of this context; a proxy or login page may stand in between
    ");
}

#[test]
fn credentials_that_are_not_accepted() {
    let environment = wide();
    let server = HostileServer::answering(|_| status(401, "Unauthorized", "Unauthorized"));
    environment.kubeconfig(&server.kubeconfig());
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 1
    --- stderr
    error: http://127.0.0.1:[port] does not accept these credentials (Unauthorized)
    hint: the token or certificate may have expired; log in again or check the user of this context
    ");
}

#[test]
fn a_server_that_only_fails() {
    let environment = wide();
    let server = HostileServer::answering(|_| answer("500 Internal Server Error", "text/plain", "etcd is gone"));
    environment.kubeconfig(&server.kubeconfig());
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 1
    --- stderr
    error: http://127.0.0.1:[port] answered 500 without a reason: etcd is gone
    ");
}

#[test]
fn an_answer_that_stops_in_the_middle() {
    let environment = wide();
    let server = HostileServer::answering(|_| {
        answer("200 OK", "application/json", "{\"kind\": \"Namespace\", \"metadata\": {}}")
            .replace("etadata\": {}}", "")
    });
    environment.kubeconfig(&server.kubeconfig());
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 1
    --- stderr
    error: http://127.0.0.1:[port] cannot be reached: end of file before message length reached
    hint: try again; todo-agent doctor looks into the connection
    ");
}

#[test]
fn an_answer_that_is_half_a_json_document() {
    let environment = wide();
    let server = HostileServer::answering(|_| answer("200 OK", "application/json", "{\"kind\": \"Namesp"));
    environment.kubeconfig(&server.kubeconfig());
    assert_snapshot!(environment.run(["list pods"]), @r"
    exit 1
    --- stderr
    error: http://127.0.0.1:[port] cut its answer off in the middle
    ");
}

#[test]
fn nothing_is_written_to_a_server_that_cannot_be_understood() {
    let environment = wide();
    let server = HostileServer::answering(|_| answer("200 OK", "application/json", "{}"));
    environment.kubeconfig(&server.kubeconfig());
    for yes in ["--yes", "--yes=high"] {
        let output = environment.run(["scale backend to 3", yes]);
        assert_ne!(output.code, Some(0), "{output}");
        let writes = server.requests().into_iter().filter(|request| !request.starts_with("GET "));
        assert_eq!(writes.collect::<Vec<_>>(), [""; 0]);
    }
}

#[test]
fn the_doctor_says_what_is_missing_and_what_is_there() {
    let environment = wide();
    environment.run(["doctor"]).exits(1).says("FAIL server").says("no kubeconfig found").enough();
    let _served = Served::world(&environment, "todo");
    let output = environment.run(["doctor"]).exits(0);
    output.says("ok server").says("ok permissions").never_says("FAIL").enough();
    let viewer = environment.run(["doctor", "--context", "sandbox-viewer"]).exits(0);
    viewer.says("warn permissions").says("missing: patch deployments/scale (scaling)").enough();
}

#[test]
fn several_kubeconfigs_are_one_and_a_missing_one_is_passed_over() {
    let environment = wide();
    let _served = Served::world(&environment, "todo");
    let other = environment.write("other.yaml", TWO_CONTEXTS);
    let files = [std::path::PathBuf::from("missing.yaml"), other, environment.path("served.yaml")]
        .map(|path| path.display().to_string());
    environment.set("KUBECONFIG", &files.join(":"));
    environment.run(["list pods"]).exits(0).says("6 pods in namespace todo").enough();
    environment.run(["--context", "stagin", "list pods"]).exits(2).says("did you mean staging?").enough();
}
