//! `logs`: what all replicas of a workload say, init containers and earlier runs included, merged by time.
//!
//! A log may be huge, binary or hostile: every container's is bounded, bytes that are no text are shown
//! as escapes, similar lines are folded with their count, and what was left out is said.

mod collect;
mod fold;
mod follow;
mod parse;

pub(crate) use parse::log_text;

use std::time::Duration;

use collect::{Collected, Source};
use fold::Folded;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{ListQuery, ObjectRef, Output, Reader, Run, ToolError, Within, text::count};
use todo_agent_kube_rules::selectors::LabelSelector;

use crate::{
    durations, names,
    resolve::{self, Climb, Lookup, Order},
    tool::Read,
    words, workloads,
};

/// How many lines of each container are read unless told otherwise.
const DEFAULT_TAIL: u32 = 200;
/// How many where a time or a pattern already narrows them; the bound on bytes holds as well.
const NARROWED_TAIL: u32 = 10_000;
/// The most lines of each container that can be asked for.
const MOST_TAIL: u32 = 100_000;

/// Read logs of all replicas of a workload, of a pod, or of a selector, merged by time, repeats folded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogsArgs {
    /// backend, pod/backend-1, or app=backend
    target: String,
    namespace: Option<String>,
    container: Option<String>,
    /// the run before the last restart
    previous: Option<bool>,
    /// 10m, 1h
    since: Option<String>,
    /// regex
    grep: Option<String>,
    /// lines per container, default 200
    tail: Option<u32>,
    // Models do not see this one: a followed log has no end.
    #[schemars(skip)]
    follow: Option<bool>,
}

/// The tool.
pub(crate) struct Logs;

/// Which lines are wanted, after the arguments were checked.
struct Wanted {
    container: Option<String>,
    previous_only: bool,
    since: Option<Duration>,
    grep: Option<Regex>,
    tail: u32,
}

impl Read for Logs {
    const NAME: &'static str = "logs";
    type Args = LogsArgs;

    fn example(&self) -> Value {
        json!({"target": "backend", "since": "10m", "grep": "error"})
    }

    async fn read<'a>(&'a self, args: LogsArgs, reader: &'a dyn Reader, run: &'a Run) -> Result<Output, ToolError> {
        run.check()?;
        let wanted = Wanted::new(&args)?;
        let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
        let found = Pods::find(reader, &args.target, namespace).await?;
        let sources = collect::sources(&found.all, &wanted, run.clock.now())?;
        if args.follow == Some(true) {
            return follow::follow(reader, run, &found, &sources, &wanted).await;
        }
        let collected = collect::read_all(reader, namespace, sources, &wanted).await?;
        Ok(answer(&found, collected, &wanted, run))
    }
}

impl Wanted {
    fn new(args: &LogsArgs) -> Result<Self, ToolError> {
        if let Some(container) = &args.container {
            words::check("container", container)?;
        }
        let narrowed = args.since.is_some() || args.grep.is_some();
        let tail = args.tail.unwrap_or(if narrowed { NARROWED_TAIL } else { DEFAULT_TAIL });
        if tail == 0 || tail > MOST_TAIL {
            return Err(ToolError::arguments(format!("tail must be from 1 to {MOST_TAIL}, got {tail}")));
        }
        if args.follow == Some(true) && args.previous == Some(true) {
            return Err(ToolError::arguments("an earlier run has ended and cannot be followed"));
        }
        Ok(Self {
            container: args.container.clone(),
            previous_only: args.previous == Some(true),
            since: args.since.as_deref().map(|since| durations::parse("since", since)).transpose()?,
            grep: args.grep.as_deref().map(pattern).transpose()?,
            tail,
        })
    }
}

/// Reads a regular expression; a bad one is shown with a mark under the place.
fn pattern(given: &str) -> Result<Regex, ToolError> {
    Regex::new(given).map_err(|error| {
        ToolError::arguments(format!("grep is no regular expression: {error}"))
            .hint("put a backslash before ( ) [ ] { } . * + ? to mean them literally")
    })
}

/// The pods whose logs are read.
struct Pods {
    /// What they were found by.
    what: String,
    by: By,
    namespace: String,
    notes: Vec<String>,
    all: Vec<Value>,
}

/// How pods were found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Name,
    Workload,
    Selector,
}

impl Pods {
    /// Returns `2 pods of deployment/backend in namespace todo`.
    fn described(&self) -> String {
        let pods = count(self.all.len(), "pod");
        match self.by {
            By::Name => format!("{} in namespace {}", self.what, self.namespace),
            By::Workload => format!("{pods} of {} in namespace {}", self.what, self.namespace),
            By::Selector => format!("{pods} with {} in namespace {}", self.what, self.namespace),
        }
    }

    async fn find(reader: &dyn Reader, target: &str, namespace: &str) -> Result<Self, ToolError> {
        if target.contains('=') || target.contains(" in ") || target.contains(" notin ") {
            return Self::by_selector(reader, target, namespace).await;
        }
        let pods_first = target
            .split_once('/')
            .filter(|(kind, _)| todo_agent_kube_rules::kinds::find(kind).is_some_and(|kind| kind.kind == "Pod"));
        if let Some((_, name)) = pods_first {
            words::check("target", name)?;
            // "the backend pod" means the pods of backend where no pod has that very name.
            let object = pod_ref(namespace, name);
            match reader.get(&object).await {
                Ok(pod) => {
                    return Ok(Self {
                        what: object.short(),
                        by: By::Name,
                        namespace: namespace.to_owned(),
                        notes: Vec::new(),
                        all: vec![pod],
                    });
                }
                Err(error) if names::is_refusal(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let word = pods_first.map_or(target, |(_, name)| name);
        let lookup = Lookup {
            argument: "target",
            word,
            namespace,
            tiers: vec![names::types(workloads::ROLLING), names::types(&["Pod", "Job", "ReplicaSet"])],
            order: Order::ExactFirst,
            climb: Climb::Stay,
        };
        let found = resolve::find(reader, &lookup).await?;
        let live = reader.get(&found.object).await?;
        let (by, pods) = if found.object.resource.kind == "Pod" {
            (By::Name, vec![live])
        } else {
            (By::Workload, workloads::pods(reader, &found.object, &live).await?)
        };
        Ok(Self { what: found.object.short(), by, namespace: namespace.to_owned(), notes: found.notes, all: pods })
    }

    async fn by_selector(reader: &dyn Reader, selector: &str, namespace: &str) -> Result<Self, ToolError> {
        LabelSelector::parse(selector).map_err(|error| {
            ToolError::arguments(format!("target \"{}\" is no selector: {error}", words::shown(selector)))
        })?;
        let mut pods = Vec::new();
        for resource in names::types(&["Pod"]) {
            let query = ListQuery::new(resource, Within::Namespace(namespace.to_owned())).labels(selector);
            pods.extend(reader.list(&query).await?);
        }
        if pods.is_empty()
            && let Some(error) = resolve::missing_namespace(reader, namespace).await?
        {
            return Err(error);
        }
        Ok(Self {
            what: selector.to_owned(),
            by: By::Selector,
            namespace: namespace.to_owned(),
            notes: Vec::new(),
            all: pods,
        })
    }
}

fn pod_ref(namespace: &str, name: &str) -> ObjectRef {
    let mut types = names::types(&["Pod"]);
    let resource = types.remove(0);
    ObjectRef { resource, namespace: Some(namespace.to_owned()), name: name.to_owned() }
}

fn answer(found: &Pods, collected: Collected, wanted: &Wanted, run: &Run) -> Output {
    let Collected { lines, notes, sources } = collected;
    let total = lines.len();
    let with_source = sources.len() > 1;
    let folded = fold::fold(&lines, |source| sources[source].group());
    let fatal = fold::first_fatal(&folded);
    let shown: Vec<String> = folded
        .iter()
        .enumerate()
        .map(|(index, one)| shown_line(one, &sources, with_source, fatal == Some(index)))
        .collect();
    let from = found.described();
    let mut headline = format!("{} from {from}", count(total, "line"));
    if found.all.is_empty() {
        headline = format!("there are no pods, so there is no log: {from}");
    } else if total == 0 {
        let matching = wanted.grep.as_ref().map_or_else(String::new, |grep| format!(" that match {grep}"));
        headline = format!("no lines{matching} from {from}");
    } else if folded.len() < total {
        headline = format!("{headline}, {} shown after folding similar ones", folded.len());
    }
    let data = json!({
        "target": found.what, "namespace": found.namespace, "pods": found.all.len(), "total": total,
        "first_fatal": fatal.map(|index| folded[index].line.text.clone()),
        "lines": folded.iter().map(|one| json!({
            "time": one.line.time, "source": sources[one.line.source].name(), "text": one.line.text,
            "count": one.count, "until": one.last,
        })).collect::<Vec<_>>(),
        "notes": notes,
    });
    let mut output = Output::build(&run.redactor, &data);
    for note in &found.notes {
        output = output.text(note);
    }
    output = output.text(headline);
    if let Some(index) = fatal {
        output = output.text(format!("first fatal line: {}", folded[index].line.text));
    }
    if !shown.is_empty() {
        output = output.lines(shown);
    }
    if !notes.is_empty() {
        output = output.text(notes.join("\n"));
    }
    output.build()
}

fn shown_line(one: &Folded<'_>, sources: &[Source], with_source: bool, is_fatal: bool) -> String {
    let mark = if is_fatal { ">> " } else { "" };
    let time = one.line.time.map_or_else(String::new, |time| format!("{} ", time.strftime("%H:%M:%S")));
    let source = match one.sources.len() {
        _ if !with_source => String::new(),
        0 | 1 => format!("{} | ", sources[one.line.source].name()),
        several => format!("{several} pods/{} | ", sources[one.line.source].group()),
    };
    let repeats = match (one.count, one.last) {
        (1, _) => String::new(),
        (count, Some(last)) => format!("  (×{count}, last {})", last.strftime("%H:%M:%S")),
        (count, None) => format!("  (×{count})"),
    };
    format!("{mark}{time}{source}{}{repeats}", one.line.text)
}

#[cfg(test)]
mod tests;
