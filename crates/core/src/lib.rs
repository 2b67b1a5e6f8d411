//! The vocabulary of todo-agent: what every other part means by a call, a change, a preview, a report.
//!
//! No I/O and no Kubernetes client in here. Start at `change` (what a write tool proposes), then
//! `view` (what a person sees of it) and `report` (what came of it).
#![warn(missing_docs)]

pub mod call;
pub mod clock;
pub mod names;

pub use call::Call;
pub use clock::{Clock, SystemClock};
pub use names::{NameEntry, Names};
