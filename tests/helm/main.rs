//! Helm 4 as a client of the sandbox, held to a real cluster: the same commands print the same, and kubectl sees the
//! same objects after them.
//!
//! The machinery is that of `tests/kubectl`; `cases/` says what is run, `chart/` is what is installed, `recorded/` what
//! it printed on a real cluster, `known.yaml` excuses what is understood. `TODO_AGENT_HELM` names the Helm, else the
//! test cluster's build has one. `TODO_AGENT_HELM_KUBECONFIG` adds a live cluster, `TODO_AGENT_HELM_RECORD=1` lets it
//! rewrite the recordings.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends where it stands")]

#[path = "../kubectl/case.rs"]
mod case;
#[path = "../kubectl/compare.rs"]
mod compare;
#[path = "../kubectl/normalise.rs"]
mod normalise;
#[path = "../kubectl/program.rs"]
mod program;
#[path = "../kubectl/recording.rs"]
mod recording;
#[path = "../kubectl/run.rs"]
mod run;
#[path = "../kubectl/suite.rs"]
mod suite;
#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, clippy::expect_used, reason = "shared; these tests only need a served sandbox")]
mod support;

use std::process::ExitCode;

use program::{Client, KUBECTL};

const HELM: Client = Client { version: "helm v4.3.0", module: "helm", test: "helm", variable: "TODO_AGENT_HELM" };

fn main() -> ExitCode {
    // The images and the storage that the test cluster has too.
    suite::run(HELM, &KUBECTL.folder().join("world.yaml"))
}
