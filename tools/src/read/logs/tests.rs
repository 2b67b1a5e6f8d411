//! Logs as a person and a model see them.

use insta::assert_snapshot;
use serde_json::{Value, json};
use todo_agent_core::{Event, output::MODEL_BYTES};

use crate::fake::{FakeReader, FakeRun, crashing, pod, workload};

fn two_pods() -> Vec<Value> {
    vec![
        workload("Deployment", "todo", "backend", 2),
        pod("todo", "backend-1", "backend", ("ReplicaSet", "backend-hash")),
        crashing(pod("todo", "backend-2", "backend", ("ReplicaSet", "backend-hash"))),
    ]
}

fn reader() -> FakeReader {
    FakeReader::new(two_pods())
        .log("backend-1/app", "2026-03-01T11:59:01Z GET /health 200 in 3ms\n2026-03-01T11:59:06Z GET /health 200 in 4ms\n2026-03-01T11:59:11Z GET /health 200 in 2ms\n")
        .log("backend-2/app", "2026-03-01T11:59:02Z connecting to redis\n2026-03-01T11:59:03Z FATAL: no answer from redis\n")
        .log("backend-2/app previous", "2026-03-01T11:58:00Z connecting to redis\n")
}

#[tokio::test]
async fn replicas_and_runs_are_merged_by_time() {
    let turn = FakeRun::new(reader());
    assert_snapshot!(turn.person("logs", json!({"target": "backend"})).await, @r#"
    6 lines from 2 pods of deployment/backend in namespace todo, 4 shown after folding similar ones

    first fatal line: FATAL: no answer from redis

    11:58:00 backend-2/app (previous) | connecting to redis
    11:59:01 backend-1/app | GET /health 200 in 3ms  (×3, last 11:59:11)
    11:59:02 backend-2/app | connecting to redis
    >> 11:59:03 backend-2/app | FATAL: no answer from redis
    "#);
}

#[tokio::test]
async fn a_pods_word_may_name_its_workload() {
    let turn = FakeRun::new(reader());
    assert_snapshot!(turn.person("logs", json!({"target": "pod/backend-1"})).await, @r#"
    3 lines from pod/backend-1 in namespace todo, 1 shown after folding similar ones

    11:59:01 GET /health 200 in 3ms  (×3, last 11:59:11)
    "#);
    let all = turn.person("logs", json!({"target": "pod/backend"})).await;
    assert!(all.contains("from 2 pods of deployment/backend"), "{all}");
    let selected = turn.person("logs", json!({"target": "app=backend"})).await;
    assert!(selected.contains("from 2 pods with app=backend"), "{selected}");
}

#[tokio::test]
async fn lines_are_chosen_by_a_regular_expression() {
    let turn = FakeRun::new(reader());
    assert_snapshot!(turn.person("logs", json!({"target": "backend", "grep": "(?i)redis$"})).await, @r#"
    3 lines from 2 pods of deployment/backend in namespace todo

    first fatal line: FATAL: no answer from redis

    11:58:00 backend-2/app (previous) | connecting to redis
    11:59:02 backend-2/app | connecting to redis
    >> 11:59:03 backend-2/app | FATAL: no answer from redis

    3 of 6 lines match (?i)redis$
    "#);
    assert_snapshot!(turn.person("logs", json!({"target": "backend", "grep": "kafka"})).await, @r#"
    no lines that match kafka from 2 pods of deployment/backend in namespace todo

    0 of 6 lines match kafka
    "#);
    assert_snapshot!(turn.person("logs", json!({"target": "backend", "grep": "a(b"})).await, @r#"
    error: grep is no regular expression: regex parse error:
        a(b
         ^
    error: unclosed group
    hint: put a backslash before ( ) [ ] { } . * + ? to mean them literally
    "#);
}

#[tokio::test]
async fn an_earlier_run_alone_can_be_asked_for() {
    let turn = FakeRun::new(reader());
    assert_snapshot!(turn.person("logs", json!({"target": "backend", "previous": true})).await, @r#"
    1 line from 2 pods of deployment/backend in namespace todo

    11:58:00 connecting to redis
    "#);
    assert_snapshot!(turn.person("logs", json!({"target": "pod/backend-1", "previous": true})).await, @r#"
    no lines from pod/backend-1 in namespace todo

    no container was restarted, so there is no earlier run
    "#);
}

#[tokio::test]
async fn a_container_that_has_not_started_is_explained() {
    let mut creating = pod("todo", "backend-1", "backend", ("ReplicaSet", "backend-hash"));
    creating["status"]["containerStatuses"][0]["state"] = json!({"waiting": {"reason": "ContainerCreating"}});
    let turn = FakeRun::new(FakeReader::new(vec![creating]));
    assert_snapshot!(turn.person("logs", json!({"target": "backend-1"})).await, @r#"
    no lines from pod/backend-1 in namespace todo

    backend-1/app has no log yet: ContainerCreating
    "#);
    assert!(!turn.reader.requests().iter().any(|request| request.starts_with("logs")));
    let none = FakeRun::new(FakeReader::new(vec![workload("Deployment", "todo", "backend", 0)]));
    assert_snapshot!(none.person("logs", json!({"target": "backend"})).await, @"there are no pods, so there is no log: 0 pods of deployment/backend in namespace todo");
}

#[tokio::test]
async fn a_huge_log_is_bounded_and_a_binary_one_escaped() {
    let lines: Vec<String> = (0..50_000).map(|n| format!("2026-03-01T11:59:01Z {} item", "x".repeat(n % 50))).collect();
    let huge = lines.join(
        "
",
    );
    let one = || vec![pod("todo", "backend-1", "backend", ("ReplicaSet", "backend-hash"))];
    let turn = FakeRun::new(FakeReader::new(one()).log("backend-1/app", huge));
    let output = turn.read("logs", json!({"target": "backend-1"})).await.unwrap();
    assert!(output.for_person(80).contains("the last 200 lines; older ones are left out"));
    assert!(output.for_model(MODEL_BYTES).len() <= MODEL_BYTES);
    let turn = FakeRun::new(FakeReader::new(one()).log("backend-1/app", b"2026-03-01T11:59:01Z \x1b[2J\xff\xfe\x00\n"));
    assert_snapshot!(turn.person("logs", json!({"target": "backend-1"})).await, @r#"
    1 line from pod/backend-1 in namespace todo

    11:59:01 \u{1b}[2J\xff\xfe\u{0}

    backend-1/app: 3 bytes that are no text are shown as escapes
    "#);
}

#[tokio::test]
async fn a_secret_in_a_log_is_masked() {
    let one = vec![pod("todo", "backend-1", "backend", ("ReplicaSet", "backend-hash"))];
    let log = "2026-03-01T11:59:01Z connecting to postgres://todo:hunter22@db/todo\n";
    let turn = FakeRun::new(FakeReader::new(one).log("backend-1/app", log));
    let output = turn.read("logs", json!({"target": "backend-1"})).await.unwrap();
    assert!(!output.for_person(80).contains("hunter22") && !output.for_json().to_string().contains("hunter22"));
}

#[tokio::test]
async fn a_followed_log_comes_as_events_until_the_time_is_up() {
    let one = vec![pod("todo", "backend-1", "backend", ("ReplicaSet", "backend-hash"))];
    let log = "2026-03-01T11:59:01Z hello\n2026-03-01T11:59:02Z password=hunter22\n";
    let mut turn = FakeRun::new(FakeReader::new(one).log("backend-1/app", log));
    turn.run.deadline = Some("2026-03-01T12:00:03Z".parse().unwrap());
    assert_snapshot!(turn.person("logs", json!({"target": "backend-1", "follow": true})).await, @"followed pod/backend-1: 2 lines");
    let mut lines = Vec::new();
    while let Ok(event) = turn.events.try_recv() {
        if let Event::Line(line) = event {
            lines.push(line.into_inner());
        }
    }
    assert_eq!(lines[0], "hello");
    assert!(lines.len() == 2 && !lines[1].contains("hunter22"), "{lines:?}");
}

#[tokio::test]
async fn bad_arguments_are_explained() {
    let turn = FakeRun::new(reader());
    assert_snapshot!(turn.person("logs", json!({"target": "backend", "since": "soon"})).await, @r#"
    error: since must be a duration, got "soon"
    hint: write it as 90s, 10m, 1h30m or 2d
    "#);
    assert_snapshot!(turn.person("logs", json!({"target": "backend", "container": "ap"})).await, @r#"
    error: there is no container "ap" in these pods
    hint: did you mean app?
    hint: the containers are app
    "#);
    assert_snapshot!(turn.person("logs", json!({"target": "backend", "tail": 0})).await, @"error: tail must be from 1 to 100000, got 0");
    assert_snapshot!(turn.person("logs", json!({"target": "app in ("})).await, @r#"error: target "app in (" is no selector: unable to parse requirement: found '', expected: ',', ')' or identifier"#);
    assert_snapshot!(turn.person("logs", json!({"target": "fronted"})).await, @r#"
    error: there is no deployment, statefulset or daemonset "fronted" in namespace todo
    hint: there is deployment/backend
    "#);
}

#[tokio::test]
async fn between_the_runs_of_a_crash_loop_the_one_that_has_just_ended_is_the_run_before() {
    let mut ended = pod("todo", "backend-1", "backend", ("ReplicaSet", "backend-1"));
    ended["status"]["containerStatuses"] = json!([{"name": "app", "ready": false, "restartCount": 2,
        "state": {"terminated": {"exitCode": 3}}, "lastState": {"terminated": {"exitCode": 3}}}]);
    let reader = FakeReader::new(vec![ended])
        .log("backend-1/app previous", "unable to retrieve container logs for containerd://1c9f")
        .log("backend-1/app", "2026-03-01T11:58:00Z fatal: no database\n");
    let turn = FakeRun::new(reader);
    assert_snapshot!(turn.person("logs", json!({"target": "pod/backend-1", "previous": true})).await, @r"
    1 line from pod/backend-1 in namespace todo

    first fatal line: fatal: no database

    >> 11:58:00 backend-1/app | fatal: no database

    backend-1/app (previous): the node has not kept the log of this run, the run after it is shown
    ");
}

#[tokio::test]
async fn a_run_before_that_is_gone_is_replaced_by_the_present_run() {
    let mut again = pod("todo", "backend-1", "backend", ("ReplicaSet", "backend-1"));
    again["status"]["containerStatuses"] = json!([{"name": "app", "ready": true, "restartCount": 1,
        "state": {"running": {}}, "lastState": {"terminated": {"exitCode": 3}}}]);
    let reader = FakeReader::new(vec![again])
        .log("backend-1/app previous", "unable to retrieve container logs for containerd://1c9f")
        .log("backend-1/app", "2026-03-01T11:58:00Z fatal: no database\n");
    let turn = FakeRun::new(reader);
    assert_snapshot!(turn.person("logs", json!({"target": "pod/backend-1", "previous": true})).await, @r"
    1 line from pod/backend-1 in namespace todo

    first fatal line: fatal: no database

    >> 11:58:00 backend-1/app | fatal: no database

    backend-1/app (previous): the node has not kept the log of this run, the run after it is shown
    ");
}
