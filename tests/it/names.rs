//! Names that do not exist, mean several things, or only look like the right one.

use insta::assert_snapshot;

use crate::support::{TestEnvironment, world};

#[test]
fn an_unknown_workload_gets_the_nearest_offered() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "scale bakend to 3", "--yes=high"]), @r#"
    exit 1
    --- stderr
    error: there is no deployment or statefulset "bakend" in namespace todo
    hint: did you mean deployment/backend?
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
    assert_snapshot!(environment.run(["--sandbox", "scale database to 3", "--yes=high"]), @r#"
    exit 1
    --- stderr
    error: there is no deployment or statefulset "database" in namespace todo
    hint: there is deployment/backend, deployment/frontend, deployment/mcp-server, statefulset/redis
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
}

#[test]
fn a_name_of_two_kinds_must_be_said_in_full() {
    let environment = TestEnvironment::new();
    let shop = world("shop");
    assert_snapshot!(environment.run([&shop, "scale api to 3", "--yes=high"]), @r#"
    exit 1
    --- stderr
    error: "api" means several things in namespace shop: deployment/api, statefulset/api
    hint: name one of them, for example deployment/api
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
    assert!(environment.journal().is_empty());
    environment.run([&shop, "scale statefulset api to 2", "--yes"]).exits(0).says("statefulset/api").enough();
}

#[test]
fn a_missing_namespace() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "-n", "tood", "list pods"]), @r#"
    exit 1
    --- stderr
    error: namespace "tood" does not exist
    hint: did you mean todo?
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
    assert_snapshot!(environment.run(["--sandbox", "-n", "tood", "scale backend to 3", "--yes"]), @r#"
    exit 1
    --- stderr
    error: namespace "tood" does not exist
    hint: did you mean todo?
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
    assert_snapshot!(environment.run(["--sandbox", "list pods in namespace tood"]), @r#"
    exit 1
    --- stderr
    error: namespace "tood" does not exist
    hint: did you mean todo?
    this sandbox is discarded; todo-agent sandbox serve keeps one
    "#);
}

#[test]
fn a_name_that_only_looks_right() {
    let environment = TestEnvironment::new();
    for name in
        ["b\u{430}ckend", "backend\u{200b}", "\u{202e}backend", "BACKEND\u{7f}", "backend/../frontend", "-backend"]
    {
        let call = serde_json::json!({"workload": name, "replicas": 3}).to_string();
        let output = environment.run(["--sandbox", "--yes=high", "call", "scale", &call]);
        assert!(matches!(output.code, Some(1 | 2)), "{name:?}\n{output}");
        assert!(!output.stderr.contains(['\u{200b}', '\u{202e}', '\u{7f}']), "{name:?}\n{output}");
    }
    assert!(environment.journal().is_empty());
}

#[test]
fn a_name_for_zero_replicas_must_be_exact() {
    let environment = TestEnvironment::new();
    for sentence in ["scale back to 0", "scale backen to 0", "scale front to 0"] {
        let output = environment.run(["--sandbox", sentence, "--yes=high"]);
        assert!(matches!(output.code, Some(1 | 2)), "{sentence:?}\n{output}");
    }
    assert!(environment.journal().is_empty());
}

#[test]
fn an_unknown_world_gets_the_nearest_offered() {
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox=todoo", "list pods"]), @r#"
    exit 2
    --- stderr
    error: there is no world "todoo"
    hint: did you mean todo?
    "#);
}

#[test]
fn a_world_that_is_not_right_is_named_with_the_line() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "300");
    let path = environment.write("world.yaml", "namespace: shop\nnodes:\n- {name: one, cpus: 4}\n");
    let flag = format!("--sandbox={}", path.display());
    assert_snapshot!(environment.run([flag.as_str(), "list pods"]), @r"
    exit 2
    --- stderr
    error: the world [env]/world.yaml is not right: error: line 3 column 15: unknown field `cpus`, expected one of name, cpu, memory, pods, labels, taints, unschedulable, images
            --> <input>:3:15
             |
           1 | namespace: shop
           2 | nodes:
           3 | - {name: one, cpus: 4}
             |               ^ unknown field `cpus`, expected one of name, cpu, memory, pods, labels, taints, unschedulable, images
    ");
}
