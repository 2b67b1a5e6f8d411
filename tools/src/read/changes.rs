//! `changes`: what was changed lately and what went wrong lately, in the order of time, so that the first trouble
//! stands right below what came before it.
//!
//! The cluster keeps no history but what its objects say: when they were made, when a revision was, when keys of a
//! ConfigMap or Secret were last written, and warnings of about an hour. What it does not know is said.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{Output, Reader, Run, ToolError, text::count};
use todo_agent_diagnose::{Kind, Snapshot, shape, unchecked};

use crate::{
    diagnosis, durations,
    read::diagnose,
    revisions,
    snapshot::{self, Reach},
    tool::Read,
    words,
};

/// How far back is looked unless told otherwise.
const DEFAULT_SINCE: &str = "24h";
/// The most entries that are shown; the newest stay.
const SHOWN: usize = 60;

/// List what changed lately, and the first trouble after it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangesArgs {
    namespace: Option<String>,
    /// 1h, 2d; default 24h
    since: Option<String>,
}

/// The tool.
pub(crate) struct Changes;

impl Read for Changes {
    const NAME: &'static str = "changes";
    type Args = ChangesArgs;

    fn example(&self) -> Value {
        json!({"since": "1h"})
    }

    async fn read<'a>(&'a self, args: ChangesArgs, reader: &'a dyn Reader, run: &'a Run) -> Result<Output, ToolError> {
        let since = args.since.as_deref().map(str::trim).filter(|since| !since.is_empty()).unwrap_or(DEFAULT_SINCE);
        let span = durations::parse("since", since)?;
        let now = run.clock.now();
        let oldest = now.checked_sub(span).unwrap_or(Timestamp::MIN);
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let snapshot = snapshot::lists(reader, run, &Reach::Namespace(namespace)).await?;
        diagnose::require_namespace(namespace, &snapshot, reader).await?;
        let subject = format!("namespace {namespace}");
        let mut entries = entries(&snapshot);
        entries.retain(|entry| entry.at >= oldest && entry.at <= now);
        let first = entries.iter().position(|entry| entry.what == What::Trouble);
        let changed = entries.iter().filter(|entry| entry.what == What::Change).count();
        let data = json!({
            "subject": subject, "since": since, "first_trouble": first.map(|at| entries[at].at.to_string()),
            "items": entries.iter().map(Entry::data).collect::<Vec<_>>(), "unchecked": unchecked(&snapshot),
        });
        let mut output = Output::build(&run.redactor, &data);
        output = output.text(match (changed, first) {
            (0, None) => format!("nothing has changed in {subject} in the last {since}"),
            (changed, None) => {
                format!("{} in {subject} in the last {since}, and no trouble", count(changed, "change"))
            }
            (changed, Some(_)) => format!("{} in {subject} in the last {since}", count(changed, "change")),
        });
        if !entries.is_empty() {
            let from = entries.len().saturating_sub(SHOWN);
            if from > 0 {
                output = output.text(format!("the newest {SHOWN} of {} entries", entries.len()));
            }
            let rows = entries.iter().enumerate().skip(from).map(|(at, entry)| entry.row(now, first == Some(at)));
            output = output.table(&["AGE", "", "OBJECT", "WHAT"], rows.collect::<Vec<_>>());
        }
        if first.is_some() {
            output = output.text("warnings are kept for about an hour: earlier trouble may not show");
        }
        let gaps = diagnosis::gaps(&snapshot);
        if !gaps.is_empty() {
            output = output.outline(gaps);
        }
        Ok(output.build())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    /// Somebody or a controller changed it.
    Change,
    /// Something went wrong.
    Trouble,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Timestamp,
    what: What,
    object: String,
    text: String,
}

impl Entry {
    fn row(&self, now: Timestamp, is_first_trouble: bool) -> Vec<String> {
        let sign = match (self.what, is_first_trouble) {
            (What::Change, _) => "",
            (What::Trouble, true) => "first trouble",
            (What::Trouble, false) => "trouble",
        };
        vec![durations::age(Some(self.at), now), sign.to_owned(), self.object.clone(), self.text.clone()]
    }

    fn data(&self) -> Value {
        let kind = if self.what == What::Change { "change" } else { "trouble" };
        json!({"at": self.at.to_string(), "kind": kind, "object": self.object, "text": self.text})
    }
}

/// Returns everything that the objects tell, oldest first.
fn entries(snapshot: &Snapshot) -> Vec<Entry> {
    let objects = snapshot.objects();
    let mut found = Vec::new();
    let mut add = |at: Option<Timestamp>, what: What, object: String, text: String| {
        if let Some(at) = at {
            found.push(Entry { at, what, object, text });
        }
    };
    let short = |kind: Kind, meta: &shape::Meta| format!("{}/{}", kind.name().to_lowercase(), meta.name);
    let workloads = [
        (Kind::Deployment, &objects.deployments),
        (Kind::StatefulSet, &objects.stateful_sets),
        (Kind::DaemonSet, &objects.daemon_sets),
        (Kind::Job, &objects.jobs),
        (Kind::CronJob, &objects.cron_jobs),
    ];
    for (kind, list) in workloads {
        // The Jobs of a CronJob come and go by its schedule.
        for workload in list.iter().filter(|workload| workload.metadata.controller().is_none()) {
            let meta = &workload.metadata;
            add(meta.creation_timestamp, What::Change, short(kind, meta), "created".to_owned());
        }
    }
    let mut plain = |kind: Kind, meta: &shape::Meta| {
        add(meta.creation_timestamp, What::Change, short(kind, meta), "created".to_owned());
    };
    objects.services.iter().for_each(|one| plain(Kind::Service, &one.metadata));
    objects.ingresses.iter().for_each(|one| plain(Kind::Ingress, &one.metadata));
    objects.network_policies.iter().for_each(|one| plain(Kind::NetworkPolicy, &one.metadata));
    objects.autoscalers.iter().for_each(|one| plain(Kind::HorizontalPodAutoscaler, &one.metadata));
    objects.budgets.iter().for_each(|one| plain(Kind::PodDisruptionBudget, &one.metadata));
    objects.quotas.iter().for_each(|one| plain(Kind::ResourceQuota, &one.metadata));
    objects.limit_ranges.iter().for_each(|one| plain(Kind::LimitRange, &one.metadata));
    objects.claims.iter().for_each(|one| plain(Kind::PersistentVolumeClaim, &one.metadata));
    objects.nodes.iter().for_each(|one| plain(Kind::Node, &one.metadata));
    for (kind, list) in [(Kind::ConfigMap, &objects.config_maps), (Kind::Secret, &objects.secrets)] {
        for keyed in list {
            let created = keyed.metadata.creation_timestamp;
            add(created, What::Change, short(kind, &keyed.metadata), "created".to_owned());
            if keyed.written > created {
                add(keyed.written, What::Change, short(kind, &keyed.metadata), "its keys were written".to_owned());
            }
        }
    }
    for (at, object, text) in revised(&objects.replica_sets) {
        add(at, What::Change, object, text);
    }
    for (at, object, text) in troubles(&objects.events) {
        add(at, What::Trouble, object, text);
    }
    found.sort();
    found
}

/// Returns the revisions of Deployments after their first, with what they changed.
fn revised(sets: &[shape::Workload]) -> Vec<(Option<Timestamp>, String, String)> {
    let mut by_owner: BTreeMap<&str, Vec<(i64, &shape::Workload)>> = BTreeMap::new();
    for set in sets {
        let number = set.metadata.annotations.get("deployment.kubernetes.io/revision");
        if let Some(number) = number.and_then(|number| number.parse().ok())
            && let Some(owner) = set.metadata.controller()
        {
            by_owner.entry(&owner.name).or_default().push((number, set));
        }
    }
    let mut found = Vec::new();
    for (owner, mut sets) in by_owner {
        sets.sort_by_key(|(number, _)| *number);
        for pair in sets.windows(2) {
            let [(_, before), (number, after)] = pair else { continue };
            let template = |set: &shape::Workload| {
                let mut template = serde_json::to_value(&set.spec.template).unwrap_or_default();
                if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
                    labels.remove("pod-template-hash");
                }
                template
            };
            let changes = revisions::changes(&template(before), &template(after));
            // The values of the environment are not read.
            let changes = if changes.is_empty() { "rollout shows what changed".to_owned() } else { changes.join("; ") };
            // A set that is taken up again keeps its age: then the change was later than it says.
            let at = after.metadata.creation_timestamp;
            found.push((at, format!("deployment/{owner}"), format!("revision {number}: {changes}")));
        }
    }
    found
}

/// Returns the warnings, of each object and reason the first.
fn troubles(events: &[shape::Event]) -> Vec<(Option<Timestamp>, String, String)> {
    let mut first: BTreeMap<(String, &str), (Option<Timestamp>, String)> = BTreeMap::new();
    for event in events.iter().filter(|event| event.r#type == "Warning") {
        let about = &event.involved_object;
        let at = event.first_timestamp.or(event.event_time).or(event.metadata.creation_timestamp);
        let key = (format!("{}/{}", about.kind.to_lowercase(), about.name), event.reason.as_str());
        let text = format!("{}: {}", event.reason, event.message.trim());
        let known = first.entry(key).or_insert_with(|| (at, text.clone()));
        if at < known.0 {
            *known = (at, text);
        }
    }
    first.into_iter().map(|((object, _), (at, text))| (at, object, text)).collect()
}

#[cfg(test)]
mod tests;
