//! When waiting is in vain: a pod stays in a state that the kubelet does not leave by itself.
//!
//! The state must hold for a while, because a first failed pull or one crash may pass.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use todo_agent_core::{ListQuery, ObjectRef, Reader, Run, Within};
use todo_agent_kube_rules::{
    kinds,
    pods::{self, Lasting},
};

use crate::{value, workloads};

/// When the pods are looked at first, and how often then.
const LOOK_AFTER: Duration = Duration::from_secs(8);
const LOOK_EVERY: Duration = Duration::from_secs(4);
/// How long a state must hold before it counts.
const HOLDS_FOR: Duration = Duration::from_secs(20);

/// Notices pods in a state that the kubelet does not leave by itself, so that nobody waits in vain.
pub(super) struct LastingTrouble {
    next_look: Timestamp,
    since: Option<Timestamp>,
}

impl LastingTrouble {
    pub(super) fn new(run: &Run) -> Self {
        Self { next_look: run.deadline_within(LOOK_AFTER), since: None }
    }

    /// Returns whether a pod has been in such a state for long enough. Looks now and then only: a list of
    /// pods costs more than the object itself.
    pub(super) async fn holds(&mut self, reader: &dyn Reader, object: &ObjectRef, run: &Run) -> bool {
        let now = run.clock.now();
        if now < self.next_look {
            return false;
        }
        self.next_look = now.saturating_add(LOOK_EVERY).unwrap_or(now);
        let Ok(live) = reader.get(object).await else { return false };
        let pods = if object.resource.kind == "Pod" {
            vec![live]
        } else {
            workloads::pods(reader, object, &live).await.unwrap_or_default()
        };
        if !any_lasts(reader, &pods).await {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        since.saturating_add(HOLDS_FOR).is_ok_and(|until| now >= until)
    }
}

async fn any_lasts(reader: &dyn Reader, pods: &[Value]) -> bool {
    for pod in pods {
        let lasts = match pods::trouble(pod).map(|trouble| trouble.lasting) {
            Some(Lasting::Proven) => true,
            Some(Lasting::Likely) => backs_off(reader, pod).await,
            Some(Lasting::Passing) | None => false,
        };
        if lasts {
            return true;
        }
    }
    false
}

/// Returns whether the kubelet waits before it starts a container of the pod again: between the runs of a crash
/// loop many a container only shows that it has ended.
async fn backs_off(reader: &dyn Reader, pod: &Value) -> bool {
    let Some(kind) = kinds::find("events") else { return false };
    let query = ListQuery::new(kind, Within::Namespace(value::text(pod, "/metadata/namespace").to_owned()))
        .fields(format!("involvedObject.name={},reason=BackOff", value::name(pod)));
    reader.list(&query).await.is_ok_and(|events| !events.is_empty())
}
