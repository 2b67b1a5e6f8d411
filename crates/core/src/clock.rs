//! Time as the agent sees it: the wall clock on a real cluster, the simulation's clock in the sandbox.
//!
//! Everything that waits for a cluster (verification, `wait_for`, approval expiry) waits through a
//! [`Clock`], so that a sandbox run takes milliseconds and every test is deterministic. Deadlines are
//! compared with [`Clock::now`] in a polling loop; do not race a long `sleep` against other work,
//! because sleeping is what moves a simulated clock forward.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

/// A source of time and of waiting.
pub trait Clock: Send + Sync {
    /// Returns the present instant.
    fn now(&self) -> Timestamp;
    /// Completes once `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's own clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}
