//! The model's client against servers of these tests: what is sent, what is read, what is tried again, and what a person is
//! told when it fails.
//!
//! `client` talks to a scripted server on loopback; `corpus` reads recorded and composed streams at every cut; `fuzz` bends
//! them.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends where it stands")]

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the other tests, which use other parts")]
mod support;

mod asking;
mod check;
mod client;
mod corpus;
mod fuzz;
mod https;
mod keys;
mod rules;
mod tokens;
