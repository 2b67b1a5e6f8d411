//! What a container's log says of why it ended: the first line that fits a class of the catalogue (141–156).
//! No rule looks for "error" or "fail": each class has the words that programs and libraries print for it. A
//! line that says of itself that it is information, or that the program tries again, counts only if no other
//! line says more.

mod words;

use crate::logs::words::{address, host_of, setting};

/// The classes of a log, by their numbers in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
#[allow(missing_docs)]
pub enum Class {
    Refused = 141,
    UnknownHost = 142,
    TimedOut = 143,
    Credentials = 144,
    Setting = 145,
    File = 146,
    Permission = 147,
    ReadOnly = 148,
    Address = 149,
    Disk = 150,
    Memory = 151,
    Certificate = 152,
    Limits = 153,
    Code = 154,
    Database = 155,
    Forbidden = 156,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The class.
    pub class: Class,
    /// The line, from 1.
    pub line: usize,
    /// The line's text, at most 300 characters.
    pub text: String,
    /// The host it names.
    pub host: Option<String>,
    /// The port it names.
    pub port: Option<i64>,
    /// The setting, file or module it names.
    pub name: Option<String>,
}

/// Each class with the words for it, codes in capitals, the rest in lower case; those of one entry must
/// all be in the line. Particular classes stand before general ones.
const SIGNS: &[(Class, &[&str])] = &[
    (Class::Forbidden, &["is forbidden: user"]),
    (Class::Forbidden, &["cannot", "resource", "in api group"]),
    (Class::UnknownHost, &["no such host"]),
    (Class::UnknownHost, &["ENOTFOUND"]),
    (Class::UnknownHost, &["EAI_AGAIN"]),
    (Class::UnknownHost, &["temporary failure in name resolution"]),
    (Class::UnknownHost, &["name or service not known"]),
    (Class::UnknownHost, &["name does not resolve"]),
    (Class::UnknownHost, &["nodename nor servname"]),
    (Class::UnknownHost, &["could not translate host name"]),
    (Class::UnknownHost, &["host not found in upstream"]),
    (Class::UnknownHost, &["could not resolve host"]),
    (Class::UnknownHost, &["unable to resolve host"]),
    (Class::UnknownHost, &["unknownhostexception"]),
    (Class::UnknownHost, &["bad address"]),
    (Class::Credentials, &["password authentication failed"]),
    (Class::Credentials, &["access denied for user"]),
    (Class::Credentials, &["authentication failed"]),
    (Class::Credentials, &["WRONGPASS"]),
    (Class::Credentials, &["NOAUTH"]),
    (Class::Credentials, &["401 unauthorized"]),
    (Class::Credentials, &["invalid api key"]),
    (Class::Credentials, &["incorrect api key"]),
    (Class::ReadOnly, &["read-only file system"]),
    (Class::ReadOnly, &["EROFS"]),
    (Class::Disk, &["no space left on device"]),
    (Class::Disk, &["ENOSPC"]),
    (Class::Address, &["EADDRINUSE"]),
    (Class::Address, &["address already in use"]),
    (Class::Address, &["address in use"]),
    (Class::Address, &["bind", "permission denied"]),
    (Class::Refused, &["ECONNREFUSED"]),
    (Class::Refused, &["connection refused"]),
    (Class::Refused, &["connection", " refused"]),
    (Class::Memory, &["outofmemoryerror"]),
    (Class::Memory, &["heap out of memory"]),
    (Class::Memory, &["memoryerror"]),
    (Class::Memory, &["cannot allocate memory"]),
    (Class::Memory, &["std::bad_alloc"]),
    (Class::Limits, &["too many open files"]),
    (Class::Limits, &["EMFILE"]),
    (Class::Limits, &["inotify", "limit"]),
    (Class::Database, &["relation", "does not exist"]),
    (Class::Database, &["no such table"]),
    (Class::Database, &["table", "doesn't exist"]),
    (Class::Database, &["undefinedtable"]),
    (Class::Database, &["could not acquire", "lock"]),
    (Class::Database, &["dirty database version"]),
    (Class::Certificate, &["x509:"]),
    (Class::Certificate, &["certificate verify failed"]),
    (Class::Certificate, &["certificate has expired"]),
    (Class::Certificate, &["self signed certificate"]),
    (Class::Certificate, &["self-signed certificate"]),
    (Class::Certificate, &["tls handshake"]),
    (Class::Certificate, &["ssl handshake"]),
    (Class::Permission, &["permission denied"]),
    (Class::Permission, &["EACCES"]),
    (Class::Permission, &["operation not permitted"]),
    (Class::Code, &["modulenotfounderror"]),
    (Class::Code, &["no module named"]),
    (Class::Code, &["cannot find module"]),
    (Class::Code, &["classnotfoundexception"]),
    (Class::Code, &["noclassdeffounderror"]),
    (Class::Code, &["could not find or load main class"]),
    (Class::Code, &["syntaxerror"]),
    (Class::Code, &["syntax error"]),
    (Class::Code, &["error parsing"]),
    (Class::Code, &["parse error"]),
    (Class::Code, &["[emerg]"]),
    (Class::Code, &["error converting yaml"]),
    (Class::Code, &["yaml:", "line"]),
    (Class::File, &["no such file or directory"]),
    (Class::File, &["ENOENT"]),
    (Class::File, &["filenotfounderror"]),
    (Class::File, &["filenotfoundexception"]),
    (Class::TimedOut, &["i/o timeout"]),
    (Class::TimedOut, &["ETIMEDOUT"]),
    (Class::TimedOut, &["connection timed out"]),
    (Class::TimedOut, &["connect timed out"]),
    (Class::TimedOut, &["context deadline exceeded"]),
    (Class::TimedOut, &["timeout expired"]),
];

/// The words for a setting that lacks; the line must also name one.
const SETTING: &[&str] = &[
    "environment variable",
    "env var",
    "keyerror",
    "is not set",
    "not set",
    "is required",
    "must be set",
    "is missing",
    "missing required",
    "is undefined",
    "field required",
];

/// Returns what a log says, if it says anything that is known.
pub fn triage(log: &str) -> Option<Hint> {
    let mut weak = None;
    for (at, line) in log.lines().enumerate() {
        let lower = line.to_ascii_lowercase();
        let Some(class) = class(line, &lower) else { continue };
        let hint = hint(class, at + 1, line);
        if !is_mild(&lower) {
            return Some(hint);
        }
        weak.get_or_insert(hint);
    }
    weak
}

fn class(line: &str, lower: &str) -> Option<Class> {
    // Codes are written in capitals; in lower case they are parts of other words.
    let code = |word: &str| word.starts_with(|at: char| at.is_ascii_uppercase());
    let has = |word: &str| if code(word) { line.contains(word) } else { lower.contains(word) };
    let sign = SIGNS.iter().find(|(_, words)| words.iter().all(|word| has(word)));
    let missing = || SETTING.iter().any(|word| lower.contains(word)) && setting(line).is_some();
    sign.map(|(class, _)| *class).or_else(|| missing().then_some(Class::Setting))
}

/// Whether a line calls itself information, or tells of another try.
fn is_mild(lower: &str) -> bool {
    const SIGNS: &[&str] = &[
        "level=info",
        "level=debug",
        "\"level\":\"info\"",
        "\"level\":\"debug\"",
        "[info]",
        "[debug]",
        " info ",
        " debug ",
        "info:",
        "debug:",
        "retrying",
        "will retry",
        "try again",
        "attempt",
    ];
    SIGNS.iter().any(|sign| lower.contains(sign))
}

fn hint(class: Class, line: usize, text: &str) -> Hint {
    let (mut host, mut port) = address(text).map_or((None, None), |(host, port)| (Some(host), Some(port)));
    if let Some((named, at)) = host_of(text) {
        host = Some(named);
        port = at.or(port);
    }
    let name = match class {
        Class::Setting => setting(text),
        Class::File | Class::Permission | Class::ReadOnly => words::path(text),
        Class::Code => words::quoted(text),
        _ => None,
    };
    Hint { class, line, text: text.trim().chars().take(300).collect(), host, port, name }
}

/// Returns the port on which a log says that its program listens.
pub fn listening(log: &str) -> Option<i64> {
    const SIGNS: &[&str] = &["listening", "running on", "started server on", "serving on", "serving http on"];
    log.lines().find_map(|line| {
        let lower = line.to_ascii_lowercase();
        let start = SIGNS.iter().find_map(|sign| lower.find(sign).map(|at| at + sign.len()))?;
        words::port(lower.get(start..)?)
    })
}

#[cfg(test)]
mod tests;
