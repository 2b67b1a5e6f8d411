//! Recording Events as the components of Kubernetes do: the same message about the same object is one
//! Event whose count rises; an Event is forgotten an hour after its last occurrence.
//!
//! Controllers and the kubelet write the old form (`count`, `firstTimestamp`, `lastTimestamp`); the
//! scheduler writes the new one (`eventTime`, `series`, `action`), as in a real cluster.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::durations::after;
use crate::object::{self, time_text};
use crate::store::{Key, Part, Store};
use crate::timers::{Timers, Wake};

/// How long the API server keeps an Event (`--event-ttl`).
const LIFETIME: Duration = Duration::from_hours(1);

/// Who reports.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A controller of the controller manager, by its component name.
    Controller(&'static str),
    /// The kubelet of a node.
    Kubelet(String),
    /// The scheduler.
    Scheduler,
}

/// Whether an Event is worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Severity {
    /// Business as usual.
    Normal,
    /// Something is wrong.
    Warning,
}

impl Severity {
    fn text(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// One occurrence to record.
#[derive(Debug, Clone)]
pub(crate) struct Occurrence {
    pub(crate) severity: Severity,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// The part of the object, for example `spec.containers{api}`.
    pub(crate) field: Option<String>,
}

impl Occurrence {
    /// Returns a normal occurrence about a whole object.
    pub(crate) fn normal(reason: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Normal, reason, message: message.into(), field: None }
    }

    /// Returns a warning about a whole object.
    pub(crate) fn warning(reason: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, reason, message: message.into(), field: None }
    }

    /// Returns the same about one container of a pod.
    pub(crate) fn about_container(self, list: &str, container: &str) -> Self {
        Self { field: Some(format!("spec.{list}{{{container}}}")), ..self }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sameness {
    source: Source,
    uid: String,
    field: Option<String>,
    severity: Severity,
    reason: &'static str,
    message: String,
}

/// The Events that may still be counted up.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    known: HashMap<Sameness, Key>,
    /// How many of them have expired since they were last looked through.
    expired: usize,
}

impl Recorder {
    /// Records an occurrence about `involved`.
    pub(crate) fn record(
        &mut self,
        store: &mut Store,
        timers: &mut Timers,
        source: &Source,
        involved: &Value,
        occurrence: &Occurrence,
        now: Timestamp,
    ) {
        let sameness = Sameness {
            source: source.clone(),
            uid: object::uid(involved).to_owned(),
            field: occurrence.field.clone(),
            severity: occurrence.severity,
            reason: occurrence.reason,
            message: occurrence.message.clone(),
        };
        let repeated = self.known.get(&sameness).and_then(|key| {
            store.edit(key, Part::Spec, now, |event| count_up(event, now))?;
            Some(key.clone())
        });
        let key = repeated.or_else(|| {
            let event = new_event(store, source, involved, occurrence, now);
            let key = Key::of_object(&event);
            store.create(event, now).ok()?;
            self.known.insert(sameness, key.clone());
            Some(key)
        });
        if let Some(key) = key {
            // The earliest wish would win otherwise.
            timers.cancel(&Wake::EventExpiry(key.clone()));
            timers.schedule(Wake::EventExpiry(key), after(now, LIFETIME));
        }
    }

    /// Removes an Event whose life has ended.
    pub(crate) fn expire(&mut self, store: &mut Store, key: &Key) {
        store.remove(key);
        self.expired += 1;
        // Forgotten by the half: a look through all for each would not end with thousands of pods.
        if self.expired * 2 >= self.known.len() {
            self.known.retain(|_, known| store.get(known).is_some());
            self.expired = 0;
        }
    }
}

fn count_up(event: &mut Value, now: Timestamp) {
    if event["eventTime"].is_string() {
        let count = event["series"]["count"].as_u64().unwrap_or(1) + 1;
        event["series"] = json!({"count": count, "lastObservedTime": micro_time(now)});
    } else {
        event["count"] = json!(event["count"].as_u64().unwrap_or(1) + 1);
        event["lastTimestamp"] = json!(time_text(now));
    }
}

fn new_event(store: &Store, source: &Source, involved: &Value, occurrence: &Occurrence, now: Timestamp) -> Value {
    let namespace = match object::namespace(involved) {
        "" => "default",
        namespace => namespace,
    };
    let mut reference = json!({
        "apiVersion": involved["apiVersion"],
        "kind": involved["kind"],
        "name": object::name(involved),
        "uid": object::uid(involved),
        "resourceVersion": involved["metadata"]["resourceVersion"],
    });
    if !object::namespace(involved).is_empty() {
        object::set(&mut reference, "namespace", namespace);
    }
    if let Some(field) = &occurrence.field {
        object::set(&mut reference, "fieldPath", field.as_str());
    }
    let mut event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": free_name(store, namespace, object::name(involved), now), "namespace": namespace},
        "involvedObject": reference,
        "reason": occurrence.reason,
        "message": occurrence.message,
        "type": occurrence.severity.text(),
        "source": {},
        "firstTimestamp": null,
        "lastTimestamp": null,
        "eventTime": null,
        "reportingComponent": "",
        "reportingInstance": "",
    });
    match source {
        Source::Scheduler => {
            event["eventTime"] = json!(micro_time(now));
            event["reportingComponent"] = json!("default-scheduler");
            event["reportingInstance"] = json!("default-scheduler-minikube");
            event["action"] = json!(if occurrence.reason == "Scheduled" { "Binding" } else { "Scheduling" });
            return event;
        }
        Source::Controller(component) => {
            event["source"] = json!({"component": component});
            event["reportingComponent"] = json!(component);
        }
        Source::Kubelet(node) => {
            event["source"] = json!({"component": "kubelet", "host": node});
            event["reportingComponent"] = json!("kubelet");
            event["reportingInstance"] = json!(node);
        }
    }
    event["count"] = json!(1);
    event["firstTimestamp"] = json!(time_text(now));
    event["lastTimestamp"] = json!(time_text(now));
    event
}

/// Returns the object's name with the time in hexadecimal nanoseconds, the next free one.
fn free_name(store: &Store, namespace: &str, involved: &str, now: Timestamp) -> String {
    let mut number = now.as_nanosecond();
    loop {
        let name = format!("{involved}.{number:x}");
        let key = Key { group: String::new(), plural: "events".into(), namespace: namespace.into(), name };
        if store.get(&key).is_none() {
            return key.name;
        }
        number += 1;
    }
}

fn micro_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod() -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api", "namespace": "shop", "uid": "1"}})
    }

    fn record(recorder: &mut Recorder, store: &mut Store, timers: &mut Timers, source: &Source, second: i64) {
        let back_off = Occurrence::warning("BackOff", "Back-off restarting failed container");
        let now = Timestamp::from_second(second).unwrap();
        recorder.record(store, timers, source, &pod(), &back_off, now);
    }

    #[test]
    fn the_same_occurrence_is_counted_instead_of_repeated() {
        let (mut recorder, mut store, mut timers) = (Recorder::default(), Store::default(), Timers::default());
        let kubelet = Source::Kubelet("minikube".into());
        for second in [100, 110, 120] {
            record(&mut recorder, &mut store, &mut timers, &kubelet, second);
        }
        let events = store.list("", "events", Some("shop"));
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["count"], 3);
        assert_eq!(events[0]["firstTimestamp"], "1970-01-01T00:01:40Z");
        assert_eq!(events[0]["lastTimestamp"], "1970-01-01T00:02:00Z");
        assert_eq!(timers.next_due(), Some(Timestamp::from_second(120 + 3600).unwrap()));
    }

    #[test]
    fn the_scheduler_writes_the_new_form() {
        let (mut recorder, mut store, mut timers) = (Recorder::default(), Store::default(), Timers::default());
        for second in [100, 110] {
            record(&mut recorder, &mut store, &mut timers, &Source::Scheduler, second);
        }
        let event = &store.list("", "events", Some("shop"))[0];
        assert_eq!(event["eventTime"], "1970-01-01T00:01:40.000000Z");
        assert_eq!(event["series"], json!({"count": 2, "lastObservedTime": "1970-01-01T00:01:50.000000Z"}));
        assert_eq!(event["firstTimestamp"], Value::Null);
    }

    #[test]
    fn what_has_expired_is_forgotten_by_the_half() {
        let (mut recorder, mut store, mut timers) = (Recorder::default(), Store::default(), Timers::default());
        for number in 0..8 {
            let occurrence = Occurrence::normal("Pulled", format!("Image {number}"));
            let now = Timestamp::from_second(number).unwrap();
            recorder.record(&mut store, &mut timers, &Source::Scheduler, &pod(), &occurrence, now);
        }
        let keys: Vec<Key> = store.list("", "events", None).iter().map(|event| Key::of_object(event)).collect();
        let mut left = keys[..6].iter().map(|key| {
            recorder.expire(&mut store, key);
            recorder.known.len()
        });
        assert_eq!([(); 6].map(|()| left.next().unwrap()), [8, 8, 8, 4, 4, 2]);
    }

    #[test]
    fn an_expired_event_starts_anew() {
        let (mut recorder, mut store, mut timers) = (Recorder::default(), Store::default(), Timers::default());
        let source = Source::Controller("deployment-controller");
        record(&mut recorder, &mut store, &mut timers, &source, 100);
        let key = Key::of_object(&store.list("", "events", None)[0]);
        recorder.expire(&mut store, &key);
        assert!(store.list("", "events", None).is_empty());
        record(&mut recorder, &mut store, &mut timers, &source, 9000);
        assert_eq!(store.list("", "events", None)[0]["count"], 1);
    }
}
