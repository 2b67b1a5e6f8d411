//! The tools that look and answer, one file each.

mod describe;
mod events;
mod list;
mod logs;
mod rollout;
mod wait_for;

pub(crate) use describe::Describe;
pub(crate) use events::Events;
pub(crate) use list::List;
pub(crate) use logs::Logs;
pub(crate) use rollout::Rollout;
pub(crate) use wait_for::WaitFor;
