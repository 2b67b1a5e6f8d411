//! Reads lines at the prompt with rustyline, on a thread of its own, so that nothing else waits for keys.
//!
//! It edits, completes and remembers; it never runs anything. A paste is one input and waits for Enter.

use std::{
    io,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, Sender, channel},
};

use rustyline::{
    CompletionType, Config, Context, Editor, Helper,
    completion::Completer,
    error::ReadlineError,
    highlight::Highlighter,
    hint::Hinter,
    history::FileHistory,
    validate::{ValidationContext, ValidationResult, Validator},
};
use tokio::sync::oneshot;

use super::completion::SharedVocabulary;

/// How many lines are remembered.
const REMEMBERED: usize = 1000;

/// What came from the prompt.
#[derive(Debug)]
pub enum Typed {
    /// A whole input, its continued lines joined.
    Line(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D, or the end of the input.
    Ended,
    /// The terminal cannot be read.
    Failed(io::Error),
}

/// The prompt in two forms of the same width.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Without colour.
    pub plain: String,
    /// As the terminal shows it.
    pub styled: String,
}

/// Where lines come from and which of them are remembered.
pub trait LineSource {
    /// Returns the next input.
    fn line(&mut self, prompt: Prompt) -> impl Future<Output = Typed>;
    /// Remembers an input for the next time.
    fn remember(&mut self, line: &str);
}

/// The editor at the terminal.
#[derive(Debug)]
pub struct LineEditor {
    requests: Sender<Request>,
}

enum Request {
    Read(Prompt, oneshot::Sender<Typed>),
    Remember(String),
}

impl LineEditor {
    /// Starts the editor. `history` is the file inputs are remembered in, readable by its owner only;
    /// where it cannot be used, they are remembered for this session.
    ///
    /// # Errors
    /// Returns an error where the terminal cannot be edited on.
    pub fn start(history: Option<PathBuf>, vocabulary: SharedVocabulary) -> io::Result<Self> {
        let config = Config::builder()
            .max_history_size(REMEMBERED)
            .map_err(into_io)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .bracketed_paste(true)
            .auto_add_history(false)
            .build();
        let mut editor = Editor::<Assistant, FileHistory>::with_config(config).map_err(into_io)?;
        editor.set_helper(Some(Assistant { vocabulary }));
        if let Some(history) = &history {
            // A missing file is the usual case at the first start.
            let _ = editor.load_history(history);
        }
        let (requests, served) = channel();
        std::thread::Builder::new().name("prompt".into()).spawn(move || serve(editor, history.as_deref(), &served))?;
        Ok(Self { requests })
    }
}

impl LineSource for LineEditor {
    async fn line(&mut self, prompt: Prompt) -> Typed {
        let (reply, typed) = oneshot::channel();
        if self.requests.send(Request::Read(prompt, reply)).is_err() {
            return Typed::Ended;
        }
        typed.await.unwrap_or(Typed::Ended)
    }

    fn remember(&mut self, line: &str) {
        let _ = self.requests.send(Request::Remember(line.to_owned()));
    }
}

fn serve(mut editor: Editor<Assistant, FileHistory>, history: Option<&Path>, requests: &Receiver<Request>) {
    while let Ok(request) = requests.recv() {
        match request {
            Request::Read(prompt, reply) => {
                let typed = match editor.readline(&(prompt.plain, prompt.styled)) {
                    Ok(line) => Typed::Line(join_continued(&line)),
                    Err(ReadlineError::Interrupted) => Typed::Interrupted,
                    Err(ReadlineError::Eof) => Typed::Ended,
                    Err(error) => Typed::Failed(into_io(error)),
                };
                let _ = reply.send(typed);
            }
            Request::Remember(line) => {
                let added = editor.add_history_entry(line).unwrap_or(false);
                if let (true, Some(history)) = (added, history) {
                    // rustyline creates the file readable by its owner only.
                    let _ = editor.append_history(history);
                }
            }
        }
    }
}

fn into_io(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

/// Returns whether an input ends with a `\` that continues it.
fn is_continued(input: &str) -> bool {
    let backslashes = input.chars().rev().take_while(|&character| character == '\\').count();
    backslashes % 2 == 1
}

/// Returns an input with its continued lines joined by spaces and without the line break a paste ends with.
fn join_continued(input: &str) -> String {
    input.replace("\\\n", " ").trim_end().to_owned()
}

/// Completion and continuation for rustyline.
struct Assistant {
    vocabulary: SharedVocabulary,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.vocabulary.complete(line, cursor))
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_continued(context.input()) { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {}

impl Helper for Assistant {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_at_the_end_continues_the_line() {
        assert!(is_continued("scale backend \\"));
        assert!(!is_continued("scale backend"));
        assert!(!is_continued("a literal \\\\"));
        assert_eq!(join_continued("scale backend\\\nto 3"), "scale backend to 3");
        assert_eq!(join_continued("list pods\nlist nodes\n"), "list pods\nlist nodes");
    }
}
