//! Asks a person on the controlling terminal. The preview is on the screen already; this prints the
//! question and reads the answer.
//!
//! It never answers by itself: no terminal is [`Answer::Nobody`], what cannot be read is never yes, and
//! neither type-ahead nor a paste answers.

use std::{
    io::{self, IsTerminal},
    sync::Arc,
};

use futures::future::BoxFuture;
use todo_agent_core::{
    approval::{Answer, ApprovalQuestion, Approver},
    text::{self, Lines},
};
use tokio_util::sync::CancellationToken;

use super::{
    answer::{self, Grant, Offer, Reply},
    page::Page,
    preview::preview_page,
    progress::ProgressLine,
    style::{Look, Role},
    tty::{ControllingTerminal, Terminal, Typing},
};

/// How often an answer may be misunderstood before it counts as no.
const PATIENCE: usize = 5;

type Open = dyn Fn() -> io::Result<Box<dyn Terminal>> + Send + Sync;

/// Where the preview was shown before the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PreviewShown {
    /// On the terminal.
    OnTerminal,
    /// Elsewhere, such as in a file: it is shown again with the question.
    Elsewhere,
}

/// Asks on the controlling terminal.
pub struct TerminalApprover {
    open: Arc<Open>,
    progress: ProgressLine,
    look: Look,
    shown: PreviewShown,
}

impl TerminalApprover {
    /// Returns an approver that keeps the progress line away while it asks.
    pub fn new(progress: ProgressLine, look: Look) -> Self {
        // A person must not be asked about what went into a file.
        let shown = if io::stderr().is_terminal() { PreviewShown::OnTerminal } else { PreviewShown::Elsewhere };
        Self::on(|| Ok(Box::new(ControllingTerminal::open()?)), progress, look, shown)
    }

    /// Returns an approver that asks on the terminal `open` returns; an error means that nobody is there.
    pub fn on(
        open: impl Fn() -> io::Result<Box<dyn Terminal>> + Send + Sync + 'static,
        progress: ProgressLine,
        look: Look,
        shown: PreviewShown,
    ) -> Self {
        Self { open: Arc::new(open), progress, look, shown }
    }
}

impl Approver for TerminalApprover {
    fn ask<'a>(&'a mut self, question: &'a ApprovalQuestion<'a>) -> BoxFuture<'a, Answer> {
        let cancel = question.cancel.child_token();
        let question = Question::new(question, self.look, self.shown);
        let open = Arc::clone(&self.open);
        let hold = self.progress.hold();
        Box::pin(async move {
            // When the turn is dropped, the reading thread must let go of the terminal.
            let _let_go = cancel.clone().drop_guard();
            let asked = cancel.clone();
            let mut reading = tokio::task::spawn_blocking(move || match open() {
                Ok(mut terminal) => question.ask(&mut *terminal, &asked),
                Err(_) => Answer::Nobody,
            });
            let answer = tokio::select! {
                answer = &mut reading => answer,
                // Ctrl-C is a key while it is asked; this is a signal from elsewhere. The terminal gets its
                // settings back before anybody may end the process.
                _ = tokio::signal::ctrl_c() => {
                    cancel.cancel();
                    reading.await.and(Ok(Answer::Stop))
                }
            };
            drop(hold);
            answer.unwrap_or(Answer::Stop)
        })
    }
}

impl std::fmt::Debug for TerminalApprover {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TerminalApprover").field("look", &self.look).finish_non_exhaustive()
    }
}

/// What is asked, free of borrows so that a thread can ask it.
struct Question {
    offer: Offer,
    reason: String,
    names: Vec<String>,
    preview: Option<String>,
    look: Look,
    /// The turn that asks; Ctrl-C at the question ends it like Ctrl-C at any other time.
    turn: CancellationToken,
}

impl Question {
    fn new(question: &ApprovalQuestion<'_>, look: Look, shown: PreviewShown) -> Self {
        Self {
            offer: Offer {
                steps: question.view.steps.iter().map(|step| step.n).collect(),
                grant: if question.grant_offered { Grant::Offered } else { Grant::Withheld },
            },
            reason: text::visible(question.reason, Lines::Escape),
            names: question.type_names.to_vec(),
            preview: match shown {
                PreviewShown::OnTerminal => None,
                PreviewShown::Elsewhere => Some(preview_page(question.view, look.width).show(look)),
            },
            look,
            turn: question.cancel.clone(),
        }
    }

    fn interrupted(&self) -> Answer {
        self.turn.cancel();
        Answer::Stop
    }

    fn ask(&self, terminal: &mut dyn Terminal, cancel: &CancellationToken) -> Answer {
        let asked =
            if self.names.is_empty() { self.ask_yes_or_no(terminal, cancel) } else { self.ask_names(terminal, cancel) };
        // A terminal that fails in the middle leaves nobody to answer.
        asked.unwrap_or(Answer::Nobody)
    }

    fn ask_yes_or_no(&self, terminal: &mut dyn Terminal, cancel: &CancellationToken) -> io::Result<Answer> {
        self.begin(terminal)?;
        for _ in 0..PATIENCE {
            let line =
                match terminal.read_line(&self.strong(&answer::question(&self.offer, self.look.width)), cancel)? {
                    Typing::Line(line) => line,
                    Typing::Pasted(_) => {
                        self.say(terminal, Role::Warn, "pasted text is not an answer; please type it")?;
                        continue;
                    }
                    Typing::Interrupted | Typing::Cancelled => return Ok(self.interrupted()),
                    Typing::Ended => return Ok(Answer::No(String::new())),
                };
            match answer::read_reply(&line, &self.offer) {
                Reply::Answer(answer) => return Ok(answer),
                Reply::Edit { step } => {
                    if let Some(answer) = self.edit(step, terminal, cancel)? {
                        return Ok(answer);
                    }
                }
                Reply::Help => {
                    for line in answer::help(&self.offer) {
                        self.say(terminal, Role::Plain, line)?;
                    }
                }
                Reply::Unclear(why) => self.say(terminal, Role::Warn, &why)?,
            }
        }
        self.say(terminal, Role::Warn, "not understood; taken as no")?;
        Ok(Answer::No(String::new()))
    }

    /// Asks for each protected object's name.
    fn ask_names(&self, terminal: &mut dyn Terminal, cancel: &CancellationToken) -> io::Result<Answer> {
        self.begin(terminal)?;
        let mut typed = Vec::new();
        let mut misses = 0;
        while let Some(name) = self.names.get(typed.len()) {
            let shown = text::visible(name, Lines::Escape);
            let prompt = format!("Type \"{shown}\" to apply, [q]uit (Enter = no) ");
            let line = match terminal.read_line(&self.strong(&prompt), cancel)? {
                Typing::Line(line) => line,
                Typing::Pasted(_) => {
                    self.say(terminal, Role::Warn, "pasted text is not an answer; please type the name")?;
                    misses += 1;
                    if misses < PATIENCE {
                        continue;
                    }
                    return Ok(Answer::No(String::new()));
                }
                Typing::Interrupted | Typing::Cancelled => return Ok(self.interrupted()),
                Typing::Ended => return Ok(Answer::No(String::new())),
            };
            // The name comes first: an object may be called "n".
            if answer::is_name(&line, name) {
                typed.push(name.clone());
                continue;
            }
            match answer::read_reply(&line, &self.offer) {
                Reply::Answer(answer @ (Answer::No(_) | Answer::Stop)) => return Ok(answer),
                _ => self.say(terminal, Role::Warn, "that is not the name")?,
            }
            misses += 1;
            if misses >= PATIENCE {
                return Ok(Answer::No("the name was not typed".into()));
            }
        }
        Ok(Answer::Typed(typed))
    }

    /// Asks for a step's new arguments; nothing typed goes back to the question.
    fn edit(
        &self,
        step: Option<usize>,
        terminal: &mut dyn Terminal,
        cancel: &CancellationToken,
    ) -> io::Result<Option<Answer>> {
        let step = match step {
            Some(step) => step,
            None => match terminal.read_line(&self.strong("Which step? "), cancel)? {
                Typing::Line(line) | Typing::Pasted(line) => match line.trim().parse() {
                    Ok(step) if self.offer.steps.contains(&step) => step,
                    _ => {
                        self.say(terminal, Role::Warn, "there is no such step")?;
                        return Ok(None);
                    }
                },
                Typing::Interrupted | Typing::Cancelled => return Ok(Some(self.interrupted())),
                Typing::Ended => return Ok(None),
            },
        };
        let prompt = format!("New arguments for step {step}, as JSON: ");
        // A paste is welcome here: it answers nothing, the edited change is shown and asked again.
        match terminal.read_line(&self.strong(&prompt), cancel)? {
            Typing::Line(args) | Typing::Pasted(args) if args.trim().is_empty() => Ok(None),
            Typing::Line(args) | Typing::Pasted(args) => {
                match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&args) {
                    Ok(_) => Ok(Some(Answer::Edit { step, args: args.trim().to_owned() })),
                    Err(error) => {
                        self.say(terminal, Role::Warn, &format!("not a JSON object: {error}"))?;
                        Ok(None)
                    }
                }
            }
            Typing::Interrupted | Typing::Cancelled => Ok(Some(self.interrupted())),
            Typing::Ended => Ok(None),
        }
    }

    fn begin(&self, terminal: &mut dyn Terminal) -> io::Result<()> {
        if let Some(preview) = &self.preview {
            terminal.write(&preview.replace('\n', "\r\n"))?;
        }
        if !self.reason.is_empty() {
            self.say(terminal, Role::Plain, &format!("Asked because: {}", self.reason))?;
        }
        terminal.discard_pending()
    }

    fn say(&self, terminal: &mut dyn Terminal, role: Role, text: &str) -> io::Result<()> {
        let mut page = Page::new(self.look.width);
        page.add_paragraph(role, text);
        terminal.write(&page.show(self.look).replace('\n', "\r\n"))
    }

    fn strong(&self, prompt: &str) -> String {
        self.look.paint(Role::Strong, prompt)
    }
}

#[cfg(test)]
#[path = "approver_tests.rs"]
mod tests;
