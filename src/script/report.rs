//! Reports of a script, for CI servers, programs and people, written whole or not at all.
//!
//! Everything in them is redacted, and text from outside is escaped for the form it stands in.

mod html;
mod json;
mod junit;

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use todo_agent_core::text::{self, Lines};

use super::result::ScriptResult;
use crate::{
    problem::Problem,
    state::{publish_atomically, try_publishing},
};

/// A report that is wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its form.
    pub form: Form,
    /// Where it is written.
    pub file: PathBuf,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JUnit XML, as GitLab and actions of GitHub read it.
    Junit,
    /// One JSON object.
    Json,
    /// A page that needs nothing else.
    Html,
}

impl Form {
    /// Every form by its name.
    pub const ALL: [(&'static str, Self); 3] = [("junit", Self::Junit), ("json", Self::Json), ("html", Self::Html)];
}

impl Report {
    /// Finds out whether the report of a script can be written, before anything is done that it would be about.
    ///
    /// # Errors
    /// Returns why it cannot.
    pub(crate) fn try_writing(&self, script: &Path) -> Result<(), Problem> {
        if self.file.canonicalize().is_ok_and(|file| script.canonicalize().is_ok_and(|script| script == file)) {
            return Err(Problem::usage(format!("the report {} is the script itself", self.file.display())));
        }
        if self.file.exists() && !self.file.is_file() {
            return Err(Problem::usage(format!("the report {} is not a file", self.file.display())));
        }
        try_publishing(&self.file).map_err(|error| {
            Problem { exit: crate::exit::Exit::Usage, ..unwritable(&self.file, &error) }
                .hint("nothing was run; name a file in a folder that exists and can be written to")
        })
    }

    /// Writes the report.
    ///
    /// # Errors
    /// Returns why it cannot be written.
    pub(crate) fn write(&self, result: &ScriptResult) -> Result<(), Problem> {
        let content = match self.form {
            Form::Junit => junit::report(result),
            Form::Json => json::report(result),
            Form::Html => html::report(result),
        };
        publish_atomically(&self.file, content.as_bytes()).map_err(|error| unwritable(&self.file, &error))
    }
}

fn unwritable(file: &Path, error: &io::Error) -> Problem {
    Problem::state(format!("the report {} cannot be written: {error}", file.display()))
}

/// Returns a text that means itself in XML and HTML, in an element or a quoted attribute. What XML cannot hold
/// (XML 1.0 §2.2: control characters, U+FFFE, U+FFFF) becomes visible.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text::visible(text, Lines::Keep).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(safe, "{}", character.escape_unicode());
            }
            other => safe.push(other),
        }
    }
    safe
}

/// As [`escaped`], for an attribute, in which a line break would become a space.
pub(crate) fn escaped_line(text: &str) -> String {
    escaped(text).replace('\n', "&#10;").replace('\t', "&#9;")
}

#[cfg(test)]
mod tests;
