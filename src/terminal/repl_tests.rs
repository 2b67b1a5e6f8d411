//! Sessions with a scripted person and a conversation that only notes what it was asked.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering},
};

use super::*;
use crate::terminal::style::{Color, Glyphs};

struct Script {
    lines: VecDeque<Typed>,
    remembered: Arc<std::sync::Mutex<Vec<String>>>,
}

impl LineSource for Script {
    async fn line(&mut self, _: Prompt) -> Typed {
        // Once round the scheduler, so that names are fetched meanwhile.
        tokio::task::yield_now().await;
        self.lines.pop_front().unwrap_or(Typed::Ended)
    }
    fn remember(&mut self, line: &str) {
        self.remembered.lock().unwrap().push(line.to_owned());
    }
}

/// A person who presses Ctrl-C this often while a turn runs.
struct Presses {
    left: usize,
    in_turn: Arc<AtomicBool>,
}

impl Interrupts for Presses {
    async fn next(&mut self) {
        while self.left == 0 || !self.in_turn.load(Ordering::Relaxed) {
            if self.left == 0 {
                std::future::pending::<()>().await;
            }
            tokio::task::yield_now().await;
        }
        self.left -= 1;
    }
    fn forget_earlier(&mut self) {}
}

#[derive(Default)]
struct Noted {
    did: Vec<String>,
    shown: Vec<String>,
    namespace: String,
    in_turn: Arc<AtomicBool>,
}

impl Conversation for Noted {
    async fn turn(&mut self, sentence: &str, cancel: CancellationToken) -> io::Result<Exit> {
        match sentence {
            "wait" => {
                self.in_turn.store(true, Ordering::Relaxed);
                cancel.cancelled().await;
                self.in_turn.store(false, Ordering::Relaxed);
                self.did.push("cancelled".into());
                Ok(Exit::Interrupted)
            }
            "hang" => {
                self.in_turn.store(true, Ordering::Relaxed);
                std::future::pending().await
            }
            _ => {
                self.did.push(sentence.to_owned());
                Ok(Exit::NotAchieved)
            }
        }
    }
    async fn undo(&mut self, change_id: Option<&str>, _: CancellationToken) -> io::Result<Exit> {
        self.did.push(format!("undo {change_id:?}"));
        Ok(Exit::Done)
    }
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()> {
        self.shown.push(match shown {
            Shown::Text(text) => text.to_string(),
            Shown::Error(failure) => format!("error: {} ({})", failure.message, failure.hints[0]),
            other => format!("{other:?}"),
        });
        Ok(())
    }
    fn place(&self) -> Place {
        Place { context: "minikube".into(), namespace: self.namespace.clone(), server: String::new() }
    }
    fn contexts(&self) -> Vec<String> {
        vec!["kind-dev".into(), "minikube".into()]
    }
    async fn switch_context(&mut self, name: &str) -> Result<(), Failure> {
        self.did.push(format!("context {name}"));
        Ok(())
    }
    async fn switch_namespace(&mut self, name: &str) -> Result<(), Failure> {
        self.namespace = name.to_owned();
        Ok(())
    }
    fn model(&self) -> String {
        "a small one".into()
    }
    fn switch_model(&mut self, name: &str) -> Result<(), Failure> {
        self.did.push(format!("model {name}"));
        Ok(())
    }
    fn cost(&self) -> String {
        "nothing".into()
    }
    async fn compact(&mut self, _: CancellationToken) -> io::Result<Exit> {
        self.did.push("compact".into());
        Ok(Exit::Done)
    }
    fn policy(&self) -> String {
        "ask".into()
    }
    fn export(&mut self, file: Option<&str>) -> Result<String, Failure> {
        Ok(format!("exported to {file:?}"))
    }
    fn session_id(&self) -> Option<String> {
        Some("s-1".into())
    }
    fn tools(&self) -> Vec<ToolLine> {
        let tool = |name: &str, effect| ToolLine { name: name.into(), summary: format!("{name}s"), effect };
        vec![tool("list", ToolEffect::Reads), tool("scale", ToolEffect::Writes)]
    }
    async fn names(&mut self) -> Names {
        Names { entries: vec![], namespaces: vec!["shop".into(), "todo".into()] }
    }
}

struct Ended {
    exit: Exit,
    noted: Noted,
    remembered: Vec<String>,
    vocabulary: SharedVocabulary,
}

async fn session(lines: Vec<Typed>, presses: usize) -> Ended {
    let mut noted = Noted { namespace: "todo".into(), ..Noted::default() };
    let in_turn = Arc::clone(&noted.in_turn);
    let remembered = Arc::default();
    let vocabulary = SharedVocabulary::default();
    let repl = Repl {
        conversation: &mut noted,
        lines: Script { lines: lines.into(), remembered: Arc::clone(&remembered) },
        interrupts: Presses { left: presses, in_turn },
        vocabulary: vocabulary.clone(),
        setup: ReplSetup { history: None, look: Look::plain(80), redactor: Arc::new(Redactor::new([1; 32])) },
    };
    let exit = repl.run().await.unwrap();
    let remembered = std::mem::take(&mut *remembered.lock().unwrap());
    Ended { exit, noted, remembered, vocabulary }
}

fn lines(lines: &[&str]) -> Vec<Typed> {
    lines.iter().map(|&line| Typed::Line(line.into())).collect()
}

#[tokio::test]
async fn sentences_are_turns_and_a_turn_that_fails_does_not_end_the_session() {
    let ended = session(lines(&["list pods", "", "scale backend to 3"]), 0).await;
    assert_eq!(ended.noted.did, ["list pods", "scale backend to 3"]);
    assert_eq!(ended.exit, Exit::Done);
}

#[tokio::test]
async fn commands_act_on_the_session() {
    let input = ["/undo c-1", "/context kind-dev", "/namespace shop", "/namespace", "/session", "/tools", "/quit", "x"];
    let ended = session(lines(&input), 0).await;
    assert_eq!(ended.noted.did, ["undo Some(\"c-1\")", "context kind-dev"]);
    let tools = "list   lists\nscale  scales (changes the cluster, asks first)";
    assert_eq!(ended.noted.shown[1..], ["* shop\n  todo", "session s-1", tools]);
}

#[tokio::test]
async fn an_unknown_command_is_an_error_with_the_nearest_and_no_turn() {
    let ended = session(lines(&["/undoo"]), 0).await;
    assert!(ended.noted.did.is_empty());
    assert_eq!(ended.noted.shown[1], "error: there is no command /undoo (did you mean /undo?)");
}

#[tokio::test]
async fn what_holds_a_secret_is_not_remembered() {
    let ended = session(lines(&["list pods", "set DB_PASSWORD=hunter22 on backend"]), 0).await;
    assert_eq!(ended.remembered, ["list pods"]);
}

#[tokio::test]
async fn ctrl_c_cancels_the_turn_only_and_twice_leaves() {
    let ended = session(lines(&["wait", "list pods"]), 1).await;
    assert_eq!(ended.noted.did, ["cancelled", "list pods"]);
    let ended = session(lines(&["hang", "list pods"]), 2).await;
    assert!(ended.noted.did.is_empty());
    assert_eq!(ended.exit, Exit::Interrupted);
}

#[tokio::test]
async fn ctrl_c_at_the_prompt_clears_the_line_and_twice_in_a_row_leaves() {
    let once = vec![Typed::Interrupted, Typed::Line("list pods".into()), Typed::Interrupted];
    assert_eq!(session(once, 0).await.noted.did, ["list pods"]);
    let twice = vec![Typed::Interrupted, Typed::Interrupted, Typed::Line("list pods".into())];
    assert!(session(twice, 0).await.noted.did.is_empty());
}

#[tokio::test]
async fn names_are_fetched_while_the_person_types() {
    let ended = session(lines(&["list pods"]), 0).await;
    assert_eq!(ended.vocabulary.complete("/namespace s", 12).1, ["shop"]);
}

#[test]
fn the_prompt_shows_where_one_stands() {
    let place = |context: &str| Place { context: context.into(), namespace: "todo".into(), server: String::new() };
    let look = Look { width: 80, color: Color::Off, glyphs: Glyphs::Ascii };
    assert_eq!(prompt(&place("minikube"), Look::plain(80)).plain, "minikube/todo ❯ ");
    assert_eq!(prompt(&place("minikube"), look).plain, "minikube/todo > ");
    assert_eq!(prompt(&place("a-rather-long-context"), Look::plain(40)).plain, "a-rather-long-context/todo\n❯ ");
    assert_eq!(prompt(&place("x\u{1b}[2J"), Look::plain(80)).plain, "x\\u{1b}[2J/todo ❯ ");
    let colored = Look { color: Color::On, ..Look::plain(80) };
    assert!(prompt(&place("minikube"), colored).styled.contains("\u{1b}[36mminikube/todo"));
}
