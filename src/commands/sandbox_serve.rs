//! `todo-agent sandbox serve`: keeps a simulated cluster running for kubectl, Helm and this program.

use std::path::Path;

use crate::{exit::Exit, options::SandboxServe, problem::Problem};

/// Serves a world until the program is stopped.
///
/// # Errors
/// Returns why the world cannot be served.
pub(crate) async fn run(serve: &SandboxServe, _log: Option<&Path>) -> Result<Exit, Problem> {
    Err(Problem::usage(format!("serving {} is not built yet", serve.world)))
}
