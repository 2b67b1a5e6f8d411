//! Preview, gate, execution and verification against the sandbox in process.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its support code")]

mod any_diff;
mod attacks;
mod execute;
mod gate;
mod list;
mod objects;
mod risk;
mod support;
mod verify;
