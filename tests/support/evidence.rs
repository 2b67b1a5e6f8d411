//! Compares what the cluster was asked with what was approved. Run after every test that logged requests.
//!
//! No write without an earlier approval in the journal; what was sent is what was approved, byte for byte;
//! the values of Secrets were never asked for. The digest is worked out here anew, not by the program's code.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// Returns a file's lines as JSON; none where there is no file.
pub(crate) fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Returns the journals below a state directory, each as its records.
pub(crate) fn journals(state: &Path) -> Vec<Vec<Value>> {
    let Ok(entries) = fs::read_dir(state.join("journal")) else { return Vec::new() };
    entries.map(|entry| lines(&entry.unwrap().path())).collect()
}

/// Returns the records of all journals that are written to the end; one may be on its way.
pub(crate) fn complete_lines(state: &Path) -> Vec<Value> {
    let Ok(entries) = fs::read_dir(state.join("journal")) else { return Vec::new() };
    let texts = entries.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap_or_default());
    texts.flat_map(|text| text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<_>>()).collect()
}

/// Whose time a log of requests has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The same as the journal's: the sandbox was in the program.
    Shared,
    /// Another: a served sandbox has a time of its own, and only the order in the journal counts.
    Own,
}

/// Checks a log of requests against the journals of everybody who used the program on that cluster.
#[track_caller]
pub(crate) fn check(log: &Path, states: &[PathBuf], clock: Clock) {
    check_requests(&lines(log), states, clock);
}

/// Checks requests against the journals of everybody who used the program on that cluster.
#[track_caller]
pub(crate) fn check_requests(requests: &[Value], states: &[PathBuf], clock: Clock) {
    for request in requests {
        let agent = request["userAgent"].as_str().unwrap_or_default();
        assert_no_secret_was_read(request, agent);
        if agent.starts_with("todo-agent/") && is_write(request) {
            assert_was_approved(request, agent, states, clock);
        }
    }
}

/// Returns whether a request changes something: not a read, not a dry run, not a question about permissions.
pub(crate) fn is_write(request: &Value) -> bool {
    let method = request["method"].as_str().unwrap_or_default();
    let path = request["path"].as_str().unwrap_or_default();
    let question = path.starts_with("/apis/authorization.k8s.io/");
    is_session(request) || !matches!(method, "GET" | "HEAD" | "OPTIONS") && !question && !is_dry_run(request)
}

/// Returns whether a request opens a session with a pod. It is a GET, and may do anything all the same.
pub(crate) fn is_session(request: &Value) -> bool {
    let path: Vec<&str> = request["path"].as_str().unwrap_or_default().split('/').collect();
    matches!(path[..], ["", "api", "v1", "namespaces", _, "pods", _, "exec" | "portforward" | "attach"])
}

fn is_dry_run(request: &Value) -> bool {
    // A deletion that has a body is not asked in its query.
    if request["method"] == "DELETE" && request["body"].is_object() {
        return request["body"]["dryRun"] == serde_json::json!(["All"]);
    }
    request["query"].to_string().contains("dryRun")
}

#[track_caller]
fn assert_no_secret_was_read(request: &Value, agent: &str) {
    let path = request["path"].as_str().unwrap_or_default();
    let about_secrets = path.split('/').any(|part| part == "secrets");
    let read = matches!(request["method"].as_str(), Some("GET"));
    if agent.starts_with("todo-agent/") && about_secrets && read {
        let only_metadata = if let Some(kind) = request["answered"].as_str() {
            // An audit log does not say what was asked for, but what was given.
            kind.starts_with("PartialObjectMetadata") || kind == "Status"
        } else {
            let accept = request["accept"].as_str().unwrap_or_default();
            accept.split(',').all(|form| form.contains("as=PartialObjectMetadata"))
        };
        // What is not there has no values.
        assert!(only_metadata || request["code"] == 404, "the values of Secrets were asked for: {request}");
    }
}

#[track_caller]
fn assert_was_approved(request: &Value, agent: &str, states: &[PathBuf], clock: Clock) {
    let id = agent.split("(change ").nth(1).and_then(|rest| rest.strip_suffix(')'));
    let id = id.unwrap_or_else(|| panic!("a write names no change: {request}"));
    let (state, journal) = states
        .iter()
        .flat_map(|state| journals(state).into_iter().map(move |journal| (state, journal)))
        .find(|(_, journal)| journal.iter().any(|record| record["change_id"] == id))
        .unwrap_or_else(|| panic!("no journal knows {id}: {request}"));
    let records: Vec<&Value> = journal.iter().filter(|record| record["change_id"] == id).collect();
    let approved = records.iter().position(|record| record["record"] == "approved");
    let approved = approved.unwrap_or_else(|| panic!("{id} was never approved: {request}"));
    // An audit log has what was made of a new object or of the options of a deletion, not what was sent.
    let is_patch = request["method"] == "PATCH";
    if !is_patch && !is_session(request) && request["contentType"].as_str().is_none() {
        let sent = records.iter().any(|record| record["record"] == "sending");
        assert!(sent, "nothing says that {id} was to be sent: {request}");
        return;
    }
    let key = fs::read(state.join("digest.key")).unwrap();
    let content_types: Vec<&str> = match request["contentType"].as_str() {
        _ if is_session(request) => vec!["websocket"],
        Some(content_type) => vec![content_type],
        // An audit log leaves it out; the digest covers it all the same.
        None => vec![
            "application/merge-patch+json",
            "application/json-patch+json",
            "application/strategic-merge-patch+json",
            "application/apply-patch+yaml",
        ],
    };
    let steps = records[approved]["steps"].as_array().unwrap();
    let approved_as = |digest: &String| steps.iter().position(|step| step["digest"] == digest.as_str());
    let digests = content_types.iter().map(|content_type| digest(request, content_type, &key));
    let found = digests.into_iter().find_map(|digest| approved_as(&digest).map(|step| (step, digest)));
    let (step, digest) = found.unwrap_or_else(|| panic!("what was sent is not what was approved as {id}: {request}"));
    let sending =
        records.iter().position(|record| record["record"] == "sending" && record["digest"] == digest.as_str());
    let sending = sending.unwrap_or_else(|| panic!("nothing says that step {} was to be sent: {request}", step + 1));
    assert!(approved < sending, "{id} was sent before it was approved");
    let at = |value: &Value| value.as_str().unwrap_or_default().parse::<jiff::Timestamp>().unwrap().as_second();
    let in_time = at(&records[approved]["at"]) <= at(&request["time"]);
    assert!(clock == Clock::Own || in_time, "{id} was approved after it was sent");
}

/// Works out the digest of a logged request: without the version that ties it to the object it was read from.
fn digest(request: &Value, content_type: &str, key: &[u8]) -> String {
    let mut body = request["body"].clone();
    if is_session(request) {
        body = session_body(request);
    } else if request["path"].as_str().is_some_and(|path| path.ends_with("/eviction")) {
        let options = body.as_object_mut().and_then(|eviction| eviction.remove("deleteOptions"));
        assert!(options.is_some_and(|it| it["preconditions"]["uid"].is_string()), "an eviction of anything: {request}");
    } else if request["method"] == "POST" {
        // What is made has no version yet.
    } else if request["method"] == "DELETE" {
        let options = body.as_object_mut().unwrap_or_else(|| panic!("a deletion has no precondition: {request}"));
        let of = options.remove("preconditions");
        let of = of.unwrap_or_else(|| panic!("a deletion has no precondition: {request}"));
        assert!(of["uid"].is_string() && of["resourceVersion"].is_string(), "half a precondition: {request}");
    } else if let Some(operations) = body.as_array_mut() {
        let last = operations.pop().unwrap();
        assert_eq!(last["path"], "/metadata/resourceVersion", "a write has no precondition: {request}");
    } else {
        let metadata = body["metadata"].as_object_mut();
        let metadata = metadata.unwrap_or_else(|| panic!("a write has no precondition: {request}"));
        // What is applied for the first time has no version yet.
        let may_be_new = content_type == "application/apply-patch+yaml" || request["code"] == 201;
        let version = metadata.remove("resourceVersion");
        assert!(version.is_some() || may_be_new, "a write has no precondition: {request}");
        if metadata.is_empty() {
            body.as_object_mut().unwrap().remove("metadata");
        }
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    let text = |field: &str| request[field].as_str().unwrap().to_owned();
    for part in [text("method"), text("path"), content_type.to_owned(), body.to_string()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    hex(&mac.finalize().into_bytes())
}

/// Returns what a session was opened for: it stands in the query.
fn session_body(request: &Value) -> Value {
    let of = |key: &str| match &request["query"] {
        // An audit log has the query as it was sent.
        Value::String(sent) => sent
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, _)| *name == key)
            .map(|(_, value)| decoded(value))
            .collect(),
        parsed => match &parsed[key] {
            Value::Array(values) => values.iter().map(|value| value.as_str().unwrap().to_owned()).collect(),
            Value::String(value) => vec![value.clone()],
            _ => Vec::new(),
        },
    };
    let first = |key: &str| -> String { of(key).first().cloned().unwrap_or_default() };
    if request["path"].as_str().is_some_and(|path| path.ends_with("/exec")) {
        return serde_json::json!({"container": first("container"), "command": of("command")});
    }
    serde_json::json!({"ports": first("ports").parse::<u16>().unwrap()})
}

/// Undoes the escapes of a query (RFC 3986).
fn decoded(value: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).unwrap();
        bytes.push(if byte == b'%' { u8::try_from(digit() * 16 + digit()).unwrap() } else { byte });
    }
    String::from_utf8(bytes).unwrap()
}

/// Returns bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
