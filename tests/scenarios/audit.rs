//! The audit log of a real API server, read as the log of requests that the sandbox writes: what the program
//! asked is then held against its journal in the same way.
//!
//! Source of the form: k8s.io/apiserver/pkg/apis/audit/v1, Event.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

/// How much later than its answer a request's line may come.
const LATE: Duration = Duration::from_millis(200);

/// A place in an audit log: what comes after it is read.
#[derive(Debug, Clone)]
pub(crate) struct AuditLog {
    path: PathBuf,
    from: u64,
}

impl AuditLog {
    /// Returns the log from its present end on.
    pub(crate) fn from_now_on(path: &Path) -> Self {
        let from = std::fs::metadata(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).len();
        Self { path: path.to_owned(), from }
    }

    /// Returns the program's requests about a namespace and what is in it, oldest first. Only whole lines are read:
    /// one may be on its way.
    pub(crate) fn requests(&self, namespace: &str) -> Vec<Value> {
        // The line of a request may come a moment after its answer.
        thread::sleep(LATE);
        let mut file = File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(self.from)).unwrap();
        let mut requests = Vec::new();
        for line in BufReader::new(file).lines().map(Result::unwrap) {
            // A name may be the beginning of another; this only spares the parsing of most lines.
            if line.contains(namespace)
                && line.contains(r#""userAgent":"todo-agent/"#)
                && let Ok(event) = serde_json::from_str::<Value>(&line)
                && event["stage"] == "ResponseComplete"
                && event["objectRef"]["namespace"] == namespace
            {
                requests.push(request(&event));
            }
        }
        requests
    }
}

fn request(event: &Value) -> Value {
    let uri = event["requestURI"].as_str().unwrap();
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let method = match event["verb"].as_str().unwrap() {
        "get" | "list" | "watch" => "GET",
        "create" => "POST",
        "update" => "PUT",
        "patch" => "PATCH",
        _ => "DELETE",
    };
    let answered = event["responseObject"]["kind"].as_str().unwrap_or_default();
    json!({
        "time": event["requestReceivedTimestamp"], "userAgent": event["userAgent"], "method": method, "path": path,
        "query": query, "body": event["requestObject"], "code": event["responseStatus"]["code"],
        "answered": answered,
    })
}
