//! What the simulation still has to do, ordered by virtual time. Each component has at most one wake-up
//! pending, the earliest asked for: it looks at the present state when woken and asks again.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::store::Key;

/// A component to wake.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Wake {
    /// The Deployment controller, for one Deployment.
    Deployment(Key),
    /// The ReplicaSet controller, for one ReplicaSet.
    ReplicaSet(Key),
    /// The StatefulSet controller, for one StatefulSet.
    StatefulSet(Key),
    /// The DaemonSet controller, for one DaemonSet.
    DaemonSet(Key),
    /// The Job controller, for one Job.
    Job(Key),
    /// The CronJob controller, for one CronJob.
    CronJob(Key),
    /// The controllers of a custom resource definition.
    Definition(Key),
    /// The autoscaler controller, for one HorizontalPodAutoscaler.
    Autoscaler(Key),
    /// The volume binder, for one claim.
    Claim(Key),
    /// The volume binder, for one volume.
    Volume(Key),
    /// A provisioner that makes the volume of a claim.
    Provision(Key),
    /// A resizer that makes the volume of a claim larger.
    Expand(Key),
    /// The disruption controller, for one budget.
    Budget(Key),
    /// The quota controller, for one quota.
    Quota(Key),
    /// The endpoint controllers, for one Service.
    Endpoints(Key),
    /// The namespace and service account controllers, for one Namespace.
    Namespace(Key),
    /// The scheduler, for one Pod.
    Schedule(Key),
    /// The kubelet, for one Pod.
    Pod(Key),
    /// A node's heartbeat and faults.
    Node(Key),
    /// The node controller's taints, for one Node.
    Taints(Key),
    /// The garbage collector.
    Collect,
    /// The end of an Event's life.
    EventExpiry(Key),
    /// A change that the world makes by itself, by its index.
    WorldChange(usize),
}

/// The pending wake-ups.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BTreeMap<(Timestamp, u64), Wake>,
    pending: HashMap<Wake, (Timestamp, u64)>,
    issued: u64,
}

impl Timers {
    /// Wakes a component at an instant, or earlier if that was asked before.
    pub(crate) fn schedule(&mut self, wake: Wake, at: Timestamp) {
        if let Some(&pending) = self.pending.get(&wake) {
            if pending.0 <= at {
                return;
            }
            self.queue.remove(&pending);
        }
        self.issued += 1;
        self.pending.insert(wake.clone(), (at, self.issued));
        self.queue.insert((at, self.issued), wake);
    }

    /// Forgets a component's wake-up.
    pub(crate) fn cancel(&mut self, wake: &Wake) {
        if let Some(pending) = self.pending.remove(wake) {
            self.queue.remove(&pending);
        }
    }

    /// Takes the earliest wake-up that is due at `until` or before.
    pub(crate) fn take_due(&mut self, until: Timestamp) -> Option<(Timestamp, Wake)> {
        let entry = self.queue.first_entry()?;
        if entry.key().0 > until {
            return None;
        }
        let ((at, _), wake) = entry.remove_entry();
        self.pending.remove(&wake);
        Some((at, wake))
    }

    /// Returns when the next wake-up is due.
    #[cfg(test)]
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_earliest_wish_wins_and_order_is_by_time() {
        let mut timers = Timers::default();
        timers.schedule(Wake::Collect, at(9));
        timers.schedule(Wake::WorldChange(1), at(5));
        timers.schedule(Wake::Collect, at(3));
        timers.schedule(Wake::Collect, at(7));
        assert_eq!(timers.next_due(), Some(at(3)));
        assert_eq!(timers.take_due(at(6)), Some((at(3), Wake::Collect)));
        assert_eq!(timers.take_due(at(6)), Some((at(5), Wake::WorldChange(1))));
        assert_eq!(timers.take_due(at(100)), None);
    }

    #[test]
    fn a_cancelled_wake_up_does_not_come() {
        let mut timers = Timers::default();
        timers.schedule(Wake::Collect, at(1));
        timers.cancel(&Wake::Collect);
        assert_eq!(timers.take_due(at(2)), None);
    }
}
