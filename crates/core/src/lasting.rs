//! When waiting is in vain: a pod stays in a state that the kubelet does not leave by itself.
//!
//! The state must hold for a while, because a first failed pull or one crash may pass. Whoever waits for pods, to
//! answer or to prove a change, gives up by the same measure.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use todo_agent_kube_rules::{
    kinds,
    pods::{Lasting, Trouble},
};

use crate::{
    reader::{ListQuery, Reader, Within},
    run::Run,
};

/// When the pods are looked at first, and how often then: a list of pods costs more than the object itself.
const LOOK_AFTER: Duration = Duration::from_secs(8);
const LOOK_EVERY: Duration = Duration::from_secs(4);
/// How long a state must hold before it counts.
const HOLDS_FOR: Duration = Duration::from_secs(20);

/// How long somebody has waited for pods that do not come.
#[derive(Debug)]
pub struct Patience {
    next_look: Timestamp,
    /// Since when a lasting state has been seen without interruption.
    since: Option<Timestamp>,
}

impl Patience {
    /// Returns the patience of somebody who begins to wait.
    pub fn new(run: &Run) -> Self {
        Self { next_look: run.deadline_within(LOOK_AFTER), since: None }
    }

    /// Returns whether it is time to look at the pods; the next time comes a while later.
    pub fn wants_to_look(&mut self, now: Timestamp) -> bool {
        if now < self.next_look {
            return false;
        }
        self.next_look = now.saturating_add(LOOK_EVERY).unwrap_or(now);
        true
    }

    /// Takes whether this look found a lasting state, and returns whether there has been one for long enough.
    pub fn is_over(&mut self, now: Timestamp, found: bool) -> bool {
        if !found {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        since.saturating_add(HOLDS_FOR).is_ok_and(|until| now >= until)
    }
}

/// Returns whether a pod's trouble does not pass by itself. Asks for the pod's events where its state alone leaves
/// that open: between the runs of a crash loop many a container only shows that it has ended.
pub async fn lasts(reader: &dyn Reader, pod: &Value, trouble: &Trouble) -> bool {
    match trouble.lasting {
        Lasting::Proven => true,
        Lasting::Likely => backs_off(reader, pod).await,
        Lasting::Passing => false,
    }
}

/// Returns whether the kubelet waits before it starts a container of the pod again.
async fn backs_off(reader: &dyn Reader, pod: &Value) -> bool {
    let (Some(namespace), Some(name)) = (pod["metadata"]["namespace"].as_str(), pod["metadata"]["name"].as_str())
    else {
        return false;
    };
    let Some(kind) = kinds::find("events") else { return false };
    let query = ListQuery::new(kind, Within::Namespace(namespace.to_owned()))
        .fields(format!("involvedObject.name={name},reason=BackOff"));
    reader.list(&query).await.is_ok_and(|events| !events.is_empty())
}
