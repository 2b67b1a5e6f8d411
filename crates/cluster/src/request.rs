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
};

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
    pub(crate) fn new(effect: &Effect) -> (ObjectRef, Self) {
        match effect {
            Effect::Object { target, op } => (target.clone(), Self::for_object(target, op)),
        }
    }

    fn for_object(target: &ObjectRef, op: &Op) -> Self {
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

/// Takes out what the server gives anew each time it is asked, unless it was asked for: the same proposal must
/// look the same when it is made again.
/// Returns what may be known of a Secret.
fn only_metadata(object: &Value) -> Value {
    json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": object["metadata"]})
}

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
mod tests {
    use todo_agent_core::Payload;
    use todo_agent_kube_rules::kinds;

    use super::*;

    fn target() -> ObjectRef {
        ObjectRef::new(kinds::find("deployment").unwrap(), "todo", "backend")
    }

    fn prepared(op: Op) -> Prepared {
        Prepared::new(&Effect::Object { target: target(), op }).1
    }

    fn live() -> Value {
        json!({"metadata": {"uid": "u", "resourceVersion": "42"}})
    }

    fn sent(prepared: &Prepared) -> Value {
        serde_json::from_slice(&prepared.request(&live(), Earnest::Real, None).content.unwrap().1).unwrap()
    }

    #[test]
    fn a_scale_goes_to_its_subresource_with_a_precondition() {
        let request = prepared(Op::Scale { replicas: 3 }).request(&live(), Earnest::DryRun, Some("c-1"));
        assert_eq!(request.path, "/apis/apps/v1/namespaces/todo/deployments/backend/scale");
        assert!(request.query.contains(&("dryRun", "All".to_owned())));
        let body: Value = serde_json::from_slice(&request.content.unwrap().1).unwrap();
        assert_eq!(body, json!({"spec": {"replicas": 3}, "metadata": {"resourceVersion": "42"}}));
    }

    #[test]
    fn the_digest_covers_target_and_content_but_not_the_precondition() {
        let key = DigestKey::new([3; 32]);
        let digest = |replicas| prepared(Op::Scale { replicas }).digest(&key);
        assert_eq!(digest(3), digest(3));
        assert_ne!(digest(3), digest(4));
        let delete = |propagation| prepared(Op::Delete { propagation }).digest(&key);
        assert_ne!(delete(Propagation::Orphan), delete(Propagation::Background));
    }

    #[test]
    fn a_json_patch_carries_its_precondition_as_an_operation() {
        let body = Payload::new(json!([{"op": "replace", "path": "/spec/paused", "value": true}]));
        let sent = sent(&prepared(Op::Patch { style: PatchStyle::Json, body }));
        assert_eq!(sent[1], json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "42"}));
    }

    #[test]
    fn no_patch_goes_without_its_precondition() {
        for style in [PatchStyle::Merge, PatchStyle::Strategic] {
            for body in [json!({"metadata": "x"}), json!({"metadata": null}), json!("x"), json!(null), json!([])] {
                let sent = sent(&prepared(Op::Patch { style, body: Payload::new(body.clone()) }));
                assert_eq!(sent["metadata"]["resourceVersion"], "42", "{style:?} {body}");
            }
        }
        for body in [json!({"metadata": "x"}), json!("x"), json!(null), json!([])] {
            let sent = sent(&prepared(Op::Patch { style: PatchStyle::Json, body: Payload::new(body.clone()) }));
            assert_eq!(sent[0]["path"], "/metadata/resourceVersion", "{body}");
        }
    }

    #[test]
    fn a_deletion_is_of_this_object_in_this_version() {
        let delete = prepared(Op::Delete { propagation: Propagation::Foreground });
        assert_eq!(delete.request(&live(), Earnest::Real, None).method, http::Method::DELETE);
        assert_eq!(
            sent(&delete),
            json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground",
                "preconditions": {"uid": "u", "resourceVersion": "42"}})
        );
    }

    #[test]
    fn a_deletion_is_tried_by_its_body_which_alone_counts() {
        let delete = prepared(Op::Delete { propagation: Propagation::Background });
        let body = |earnest| -> Value {
            serde_json::from_slice(&delete.request(&live(), earnest, None).content.unwrap().1).unwrap()
        };
        assert_eq!(body(Earnest::DryRun)["dryRun"], json!(["All"]));
        assert!(body(Earnest::Real).get("dryRun").is_none());
    }

    #[test]
    fn a_new_object_goes_to_its_collection() {
        let create = prepared(Op::Create { object: Payload::new(json!({"kind": "Deployment"})) });
        let request = create.request(&Value::Null, Earnest::DryRun, None);
        assert_eq!(
            (request.method, request.path.as_str()),
            (http::Method::POST, "/apis/apps/v1/namespaces/todo/deployments")
        );
    }

    #[test]
    fn the_values_of_a_secret_are_never_written_unseen() {
        let secret = ObjectRef::new(kinds::find("secret").unwrap(), "todo", "keys");
        let unseen = |style, body: Value| {
            let op = Op::Patch { style, body: Payload::new(body) };
            Prepared::new(&Effect::Object { target: secret.clone(), op }).1.writes_unseen()
        };
        assert!(!unseen(PatchStyle::Merge, json!({"metadata": {"labels": {"a": "b"}}})));
        assert!(unseen(PatchStyle::Merge, json!({"metadata": {"labels": {}}, "data": {"a": "Yg=="}})));
        assert!(unseen(PatchStyle::Strategic, json!({"metadata": {"annotations": {}}})));
        assert!(unseen(PatchStyle::Json, json!([{"op": "add", "path": "/data/a", "value": "Yg=="}])));
        let delete = Effect::Object { target: secret.clone(), op: Op::Delete { propagation: Propagation::Background } };
        assert!(!Prepared::new(&delete).1.writes_unseen());
    }

    #[test]
    fn of_a_secret_that_is_made_or_applied_the_keys_are_seen_and_no_value() {
        let secret = ObjectRef::new(kinds::find("secret").unwrap(), "todo", "s");
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"A": "x"}});
        let seen = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
        for op in [Op::Create { object: Payload::new(object.clone()) }, Op::Apply { object: Payload::new(object) }] {
            let prepared = Prepared::new(&Effect::Object { target: secret.clone(), op }).1;
            assert!(!prepared.writes_unseen());
            let computed = prepared.computed_after(&Value::Null).unwrap();
            assert_eq!(computed, seen);
            assert_eq!(prepared.with_keys(computed, &Value::Null)["stringData"], json!({"A": "<set>"}));
            let again = prepared.with_keys(seen.clone(), &seen);
            assert_eq!(again["stringData"], json!({"A": "<set-anew>"}));
            assert_eq!(prepared.with_unknown_keys(Value::Null), Value::Null);
        }
    }

    #[test]
    fn what_the_server_draws_by_lot_is_not_part_of_a_preview() {
        let answer = json!({"kind": "Service", "metadata": {"name": "a", "uid": "u", "creationTimestamp": "now"},
            "spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ports": [{"port": 80, "nodePort": 30000}]}});
        let shown = without_chance(answer.clone(), &json!({"spec": {"ports": [{"port": 80}]}}));
        let left = json!({"kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}});
        assert_eq!(shown, left);
        let asked = json!({"spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80, "nodePort": 30000}]}});
        assert_eq!(without_chance(answer.clone(), &asked)["spec"], answer["spec"]);
    }
}
