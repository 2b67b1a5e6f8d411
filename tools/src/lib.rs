//! The fixed set of typed tools: what the agent can look at and what it can propose to change.
//!
//! A map: [`tool`] holds the two traits and the registry; `read/` and `write/` hold one tool per file.
//! What they share lies beside them: [`resolve`] turns a person's word into an object, `arguments` and
//! `spec` are the border to models, the rest is facts about Kubernetes objects. No tool knows a
//! Kubernetes client; they see a cluster only through `Reader`, and a write tool can only propose.
#![warn(missing_docs)]

mod amounts;
mod arguments;
mod autoscalers;
pub mod diagnosis;
mod dotenv;
mod durations;
#[cfg(test)]
mod fake;
mod files;
mod images;
pub mod names;
mod pods;
mod progress;
mod read;
pub mod remedy;
pub mod resolve;
mod revisions;
mod snapshot;
mod spec;
pub mod tool;
mod value;
mod words;
mod workloads;
mod write;

pub use names::names;
pub use read::diagnose::{Looked, look};
pub use snapshot::dump::{DumpFile, from_dump};
pub use spec::ToolSpec;
pub use tool::{AnyRead, AnyWrite, Proposal, Read, TOOLS, Tool, Write, find, register_secrets, specs};
