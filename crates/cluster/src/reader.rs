//! `Reader` on a real connection. Secrets are asked for as metadata only, and even their annotations are
//! dropped, because `last-applied-configuration` may hold the values.

use bytes::BytesMut;
use futures::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};
use todo_agent_core::{
    ClusterError, FullReader, ListQuery, ObjectRef, Reader, Redactor, ResourceType,
    reader::{Access, LogQuery, LogText, Permission, Scope, Sealed, Sink, Subject},
};
use todo_agent_kube_rules::kinds;

use crate::{
    cluster::Cluster,
    http::{ApiRequest, JSON, METADATA, next_frame},
};

/// The most bytes kept of one log, from its end.
const LONGEST_LOG: usize = 16 * 1024 * 1024;

impl Reader for Cluster {
    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn kind<'a>(&'a self, word: &'a str) -> BoxFuture<'a, Result<ResourceType, ClusterError>> {
        self.resource_type(word).boxed()
    }

    fn get<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Value, ClusterError>> {
        async move {
            let secret = is_secret(&object.resource);
            let accept = if secret { METADATA } else { JSON };
            let reply = self.http.read(ApiRequest::get(object.path(), "read an object").accept(accept)).await?;
            Ok(tidy(reply.body, &object.resource, secret))
        }
        .boxed()
    }

    fn list_into<'a>(
        &'a self,
        query: &'a ListQuery,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), ClusterError>> {
        self.list_into_sink(query, sink).boxed()
    }

    fn logs<'a>(&'a self, query: &'a LogQuery) -> BoxFuture<'a, Result<LogText, ClusterError>> {
        self.read_log(query).boxed()
    }

    fn permission<'a>(
        &'a self,
        access: &'a Access,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Permission, ClusterError>> {
        async move {
            let reply = self.http.read(review(access, subject)).await?;
            let status = &reply.body["status"];
            let reason = status["reason"].as_str().filter(|reason| !reason.is_empty()).map(str::to_owned);
            Ok(Permission { allowed: status["allowed"] == true, reason })
        }
        .boxed()
    }

    fn schemas<'a>(&'a self, resource: &'a ResourceType) -> BoxFuture<'a, Result<Value, ClusterError>> {
        async move {
            let group = &resource.group;
            let place = if group.is_empty() { "api".to_owned() } else { format!("apis/{group}") };
            let path = format!("/openapi/v3/{place}/{}", resource.version);
            let mut reply = self.http.read(ApiRequest::get(path, "read what the fields mean")).await?;
            Ok(reply.body["components"]["schemas"].take())
        }
        .boxed()
    }
}

/// Returns an access review. It changes nothing, so it may be asked again like any read.
fn review(access: &Access, subject: &Subject) -> ApiRequest {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut spec = json!({"resourceAttributes": {
        "verb": access.verb,
        "group": access.resource.group,
        "resource": access.resource.plural,
        "subresource": text(&access.subresource),
        "namespace": text(&access.namespace),
        "name": text(&access.name),
    }});
    let kind = match subject {
        Subject::Me => "SelfSubjectAccessReview",
        Subject::User(name) => {
            spec["user"] = json!(name);
            spec["groups"] = json!(["system:authenticated"]);
            "SubjectAccessReview"
        }
        Subject::Group(name) => {
            spec["groups"] = json!([name]);
            "SubjectAccessReview"
        }
        Subject::ServiceAccount { namespace, name } => {
            spec["user"] = json!(format!("system:serviceaccount:{namespace}:{name}"));
            let all = "system:serviceaccounts";
            spec["groups"] = json!([all, format!("{all}:{namespace}"), "system:authenticated"]);
            "SubjectAccessReview"
        }
    };
    let path = format!("/apis/authorization.k8s.io/v1/{}s", kind.to_ascii_lowercase());
    let mut request = ApiRequest::get(path, "ask whether this is permitted");
    request.method = http::Method::POST;
    let body = json!({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec});
    request.content = Some((JSON, body.to_string().into_bytes()));
    request
}

impl FullReader for Cluster {
    fn secret<'a>(
        &'a self,
        object: &'a ObjectRef,
        redactor: &'a Redactor,
    ) -> BoxFuture<'a, Result<Sealed<Value>, ClusterError>> {
        async move {
            let reply = self.http.read(ApiRequest::get(object.path(), "compare a Secret's values")).await?;
            redactor.register_secret(&reply.body);
            Ok(Sealed::new(reply.body))
        }
        .boxed()
    }

    fn as_reader(&self) -> &dyn Reader {
        self
    }
}

impl Cluster {
    async fn read_log(&self, query: &LogQuery) -> Result<LogText, ClusterError> {
        let pod = kinds::find("pod").map(|kind| ObjectRef::new(kind, &query.namespace, &query.pod).path());
        let path = format!("{}/log", pod.unwrap_or_default());
        let mut request = ApiRequest::get(path, "read a log").query("timestamps", "true");
        if let Some(container) = &query.container {
            request = request.query("container", container);
        }
        if query.previous {
            request = request.query("previous", "true");
        }
        if let Some(since) = query.since {
            request = request.query("sinceSeconds", since.as_secs().max(1).to_string());
        }
        if let Some(tail) = query.tail {
            request = request.query("tailLines", tail.to_string());
        }
        let limit = query.limit_bytes.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(LONGEST_LOG);
        let limit = limit.min(LONGEST_LOG);
        let mut body = self.http.stream(request).await?;
        let mut kept = BytesMut::new();
        let mut cut = false;
        while let Some(frame) = next_frame(&mut body, &self.scope.server).await? {
            if let Ok(data) = frame.into_data() {
                kept.extend_from_slice(&data);
            }
            // The end of a log says more than its start; twice the bound is held at most.
            if kept.len() > 2 * limit {
                let _ = kept.split_to(kept.len() - limit);
                cut = true;
            }
        }
        if kept.len() > limit {
            let _ = kept.split_to(kept.len() - limit);
            cut = true;
        }
        if cut && let Some(line_end) = kept.iter().position(|&byte| byte == b'\n') {
            let _ = kept.split_to(line_end + 1);
        }
        Ok(LogText { bytes: kept.to_vec(), cut })
    }
}

pub(crate) fn is_secret(resource: &ResourceType) -> bool {
    resource.group.is_empty() && resource.plural == "secrets"
}

/// Drops what no tool shows, and gives metadata replies the type they lack.
pub(crate) fn tidy(object: Value, resource: &ResourceType, metadata_only: bool) -> Value {
    let mut object = typed(object, resource, metadata_only);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

/// Gives list items the type they lack, and drops what may hold the values of a Secret. Who wrote which field was
/// dropped while parsing, unless it was asked for.
pub(crate) fn typed(mut object: Value, resource: &ResourceType, metadata_only: bool) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("apiVersion".to_owned(), Value::String(resource.api_version()));
        fields.insert("kind".to_owned(), Value::String(resource.kind.clone()));
        if metadata_only && is_secret(resource) {
            // The server may ignore the Accept header; nothing but metadata passes here.
            fields.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata"));
        }
    }
    if is_secret(resource)
        && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.remove("annotations");
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_comes_whole_is_still_metadata_only() {
        let secret =
            json!({"metadata": {"name": "s", "annotations": {"x": "y"}}, "data": {"p": "cGFzcw=="}, "type": "Opaque"});
        let kind = kinds::find("secret").unwrap().into();
        assert_eq!(tidy(secret, &kind, true), json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}}));
    }
}
