//! Which kubectl is run: the named one, else the one that the test cluster's build has in its cache.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Returns the program, or in one line why there is none and how to get it.
pub(crate) fn find() -> Result<PathBuf, String> {
    if let Some(named) = std::env::var_os("TODO_AGENT_KUBECTL").map(PathBuf::from) {
        return if named.is_file() {
            Ok(named)
        } else {
            Err(format!("TODO_AGENT_KUBECTL: {} is no file", named.display()))
        };
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/kubectl");
    let output = Command::new(script).arg("--path").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let found = output.ok().filter(|output| output.status.success());
    let path = found.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    path.filter(|path| path.is_file()).ok_or_else(|| {
        "no kubectl 1.37; build it with `tests/cluster/build kubernetes`, or name one with TODO_AGENT_KUBECTL"
            .to_owned()
    })
}
