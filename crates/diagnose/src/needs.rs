//! What a reader should still read before `findings` is asked again: few logs of containers whose end the status
//! does not explain, events and metrics where they would tell more, objects of namespaces that a log points to.
//! Pure; a reader answers at most two rounds.

use std::collections::BTreeSet;

use crate::claim::Subject;
use crate::kind::{Kind, ObjectRef};
use crate::logs::triage;
use crate::rules::{Part, is_well, parts, service_wants_log, wants_log};
use crate::shape::{Pod, condition};
use crate::snapshot::{Run, Snapshot};

/// How many logs are asked for at once, so that a broken cluster does not cost a request per pod.
const LOGS: usize = 60;

/// One thing to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The end of a container's log.
    Logs {
        /// The pod.
        pod: ObjectRef,
        /// The container.
        container: String,
        /// Which run.
        run: Run,
    },
    /// The events of an object.
    Events {
        /// The object.
        object: ObjectRef,
    },
    /// The usage of the pods of a namespace.
    Metrics {
        /// The namespace.
        namespace: String,
    },
    /// The objects of a kind in a namespace.
    Objects {
        /// The kind.
        kind: Kind,
        /// The namespace.
        namespace: String,
    },
}

/// Returns what to read next; nothing when enough is known.
pub fn needs(snapshot: &Snapshot) -> Vec<Need> {
    let mut found = BTreeSet::new();
    let mut asked: BTreeSet<(&str, String)> = BTreeSet::new();
    let mut logs = 0;
    for pod in snapshot.objects().pods.iter().filter(|pod| !is_well(pod)) {
        let subject = Subject::of(snapshot, pod);
        if !snapshot.covers(Kind::Event, subject.namespace()) && snapshot.events_of(&subject.object.uid).is_empty() {
            let owner = owner(pod);
            if asked.insert((owner, "events".to_owned())) {
                found.insert(Need::Events { object: subject.object.clone() });
            }
        }
        for part in parts(&subject) {
            if out_of_memory(&part) && !snapshot.covers(Kind::PodMetrics, subject.namespace()) {
                found.insert(Need::Metrics { namespace: subject.namespace().to_owned() });
            }
            let Some(run) = run(&part) else { continue };
            if logs < LOGS && part.log().is_none() && asked.insert((owner(pod), part.name().to_owned())) {
                let tried = snapshot.log(&subject.object.uid, part.name(), run).is_some();
                if !tried {
                    logs += 1;
                    found.insert(Need::Logs { pod: subject.object.clone(), container: part.name().to_owned(), run });
                }
            }
            if let Some((_, text)) = part.log() {
                elsewhere(snapshot, text, &mut found);
            }
        }
    }
    for service in &snapshot.objects().services {
        if logs < LOGS
            && let Some((pod, container)) = service_wants_log(snapshot, service)
            && snapshot.log(&pod.metadata.uid, &container, Run::Current).is_none()
        {
            logs += 1;
            found.insert(Need::Logs {
                pod: Snapshot::reference(Kind::Pod, &pod.metadata),
                container,
                run: Run::Current,
            });
        }
    }
    found.into_iter().collect()
}

/// One pod speaks for all of its controller.
fn owner(pod: &Pod) -> &str {
    pod.metadata.controller().map_or(&pod.metadata.uid, |owner| &owner.uid)
}

fn out_of_memory(part: &Part<'_>) -> bool {
    part.ending().is_some_and(|ending| ending.how.reason == "OOMKilled")
}

/// Returns the run whose log is wanted.
fn run(part: &Part<'_>) -> Option<Run> {
    if wants_log(part) {
        return Some(part.run_of_ending());
    }
    let status = &part.subject.pod.status;
    if status.phase == "Failed" && part.ending().is_some_and(|ending| ending.how.exit_code != 0) {
        return Some(Run::Current);
    }
    let unready = condition(&status.conditions, "Ready").is_some_and(|ready| ready.status != "True");
    (unready && !part.status.ready && part.status.state.running.is_some() && !part.init).then_some(Run::Current)
}

/// A log that names a Service of another namespace asks for what stands behind it.
fn elsewhere(snapshot: &Snapshot, text: &str, found: &mut BTreeSet<Need>) {
    let Some(host) = triage(text).and_then(|hint| hint.host) else { return };
    let name = host.strip_suffix(".cluster.local").unwrap_or(&host);
    let Some((_, namespace)) = name.strip_suffix(".svc").and_then(|name| name.split_once('.')) else { return };
    if namespace.contains('.') {
        return;
    }
    for kind in [Kind::Service, Kind::Pod, Kind::EndpointSlice] {
        if !snapshot.covers(kind, namespace) {
            found.insert(Need::Objects { kind, namespace: namespace.to_owned() });
        }
    }
}
