//! Scripts for smoke tests: a file of sentences and calls with what is expected of them, run in order.
//!
//! `file` is what is written, `check` turns it into a `Script` or into every mistake in it, `steps` runs it on
//! an agent while `capture` looks on, `expect` compares, [`report`] writes it down. A script decides nothing
//! about safety: its changes go through the gate like any other, and nobody is asked.

mod capture;
mod check;
mod expect;
mod file;
mod placed;
pub mod report;
mod result;
mod steps;
mod variables;

pub(crate) use capture::{Aside, Capture, Capturing};
pub(crate) use check::{Script, load};
pub use result::{Part, ScriptResult, Status, StepResult, Unmet};
pub(crate) use steps::{not_run, run, summary};
