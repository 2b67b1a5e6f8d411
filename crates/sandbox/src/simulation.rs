//! The whole simulated cluster as one value: the store, the components' own memory, and the virtual
//! clock. A discrete-event simulation: nothing happens between wake-ups, and the same world with the same
//! requests at the same instants always does the same.
//!
//! The state is behind one lock that is never held across an await.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::api::{AccountToken, ApiServer};
use crate::clock::{SandboxClock, Sleepers};
use crate::controllers::autoscaler_pace::Autoscalers;
use crate::dispatch;
use crate::durations::after;
use crate::events::{Occurrence, Recorder, Source};
use crate::kubelet::{Kubelet, LogStore};
use crate::random::Random;
use crate::scheduler::SchedulingQueue;
use crate::setup;
use crate::store::Store;
use crate::timers::{Timers, Wake};
use crate::world::{World, WorldError};

/// How a sandbox starts.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The instant at which the world is ready; the warm-up happens before it.
    pub now: Timestamp,
    /// The seed of every name and delay.
    pub seed: u64,
}

impl Default for Options {
    /// A fixed instant and seed, for tests.
    fn default() -> Self {
        Self { now: Timestamp::from_second(1_767_225_600).unwrap_or_default(), seed: 1 }
    }
}

/// Someone who may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name, as RBAC subjects have it.
    pub name: String,
    /// The bearer token.
    pub token: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// A simulated Kubernetes cluster. Clones are handles to the same one.
#[derive(Clone)]
pub struct Sandbox {
    state: Arc<Mutex<State>>,
    sleepers: Arc<Sleepers>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sandbox").finish_non_exhaustive()
    }
}

/// Everything that the cluster consists of.
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) logs: LogStore,
    pub(crate) timers: Timers,
    pub(crate) now: Timestamp,
    pub(crate) random: Random,
    pub(crate) recorder: Recorder,
    pub(crate) kubelet: Kubelet,
    pub(crate) queue: SchedulingQueue,
    pub(crate) autoscalers: Autoscalers,
    pub(crate) users: Vec<User>,
    pub(crate) tokens: Vec<AccountToken>,
    pub(crate) world: Arc<World>,
    /// The resourceVersion up to which components have seen the changes.
    pub(crate) seen: u64,
}

impl Sandbox {
    /// Starts a world: applies its manifests and lets its warm-up pass, so that it is
    /// [`Options::now`] when this returns.
    ///
    /// # Errors
    /// [`WorldError::Invalid`] when a manifest cannot be created.
    pub fn start(world: World, options: Options) -> Result<Self, WorldError> {
        let began = Timestamp::from_nanosecond(
            options.now.as_nanosecond().saturating_sub(i128::try_from(world.warm_up.as_nanos()).unwrap_or_default()),
        )
        .unwrap_or(options.now);
        let mut state = State {
            store: Store::new(options.seed),
            logs: LogStore::default(),
            timers: Timers::default(),
            now: began,
            random: Random::new(options.seed),
            recorder: Recorder::default(),
            kubelet: Kubelet::default(),
            queue: SchedulingQueue::default(),
            autoscalers: Autoscalers::default(),
            users: setup::users(&world),
            tokens: Vec::new(),
            world: Arc::new(world),
            seen: 0,
        };
        setup::apply(&mut state)?;
        state.advance_to(options.now);
        state.kubelet.remember_templates(&state.store);
        Ok(Self { state: Arc::new(Mutex::new(state)), sleepers: Arc::default() })
    }

    /// Returns the clock whose sleeping makes simulated time pass.
    pub fn clock(&self) -> SandboxClock {
        SandboxClock::new(self.clone())
    }

    /// Lets simulated time pass.
    pub fn advance(&self, duration: Duration) {
        let target = after(self.now(), duration);
        self.advance_to(target);
    }

    /// Lets simulated time pass until an instant; nothing happens when it is past.
    pub fn advance_to(&self, instant: Timestamp) {
        self.state().advance_to(instant);
        self.sleepers.time_passed();
    }

    /// Returns the simulated present.
    pub fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Returns the namespace that the world pins.
    pub fn namespace(&self) -> String {
        self.state().world.namespace.clone()
    }

    /// Returns the users who may connect, the administrator first.
    pub fn users(&self) -> Vec<User> {
        self.state().users.clone()
    }

    /// Returns the API server, for clients in the same process.
    pub fn service(&self) -> ApiServer {
        ApiServer::new(self.clone())
    }

    /// Lets the components see what a request has written. Call it after each write, without the lock.
    pub(crate) fn after_write(&self) {
        let mut state = self.state();
        let now = state.now;
        dispatch::dispatch(&mut state);
        state.advance_to(now);
    }

    /// Returns the state, locked. Never hold it across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sleepers(&self) -> &Arc<Sleepers> {
        &self.sleepers
    }
}

impl State {
    /// Processes every wake-up until `target`, in order, and sets the clock to it.
    pub(crate) fn advance_to(&mut self, target: Timestamp) {
        dispatch::dispatch(self);
        while let Some((at, wake)) = self.timers.take_due(target) {
            self.now = self.now.max(at);
            dispatch::run(self, wake);
            dispatch::dispatch(self);
        }
        self.now = self.now.max(target);
    }

    /// Wakes a component after a delay.
    pub(crate) fn wake_after(&mut self, wake: Wake, delay: Duration) {
        self.timers.schedule(wake, after(self.now, delay));
    }

    /// Records an Event about an object.
    pub(crate) fn record(&mut self, source: &Source, involved: &Value, occurrence: &Occurrence) {
        self.recorder.record(&mut self.store, &mut self.timers, source, involved, occurrence, self.now);
    }
}
