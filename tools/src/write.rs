//! The tools that propose changes, one file each. None of them can carry one out.

pub(crate) mod rollout_control;
mod scale;
mod undo;

pub(crate) use rollout_control::RolloutControl;
pub(crate) use scale::Scale;
pub(crate) use undo::Undo;
