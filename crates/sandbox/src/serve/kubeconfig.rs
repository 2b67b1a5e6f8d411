//! The kubeconfig of a served sandbox: one context per user, the world's namespace pinned, the
//! administrator's context current. It holds tokens, so only its owner may read it.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use serde_json::{Value, json};

use crate::simulation::Sandbox;

/// The name of the cluster and of the administrator's context.
const CLUSTER: &str = "sandbox";

/// Returns the kubeconfig for a server at `address` whose authority is `authority` (PEM).
pub(super) fn text(sandbox: &Sandbox, address: SocketAddr, authority: &str) -> String {
    let namespace = sandbox.namespace();
    let named: Vec<(String, crate::simulation::User)> = sandbox
        .users()
        .into_iter()
        .enumerate()
        .map(|(index, user)| {
            let name = if index == 0 { CLUSTER.to_owned() } else { format!("{CLUSTER}-{}", user.name) };
            (name, user)
        })
        .collect();
    let users: Vec<Value> =
        named.iter().map(|(name, user)| json!({"name": name, "user": {"token": user.token}})).collect();
    let contexts: Vec<Value> = named
        .iter()
        .map(|(name, _)| json!({"name": name, "context": {"cluster": CLUSTER, "user": name, "namespace": namespace}}))
        .collect();
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": CLUSTER,
            "cluster": {
                "server": format!("https://{address}"),
                "certificate-authority-data": base64::prelude::BASE64_STANDARD.encode(authority),
            },
        }],
        "users": users,
        "contexts": contexts,
        "current-context": CLUSTER,
    });
    // The certificate on one line, as every other kubeconfig has it.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    // JSON is YAML too, should the writer ever refuse.
    serde_saphyr::to_string_with_options(&kubeconfig, options).unwrap_or_else(|_| kubeconfig.to_string())
}

/// Writes the file beside its place and moves it there, so that nobody ever reads half of it.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let draft = path.with_file_name(format!(".{}.{}.tmp", name.to_string_lossy(), std::process::id()));
    let written = create_private(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let moved = written.and_then(|()| std::fs::rename(&draft, path));
    if moved.is_err() {
        // The first error is the one to tell.
        let _removed = std::fs::remove_file(&draft);
    }
    moved
}

fn create_private(path: &Path) -> io::Result<std::fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
