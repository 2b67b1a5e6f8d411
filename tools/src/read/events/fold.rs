//! Folds events that have one cause: the same reason and message, but for numbers and pod names, of the
//! pods of one workload.
//!
//! Pure: the pods and ReplicaSets that events speak of may be gone, so names alone decide.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{durations, value};

/// The letters and digits of generated name parts.
/// Source: k8s.io/apimachinery/pkg/util/rand.
const GENERATED: &str = "bcdfghjklmnpqrstvwxz2456789";

/// Events of one cause.
#[derive(Debug)]
pub(crate) struct Folded<'e> {
    pub(crate) is_warning: bool,
    /// The newest of them.
    event: &'e Value,
    /// How many objects they are about.
    objects: Vec<String>,
    count: i64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Folded<'_> {
    /// Returns the cause as two lines: what and when, then the message. A table would leave the message a
    /// narrow column on most terminals.
    pub(crate) fn lines(&self, now: Timestamp) -> [String; 2] {
        let age = durations::age(self.last, now);
        let times = match (self.first, self.last) {
            (Some(first), Some(last)) if self.count > 1 && first < last => {
                format!(", ×{} in {}", self.count, durations::human(last.as_second() - first.as_second()))
            }
            _ if self.count > 1 => format!(", ×{}", self.count),
            _ => String::new(),
        };
        let kind = value::text(self.event, "/type");
        [format!("{kind} {} · {} · {age} ago{times}", self.reason(), self.object()), format!("  {}", self.message())]
    }

    /// Returns the cause as data.
    pub(crate) fn data(&self) -> Value {
        json!({
            "type": value::text(self.event, "/type"), "reason": self.reason(), "object": self.object(),
            "objects": self.objects, "message": self.message(), "count": self.count,
            "first": self.first, "last": self.last,
        })
    }

    fn reason(&self) -> &str {
        value::text(self.event, "/reason")
    }

    /// Returns the object, or how many of which owner.
    fn object(&self) -> String {
        match self.objects.as_slice() {
            [single] => single.clone(),
            several => {
                let (kind, _) = involved(self.event);
                format!("{} {}s of {}", several.len(), kind.to_lowercase(), owner_name(self.event))
            }
        }
    }

    fn message(&self) -> String {
        value::text(self.event, "/message").trim().to_owned()
    }
}

/// Folds events; warnings first, then the most recent.
pub(crate) fn fold(events: &[Value]) -> Vec<Folded<'_>> {
    let mut causes: BTreeMap<(String, String, String, String), Folded<'_>> = BTreeMap::new();
    for event in events {
        let (kind, name) = involved(event);
        let owner = owner_name(event);
        let key = (
            format!("{}{kind}", value::text(event, "/metadata/namespace")),
            value::text(event, "/reason").to_owned(),
            owner.clone(),
            normalised(value::text(event, "/message"), name),
        );
        let object = format!("{}/{name}", kind.to_lowercase());
        let (first, last) = (first_seen(event), last_seen(event));
        let cause = causes.entry(key).or_insert_with(|| Folded {
            is_warning: is_warning(event),
            event,
            objects: Vec::new(),
            count: 0,
            first,
            last,
        });
        if last > cause.last {
            cause.event = event;
        }
        if !cause.objects.contains(&object) {
            cause.objects.push(object);
        }
        cause.count += times(event);
        cause.first = [cause.first, first].into_iter().flatten().min();
        cause.last = cause.last.max(last);
    }
    let mut folded: Vec<Folded<'_>> = causes.into_values().collect();
    folded.sort_by_key(|one| (!one.is_warning, std::cmp::Reverse(one.last)));
    folded
}

pub(crate) fn is_warning(event: &Value) -> bool {
    value::text(event, "/type") == "Warning"
}

/// Returns the kind and name of the object an event is about.
pub(crate) fn involved(event: &Value) -> (&str, &str) {
    (value::text(event, "/involvedObject/kind"), value::text(event, "/involvedObject/name"))
}

fn times(event: &Value) -> i64 {
    value::number(event, "/series/count").or_else(|| value::number(event, "/count")).unwrap_or(1).max(1)
}

fn first_seen(event: &Value) -> Option<Timestamp> {
    ["/firstTimestamp", "/eventTime", "/metadata/creationTimestamp"].iter().find_map(|at| value::instant(event, at))
}

/// Returns when an event last came.
pub(crate) fn last_seen(event: &Value) -> Option<Timestamp> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .iter()
        .find_map(|at| value::instant(event, at))
}

/// Returns the name of the workload an event's object belongs to, told from the name the controllers
/// generate; the object may be gone by now.
pub(crate) fn owner_name(event: &Value) -> String {
    let (kind, name) = involved(event);
    match kind {
        "Pod" => of_pod(name),
        "ReplicaSet" => without_generated(name, 1..=10).unwrap_or(name),
        _ => name,
    }
    .to_owned()
}

/// Returns whether a workload of this kind could have made the event's object.
pub(crate) fn owner_kind_fits(kind: &str, event: &Value) -> bool {
    match involved(event).0 {
        "Pod" => matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job"),
        "ReplicaSet" => kind == "Deployment",
        _ => false,
    }
}

fn of_pod(name: &str) -> &str {
    if let Some(rest) = without_generated(name, 5..=5) {
        // A Deployment's pod has the ReplicaSet's hash before its own part.
        return without_generated(rest, 6..=10).unwrap_or(rest);
    }
    match name.rsplit_once('-') {
        Some((set, ordinal)) if !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit()) => set,
        _ => name,
    }
}

fn without_generated(name: &str, length: std::ops::RangeInclusive<usize>) -> Option<&str> {
    let (rest, part) = name.rsplit_once('-')?;
    let generated = length.contains(&part.len()) && part.chars().all(|character| GENERATED.contains(character));
    generated.then_some(rest)
}

/// Returns a message without what differs from one object to the next: its name, generated names, numbers.
fn normalised(message: &str, name: &str) -> String {
    let mut form = String::with_capacity(message.len());
    for word in message.split_inclusive(char::is_whitespace) {
        let bare = word.trim_matches(|character: char| !character.is_ascii_alphanumeric());
        let general = if bare == name { "…" } else { of_pod(bare) };
        for character in word.replacen(bare, general, 1).chars() {
            if !character.is_ascii_digit() {
                form.push(character);
            } else if !form.ends_with('#') {
                form.push('#');
            }
        }
    }
    form
}
