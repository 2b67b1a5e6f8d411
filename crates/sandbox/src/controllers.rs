//! The controllers of the controller manager, one file each: every one looks at an object and its
//! dependents as they are and moves them one step towards what is wanted. They are woken by `dispatch`
//! and never wait.
//!
//! `pods` is what those that own pods share; `rollout` is the arithmetic of rolling updates.

pub(crate) mod autoscaler;
mod autoscaler_metrics;
pub(crate) mod autoscaler_pace;
pub(crate) mod claims;
mod cron;
pub(crate) mod cronjob;
pub(crate) mod daemonset;
pub(crate) mod definitions;
pub(crate) mod deployment;
mod deployment_scale;
mod deployment_status;
pub(crate) mod disruption;
pub(crate) mod endpoints;
pub(crate) mod job;
mod job_pods;
pub(crate) mod namespace;
mod pods;
pub(crate) mod provisioning;
pub(crate) mod quota;
pub(crate) mod replicaset;
pub(crate) mod revisions;
mod rollout;
mod stateful_claims;
pub(crate) mod stateful_revisions;
pub(crate) mod statefulset;
#[cfg(test)]
mod tests;
pub(crate) mod volumes;

pub(crate) use cron::Schedule;
