//! The grammar as a table: what each command line means.

use serde_json::json;
use todo_agent_cluster::policy::Yes;
use todo_agent_core::Call;
use todo_agent_tools::diagnosis::Severity;

use super::*;
use crate::commands::diagnose::{self, Diagnosing, Gaps, Reach};
use crate::options::{Changes, Command, Form, Health, Options, OutputForm, PlanSource, Report, Request, RunScript};

fn read(words: &[&str]) -> Invocation {
    read_with(words, Input::Terminal)
}

fn read_with(words: &[&str], input: Input) -> Invocation {
    match parse(["todo-agent"].iter().chain(words).map(OsString::from), input) {
        Parsed::Run(invocation) => *invocation,
        other => panic!("{words:?}: {other:?}"),
    }
}

fn refusal(words: &[&str]) -> String {
    match parse(["todo-agent"].iter().chain(words).map(OsString::from), Input::Terminal) {
        Parsed::Refused { text, .. } => text,
        other => panic!("{words:?}: {other:?}"),
    }
}

/// What a diagnosis is without any flag.
fn all() -> Diagnosing {
    Diagnosing::default()
}

fn sentence(text: &str) -> Command {
    Command::Sentence(text.to_owned())
}

#[test]
fn the_definition_is_sound() {
    command().debug_assert();
}

#[test]
fn what_words_mean() {
    let scale = Call::new("scale", json!({"workload": "backend", "replicas": 3}));
    let arguments = r#"{"workload": "backend", "replicas": 3}"#;
    let table: &[(&[&str], Command)] = &[
        (&["scale backend to 3"], sentence("scale backend to 3")),
        (&["scale", "backend", "to", "3"], sentence("scale backend to 3")),
        (&["scale", "backend", "to", "-1"], sentence("scale backend to -1")),
        (&["show me the tools"], sentence("show me the tools")),
        (&["show", "me", "the", "tools"], sentence("show me the tools")),
        (&["undo that"], sentence("undo that")),
        (&["plan ahead"], sentence("plan ahead")),
        (&["--", "undo", "that"], sentence("undo that")),
        (&["pods"], sentence("pods")),
        (&[""], sentence("")),
        (&[], Command::Talk),
        (&["undo"], Command::Undo(None)),
        (&["undo", "c-7k2m9q"], Command::Undo(Some("c-7k2m9q".into()))),
        (&["call", "scale", arguments], Command::Call(scale.clone())),
        (&["plan", "scale backend to 3"], plan(Request::Sentence("scale backend to 3".into()))),
        (&["plan", "scale", "backend", "to", "3"], plan(Request::Sentence("scale backend to 3".into()))),
        (&["plan", "call", "scale", arguments], plan(Request::Call(scale))),
        (&["diagnose"], Command::Diagnose(Diagnosing::default())),
        (&["diagnose", "backend"], Command::Diagnose(Diagnosing { target: Some("backend".into()), ..all() })),
        (&["diagnose", "-A"], Command::Diagnose(Diagnosing { reach: Reach::Everywhere, ..all() })),
        (
            &["diagnose", "--fail-on", "warning", "--strict"],
            Command::Diagnose(Diagnosing { fail_on: Some(Severity::Warning), gaps: Gaps::Incomplete, ..all() }),
        ),
        (
            &["diagnose", "--junit", "--from", "dump"],
            Command::Diagnose(Diagnosing { form: diagnose::Form::Junit, from: Some("dump".into()), ..all() }),
        ),
        (&["diagnose the backend"], sentence("diagnose the backend")),
        (&["health"], Command::Health(Health::OfNamespace)),
        (&["health", "-A"], Command::Health(Health::OfCluster)),
        (&["approve", "p-4n8x2c"], Command::Approve(PlanSource::Id("p-4n8x2c".into()))),
        (&["approve", "./plan.json"], Command::Approve(PlanSource::File("./plan.json".into()))),
        (&["approve", "plan.json"], Command::Approve(PlanSource::File("plan.json".into()))),
        (&["run", "smoke.yaml"], script("smoke.yaml", &[])),
        (
            &["run", "--report", "junit=a.xml", "smoke.yaml", "--report=html=b=c.html"],
            script("smoke.yaml", &[(Form::Junit, "a.xml"), (Form::Html, "b=c.html")]),
        ),
        (&["run the pods"], sentence("run the pods")),
        (&["sessions", "list"], Command::SessionsList),
        (&["sessions", "show", "2026"], Command::SessionsShow("2026".into())),
        (&["replay", "a/session.jsonl"], Command::Replay("a/session.jsonl".into())),
        (&["tools"], Command::Tools(None)),
        (&["tools", "scale"], Command::Tools(Some("scale".into()))),
        (&["config"], Command::Config),
        (&["doctor"], Command::Doctor),
        (&["--model-check"], Command::ModelCheck),
        (&["completions", "bash"], Command::Completions(clap_complete::Shell::Bash)),
    ];
    for (words, command) in table {
        assert_eq!(read(words).command, *command, "{words:?}");
    }
    assert_eq!(read_with(&[], Input::Piped).command, Command::Lines);
    assert_eq!(read_with(&["why?"], Input::Piped).command, sentence("why?"));
}

fn script(file: &str, reports: &[(Form, &str)]) -> Command {
    let report = |(form, file): &(Form, &str)| Report { form: *form, file: PathBuf::from(file) };
    Command::Run(RunScript { file: PathBuf::from(file), reports: reports.iter().map(report).collect() })
}

fn plan(request: Request) -> Command {
    Command::Plan { request, out: None }
}

#[test]
fn flags_may_stand_before_and_after_the_words() {
    let expected = Options {
        sandbox: Some("todo".into()),
        yes: Yes::Medium,
        namespace: Some("shop".into()),
        ..Options::default()
    };
    for words in [
        ["--sandbox", "--yes", "-n", "shop", "scale backend to 3"],
        ["scale backend to 3", "--sandbox", "--yes", "-n", "shop"],
        ["--sandbox", "scale backend to 3", "-n", "shop", "--yes"],
    ] {
        let read = read(&words);
        assert_eq!(read.command, sentence("scale backend to 3"), "{words:?}");
        assert_eq!(read.options, expected, "{words:?}");
    }
    assert_eq!(read(&["undo", "--yes"]).options.yes, Yes::Medium);
    assert_eq!(read(&["--yes", "undo"]).command, Command::Undo(None));
}

#[test]
fn values_are_attached_with_an_equals_sign_where_the_value_may_be_missing() {
    let read = read(&["--yes=high", "--sandbox=empty", "--timeout", "1m30s", "list pods"]);
    assert_eq!(read.options.yes, Yes::High);
    assert_eq!(read.options.sandbox.as_deref(), Some("empty"));
    assert_eq!(read.options.timeout, Some(std::time::Duration::from_secs(90)));
}

#[test]
fn one_flag_decides_whether_changes_are_made() {
    assert_eq!(read(&["x y", "--dry-run"]).options.changes, Changes::Previewed);
    assert_eq!(read(&["x y", "--read-only"]).options.changes, Changes::Refused);
    assert_eq!(read(&["x y", "--json"]).options.output, OutputForm::Json);
    assert!(refusal(&["x y", "--dry-run", "--read-only"]).contains("cannot be used with"));
}

#[test]
fn the_model_is_named_by_flags() {
    let words = ["x y", "--llm-provider", "ollama", "--model", "qwen3", "--base-url", "http://gpu:11434/v1"];
    let model = read(&words).options.model;
    assert_eq!(model.provider.as_deref(), Some("ollama"));
    assert_eq!(model.model.as_deref(), Some("qwen3"));
    assert_eq!(model.base_url.as_deref(), Some("http://gpu:11434/v1"));
    assert_eq!(read(&["x y", "--provider", "ollama"]).options.model.provider.as_deref(), Some("ollama"));
}

#[test]
fn serving_a_sandbox_takes_either_name_of_the_kubeconfig_flag() {
    for flag in ["--write-kubeconfig", "--kubeconfig-out"] {
        let words =
            ["sandbox", "serve", flag, "kube.yaml", "--world", "empty", "--speed", "20", "--sandbox-log", "log"];
        let read = read(&words);
        let Command::SandboxServe(serve) = read.command else { panic!("{:?}", read.command) };
        assert_eq!(serve.world, "empty");
        assert_eq!(serve.port, 0);
        assert!((serve.speed - 20.0).abs() < f64::EPSILON);
        assert_eq!(serve.kubeconfig, PathBuf::from("kube.yaml"));
        assert_eq!(read.options.sandbox_log, Some(PathBuf::from("log")));
    }
}

#[test]
fn a_mistyped_command_is_not_taken_for_a_sentence() {
    assert_eq!(
        refusal(&["docter"]),
        "error: there is no command \"docter\"\nhint: did you mean todo-agent doctor?\n\
         hint: a sentence has more than one word\n"
    );
}

#[test]
fn what_cannot_be_meant_says_what_would_be_right() {
    let table: &[(&[&str], &[&str])] = &[
        (&["undo", "that"], &["\"that\" is not the id of a change", "in quotes"]),
        (&["undo", "the", "last", "change"], &["todo-agent \"undo the last change\""]),
        (&["tools", "for", "backups"], &["todo-agent \"tools for backups\""]),
        (&["call", "scale", "{replicas: 3}"], &["not JSON", "line 1 column 2", "todo-agent tools scale"]),
        (&["call", "scale", "3"], &["must be a JSON object"]),
        (&["plan", "call", "scale"], &["plan call takes a tool"]),
        (&["x y", "--timeout", "soon"], &["\"soon\" is not a duration", "90s"]),
        (&["x y", "--timeout", "0"], &["is not a duration"]),
        (&["x y", "--timeout", "-5s"], &["\"-5s\" is not a duration"]),
        (&["x y", "--yes=all"], &["invalid value 'all'", "medium, high"]),
        (&["x y", "--sandbox="], &["needs a world"]),
        (&["x y", "--sandbox", "--context", "prod"], &["cannot be used with"]),
        (&["x y", "--namespace", ""], &["--namespace needs a name"]),
        (&["x y", "--contxt", "prod"], &["--context"]),
        (&["--json"], &["--json needs a sentence or a command"]),
        (&["list pods", "--model-check"], &["--model-check stands alone"]),
        (&["--model-check", "doctor"], &["--model-check stands alone"]),
        (&["x y", "--model", ""], &["--model needs a name"]),
        (&["sandbox", "serve"], &["--write-kubeconfig"]),
        (&["sandbox", "serve", "--write-kubeconfig", "f", "--speed", "0"], &["--speed must be more than 0"]),
        (&["sandbox", "serve", "--write-kubeconfig", "f", "--port", "70000"], &["--port"]),
        (&["completions", "klingon"], &["invalid value 'klingon'"]),
    ];
    for (words, parts) in table {
        let text = refusal(words);
        for part in *parts {
            assert!(text.contains(part), "{words:?} lacks {part:?}:\n{text}");
        }
    }
}

#[test]
fn help_and_version_are_printed() {
    let print = |words: &[&str]| match parse(["todo-agent"].iter().chain(words).map(OsString::from), Input::Terminal) {
        Parsed::Print(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(print(&["--version"]), format!("todo-agent {}\n", env!("CARGO_PKG_VERSION")));
    let help = print(&["--help"]);
    for word in ["scale backend to 3", "--sandbox", "undo", "doctor", "Exit codes"] {
        assert!(help.contains(word), "{word}:\n{help}");
    }
    assert!(print(&["sandbox", "serve", "--help"]).contains("--write-kubeconfig"));
}

#[cfg(unix)]
#[test]
fn a_sentence_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStringExt;
    let words = ["todo-agent".into(), OsString::from_vec(vec![b's', 0xff, b' ', b'x'])];
    let Parsed::Refused { text, .. } = parse(words, Input::Terminal) else { panic!("must be refused") };
    assert!(text.contains("not valid UTF-8"), "{text}");
}

#[test]
fn a_refusal_is_data_too() {
    let refused = |words: &[&str]| match parse(["todo-agent"].iter().chain(words).map(OsString::from), Input::Terminal)
    {
        Parsed::Refused { problem, .. } => (problem.message, problem.hints),
        other => panic!("{other:?}"),
    };
    let (message, hints) = refused(&["x y", "--contxt", "prod"]);
    assert_eq!(message, "unexpected argument '--contxt' found");
    assert_eq!(hints, ["a similar argument exists: '--context'"]);
    let (message, hints) = refused(&["undo", "that", "change"]);
    assert_eq!(message, "unexpected argument 'change' found");
    assert_eq!(hints, ["if you meant a sentence, put it in quotes: todo-agent \"undo that change\""]);
}
