//! The signatures against fixtures: recorded on a real cluster wherever that was possible, composed by hand
//! where it was not, healthy clusters that must give nothing, and random objects that must not panic.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod composed;
mod coverage;
mod healthy;
mod random;
mod recorded;
mod scale;
mod support;
