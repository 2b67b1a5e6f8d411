//! Effects as requests: what is sent, its digest, and the precondition that ties it to what was approved.

use serde_json::{Value, json};
use todo_agent_core::{Effect, ObjectRef, Op, PatchStyle};

use crate::{
    digest::DigestKey,
    http::{ApiRequest, JSON, METADATA},
};

/// A write, ready but for its precondition.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) verb: &'static str,
    path: String,
    subresource: Option<&'static str>,
    content_type: &'static str,
    style: PatchStyle,
    body: Value,
    metadata_reply: bool,
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
        let metadata_reply = target.resource.group.is_empty() && target.resource.plural == "secrets";
        let (verb, subresource, style, body) = match op {
            Op::Scale { replicas } => {
                ("scale", Some("scale"), PatchStyle::Merge, json!({"spec": {"replicas": replicas}}))
            }
            Op::Patch { style, body } => ("patch", None, *style, body.reveal().clone()),
        };
        let content_type = match style {
            PatchStyle::Merge => "application/merge-patch+json",
            PatchStyle::Json => "application/json-patch+json",
            PatchStyle::Strategic => "application/strategic-merge-patch+json",
        };
        Self { verb, path: target.path(), subresource, content_type, style, body, metadata_reply }
    }

    /// Returns the path that is written to.
    fn target(&self) -> String {
        match self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.path),
            None => self.path.clone(),
        }
    }

    /// Returns the digest of the request without its precondition, which is only known when it is sent.
    pub(crate) fn digest(&self, key: &DigestKey) -> String {
        let body = self.body.to_string();
        key.digest(&[b"PATCH", self.target().as_bytes(), self.content_type.as_bytes(), body.as_bytes()])
    }

    /// Returns the request with the live object's version as its precondition.
    pub(crate) fn request(&self, resource_version: &str, earnest: Earnest, change_id: Option<&str>) -> ApiRequest {
        let body = with_precondition(self.body.clone(), self.style, resource_version);
        let mut request = ApiRequest::get(
            self.target(),
            match earnest {
                Earnest::DryRun => "preview the change (dry run)",
                Earnest::Real => "make the change",
            },
        )
        .query("fieldManager", "todo-agent");
        if earnest == Earnest::DryRun {
            request = request.query("dryRun", "All");
        }
        request.method = http::Method::PATCH;
        request.accept = if self.metadata_reply && earnest == Earnest::Real { METADATA } else { JSON };
        request.content = Some((self.content_type, body.to_string().into_bytes()));
        request.change_id = change_id.map(str::to_owned);
        request
    }

    /// Returns the object as the server's answer shows it: a scale answer speaks of the count only.
    pub(crate) fn object_after(&self, live: &Value, answer: &Value) -> Value {
        if self.subresource == Some("scale") {
            let mut after = live.clone();
            after["spec"]["replicas"] = answer["spec"].get("replicas").cloned().unwrap_or(json!(0));
            after
        } else {
            answer.clone()
        }
    }

    /// Works out what would come of it without the server; `None` where only the server can.
    pub(crate) fn computed_after(&self, live: &Value) -> Option<Value> {
        match self.style {
            PatchStyle::Merge => {
                let mut after = live.clone();
                merge(&mut after, &self.body);
                Some(after)
            }
            PatchStyle::Json => {
                let mut after = live.clone();
                let patch: json_patch::Patch = serde_json::from_value(self.body.clone()).ok()?;
                json_patch::patch(&mut after, &patch).ok()?;
                Some(after)
            }
            PatchStyle::Strategic => None,
        }
    }
}

/// Adds the version the change was approved for. A write on any other version is answered with 409.
fn with_precondition(mut body: Value, style: PatchStyle, resource_version: &str) -> Value {
    match (style, &mut body) {
        (PatchStyle::Json, Value::Array(operations)) => {
            operations.push(json!({"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version}));
        }
        (_, body) => {
            // A body that is no object is refused by the server; it must not be sent without a precondition.
            if !body.is_object() || !body["metadata"].is_object() {
                if !body.is_object() {
                    *body = json!({});
                }
                body["metadata"] = json!({});
            }
            body["metadata"]["resourceVersion"] = json!(resource_version);
        }
    }
    body
}

/// Applies a JSON merge patch (RFC 7386).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (key, change) in changes {
        if change.is_null() {
            fields.remove(key);
        } else {
            merge(fields.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use todo_agent_core::Payload;
    use todo_agent_kube_rules::kinds;

    use super::*;

    fn target() -> ObjectRef {
        ObjectRef::new(kinds::find("deployment").unwrap(), "todo", "backend")
    }

    #[test]
    fn a_scale_goes_to_its_subresource_with_a_precondition() {
        let (_, prepared) = Prepared::new(&Effect::Object { target: target(), op: Op::Scale { replicas: 3 } });
        let request = prepared.request("42", Earnest::DryRun, Some("c-1"));
        assert_eq!(request.path, "/apis/apps/v1/namespaces/todo/deployments/backend/scale");
        assert!(request.query.contains(&("dryRun", "All".to_owned())));
        let body: Value = serde_json::from_slice(&request.content.unwrap().1).unwrap();
        assert_eq!(body, json!({"spec": {"replicas": 3}, "metadata": {"resourceVersion": "42"}}));
    }

    #[test]
    fn the_digest_covers_target_and_content_but_not_the_precondition() {
        let key = DigestKey::new([3; 32]);
        let digest =
            |replicas| Prepared::new(&Effect::Object { target: target(), op: Op::Scale { replicas } }).1.digest(&key);
        assert_eq!(digest(3), digest(3));
        assert_ne!(digest(3), digest(4));
    }

    #[test]
    fn a_json_patch_carries_its_precondition_as_an_operation() {
        let body = Payload::new(json!([{"op": "replace", "path": "/spec/paused", "value": true}]));
        let effect = Effect::Object { target: target(), op: Op::Patch { style: PatchStyle::Json, body } };
        let request = Prepared::new(&effect).1.request("42", Earnest::Real, None);
        let sent: Value = serde_json::from_slice(&request.content.unwrap().1).unwrap();
        assert_eq!(sent[1], json!({"op": "replace", "path": "/metadata/resourceVersion", "value": "42"}));
    }

    #[test]
    fn no_body_goes_without_its_precondition() {
        for style in [PatchStyle::Merge, PatchStyle::Strategic, PatchStyle::Json] {
            for body in [json!({"metadata": "x"}), json!({"metadata": null}), json!("x"), json!(null)] {
                let sent = with_precondition(body.clone(), style, "42");
                assert_eq!(sent["metadata"]["resourceVersion"], "42", "{style:?} {body}");
            }
        }
        assert_eq!(with_precondition(json!([]), PatchStyle::Merge, "42")["metadata"]["resourceVersion"], "42");
    }

    #[test]
    fn a_merge_patch_removes_with_null() {
        let mut target = json!({"a": 1, "b": {"c": 2, "d": 3}});
        merge(&mut target, &json!({"a": null, "b": {"c": 4}}));
        assert_eq!(target, json!({"b": {"c": 4, "d": 3}}));
    }
}
