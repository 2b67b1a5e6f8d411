//! The request log: one JSON line per request, for tests and for people who want to see what was asked.
//!
//! Bodies are written as they came, Secrets included: the file is for simulated clusters only.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::incoming::Incoming;
use crate::object::time_text;

/// An open log file.
#[derive(Debug)]
pub(crate) struct RequestLog(Mutex<File>);

impl RequestLog {
    /// Opens a file to append to, made if missing.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        File::options().create(true).append(true).open(path).map(|file| Self(Mutex::new(file)))
    }

    /// Writes one line. A line that cannot be written is lost: a full disk must not fail the request.
    pub(crate) fn write(&self, incoming: &Incoming, verb: &str, code: u16) {
        let mut line = entry(incoming, verb, code).to_string();
        line.push('\n');
        let _lost = self.0.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
}

fn entry(incoming: &Incoming, verb: &str, code: u16) -> Value {
    let (body, sum) = if incoming.body.is_empty() {
        (Value::Null, Value::Null)
    } else {
        let parsed = serde_json::from_slice(&incoming.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&incoming.body).into_owned()));
        let sum = Sha256::digest(&incoming.body).iter().fold(String::new(), |sum, byte| format!("{sum}{byte:02x}"));
        (parsed, sum.into())
    };
    json!({
        "time": time_text(incoming.now),
        "user": incoming.user.name,
        "userAgent": incoming.header("user-agent"),
        "accept": incoming.header("accept"),
        "contentType": incoming.header("content-type"),
        "verb": verb,
        "method": incoming.method.as_str(),
        "path": incoming.path,
        "query": incoming.query.json(),
        "code": code,
        "body": body,
        "bodySha256": sum
    })
}
