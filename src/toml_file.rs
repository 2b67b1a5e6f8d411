//! Configuration files in TOML, read strictly: an unknown key is an error that names file, line and column,
//! and the key that was probably meant. A file that is missing is no error; one that cannot be read is.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use crate::problem::{Problem, nearest};

/// No configuration is longer than this, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// Reads a file; `None` where there is none.
///
/// # Errors
/// Returns why it cannot be read, or the first thing wrong with it and where.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Problem> {
    let problem = |error: io::Error| Problem::configuration(format!("{} cannot be read: {error}", path.display()));
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(problem(error)),
    };
    if !metadata.is_file() {
        return Err(Problem::configuration(format!("{} is not a file", path.display())));
    }
    if metadata.len() > LONGEST {
        return Err(Problem::configuration(format!("{} is longer than 1 MiB", path.display())));
    }
    parse(&fs::read_to_string(path).map_err(problem)?, path).map(Some)
}

/// Parses a file's text; the path is only for messages.
///
/// # Errors
/// Returns the first thing wrong with it and where.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T, Problem> {
    toml::from_str(text).map_err(|error| {
        let message = error.message().trim().trim_end_matches('.');
        let message = message.replace('\n', ", ");
        let problem = Problem::configuration(format!("{}: {message}", place(text, path, error.span())));
        match nearest_key(&message) {
            Some(key) => problem.hint(format!("did you mean {key}?")),
            None => problem,
        }
    })
}

/// Returns a place in a file as `path:line:column`, counted from 1 in characters.
fn place(text: &str, path: &Path, span: Option<Range<usize>>) -> String {
    let Some(before) = span.and_then(|span| text.get(..span.start)) else {
        return path.display().to_string();
    };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("{}:{line}:{column}", path.display())
}

/// Returns the nearest of the keys that serde lists in its message: "unknown field `x`, expected `y` or `z`".
fn nearest_key(message: &str) -> Option<&str> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let given = quoted.next().filter(|_| message.starts_with("unknown "))?;
    nearest(given, quoted)
}

/// Returns the first existing file of this name in a directory or one of its parents.
pub(crate) fn find_upwards(from: &Path, name: &str) -> Option<PathBuf> {
    from.ancestors().map(|directory| directory.join(name)).find(|path| path.exists())
}
