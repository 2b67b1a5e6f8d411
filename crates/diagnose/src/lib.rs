//! The diagnosis engine: a [`Snapshot`] of a cluster goes in, [`Finding`]s come out. No I/O, no clock (the
//! snapshot carries "now"), no model. A finding is one cause, with the evidence that proves it, the symptoms
//! that follow from it, and remedies that are a closed list.
//!
//! Map: `shape` projects API objects (never a value of a Secret or of an environment variable), `snapshot`
//! indexes them, `rules` make claims, `graph` folds claims into findings, `catalogue` lists every signature.
#![warn(missing_docs)]

mod about;
pub mod catalogue;
mod claim;
mod finding;
mod graph;
mod kind;
pub mod logs;
mod needs;
pub mod path;
mod reach;
mod remedy;
mod rules;
pub mod shape;
mod snapshot;

pub use about::{About, about};
pub use finding::{Confidence, Consequence, Evidence, Finding, Place, Severity, Unknown};
pub use kind::{Kind, ObjectRef};
pub use needs::{Need, needs};
pub use remedy::{Bound, Probe, Remedy, Replace};
pub use rules::{findings, unchecked};
pub use snapshot::{Builder, FileError, Found, Log, Run, Scope, Snapshot, Trouble, Unread};
