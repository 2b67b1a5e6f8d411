//! Preview, gate, execution and verification against the sandbox in process.

mod execute;
mod risk;
mod support;
mod verify;
