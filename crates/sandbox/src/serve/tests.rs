//! The loopback server as a client meets it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::*;
use crate::simulation::Options;
use crate::world::World;

struct Served {
    config: Value,
    kubeconfig: PathBuf,
    sandbox: Sandbox,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<Result<(), ServeError>>,
}

async fn served(name: &str, speed: f64) -> Served {
    let sandbox = Sandbox::start(World::builtin("todo").unwrap(), Options::default()).unwrap();
    let kubeconfig = std::env::temp_dir().join(format!("sandbox-{}-{name}.yaml", std::process::id()));
    let options = ServeOptions { port: 0, speed, log: None, kubeconfig: kubeconfig.clone() };
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(serve(sandbox.clone(), options, async move {
        let _ended = stopped.await;
    }));
    while !kubeconfig.exists() {
        tokio::task::yield_now().await;
    }
    let config = serde_saphyr::from_str(&std::fs::read_to_string(&kubeconfig).unwrap()).unwrap();
    Served { config, kubeconfig, sandbox, stop, task }
}

impl Served {
    async fn connect(&self) -> TlsStream<TcpStream> {
        use base64::Engine as _;
        let cluster = &self.config["clusters"][0]["cluster"];
        let authority = cluster["certificate-authority-data"].as_str().unwrap();
        let authority = base64::prelude::BASE64_STANDARD.decode(authority).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&authority).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let address = cluster["server"].as_str().unwrap().strip_prefix("https://").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    async fn request(&self, path: &str, token: &str) -> String {
        let mut stream = self.connect().await;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // Some peers end without a closing alert; what has arrived counts.
        let _read = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn token(&self, index: usize) -> String {
        self.config["users"][index]["user"]["token"].as_str().unwrap().to_owned()
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        tokio::time::timeout(Duration::from_secs(5), self.task).await.unwrap().unwrap().unwrap();
        std::fs::remove_file(&self.kubeconfig).unwrap();
    }
}

#[tokio::test]
async fn the_kubeconfig_leads_to_the_server_and_its_users() {
    let served = served("users", 1.0).await;
    assert_eq!(served.config["current-context"], "sandbox");
    assert_eq!(served.config["contexts"][1]["name"], "sandbox-viewer");
    assert_eq!(served.config["contexts"][0]["context"]["namespace"], "todo");
    let secrets = "/api/v1/namespaces/todo/secrets";
    assert!(served.request(secrets, &served.token(0)).await.starts_with("HTTP/1.1 200"));
    assert!(served.request(secrets, &served.token(1)).await.starts_with("HTTP/1.1 403"));
    assert!(served.request(secrets, "guessed").await.starts_with("HTTP/1.1 401"));
    served.end().await;
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_kubeconfig() {
    use std::os::unix::fs::PermissionsExt as _;
    let served = served("mode", 1.0).await;
    assert_eq!(std::fs::metadata(&served.kubeconfig).unwrap().permissions().mode() & 0o777, 0o600);
    served.end().await;
}

#[tokio::test]
async fn an_open_watch_does_not_hold_up_the_end() {
    let served = served("watch", 1.0).await;
    let mut stream = served.connect().await;
    let request = format!(
        "GET /api/v1/namespaces/todo/pods?watch=true HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer {}\r\n\r\n",
        served.token(0)
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 64];
    assert!(stream.read(&mut first).await.unwrap() > 0);
    served.end().await;
}

#[tokio::test]
async fn simulated_time_follows_the_wall_clock() {
    let served = served("time", 1000.0).await;
    let start = served.sandbox.now();
    let clock = served.sandbox.clock();
    todo_agent_core::clock::Clock::sleep(&clock, Duration::from_secs(20)).await;
    assert!(served.sandbox.now() >= crate::durations::after(start, Duration::from_secs(20)));
    served.end().await;
}

#[tokio::test]
async fn an_unwritable_kubeconfig_is_an_error_with_its_path() {
    let sandbox = Sandbox::start(World::builtin("empty").unwrap(), Options::default()).unwrap();
    let kubeconfig = PathBuf::from("/nowhere/at/all.yaml");
    let options = ServeOptions { port: 0, speed: 1.0, log: None, kubeconfig };
    let error = serve(sandbox, options, std::future::pending()).await.unwrap_err().to_string();
    assert!(error.starts_with("cannot write the kubeconfig /nowhere/at/all.yaml: "), "{error}");
}
