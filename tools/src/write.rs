//! The tools that propose changes, one file each. None of them can carry one out.
//!
//! A write tool reads the live object, works out what would change, and says how to take it back. It
//! never sends anything; the effect is data that the preview shows and the gate admits.

mod apply;
mod autoscale;
mod create;
mod delete;
mod exec;
mod import_env;
mod make;
mod node_control;
mod patch;
mod port_forward;
pub(crate) mod rollout_control;
mod running_pod;
mod scale;
mod set;
mod undo;

pub(crate) use apply::Apply;
pub(crate) use autoscale::Autoscale;
pub(crate) use create::Create;
pub(crate) use delete::Delete;
pub(crate) use exec::Exec;
pub(crate) use import_env::ImportEnv;
pub(crate) use node_control::NodeControl;
pub(crate) use patch::Patch;
pub(crate) use port_forward::PortForward;
pub(crate) use rollout_control::RolloutControl;
pub(crate) use scale::Scale;
pub(crate) use set::Set;
pub(crate) use undo::Undo;
