//! `watch`: changes as JSON lines, from a resourceVersion on, through the request's selectors.
//!
//! An object that begins to match appears as ADDED, one that ceases to as DELETED. Time in here is
//! simulated: `timeoutSeconds` and the minute between bookmarks pass when the virtual clock does, and a
//! watch never makes time pass.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::form::Form;
use super::incoming::Incoming;
use super::list_options::{self, Beginning};
use super::metadata::watched_as;
use super::read::{Filter, asked_version};
use super::reply::Reply;
use super::route::Target;
use super::status::ApiError;
use crate::authors::Unfolding;
use crate::object;
use crate::schema::as_written;
use crate::simulation::Sandbox;
use crate::store::{Store, WatchEvent, WatchEventKind};
use crate::tables::Headers;

/// Simulated seconds between two bookmarks, as in the real watch cache.
const BOOKMARK_SECONDS: i64 = 60;

/// The longest that a watch without `timeoutSeconds` lasts.
const TIMEOUT_SECONDS: i64 = 3600;

/// The annotation of the bookmark that ends the initial events of a streaming list.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What a bookmark tells besides the resourceVersion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Nothing.
    Progress,
    /// That the present objects are told.
    InitialEventsEnd,
}

/// A watch in progress.
struct Watching {
    sandbox: Sandbox,
    changed: watch::Receiver<u64>,
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
    api_version: String,
    filter: Filter,
    form: Form,
    unfolding: Unfolding,
    /// Everything up to this resourceVersion has been looked at.
    seen: u64,
    /// Lines that are ready to be sent.
    ready: VecDeque<Bytes>,
    deadline: Timestamp,
    /// When the next bookmark is due, if they are wanted.
    bookmark: Option<Timestamp>,
    over: bool,
}

/// Answers `watch`.
pub(crate) fn watch(incoming: &Incoming, target: &Target, sandbox: &Sandbox) -> Result<Reply, ApiError> {
    let form = incoming.form()?;
    let beginning = list_options::of_watch(&incoming.query)?;
    let filter = Filter::of(incoming, target)?;
    let version = asked_version(incoming)?;
    let seconds = incoming.query.number("timeoutSeconds")?.filter(|seconds| *seconds > 0);
    let seconds = seconds.unwrap_or(TIMEOUT_SECONDS).min(86_400);
    let wants_bookmarks = incoming.query.flag("allowWatchBookmarks");

    let state = sandbox.state();
    let current = state.store.resource_version();
    if let Some(version) = version
        && version > current
    {
        return Err(ApiError::future_version(version, current));
    }
    let kind = target.resource.kind;
    let mut watching = Watching {
        sandbox: sandbox.clone(),
        changed: state.store.changed(),
        group: kind.group,
        plural: kind.plural,
        kind: kind.kind,
        api_version: kind.api_version(),
        filter,
        form,
        unfolding: Unfolding::default(),
        seen: current,
        ready: VecDeque::new(),
        deadline: later(incoming.now, seconds),
        bookmark: wants_bookmarks.then(|| later(incoming.now, BOOKMARK_SECONDS)),
        over: false,
    };
    match (beginning, version) {
        (Beginning::Present, _) => {
            watching.list_as_added(&state.store, state.now);
            if wants_bookmarks {
                watching.send_bookmark(Mark::InitialEventsEnd, state.now);
            }
        }
        (Beginning::Changes, None | Some(0)) => {}
        (Beginning::Changes, Some(version)) => watching.seen = version,
    }
    drop(state);
    let chunks =
        stream::unfold(watching, |mut watching| async move { watching.next().await.map(|line| (line, watching)) });
    Ok(Reply::stream("application/json", chunks.boxed()))
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(jiff::Span::new().seconds(seconds)).unwrap_or(Timestamp::MAX)
}

impl Watching {
    /// Waits for the next line; `None` ends the watch.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(line);
            }
            if self.over {
                return None;
            }
            self.changed.mark_unchanged();
            self.collect();
            if !self.ready.is_empty() || self.over {
                continue;
            }
            let due = self.bookmark.map_or(self.deadline, |bookmark| bookmark.min(self.deadline));
            let sandbox = self.sandbox.clone();
            tokio::select! {
                changed = self.changed.changed() => if changed.is_err() { return None },
                () = sandbox.reached(due) => {}
            }
        }
    }

    /// Looks at the changes since the last time, and at the clock.
    fn collect(&mut self) {
        let sandbox = self.sandbox.clone();
        let state = sandbox.state();
        match state.store.events_since(self.seen) {
            Err(expired) => {
                let error = ApiError::from(expired);
                self.ready.push_back(line("ERROR", &error.body()));
                self.over = true;
            }
            Ok(events) => {
                let events: Vec<&WatchEvent> = events.collect();
                for event in &events {
                    if let Some(line) = self.line_of(event, state.now) {
                        self.ready.push_back(line);
                    }
                }
                self.seen = events.last().map_or(self.seen, |event| event.revision);
            }
        }
        if self.over {
            return;
        }
        let ends = state.now >= self.deadline;
        if self.bookmark.is_some_and(|due| state.now >= due || ends) {
            self.send_bookmark(Mark::Progress, state.now);
            self.bookmark = Some(later(state.now, BOOKMARK_SECONDS));
        }
        self.over = ends;
    }

    /// Returns what a change means to this watch.
    fn line_of(&mut self, event: &WatchEvent, now: Timestamp) -> Option<Bytes> {
        if event.key.group != self.group || event.key.plural != self.plural {
            return None;
        }
        let before = event.previous.as_ref().is_some_and(|previous| self.filter.selects(previous));
        let after = event.kind != WatchEventKind::Deleted && self.filter.selects(&event.object);
        match (before, after) {
            (false, true) => Some(line("ADDED", &self.shown(&event.object, now))),
            (true, true) => Some(line("MODIFIED", &self.shown(&event.object, now))),
            (true, false) => {
                // The last state that matched, with the resourceVersion of the change that ended it.
                let mut last = event.previous.as_ref().map_or(Value::Null, |previous| Value::clone(previous));
                object::metadata_mut(&mut last).insert("resourceVersion".into(), event.revision.to_string().into());
                Some(line("DELETED", &self.shown(&last, now)))
            }
            (false, false) => None,
        }
    }

    /// The present objects, as if they had just been added.
    fn list_as_added(&mut self, store: &Store, now: Timestamp) {
        let objects: Vec<Arc<Value>> = store.list(self.group, self.plural, self.filter.namespace.as_deref());
        for object in objects {
            if !self.filter.selects(&object) {
                continue;
            }
            let shown = self.shown(&object, now);
            self.ready.push_back(line("ADDED", &shown));
        }
    }

    fn send_bookmark(&mut self, mark: Mark, now: Timestamp) {
        let mut metadata = json!({"resourceVersion": self.seen.to_string()});
        if mark == Mark::InitialEventsEnd {
            metadata["annotations"] = json!({INITIAL_EVENTS_END: "true"});
        }
        let mut mark = json!({"kind": self.kind, "apiVersion": self.api_version, "metadata": metadata});
        as_written(self.kind, &mut mark);
        if self.form == Form::Full {
            convert_empty(self.kind, &mut mark);
        }
        let shown = self.shown(&mark, now);
        self.ready.push_back(line("BOOKMARK", &shown));
    }

    /// Returns an object in the wanted form. Of tables only the first describes its columns.
    fn shown(&mut self, object: &Value, now: Timestamp) -> Value {
        if let Form::Table(table) = &mut self.form {
            table.now = now;
        }
        let shown = watched_as(&self.unfolding.of(object), self.form);
        if let Form::Table(table) = &mut self.form {
            table.headers = Headers::Hidden;
        }
        shown
    }
}

/// Adds what the real server's conversion from its internal types writes into an empty object: there the wanted size
/// is a plain number, and what DaemonSets counted once lives on in an annotation.
fn convert_empty(kind: &str, object: &mut Value) {
    match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" => object["spec"]["replicas"] = json!(0),
        "DaemonSet" => {
            let annotations = object::map_at(&mut object["metadata"], "annotations");
            annotations.insert("deprecated.daemonset.template.generation".into(), "0".into());
        }
        _ => {}
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    Bytes::from(format!("{}\n", json!({"type": kind, "object": object})))
}
