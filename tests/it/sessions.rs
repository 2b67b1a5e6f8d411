//! What is left of a conversation: exported as an incident report, removed, kept for as long as it should be.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use insta::assert_snapshot;
use regex::Regex;
use serde_json::json;

use crate::support::{
    Output, TestEnvironment,
    model::{FakeModel, Reply},
    world,
};

/// Returns the files of the recorded sessions, the oldest first.
fn files(environment: &TestEnvironment) -> Vec<PathBuf> {
    let entries = fs::read_dir(environment.state().join("sessions")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn ids(environment: &TestEnvironment) -> Vec<String> {
    files(environment).iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Returns what is shown, with the sessions' ids made the same.
fn shown(output: &Output) -> String {
    let id = Regex::new(r"\d{8}-\d{6}-[a-z0-9]{6}").unwrap();
    id.replace_all(&output.filtered(&output.to_string()), "20260501-100000-abcdef").into_owned()
}

/// Makes a session that looks as if it had begun then.
fn started_at(environment: &TestEnvironment, id: &str) {
    let meta = format!(
        r#"{{"at":"2020-01-01T00:00:00Z","event":"session","v":1,"id":"{id}","version":"0.1.0","context":"sandbox","namespace":"todo"}}"#
    );
    environment.write(&format!("state/sessions/{id}.jsonl"), format!("{meta}\n"));
}

#[test]
fn a_change_as_an_incident_report() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "scale backend to 3", "--yes"]).exits(0).enough();
    let [id] = ids(&environment).try_into().unwrap();
    assert_snapshot!(shown(&environment.run(["sessions", "export", &id])), @r#"
    exit 0
    --- stdout
    # Incident report: session `20260501-100000-abcdef`

    - Cluster: `sandbox (sandbox world todo)`
    - Namespace: `todo`
    - Started: `[time]`
    - Last entry: `[time]`
    - Recorded by: `todo-agent 0.1.0`
    - Record: The record is whole: every line fits the one after it.

    Times are UTC. Secrets were masked when this was recorded.

    ## What was said and done

    ### hh:mm:ss The person

    ```text
    scale backend to 3
    ```

    ### hh:mm:ss Call of `scale`

    ```text
    {
      "replicas": 3,
      "workload": "backend"
    }
    ```

    ### hh:mm:ss Change `c-change`

    ```text
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
    ```

    ### hh:mm:ss Decision on `c-change`

    ```text
    approved by --yes
    ```

    ### hh:mm:ss Outcome of `c-change`

    ```text
    ✓ ok: scale deployment/backend from 2 to 3 replicas
      3 of 3 replicas available
    undo: todo-agent undo c-change  (scale deployment/backend back to 2)
    ```

    ### hh:mm:ss The answer

    ```text
    Changes in this turn: scale deployment/backend from 2 to 3 replicas: done (c-change)
    ```
    "#);
}

#[test]
fn a_report_in_html_needs_no_other_file_and_runs_nothing() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "scale backend to 3", "--yes"]).exits(0).enough();
    let output = environment.run(["sessions", "export", "2", "--out", "report.html"]);
    assert_snapshot!(shown(&output), @"
    exit 0
    --- stdout
    session 20260501-100000-abcdef is exported to report.html
    ");
    let file = environment.path("work/report.html");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let html = fs::read_to_string(file).unwrap();
    assert!(html.starts_with("<!doctype html>\n") && html.ends_with("</html>\n"));
    for never in ["<script", "src=", "href=", "http://", "https://", "url(", "@import"] {
        assert!(!html.contains(never), "{never} is in:\n{html}");
    }
    assert!(html.contains("spec.replicas: 2 → 3") && html.contains("approved by --yes"), "{html}");
}

#[test]
fn a_conversation_with_a_model_is_told_once() {
    let calls = [("list", json!({"kind": "pods"}))];
    let model = FakeModel::start([Reply::calls(&calls), Reply::text("All **5** pods are [ready](http://evil).")]);
    let environment = TestEnvironment::with_model(&model.url());
    environment.run(["--sandbox", "could you tell me how my application is doing"]).exits(0).enough();
    let report = environment.run(["sessions", "export", "2"]).exits(0).stdout;
    let headings: Vec<&str> =
        report.lines().filter_map(|line| Some(line.strip_prefix("### ")?.split_once(' ')?.1)).collect();
    assert_snapshot!(headings.join("\n"), @"
    The person
    The agent
    Call of `list`
    Result of `list`
    The agent
    Use of the model
    The answer
    ");
    assert_eq!(report.matches("All **5** pods are").count(), 1, "{report}");
    let html = environment.run(["sessions", "export", "2", "--format", "html"]).exits(0).stdout;
    assert!(html.contains("All **5** pods are [ready](http://evil)."), "{html}");
    assert_eq!(html.matches("<a").count(), 0, "{html}");
}

#[test]
fn text_from_a_cluster_stays_text_in_a_report() {
    let environment = TestEnvironment::new();
    environment.run([&*world("loud"), "logs of preacher"]).exits(0).enough();
    environment.run([&*world("loud"), "logs of painter"]).exits(0).enough();
    for id in ids(&environment) {
        for format in ["markdown", "html"] {
            let report = environment.run(["sessions", "export", &id, "--format", format]).exits(0);
            let report = report.never_says("hunter2hunter2").never_says("sk-proj-abcdefghij");
            assert!(format == "markdown" || !report.stdout.contains("</log>"), "{report}");
            let acts = |sign: char| (sign.is_control() && sign != '\n') || ('\u{202a}'..='\u{202e}').contains(&sign);
            assert!(!report.stdout.contains(acts), "{}", report.stdout.escape_debug());
        }
    }
}

#[test]
fn a_report_of_a_changed_record_says_so_first() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "scale backend to 3", "--yes"]).exits(0).enough();
    let [file] = files(&environment).try_into().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("scale backend to 3", "scale backend to 2")).unwrap();
    let output = environment.run(["sessions", "export", "2"]).exits(0);
    let third = output.stdout.lines().nth(2).unwrap();
    assert_snapshot!(third, @"> **THE RECORD WAS CHANGED AFTERWARDS: line 4 of the file is not the one that was written. Do not rely on what follows.**");
}

#[test]
fn a_file_that_is_there_is_replaced_only_by_force() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "list pods"]).exits(0).enough();
    let kept = environment.write("work/report.md", "mine");
    assert_snapshot!(environment.run(["sessions", "export", "2", "--out", "report.md"]), @"
    exit 2
    --- stderr
    error: report.md is there already
    hint: --force replaces it; another --out leaves it
    ");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "mine");
    environment.run(["sessions", "export", "2", "--out", "report.md", "--force"]).exits(0).enough();
    assert!(fs::read_to_string(&kept).unwrap().starts_with("# Incident report: session `"));
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    environment
        .run(["sessions", "export", "2", "--out", "/dev/null", "--force"])
        .exits(1)
        .says("not a regular file")
        .enough();
    environment
        .run(["sessions", "export", "2", "--out", "no/such/folder.md"])
        .exits(1)
        .says("cannot be written")
        .enough();
}

#[test]
fn sessions_are_removed_all_or_none() {
    let environment = TestEnvironment::new();
    for day in ["20200101-000000-aaaaaa", "20200102-000000-bbbbbb", "20200103-000000-cccccc"] {
        started_at(&environment, day);
    }
    assert_snapshot!(environment.run(["sessions", "rm", "20200101", "20209999"]), @r#"
    exit 2
    --- stderr
    error: there is no session "20209999"
    hint: todo-agent sessions list shows them
    "#);
    assert_snapshot!(environment.run(["sessions", "rm", "202001"]), @r#"
    exit 2
    --- stderr
    error: 3 sessions start with "202001"
    hint: give more of the id: 20200103-000000-cccccc, 20200102-000000-bbbbbb, 20200101-000000-aaaaaa
    "#);
    assert_eq!(ids(&environment).len(), 3);
    environment.run(["sessions", "rm", "20200102", "--dry-run"]).exits(0).says("1 session would be removed").enough();
    assert_eq!(ids(&environment).len(), 3);
    assert_snapshot!(environment.run(["sessions", "rm", "20200101", "20200103-000000-cccccc"]), @"
    exit 0
    --- stdout
    2 sessions removed

    SESSION                 OUTCOME        FIRST SENTENCE
    20200101-000000-aaaaaa  nothing asked  (a call)
    20200103-000000-cccccc  nothing asked  (a call)
    ");
    assert_eq!(ids(&environment), ["20200102-000000-bbbbbb"]);
    environment.run(["sessions", "rm"]).exits(2).enough();
}

#[test]
fn old_sessions_and_the_oldest_of_many_are_pruned() {
    let environment = TestEnvironment::new();
    environment.run(["--sandbox", "list pods"]).exits(0).enough();
    for day in ["20200101-000000-aaaaaa", "20200102-000000-bbbbbb"] {
        started_at(&environment, day);
    }
    environment
        .run(["sessions", "prune", "--keep", "2", "--dry-run"])
        .exits(0)
        .says("1 session would be removed")
        .enough();
    environment.run(["sessions", "prune", "--keep", "2"]).exits(0).says("20200101-000000-aaaaaa").enough();
    assert_eq!(ids(&environment).len(), 2);
    environment.run(["sessions", "prune", "--older-than", "36500d"]).exits(0).says("0 sessions removed").enough();
    let events = environment.run(["--json", "sessions", "prune"]).exits(0).events();
    assert_eq!(events[0]["data"]["removed"][0]["id"], "20200102-000000-bbbbbb");
    assert_eq!(ids(&environment).len(), 1);
    assert_snapshot!(environment.run(["sessions", "prune", "--older-than", "soon"]), @r#"
    exit 2
    --- stderr
    error: "soon" is not an age
    hint: write it like 30d, 2w or 12h, more than nothing
    "#);
}

#[test]
fn the_configuration_says_what_is_kept() {
    let environment = TestEnvironment::new();
    environment.write("home/.config/todo-agent/config.toml", "[sessions]\nkeep_days = 7\nkeep_files = 2\n");
    environment.run(["config"]).exits(0).says("sessions kept for 7 days, at most 2 files").enough();
    for _ in 0..3 {
        environment.run(["--sandbox", "list pods"]).exits(0).enough();
    }
    assert_eq!(ids(&environment).len(), 2);
}
