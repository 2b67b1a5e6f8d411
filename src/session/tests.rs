//! A session as it is written and as it is found again.

use futures::future::BoxFuture;
use todo_agent_core::{Event, Output, Redactor};

use super::*;
use crate::ui::{Answer, Audience, Failure, Ui};

struct FixedClock(&'static str);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0.parse().unwrap()
    }

    fn sleep(&self, _duration: std::time::Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

fn state() -> (tempfile::TempDir, StateDirectory) {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDirectory::at(folder.path().join("state")).unwrap();
    (folder, state)
}

fn start(state: &StateDirectory, at: &'static str) -> Session {
    let place = Place { context: "sandbox".into(), namespace: "todo".into(), server: "in this process".into() };
    Session::start(state, Arc::new(FixedClock(at)), place).unwrap()
}

fn redactor() -> Redactor {
    Redactor::new([5; 32])
}

fn answer(ledger: &[&str]) -> Answer {
    let ledger = ledger.iter().map(|&line| line.to_owned()).collect();
    Answer { text: redactor().text("done"), understood: vec![], ledger }
}

fn file(state: &StateDirectory, session: &Session) -> PathBuf {
    state.path().join(FOLDER).join(format!("{}.jsonl", session.id()))
}

/// Returns a session of three lines after the first: a sentence, a result, an answer.
fn written(state: &StateDirectory) -> Session {
    let mut session = start(state, "2026-05-01T10:00:00Z");
    session.sentence(&redactor().text("which pods are not ready?"), Timestamp::UNIX_EPOCH).unwrap();
    let output = Output::build(&redactor(), &json!({"pods": []})).build();
    session.shown(&Shown::ToolResult { tool: "list", output: &output, audience: Audience::Person }).unwrap();
    session.shown(&Shown::Answer(&answer(&[]))).unwrap();
    session
}

#[test]
fn a_session_is_found_again() {
    let (_folder, state) = state();
    let session = written(&state);
    let listed = list(&state, 10);
    assert_eq!(
        listed,
        [Listed {
            id: session.id().into(),
            started: "2026-05-01T10:00:00Z".into(),
            context: "sandbox".into(),
            namespace: "todo".into(),
            sentence: Some("which pods are not ready?".into()),
            outcome: "answered".into(),
        }]
    );
    let recorded = open(&state, "20260501-1000").unwrap();
    assert_eq!(recorded.chain, Chain::Whole);
    let names: Vec<&str> = recorded.events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names, ["sentence", "tool_result", "answer"]);
}

#[test]
fn nothing_is_written_before_something_is_asked() {
    let (_folder, state) = state();
    let mut session = start(&state, "2026-05-01T10:00:00Z");
    let failure = Failure { code: "configuration".into(), message: redactor().text("no kubeconfig"), hints: vec![] };
    session.shown(&Shown::Error(&failure)).unwrap();
    assert!(!state.path().join(FOLDER).exists());
    let args = redactor().value(&json!({"kind": "pod"}));
    session.shown(&Shown::ToolCall { tool: "list", args: &args }).unwrap();
    session.shown(&Shown::Error(&failure)).unwrap();
    assert_eq!(list(&state, 10)[0].outcome, "error: configuration");
    assert_eq!(list(&state, 10)[0].sentence, None);
}

#[test]
fn a_changed_line_is_named() {
    let (_folder, state) = state();
    let session = written(&state);
    let path = file(&state, &session);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("not ready?", "ready?")).unwrap();
    assert_eq!(open(&state, session.id()).unwrap().chain, Chain::Broken(2));
    assert_eq!(list(&state, 10)[0].outcome, "changed afterwards, line 2");
    let without_the_second: Vec<&str> =
        text.lines().enumerate().filter(|(index, _)| *index != 1).map(|(_, line)| line).collect();
    fs::write(&path, format!("{}\n", without_the_second.join("\n"))).unwrap();
    assert_eq!(open(&state, session.id()).unwrap().chain, Chain::Broken(1));
    fs::write(&path, text.replacen("\"event\":\"session\"", "\"event\":\"Session\"", 1)).unwrap();
    assert_eq!(open(&state, session.id()).unwrap().chain, Chain::Broken(1));
}

#[test]
fn a_torn_last_line_is_tolerated() {
    let (_folder, state) = state();
    let session = written(&state);
    let path = file(&state, &session);
    let mut text = fs::read_to_string(&path).unwrap();
    text.truncate(text.len() - 20);
    fs::write(&path, text).unwrap();
    let recorded = open(&state, session.id()).unwrap();
    assert_eq!((recorded.chain, recorded.events.len()), (Chain::Torn, 2));
}

#[test]
fn a_long_result_is_cut_and_says_so() {
    let (_folder, state) = state();
    let mut session = start(&state, "2026-05-01T10:00:00Z");
    session.sentence(&redactor().text("show the log"), Timestamp::UNIX_EPOCH).unwrap();
    let output = Output::build(&redactor(), &json!({"log": "line\n".repeat(100_000)})).build();
    session.shown(&Shown::ToolResult { tool: "logs", output: &output, audience: Audience::Person }).unwrap();
    assert!(fs::metadata(file(&state, &session)).unwrap().len() < 64 * 1024);
    let recorded = open(&state, session.id()).unwrap();
    assert!(recorded.events[1]["output"]["cut_bytes"].as_u64().unwrap() > 500_000);
}

#[test]
fn old_sessions_go_when_a_new_one_is_written() {
    let (_folder, state) = state();
    let sentence = redactor().text("list pods");
    for at in ["2026-03-01T00:00:00Z", "2026-04-20T00:00:00Z", "2026-05-01T00:00:00Z"] {
        start(&state, at).sentence(&sentence, Timestamp::UNIX_EPOCH).unwrap();
    }
    let days: Vec<String> = list(&state, 10).into_iter().map(|listed| listed.started).collect();
    assert_eq!(days, ["2026-05-01T00:00:00Z", "2026-04-20T00:00:00Z"]);
    let retention = Retention { age: None, files: Some(5) };
    for _ in 0..8 {
        start(&state, "2026-05-01T00:00:01Z").keeping(retention).sentence(&sentence, Timestamp::UNIX_EPOCH).unwrap();
    }
    assert_eq!(list(&state, 1000).len(), 5);
}

#[test]
fn an_id_may_be_shortened_while_it_is_the_only_one() {
    let (_folder, state) = state();
    for at in ["2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"] {
        start(&state, at).sentence(&redactor().text("list pods"), Timestamp::UNIX_EPOCH).unwrap();
    }
    assert!(open(&state, "20260502").is_ok());
    assert_eq!(open(&state, "202605").unwrap_err().message, "2 sessions start with \"202605\"");
    assert_eq!(open(&state, "2025").unwrap_err().message, "there is no session \"2025\"");
    assert_eq!(open(&state, "../../etc/passwd").unwrap_err().code, "name");
}

#[test]
fn a_session_that_cannot_be_written_never_stops_a_turn() {
    #[derive(Default, Clone)]
    struct Told(Arc<std::sync::Mutex<Vec<String>>>);
    impl Ui for Told {
        fn show(&mut self, _shown: &Shown<'_>) -> io::Result<()> {
            self.0.lock().unwrap().push("shown".into());
            Ok(())
        }
        fn progress(&mut self, event: &Event) {
            if let Event::Warning(text) = event {
                self.0.lock().unwrap().push((**text).clone());
            }
        }
    }
    let (_folder, state) = state();
    fs::write(state.path().join(FOLDER), "a file where the folder would be").unwrap();
    let told = Told::default();
    let session = start(&state, "2026-05-01T10:00:00Z");
    let mut recording = Recording::new(Box::new(told.clone()), Some(session), Arc::new(redactor()));
    recording.sentence(&redactor().text("list pods"), Timestamp::UNIX_EPOCH);
    recording.sentence(&redactor().text("list services"), Timestamp::UNIX_EPOCH);
    recording.show(&Shown::Answer(&answer(&[]))).unwrap();
    let told = told.0.lock().unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("this session is not recorded: "), "{told:?}");
}

#[test]
fn what_is_named_is_removed_all_or_not_at_all() {
    let (_folder, state) = state();
    for at in ["2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z", "2026-05-03T00:00:00Z"] {
        start(&state, at).sentence(&redactor().text("list pods"), Timestamp::UNIX_EPOCH).unwrap();
    }
    let starts = |starts: &[&str]| starts.iter().map(|&start| start.to_owned()).collect::<Vec<_>>();
    assert_eq!(find(&state, &starts(&["20260501", "2025"])).unwrap_err().message, "there is no session \"2025\"");
    assert_eq!(find(&state, &starts(&["202605"])).unwrap_err().message, "3 sessions start with \"202605\"");
    assert!(find(&state, &starts(&["", "../20260501"])).is_err());
    let found = find(&state, &starts(&["20260501", "20260503", "20260501"])).unwrap();
    remove(&state, &found).unwrap();
    let days: Vec<String> = list(&state, 10).into_iter().map(|listed| listed.started).collect();
    assert_eq!(days, ["2026-05-02T00:00:00Z"]);
}

#[test]
fn beyond_age_or_number_sessions_are_not_kept() {
    let (_folder, state) = state();
    let retention = Retention { age: None, files: None };
    for at in ["2026-01-01T00:00:00Z", "2026-04-20T00:00:00Z", "2026-05-01T00:00:00Z"] {
        start(&state, at).keeping(retention).sentence(&redactor().text("list pods"), Timestamp::UNIX_EPOCH).unwrap();
    }
    let days = |retention| -> Vec<String> {
        let now = "2026-05-02T00:00:00Z".parse().unwrap();
        beyond(&state, now, retention).into_iter().map(|listed| listed.started[..10].to_owned()).collect()
    };
    assert_eq!(days(Retention::default()), ["2026-01-01"]);
    assert_eq!(days(Retention { age: None, files: Some(1) }), ["2026-04-20", "2026-01-01"]);
    assert_eq!(
        days(Retention { age: Some(jiff::SignedDuration::from_hours(30)), files: None }),
        ["2026-04-20", "2026-01-01"]
    );
    assert_eq!(days(retention), Vec::<String>::new());
}
