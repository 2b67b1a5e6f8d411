//! The real cluster both programs work on, and what the benchmark makes there: namespaces of its own, filled
//! with kubectl, removed when this value goes.

use std::{
    env,
    io::Write,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{Failure, Home, on_path};

/// How often the cluster is asked whether it has settled.
const POLL: Duration = Duration::from_millis(200);
const FAKE_NODES: usize = 50;

pub(crate) struct TestCluster {
    pub(crate) home: Home,
    kubeconfig: String,
    kubectl: PathBuf,
    namespaces: Vec<String>,
    /// The script that makes fake nodes, where it made them for this run.
    made_nodes: Option<PathBuf>,
}

/// Where pods are to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pods {
    /// On a real node, in containers.
    Real,
    /// On fake nodes, where they only pretend.
    Fake,
}

/// Whether there is a cluster to measure on.
pub(crate) enum Found {
    Cluster(Box<TestCluster>),
    NotAskedFor,
}

impl TestCluster {
    pub(crate) fn from_environment() -> Result<Found, Failure> {
        let kubeconfig = env::var("TODO_AGENT_TEST_KUBECONFIG").ok();
        let kubectl = env::var_os("TODO_AGENT_KUBECTL").map(PathBuf::from);
        let Some(kubeconfig) = kubeconfig else {
            return if kubectl.is_none() {
                Ok(Found::NotAskedFor)
            } else {
                Err("TODO_AGENT_TEST_KUBECONFIG is not set; tests/cluster/up starts a cluster and prints it".into())
            };
        };
        let kubectl = kubectl.or_else(|| on_path("kubectl")).ok_or(
            "kubectl is not on PATH; name one with TODO_AGENT_KUBECTL, tests/cluster/build kubernetes builds one",
        )?;
        if !Path::new(&kubeconfig).is_file() {
            return Err(format!("there is no {kubeconfig}; tests/cluster/up starts a cluster").into());
        }
        let cluster = Self { home: Home::new()?, kubeconfig, kubectl, namespaces: Vec::new(), made_nodes: None };
        cluster.kubectl(&["get", "--raw", "/readyz"])?;
        Ok(Found::Cluster(Box::new(cluster)))
    }

    /// Returns the program's arguments that name this cluster.
    pub(crate) fn named<'a>(&'a self, arguments: &[&'a str]) -> Vec<String> {
        ["--kubeconfig", &self.kubeconfig].iter().chain(arguments).map(ToString::to_string).collect()
    }

    pub(crate) fn kubectl_program(&self) -> String {
        self.kubectl.display().to_string()
    }

    /// Runs kubectl and returns what it prints.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Result<String, Failure> {
        self.run(arguments, None)
    }

    fn run(&self, arguments: &[&str], input: Option<&Value>) -> Result<String, Failure> {
        let mut command: Command = self.home.command(&self.kubectl, &[]);
        command.args(self.named(arguments)).stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::piped());
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().ok_or("no input")?;
        if let Some(input) = input {
            stdin.write_all(input.to_string().as_bytes())?;
        }
        drop(stdin);
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("kubectl {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()).into())
    }

    /// Makes a namespace of this run's own.
    pub(crate) fn namespace(&mut self, purpose: &str) -> Result<String, Failure> {
        let name = format!("side-by-side-{purpose}-{}", process::id());
        self.kubectl(&["create", "namespace", &name])?;
        self.namespaces.push(name.clone());
        Ok(name)
    }

    /// Sees to it that there are fake nodes.
    pub(crate) fn need_fake_nodes(&mut self) -> Result<(), Failure> {
        if self.made_nodes.is_some()
            || self.kubectl(&["get", "nodes", "-l", "type=kwok", "-o", "name"])?.lines().count() >= FAKE_NODES
        {
            return Ok(());
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/fake-nodes");
        // The script starts the fake kubelet, too, which needs the environment of whoever started the cluster.
        if !Command::new(&script).arg(FAKE_NODES.to_string()).stdout(Stdio::null()).status()?.success() {
            return Err("tests/cluster/fake-nodes failed; fake nodes need the test cluster of this folder".into());
        }
        self.made_nodes = Some(script);
        Ok(())
    }

    /// Makes a Deployment.
    pub(crate) fn deployment(&self, namespace: &str, name: &str, replicas: usize, pods: Pods) -> Result<(), Failure> {
        self.run(&["apply", "-n", namespace, "-f", "-"], Some(&manifest(name, replicas, pods)))?;
        Ok(())
    }

    /// Scales a Deployment and waits until exactly these pods are there, ready, and no others.
    pub(crate) fn settle(&self, namespace: &str, name: &str, replicas: usize) -> Result<(), Failure> {
        let target = format!("deployment/{name}");
        self.kubectl(&["scale", &target, "-n", namespace, &format!("--replicas={replicas}")])?;
        let selector = format!("app={name}");
        let ready = "jsonpath={range .items[*]}{.status.conditions[?(@.type==\"Ready\")].status}{\"\\n\"}{end}";
        wait(&format!("{replicas} pods of {name}"), Duration::from_secs(90), || {
            let pods = self.kubectl(&["get", "pods", "-n", namespace, "-l", &selector, "-o", ready])?;
            let lines: Vec<&str> = pods.lines().collect();
            Ok(lines.len() == replicas && lines.iter().all(|line| *line == "True"))
        })?;
        self.kubectl(&["rollout", "status", &target, "-n", namespace, "--timeout=60s"])?;
        Ok(())
    }

    /// Waits until a namespace holds this many running pods.
    pub(crate) fn wait_for_pods(&self, namespace: &str, count: usize) -> Result<(), Failure> {
        wait(&format!("{count} pods"), Duration::from_mins(8), || {
            let fields = "--field-selector=status.phase=Running";
            let pods = self.kubectl(&["get", "pods", "-n", namespace, fields, "-o", "name", "--chunk-size=0"])?;
            Ok(pods.lines().count() >= count)
        })
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        for namespace in &self.namespaces {
            if let Err(error) = self.kubectl(&["delete", "namespace", namespace, "--timeout=8m"]) {
                let _ = writeln!(std::io::stderr(), "{error}");
            }
        }
        if let Some(script) = &self.made_nodes {
            let _ = Command::new(script).arg("0").stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

fn wait(what: &str, patience: Duration, mut there: impl FnMut() -> Result<bool, Failure>) -> Result<(), Failure> {
    let until = Instant::now() + patience;
    while !there()? {
        if Instant::now() > until {
            return Err(format!("{what}: not there after {patience:?}").into());
        }
        thread::sleep(POLL);
    }
    Ok(())
}

fn manifest(name: &str, replicas: usize, pods: Pods) -> Value {
    let labels = json!({"app": name});
    let container = match pods {
        // Ready as soon as it listens, and gone as soon as it is told to go.
        Pods::Real => json!({
            "name": "main", "image": "todo-agent.test/workload:1", "imagePullPolicy": "IfNotPresent",
            "readinessProbe": {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 1},
        }),
        Pods::Fake => json!({"name": "main", "image": "fake:1"}),
    };
    let mut spec = json!({"containers": [container], "terminationGracePeriodSeconds": 1});
    if pods == Pods::Fake {
        spec["nodeSelector"] = json!({"type": "kwok"});
        spec["tolerations"] = json!([{"key": "kwok.x-k8s.io/node", "operator": "Exists"}]);
    }
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    })
}
