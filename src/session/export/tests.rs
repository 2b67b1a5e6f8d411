//! What a report says, and that nothing in a session can become more than text in it.

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn recorded(events: Vec<Value>, chain: Chain) -> Recorded {
    let meta = json!({"v": 1, "event": "session", "at": "2026-05-01T10:00:00Z", "id": "20260501-100000-abcdef",
        "version": "0.1.0", "context": "minikube", "namespace": "todo"});
    Recorded { meta, events, chain, end: String::new() }
}

fn exported(recorded: &Recorded, format: Format) -> String {
    export(recorded, format, &Redactor::new([4; 32]))
}

/// Returns a session in which every event says this wherever something from outside can stand.
fn saying(words: &str) -> Recorded {
    let at = "2026-05-01T10:00:05.5Z";
    let target = json!({"api_version": words, "kind": words, "namespace": words, "name": words});
    let step = json!({"n": 1, "phase": 1, "tool": words, "summary": words, "verb": words, "target": target,
        "outside": true, "diff": [{"path": words, "before": words, "after": {"x": words}}], "proof": "served",
        "remarks": [{"fact": words}], "warnings": [words], "risk": "high", "protected": words, "digest": "d",
        "fingerprint": "f"});
    let change = json!({"change_id": words, "cluster": {"context": words, "server": words, "identity": words},
        "steps": [step], "equivalent": [words], "undo": words, "digest": "d"});
    let mut recorded = recorded(
        vec![
            json!({"event": "sentence", "at": at, "text": words}),
            json!({"event": "text", "at": words, "text": words}),
            json!({"event": "model", "at": at, "text": words, "reasoning": words,
                "calls": [{"id": words, "tool": words, "args": {"a": words}}], "usage": {"input": 1, "cached": 0, "output": 2}}),
            json!({"event": "tool_call", "at": at, "tool": words, "args": {"a": words}}),
            json!({"event": "tool_result", "at": at, "call_id": words, "tool": words, "achieved": true, "output": words}),
            json!({"event": "tool_result", "at": at, "tool": words, "achieved": false, "output": null,
                "error": {"code": words, "message": words, "hints": [words]}}),
            json!({"event": "preview", "at": at, "change": change}),
            json!({"event": "preview", "at": at, "change": {"cut_bytes": 99, "text": words}}),
            json!({"event": "decision", "at": at, "change_id": words, "verdict": words, "by": words, "reason": words}),
            json!({"event": "report", "at": at, "change_id": words, "remaining": [words], "undo": words,
                "effects": [{"summary": words, "target": target, "outcome": "failed", "why": words}]}),
            json!({"event": "question", "at": at, "text": words, "choices": [words]}),
            json!({"event": "answer", "at": at, "text": format!("{words}."), "understood": [words], "ledger": [words]}),
            json!({"event": "error", "at": at, "code": words, "message": words, "hints": [words]}),
            json!({"event": "usage", "at": at, "requests": 1, "input": words}),
            json!({"event": words, "at": at, "text": words}),
        ],
        Chain::Whole,
    );
    for key in ["at", "id", "version", "context", "namespace"] {
        recorded.meta[key] = json!(words);
    }
    recorded
}

/// Returns what of a Markdown text stands outside code (CommonMark 0.31 §4.5, §6.1).
fn outside_code(text: &str) -> String {
    let mut fence: Option<usize> = None;
    let mut outside = String::new();
    for line in text.lines() {
        let ticks = line.len() - line.trim_start_matches('`').len();
        match fence {
            Some(opened) if ticks >= opened && line.len() == ticks => fence = None,
            Some(_) => {}
            None if ticks >= 3 => fence = Some(ticks),
            None => outside.push_str(&outside_spans(line)),
        }
    }
    assert_eq!(fence, None, "a fence is not closed");
    outside
}

fn outside_spans(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        outside.push_str(&rest[..start]);
        rest = &rest[start..];
        let ticks = rest.len() - rest.trim_start_matches('`').len();
        let mut at = ticks;
        let end = loop {
            let found = at + rest[at..].find('`').expect("a span is not closed");
            let length = rest[found..].len() - rest[found..].trim_start_matches('`').len();
            at = found + length;
            if length == ticks {
                break at;
            }
        };
        rest = &rest[end..];
    }
    outside.push_str(rest);
    outside.push('\n');
    outside
}

/// Returns the tags of an HTML text.
fn tags(html: &str) -> Vec<&str> {
    html.match_indices('<').map(|(start, _)| &html[start..=start + html[start..].find('>').unwrap_or(0)]).collect()
}

/// The text in which only our own words are left when a session says nothing.
const NOTHING: &str = "x";

fn assert_only_text(words: &str) {
    let (ours, theirs) = (saying(NOTHING), saying(words));
    let harmless =
        |text: &str| !text.chars().any(|sign| !matches!(sign, '\n' | '\t') && todo_agent_core::text::is_hidden(sign));
    let markdown = exported(&theirs, Format::Markdown);
    assert_eq!(outside_code(&markdown), outside_code(&exported(&ours, Format::Markdown)), "{words:?}");
    assert!(harmless(&markdown), "{words:?}");
    let html = exported(&theirs, Format::Html);
    assert_eq!(tags(&html), tags(&exported(&ours, Format::Html)), "{words:?}");
    assert!(harmless(&html), "{words:?}");
}

#[test]
fn what_comes_from_outside_is_only_text() {
    for words in [
        "<script>alert(1)</script>",
        "</pre></details><img src=http://evil/x onerror=alert(1)>",
        "\"' onload='x' style=\"y\" &lt; &#60;script&#62;",
        "</style><style>@import url(http://evil)</style>",
        "![image](http://evil/x.png) [link](javascript:alert(1)) <http://evil> http://evil www.evil.example a@evil.example",
        "# heading\n## another\n- item\n> quote\n| a | b |\n|---|---|\n---\n",
        "```\n# out\n```\n````\n~~~\n`````text\n",
        "`",
        "a ` b `` c ``` d",
        "`` ` ``",
        "\n\n```\n\n<b>",
        "tab\tand\r\nline\u{2028}end",
        "\u{1b}[2J\u{1b}]8;;http://evil\u{7}x\u{202e}y\u{200b}z\0",
        "[ref]: http://evil\n\n[ref]",
        "@everyone #1 :smile: $x$ ${{ secrets.x }} {{ x }}",
    ] {
        assert_only_text(words);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_from_outside_is_only_text(parts in prop::collection::vec(prop::sample::select(&[
        "`", "```", "````", "\n", "\r\n", " ", "<", ">", "&", "\"", "'", "[", "](", ")", "#", "- ", "~~~", "\\", "|", "é", "x", "\u{1b}",
    ][..]), 1..16)) {
        // A text of nothing but space is said to be nothing, in words of ours.
        assert_only_text(&format!("x{}", parts.concat()));
    }
}

#[test]
fn a_change_is_shown_as_it_was_approved() {
    let report = exported(&saying(NOTHING), Format::Markdown);
    assert!(report.contains("   proof      checked by the server (dry run)"), "{report}");
    assert!(report.contains("failed: x"), "{report}");
}

#[test]
fn an_html_report_needs_nothing_and_runs_nothing() {
    let html = exported(&saying("http://evil"), Format::Html);
    for tag in tags(&html) {
        assert!(
            !["<script", "<link", "<img", "<iframe", "<a ", "<base", "<form", "<object"]
                .iter()
                .any(|bad| tag.starts_with(bad)),
            "{tag}"
        );
        for attribute in ["src=", "href=", "http", "style=", " on"] {
            assert!(!tag.contains(attribute) || tag.starts_with("<meta http-equiv"), "{tag}");
        }
    }
    let style = &html[html.find("<style>").unwrap() + 7..html.find("</style>").unwrap()];
    assert!(!style.contains("url(") && !style.contains("@import"));
    assert_snapshot!(html.lines().find(|line| line.contains("Content-Security-Policy")).unwrap(), @r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-kXGSwgOYnRQltbltlzquqONn/rYDxM4voWkPsyatQ0w='; base-uri 'none'; form-action 'none'">"#);
}

#[test]
fn a_record_that_was_changed_says_so_first() {
    let changed = recorded(vec![], Chain::Broken(7));
    assert_snapshot!(exported(&changed, Format::Markdown), @"
    # Incident report: session `20260501-100000-abcdef`

    > **THE RECORD WAS CHANGED AFTERWARDS: line 7 of the file is not the one that was written. Do not rely on what follows.**

    - Cluster: `minikube`
    - Namespace: `todo`
    - Started: `2026-05-01T10:00:00Z`
    - Last entry: `unknown`
    - Recorded by: `todo-agent 0.1.0`

    Times are UTC. Secrets were masked when this was recorded.

    ## What was said and done
    ");
    let html = exported(&changed, Format::Html);
    assert!(html.contains("<p class=\"record changed\">THE RECORD WAS CHANGED AFTERWARDS: line 7 "), "{html}");
    let torn = exported(&recorded(vec![], Chain::Torn), Format::Markdown);
    assert!(torn.contains("- Record: The record is whole up to its last line"), "{torn}");
}

#[test]
fn a_conversation_with_a_model() {
    let at = "2026-05-01T10:00:05Z";
    let events = vec![
        json!({"event": "sentence", "at": at, "text": "why is backend down?"}),
        json!({"event": "model", "at": at, "text": "I look at its log.", "calls": [{"id": "1", "tool": "logs", "args": {"workload": "backend"}}]}),
        json!({"event": "tool_call", "at": at, "tool": "logs", "args": {"workload": "backend"}}),
        json!({"event": "tool_result", "at": at, "call_id": "1", "tool": "logs", "achieved": true, "output": {"lines": ["```", "# boom"]}}),
        json!({"event": "heard", "at": at, "call_id": "1", "tool": "logs", "text": "boom"}),
        json!({"event": "model", "at": at, "text": "It says **boom**.", "calls": [], "reasoning": "clear"}),
        json!({"event": "answer", "at": at, "text": "It says **boom**.", "understood": [], "ledger": []}),
    ];
    assert_snapshot!(exported(&recorded(events, Chain::Whole), Format::Markdown), @r##"
    # Incident report: session `20260501-100000-abcdef`

    - Cluster: `minikube`
    - Namespace: `todo`
    - Started: `2026-05-01T10:00:00Z`
    - Last entry: `2026-05-01T10:00:05Z`
    - Recorded by: `todo-agent 0.1.0`
    - Record: The record is whole: every line fits the one after it.

    Times are UTC. Secrets were masked when this was recorded.

    ## What was said and done

    ### 10:00:05 The person

    ```text
    why is backend down?
    ```

    ### 10:00:05 The agent

    ```text
    I look at its log.
    ```

    ```text
    calls logs
    ```

    ### 10:00:05 Call of `logs`

    ```text
    {
      "workload": "backend"
    }
    ```

    ### 10:00:05 Result of `logs`

    ````text
    {
      "lines": [
        "```",
        "# boom"
      ]
    }
    ````

    ### 10:00:05 The agent

    ```text
    It says **boom**.
    ```

    ```text
    reasoning:
    clear
    ```

    ### 10:00:05 The answer

    ```text
    Changes in this turn: none
    ```
    "##);
}

#[test]
fn a_secret_that_is_in_a_record_all_the_same_is_masked() {
    let events = vec![json!({"event": "text", "at": "2026-05-01T10:00:05Z", "text": "password=hunter22"})];
    for format in [Format::Markdown, Format::Html] {
        assert!(!exported(&recorded(events.clone(), Chain::Whole), format).contains("hunter22"));
    }
}

#[test]
fn the_format_follows_the_files_name() {
    for (name, format) in [
        ("a.md", Some(Format::Markdown)),
        ("a.HTML", Some(Format::Html)),
        ("b/a.htm", Some(Format::Html)),
        ("a.txt", None),
        ("html", None),
    ] {
        assert_eq!(Format::of_file(Path::new(name)), format, "{name}");
    }
}
