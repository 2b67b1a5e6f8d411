//! Where scenarios take place: a simulated cluster, always; a real one, where the environment names it.
//!
//! `TODO_AGENT_TEST_KUBECONFIG` and `TODO_AGENT_TEST_CONTEXT` name the real one. For the cluster of
//! `tests/cluster`, `TODO_AGENT_TEST_AUDIT_LOG` is what its API server was asked, and
//! `TODO_AGENT_TEST_COMPONENTS` the command that stops its programs; a person's own cluster has neither.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::http::Access;

/// A kind of cluster, for scenarios that exist only on one.
#[derive(Debug, Clone)]
pub(crate) enum Site {
    /// A simulated cluster of the scenario's own.
    Sandbox,
    /// A real cluster, shared by all scenarios.
    Real(Real),
}

/// A real cluster.
#[derive(Debug, Clone)]
pub(crate) struct Real {
    pub(crate) kubeconfig: PathBuf,
    pub(crate) context: Option<String>,
    audit_log: Option<PathBuf>,
    components: Option<PathBuf>,
}

impl Real {
    /// Returns the cluster that the environment names, if it names one.
    pub(crate) fn of_the_environment() -> Option<Self> {
        let path = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Some(Self {
            kubeconfig: path("TODO_AGENT_TEST_KUBECONFIG")?,
            context: env::var("TODO_AGENT_TEST_CONTEXT").ok().filter(|name| !name.is_empty()),
            audit_log: path("TODO_AGENT_TEST_AUDIT_LOG"),
            components: path("TODO_AGENT_TEST_COMPONENTS"),
        })
    }

    /// Returns how the cluster is reached.
    pub(crate) fn access(&self) -> Access {
        let text = std::fs::read_to_string(&self.kubeconfig)
            .unwrap_or_else(|error| panic!("{}: {error}", self.kubeconfig.display()));
        Access::of_context(&text, self.context.as_deref())
    }

    pub(crate) fn audit_log(&self) -> Option<&Path> {
        self.audit_log.as_deref()
    }

    /// Returns whether this cluster's programs may be stopped.
    pub(crate) fn can_be_disturbed(&self) -> bool {
        self.components.is_some()
    }

    /// Makes so many nodes on which pods only pretend to run; none removes them all.
    #[track_caller]
    pub(crate) fn set_fake_nodes(&self, count: usize) {
        let component = self.components.as_ref().expect("a cluster whose nodes may be changed");
        let output = Command::new(component.with_file_name("fake-nodes")).arg(count.to_string()).output().unwrap();
        assert!(output.status.success(), "fake-nodes {count}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Stops, kills or starts a program of the cluster, and waits until that is done.
    #[track_caller]
    pub(crate) fn component(&self, action: &str, name: &str) {
        let command = self.components.as_ref().expect("a cluster whose programs may be stopped");
        let output = Command::new(command).args([action, name]).output().unwrap();
        assert!(output.status.success(), "{action} {name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
