//! Scenarios of the controllers in virtual time, through the whole simulation.

mod bounds;
mod broken;
mod deployments;
mod jobs;
mod others;
mod storage;
mod worlds;
