//! A cluster for tests: a list of objects, the requests that were made, and a clock that only sleeping
//! moves. It answers as the API server does, through the same selector rules.
//!
//! Every request is noted, so that a test can say how many a tool may send.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};
use todo_agent_core::{
    Cause, Clock, ClusterError, Event, FullReader, ListQuery, ObjectRef, Output, Reader, Redactor, ResourceType, Run,
    ToolError, Within,
    journal::{History, NoHistory, PastChange},
    reader::{Access, LogQuery, LogText, Permission, Scope, Sealed, Sink, Subject},
};
use todo_agent_kube_rules::{
    kinds,
    selectors::{FieldSelector, LabelSelector},
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio_util::sync::CancellationToken;

use crate::{Proposal, find};

/// What happens to the objects while a tool waits: called with the seconds passed since the start.
type Script = Box<dyn Fn(i64, &mut Vec<Value>) + Send + Sync>;

/// The instant every test starts at.
pub(crate) const START: &str = "2026-03-01T12:00:00Z";

/// Objects, forbidden kinds, logs, and the requests made.
pub(crate) struct FakeReader {
    scope: Scope,
    objects: Arc<Mutex<Vec<Value>>>,
    forbidden: HashSet<String>,
    absent: HashSet<String>,
    logs: BTreeMap<String, Vec<u8>>,
    schemas: Value,
    requests: Mutex<Vec<String>>,
}

impl FakeReader {
    pub(crate) fn new(objects: Vec<Value>) -> Self {
        let scope =
            Scope { context: "fake".to_owned(), namespace: "todo".to_owned(), server: "https://fake".to_owned() };
        let mut objects = objects;
        for namespace in ["todo", "shop"] {
            objects.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}));
        }
        Self {
            scope,
            objects: Arc::new(Mutex::new(objects)),
            forbidden: HashSet::new(),
            absent: HashSet::new(),
            logs: BTreeMap::new(),
            schemas: Value::Null,
            requests: Mutex::default(),
        }
    }

    /// Refuses `get Pod`, `list Deployment`, or with ` everywhere` behind, a list of all namespaces.
    pub(crate) fn forbid(mut self, what: &str) -> Self {
        self.forbidden.insert(what.to_owned());
        self
    }

    /// Stops serving a kind, as a cluster that does not know it.
    pub(crate) fn without(mut self, kind: &str) -> Self {
        self.absent.insert(kind.to_owned());
        self
    }

    /// Adds a container's log: `pod/container`, or `pod/container previous`.
    pub(crate) fn log(mut self, container: &str, text: impl AsRef<[u8]>) -> Self {
        self.logs.insert(container.to_owned(), text.as_ref().to_vec());
        self
    }

    /// Publishes these schemas for every group.
    pub(crate) fn documented(mut self, schemas: Value) -> Self {
        self.schemas = schemas;
        self
    }

    /// Returns what was asked, one request per line.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    fn note(&self, request: String) {
        self.requests.lock().unwrap().push(request);
    }

    fn check(&self, what: &str, resource: &ResourceType) -> Result<(), ClusterError> {
        if self.absent.contains(&resource.kind) {
            let message = format!("the cluster does not serve {}", resource.qualified());
            return Err(ClusterError::new(Cause::NotFound, message));
        }
        if self.forbidden.contains(what) {
            let verb = what.split(' ').next().unwrap();
            let message = format!("you may not {verb} {} in namespace todo", resource.qualified());
            return Err(ClusterError::new(Cause::Forbidden, message));
        }
        Ok(())
    }

    fn is_of(object: &Value, resource: &ResourceType) -> bool {
        object["kind"] == resource.kind.as_str() && object["apiVersion"] == resource.api_version().as_str()
    }
}

impl Reader for FakeReader {
    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn kind<'a>(&'a self, word: &'a str) -> BoxFuture<'a, Result<ResourceType, ClusterError>> {
        Box::pin(async move {
            kinds::find(word)
                .map(ResourceType::from)
                .ok_or_else(|| ClusterError::new(Cause::NotFound, format!("the cluster has no kind \"{word}\"")))
        })
    }

    fn get<'a>(&'a self, object: &'a ObjectRef) -> BoxFuture<'a, Result<Value, ClusterError>> {
        Box::pin(async move {
            self.note(format!("get {}", object.path()));
            self.check(&format!("get {}", object.resource.kind), &object.resource)?;
            let objects = self.objects.lock().unwrap();
            let found = objects.iter().find(|candidate| {
                Self::is_of(candidate, &object.resource)
                    && candidate["metadata"]["name"] == object.name.as_str()
                    && candidate["metadata"]["namespace"].as_str() == object.namespace.as_deref()
            });
            let missing = || ClusterError::new(Cause::NotFound, format!("{} not found", object.short()));
            let mut found = found.cloned().ok_or_else(missing)?;
            if object.resource.kind == "Secret" {
                found.as_object_mut().unwrap().remove("data");
            }
            Ok(found)
        })
    }

    fn list_into<'a>(
        &'a self,
        query: &'a ListQuery,
        sink: &'a mut dyn Sink,
    ) -> BoxFuture<'a, Result<(), ClusterError>> {
        Box::pin(async move {
            let (namespace, everywhere) = match &query.within {
                Within::Namespace(namespace) => (Some(namespace.as_str()), ""),
                Within::Everywhere => (None, " everywhere"),
            };
            let meta = if query.metadata_only { " metadata" } else { "" };
            let labels = query.labels.as_ref().map_or_else(String::new, |labels| format!(" labels {labels}"));
            let fields = query.fields.as_ref().map_or_else(String::new, |fields| format!(" fields {fields}"));
            self.note(format!("list {}{meta}{labels}{fields}", query.resource.path(namespace)));
            self.check(&format!("list {}{everywhere}", query.resource.kind), &query.resource)?;
            self.check(&format!("list {}", query.resource.kind), &query.resource)?;
            let labels = LabelSelector::parse(query.labels.as_deref().unwrap_or_default()).unwrap();
            let fields = FieldSelector::parse(query.fields.as_deref().unwrap_or_default()).unwrap();
            let objects = self.objects.lock().unwrap();
            let found = objects
                .iter()
                .filter(|object| Self::is_of(object, &query.resource))
                .filter(|object| namespace.is_none() || object["metadata"]["namespace"].as_str() == namespace)
                .filter(|object| labels.matches(&object["metadata"]["labels"]) && fields.matches(object));
            for object in found {
                // As from a server, nothing comes that was not asked for.
                let part = if query.metadata_only { json!({"metadata": object["metadata"]}) } else { object.clone() };
                sink.take(query.projection.of(&part));
            }
            Ok(())
        })
    }

    fn logs<'a>(&'a self, query: &'a LogQuery) -> BoxFuture<'a, Result<LogText, ClusterError>> {
        Box::pin(async move {
            let previous = if query.previous { " previous" } else { "" };
            let key = format!("{}/{}{previous}", query.pod, query.container.as_deref().unwrap_or_default());
            self.note(format!("logs {key}"));
            let Some(bytes) = self.logs.get(&key) else {
                return Err(ClusterError::new(Cause::Invalid, format!("no log of {key}")));
            };
            let tail = query.tail.map_or(usize::MAX, |tail| tail as usize);
            let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
            let bytes = lines[lines.len().saturating_sub(tail)..].concat();
            Ok(LogText { bytes, cut: false })
        })
    }

    fn permission<'a>(
        &'a self,
        access: &'a Access,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Permission, ClusterError>> {
        Box::pin(async move {
            self.note(format!("review {} {} of {subject:?}", access.verb, access.resource.plural));
            self.check(&format!("review {}", access.verb), &access.resource)?;
            let allowed = !self.forbidden.contains(&format!("{} {}", access.verb, access.resource.kind));
            let reason =
                allowed.then(|| "RBAC: allowed by RoleBinding \"edit/todo\" of ClusterRole \"edit\"".to_owned());
            Ok(Permission { allowed, reason })
        })
    }

    fn schemas<'a>(&'a self, resource: &'a ResourceType) -> BoxFuture<'a, Result<Value, ClusterError>> {
        Box::pin(async move {
            self.note(format!("schemas of {}", resource.api_version()));
            Ok(self.schemas.clone())
        })
    }
}

impl FullReader for FakeReader {
    fn secret<'a>(
        &'a self,
        object: &'a ObjectRef,
        _: &'a Redactor,
    ) -> BoxFuture<'a, Result<Sealed<Value>, ClusterError>> {
        Box::pin(async move { Err(ClusterError::new(Cause::NotFound, format!("{} not found", object.short()))) })
    }
    fn as_reader(&self) -> &dyn Reader {
        self
    }
}

struct FakeClock {
    now: Arc<Mutex<Timestamp>>,
    objects: Arc<Mutex<Vec<Value>>>,
    script: Arc<Script>,
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (now, objects, script) = (self.now.clone(), self.objects.clone(), self.script.clone());
        Box::pin(async move {
            let passed = {
                let mut now = now.lock().unwrap();
                *now = now.saturating_add(duration).unwrap();
                now.as_second() - START.parse::<Timestamp>().unwrap().as_second()
            };
            script(passed, &mut objects.lock().unwrap());
        })
    }
}

/// A turn on a fake cluster.
pub(crate) struct FakeRun {
    pub(crate) reader: FakeReader,
    pub(crate) run: Run,
    pub(crate) events: UnboundedReceiver<Event>,
}

impl FakeRun {
    pub(crate) fn new(reader: FakeReader) -> Self {
        Self::with(reader, NoHistory, |_, _| {})
    }

    pub(crate) fn with(
        reader: FakeReader,
        history: impl History + 'static,
        script: impl Fn(i64, &mut Vec<Value>) + Send + Sync + 'static,
    ) -> Self {
        let clock = FakeClock {
            now: Arc::new(Mutex::new(START.parse().unwrap())),
            objects: reader.objects.clone(),
            script: Arc::new(Box::new(script)),
        };
        let (sender, events) = tokio::sync::mpsc::unbounded_channel();
        let run = Run {
            cancel: CancellationToken::new(),
            deadline: None,
            events: sender,
            clock: Arc::new(clock),
            redactor: Arc::new(Redactor::new([1; 32])),
            history: Arc::new(history),
        };
        Self { reader, run, events }
    }

    /// Calls a read tool.
    pub(crate) async fn read(&self, tool: &str, args: Value) -> Result<Output, ToolError> {
        let crate::Tool::Read(tool) = find(tool).unwrap() else { panic!("{tool} writes") };
        tool.call(args, &self.reader, &self.run).await
    }

    /// Calls a read tool and returns what a person sees, or the error with its hints.
    pub(crate) async fn person(&self, tool: &str, args: Value) -> String {
        match self.read(tool, args).await {
            Ok(output) => output.for_person(120),
            Err(error) => error.to_model(),
        }
    }

    /// Calls a write tool.
    pub(crate) async fn propose(&self, tool: &str, args: Value) -> Result<Proposal, ToolError> {
        let crate::Tool::Write(tool) = find(tool).unwrap() else { panic!("{tool} reads") };
        tool.call(args, &self.reader, &self.run).await
    }

    /// Calls a write tool and returns the proposal in words, or the error with its hints.
    pub(crate) async fn proposed(&self, tool: &str, args: Value) -> String {
        match self.propose(tool, args).await {
            Err(error) => error.to_model(),
            Ok(Proposal::Nothing(output)) => format!("nothing: {}", output.for_person(120)),
            Ok(Proposal::Changes(changes)) => changes.into_iter().map(in_words).collect::<Vec<_>>().join("\n\n"),
        }
    }
}

fn in_words(change: todo_agent_core::Change) -> String {
    let mut lines = vec![change.summary, change.equivalent];
    lines.extend(change.remarks.iter().map(|remark| format!("{remark:?}")));
    lines.push(format!("undo: {}", change.undo.map_or("impossible".to_owned(), |undo| undo.describe())));
    lines.join("\n")
}

/// A history of the given changes, the newest last; none undone.
pub(crate) struct FakeHistory(pub(crate) Vec<PastChange>);

impl History for FakeHistory {
    fn find(&self, change_id: &str) -> Option<PastChange> {
        self.0.iter().find(|change| change.change_id == change_id).cloned()
    }
    fn last(&self) -> Option<PastChange> {
        self.0.last().cloned()
    }
    fn unfinished(&self) -> Vec<PastChange> {
        Vec::new()
    }
}

/// A workload of an `apps` kind with all its replicas available.
pub(crate) fn workload(kind: &str, namespace: &str, name: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {
            "name": name, "namespace": namespace, "uid": format!("uid-{name}"), "generation": 1,
            "creationTimestamp": "2026-03-01T10:00:00Z", "labels": {"app": name},
            "annotations": if kind == "Deployment" { json!({"deployment.kubernetes.io/revision": "1"}) } else { json!({}) },
        },
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": format!("{name}:1.0")}]},
            },
        },
        "status": {
            "observedGeneration": 1, "replicas": replicas, "readyReplicas": replicas,
            "availableReplicas": replicas, "updatedReplicas": replicas,
        },
    })
}

/// The ReplicaSet that holds a revision of a Deployment made by [`workload`], with its image tag.
pub(crate) fn replica_set(deployment: &str, revision: i64, tag: &str, replicas: i64) -> Value {
    let mut set = workload("ReplicaSet", "todo", deployment, replicas);
    let hash = format!("hash{revision}");
    set["metadata"]["name"] = json!(format!("{deployment}-{hash}"));
    set["metadata"]["uid"] = json!(format!("uid-{deployment}-{hash}"));
    set["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    set["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": revision.to_string()});
    set["metadata"]["ownerReferences"] = json!([
        {"kind": "Deployment", "name": deployment, "uid": format!("uid-{deployment}"), "controller": true}]);
    set["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    set["spec"]["template"]["spec"]["containers"][0]["image"] = json!(format!("{deployment}:{tag}"));
    set
}

/// A running pod of one container, controlled by an object of kind `owner.0` and name `owner.1`.
pub(crate) fn pod(namespace: &str, name: &str, app: &str, owner: (&str, &str)) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": namespace, "labels": {"app": app},
            "creationTimestamp": "2026-03-01T11:00:00Z",
            "ownerReferences": [{"kind": owner.0, "name": owner.1, "uid": format!("uid-{}", owner.1), "controller": true}],
        },
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": format!("{app}:1.0")}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [
                {"name": "app", "ready": true, "restartCount": 0, "image": format!("{app}:1.0"), "state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}}},
            ],
        },
    })
}

/// Makes a pod crash: four restarts, last ended with exit code 1.
pub(crate) fn crashing(mut pod: Value) -> Value {
    pod["status"]["conditions"] = json!([{"type": "Ready", "status": "False"}]);
    pod["status"]["containerStatuses"] = json!([{
        "name": "app", "ready": false, "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-03-01T11:58:00Z"}},
    }]);
    pod
}
