//! Questions and answers on a scripted terminal.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use todo_agent_core::{
    ChangeView, Risk,
    view::{ClusterView, ProofView, StepView, TargetView},
};

use super::*;
use crate::terminal::progress::Drawing;

/// A terminal whose person types what the script says, and nothing after it.
#[derive(Clone, Default)]
struct Scripted {
    script: Arc<Mutex<VecDeque<Typing>>>,
    screen: Arc<Mutex<String>>,
}

impl Scripted {
    fn new(script: impl IntoIterator<Item = Typing>) -> Self {
        Self { script: Arc::new(Mutex::new(script.into_iter().collect())), screen: Arc::default() }
    }

    fn screen(&self) -> String {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).replace("\r\n", "\n")
    }
}

impl Terminal for Scripted {
    fn discard_pending(&mut self) -> io::Result<()> {
        self.write("(discards)")
    }
    fn write(&mut self, text: &str) -> io::Result<()> {
        self.screen.lock().unwrap().push_str(text);
        Ok(())
    }
    fn read_line(&mut self, prompt: &str, cancel: &CancellationToken) -> io::Result<Typing> {
        self.write(&format!("{prompt}\r\n"))?;
        if cancel.is_cancelled() {
            return Ok(Typing::Cancelled);
        }
        self.script.lock().unwrap().pop_front().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

fn typed(line: &str) -> Typing {
    Typing::Line(line.into())
}

fn view(steps: usize) -> ChangeView {
    let step = |n| StepView {
        n,
        phase: 1,
        tool: "scale".into(),
        summary: "scale".into(),
        verb: "scale".into(),
        target: TargetView {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: Some("todo".into()),
            name: "backend".into(),
        },
        outside: false,
        diff: vec![],
        proof: ProofView::Served,
        remarks: vec![],
        warnings: vec![],
        risk: Risk::Low,
        protected: None,
        digest: String::new(),
        fingerprint: String::new(),
    };
    ChangeView {
        change_id: "c-1".into(),
        cluster: ClusterView { context: "c".into(), server: "s".into(), identity: "i".into() },
        steps: (1..=steps).map(step).collect(),
        equivalent: vec![],
        undo: None,
        digest: String::new(),
    }
}

fn approver(terminal: &Scripted) -> TerminalApprover {
    let terminal = terminal.clone();
    let progress = ProgressLine::new(Box::new(io::sink()), Look::plain(80), Drawing::Lines);
    TerminalApprover::on(move || Ok(Box::new(terminal.clone())), progress, Look::plain(80), PreviewShown::OnTerminal)
}

async fn asked(terminal: &Scripted, steps: usize, names: &[String]) -> Answer {
    let view = view(steps);
    let question = ApprovalQuestion {
        view: &view,
        reason: "risk medium",
        type_names: names,
        grant_offered: false,
        cancel: &CancellationToken::new(),
    };
    approver(terminal).ask(&question).await
}

#[tokio::test]
async fn pending_input_is_discarded_before_the_question() {
    let terminal = Scripted::new([typed("y")]);
    assert_eq!(asked(&terminal, 1, &[]).await, Answer::Yes);
    assert_eq!(
        terminal.screen(),
        "Asked because: risk medium\n(discards)Apply? [y]es [n]o [e]dit [q]uit (Enter = no) \n"
    );
}

#[tokio::test]
async fn a_paste_is_asked_again_and_is_never_yes() {
    let terminal = Scripted::new([Typing::Pasted("y".into()), typed("")]);
    assert_eq!(asked(&terminal, 1, &[]).await, Answer::No(String::new()));
    let pastes = Scripted::new((0..20).map(|_| Typing::Pasted("yes".into())));
    assert_eq!(asked(&pastes, 1, &[]).await, Answer::No(String::new()));
}

#[tokio::test]
async fn ctrl_c_stops_and_a_lost_terminal_is_nobody() {
    assert_eq!(asked(&Scripted::new([Typing::Interrupted]), 1, &[]).await, Answer::Stop);
    assert_eq!(asked(&Scripted::new([]), 1, &[]).await, Answer::Nobody);
    let progress = ProgressLine::new(Box::new(io::sink()), Look::plain(80), Drawing::Lines);
    let mut nowhere = TerminalApprover::on(
        || Err(io::ErrorKind::NotFound.into()),
        progress,
        Look::plain(80),
        PreviewShown::OnTerminal,
    );
    let view = view(1);
    let question = ApprovalQuestion {
        view: &view,
        reason: "",
        type_names: &[],
        grant_offered: true,
        cancel: &CancellationToken::new(),
    };
    assert_eq!(nowhere.ask(&question).await, Answer::Nobody);
}

#[tokio::test]
async fn a_cancelled_turn_stops_the_question() {
    let terminal = Scripted::new([typed("y")]);
    let mut approver = approver(&terminal);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let view = view(1);
    let question = ApprovalQuestion { view: &view, reason: "", type_names: &[], grant_offered: false, cancel: &cancel };
    assert_eq!(approver.ask(&question).await, Answer::Stop);
}

#[tokio::test]
async fn a_protected_object_needs_its_name_and_yes_is_not_enough() {
    let names = ["coredns".to_owned(), "n".to_owned()];
    let terminal = Scripted::new([typed("y"), typed("Coredns"), typed("coredns"), typed("n")]);
    assert_eq!(asked(&terminal, 1, &names).await, Answer::Typed(names.to_vec()));
    assert_eq!(asked(&Scripted::new([typed("")]), 1, &names).await, Answer::No(String::new()));
    assert_eq!(asked(&Scripted::new([typed("q")]), 1, &names).await, Answer::Stop);
    let pasted = Scripted::new([Typing::Pasted("coredns".into()), typed("no")]);
    assert_eq!(asked(&pasted, 1, &names).await, Answer::No(String::new()));
}

#[tokio::test]
async fn editing_asks_for_a_step_and_its_arguments() {
    let terminal = Scripted::new([typed("e"), typed("2"), Typing::Pasted("{\"replicas\": 4}".into())]);
    let edit = Answer::Edit { step: 2, args: "{\"replicas\": 4}".into() };
    assert_eq!(asked(&terminal, 2, &[]).await, edit);
    let broken = Scripted::new([typed("e"), typed("replicas=4"), typed("n")]);
    assert_eq!(asked(&broken, 1, &[]).await, Answer::No(String::new()));
    assert!(broken.screen().contains("not a JSON object"), "{}", broken.screen());
}

#[tokio::test]
async fn a_preview_that_went_into_a_file_is_shown_with_the_question() {
    let terminal = Scripted::new([typed("y")]);
    let mut approver = approver(&terminal);
    approver.shown = PreviewShown::Elsewhere;
    let view = view(1);
    let question = ApprovalQuestion {
        view: &view,
        reason: "",
        type_names: &[],
        grant_offered: false,
        cancel: &CancellationToken::new(),
    };
    assert_eq!(approver.ask(&question).await, Answer::Yes);
    let screen = terminal.screen();
    let (preview, question) = screen.split_once("(discards)").unwrap();
    assert_eq!(preview, crate::terminal::render_preview(&view, 80));
    assert!(question.starts_with("Apply?"), "{screen}");
}
