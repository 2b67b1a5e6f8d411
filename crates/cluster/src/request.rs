//! Effects as requests: what is sent, its digest, and the precondition that ties it to what was approved.
//!
//! A patch and a deletion go with the live object's version; an object is only made where there is none. The
//! values of a Secret are neither sent for nor sent back: its requests ask for metadata.

use serde_json::{Value, json};
use todo_agent_core::{Effect, ObjectRef, Op, PatchStyle, Propagation};

use crate::{
    digest::DigestKey,
    http::{ApiRequest, JSON, METADATA},
    merge::merge,
    reader::is_secret,
    session::request::{Aim, SessionRequest},
};

/// An effect as it is done.
#[derive(Clone)]
pub(crate) enum Action {
    /// One request that writes.
    Write(Prepared),
    /// A session, of which the request is only the beginning.
    Session(SessionRequest),
}

impl Action {
    pub(crate) fn new(effect: &Effect) -> (ObjectRef, Self) {
        let (target, aim) = match effect {
            Effect::Object { target, op } => return (target.clone(), Self::Write(Prepared::new(target, op))),
            Effect::Exec { target, container, command } => {
                (target, Aim::Exec { container: container.clone(), command: command.clone() })
            }
            Effect::Forward { target, local, port } => (target, Aim::Forward { local: *local, port: *port }),
        };
        (target.clone(), Self::Session(SessionRequest::new(target, aim)))
    }

    /// Returns the verb as policy and grants know it.
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Write(prepared) => prepared.verb,
            Self::Session(session) => session.verb(),
        }
    }

    /// Returns the digest of what is sent.
    pub(crate) fn digest(&self, key: &DigestKey) -> String {
        match self {
            Self::Write(prepared) => prepared.digest(key),
            Self::Session(session) => session.digest(key),
        }
    }

    /// Returns whether the object must be there before.
    pub(crate) fn presence(&self) -> Presence {
        match self {
            Self::Write(prepared) => prepared.presence(),
            Self::Session(_) => Presence::Present,
        }
    }
}

/// A write, ready but for its precondition.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) verb: &'static str,
    path: String,
    form: Form,
    metadata_reply: bool,
}

/// What kind of request it is.
#[derive(Clone)]
enum Form {
    Scale { body: Value },
    Patch { style: PatchStyle, body: Value },
    Apply { object: Value },
    Create { object: Value },
    Delete { propagation: Propagation },
    Evict { name: String, namespace: Option<String> },
}

/// Whether an object must be there before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Present,
    Absent,
    Either,
}

/// Whether the server is to do it or only to say what would come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Earnest {
    DryRun,
    Real,
}

impl Prepared {
    fn new(target: &ObjectRef, op: &Op) -> Self {
        let (verb, path, form) = match op {
            Op::Scale { replicas } => {
                let body = json!({"spec": {"replicas": replicas}});
                ("scale", format!("{}/scale", target.path()), Form::Scale { body })
            }
            Op::Patch { style, body } => {
                ("patch", target.path(), Form::Patch { style: *style, body: body.reveal().clone() })
            }
            Op::Apply { object } => ("apply", target.path(), Form::Apply { object: object.reveal().clone() }),
            Op::Create { object } => {
                let collection = target.resource.path(target.namespace.as_deref());
                ("create", collection, Form::Create { object: object.reveal().clone() })
            }
            Op::Delete { propagation } => ("delete", target.path(), Form::Delete { propagation: *propagation }),
            Op::Evict => {
                let form = Form::Evict { name: target.name.clone(), namespace: target.namespace.clone() };
                ("evict", format!("{}/eviction", target.path()), form)
            }
        };
        Self { verb, path, form, metadata_reply: is_secret(&target.resource) }
    }

    /// Returns whether the object must be there before.
    pub(crate) fn presence(&self) -> Presence {
        match self.form {
            Form::Create { .. } => Presence::Absent,
            Form::Apply { .. } => Presence::Either,
            Form::Scale { .. } | Form::Patch { .. } | Form::Delete { .. } | Form::Evict { .. } => Presence::Present,
        }
    }

    /// Returns whether it is an eviction, which the server may refuse for now (429) and let through later.
    pub(crate) fn is_eviction(&self) -> bool {
        matches!(self.form, Form::Evict { .. })
    }

    /// Returns whether it writes what is not shown: of a Secret only labels and its absence are.
    pub(crate) fn writes_unseen(&self) -> bool {
        let only_labels = |body: &Value| {
            let metadata = body["metadata"].as_object();
            body.as_object().is_some_and(|body| body.keys().all(|key| key == "metadata"))
                && metadata.is_some_and(|metadata| metadata.keys().all(|key| key == "labels"))
        };
        self.metadata_reply
            && match &self.form {
                // The keys that are written are shown.
                Form::Delete { .. } | Form::Evict { .. } | Form::Create { .. } | Form::Apply { .. } => false,
                Form::Patch { style: PatchStyle::Merge | PatchStyle::Strategic, body } => !only_labels(body),
                Form::Patch { style: PatchStyle::Json, body } => {
                    let path = |operation: &Value| operation["path"].as_str().unwrap_or_default().to_owned();
                    !body.as_array().is_some_and(|all| all.iter().all(|one| path(one).starts_with("/metadata/labels")))
                }
                Form::Scale { .. } => true,
            }
    }

    /// Adds to a Secret, of which only metadata is known, the keys it gets; none of their values. Whether one that is
    /// there holds the same values already, only they would tell.
    pub(crate) fn with_keys(&self, mut seen: Value, live: &Value) -> Value {
        let (Form::Create { object } | Form::Apply { object }) = &self.form else { return seen };
        if !self.metadata_reply {
            return seen;
        }
        let shown = if live.is_null() { "<set>" } else { "<set-anew>" };
        for field in ["data", "stringData"] {
            if let Some(content) = object[field].as_object() {
                let keys = content.keys().map(|key| (key.clone(), Value::from(shown)));
                seen[field] = Value::Object(keys.collect());
            }
        }
        seen
    }

    /// Adds to a Secret that is there and is written again the same keys: what they held, or whether they were there, is
    /// not looked at.
    pub(crate) fn with_unknown_keys(&self, mut before: Value) -> Value {
        let Form::Apply { object } = &self.form else { return before };
        if !self.metadata_reply || before.is_null() {
            return before;
        }
        for field in ["data", "stringData"] {
            if let Some(content) = object[field].as_object() {
                let keys = content.keys().map(|key| (key.clone(), Value::from("(not looked at)")));
                before[field] = Value::Object(keys.collect());
            }
        }
        before
    }

    fn method(&self) -> http::Method {
        match self.form {
            Form::Scale { .. } | Form::Patch { .. } | Form::Apply { .. } => http::Method::PATCH,
            Form::Create { .. } | Form::Evict { .. } => http::Method::POST,
            Form::Delete { .. } => http::Method::DELETE,
        }
    }

    fn content_type(&self) -> &'static str {
        match self.form {
            Form::Scale { .. } | Form::Patch { style: PatchStyle::Merge, .. } => "application/merge-patch+json",
            Form::Patch { style: PatchStyle::Json, .. } => "application/json-patch+json",
            Form::Patch { style: PatchStyle::Strategic, .. } => "application/strategic-merge-patch+json",
            Form::Apply { .. } => "application/apply-patch+yaml",
            Form::Create { .. } | Form::Delete { .. } | Form::Evict { .. } => JSON,
        }
    }

    /// Returns the body without the precondition.
    fn body(&self) -> Value {
        match &self.form {
            Form::Scale { body }
            | Form::Patch { body, .. }
            | Form::Create { object: body }
            | Form::Apply { object: body } => body.clone(),
            Form::Delete { propagation } => {
                json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation.word()})
            }
            Form::Evict { name, namespace } => {
                let metadata = json!({"name": name, "namespace": namespace});
                json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})
            }
        }
    }

    /// Returns the digest of the request without its precondition, which is only known when it is sent.
    pub(crate) fn digest(&self, key: &DigestKey) -> String {
        let (method, body) = (self.method(), self.body().to_string());
        key.digest(&[method.as_str().as_bytes(), self.path.as_bytes(), self.content_type().as_bytes(), body.as_bytes()])
    }

    /// Returns the request with the live object's uid and version as its precondition.
    pub(crate) fn request(&self, live: &Value, earnest: Earnest, change_id: Option<&str>) -> ApiRequest {
        let purpose = match earnest {
            Earnest::DryRun => "preview the change (dry run)",
            Earnest::Real => "make the change",
        };
        let mut request = ApiRequest::get(self.path.clone(), purpose);
        match self.form {
            Form::Delete { .. } | Form::Evict { .. } => {}
            // A manager of its own: what set and scale wrote must not go with the next manifest.
            Form::Apply { .. } => request = request.query("fieldManager", "todo-agent-apply"),
            Form::Scale { .. } | Form::Patch { .. } | Form::Create { .. } => {
                request = request.query("fieldManager", "todo-agent");
            }
        }
        if matches!(self.form, Form::Create { .. } | Form::Apply { .. }) {
            // A misspelt field must not be dropped without a word.
            request = request.query("fieldValidation", "Strict");
        }
        if earnest == Earnest::DryRun {
            request = request.query("dryRun", "All");
        }
        request.method = self.method();
        request.accept = if self.metadata_reply { METADATA } else { JSON };
        let mut body = self.with_precondition(live);
        if earnest == Earnest::DryRun && matches!(self.form, Form::Delete { .. }) {
            // A deletion that has a body is not asked in its query: it would be done.
            // Source: k8s.io/apiserver/pkg/endpoints/handlers/delete.go, DeleteResource.
            body["dryRun"] = json!(["All"]);
        }
        request.content = Some((self.content_type(), body.to_string().into_bytes()));
        request.change_id = change_id.map(str::to_owned);
        request
    }

    /// Returns the body with what ties it to the object it was approved for. A write on any other version is
    /// answered with 409.
    fn with_precondition(&self, live: &Value) -> Value {
        let version = live["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        match (&self.form, self.body()) {
            (Form::Create { .. }, body) => body,
            (Form::Apply { .. }, body) if live.is_null() => body,
            (Form::Delete { .. }, mut body) => {
                body["preconditions"] = json!({"uid": live["metadata"]["uid"], "resourceVersion": version});
                body
            }
            (Form::Evict { .. }, mut body) => {
                let preconditions = json!({"uid": live["metadata"]["uid"], "resourceVersion": version});
                body["deleteOptions"] = json!({"preconditions": preconditions});
                body
            }
            (Form::Patch { style: PatchStyle::Json, .. }, body) => with_operation(body, version),
            (Form::Scale { .. } | Form::Patch { .. } | Form::Apply { .. }, body) => with_version(body, version),
        }
    }

    /// Returns the object as the server's answer shows it: a scale answer speaks of the count only, one to a
    /// deletion of nothing that stays.
    pub(crate) fn object_after(&self, live: &Value, answer: &Value) -> Value {
        match &self.form {
            Form::Scale { .. } => {
                let mut after = live.clone();
                after["spec"]["replicas"] = answer["spec"].get("replicas").cloned().unwrap_or(json!(0));
                after
            }
            Form::Patch { .. } | Form::Create { .. } | Form::Apply { .. } => answer.clone(),
            Form::Delete { .. } | Form::Evict { .. } => live.clone(),
        }
    }

    /// Returns the object as a preview shows it, from what the server said to a dry run.
    pub(crate) fn object_tried(&self, live: &Value, answer: &Value) -> Value {
        match &self.form {
            Form::Create { object } => without_chance(answer.clone(), object),
            Form::Apply { object } if live.is_null() => without_chance(answer.clone(), object),
            Form::Apply { .. } => answer.clone(),
            Form::Delete { .. } | Form::Evict { .. } => Value::Null,
            Form::Scale { .. } | Form::Patch { .. } => self.object_after(live, answer),
        }
    }

    /// Works out what would come of it without the server; `None` where only the server can.
    pub(crate) fn computed_after(&self, live: &Value) -> Option<Value> {
        match &self.form {
            Form::Create { object } if self.metadata_reply => Some(only_metadata(object)),
            Form::Apply { object } if self.metadata_reply => live.is_null().then(|| only_metadata(object)),
            Form::Create { object } => Some(object.clone()),
            Form::Apply { object } => live.is_null().then(|| object.clone()),
            Form::Delete { .. } | Form::Evict { .. } => Some(Value::Null),
            Form::Scale { body } | Form::Patch { style: PatchStyle::Merge, body } => {
                let mut after = live.clone();
                merge(&mut after, body);
                Some(after)
            }
            Form::Patch { style: PatchStyle::Json, body } => {
                let mut after = live.clone();
                let patch: json_patch::Patch = serde_json::from_value(body.clone()).ok()?;
                json_patch::patch(&mut after, &patch).ok()?;
                Some(after)
            }
            Form::Patch { style: PatchStyle::Strategic, .. } => None,
        }
    }
}

fn with_operation(mut body: Value, version: &str) -> Value {
    let precondition = json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version});
    match body.as_array_mut() {
        Some(operations) => operations.push(precondition),
        // A body that is no list is refused by the server; it must not be sent without a precondition.
        None => body = json!([precondition]),
    }
    body
}

fn with_version(mut body: Value, version: &str) -> Value {
    // A body that is no object is refused by the server; it must not be sent without a precondition.
    if !body.is_object() || !body["metadata"].is_object() {
        if !body.is_object() {
            body = json!({});
        }
        body["metadata"] = json!({});
    }
    body["metadata"]["resourceVersion"] = json!(version);
    body
}

/// Returns what may be known of a Secret.
fn only_metadata(object: &Value) -> Value {
    json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": object["metadata"]})
}

/// Takes out what the server gives anew each time it is asked, unless it was asked for: the same proposal must
/// look the same when it is made again.
fn without_chance(mut made: Value, asked: &Value) -> Value {
    if let Some(metadata) = made["metadata"].as_object_mut() {
        for field in ["uid", "creationTimestamp"] {
            metadata.remove(field);
        }
    }
    if made["kind"] == "Service" {
        let given = asked["spec"].clone();
        if let Some(spec) = made["spec"].as_object_mut().filter(|_| given.get("clusterIP").is_none()) {
            spec.remove("clusterIP");
            spec.remove("clusterIPs");
        }
        for (index, port) in made["spec"]["ports"].as_array_mut().into_iter().flatten().enumerate() {
            if let Some(port) = port.as_object_mut().filter(|_| given["ports"][index].get("nodePort").is_none()) {
                port.remove("nodePort");
            }
        }
    }
    made
}

#[cfg(test)]
mod tests;
