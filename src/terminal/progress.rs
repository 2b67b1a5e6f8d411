//! The one line on stderr that says what is being waited for.
//!
//! It appears once a wait has lasted a second, moves on a terminal, and is gone before anything else is
//! written. Where stderr is no terminal, a changed text is written as a plain line, not too often. What to
//! paint and when is a pure state machine; the thread below only gives it the time and a stream.

use std::{
    io::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use todo_agent_core::text::{self, Lines};

use super::style::{Glyphs, Look, Role};

/// How long a wait lasts before it is mentioned.
const SILENCE: Duration = Duration::from_secs(1);

/// How often the line moves.
const FRAME: Duration = Duration::from_millis(120);

/// The least time between two plain lines.
const PLAIN_LINES: Duration = Duration::from_secs(5);

const ERASE: &str = "\r\u{1b}[2K";

/// The progress line; clones share it.
#[derive(Clone)]
pub struct ProgressLine {
    look: Look,
    started: Instant,
    /// State and stream under one lock: once cleared, nothing is painted late.
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    state: State,
    stream: Box<dyn Write + Send>,
    /// Whether a thread is painting.
    painting: bool,
}

/// How progress is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// One line, painted over: a terminal.
    Moving,
    /// Lines that stay: a file, a pipe, a log.
    Lines,
}

/// Returns a progress line that nobody sees.
pub fn silent(look: Look) -> ProgressLine {
    ProgressLine::new(Box::new(std::io::sink()), look, Drawing::Lines)
}

impl ProgressLine {
    /// Returns a progress line on a stream.
    pub fn new(stream: Box<dyn Write + Send>, look: Look, drawing: Drawing) -> Self {
        let inner = Inner { state: State::new(drawing), stream, painting: false };
        Self { look, started: Instant::now(), inner: Arc::new(Mutex::new(inner)) }
    }

    /// Says what is being waited for.
    pub fn set(&self, text: &str) {
        let mut inner = self.lock();
        inner.state.set(text::visible(text, Lines::Escape), self.started.elapsed());
        if !inner.painting {
            let line = self.clone();
            // Without the thread there is no progress, which nothing else depends on.
            let painter = std::thread::Builder::new().name("progress".into());
            inner.painting = painter.spawn(move || line.paint_until_cleared()).is_ok();
        }
    }

    /// Takes the line away; to be called before anything else is written to the terminal.
    pub fn clear(&self) {
        let mut inner = self.lock();
        let paint = inner.state.clear();
        inner.write(paint, self.look);
    }

    /// Takes the line away and keeps it away for as long as the result lives: somebody is being asked.
    pub fn hold(&self) -> Hold {
        self.clear();
        self.lock().state.held += 1;
        Hold { line: self.clone() }
    }

    fn paint_until_cleared(&self) {
        loop {
            std::thread::sleep(FRAME);
            let mut inner = self.lock();
            if inner.state.text.is_none() {
                inner.painting = false;
                return;
            }
            let paint = inner.state.tick(self.started.elapsed());
            inner.write(paint, self.look);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for ProgressLine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ProgressLine").field("look", &self.look).finish_non_exhaustive()
    }
}

/// Keeps the progress line away; see [`ProgressLine::hold`].
#[derive(Debug)]
#[must_use]
pub struct Hold {
    line: ProgressLine,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut inner = self.line.lock();
        inner.state.held = inner.state.held.saturating_sub(1);
    }
}

impl Inner {
    fn write(&mut self, paint: Option<Paint>, look: Look) {
        let written = match paint {
            None => return,
            Some(Paint::Erase) => ERASE.to_owned(),
            Some(Paint::Line(line)) => format!("{}\n", look.glyphs.adapt(&line)),
            Some(Paint::Over { frame, text, seconds }) => {
                format!("{ERASE}{}", look.paint(Role::Faint, &moving_line(frame, &text, seconds, look)))
            }
        };
        // Progress that cannot be shown is no reason to stop; the next answer will notice a closed pipe.
        let _ = self.stream.write_all(written.as_bytes()).and_then(|()| self.stream.flush());
    }
}

/// Returns the moving line, cut to one row: a wrapped line could not be painted over.
fn moving_line(frame: usize, text: &str, seconds: u64, look: Look) -> String {
    const UNICODE: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    const ASCII: [&str; 4] = ["|", "/", "-", "\\"];
    let sign = match look.glyphs {
        Glyphs::Unicode => UNICODE[frame % UNICODE.len()],
        Glyphs::Ascii => ASCII[frame % ASCII.len()],
    };
    let time = format!(" ({seconds} s)");
    let room = look.width.saturating_sub(text::width(&time) + 3);
    let mut shown = String::new();
    for character in text.chars() {
        if text::width(&shown) + 2 > room {
            shown.push('…');
            break;
        }
        shown.push(character);
    }
    format!("{sign} {shown}{time}")
}

/// What to do to the stream.
#[derive(Debug, PartialEq, Eq)]
enum Paint {
    Erase,
    Line(String),
    Over { frame: usize, text: String, seconds: u64 },
}

#[derive(Debug)]
struct State {
    drawing: Drawing,
    text: Option<String>,
    since: Duration,
    drawn: bool,
    frame: usize,
    last_line: Option<(String, Duration)>,
    held: usize,
}

impl State {
    fn new(drawing: Drawing) -> Self {
        Self { drawing, text: None, since: Duration::ZERO, drawn: false, frame: 0, last_line: None, held: 0 }
    }

    fn set(&mut self, text: String, now: Duration) {
        if self.text.is_none() {
            self.since = now;
        }
        self.text = Some(text);
    }

    fn clear(&mut self) -> Option<Paint> {
        self.text = None;
        std::mem::take(&mut self.drawn).then_some(Paint::Erase)
    }

    fn tick(&mut self, now: Duration) -> Option<Paint> {
        let text = self.text.as_ref()?;
        let waited = now.saturating_sub(self.since);
        if waited < SILENCE || self.held > 0 {
            return None;
        }
        match self.drawing {
            Drawing::Moving => {
                self.drawn = true;
                self.frame = self.frame.wrapping_add(1);
                Some(Paint::Over { frame: self.frame, text: text.clone(), seconds: waited.as_secs() })
            }
            Drawing::Lines => {
                let fresh = self
                    .last_line
                    .as_ref()
                    .is_none_or(|(last, at)| last != text && now.saturating_sub(*at) >= PLAIN_LINES);
                fresh.then(|| {
                    self.last_line = Some((text.clone(), now));
                    Paint::Line(text.clone())
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tenths: u64) -> Duration {
        Duration::from_millis(tenths * 100)
    }

    #[test]
    fn a_short_wait_is_not_mentioned_and_a_long_one_is_painted_over_and_erased() {
        let mut state = State::new(Drawing::Moving);
        assert_eq!(state.tick(at(0)), None);
        state.set("waiting".into(), at(10));
        assert_eq!(state.tick(at(19)), None);
        assert_eq!(state.tick(at(20)), Some(Paint::Over { frame: 1, text: "waiting".into(), seconds: 1 }));
        assert_eq!(state.clear(), Some(Paint::Erase));
        assert_eq!(state.clear(), None);
        assert_eq!(state.tick(at(60)), None);
    }

    #[test]
    fn a_new_text_does_not_start_the_second_again() {
        let mut state = State::new(Drawing::Moving);
        state.set("1 of 3".into(), at(0));
        state.set("2 of 3".into(), at(8));
        assert_eq!(state.tick(at(10)), Some(Paint::Over { frame: 1, text: "2 of 3".into(), seconds: 1 }));
    }

    #[test]
    fn without_a_terminal_lines_stay_and_are_few() {
        let mut state = State::new(Drawing::Lines);
        state.set("1 of 3".into(), at(0));
        assert_eq!(state.tick(at(10)), Some(Paint::Line("1 of 3".into())));
        assert_eq!(state.tick(at(20)), None);
        state.set("2 of 3".into(), at(20));
        assert_eq!(state.tick(at(30)), None);
        assert_eq!(state.tick(at(60)), Some(Paint::Line("2 of 3".into())));
        assert_eq!(state.clear(), None);
    }

    #[test]
    fn nothing_is_painted_over_a_question() {
        let mut state = State::new(Drawing::Moving);
        state.held = 1;
        state.set("waiting".into(), at(0));
        assert_eq!(state.tick(at(50)), None);
        state.held = 0;
        assert!(state.tick(at(50)).is_some());
    }

    #[test]
    fn the_moving_line_is_one_row() {
        let line = moving_line(0, &"waiting for deployment/backend ".repeat(5), 12, Look::plain(40));
        assert!(text::width(&line) < 40, "{line}");
        assert!(line.ends_with("… (12 s)"), "{line}");
    }
}
