//! What is left of a script: its reports, whatever the texts in them and however it ended, and its events.

use std::{
    fs,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    scripts::{PASSING, run, shown},
    support::{Output, Served, TestEnvironment, spawn, world, world_file},
};

#[test]
fn a_report_that_cannot_be_written_is_noticed_before_the_first_step() {
    let environment = TestEnvironment::new();
    environment.write("work/file", "");
    for (report, complaint) in [
        ("junit=none/report.xml", "No such file or directory"),
        ("junit=file/report.xml", "cannot be written"),
        ("json=.", "is not a file"),
        ("json=../smoke.yaml", "is the script itself"),
        ("html", "does not say what is written where"),
        ("junti=report.xml", "did you mean junit?"),
        ("junit=", "names no file"),
    ] {
        run(&environment, PASSING, &["--yes", "--report", report]).exits(2).says(complaint).enough();
    }
    let twice = ["--yes", "--report", "junit=same", "--report", "html=same"];
    run(&environment, PASSING, &twice).exits(2).says("two reports").enough();
    assert!(environment.requests().is_empty());
    let left: Vec<_> =
        fs::read_dir(environment.path("work")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["file"]);
}

/// Runs a script with every report, and returns them: JUnit, JSON, HTML.
fn reported(environment: &TestEnvironment, script: &str, arguments: &[&str]) -> (Output, [String; 3]) {
    let files = ["junit", "json", "html"].map(|kind| (kind, environment.path(kind)));
    let reports = files.clone().map(|(kind, file)| format!("--report={kind}={}", file.display()));
    let arguments: Vec<&str> = arguments.iter().copied().chain(reports.iter().map(String::as_str)).collect();
    let output = run(environment, script, &arguments);
    (output, files.map(|(_, file)| fs::read_to_string(file).unwrap()))
}

#[test]
fn reports_hold_what_happened_and_nothing_in_them_means_more_than_itself() {
    let environment = TestEnvironment::new();
    let script = r#"
name: "<b>loud</b>"
steps:
  - say: logs of painter
  - say: logs of preacher
  - name: '"quoted" & <i>marked</i>'
    say: describe painter
    expect: {text: ["</system-out> ]]> <script>alert(1)</script>"]}
  - say: list pods
always:
  - say: list deployments
"#;
    let (output, [junit, json, html]) = reported(&environment, script, &[&world("loud")]);
    output.exits(1).enough();
    let document = roxmltree::Document::parse(&junit).unwrap();
    let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((count("testcase"), count("failure"), count("skipped"), count("system-out")), (5, 1, 1, 4));
    let texts: String = document.descendants().filter_map(|node| node.text()).collect();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["verdict"], &json["place"]["context"]), (&Value::from("failed"), &Value::from("sandbox")));
    let showed: String =
        json["steps"].as_array().unwrap().iter().map(|step| step["showed"].as_str().unwrap()).collect();
    for text in [&texts, &showed, &html] {
        // The screen of a log, as what it is.
        assert!(text.contains(r"\u{1b}[2J\u{1b}[1;1Hthe screen is mine"), "{text}");
        assert!(text.contains("the user already approved") && !text.contains('\u{202e}'), "{text}");
        assert!(!text.contains("hunter2hunter2") && !text.contains("correct-horse-battery"), "{text}");
    }
    for (marked, escaped) in [
        ("<script", "&lt;script&gt;alert(1)"),
        ("<b>", "&lt;b&gt;loud"),
        ("<i>", "&quot;quoted&quot; &amp; &lt;i&gt;marked"),
        ("</log>", "&lt;/log&gt; Assistant"),
    ] {
        assert!(!html.contains(marked) && html.contains(escaped), "{marked}: {html}");
    }
}

#[test]
fn a_cluster_that_cannot_be_reached_is_reported_too() {
    let environment = TestEnvironment::new();
    let file = environment.write("smoke.yaml", PASSING).display().to_string();
    let junit = environment.path("junit");
    let report = format!("junit={}", junit.display());
    let output = environment.run(["run", &*file, "--yes", "--report", &*report, "--kubeconfig", "none"]);
    output.exits(2).says("none").enough();
    let junit = fs::read_to_string(junit).unwrap();
    let document = roxmltree::Document::parse(&junit).unwrap();
    let count = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!((count("testcase"), count("error"), count("skipped")), (5, 1, 4), "{junit}");
}

#[test]
fn programs_read_the_end_of_each_step_between_its_events() {
    let environment = TestEnvironment::new();
    let schema = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json-events.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let output = run(&environment, PASSING, &["--json", "--yes"]).exits(0);
    let events = output.events();
    for event in &events {
        assert!(schema.is_valid(event), "{event}");
    }
    let story: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_snapshot!(story.join(" ").replace("step ", "step\n"), @r"
    meta tool_call tool_result answer step
    tool_call preview decision report answer tool_call tool_result answer step
    tool_call preview decision report answer tool_call tool_result answer tool_call tool_result answer step
    tool_call tool_result answer step
    text
    ");
    assert_snapshot!(output.stderr, @"");
    let unapproved = run(&environment, PASSING, &["--json"]).exits(1).events();
    let step = unapproved.iter().find(|event| event["status"] == "failed").unwrap();
    assert_snapshot!(step["unmet"], @r#"[{"actual":"it was 3 (needs approval: risk low, and there is no terminal to ask on)","expectation":"exit","expected":"0"},{"actual":"the step did not show it","expectation":"text","expected":"\"3 of 3 replicas available\""},{"actual":"nothing was changed","expectation":"changed","expected":"a change"},{"actual":"2 are wanted and 2 ready","expectation":"replicas backend","expected":"3"}]"#);
}

/// Starts a script on a served cluster whose new pods take an hour, and waits until its first change is sent.
fn start_slowly(environment: &TestEnvironment, script: &str, arguments: &[&str]) -> Child {
    let file = environment.write("smoke.yaml", script).display().to_string();
    let arguments = ["run", &*file, "--yes", "--namespace", "todo"].into_iter().chain(arguments.iter().copied());
    let run = spawn(environment.command(arguments).stdin(Stdio::null()));
    environment.wait_for_record("answered");
    run
}

#[test]
fn ctrl_c_stops_the_step_and_not_the_clean_up() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, &world_file("slow"));
    let script = r"
steps:
  - say: scale backend to 3
  - say: list pods
always:
  - say: scale backend to 2
    expect: {replicas: {backend: 2}}
";
    let report = environment.path("report.json");
    let reported = format!("json={}", report.display());
    let run = start_slowly(&environment, script, &["--report", &reported]);
    kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    let output = environment.shown(&run.wait_with_output().unwrap()).exits(130);
    assert_snapshot!(shown(&output), @r"
    ✗ failed   scale backend to 3  (0.0 s)
        exit: expected 0, but it was 130 (interrupted; now: 2 of 3 replicas available)
        it showed:
        | Change c-change
        |   context    sandbox (https://127.0.0.1:[port])
        |   namespace  todo
        |
        | 1. scale deployment/backend from 2 to 3 replicas
        |    action     scale Deployment backend in namespace todo (apps/v1)
        |    change     spec.replicas: 2 → 3
        |    risk       low
        |    proof      checked by the server (dry run)
        |
        | undo       scale deployment/backend back to 2
        | same as    kubectl scale deployment/backend --replicas=3 -n todo
        | approved by --yes
        | sent, but not verified: scale deployment/backend from 2 to 3 replicas
        |   interrupted; now: 2 of 3 replicas available
        | undo: todo-agent undo c-change  (scale deployment/backend back to 2)
        | Changes in this turn: scale deployment/backend from 2 to 3 replicas: sent, not verified
          (c-change)
    - skipped  list pods  (interrupted)
    ✓ ok       always: scale backend to 2  (0.0 s)
    smoke interrupted: 1 passed, 1 failed, 1 skipped
    ");
    assert_eq!(served.replicas("backend"), 2);
    let report: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    let ends: Vec<&str> =
        report["steps"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect();
    assert_eq!(
        (report["verdict"].as_str(), ends.as_slice()),
        (Some("interrupted"), &["failed", "skipped", "passed"][..])
    );
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_leaves_a_report() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, &world_file("slow"));
    let script =
        "steps:\n  - say: scale backend to 3\nalways:\n  - say: scale backend to 4\n  - say: scale backend to 2\n";
    let report = environment.path("report.json");
    let reported = format!("json={}", report.display());
    let run = start_slowly(&environment, script, &["--report", &reported]);
    kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    let start = Instant::now();
    while served.replicas("backend") != 4 {
        assert!(start.elapsed() < Duration::from_mins(1), "the clean-up does not begin");
        thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&run), Signal::INT).unwrap();
    environment.shown(&run.wait_with_output().unwrap()).exits(130).enough();
    assert_eq!(served.replicas("backend"), 4);
    let report: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(
        (&report["verdict"], &report["steps"][2]["status"]),
        (&Value::from("interrupted"), &Value::from("skipped"))
    );
}

#[test]
fn a_ci_that_gives_up_gets_its_clean_up_too() {
    let environment = TestEnvironment::new();
    let served = Served::world(&environment, &world_file("slow"));
    let script = "steps:\n  - say: scale backend to 3\nalways:\n  - say: scale backend to 2\n";
    let run = start_slowly(&environment, script, &[]);
    kill_process(Pid::from_child(&run), Signal::TERM).unwrap();
    environment.shown(&run.wait_with_output().unwrap()).exits(130).says("always: scale backend to 2").enough();
    assert_eq!(served.replicas("backend"), 2);
}

#[test]
fn a_script_that_nobody_watches_says_so_once() {
    let environment = TestEnvironment::new();
    let file = environment.write("smoke.yaml", PASSING).display().to_string();
    let output = environment.run(["--sandbox", "run", &*file, "--unattended"]).exits(0);
    assert_eq!(output.stderr.matches("every change is made without asking").count(), 1, "{output}");
}
