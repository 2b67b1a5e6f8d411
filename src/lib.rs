//! The agent: sentences, people, terminals and files. It knows Kubernetes only through `tools`, `core`
//! and `cluster`.

pub mod agent;
pub mod cli;
pub mod commands;
pub mod config;
pub mod entry;
pub mod conversation;
pub mod exit;
pub mod input;
pub mod journal;
pub mod json;
pub mod options;
pub mod policy_file;
pub mod problem;
pub mod session;
pub mod program;
pub mod start;
pub mod state;
pub mod terminal;
mod turn;
mod unanswered;
mod toml_file;
pub mod ui;
