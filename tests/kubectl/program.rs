//! Which client is tested, and where its program is: the named one, else the one that the test cluster's build has in
//! its cache.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A client of the Kubernetes API.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    /// What it is called with its version, for people and in recordings.
    pub(crate) version: &'static str,
    /// The module of the test cluster's build that makes it.
    pub(crate) module: &'static str,
    /// The test program, the folder of its data, and the command in `tests/cluster` that knows where the client is.
    pub(crate) test: &'static str,
    /// The variable that names the client's program, and how the others begin.
    pub(crate) variable: &'static str,
}

pub(crate) const KUBECTL: Client =
    Client { version: "kubectl v1.37.1", module: "kubernetes", test: "kubectl", variable: "TODO_AGENT_KUBECTL" };

/// The programs that cases run, and where.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) client: PathBuf,
    pub(crate) kubectl: PathBuf,
    pub(crate) folder: PathBuf,
}

impl Client {
    /// Returns the folder of its tests' data.
    pub(crate) fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(self.test)
    }

    /// Returns the value of one of its variables.
    pub(crate) fn setting(&self, name: &str) -> Option<PathBuf> {
        std::env::var_os(format!("{}_{name}", self.variable)).map(PathBuf::from)
    }

    /// Returns its programs, or in one line what is missing and how to get it.
    pub(crate) fn programs(&self) -> Result<Programs, String> {
        Ok(Programs { client: self.program()?, kubectl: KUBECTL.program()?, folder: self.folder() })
    }

    fn program(&self) -> Result<PathBuf, String> {
        let Self { version, module, test, variable } = self;
        if let Some(named) = std::env::var_os(variable).map(PathBuf::from) {
            return if named.is_file() {
                Ok(named)
            } else {
                Err(format!("{variable}: {} is no file", named.display()))
            };
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster").join(test);
        let output = Command::new(script).arg("--path").stdin(Stdio::null()).stderr(Stdio::null()).output();
        let found = output.ok().filter(|output| output.status.success());
        let path = found.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
        path.filter(|path| path.is_file()).ok_or_else(|| {
            format!("no {version}; build it with `tests/cluster/build {module}`, or name one with {variable}")
        })
    }
}
