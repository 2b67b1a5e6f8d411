//! A simulated cluster in a process of its own, as `todo-agent sandbox serve` keeps one: several runs of the
//! program, and others, can work on it.
//!
//! It is ended by its own process id when dropped, and what it was asked is then compared with the journals
//! of everybody who used the program on it.

use std::{
    cell::RefCell,
    fs,
    path::PathBuf,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::{TestEnvironment, evidence, http::Access};

/// How long the server may take to be there; a loaded machine is slow, a broken server never comes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A served sandbox.
pub(crate) struct Served {
    process: Child,
    pub(crate) access: Access,
    kubeconfig: PathBuf,
    log: PathBuf,
    states: RefCell<Vec<PathBuf>>,
}

impl Served {
    /// Serves a world; time in it passes as fast as outside.
    pub(crate) fn world(environment: &TestEnvironment, world: &str) -> Self {
        Self::at_speed(environment, world, 1.0)
    }

    /// Serves a world whose time passes this many times faster, and makes it the environment's cluster.
    pub(crate) fn at_speed(environment: &TestEnvironment, world: &str, speed: f64) -> Self {
        let kubeconfig = environment.path("served.yaml");
        let log = environment.path("served.jsonl");
        let speed = speed.to_string();
        let arguments = ["sandbox", "serve", "--world", world, "--port", "0", "--speed", &speed];
        let mut command = environment.command(arguments);
        command.arg("--write-kubeconfig").arg(&kubeconfig).arg("--sandbox-log").arg(&log);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while !kubeconfig.exists() {
            if process.try_wait().unwrap().is_some() {
                let output = process.wait_with_output().unwrap();
                panic!("the sandbox is not served: {}", String::from_utf8_lossy(&output.stderr));
            }
            assert!(start.elapsed() < PATIENCE, "the sandbox is not there after {PATIENCE:?}");
            thread::sleep(Duration::from_millis(10));
        }
        let access = Access::of(&fs::read_to_string(&kubeconfig).unwrap());
        let served = Self { process, access, kubeconfig, log, states: RefCell::default() };
        served.used_by(environment);
        served
    }

    /// Makes this the cluster of another environment.
    pub(crate) fn used_by(&self, environment: &TestEnvironment) {
        environment.set("KUBECONFIG", &self.kubeconfig.display().to_string());
        self.states.borrow_mut().push(environment.state());
    }

    /// Returns the requests so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        evidence::lines(&self.log)
    }

    /// Returns the writes so far that the program sent.
    pub(crate) fn writes(&self) -> Vec<Value> {
        let ours =
            |request: &Value| request["userAgent"].as_str().is_some_and(|agent| agent.starts_with("todo-agent/"));
        self.requests().into_iter().filter(|request| evidence::is_write(request) && ours(request)).collect()
    }

    /// Returns a Deployment in namespace `todo`.
    pub(crate) fn deployment(&self, name: &str) -> Value {
        let (code, object) = self.access.request("GET", &deployment(name), None);
        assert_eq!(code, 200, "{object}");
        object
    }

    /// Returns any object.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (code, object) = self.access.request("GET", path, None);
        assert_eq!(code, 200, "{object}");
        object
    }

    /// Returns the status with which an object is answered: 200, or 404 where there is none.
    pub(crate) fn status(&self, path: &str) -> u16 {
        self.access.request("GET", path, None).0
    }

    /// Waits until so many replicas of a deployment are available.
    pub(crate) fn await_available(&self, name: &str, replicas: u64) {
        let until = Instant::now() + PATIENCE;
        while self.deployment(name)["status"]["availableReplicas"] != replicas {
            assert!(Instant::now() < until, "{name} does not get {replicas} available replicas");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns how many replicas a Deployment in namespace `todo` is to have.
    pub(crate) fn replicas(&self, name: &str) -> u64 {
        self.deployment(name)["spec"]["replicas"].as_u64().unwrap()
    }

    /// Changes a Deployment in namespace `todo` behind the program's back.
    pub(crate) fn patch(&self, name: &str, change: &Value) {
        self.patch_at(&deployment(name), change);
    }

    /// Changes any object behind the program's back, with a merge patch.
    pub(crate) fn patch_at(&self, path: &str, change: &Value) {
        let (code, answer) = self.access.request("PATCH", path, Some(("application/merge-patch+json", change)));
        assert_eq!(code, 200, "{answer}");
    }

    /// Scales a Deployment in namespace `todo` behind the program's back.
    pub(crate) fn scale(&self, name: &str, replicas: u64) {
        self.patch(name, &json!({"spec": {"replicas": replicas}}));
    }
}

impl Served {
    /// Deletes a Deployment in namespace `todo` and makes it again as it was.
    pub(crate) fn make_anew(&self, name: &str) {
        let mut object = self.deployment(name);
        let path = deployment(name);
        let background = json!({"propagationPolicy": "Background"});
        let (code, answer) = self.access.request("DELETE", &path, Some(("application/json", &background)));
        assert_eq!(code, 200, "{answer}");
        for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
            object["metadata"].as_object_mut().unwrap().remove(field);
        }
        let folder = path.rsplit_once('/').unwrap().0;
        let (code, answer) = self.access.request("POST", folder, Some(("application/json", &object)));
        assert_eq!(code, 201, "{answer}");
    }
}

fn deployment(name: &str) -> String {
    format!("/apis/apps/v1/namespaces/todo/deployments/{name}")
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(process) = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(process, Signal::TERM);
        }
        let _ = self.process.wait();
        if !thread::panicking() {
            evidence::check(&self.log, &self.states.borrow(), evidence::Clock::Own);
        }
    }
}
