//! The simulation's clock as the program's [`Clock`]: waiting is what makes simulated time pass.
//!
//! A sleeper registers the instant it waits for. The one with the earliest instant moves the simulation
//! there and goes on; the others let it go first, so concurrent waits end in the order of their
//! instants. One that is registered but not polled is passed over instead of waited for. In `serve` mode a driver moves time with the wall clock instead, and sleepers only wait.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use todo_agent_core::clock::Clock;
use tokio::sync::Notify;

use crate::durations::after;
use crate::simulation::Sandbox;

/// How often a sleeper lets other tasks run first, so that those about to sleep can register.
const YIELDS: usize = 3;

/// How often a sleeper lets an earlier one go first. One that does not go within this many turns is not
/// being polled (its task waits for something else), and waiting for it would never end.
const PATIENCE: usize = 200;

/// Who makes time pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Pace {
    /// The earliest sleeper.
    #[default]
    Sleepers,
    /// A driver that follows the wall clock.
    Driver,
}

/// The waits in progress.
#[derive(Debug, Default)]
pub(crate) struct Sleepers {
    waits: Mutex<Waits>,
    passed: Notify,
}

#[derive(Debug, Default)]
struct Waits {
    targets: BTreeSet<(Timestamp, u64)>,
    issued: u64,
    pace: Pace,
}

impl Sleepers {
    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides who makes time pass from now on.
    pub(crate) fn set_pace(&self, pace: Pace) {
        self.waits().pace = pace;
        self.passed.notify_waiters();
    }

    /// Tells sleepers that time has passed.
    pub(crate) fn time_passed(&self) {
        self.passed.notify_waiters();
    }

    /// Forgets waits that are over: their instant has come, whenever they are polled.
    fn forget_until(&self, instant: Timestamp) {
        self.waits().targets.retain(|(target, _)| *target > instant);
    }

    /// Returns the instant that the earliest sleeper waits for, if sleepers make time pass.
    fn earliest(&self) -> Option<Timestamp> {
        let waits = self.waits();
        match waits.pace {
            Pace::Sleepers => waits.targets.first().map(|(target, _)| *target),
            Pace::Driver => None,
        }
    }
}

/// One registered wait; dropping it gives the turn to the next.
struct Wait {
    sleepers: Arc<Sleepers>,
    ticket: (Timestamp, u64),
}

impl Wait {
    fn register(sleepers: Arc<Sleepers>, target: Timestamp) -> Self {
        let ticket = {
            let mut waits = sleepers.waits();
            waits.issued += 1;
            let ticket = (target, waits.issued);
            waits.targets.insert(ticket);
            ticket
        };
        Self { sleepers, ticket }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.sleepers.waits().targets.remove(&self.ticket);
        self.sleepers.passed.notify_waiters();
    }
}

impl Sandbox {
    /// Completes once the clock shows `instant`, without making time pass: for watches and followed logs.
    pub(crate) async fn reached(&self, instant: Timestamp) {
        loop {
            let passed = self.sleepers().passed.notified();
            tokio::pin!(passed);
            passed.as_mut().enable();
            if self.now() >= instant {
                return;
            }
            passed.await;
        }
    }
}

/// A [`Clock`] that shows and drives a sandbox's virtual time.
#[derive(Clone)]
pub struct SandboxClock {
    sandbox: Sandbox,
}

impl SandboxClock {
    pub(crate) fn new(sandbox: Sandbox) -> Self {
        Self { sandbox }
    }
}

impl Clock for SandboxClock {
    fn now(&self) -> Timestamp {
        self.sandbox.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let sandbox = self.sandbox.clone();
        Box::pin(async move {
            let target = after(sandbox.now(), duration);
            let wait = Wait::register(Arc::clone(sandbox.sleepers()), target);
            for _ in 0..YIELDS {
                tokio::task::yield_now().await;
            }
            let mut waited = 0;
            loop {
                let passed = wait.sleepers.passed.notified();
                tokio::pin!(passed);
                // Registered before looking, so that no notice is missed in between.
                passed.as_mut().enable();
                if sandbox.now() >= target {
                    return;
                }
                match wait.sleepers.earliest() {
                    None => passed.await,
                    Some(earliest) if earliest >= target => sandbox.advance_to(target),
                    Some(_) if waited < PATIENCE => {
                        waited += 1;
                        tokio::task::yield_now().await;
                    }
                    Some(earliest) => {
                        sandbox.advance_to(earliest);
                        wait.sleepers.forget_until(earliest);
                        waited = 0;
                    }
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::simulation::Options;
    use crate::world::World;

    fn sandbox() -> Sandbox {
        Sandbox::start(World::from_yaml("namespace: shop", "test").unwrap(), Options::default()).unwrap()
    }

    #[tokio::test]
    async fn sleeping_moves_time_exactly() {
        let clock = sandbox().clock();
        let start = clock.now();
        clock.sleep(Duration::from_secs(90)).await;
        assert_eq!(clock.now(), after(start, Duration::from_secs(90)));
    }

    #[tokio::test]
    async fn concurrent_sleepers_wake_in_the_order_of_their_instants() {
        let clock = sandbox().clock();
        let (start, order) = (clock.now(), Mutex::new(Vec::new()));
        let nap = async |seconds: u64| {
            clock.sleep(Duration::from_secs(seconds)).await;
            order.lock().unwrap().push((seconds, clock.now().duration_since(start).as_secs()));
        };
        tokio::join!(nap(30), nap(10), nap(20));
        assert_eq!(*order.lock().unwrap(), [(10, 10), (20, 20), (30, 30)]);
    }

    #[tokio::test]
    async fn a_sleep_that_nobody_polls_does_not_hold_up_the_others() {
        let clock = sandbox().clock();
        let start = clock.now();
        let mut deadline = clock.sleep(Duration::from_secs(5));
        assert!(futures::poll!(&mut deadline).is_pending());
        clock.sleep(Duration::from_mins(1)).await;
        assert_eq!(clock.now(), after(start, Duration::from_mins(1)));
        deadline.await;
        assert_eq!(clock.now(), after(start, Duration::from_mins(1)), "it was over already");
    }

    #[tokio::test]
    async fn an_abandoned_sleep_does_not_hold_up_the_others() {
        let clock = sandbox().clock();
        let start = clock.now();
        let mut abandoned = clock.sleep(Duration::from_secs(5));
        assert!(futures::poll!(&mut abandoned).is_pending());
        drop(abandoned);
        clock.sleep(Duration::from_mins(1)).await;
        assert_eq!(clock.now(), after(start, Duration::from_mins(1)));
    }
}
