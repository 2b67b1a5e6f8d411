//! A snapshot from what kubectl has written: `kubectl get … -o json` or `-o yaml`, and the folder of
//! `kubectl cluster-info dump`. A cluster can be diagnosed so without access to it.
//!
//! Only a dump says what it holds whole. Of other files nothing is taken for missing, since nobody knows how they were
//! asked for.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use todo_agent_core::ToolError;
use todo_agent_diagnose::{self as diagnose, Builder, Kind, Scope, Snapshot};

/// A file, by its path below the folder that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DumpFile {
    /// The path, with `/` between its parts.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Returns the snapshot that files hold, taken when the newest thing in them happened.
///
/// # Errors
/// Returns an error where a file cannot be read as what its name says, or none holds an object of a known kind.
pub fn from_dump(files: &[DumpFile]) -> Result<Snapshot, ToolError> {
    let mut found: Vec<(Kind, Value)> = Vec::new();
    let mut whole: Vec<(Kind, Scope)> = Vec::new();
    let mut newest = None;
    for file in files {
        for document in documents(file)? {
            newest_time(&document, &mut newest);
            whole.extend(covered(file, &document));
            take(document, None, &mut found);
        }
    }
    if found.is_empty() {
        return Err(ToolError::arguments("there is no object of a cluster in it").hint(
            "it takes a snapshot of todo-agent diagnose --save, a file of kubectl get -o json or -o yaml, or the folder \
             of kubectl cluster-info dump --output-directory",
        ));
    }
    let mut builder = Builder::new(newest.unwrap_or(Timestamp::UNIX_EPOCH));
    let mut pods: BTreeMap<(String, String), String> = BTreeMap::new();
    for (kind, object) in &found {
        if *kind == Kind::Pod {
            let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            pods.insert((text("namespace"), text("name")), text("uid"));
        }
        builder.add(*kind, object);
    }
    for (kind, scope) in whole {
        builder.covers(kind, scope);
    }
    for log in files.iter().filter(|file| file.path.ends_with("logs.txt")).flat_map(|file| logs(&file.text)) {
        if let Some(uid) = pods.get(&(log.namespace.to_owned(), log.pod.to_owned())) {
            builder.log(uid, log.container, diagnose::Run::Current, Ok(log.text));
        }
    }
    Ok(builder.build())
}

fn documents(file: &DumpFile) -> Result<Vec<Value>, ToolError> {
    let unreadable = |error: String| ToolError::arguments(format!("{} cannot be read: {error}", file.path));
    match file.path.rsplit('.').next() {
        Some("json") => {
            serde_json::from_str(&file.text).map(|one| vec![one]).map_err(|error| unreadable(error.to_string()))
        }
        Some("yaml" | "yml") => serde_saphyr::from_multiple(&file.text).map_err(|error| unreadable(error.to_string())),
        _ => Ok(Vec::new()),
    }
}

/// Takes the objects of a document: of a list its items, which may leave out what they are.
fn take(document: Value, list: Option<Kind>, found: &mut Vec<(Kind, Value)>) {
    let name = document["kind"].as_str().unwrap_or_default().to_owned();
    let items_are = name.strip_suffix("List").and_then(Kind::of);
    match document {
        Value::Object(mut fields) if fields.get("items").is_some_and(Value::is_array) => {
            if let Some(Value::Array(items)) = fields.remove("items") {
                for item in items {
                    take(item, items_are, found);
                }
            }
        }
        object if object["metadata"]["name"].is_string() => {
            found.extend(Kind::of(&name).or(list).map(|kind| (kind, object)));
        }
        _ => {}
    }
}

/// Returns what a list of a dump holds whole: `nodes.json`, or a file in the folder of its namespace.
fn covered(file: &DumpFile, document: &Value) -> Option<(Kind, Scope)> {
    let kind = document["kind"].as_str()?.strip_suffix("List").and_then(Kind::of)?;
    match file.path.rsplit_once('/') {
        None if kind == Kind::Node => Some((kind, Scope::Cluster)),
        None => None,
        Some((folder, _)) => {
            let namespace = folder.rsplit('/').next().unwrap_or(folder);
            let mut items = document["items"].as_array().into_iter().flatten();
            let is_of_it = items.all(|item| item["metadata"]["namespace"] == namespace);
            is_of_it.then(|| (kind, Scope::Namespace(namespace.to_owned())))
        }
    }
}

struct DumpedLog<'a> {
    namespace: &'a str,
    pod: &'a str,
    container: &'a str,
    text: String,
}

/// Returns the logs of a dump's `logs.txt`, which stand between lines of their own.
/// Source: k8s.io/kubectl/pkg/cmd/clusterinfo, `clusterinfo_dump.go`.
fn logs(text: &str) -> Vec<DumpedLog<'_>> {
    let mut found: Vec<DumpedLog<'_>> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("==== START logs for container ") {
            let title = title.trim_end_matches(" ====");
            if let Some((container, pod)) = title.split_once(" of pod ")
                && let Some((namespace, pod)) = pod.split_once('/')
            {
                found.push(DumpedLog { namespace, pod, container, text: String::new() });
                inside = true;
            }
        } else if line.starts_with("==== END logs for container ") {
            inside = false;
        } else if let Some(log) = found.last_mut().filter(|_| inside) {
            log.text.push_str(line);
            log.text.push('\n');
        }
    }
    found
}

/// Finds the newest time that the cluster noted; what lies ahead, such as the end of a certificate, has other names.
fn newest_time(value: &Value, newest: &mut Option<Timestamp>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_noted = name.ends_with("Timestamp")
                    || matches!(
                        name.as_str(),
                        "lastTransitionTime" | "lastUpdateTime" | "lastHeartbeatTime" | "startTime"
                    )
                    || matches!(name.as_str(), "startedAt" | "finishedAt" | "lastObservedTime" | "eventTime");
                match value.as_str().filter(|_| is_noted).and_then(|time| time.parse().ok()) {
                    Some(time) => *newest = (*newest).max(Some(time)),
                    None => newest_time(value, newest),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| newest_time(item, newest)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use todo_agent_diagnose::findings;

    use super::*;
    use crate::fake::{crashing, pod, replica_set, workload};

    fn file(path: &str, text: &impl ToString) -> DumpFile {
        DumpFile { path: path.to_owned(), text: text.to_string() }
    }

    /// The folder of `kubectl cluster-info dump` of one namespace.
    fn dump() -> Vec<DumpFile> {
        let mut broken = crashing(pod("todo", "backend-hash1-x", "backend", ("ReplicaSet", "backend-hash1")));
        broken["metadata"]["uid"] = json!("uid-pod");
        let list = |kind: &str, mut items: Vec<Value>| {
            for item in &mut items {
                item.as_object_mut().unwrap().remove("kind");
            }
            json!({"kind": kind, "apiVersion": "v1", "items": items})
        };
        let log = "==== START logs for container app of pod todo/backend-hash1-x ====\n\
                   Error: environment variable DATABASE_URL is not set\n\
                   ==== END logs for container app of pod todo/backend-hash1-x ====\n";
        vec![
            file("nodes.json", &json!({"kind": "NodeList", "items": []})),
            file("todo/pods.json", &list("PodList", vec![broken])),
            file("todo/deployments.json", &list("DeploymentList", vec![workload("Deployment", "todo", "backend", 1)])),
            file("todo/replicasets.json", &list("ReplicaSetList", vec![replica_set("backend", 1, "1.0", 1)])),
            file("todo/events.json", &json!({"kind": "EventList", "items": null})),
            file("todo/backend-hash1-x/logs.txt", &log),
        ]
    }

    #[test]
    fn a_dump_is_read_with_its_logs_and_knows_what_it_holds_whole() {
        let snapshot = from_dump(&dump()).unwrap();
        assert_eq!(snapshot.now(), "2026-03-01T11:58:00Z".parse().unwrap());
        assert!(snapshot.covers(Kind::Pod, "todo") && !snapshot.covers(Kind::Pod, "shop"));
        assert!(snapshot.covers(Kind::Node, "") && !snapshot.covers(Kind::Secret, "todo"));
        let found = findings(&snapshot);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(snapshot.log("uid-pod", "app", diagnose::Run::Current).is_some());
    }

    #[test]
    fn of_files_of_kubectl_get_nothing_is_taken_for_missing() {
        let mut broken = pod("todo", "backend-hash1-x", "backend", ("ReplicaSet", "backend-hash1"));
        broken["spec"]["containers"][0]["env"] =
            json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "a"}}}]);
        let text = serde_saphyr::to_string(&json!({"kind": "List", "apiVersion": "v1", "items": [broken]})).unwrap();
        let snapshot = from_dump(&[file("pods.yaml", &text)]).unwrap();
        assert_eq!(snapshot.objects().count(Kind::Pod), 1);
        assert!(!snapshot.covers(Kind::Pod, "todo") && findings(&snapshot).is_empty());
    }

    #[test]
    fn what_is_no_dump_is_refused() {
        let error = |files: &[DumpFile]| from_dump(files).unwrap_err().to_string();
        assert_eq!(error(&[]), "there is no object of a cluster in it");
        assert_eq!(error(&[file("notes.txt", &"pods: none")]), "there is no object of a cluster in it");
        assert!(error(&[file("pods.json", &"{")]).starts_with("pods.json cannot be read: "));
    }
}
