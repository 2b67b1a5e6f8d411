//! The tools that look and answer, one file each.
//!
//! A read tool answers with typed data and a view of it, both redacted when they are built. It sends no
//! more requests than its answer needs, and never reads a Secret's values.

mod changes;
mod describe;
pub(crate) mod diagnose;
mod events;
mod explain;
mod health;
mod list;
mod logs;
mod rollout;
mod wait_for;

pub(crate) use changes::Changes;
pub(crate) use describe::Describe;
pub(crate) use diagnose::Diagnose;
pub(crate) use events::Events;
pub(crate) use explain::Explain;
pub(crate) use health::Health;
pub(crate) use list::List;
pub(crate) use logs::{Logs, log_text};
pub(crate) use rollout::Rollout;
pub(crate) use wait_for::WaitFor;
