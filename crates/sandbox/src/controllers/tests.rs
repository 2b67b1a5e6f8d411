//! Scenarios of the controllers in virtual time, through the whole simulation.

mod deployments;
