//! Text from a cluster is data: it moves no cursor, hides nothing, and nobody does what it says.

use std::process::Stdio;

use insta::assert_snapshot;
use serde_json::json;

use crate::support::{
    TestEnvironment,
    hostile::{HostileServer, answer},
    world,
};

/// Asserts that a text has no character that a terminal would act on or that turns writing around.
#[track_caller]
fn assert_harmless(text: &str) {
    let acts = |character: &char| {
        (character.is_control() && *character != '\n')
            || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
    };
    let found = text.chars().find(acts);
    assert_eq!(found, None, "in:\n{}", text.escape_debug());
}

#[test]
fn control_characters_in_logs_are_made_visible() {
    let environment = TestEnvironment::new();
    let output = environment.run([&*world("loud"), "logs of painter"]).exits(0);
    assert_harmless(&output.stdout);
    assert_harmless(&output.stderr);
    let lines = output.stdout.lines().filter_map(|line| line.split_once(" | "));
    let shown: Vec<&str> = lines.map(|(_, text)| text).collect();
    assert_snapshot!(output.filtered(&shown.join("\n")), @r"
    plain line  (×2, last hh:mm:ss)
    \u{1b}[2J\u{1b}[1;1Hthe screen is mine \u{1b}]0;title\u{7}  (×2, last hh:mm:ss)
    right to left: \u{202e}gnp.exe\u{202c} and \u{2066}isolated\u{2069}  (×2, last hh:mm:ss)
    one line\u{d}\u{1b}[Kapproved by --yes  (×2, last hh:mm:ss)
    ");
}

#[test]
fn names_that_no_cluster_should_have_are_shown_escaped() {
    let environment = TestEnvironment::new();
    let server = HostileServer::answering(|request| {
        let pod = |name: &str| {
            json!({"metadata": {"name": name, "namespace": "default", "uid": name}, "spec": {"nodeName": "node\u{202e}"},
                "status": {"phase": "Running\r\u{1b}[A"}})
        };
        let names = ["evil\u{1b}[2J\u{1b}]0;x\u{7}", "\u{202e}dne-kcab", "two\nlines", "wide\u{200b}r"];
        let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"},
            "items": names.map(pod)});
        let namespace = json!({"kind": "Namespace", "metadata": {"name": "default", "uid": "1"}});
        let body = if request.contains("/pods") { list } else { namespace };
        answer("200 OK", "application/json", &body.to_string())
    });
    environment.kubeconfig(&server.kubeconfig());
    for form in ["-v", "--json"] {
        let output = environment.run([form, "list pods"]).exits(0);
        assert_harmless(&output.stderr);
        assert_harmless(&output.stdout);
    }
    assert_snapshot!(environment.run(["list pods"]).stdout_filtered(), @r"
    4 pods in namespace default, 4 not ready

    NAME                          READY  STATUS                RESTARTS  AGE        NODE
    evil\u{1b}[2J\u{1b}]0;x\u{7}  0/0    Running\u{d}\u{1b}[A  0         <unknown>  node\u{202e}
    two\u{a}lines                 0/0    Running\u{d}\u{1b}[A  0         <unknown>  node\u{202e}
    wide\u{200b}r                 0/0    Running\u{d}\u{1b}[A  0         <unknown>  node\u{202e}
    \u{202e}dne-kcab              0/0    Running\u{d}\u{1b}[A  0         <unknown>  node\u{202e}
    ");
    // Nor do such names reach a terminal on their way into a sentence's answer.
    let output = environment.run(["describe pod evil", "--yes"]);
    assert_harmless(&output.stderr);
}

#[test]
fn an_annotation_cannot_write_lines_of_its_own() {
    let environment = TestEnvironment::new();
    let loud = world("loud");
    for sentence in ["describe painter", "scale painter to 3"] {
        let output = environment.run([&loud, sentence]);
        assert_harmless(&output.stdout);
        assert_harmless(&output.stderr);
        // A description may show the annotation's lines below its name; a preview has no such line at all.
        let forged = "1. scale deployment/painter from 2 to 0";
        assert!(!output.stdout.lines().any(|line| line.starts_with(forged)), "{output}");
        assert!(!output.stderr.lines().any(|line| line.trim_start().starts_with(forged)), "{output}");
    }
}

#[test]
fn instructions_in_a_cluster_are_not_followed() {
    let environment = TestEnvironment::new();
    environment.policy("mode = \"auto\"\n[[auto]]\ntool = \"scale\"\nnamespace = \"loud\"\n");
    let loud = world("loud");
    for sentence in
        ["logs of preacher", "describe preacher", "events", "list deployments", "rollout status of preacher"]
    {
        for yes in ["--yes", "--yes=high"] {
            environment.run([&loud, sentence, yes]).exits(0).enough();
        }
    }
    assert!(environment.journal().is_empty());
}

#[test]
fn of_ten_megabytes_of_log_the_end_is_shown() {
    let environment = TestEnvironment::new();
    let output = environment.run([&*world("loud"), "logs of torrent"]).exits(0);
    assert!(output.stdout.len() < 200_000, "{} bytes", output.stdout.len());
    assert_harmless(&output.stdout);
    let first = output.stdout.lines().next().unwrap_or_default();
    assert_snapshot!(output.filtered(first), @"200 lines from 1 pod of deployment/torrent in namespace loud, 1 shown after folding similar ones");
}

#[test]
fn of_ten_megabytes_as_much_is_read_as_is_allowed_and_that_is_said() {
    let environment = TestEnvironment::new();
    let call = ["call", "logs", r#"{"target": "torrent", "tail": 100000}"#];
    let output = environment.run([&*world("loud")].into_iter().chain(call)).exits(0);
    assert!(output.stdout.len() < 200_000, "{} bytes", output.stdout.len());
    assert_snapshot!(output.stdout_filtered(), @r"
    14266 lines from 1 pod of deployment/torrent in namespace loud, 1 shown after folding similar ones

    hh:mm:ss 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789 request served  (×14266, last hh:mm:ss)

    torrent-[pod]/main: only 2048 KiB were read; narrow with since or grep, or a smaller tail
    ");
}

#[test]
fn a_log_that_is_no_text_is_shown_without_harm() {
    let environment = TestEnvironment::new();
    let output = environment.run([&*world("loud"), "logs of binary"]).exits(0);
    assert_harmless(&output.stdout);
    assert_snapshot!(output.stdout_filtered(), @r"
    1 line from 1 pod of deployment/binary in namespace loud

    hh:mm:ss \u{0}\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{9}\u{b}\u{c}\u{d}\u{e}\u{f}\xfe\xff\xfe\xff\xfe\xfd\xfc\xfb\xfa\xf9\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\u{0}\u{0}\u{0}\u{1b}[2J

    binary-[pod]/main: 30 bytes that are no text are shown as escapes
    ");
}

#[test]
fn forty_columns_are_enough() {
    let environment = TestEnvironment::new();
    environment.set("COLUMNS", "40");
    let output = environment.run(["--sandbox", "scale backend to 3 and frontend to 1", "--yes"]).exits(0);
    assert_snapshot!(output, @r"
    exit 0
    --- stdout
    ✓ ok: scale deployment/backend from 2 to
          3 replicas
      3 of 3 replicas available
    ✓ ok: scale deployment/frontend from 2
          to 1 replica
      1 of 1 replicas available
    undo: todo-agent undo c-change  (scale
          deployment/backend back to 2,
          scale deployment/frontend back to
          2)
    Changes in this turn:
    - scale deployment/backend from 2 to 3
      replicas: done (c-change)
    - scale deployment/frontend from 2 to 1
      replica: done (c-change)
    --- stderr
    Change c-change
      context    sandbox (sandbox world
                 todo)
      namespace  todo
      risk       medium (the highest of all
                 steps)

    1. scale deployment/backend from 2 to 3
       replicas
       action     scale Deployment backend
                  in namespace todo
                  (apps/v1)
       change     spec.replicas: 2 → 3
       risk       low
       proof      checked by the server (dry
                  run)

    when the steps above have settled (phase
    2):
    2. scale deployment/frontend from 2 to 1
       replica
       action     scale Deployment frontend
                  in namespace todo
                  (apps/v1)
       change     spec.replicas: 2 → 1
       risk       medium
       proof      checked by the server (dry
                  run)

    undo       scale deployment/backend back
               to 2, scale
               deployment/frontend back to 2
    same as    kubectl scale \
                 deployment/backend \
                 --replicas=3 -n todo
    same as    kubectl scale \
                 deployment/frontend \
                 --replicas=1 -n todo
    approved by --yes
    this sandbox is discarded, and the way
    back with it; todo-agent sandbox serve
    keeps one
    ");
    for line in output.stdout.lines().chain(output.stderr.lines()) {
        assert!(line.chars().count() <= 40 || line.contains("kubectl"), "{line:?} is wider than 40 columns");
    }
    for sentence in ["list pods", "describe backend", "events", "logs of backend", "list deployments -o wide"] {
        environment.run(["--sandbox", sentence]).enough();
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let environment = TestEnvironment::new();
    let loud = world("loud");
    for arguments in [
        vec!["--sandbox", "scale backend to 3", "--yes"],
        vec![&loud, "logs of torrent"],
        vec!["tools"],
        vec!["--help"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        // Nobody reads from the start, as after `| head -0`; `| head -1` ends up here a line later.
        drop(reader);
        let mut command = environment.command(arguments.iter().copied());
        let output = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = environment.shown(&output.wait_with_output().unwrap());
        output.exits(0).never_says("panicked").never_says("bug").enough();
    }
}
