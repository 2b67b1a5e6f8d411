//! The controlling terminal, read key by key for a question: `/dev/tty`, never stdin.
//!
//! Keys typed before the question are thrown away, a paste is recognised as one, and Ctrl-C is a key like
//! any other. The terminal's own settings come back when the [`Terminal`] is dropped.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    termios::{
        InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr,
        tcsetattr,
    },
};
use tokio_util::sync::CancellationToken;

use super::keys::{Key, Keys};

/// How long a read waits before it looks whether it is still wanted.
const PATIENCE: Duration = Duration::from_millis(100);

/// What follows Enter within this time was not typed by a hand: several lines were pasted.
const AFTER_ENTER: Duration = Duration::from_millis(20);

const PASTE_ON: &str = "\u{1b}[?2004h";
const PASTE_OFF: &str = "\u{1b}[?2004l";

/// The longest line that is read; more keys are ignored.
const LONGEST: usize = 64 * 1024;

/// What came of reading a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typing {
    /// A line, typed.
    Line(String),
    /// A line that was pasted, in whole or in part.
    Pasted(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D on an empty line, or the terminal went away.
    Ended,
    /// The caller does not want an answer any more.
    Cancelled,
}

/// Where lines are read from and questions written to.
pub trait Terminal: Send {
    /// Throws away what was typed before the question could be seen.
    fn discard_pending(&mut self) -> io::Result<()>;
    /// Writes text.
    fn write(&mut self, text: &str) -> io::Result<()>;
    /// Reads a line after a prompt; returns early when `cancel` is cancelled.
    fn read_line(&mut self, prompt: &str, cancel: &CancellationToken) -> io::Result<Typing>;
}

/// The process's controlling terminal.
pub struct ControllingTerminal {
    device: File,
    before: Termios,
}

impl ControllingTerminal {
    /// Opens the controlling terminal and takes its keys one by one.
    ///
    /// # Errors
    /// Returns an error where the process has none, or it cannot be read and written.
    pub fn open() -> io::Result<Self> {
        let device = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&device)?;
        let mut raw = before.clone();
        raw.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
        raw.input_modes.remove(InputModes::ICRNL | InputModes::IXON);
        raw.special_codes[SpecialCodeIndex::VMIN] = 1;
        raw.special_codes[SpecialCodeIndex::VTIME] = 0;
        // `Flush` throws away the keys typed so far with the change itself.
        tcsetattr(&device, OptionalActions::Flush, &raw)?;
        let mut terminal = Self { device, before };
        terminal.write(PASTE_ON)?;
        Ok(terminal)
    }

    /// Returns whether there is something to read within the time; an error where the terminal is gone.
    fn is_ready(&self, within: Duration) -> io::Result<bool> {
        let mut descriptors = [PollFd::new(&self.device, PollFlags::IN)];
        let time = Timespec::try_from(within).map_err(io::Error::other)?;
        match poll(&mut descriptors, Some(&time)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(false),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let seen = descriptors[0].revents();
        if seen.contains(PollFlags::IN) {
            Ok(true)
        } else {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the terminal is gone"))
        }
    }
}

impl Terminal for ControllingTerminal {
    fn discard_pending(&mut self) -> io::Result<()> {
        Ok(tcflush(&self.device, QueueSelector::IFlush)?)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.device.write_all(text.as_bytes())?;
        self.device.flush()
    }

    fn read_line(&mut self, prompt: &str, cancel: &CancellationToken) -> io::Result<Typing> {
        self.write(prompt)?;
        let mut keys = Keys::default();
        let mut line = Line::default();
        let mut buffer = [0; 1024];
        loop {
            if cancel.is_cancelled() {
                self.write("\r\n")?;
                return Ok(Typing::Cancelled);
            }
            if !self.is_ready(PATIENCE)? {
                continue;
            }
            let count = self.device.read(&mut buffer)?;
            if count == 0 {
                return Ok(Typing::Ended);
            }
            let pressed = keys.read(&buffer[..count]);
            let mut rest = pressed.into_iter();
            while let Some(key) = rest.next() {
                let step = line.press(key);
                match step {
                    Step::Echo(text) => self.write(&text)?,
                    Step::Done(mut read) => {
                        self.write("\r\n")?;
                        // More lines behind this one: nobody types that fast.
                        if rest.len() > 0 || (matches!(read, Typing::Line(_)) && self.is_ready(AFTER_ENTER)?) {
                            if let Typing::Line(text) = read {
                                read = Typing::Pasted(text);
                            }
                            self.discard_pending()?;
                        }
                        return Ok(read);
                    }
                }
            }
        }
    }
}

impl Drop for ControllingTerminal {
    fn drop(&mut self) {
        let _ = self.write(PASTE_OFF);
        let _ = tcsetattr(&self.device, OptionalActions::Flush, &self.before);
    }
}

impl std::fmt::Debug for ControllingTerminal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ControllingTerminal").finish_non_exhaustive()
    }
}

/// Keeps the settings that standard input's terminal has now, and brings them back when dropped: whoever
/// reads keys on another thread may not get to it.
#[derive(Debug)]
#[must_use]
pub struct KeptSettings(Option<Termios>);

impl KeptSettings {
    /// Keeps the settings; nothing is kept where standard input is no terminal.
    pub fn of_stdin() -> Self {
        Self(tcgetattr(io::stdin()).ok())
    }
}

impl Drop for KeptSettings {
    fn drop(&mut self) {
        if let Some(settings) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Drain, settings);
        }
    }
}

/// A line while it is typed.
#[derive(Debug, Default)]
struct Line {
    text: String,
    pasted: bool,
}

enum Step {
    Echo(String),
    Done(Typing),
}

impl Line {
    fn press(&mut self, key: Key) -> Step {
        match key {
            Key::Typed(character) => self.push(character),
            Key::Pasted(character) => {
                self.pasted = true;
                // A pasted line break is part of the text; it never ends the line.
                self.push(if character.is_control() { ' ' } else { character })
            }
            Key::Enter if self.pasted => Step::Done(Typing::Pasted(std::mem::take(&mut self.text))),
            Key::Enter => Step::Done(Typing::Line(std::mem::take(&mut self.text))),
            Key::Interrupt => Step::Done(Typing::Interrupted),
            Key::End if self.text.is_empty() => Step::Done(Typing::Ended),
            Key::Back => match self.text.pop() {
                Some(character) => Step::Echo(rub_out(character)),
                None => Step::Echo(String::new()),
            },
            Key::Clear => {
                let erased = self.text.chars().map(rub_out).collect();
                self.text.clear();
                self.pasted = false;
                Step::Echo(erased)
            }
            Key::End | Key::Other => Step::Echo(String::new()),
        }
    }

    fn push(&mut self, character: char) -> Step {
        if self.text.len() >= LONGEST || todo_agent_core::text::is_hidden(character) {
            return Step::Echo(String::new());
        }
        self.text.push(character);
        Step::Echo(character.to_string())
    }
}

fn rub_out(character: char) -> String {
    "\u{8} \u{8}".repeat(unicode_width::UnicodeWidthChar::width(character).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(bytes: &[u8]) -> Option<Typing> {
        let mut line = Line::default();
        Keys::default().read(bytes).into_iter().find_map(|key| match line.press(key) {
            Step::Done(read) => Some(read),
            Step::Echo(_) => None,
        })
    }

    #[test]
    fn a_line_is_edited_while_it_is_typed() {
        assert_eq!(typed(b"yex\x7fs\r"), Some(Typing::Line("yes".into())));
        assert_eq!(typed(b"yes\x15n\r"), Some(Typing::Line("n".into())));
        assert_eq!(typed(b"\r"), Some(Typing::Line(String::new())));
        assert_eq!(typed(b"\x1b[A\x1b[1;5Cy\r"), Some(Typing::Line("y".into())));
    }

    #[test]
    fn ctrl_c_and_ctrl_d_end_the_question() {
        assert_eq!(typed(b"ye\x03"), Some(Typing::Interrupted));
        assert_eq!(typed(b"\x04"), Some(Typing::Ended));
        assert_eq!(typed(b"y\x04"), None);
    }

    #[test]
    fn a_paste_is_not_a_typed_line_and_its_line_breaks_end_nothing() {
        assert_eq!(typed(b"\x1b[200~y\r\x1b[201~"), None);
        assert_eq!(typed(b"\x1b[200~y\r\x1b[201~\r"), Some(Typing::Pasted("y ".into())));
        assert_eq!(typed(b"\x1b[200~yes\x1b[201~\x15y\r"), Some(Typing::Line("y".into())));
    }
}
