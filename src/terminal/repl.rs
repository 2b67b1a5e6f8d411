//! The interactive session: prompt, commands, turns, Ctrl-C.
//!
//! It runs one turn after the other on whatever implements [`Conversation`]. Ctrl-C in a turn cancels that
//! turn, a second one leaves the program; at the prompt it clears the line, twice leaves. What holds a
//! secret is not remembered.

use std::{io, path::PathBuf, sync::Arc};

use todo_agent_core::{
    Names, Redactor,
    text::{self, Lines},
};
use tokio_util::sync::CancellationToken;

use super::{
    completion::{SharedVocabulary, Vocabulary},
    interrupt::{Interrupts, SignalInterrupts},
    line_editor::{LineEditor, LineSource, Prompt, Typed},
    slash::{self, SlashCommand},
    style::{Look, Role},
    tty::KeptSettings,
};
use crate::{
    exit::Exit,
    session::Place,
    ui::{Failure, Shown},
};

/// What the session needs from the agent.
pub trait Conversation {
    /// Answers a sentence; everything is shown on the way.
    fn turn(&mut self, sentence: &str, cancel: CancellationToken) -> impl Future<Output = io::Result<Exit>>;
    /// Takes back a change; the last one where no id is given. Goes through the gate.
    fn undo(&mut self, change_id: Option<&str>, cancel: CancellationToken) -> impl Future<Output = io::Result<Exit>>;
    /// Shows something.
    fn show(&mut self, shown: &Shown<'_>) -> io::Result<()>;
    /// Returns where the conversation stands.
    fn place(&self) -> Place;
    /// Returns the contexts there are.
    fn contexts(&self) -> Vec<String>;
    /// Moves to another context and forgets grants, names, taint and focus; stays where it is on an error.
    fn switch_context(&mut self, name: &str) -> impl Future<Output = Result<(), Failure>>;
    /// Moves to another namespace; stays where it is on an error.
    fn switch_namespace(&mut self, name: &str) -> impl Future<Output = Result<(), Failure>>;
    /// Says which model answers, and when.
    fn model(&self) -> String;
    /// Lets another model of the same server answer.
    fn switch_model(&mut self, name: &str) -> Result<(), Failure>;
    /// Says what the model has cost.
    fn cost(&self) -> String;
    /// Shortens the conversation with the model.
    fn compact(&mut self, cancel: CancellationToken) -> impl Future<Output = io::Result<Exit>>;
    /// Says what may be done without asking.
    fn policy(&self) -> String;
    /// Writes the session as a report and returns where it is, or the report itself.
    fn export(&mut self, file: Option<&str>) -> Result<String, Failure>;
    /// Returns the session's id; `None` where it is not recorded.
    fn session_id(&self) -> Option<String>;
    /// Returns the tools.
    fn tools(&self) -> Vec<ToolLine>;
    /// Returns the names for completion; none where they cannot be had. May be dropped at any await.
    fn names(&mut self) -> impl Future<Output = Names>;
}

/// A tool in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolLine {
    /// The tool's name.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// What it may do to the cluster.
    pub effect: ToolEffect,
}

/// What a tool may do to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolEffect {
    /// It only looks.
    Reads,
    /// It proposes changes, which are shown and asked about.
    Writes,
}

/// What a session at the terminal needs beside the conversation.
#[derive(Debug, Clone)]
pub struct ReplSetup {
    /// Where inputs are remembered.
    pub history: Option<PathBuf>,
    /// How the terminal looks.
    pub look: Look,
    /// What recognises secrets in an input.
    pub redactor: Arc<Redactor>,
}

/// Runs a session at the terminal until the person leaves.
///
/// # Errors
/// Returns an error where the terminal cannot be used, or nobody reads the output any more.
pub async fn run(conversation: &mut impl Conversation, setup: ReplSetup) -> io::Result<Exit> {
    let _kept = KeptSettings::of_stdin();
    let vocabulary = SharedVocabulary::default();
    let editor = LineEditor::start(setup.history.clone(), vocabulary.clone())?;
    let interrupts = SignalInterrupts::listen()?;
    Repl { conversation, lines: editor, interrupts, vocabulary, setup }.run().await
}

/// A session with its parts, which tests replace.
pub(super) struct Repl<'c, C, L, I> {
    pub(super) conversation: &'c mut C,
    pub(super) lines: L,
    pub(super) interrupts: I,
    pub(super) vocabulary: SharedVocabulary,
    pub(super) setup: ReplSetup,
}

impl<C: Conversation, L: LineSource, I: Interrupts> Repl<'_, C, L, I> {
    pub(super) async fn run(mut self) -> io::Result<Exit> {
        self.say(concat!("todo-agent ", env!("CARGO_PKG_VERSION"), ". /help shows what can be typed, Ctrl-D leaves."))?;
        let mut interrupted_before = false;
        loop {
            let typed = self.read().await;
            let interrupted_twice = interrupted_before;
            interrupted_before = false;
            match typed {
                Typed::Interrupted if interrupted_twice => return Ok(Exit::Done),
                Typed::Interrupted => {
                    interrupted_before = true;
                    self.say("Ctrl-C again or Ctrl-D leaves.")?;
                }
                Typed::Ended => return Ok(Exit::Done),
                Typed::Failed(error) => return Err(error),
                Typed::Line(line) if line.trim().is_empty() => {}
                Typed::Line(line) => {
                    if *self.setup.redactor.take_given(&line) == line {
                        self.lines.remember(&line);
                    }
                    if let Some(exit) = self.obey(&line).await? {
                        return Ok(exit);
                    }
                }
            }
        }
    }

    /// Reads an input; meanwhile the names for completion are fetched.
    async fn read(&mut self) -> Typed {
        let place = self.conversation.place();
        let contexts = self.conversation.contexts();
        let prompt = prompt(&place, self.setup.look);
        self.vocabulary.update(|vocabulary| {
            // Names of another context mean nothing here, those of another namespace still do.
            vocabulary.contexts.clone_from(&contexts);
            vocabulary.namespace.clone_from(&place.namespace);
        });
        self.vocabulary.await_names();
        let fetching = async {
            let names = self.conversation.names().await;
            self.vocabulary.set(Vocabulary { namespace: place.namespace.clone(), contexts: contexts.clone(), names });
            // The line decides when this ends.
            std::future::pending::<Typed>().await
        };
        let typed = tokio::select! {
            typed = self.lines.line(prompt) => typed,
            typed = fetching => typed,
        };
        self.vocabulary.settle();
        typed
    }

    /// Does what an input says; returns how the program ends where it is the last.
    async fn obey(&mut self, line: &str) -> io::Result<Option<Exit>> {
        match slash::parse(line) {
            None => return self.turn(line).await,
            Some(Ok(SlashCommand::Undo(id))) => return self.undo(id.as_deref()).await,
            Some(Ok(SlashCommand::Compact)) => return self.compact().await,
            Some(Ok(SlashCommand::Quit)) => return Ok(Some(Exit::Done)),
            Some(Ok(SlashCommand::Help)) => self.say(&slash::help())?,
            Some(Ok(SlashCommand::Tools)) => self.say(&tools(&self.conversation.tools()))?,
            Some(Ok(SlashCommand::Session)) => match self.conversation.session_id() {
                Some(id) => self.say(&format!("session {id}"))?,
                None => self.say("This session is not recorded.")?,
            },
            Some(Ok(SlashCommand::Model(None))) => self.say(&self.conversation.model())?,
            Some(Ok(SlashCommand::Model(Some(name)))) => {
                let switched = self.conversation.switch_model(&name);
                self.tell(switched)?;
                self.say(&self.conversation.model())?;
            }
            Some(Ok(SlashCommand::Cost)) => self.say(&self.conversation.cost())?,
            Some(Ok(SlashCommand::Policy)) => self.say(&self.conversation.policy())?,
            Some(Ok(SlashCommand::Export(file))) => match self.conversation.export(file.as_deref()) {
                Ok(said) => self.say(&said)?,
                Err(failure) => self.tell(Err(failure))?,
            },
            Some(Ok(SlashCommand::Context(None))) => {
                let listed = listed(&self.conversation.contexts(), &self.conversation.place().context);
                self.say(&listed)?;
            }
            Some(Ok(SlashCommand::Namespace(None))) => {
                let names = self.conversation.names().await.namespaces;
                let listed = listed(&names, &self.conversation.place().namespace);
                self.say(&listed)?;
            }
            Some(Ok(SlashCommand::Context(Some(name)))) => {
                let switched = self.conversation.switch_context(&name).await;
                if switched.is_ok() {
                    self.vocabulary.set(Vocabulary::default());
                }
                self.tell(switched)?;
            }
            Some(Ok(SlashCommand::Namespace(Some(name)))) => {
                let switched = self.conversation.switch_namespace(&name).await;
                self.tell(switched)?;
            }
            Some(Err(mistake)) => {
                let failure = Failure {
                    code: "usage".into(),
                    message: self.setup.redactor.text(&mistake.message),
                    hints: vec![self.setup.redactor.text(&mistake.hint)],
                };
                self.tell(Err(failure))?;
            }
        }
        Ok(None)
    }

    async fn turn(&mut self, line: &str) -> io::Result<Option<Exit>> {
        let cancel = CancellationToken::new();
        let turn = self.conversation.turn(line, cancel.clone());
        interruptible(turn, &cancel, &mut self.interrupts).await
    }

    async fn undo(&mut self, id: Option<&str>) -> io::Result<Option<Exit>> {
        let cancel = CancellationToken::new();
        let turn = self.conversation.undo(id, cancel.clone());
        interruptible(turn, &cancel, &mut self.interrupts).await
    }

    async fn compact(&mut self) -> io::Result<Option<Exit>> {
        let cancel = CancellationToken::new();
        let work = self.conversation.compact(cancel.clone());
        interruptible(work, &cancel, &mut self.interrupts).await
    }

    fn tell(&mut self, outcome: Result<(), Failure>) -> io::Result<()> {
        match outcome {
            Ok(()) => Ok(()),
            Err(failure) => self.conversation.show(&Shown::Error(&failure)),
        }
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        let text = self.setup.redactor.text(text);
        self.conversation.show(&Shown::Text(&text))
    }
}

/// Runs a turn. The first Ctrl-C cancels it and lets it end in its own way, the second leaves the
/// program; how a turn itself ended does not end the session.
async fn interruptible(
    turn: impl Future<Output = io::Result<Exit>>,
    cancel: &CancellationToken,
    interrupts: &mut impl Interrupts,
) -> io::Result<Option<Exit>> {
    interrupts.forget_earlier();
    let mut turn = std::pin::pin!(turn);
    loop {
        tokio::select! {
            ended = &mut turn => return ended.map(|_| None),
            () = interrupts.next() => {
                if cancel.is_cancelled() {
                    return Ok(Some(Exit::Interrupted));
                }
                cancel.cancel();
            }
        }
    }
}

/// Returns the prompt; where context and namespace would leave too little room, they have their own line.
fn prompt(place: &Place, look: Look) -> Prompt {
    let shown = |text: &str| text::visible(text, Lines::Escape);
    let place = format!("{}/{}", shown(&place.context), shown(&place.namespace));
    let gap = if text::width(&place) + 3 > look.width / 2 { '\n' } else { ' ' };
    let arrow = look.glyphs.adapt("❯");
    let styled = format!("{}{gap}{} ", look.paint(Role::Hint, &place), look.paint(Role::Strong, "❯"));
    Prompt { plain: format!("{place}{gap}{arrow} "), styled }
}

fn listed(names: &[String], current: &str) -> String {
    if names.is_empty() {
        return "None are known.".to_owned();
    }
    let lines: Vec<String> =
        names.iter().map(|name| format!("{} {name}", if name == current { "*" } else { " " })).collect();
    lines.join("\n")
}

fn tools(tools: &[ToolLine]) -> String {
    let widest = tools.iter().map(|tool| text::width(&tool.name)).max().unwrap_or(0);
    let lines = tools.iter().map(|tool| {
        let effect = match tool.effect {
            ToolEffect::Reads => "",
            ToolEffect::Writes => " (changes the cluster, asks first)",
        };
        format!("{:<widest$}  {}{effect}", tool.name, tool.summary)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
#[path = "repl_tests.rs"]
mod tests;
