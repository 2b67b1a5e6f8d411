//! Pure facts of Kubernetes used by several crates: kinds and aliases, selectors, quantities, RBAC
//! evaluation, scheduler fit and messages, network policies. No I/O, no client; objects are JSON values.
#![warn(missing_docs)]

pub mod fit;
pub mod kinds;
pub mod pods;
pub mod policies;
pub mod quantities;
pub mod rbac;
pub mod scheduling;
pub mod selectors;
