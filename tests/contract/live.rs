//! A real API server as a target, through curl: no Kubernetes client that could smooth over anything.
//!
//! Reads the current context of a kubeconfig with a token or a client certificate. Never changes anything
//! outside the namespaces that it makes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use serde_json::Value;
use tempfile::TempDir;

use super::answer::{Answer, Answers, Request};
use super::case::{Case, Suite};
use super::run::{self, Target};

/// A server, and how it is reached.
pub(crate) struct Server {
    url: String,
    /// Options for curl that hold credentials; they go through its standard input.
    options: Vec<String>,
    _files: TempDir,
    /// What the server says its version is.
    pub(crate) version: String,
}

/// How many cases run side by side: they mostly wait for the cluster.
const SIDE_BY_SIDE: usize = 6;

/// Runs every case and returns the answers by the case's name.
pub(crate) fn run_all(server: &Server, suite: &Suite) -> BTreeMap<String, Answers> {
    let cases: Vec<&Case> = suite.behaviours.iter().flat_map(|behaviour| &behaviour.cases).collect();
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = runtime.block_on(run(server, case));
                    answers.lock().unwrap().insert(case.name.clone(), found);
                }
            });
        }
    });
    answers.into_inner().unwrap()
}

/// Runs a case in a new namespace of the server.
pub(crate) async fn run(server: &Server, case: &Case) -> Answers {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let namespace = format!("contract-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    run::case(server, case, &namespace).await
}

impl Server {
    /// Opens the current context of a kubeconfig.
    pub(crate) fn open(path: &Path) -> Self {
        let config: Value = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let named = |list: &str, name: &Value| -> Value {
            config[list].as_array().unwrap().iter().find(|it| it["name"] == *name).cloned().unwrap_or_default()
        };
        let context = named("contexts", &config["current-context"])["context"].clone();
        let cluster = named("clusters", &context["cluster"])["cluster"].clone();
        let user = named("users", &context["user"])["user"].clone();
        let files = TempDir::new().unwrap();
        let mut options = Vec::new();
        for (from, field, option) in [
            (&cluster, "certificate-authority", "cacert"),
            (&user, "client-certificate", "cert"),
            (&user, "client-key", "key"),
        ] {
            if let Some(data) = from[format!("{field}-data")].as_str() {
                let file = files.path().join(option);
                std::fs::write(&file, base64::prelude::BASE64_STANDARD.decode(data).unwrap()).unwrap();
                options.push(format!("{option} = \"{}\"", file.display()));
            } else if let Some(file) = from[field].as_str() {
                options.push(format!("{option} = \"{file}\""));
            }
        }
        if let Some(token) = user["token"].as_str() {
            options.push(format!("header = \"authorization: Bearer {token}\""));
        }
        let url = cluster["server"].as_str().unwrap().trim_end_matches('/').to_owned();
        let mut server = Self { url, options, _files: files, version: String::new() };
        let request = Request { method: "GET", path: "/version".into(), headers: Vec::new(), body: String::new() };
        let version = server.ask(&request).body["gitVersion"].as_str().unwrap().to_owned();
        server.version = version;
        server
    }

    fn ask(&self, request: &Request) -> Answer {
        let quoted =
            |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
        let mut options = self.options.clone();
        options.push(format!("url = {}", quoted(&format!("{}{}", self.url, request.path))));
        options.push(if request.method == "HEAD" {
            "head".to_owned()
        } else {
            format!("request = {}", request.method)
        });
        for (name, value) in &request.headers {
            options.push(format!("header = {}", quoted(&format!("{name}: {value}"))));
        }
        if !request.body.is_empty() {
            options.push(format!("data-binary = {}", quoted(&request.body)));
        }
        // A server that is just being restarted has not seen the request: codes 7 and 35 of curl.
        let mut output = curl(&options);
        for _ in 0..60 {
            if !matches!(output.status.code(), Some(7 | 35)) {
                break;
            }
            std::thread::sleep(Duration::from_secs(1));
            output = curl(&options);
        }
        assert!(output.status.success(), "curl: {}", output.status);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let code = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, &str)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .collect();
        let values = |wanted: &str| -> Vec<String> {
            headers.iter().filter(|(name, _)| name == wanted).map(|(_, value)| (*value).to_owned()).collect()
        };
        Answer::read(request, code, values("content-type").concat(), values("warning"), body)
    }
}

fn curl(options: &[String]) -> std::process::Output {
    let mut curl = std::process::Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--globoff", "--noproxy", "*", "--http1.1", "--config", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(options.join("\n").as_bytes()).unwrap();
    curl.wait_with_output().unwrap()
}

impl Target for Server {
    async fn send(&self, request: &Request) -> Answer {
        self.ask(request)
    }

    async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
