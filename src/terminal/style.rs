//! What the terminal can do: its width, its colours, its characters.
//!
//! Found once at the start and handed to whatever renders, so that rendering stays a pure function.
//! Colour is never the only carrier of a meaning, and every meaning survives ASCII.

use std::{borrow::Cow, io::IsTerminal};

use anstyle::{AnsiColor, Style};

use crate::options::Colour;

/// Columns assumed where there is no terminal to ask.
pub const DEFAULT_WIDTH: usize = 80;

/// The narrowest layout; below this the terminal wraps by itself.
const NARROWEST: usize = 20;

/// What a stream's reader can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The width in columns.
    pub width: usize,
    /// Whether colours are written.
    pub color: Color,
    /// Which characters are drawn.
    pub glyphs: Glyphs,
}

/// Whether colours are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// ANSI styles are written.
    On,
    /// Plain text only.
    Off,
}

/// Which characters can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Any.
    Unicode,
    /// ASCII: a terminal whose locale is not UTF-8.
    Ascii,
}

/// What a piece of text means; the words carry it, the colour repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Plain,
    /// A heading.
    Strong,
    /// Stressed.
    Emphasis,
    /// A name, a command or a file's text, as it is written.
    Code,
    /// Beside the point.
    Faint,
    /// Well done, added.
    Good,
    /// Look twice.
    Warn,
    /// Failed, removed, dangerous.
    Bad,
    /// A hint.
    Hint,
}

impl Look {
    /// Returns the look of a stream that is no terminal and has no wishes.
    pub fn plain(width: usize) -> Self {
        Self { width, color: Color::Off, glyphs: Glyphs::Unicode }
    }

    /// Returns the look of standard output.
    pub fn of_stdout(wish: Colour) -> Self {
        let stdout = std::io::stdout();
        Self::of(wish, anstream::AutoStream::choice(&stdout), stdout.is_terminal(), columns(&stdout))
    }

    /// Returns the look of standard error.
    pub fn of_stderr(wish: Colour) -> Self {
        let stderr = std::io::stderr();
        Self::of(wish, anstream::AutoStream::choice(&stderr), stderr.is_terminal(), columns(&stderr))
    }

    fn of(wish: Colour, choice: anstream::ColorChoice, terminal: bool, asked: Option<usize>) -> Self {
        let color = match (wish, choice) {
            (Colour::Never, _) | (_, anstream::ColorChoice::Never) => Color::Off,
            _ => Color::On,
        };
        let variable = |name: &str| std::env::var(name).ok();
        let glyphs = if terminal { glyphs(variable) } else { Glyphs::Unicode };
        Self { width: width(variable("COLUMNS").as_deref(), asked), color, glyphs }
    }

    /// Returns `text` as this look shows it. The text must have passed
    /// [`visible`](todo_agent_core::text::visible).
    pub fn paint(self, role: Role, text: &str) -> String {
        let text = self.glyphs.adapt(text);
        let style = role.style();
        match self.color {
            Color::On if style != Style::new() && !text.is_empty() => {
                format!("{}{text}{}", style.render(), style.render_reset())
            }
            Color::On | Color::Off => text.into_owned(),
        }
    }
}

impl Role {
    fn style(self) -> Style {
        let colored = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Emphasis => Style::new().italic(),
            Self::Faint => Style::new().dimmed(),
            Self::Good => colored(AnsiColor::Green),
            Self::Warn => colored(AnsiColor::Yellow),
            Self::Bad => colored(AnsiColor::Red).bold(),
            Self::Code | Self::Hint => colored(AnsiColor::Cyan),
        }
    }
}

impl Glyphs {
    /// Returns the text with the program's own signs in ASCII where nothing else can be drawn. Text from
    /// the cluster keeps its characters.
    pub fn adapt(self, text: &str) -> Cow<'_, str> {
        const SIGNS: [(&str, &str); 10] = [
            ("✓ ok", "ok"),
            ("✗ ", ""),
            ("✓", "ok"),
            ("→", "->"),
            ("…", "..."),
            ("‹", "<"),
            ("›", ">"),
            ("❯", ">"),
            ("⇥", ">"),
            ("·", "_"),
        ];
        if self == Self::Unicode || text.is_ascii() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(SIGNS.iter().fold(text.to_owned(), |text, (sign, ascii)| text.replace(sign, ascii)))
    }
}

/// Returns the width: `COLUMNS` where it is a number, else what the terminal says, else 80.
fn width(columns: Option<&str>, asked: Option<usize>) -> usize {
    columns
        .and_then(|columns| columns.trim().parse().ok())
        .or(asked)
        .filter(|&width| width > 0)
        .unwrap_or(DEFAULT_WIDTH)
        .max(NARROWEST)
}

fn columns(stream: impl std::os::fd::AsFd) -> Option<usize> {
    rustix::termios::tcgetwinsize(stream).ok().map(|size| usize::from(size.ws_col)).filter(|&width| width > 0)
}

/// Returns the characters a locale allows. Source: POSIX.1-2024 §8.2, precedence of the locale variables.
pub fn glyphs(variable: impl Fn(&str) -> Option<String>) -> Glyphs {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()))
        .unwrap_or_default()
        .to_lowercase();
    if locale.contains("utf-8") || locale.contains("utf8") { Glyphs::Unicode } else { Glyphs::Ascii }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_wins_then_the_terminal_then_eighty() {
        assert_eq!(width(Some("40"), Some(120)), 40);
        assert_eq!(width(None, Some(120)), 120);
        assert_eq!(width(None, None), 80);
        assert_eq!(width(Some("many"), None), 80);
        assert_eq!(width(Some("0"), Some(100)), 80);
        assert_eq!(width(Some("3"), None), NARROWEST);
    }

    #[test]
    fn a_locale_that_is_not_utf8_gets_ascii() {
        let locale = |pairs: &'static [(&str, &str)]| {
            glyphs(|name| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.to_owned()))
        };
        assert_eq!(locale(&[("LANG", "en_US.UTF-8")]), Glyphs::Unicode);
        assert_eq!(locale(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]), Glyphs::Ascii);
        assert_eq!(locale(&[]), Glyphs::Ascii);
    }

    #[test]
    fn signs_have_ascii_forms_and_foreign_text_stays() {
        assert_eq!(Glyphs::Ascii.adapt("✓ ok: 2 → 3 ‹secret:1› größe"), "ok: 2 -> 3 <secret:1> größe");
        assert_eq!(Glyphs::Unicode.adapt("2 → 3"), "2 → 3");
    }

    #[test]
    fn colour_only_repeats_what_words_say() {
        let look = Look { width: 80, color: Color::On, glyphs: Glyphs::Unicode };
        assert_eq!(look.paint(Role::Good, "ok"), "\u{1b}[32mok\u{1b}[0m");
        assert_eq!(Look::plain(80).paint(Role::Good, "ok"), "ok");
    }
}
