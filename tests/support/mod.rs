//! What the end-to-end tests stand on. They run the real program and look at what a person sees, at what the
//! cluster was asked, and at what was recorded.
//!
//! `environment` runs the program away from the person's own files; `output` is what came of it; `evidence`
//! compares requests with approvals after every test; `forwarded` finds an open port; `serve` keeps a simulated
//! cluster; `hostile` is a server that answers badly; `model` is a language model with a script; `terminal` is a
//! person at a keyboard; `replays` runs every recorded session once more; `secrets` knows what nothing may show or
//! keep.

pub(crate) mod environment;
pub(crate) mod evidence;
pub(crate) mod forwarded;
pub(crate) mod hostile;
pub(crate) mod http;
pub(crate) mod model;
pub(crate) mod output;
pub(crate) mod proxy;
pub(crate) mod replays;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod terminal;

pub(crate) use environment::{TestEnvironment, spawn, world, world_file};
pub(crate) use output::Output;
pub(crate) use serve::Served;
