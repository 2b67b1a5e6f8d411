//! `todo-agent call`: tools by name with arguments as JSON, for scripts. What is not exactly right is refused,
//! and there is no argument by which a call could leave its cluster or its gate.

use insta::assert_snapshot;
use todo_agent_tools::TOOLS;

use crate::support::{Output, TestEnvironment};

/// Calls a tool on the sandbox with everything approved in advance; nothing may be done.
fn refused(tool: &str, arguments: &str) -> Output {
    let environment = TestEnvironment::new();
    environment.policy("mode = \"auto\"\n[[auto]]\ntool = \"scale\"\nnamespace = \"todo\"\n");
    let output = environment.run(["--sandbox", "--yes=high", "call", tool, arguments]);
    assert!(environment.journal().is_empty(), "{tool} {arguments}\n{output}");
    output
}

#[test]
fn a_call_runs_a_tool() {
    let environment = TestEnvironment::new();
    let call = ["call", "scale", r#"{"workload": "backend", "replicas": 3}"#];
    let output = environment.run(["--sandbox", "--yes"].into_iter().chain(call)).exits(0);
    output.says("3 of 3 replicas available").enough();
    environment.run(["--sandbox"].into_iter().chain(call)).exits(3).enough();
}

#[test]
fn arguments_that_are_not_json() {
    assert_snapshot!(refused("scale", r#"{"workload": "backend", "replicas": 3"#), @r"
    exit 2
    --- stderr
    error: the arguments of scale are not JSON: EOF while parsing an object at line 1 column 37
    hint: todo-agent tools scale shows the arguments and an example
    ");
    assert_snapshot!(refused("scale", r#"["backend", 3]"#), @r#"
    exit 2
    --- stderr
    error: the arguments of scale must be a JSON object such as {"name": "backend"}
    hint: todo-agent tools scale shows the arguments and an example
    "#);
}

#[test]
fn an_unknown_field_and_a_missing_one() {
    assert_snapshot!(refused("scale", r#"{"workload": "backend", "replica": 3}"#), @r#"
    exit 2
    --- stderr
    error: scale has no argument "replica"
    hint: did you mean replicas?
    hint: its arguments are workload, namespace, replicas, delta, percent
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
    assert_snapshot!(refused("scale", r#"{"replicas": 3}"#), @r#"
    exit 2
    --- stderr
    error: scale needs the argument "workload"
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
}

#[test]
fn an_unknown_tool_gets_the_nearest_offered() {
    assert_snapshot!(refused("scal", "{}"), @r#"
    exit 2
    --- stderr
    error: there is no tool "scal"
    hint: did you mean scale?
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
    assert_snapshot!(refused("kubectl", "{}"), @r#"
    exit 2
    --- stderr
    error: there is no tool "kubectl"
    hint: the tools are list, describe, logs, events, rollout, wait_for, diagnose, health, changes,
          explain, scale, rollout_control, set, autoscale, create, apply, patch, delete, node_control,
          import_env, exec, port_forward, undo
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
}

#[test]
fn counts_that_cannot_be() {
    for count in ["-1", "3.5", "1e9", "1000000000", "\"3\"", "null", "[3]", "99999999999999999999"] {
        let output = refused("scale", &format!(r#"{{"workload": "backend", "replicas": {count}}}"#));
        assert!(matches!(output.code, Some(1 | 2)), "{count}\n{output}");
    }
    let both = refused("scale", r#"{"workload": "backend", "replicas": 3, "delta": 1}"#);
    assert_snapshot!(both, @r"
    exit 2
    --- stderr
    error: scale takes only one of replicas, delta and percent
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
}

#[test]
fn no_argument_chooses_the_gate_the_cluster_or_a_file() {
    // Words that name a way around the preview, another place or identity, or a place to write to.
    let ways_out = [
        "dryrun",
        "dry_run",
        "force",
        "yes",
        "approve",
        "approved",
        "confirm",
        "unattended",
        "kubeconfig",
        "context",
        "server",
        "token",
        "proxy",
        "as",
        "as_group",
        "impersonate",
        "user",
        "plugin",
        "env",
        "environment",
        "command",
        "argv",
        "shell",
        "file",
        "path",
        "output",
        "out",
        "directory",
        "redirect",
        "url",
    ];
    for tool in TOOLS {
        let spec = tool.spec();
        let properties = spec.parameters["properties"].as_object().cloned().unwrap_or_default();
        for name in properties.keys() {
            let plain = name.to_ascii_lowercase();
            let is_meant = match plain.as_str() {
                // Of a container in the cluster, and of nothing on this machine.
                "env" | "command" => matches!(spec.name, "set" | "create" | "exec"),
                // Read only below the working directory.
                "file" => matches!(spec.name, "import_env" | "apply"),
                _ => false,
            };
            assert!(!ways_out.contains(&plain.as_str()) || is_meant, "{} has the argument {name}", spec.name);
        }
        assert_eq!(spec.parameters["additionalProperties"], false, "{} takes anything", spec.name);
    }
    for name in ["dry_run", "dryRun", "kubeconfig", "token", "as", "output"] {
        let arguments = format!(r#"{{"workload": "backend", "replicas": 3, "{name}": "x"}}"#);
        refused("scale", &arguments).exits(2).says(name).enough();
    }
}

#[test]
fn a_mask_is_never_written_back() {
    for mask in ["\u{2039}secret:1\u{203a}", "\u{2039}given:1\u{203a}"] {
        let arguments = serde_json::json!({"workload": mask, "replicas": 3}).to_string();
        let output = refused("scale", &arguments);
        assert!(matches!(output.code, Some(1 | 2)), "{output}");
    }
}

#[test]
fn names_with_more_than_a_name_are_refused() {
    for name in ["--all", "../../secrets", "backend/scale", "backend?dryRun=All", "backend\u{0}", "back\nend", " ", ""]
    {
        let arguments = serde_json::json!({"workload": name, "replicas": 3}).to_string();
        let output = refused("scale", &arguments);
        assert!(matches!(output.code, Some(1 | 2)), "{name:?}\n{output}");
    }
    for namespace in ["../kube-system", "todo/pods", "--all", "todo\u{202e}", "*"] {
        let arguments = serde_json::json!({"workload": "backend", "replicas": 3, "namespace": namespace}).to_string();
        let output = refused("scale", &arguments);
        assert!(matches!(output.code, Some(1 | 2)), "{namespace:?}\n{output}");
    }
}
