//! kubectl as a client of the sandbox, held to a real cluster: the same commands print the same.
//!
//! `cases/` says what is run, `recorded/` what it printed on a real cluster. `suite` is the run from beginning to end:
//! `case` reads the cases, `run` runs kubectl, `normalise` removes what may differ (each rule with its reason),
//! `compare` finds the rest and `known.yaml` excuses what is understood. `TODO_AGENT_KUBECTL` names the kubectl, else
//! the test cluster's is taken. `TODO_AGENT_KUBECTL_KUBECONFIG` adds a live cluster, `TODO_AGENT_KUBECTL_RECORD=1`
//! lets it rewrite the recordings.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends where it stands")]

mod case;
mod compare;
mod normalise;
mod program;
mod recording;
mod run;
mod suite;
#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, clippy::expect_used, reason = "shared; these tests only need a served sandbox")]
mod support;

use std::process::ExitCode;

fn main() -> ExitCode {
    suite::run(program::KUBECTL, &program::KUBECTL.folder().join("world.yaml"))
}
