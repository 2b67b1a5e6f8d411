//! The tools that look and answer, one file each.

mod list;
mod rollout;
mod wait_for;

pub(crate) use list::List;
pub(crate) use rollout::Rollout;
pub(crate) use wait_for::WaitFor;
