//! Scenarios of the controllers in virtual time, through the whole simulation.

mod deployments;
mod others;
mod worlds;
