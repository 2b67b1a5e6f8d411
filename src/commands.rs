//! One file per command. A command answers with an [`Output`](todo_agent_core::Output) or a problem; how it
//! is shown, as text or as JSON, is decided once, where the program ends.

pub(crate) mod checks;
pub(crate) mod completions;
pub(crate) mod config;
pub mod diagnose;
mod diagnose_junit;
pub(crate) mod doctor;
pub(crate) mod model_check;
pub(crate) mod plan;
pub(crate) mod replay;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod sandbox_serve;
pub mod session_files;
pub(crate) mod sessions;
pub(crate) mod tools;
