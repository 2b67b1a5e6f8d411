//! The program, end to end: each file is a subject, each test a thing that can happen to a person.
//!
//! The tests run the real program on simulated clusters and on servers that misbehave. Whatever they do, the
//! requests are compared with the approvals when a test ends; see `support/evidence.rs`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends where it stands")]

#[path = "../support/mod.rs"]
mod support;

mod calls;
mod cluster_text;
mod connection;
mod conversation;
mod evidence;
mod json;
mod names;
mod permissions;
mod plans;
mod policy;
mod readme;
mod rollouts;
mod scale;
mod secrets;
mod sentences;
mod state;
mod terminal;
mod unanswered;
mod undo;
