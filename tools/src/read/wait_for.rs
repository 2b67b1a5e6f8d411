//! `wait_for`: waits until an object is as asked, and says after how long; or why it is not.
//!
//! It polls once a second on the turn's clock. A condition that is not met is an answer, not an error, but
//! it counts as not achieved.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use todo_agent_core::{
    Cause, ObjectRef, Output, Reader, Run, ToolError,
    lasting::{self, Patience},
};
use todo_agent_kube_rules::{self as kube_rules, kinds};

use crate::{
    names, pods,
    progress::{self, Progress},
    resolve::{self, Climb, Lookup, Order},
    tool::Read,
    value, words, workloads,
};

/// How long it waits unless told otherwise.
const DEFAULT_SECONDS: u32 = 120;
/// The longest it can be told to wait.
const MOST_SECONDS: u32 = 3600;
const POLL: Duration = Duration::from_secs(1);

/// Wait until an object meets a condition; says after how long, or why not.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitForArgs {
    /// default a workload
    kind: Option<String>,
    name: String,
    namespace: Option<String>,
    condition: Condition,
    /// default 120
    seconds: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Condition {
    Available,
    Ready,
    RolledOut,
    Deleted,
    Exists,
}

impl Condition {
    /// Returns whether it only comes about through pods that run.
    fn needs_pods(self) -> bool {
        !matches!(self, Self::Exists | Self::Deleted)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Ready => "ready",
            Self::RolledOut => "rolled out",
            Self::Deleted => "deleted",
            Self::Exists => "there",
        }
    }
}

/// The tool.
pub(crate) struct WaitFor;

impl Read for WaitFor {
    const NAME: &'static str = "wait_for";
    type Args = WaitForArgs;

    fn example(&self) -> Value {
        json!({"name": "backend", "condition": "available", "seconds": 60})
    }

    async fn read<'a>(&'a self, args: WaitForArgs, reader: &'a dyn Reader, run: &'a Run) -> Result<Output, ToolError> {
        run.check()?;
        let seconds = args.seconds.unwrap_or(DEFAULT_SECONDS);
        if seconds == 0 || seconds > MOST_SECONDS {
            return Err(ToolError::arguments(format!("seconds must be from 1 to {MOST_SECONDS}, got {seconds}")));
        }
        let (object, notes) = find(&args, reader).await?;
        let words = args.condition.words();
        let started = run.clock.now();
        let deadline = run.deadline_within(Duration::from_secs(seconds.into()));
        let mut patience = Patience::new(run);
        let mut answered = false;
        let met = loop {
            let state = match look(reader, &object, args.condition).await {
                // A server that restarts must not end a long wait; one that never answered is said at once.
                Err(ToolError::Cluster(error)) if error.is(Cause::Unreachable) && answered => {
                    State::NotYet(error.message)
                }
                other => other?,
            };
            answered = true;
            let waited = run.clock.now().as_second() - started.as_second();
            match state {
                State::Met(how) => break Some((waited, how)),
                State::Stuck(_) => break None,
                State::NotYet(_) if run.clock.now() >= deadline => break None,
                State::NotYet(_)
                    if args.condition.needs_pods() && in_vain(&mut patience, reader, &object, run).await =>
                {
                    break None;
                }
                State::NotYet(why) => run.progress(format!("{}: {why} ({waited} s)", object.short())),
            }
            if let Err(error) = run.sleep(POLL).await
                && !error.is(Cause::TimedOut)
            {
                return Err(error.into());
            }
        };
        let mut data = json!({"object": object.short(), "namespace": object.namespace, "condition": words});
        let text = if let Some((waited, how)) = &met {
            data["met"] = json!(true);
            data["seconds"] = json!(waited);
            let when = if *waited == 0 { "already".to_owned() } else { format!("after {waited} s") };
            format!("{} is {words} {when}{how}", object.short())
        } else {
            let waited = run.clock.now().as_second() - started.as_second();
            let why = reason(reader, &object, args.condition).await?;
            data["met"] = json!(false);
            data["seconds"] = json!(waited);
            data["why"] = json!(why);
            format!("{} is not {words} after {waited} s: {why}", object.short())
        };
        let mut output = Output::build(&run.redactor, &data);
        for note in notes {
            output = output.text(note);
        }
        output = output.text(text);
        Ok(if met.is_some() { output.build() } else { output.not_achieved().build() })
    }
}

enum State {
    /// Met, with what to add.
    Met(String),
    /// Not yet, and why.
    NotYet(String),
    /// Not, and nobody goes on with it: the reason.
    Stuck(String),
}

/// Returns the object to watch. One that is to appear or to be gone need not be there.
async fn find(args: &WaitForArgs, reader: &dyn Reader) -> Result<(ObjectRef, Vec<String>), ToolError> {
    let namespace = words::namespace(args.namespace.as_deref(), &reader.scope().namespace)?;
    let word = words::parse("name", &args.name)?;
    let kind = args.kind.as_deref().map(str::trim).or(word.kind);
    let resource = match kind {
        Some(kind) => {
            words::check("kind", kind)?;
            Some(reader.kind(kind).await?)
        }
        None => None,
    };
    if let (Condition::Exists | Condition::Deleted, Some(resource)) = (args.condition, &resource) {
        let namespace = resource.namespaced.then(|| namespace.to_owned());
        return Ok((ObjectRef { resource: resource.clone(), namespace, name: word.name.to_owned() }, Vec::new()));
    }
    let tiers = match resource {
        Some(resource) => vec![vec![resource]],
        None => vec![names::types(workloads::ROLLING), names::types(&["Pod", "Job"])],
    };
    let lookup =
        Lookup { argument: "name", word: word.name, namespace, tiers, order: Order::ExactFirst, climb: Climb::Stay };
    match resolve::find(reader, &lookup).await {
        Ok(found) => Ok((found.object, found.notes)),
        Err(error @ ToolError::Name { .. }) if matches!(args.condition, Condition::Exists | Condition::Deleted) => {
            Err(error.hint("give the kind to wait for something that is not there"))
        }
        Err(error) => Err(error),
    }
}

async fn look(reader: &dyn Reader, object: &ObjectRef, condition: Condition) -> Result<State, ToolError> {
    let live = match reader.get(object).await {
        Ok(live) => live,
        Err(error) if error.is(Cause::NotFound) => {
            return match condition {
                Condition::Deleted => Ok(State::Met(String::new())),
                _ => Ok(State::NotYet("it does not exist".to_owned())),
            };
        }
        // A server that is busy for a moment must not end a long wait.
        Err(error) if error.is(Cause::Unavailable) => return Ok(State::NotYet(error.message)),
        Err(error) => return Err(error.into()),
    };
    Ok(match condition {
        Condition::Exists => State::Met(String::new()),
        Condition::Deleted => State::NotYet(still_there(&live)),
        Condition::RolledOut => rolled_out(object, &live)?,
        Condition::Available | Condition::Ready => healthy(object, &live, condition),
    })
}

/// Returns whether the object's pods will not come by themselves.
async fn in_vain(patience: &mut Patience, reader: &dyn Reader, object: &ObjectRef, run: &Run) -> bool {
    let now = run.clock.now();
    if !patience.wants_to_look(now) {
        return false;
    }
    let Ok(live) = reader.get(object).await else { return false };
    let pods = if object.resource.kind == "Pod" {
        vec![live]
    } else {
        workloads::pods(reader, object, &live).await.unwrap_or_default()
    };
    let mut found = false;
    for pod in &pods {
        found = match kube_rules::pods::trouble(pod) {
            Some(trouble) => lasting::lasts(reader, pod, &trouble).await,
            None => false,
        };
        if found {
            break;
        }
    }
    patience.is_over(now, found)
}

fn still_there(live: &Value) -> String {
    let finalizers: Vec<String> = value::items(live, "/metadata/finalizers").iter().map(value::plain).collect();
    match (value::some_text(live, "/metadata/deletionTimestamp"), finalizers.is_empty()) {
        (None, _) => "it is not being deleted".to_owned(),
        (Some(_), true) => "it is being deleted".to_owned(),
        (Some(_), false) => format!("it is being deleted and waits for {}", finalizers.join(", ")),
    }
}

fn rolled_out(object: &ObjectRef, live: &Value) -> Result<State, ToolError> {
    if !workloads::ROLLING.contains(&object.resource.kind.as_str()) {
        return Err(ToolError::arguments(format!("{} has no rollout; wait for ready instead", object.short())));
    }
    Ok(match progress::of(object, live) {
        Progress::Done(text) => State::Met(format!(" ({text})")),
        Progress::Waiting(text) => State::NotYet(text),
        Progress::Stuck(text) => State::Stuck(text),
    })
}

fn healthy(object: &ObjectRef, live: &Value, condition: Condition) -> State {
    let kind = object.resource.kind.as_str();
    if workloads::ROLLING.contains(&kind) || kind == "ReplicaSet" {
        let (have, word) = match condition {
            Condition::Available => (workloads::available(live), "available"),
            _ => (workloads::ready(live), "ready"),
        };
        let desired = workloads::desired(live);
        let text = format!("{have} of {desired} replicas {word}");
        return if workloads::is_observed(live) && have >= desired {
            State::Met(format!(" ({text})"))
        } else {
            State::NotYet(text)
        };
    }
    let wanted = if kind == "Job" { "Complete" } else { "Ready" };
    let is_bound = value::text(live, "/status/phase") == "Bound";
    if value::condition_holds(live, wanted) || is_bound || value::condition_holds(live, "Available") {
        return State::Met(String::new());
    }
    let why = if kind == "Pod" { pods::trouble(live) } else { None };
    let found = value::condition(live, wanted).and_then(|found| value::some_text(found, "/message"));
    let phase = value::some_text(live, "/status/phase").map(|phase| format!("it is {phase}"));
    let nothing = || format!("it has no condition {wanted}");
    State::NotYet(why.or(found.map(str::to_owned)).or(phase).unwrap_or_else(nothing))
}

/// Returns why the condition is not met, down to the pods' own reasons.
async fn reason(reader: &dyn Reader, object: &ObjectRef, condition: Condition) -> Result<String, ToolError> {
    let mut why = match look(reader, object, condition).await? {
        State::Met(_) => "it came about just now".to_owned(),
        State::NotYet(why) | State::Stuck(why) => why,
    };
    let kind = object.resource.kind.as_str();
    let is_workload = kinds::find(kind).is_some() && (workloads::ROLLING.contains(&kind) || kind == "ReplicaSet");
    if is_workload && !matches!(condition, Condition::Deleted | Condition::Exists) {
        let live = reader.get(object).await?;
        let pods = names::tolerate_refusal(workloads::pods(reader, object, &live).await)?;
        let troubled = pods.iter().filter_map(|pod| Some(format!("pod/{}: {}", value::name(pod), pods::trouble(pod)?)));
        for trouble in troubled.take(3) {
            why = format!("{why}\n{trouble}");
        }
    }
    Ok(why)
}

#[cfg(test)]
mod tests;
