//! The embedded Kubernetes: an API server, controllers and a simulated kubelet in one process.
//!
//! `simulation` is the whole cluster as one value (`Sandbox`) on virtual time; `world` is what it starts
//! with; `dispatch` wakes `controllers`, `scheduler`, `nodes` and `kubelet`, which act through the store.
//! `store` holds the objects, `ownership` says whose their fields are and `authors` which of them the components'; `api` serves them over HTTP (`ApiServer`); `gc` collects what owners leave.
//! It answers as the real API server does, or with 501 and a reason.
#![warn(missing_docs)]

mod admission;
mod allocation;
mod api;
mod authors;
mod bootstrap;
mod clock;
mod conditions;
mod controllers;
mod defaults;
mod dispatch;
mod durations;
mod events;
mod gc;
mod go;
mod kubelet;
mod nodes;
mod object;
mod ownership;
mod random;
mod scheduler;
mod schema;
mod serve;
mod setup;
mod simulation;
mod store;
mod tables;
#[cfg(test)]
mod testing;
mod timers;
mod usage;
mod validation;
pub mod world;

pub use api::{Anonymous, ApiBody, ApiServer};
pub use clock::SandboxClock;
pub use kubelet::LogLine;
pub use serve::{ServeError, ServeOptions, serve};
pub use simulation::{Options, Sandbox, User};
pub use world::{BUILTIN as BUILTIN_WORLDS, World, WorldError};
