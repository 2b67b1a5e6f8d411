//! The agent: sentences, people, terminals and files. It knows Kubernetes only through `tools`, `core`
//! and `cluster`.

pub mod cli;
pub mod exit;
pub mod journal;
pub mod json;
pub mod options;
pub mod problem;
pub mod session;
pub mod state;
pub mod terminal;
pub mod ui;
