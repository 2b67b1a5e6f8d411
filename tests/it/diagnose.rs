//! What is wrong and why, without a model: on worlds that are well nothing, on the broken one each fault once; with
//! few permissions what can be proved and what could not be checked; and no value of a Secret in any of it.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Output, Served, TestEnvironment, secrets, world};

/// Every fault of the world `todo-broken`, and that nothing serves the class of its Ingress.
const FAULTS: [&str; 19] = [
    "6/todo/deployment/exporter/exporter",
    "11/todo/deployment/reporter/reporter",
    "14/todo/deployment/reminder/reminder",
    "20/todo/secret/mail-credentials",
    "22/todo/configmap/todo-config/TIMEZONE",
    "30/todo/deployment/importer/wait-for-analytics",
    "31/todo/deployment/frontend/frontend",
    "42/todo/deployment/search",
    "45/todo/deployment/suggestions",
    "69/todo/persistentvolumeclaim/data-redis-0",
    "76/todo/service/web",
    "79/todo/service/notifier/8000",
    "85/todo/ingress/todo-chatbot/frontend-v2",
    "100/todo/job/seed-data",
    "110/todo/deployment/mcp-server/mcp-server",
    "84/-/ingressclass/nginx",
    "145/todo/deployment/backend/backend",
    "57/todo/resourcequota/best-effort",
    "106/todo/poddisruptionbudget/web",
];

/// Returns what a tool answered, as data.
#[track_caller]
fn data(output: &Output) -> Value {
    let events = output.events();
    let result = events.iter().find(|event| event["event"] == "tool_result");
    result.unwrap_or_else(|| panic!("{output}"))["output"].clone()
}

fn ids(data: &Value) -> Vec<&str> {
    data["findings"].as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    for (world, namespace) in [("todo", "todo"), ("todo", "kube-system"), ("hpa", "todo"), ("empty", "default")] {
        let environment = TestEnvironment::new();
        let world = format!("--sandbox={world}");
        let diagnosed = data(&environment.run([&world, "-n", namespace, "--json", "diagnose"]).exits(0));
        assert_eq!((ids(&diagnosed), &diagnosed["unchecked"]), (vec![], &json!([])), "{world} {namespace}");
    }
    let environment = TestEnvironment::new();
    assert_snapshot!(environment.run(["--sandbox", "diagnose", "--strict", "--fail-on", "info"]), @r"
    exit 0
    --- stdout
    nothing is wrong in namespace todo (6 pods, 3 deployments, 4 services, 1 node looked at)
    --- stderr
    this sandbox is discarded; todo-agent sandbox serve keeps one
    ");
    assert_snapshot!(environment.run(["--sandbox", "health"]).stdout_filtered(), @r"
    namespace todo is healthy

    PART           WELL  STATE
    nodes          1/1   healthy
    workloads      4/4   healthy
    pods           6/6   healthy
    jobs           0/0   none
    volume claims  1/1   healthy
    services       4/4   healthy
    ingresses      1/1   healthy
    autoscalers    0/0   none
    API services   0/0   none
    ");
}

#[test]
fn each_fault_of_the_broken_world_is_one_finding() {
    let environment = TestEnvironment::new();
    let diagnosed = data(&environment.run(["--sandbox=todo-broken", "--json", "diagnose"]).exits(0));
    assert_eq!(ids(&diagnosed), FAULTS);
    for finding in diagnosed["findings"].as_array().unwrap() {
        assert!(!finding["evidence"].as_array().unwrap().is_empty(), "a claim without evidence: {finding}");
        assert!(!finding["remedies"].as_array().unwrap().is_empty(), "nothing would help: {finding}");
    }
}

#[test]
fn a_cause_is_told_with_what_follows_from_it_and_its_evidence() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "80");
    let broken = "--sandbox=todo-broken";
    assert_snapshot!(environment.run([broken, "diagnose", "backend"]).stdout_filtered(), @r"
    deployment/backend in namespace todo: 1 finding, critical

    critical  probably: container backend of deployment/backend ends because
              DATABASE_URL is missing
              so    the rollout of deployment/backend has not finished within its
                    deadline
              fix   set the environment variable DATABASE_URL of container backend
                    of deployment/backend
    ");
    assert_snapshot!(environment.run([broken, "call", "diagnose", r#"{"target": "mailer", "evidence": true}"#])
        .stdout_filtered(), @r#"
    deployment/mailer in namespace todo: 1 finding, critical

    critical  Secret mail-credentials does not exist in namespace todo
              seen  Secret mail-credentials: not found
              seen  Pod mailer-[pod]:
                    status.containerStatuses[0].state.waiting.reason =
                    CreateContainerConfigError
              seen  Pod mailer-[pod]:
                    status.containerStatuses[0].state.waiting.message = secret
                    "mail-credentials" not found
              so    the rollout of deployment/mailer has not finished within its
                    deadline
              seen  Deployment mailer: status.conditions[1].reason =
                    ProgressDeadlineExceeded
              fix   create secret/mail-credentials (the values of its keys must come
                    from you)
              id    20/todo/secret/mail-credentials
    "#);
    let whole = environment.run([broken, "diagnose"]);
    assert!(whole.stdout.lines().all(|line| line.chars().count() <= 80), "{whole}");
}

#[test]
fn a_sentence_is_enough() {
    let environment = TestEnvironment::new();
    let broken = "--sandbox=todo-broken";
    for (sentence, words) in [
        ("why is the backend crashing?", "DATABASE_URL is missing"),
        ("what is wrong with the exporter", "did you mean node?"),
        ("why is search pending?", "the most that is free is"),
        ("check why the pods are failing", "19 findings"),
        ("analyze the cluster health", "is not healthy"),
        ("what changed since yesterday?", "first trouble"),
    ] {
        environment.run([broken, sentence]).exits(0).says(words).enough();
    }
}

#[test]
fn lists_are_asked_for_once_and_one_pod_takes_few_requests() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "diagnose", "-A"]).exits(0).enough();
    // One list per kind, and two of events; the two kinds of metrics are not needed here.
    let requests = environment.requests();
    assert_eq!(requests.len(), 32, "{requests:#?}");
    assert!(
        requests
            .iter()
            .all(|request| request["verb"] == "GET" || request["verb"] == "get" || request["verb"] == "list")
    );

    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo-broken");
    let pods = served.get("/api/v1/namespaces/todo/pods");
    for pod in pods["items"].as_array().unwrap() {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let before = served.requests().len();
        environment.run(["diagnose", &format!("pod/{name}")]).exits(0).enough();
        let sent = served.requests().len() - before;
        assert!(sent <= 15, "{name} takes {sent} requests");
    }
}

#[test]
fn who_may_list_little_gets_what_can_be_proved_and_the_rules_to_grant() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, "todo");
    // The Service leads to a port by its name.
    let containers = json!([{"name": "backend", "image": "todo-chatbot-backend:v1"}]);
    served.patch("backend", &json!({"spec": {"template": {"spec": {"containers": containers}}}}));
    let viewer = |more: &[&str]| environment.run(["--context", "sandbox-viewer"].iter().chain(more).copied());
    let until = Instant::now() + Duration::from_mins(1);
    let output = loop {
        let output = viewer(&["diagnose", "backend"]).exits(0);
        if output.stdout.contains("port 8000 of service/backend") || Instant::now() > until {
            break output;
        }
        thread::sleep(Duration::from_millis(50));
    };
    output.says("a port named http, which no container has").says("could not check").says("secrets").enough();
    let output = viewer(&["diagnose", "-v"]).exits(0);
    output.says(r#"grant apiGroups: [""], resources: ["secrets"], verbs: ["list"]"#).enough();
    viewer(&["diagnose", "--strict"]).exits(5).enough();
    viewer(&["diagnose", "-n", "kube-system"]).exits(0).says("could be looked at").enough();
    viewer(&["health"]).exits(0).says("not checked").enough();
}

#[test]
fn no_value_of_a_secret_is_shown_or_kept() {
    let environment = TestEnvironment::new();
    let loud = world("loud");
    for world in ["--sandbox", "--sandbox=todo-broken", loud.as_str()] {
        for way in [&["diagnose", "-v"][..], &["--json", "diagnose", "-A"], &["health"], &["diagnose", "--junit"]] {
            let output = environment.run([world].into_iter().chain(way.iter().copied()));
            output.never_says("hunter2hunter2").never_says("correct-horse").enough();
        }
        let file = environment.path("snapshot.json").display().to_string();
        environment.run([world, "diagnose", "-A", "--save", &file]).exits(0).says("the snapshot is kept in").enough();
        let kept = fs::read_to_string(&file).unwrap();
        assert_eq!(secrets::leaked(&kept), None);
        assert!(!kept.contains("hunter2hunter2") && !kept.contains("correct-horse"));
    }
    // That only the metadata of Secrets was asked for is checked when the environment is dropped.
    assert!(environment.requests().iter().any(|request| request["path"].as_str().unwrap().contains("/secrets")));
}

#[test]
fn a_snapshot_is_diagnosed_elsewhere() {
    let environment = TestEnvironment::new();
    let file = environment.path("snapshot.json").display().to_string();
    let read = environment.run(["--sandbox=todo-broken", "diagnose", "--save", &file, "--json"]).exits(0);
    let again = environment.run(["diagnose", "--from", &file, "-n", "todo", "--json"]).exits(0);
    let findings = |output: &Output| output.events().last().unwrap()["data"]["findings"].clone();
    assert_eq!(findings(&again).as_array().unwrap().len(), FAULTS.len());
    assert_eq!(findings(&again), findings(&read));
    environment.run(["diagnose", "--from", &file, "service/web"]).exits(0).says("selects app=web-ui").enough();
    environment.run(["diagnose", "--from", &file, "nobody"]).exits(1).says("has no \"nobody\"").enough();
    let other = environment.write("other.json", r#"{"version": 99}"#).display().to_string();
    environment.run(["diagnose", "--from", &other]).exits(2).says("has version 99").enough();
    // Or what kubectl has written, one file or a folder.
    let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "shop", "uid": "u",
        "creationTimestamp": "2026-03-01T10:00:00Z"}, "spec": {"nodeName": "n", "containers": [{"name": "web", "image": "web:v9"}]},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "web", "ready": false, "restartCount": 0, "state":
        {"waiting": {"reason": "ImagePullBackOff", "message": "manifest for web:v9 not found: manifest unknown"}}}]}});
    let list = json!({"kind": "List", "apiVersion": "v1", "items": [pod]}).to_string();
    let one = environment.write("dump/shop/pods.json", list).display().to_string();
    let folder = environment.path("dump").display().to_string();
    for path in [&one, &folder] {
        environment.run(["diagnose", "--from", path]).exits(0).says("[shop] image web:v9").enough();
    }
    environment.run(["diagnose", "--from", "nowhere.json"]).exits(2).says("cannot be read").enough();
}

#[test]
fn a_pipeline_fails_at_the_level_it_names() {
    let environment = TestEnvironment::new();
    let broken = "--sandbox=todo-broken";
    for (arguments, code) in [
        (&["diagnose"][..], 0),
        (&["diagnose", "--fail-on", "critical"], 1),
        (&["diagnose", "service/web", "--fail-on", "critical"], 1),
        (&["diagnose", "poddisruptionbudget/web", "--fail-on", "critical"], 0),
        (&["diagnose", "poddisruptionbudget/web", "--fail-on", "warning"], 1),
        (&["diagnose", "--strict"], 0),
        (&["diagnose", "--junit", "--fail-on", "warning"], 1),
        (&["diagnose", "backend", "-A"], 2),
    ] {
        environment.run([broken].into_iter().chain(arguments.iter().copied())).exits(code).enough();
    }
    assert_snapshot!(environment.run([broken, "diagnose", "--junit", "service/web"]).stdout_filtered(), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="todo-agent diagnose" tests="1" failures="1" errors="0" skipped="0">
      <testsuite name="service/web in namespace todo" tests="1" failures="1" errors="0" skipped="0">
        <testcase classname="service/web in namespace todo" name="76/todo/service/web">
          <failure type="critical" message="service/web selects app=web-ui, and no pod has that; pod web-[pod] has app=web">Service web: spec.selector[app] = web-ui
    Pod web-[pod]: metadata.labels[app] = web</failure>
        </testcase>
      </testsuite>
    </testsuites>
    "#);
}

#[test]
fn remedies_are_one_plan_and_what_is_gone_is_shown() {
    let environment = TestEnvironment::new();
    let broken = "--sandbox=todo-broken";
    let fix = |more: &[&'static str]| environment.run([broken, "diagnose"].iter().chain(more).copied());
    // A plan like any: without anybody to ask, nothing is sent.
    fix(&["service/web", "--fix"]).exits(3).says("spec.selector.app: web-ui → web").says("Nothing was sent").enough();
    fix(&["service/web", "--fix", "--dry-run"]).exits(0).says("Nothing was sent").never_says("gone:").enough();
    let output = fix(&["service/web", "--fix", "--yes=high"]).exits(0);
    output.says("gone: service/web selects app=web-ui").says("undo: todo-agent undo c-").enough();
    // The scheduler takes a moment.
    fix(&["suggestions", "--fix", "--yes=high"]).exits(0).says("gone: pods of deployment/suggestions").enough();
    // What needs a value or a person is not done by guessing.
    let output = fix(&["mailer", "--fix", "--yes=high"]).exits(1);
    output.says("each needs a value or a person").says("create secret/mail-credentials").enough();
    let output = fix(&["--fix", "--yes=high"]).exits(0);
    output.says("15 findings have no remedy that can be carried out as it stands").never_says("still there").enough();
}
