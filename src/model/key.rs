//! The key of a model's server: where it comes from, and that it is never shown.
//!
//! It is looked up when the model is first asked, not before: in the environment, in a file, or from a program that gives
//! it out. A key that was configured and cannot be had is an error, never a request without one.

use std::{ffi::OsString, fmt, path::PathBuf, process::Stdio, time::Duration};

use reqwest::header::HeaderValue;
use serde::{Deserialize, Deserializer, de::Error};
use tokio::{io::AsyncReadExt, process::Command, time::timeout};

use super::{
    Failure, Trouble,
    failure::shown,
    preset::{KEY_VARIABLE, KeyNeed, Preset},
};
use crate::state::Environment;

/// How long a program may take to give out a key.
const PATIENCE: Duration = Duration::from_secs(10);
/// No key is longer than this, in bytes.
const LONGEST: u64 = 16 * 1024;

/// A key. It can be sent and compared with a text that is to be shown, nothing else.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(String);

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(…)")
    }
}

impl Key {
    /// Returns a key from what a person or a program wrote.
    ///
    /// # Errors
    /// Returns what is wrong with it, without showing it.
    pub(crate) fn read(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("is empty");
        }
        if text.lines().count() > 1 {
            return Err("has more than one line");
        }
        if text.chars().any(|character| !character.is_ascii_graphic()) {
            return Err("has characters that no key has");
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the key as a header's value, which is marked so that nothing prints it.
    pub(crate) fn header(&self, scheme: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{scheme}{}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Returns a text without this key; servers echo keys in their errors.
    pub(crate) fn hidden_in(&self, text: &str) -> String {
        text.replace(&self.0, "‹key›")
    }
}

/// Where a key is, as the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In an environment variable.
    Variable(String),
    /// In a file.
    File(PathBuf),
    /// A program with its arguments writes it to its standard output.
    Command(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceTable {
    env: Option<String>,
    file: Option<PathBuf>,
    command: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for KeySource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own message would repeat a key that was written here.
        let wrong = || {
            D::Error::custom(
                "the key itself has no place in this file; say where it is with one of \
                 key = { env = \"NAME\" }, { file = \"PATH\" }, { command = [\"PROGRAM\", \"ARGUMENT\"] }",
            )
        };
        let value = toml::Value::deserialize(deserializer)?;
        if !value.is_table() {
            return Err(wrong());
        }
        let table: SourceTable =
            value.try_into().map_err(|error: toml::de::Error| D::Error::custom(error.message()))?;
        match table {
            SourceTable { env: Some(name), file: None, command: None } => Ok(Self::Variable(name)),
            SourceTable { env: None, file: Some(path), command: None } => Ok(Self::File(path)),
            SourceTable { env: None, file: None, command: Some(words) } if !words.is_empty() => {
                Ok(Self::Command(words))
            }
            _ => Err(wrong()),
        }
    }
}

impl KeySource {
    /// Returns the source as a person reads it.
    pub fn describe(&self) -> String {
        match self {
            Self::Variable(name) => format!("environment variable {name}"),
            Self::File(path) => format!("file {}", path.display()),
            // Arguments may be secrets.
            Self::Command(words) => format!("command {}", words.first().map(String::as_str).unwrap_or_default()),
        }
    }

    /// Returns the key.
    ///
    /// # Errors
    /// Returns why it cannot be had.
    pub(crate) async fn look_up(
        &self,
        environment: &(dyn Fn(&str) -> Option<OsString> + Sync),
    ) -> Result<Key, Failure> {
        let text = match self {
            Self::Variable(name) => variable(name, environment)?.ok_or_else(|| {
                no_key(format!("the environment variable {name}, which should hold the key, is not set"))
            })?,
            Self::File(path) => read_file(&expanded(path, environment))?,
            Self::Command(words) => run(words).await?,
        };
        Key::read(&text).map_err(|wrong| no_key(format!("the key from {} {wrong}", self.describe())))
    }

    /// Returns what is worth a warning before the key is used.
    pub(crate) fn warning(&self, environment: Environment<'_>) -> Option<String> {
        let Self::File(path) = self else { return None };
        let path = expanded(path, environment);
        is_open_to_others(&path)
            .then(|| format!("others can read the key file {}; chmod 600 makes it private", path.display()))
    }
}

/// Returns the key that a preset's environment variables hold, if any.
///
/// # Errors
/// Returns that one holds no key, or that none holds the key that is needed.
pub(crate) fn from_variables(preset: &Preset, environment: Environment<'_>) -> Result<Option<Key>, Failure> {
    for name in std::iter::once(KEY_VARIABLE).chain(preset.key_variables.iter().copied()) {
        if let Some(text) = variable(name, environment)? {
            let wrong = |wrong| no_key(format!("the key in the environment variable {name} {wrong}"));
            return Key::read(&text).map(Some).map_err(wrong);
        }
    }
    match preset.key {
        KeyNeed::Optional => Ok(None),
        KeyNeed::Needed => {
            let variable = preset.key_variables.first().copied().unwrap_or(KEY_VARIABLE);
            Err(no_key(format!("{} needs a key, and {variable} is not set", preset.name))
                .hint(format!("set {variable}, or say where the key is with key = {{ … }} in [model] of config.toml"))
                .hint("todo-agent config shows what is in force; a server of your own is named with --base-url URL"))
        }
    }
}

fn variable(name: &str, environment: Environment<'_>) -> Result<Option<String>, Failure> {
    let Some(value) = environment(name) else { return Ok(None) };
    value.into_string().map(Some).map_err(|_| no_key(format!("the environment variable {name} is not valid UTF-8")))
}

fn expanded(path: &std::path::Path, environment: Environment<'_>) -> PathBuf {
    match (path.strip_prefix("~"), environment("HOME")) {
        (Ok(below), Some(home)) => PathBuf::from(home).join(below),
        _ => path.to_owned(),
    }
}

fn read_file(path: &std::path::Path) -> Result<String, Failure> {
    let problem = |error: std::io::Error| no_key(format!("the key file {} cannot be read: {error}", path.display()));
    // A pipe or a device would never end.
    let file = std::fs::File::open(path).map_err(problem)?;
    if !file.metadata().map_err(problem)?.is_file() {
        return Err(no_key(format!("the key file {} is not a file", path.display())));
    }
    let mut text = String::new();
    std::io::Read::read_to_string(&mut std::io::Read::take(file, LONGEST), &mut text).map_err(problem)?;
    Ok(text)
}

#[cfg(unix)]
fn is_open_to_others(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &std::path::Path) -> bool {
    false
}

/// Runs a program that gives out a key; no shell.
async fn run(words: &[String]) -> Result<String, Failure> {
    let Some((program, arguments)) = words.split_first() else { return Err(no_key("the key command is empty")) };
    let named = format!("the key command {program}");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| no_key(format!("{named} cannot be started: {error}")))?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(no_key(format!("{named} has no output")));
    };
    let work = async {
        let (mut said, mut complained) = (Vec::new(), Vec::new());
        let (mut stdout, mut stderr) = (stdout.take(LONGEST), stderr.take(LONGEST));
        let (said_all, _) = tokio::join!(stdout.read_to_end(&mut said), stderr.read_to_end(&mut complained));
        said_all?;
        Ok::<_, std::io::Error>((child.wait().await?, said, complained))
    };
    match timeout(PATIENCE, work).await {
        Err(_) => Err(no_key(format!("{named} gave no key within {} s", PATIENCE.as_secs()))),
        Ok(Err(error)) => Err(no_key(format!("{named} failed: {error}"))),
        Ok(Ok((status, _, complained))) if !status.success() => {
            let said = shown(&String::from_utf8_lossy(&complained));
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            Err(no_key(format!("{named} failed ({status}){said}")))
        }
        Ok(Ok((_, said, _))) => Ok(String::from_utf8_lossy(&said).into_owned()),
    }
}

fn no_key(message: impl Into<String>) -> Failure {
    Failure::lasting(Trouble::Configuration, message)
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
