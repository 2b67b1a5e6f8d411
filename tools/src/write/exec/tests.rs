//! Which container a command is for, and which commands are none.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fake::{FakeReader, FakeRun, crashing, pod, workload};

fn redis() -> Value {
    pod("todo", "redis-0", "redis", ("StatefulSet", "redis"))
}

fn turn(objects: Vec<Value>) -> FakeRun {
    FakeRun::new(FakeReader::new(objects))
}

#[tokio::test]
async fn a_command_is_proposed_word_by_word_and_cannot_be_undone() {
    let turn = turn(vec![workload("StatefulSet", "todo", "redis", 1), redis()]);
    let said = turn.proposed("exec", json!({"target": "pod/redis-0", "command": ["echo", "a b", "$(id)"]})).await;
    assert_snapshot!(said, @r#"
    run echo 'a b' '$(id)' in pod/redis-0
    kubectl exec redis-0 -n todo -c app -- echo 'a b' '$(id)'
    Fact("it can read and change whatever the container can, secrets included; what it prints is shown to you, and to a model where one asked")
    undo: impossible
    "#);
}

#[tokio::test]
async fn of_a_workload_a_running_pod_is_taken_and_named() {
    let broken = crashing(pod("todo", "api-1", "api", ("ReplicaSet", "api-x")));
    let turn = turn(vec![
        workload("Deployment", "todo", "api", 2),
        broken,
        pod("todo", "api-2", "api", ("ReplicaSet", "api-x")),
    ]);
    let said = turn.proposed("exec", json!({"target": "api", "command": ["ls"]})).await;
    assert!(said.starts_with("run ls in pod/api-2\n") && said.contains("pod/api-2 of deployment/api"), "{said}");
}

#[tokio::test]
async fn a_part_of_a_name_is_not_enough() {
    let turn = turn(vec![workload("StatefulSet", "todo", "my-redis", 1), redis()]);
    let said = turn.proposed("exec", json!({"target": "my", "command": ["ls"]})).await;
    assert_snapshot!(said, @r#"
    error: running a command needs an exact name, and "my" is not one
    hint: did you mean statefulset/my-redis?
    "#);
}

#[tokio::test]
async fn among_several_containers_none_is_guessed() {
    let mut both = redis();
    both["spec"]["containers"].as_array_mut().unwrap().push(json!({"name": "metrics", "image": "m:1"}));
    let turn = turn(vec![both]);
    let args = |container: Value| json!({"target": "pod/redis-0", "command": ["ls"], "container": container});
    assert_snapshot!(turn.proposed("exec", args(Value::Null)).await, @"
    error: pod/redis-0 has several containers: app, metrics
    hint: name one of them, for example container app
    ");
    assert!(turn.proposed("exec", args(json!("app"))).await.contains("-c app -- ls"));
    assert_snapshot!(turn.proposed("exec", args(json!("metrics"))).await, @"
    error: container metrics of pod/redis-0 does not run
    hint: look at what it said: logs pod/redis-0
    ");
}

#[tokio::test]
async fn what_does_not_run_cannot_be_entered() {
    let turn = turn(vec![workload("StatefulSet", "todo", "redis", 1), crashing(redis())]);
    assert_snapshot!(turn.proposed("exec", json!({"target": "pod/redis-0", "command": ["ls"]})).await, @"
    error: container app of pod/redis-0 does not run
    hint: look at what it said: logs pod/redis-0
    ");
}

#[tokio::test]
async fn a_command_is_a_program_with_its_arguments() {
    let turn = turn(vec![redis()]);
    let said = async |command: Value| turn.proposed("exec", json!({"target": "pod/redis-0", "command": command})).await;
    assert_snapshot!(said(json!([])).await, @r#"
    error: command is empty
    hint: name a program, for example: ["ls", "/data"]
    "#);
    assert_snapshot!(said(json!(["ls -l"])).await, @r#"
    error: "ls -l" is one word with spaces
    hint: give the program and each argument apart: ["ls", "/data"]
    "#);
    assert_snapshot!(said(json!(["/bin/sh"])).await, @r#"
    error: nobody can type into /bin/sh from here
    hint: give it something to run: ["/bin/sh", "-c", "ls /"]
    hint: for a shell to type into: kubectl exec -it
    "#);
    assert!(said(json!(["", "x"])).await.contains("begins with an empty word"));
    assert!(said(json!(["cat", "a\0b"])).await.contains("holds a NUL"));
    assert!(said(json!(["echo", "x".repeat(5000)])).await.contains("is 5004 bytes long"));
}
