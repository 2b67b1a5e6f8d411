//! Cases of the recording: the objects of a namespace with those of the cluster, as a snapshot.

use serde_json::Value;
use todo_agent_diagnose::{Builder, Evidence, Finding, Kind, Place, Run, Scope, Snapshot, findings};

const RECORDED: &str = include_str!("../recorded/kubernetes-1.37.1.jsonl");

/// The kinds that were recorded: what is not there is missing, not unread.
const COVERED: &[Kind] = &[
    Kind::Pod,
    Kind::Node,
    Kind::Namespace,
    Kind::Event,
    Kind::Deployment,
    Kind::ReplicaSet,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::Ingress,
    Kind::IngressClass,
    Kind::NetworkPolicy,
    Kind::HorizontalPodAutoscaler,
    Kind::PodDisruptionBudget,
    Kind::PersistentVolumeClaim,
    Kind::PersistentVolume,
    Kind::StorageClass,
    Kind::ResourceQuota,
    Kind::LimitRange,
    Kind::ServiceAccount,
    Kind::Secret,
    Kind::ConfigMap,
    Kind::PriorityClass,
    Kind::RuntimeClass,
    Kind::ValidatingWebhookConfiguration,
    Kind::MutatingWebhookConfiguration,
    Kind::APIService,
];

/// A part of the recording.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) snapshot: Snapshot,
    objects: Vec<Value>,
}

fn lines() -> Vec<Value> {
    RECORDED.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Case {
    fn of(name: &str, now: &Value, parts: &[&Value], with_logs: bool) -> Self {
        let mut builder = Builder::new(now.as_str().unwrap().parse().unwrap());
        let mut objects = Vec::new();
        for part in parts {
            for object in part["objects"].as_array().unwrap() {
                let kind = Kind::of(object["kind"].as_str().unwrap()).unwrap();
                builder.add(kind, object);
                objects.push(object.clone());
            }
            for log in part["logs"].as_array().unwrap().iter().filter(|_| with_logs) {
                let run = if log["run"] == "Previous" { Run::Previous } else { Run::Current };
                let text = |field: &str| log[field].as_str().unwrap().to_owned();
                builder.log(&text("pod"), &text("container"), run, Ok(text("text")));
            }
        }
        for kind in COVERED {
            builder.covers(*kind, Scope::Cluster);
        }
        let snapshot = builder.build();
        assert!(snapshot.unread().is_empty(), "{:?}", snapshot.unread());
        Self { name: name.to_owned(), snapshot, objects }
    }

    /// The whole recording.
    pub(crate) fn all() -> Self {
        let lines = lines();
        Self::of("all", &lines[0]["now"], &lines[1..].iter().collect::<Vec<_>>(), true)
    }

    /// The whole recording, before any log was read.
    pub(crate) fn without_logs() -> Self {
        let lines = lines();
        Self::of("all", &lines[0]["now"], &lines[1..].iter().collect::<Vec<_>>(), false)
    }

    pub(crate) fn findings(&self) -> Vec<Finding> {
        findings(&self.snapshot)
    }

    /// Looks an evidence up in the object as it was recorded.
    pub(crate) fn check(&self, evidence: &Evidence) {
        let object = self.objects.iter().find(|object| {
            let meta = &object["metadata"];
            object["kind"] == evidence.object.kind.name()
                && meta["name"] == *evidence.object.name
                && meta["namespace"].as_str().unwrap_or_default() == evidence.object.namespace
        });
        match &evidence.place {
            Place::Absent => assert!(object.is_none(), "{evidence}: it is there"),
            Place::Log { .. } => assert!(object.is_some(), "{evidence}"),
            Place::Field(path) => {
                let found = look(object.unwrap_or_else(|| panic!("{evidence}: no such object")), path);
                let found = match found {
                    Some(Value::String(text)) => text.trim().to_owned(),
                    Some(Value::Null) | None => String::new(),
                    Some(other) => other.to_string(),
                };
                let absent = found.is_empty()
                    && (evidence.value == "none" || evidence.value == "0" || evidence.value == "false");
                assert!(
                    absent || found == evidence.value.trim() || same_time(&found, &evidence.value),
                    "{evidence}: found {found:?}"
                );
            }
        }
    }
}

fn same_time(left: &str, right: &str) -> bool {
    let parse = |text: &str| text.parse::<jiff::Timestamp>().ok();
    parse(left).is_some() && parse(left) == parse(right)
}

/// Follows a path such as `spec.ports[0].name` or `metadata.labels[app]`.
fn look<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    let mut at = object;
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (key, after) = inside.split_once(']')?;
            at = key
                .parse::<usize>()
                .ok()
                .filter(|_| at.is_array())
                .map_or_else(|| at.get(key), |index| at.get(index))?;
            rest = after.strip_prefix('.').unwrap_or(after);
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        at = at.get(&rest[..end])?;
        rest = &rest[end..];
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    Some(at)
}

/// Returns the cases of the recording.
pub(crate) fn cases() -> Vec<Case> {
    let lines = lines();
    let cluster = lines.iter().find(|line| line["case"] == "cluster").unwrap();
    let mut found = Vec::new();
    for line in &lines[1..] {
        if line["case"] != "cluster" {
            found.push(Case::of(line["case"].as_str().unwrap(), &lines[0]["now"], &[cluster, line], true));
        }
    }
    found
}

/// Returns the findings as `id > rules of the consequences`.
pub(crate) fn told(case: &Case) -> Vec<String> {
    let told = case.findings().into_iter().map(|finding| {
        let rules: Vec<String> = finding.consequences.iter().map(|one| one.rule.to_string()).collect();
        if rules.is_empty() { finding.id } else { format!("{} > {}", finding.id, rules.join(" ")) }
    });
    told.collect()
}
