//! "create a deployment for a Next.js app on port 3000", "create a service to expose the frontend": a new object of a
//! usual kind, and what was said of it.
//!
//! The kind must be named. What a kind cannot do without (a name, an image) is asked for, never made up.

mod access;
mod parts;

pub(crate) use parts::take_schedule;
use serde_json::Value;

use super::{Arguments, Heard, Hearing, Intent, Needs};
use crate::{
    context::Context,
    lexicon::kinds::{self, KindWord, Spelling},
    planned::Missing,
    segment::Segment,
    target::Mention,
};

pub(crate) struct Create;

const VERBS: &[&str] = &["create new", "create", "add new", "add", "make new", "make", "set up", "spin up", "new"];
const RUN: &[&str] = &["run new", "run"];
const EXPOSE: &[&str] = &["expose"];
const BALANCED: &[&str] = &["load balancer", "loadbalancer", "load-balancer", "of type loadbalancer"];
const NODE_PORT: &[&str] = &["node port", "nodeport", "of type nodeport"];

/// The kinds that are made, and what the tool calls them.
const KINDS: &[(&str, &str)] = &[
    ("Deployment", "deployment"),
    ("StatefulSet", "statefulset"),
    ("Job", "job"),
    ("CronJob", "cronjob"),
    ("Service", "service"),
    ("Ingress", "ingress"),
    ("ConfigMap", "configmap"),
    ("Namespace", "namespace"),
    ("PersistentVolumeClaim", "pvc"),
];

/// Programs whose image the tool knows.
const KNOWN: &[&str] = &["redis", "valkey", "memcached", "nginx"];

impl Intent for Create {
    fn tool(&self) -> &'static str {
        "create"
    }

    fn writes(&self) -> bool {
        true
    }

    fn needs(&self) -> Needs {
        Needs::TargetIfAny
    }

    fn prepositions(&self) -> &'static [&'static str] {
        &["to expose", "exposing", "in front of", "for", "of", "to"]
    }

    fn examples(&self) -> &'static [&'static str] {
        &[
            "create a service to expose the frontend",
            "create a deployment called web with image nginx:1.27 on port 8080",
        ]
    }

    fn hear(&self, segment: &mut Segment, context: &Context<'_>, hearing: Hearing) -> Option<Heard> {
        if hearing == Hearing::GoingOn {
            return None;
        }
        let mut arguments = Arguments::new();
        let whole = access::take_role(segment, &mut arguments)
            || access::take_policy(segment, context, &mut arguments)
            || parts::take_deployed_image(segment, context, &mut arguments);
        if whole {
            return Some(Heard { arguments, ..Heard::default() });
        }
        if segment.take_head(EXPOSE).is_some() || take_balancer(segment, &mut arguments) {
            arguments.insert("kind".to_owned(), "service".into());
            parts::take_port(segment, &mut arguments);
            return Some(Heard { arguments, ..Heard::default() });
        }
        let head = segment.head()?;
        let verb = segment.longest_at(head, VERBS).or_else(|| segment.longest_at(head, RUN))?;
        let (at, kind, word) = kind_after(segment, verb.end)?;
        if verb.phrase.starts_with("run") && !matches!(kind, "job" | "cronjob") {
            return None;
        }
        segment.use_range(verb.start, verb.end);
        if at == verb.end + 1 && segment.match_at(verb.end, "one").is_some() {
            segment.use_range(verb.end, at);
        }
        segment.use_range(at, word.end);
        arguments.insert("kind".to_owned(), kind.into());
        parts::take_name(segment, context, verb.end, at, word.end, &mut arguments);
        match kind {
            "deployment" | "statefulset" | "job" | "cronjob" => {
                parts::take_image(segment, &mut arguments);
                parts::take_port(segment, &mut arguments);
                parts::take_replicas(segment, &mut arguments);
                if kind == "cronjob"
                    && let Some(schedule) = parts::take_schedule(segment)
                {
                    arguments.insert("schedule".to_owned(), schedule.into());
                }
                if kind == "statefulset" {
                    parts::take_storage(segment, &mut arguments);
                }
                parts::take_resources(segment, &mut arguments);
                parts::take_purpose(segment, &mut arguments);
            }
            "service" => {
                for (phrases, name) in [(BALANCED, "load_balancer"), (NODE_PORT, "node_port")] {
                    if segment.take(phrases).is_some() {
                        arguments.insert("service_type".to_owned(), name.into());
                    }
                }
                parts::take_port(segment, &mut arguments);
            }
            "ingress" => parts::take_host(segment, &mut arguments),
            "configmap" => parts::take_data(segment, &mut arguments),
            "pvc" => parts::take_storage(segment, &mut arguments),
            _ => {}
        }
        Some(Heard { arguments, ..Heard::default() })
    }

    fn aim(&self, target: &Mention, arguments: &mut Arguments) {
        let kind = arguments.get("kind").and_then(Value::as_str).unwrap_or_default();
        if matches!(kind, "service" | "ingress" | "network_policy") || arguments.contains_key("name") {
            arguments.insert("target".to_owned(), target.workload().into());
        } else {
            arguments.insert("name".to_owned(), target.word.clone().into());
        }
    }

    fn lacks(&self, arguments: &Arguments) -> Option<Missing> {
        let has = |key: &str| arguments.contains_key(key);
        let text = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default();
        let missing = |lacking: bool| lacking.then_some(Missing::Target);
        match text("kind") {
            "service" | "ingress" => missing(!has("target")),
            "role" | "network_policy" => None,
            "deployment" | "statefulset" | "job" | "cronjob" => {
                let image = has("image") || KNOWN.contains(&text("name"));
                let often = text("kind") != "cronjob" || has("schedule");
                missing(!has("name")).or((!image).then_some(Missing::Image)).or((!often).then_some(Missing::Schedule))
            }
            _ => missing(!has("name")),
        }
    }

    fn question(&self, missing: Missing, arguments: &Arguments) -> String {
        let kind = arguments.get("kind").and_then(Value::as_str).unwrap_or("object");
        match (missing, kind) {
            (Missing::Image, _) => {
                let name = arguments.get("name").and_then(Value::as_str).unwrap_or("it");
                format!("Which image does {name} run, for example registry.example.com/{name}:1.0?")
            }
            (Missing::Schedule, _) => "How often should it run, for example every 5 minutes?".to_owned(),
            (_, "service") => "Which workload should the service expose?".to_owned(),
            (_, "ingress") => "Which service should the ingress route to?".to_owned(),
            (_, kind) => format!("What should the {kind} be called?"),
        }
    }
}

/// Takes "create a load balancer" where no service is named: it is one.
fn take_balancer(segment: &mut Segment, arguments: &mut Arguments) -> bool {
    let Some(verb) = segment.head().and_then(|head| segment.longest_at(head, VERBS)) else { return false };
    let Some(noun) = segment.longest_at(verb.end, BALANCED) else { return false };
    if kind_after(segment, noun.end).is_some() {
        return false;
    }
    segment.use_range(verb.start, noun.end);
    arguments.insert("service_type".to_owned(), "load_balancer".into());
    true
}

/// Returns the first kind after the verb that can be made.
fn kind_after(segment: &Segment, from: usize) -> Option<(usize, &'static str, KindWord)> {
    (from..segment.len()).find_map(|at| {
        let word = kinds::at(segment, at, Spelling::Exact).filter(|word| !word.plural)?;
        let (_, name) = KINDS.iter().find(|(kind, _)| *kind == word.kind.kind)?;
        Some((at, *name, word))
    })
}
