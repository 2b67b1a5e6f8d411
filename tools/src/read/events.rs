//! `events`: what the cluster's controllers reported, folded by cause: one entry per reason, workload and
//! message, with how often and when. Warnings come first.
//!
//! What is folded keeps its count, its first and its last time: nothing is lost, only shortened.

pub(super) mod fold;

use fold::Folded;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{ListQuery, Output, Reader, Run, ToolError, Within, text::count};

use crate::{
    durations, names,
    resolve::{self, Climb, Lookup, Order},
    tool::Read,
    words, workloads,
};

/// List events folded by cause, warnings first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsArgs {
    namespace: Option<String>,
    all_namespaces: Option<bool>,
    /// only about this object and what it owns
    about: Option<String>,
    /// 10m, 1h
    since: Option<String>,
    warnings_only: Option<bool>,
}

/// The tool.
pub(crate) struct Events;

impl Read for Events {
    const NAME: &'static str = "events";
    type Args = EventsArgs;

    fn example(&self) -> Value {
        json!({"about": "backend", "since": "1h"})
    }

    async fn read<'a>(&'a self, args: EventsArgs, reader: &'a dyn Reader, run: &'a Run) -> Result<Output, ToolError> {
        run.check()?;
        let since = args.since.as_deref().map(|since| durations::parse("since", since)).transpose()?;
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let everywhere = args.all_namespaces == Some(true);
        let about = match &args.about {
            Some(_) if everywhere => {
                return Err(ToolError::arguments("about needs one namespace; leave all_namespaces out"));
            }
            Some(word) => Some(About::find(reader, word, namespace).await?),
            None => None,
        };
        let within = if everywhere { Within::Everywhere } else { Within::Namespace(namespace.to_owned()) };
        let mut found = Vec::new();
        for resource in names::types(&["Event"]) {
            found.extend(reader.list(&ListQuery::new(resource, within.clone())).await?);
        }
        if found.is_empty()
            && !everywhere
            && let Some(error) = resolve::missing_namespace(reader, namespace).await?
        {
            return Err(error);
        }
        let now = run.clock.now();
        let oldest = since.and_then(|since| now.checked_sub(since).ok());
        found.retain(|event| {
            oldest.is_none_or(|oldest| fold::last_seen(event).is_some_and(|last| last >= oldest))
                && (args.warnings_only != Some(true) || fold::is_warning(event))
                && about.as_ref().is_none_or(|about| about.concerns(event))
        });
        let folded = fold::fold(&found);
        let warnings = folded.iter().filter(|one| one.is_warning).count();
        let place = if everywhere { "all namespaces".to_owned() } else { format!("namespace {namespace}") };
        let of = about.as_ref().map_or_else(String::new, |about| format!(" about {}", about.short));
        let within = args.since.as_ref().map_or_else(String::new, |since| format!(" in the last {}", since.trim()));
        let what = if args.warnings_only == Some(true) { "warnings" } else { "events" };
        let headline = if folded.is_empty() {
            format!("no {what}{of} in {place}{within}; the cluster keeps events for about an hour")
        } else {
            let warned = if warnings == 0 { "no warnings".to_owned() } else { count(warnings, "warning") };
            format!(
                "{}{of} in {place}{within}: {}, {warned}",
                count(found.len(), "event"),
                count(folded.len(), "cause")
            )
        };
        let data = json!({
            "namespace": (!everywhere).then_some(namespace), "about": about.as_ref().map(|about| &about.short),
            "total": found.len(), "warnings": warnings, "items": folded.iter().map(Folded::data).collect::<Vec<_>>(),
        });
        let mut output = Output::build(&run.redactor, &data);
        if let Some(about) = &about {
            for note in &about.notes {
                output = output.text(note);
            }
        }
        output = output.text(headline);
        if !folded.is_empty() {
            output = output.lines(folded.iter().flat_map(|one| one.lines(now)));
        }
        Ok(output.build())
    }
}

/// The object that events are asked about.
struct About {
    short: String,
    kind: String,
    name: String,
    notes: Vec<String>,
}

impl About {
    async fn find(reader: &dyn Reader, word: &str, namespace: &str) -> Result<Self, ToolError> {
        let lookup = Lookup {
            argument: "about",
            word,
            namespace,
            tiers: vec![
                names::types(workloads::ROLLING),
                names::types(&["Pod", "ReplicaSet", "Job"]),
                names::types(&["Service", "PersistentVolumeClaim", "HorizontalPodAutoscaler", "Ingress", "CronJob"]),
                names::types(&["Node"]),
            ],
            order: Order::ExactFirst,
            climb: Climb::Stay,
        };
        let found = resolve::find(reader, &lookup).await?;
        Ok(Self {
            short: found.object.short(),
            kind: found.object.resource.kind.clone(),
            name: found.object.name,
            notes: found.notes,
        })
    }

    /// Returns whether an event is about the object itself or something it made. Events of pods that are
    /// gone count too, which is why names decide and not the pods that live.
    fn concerns(&self, event: &Value) -> bool {
        fold::involved(event) == (self.kind.as_str(), self.name.as_str())
            || (fold::owner_kind_fits(&self.kind, event) && fold::owner_name(event) == self.name)
    }
}

#[cfg(test)]
mod tests;
