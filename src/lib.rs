//! The agent: sentences, people, terminals and files. It knows Kubernetes only through `tools`, `core`
//! and `cluster`.
//!
//! [`entry`] goes from the arguments ([`cli`], [`options`]) to an exit code; [`start`] builds an [`agent`], whose
//! turns show everything through a [`ui::Ui`]: the [`terminal`] or [`json`], recorded by a [`session`]. The
//! [`script`] runs many of them and compares; a [`replay`] runs what was recorded once more; the [`journal`] keeps what was changed; [`config`] and [`policy_file`] are what a person decides beforehand.

pub mod agent;
pub mod cli;
pub mod commands;
pub mod config;
pub mod conversation;
pub mod dialogue;
pub mod entry;
pub mod exit;
pub mod input;
pub mod journal;
pub mod json;
pub mod model;
pub mod options;
pub mod policy_file;
pub mod problem;
pub mod program;
pub mod replay;
pub mod script;
pub mod session;
pub mod start;
pub mod state;
pub mod terminal;
mod toml_file;
mod trace;
mod turn;
pub mod ui;
mod unanswered;
