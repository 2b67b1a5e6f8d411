//! What the benchmarks share: a table with bars, a sample of times, and the program in a home of its own.
//!
//! Nothing in here decides what is measured. Each benchmark uses only a part of it.
#![allow(dead_code, unused_imports, reason = "each benchmark uses its part")]

mod home;
mod peak;
mod report;
mod sample;

pub(crate) use home::{Home, PROGRAM, on_path};
pub(crate) use peak::{in_megabytes, peak_of, peak_run};
pub(crate) use report::{Bar, Report, table};
pub(crate) use sample::{Sample, awaited, milliseconds, timed};

/// What a benchmark fails with: there is nobody to handle it but the person who reads it.
pub(crate) type Failure = Box<dyn std::error::Error>;
