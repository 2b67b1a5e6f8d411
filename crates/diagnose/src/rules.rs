//! The rules, by section of the catalogue. Each makes claims about what it looks at; none knows the others.
//! `graph` decides what is a cause and what follows from it.

mod access;
mod admission;
mod autoscaling;
mod budgets;
mod claims;
mod configuration;
mod containers;
mod creation;
mod deletion;
mod endings;
mod failed;
mod images;
mod ingresses;
mod jobs;
mod log_classes;
mod mounts;
mod nodes;
mod placement;
mod pods;
mod policies;
mod probes;
mod resolution;
mod rollouts;
mod routes;
mod scheduling;
mod services;
mod stateful;
mod unread;
mod waiting;

pub(crate) use containers::{Part, parts};
pub(crate) use endings::wants_log;
pub(crate) use placement::{Fit, nodes as placements};
pub(crate) use pods::is_well;
pub(crate) use policies::between as connection;
pub(crate) use services::wants_log as service_wants_log;
pub use unread::unchecked;

use crate::claim::Claim;
use crate::finding::Finding;
use crate::graph;
use crate::snapshot::Snapshot;

/// Returns what is wrong, the worst first. The same snapshot always gives the same list.
pub fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    let mut claims: Vec<Claim> = Vec::new();
    for rule in [
        pods::claims,
        nodes::claims,
        rollouts::claims,
        images::drift,
        stateful::claims,
        jobs::claims,
        creation::claims,
        services::claims,
        ingresses::claims,
        routes::claims,
        resolution::claims,
        claims::claims,
        autoscaling::claims,
        budgets::claims,
        admission::claims,
        configuration::claims,
    ] {
        rule(snapshot, &mut claims);
    }
    graph::fold(claims)
}
