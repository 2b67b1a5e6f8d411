//! Runs the commands of a case against one cluster, in a namespace of its own that is removed again.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use regex::Regex;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::case::{By, Case, Connect, Step, Then};
use super::program::Programs;

/// How long a state may take to come.
const PATIENCE: Duration = Duration::from_mins(2);

/// The programs, and the cluster that they talk to.
pub(crate) struct Cluster {
    programs: Programs,
    kubeconfig: PathBuf,
    home: PathBuf,
}

/// A namespace that was created; it goes with this, also when a case ends early.
struct Namespace<'a> {
    cluster: &'a Cluster,
    name: &'a str,
}

impl Drop for Namespace<'_> {
    fn drop(&mut self) {
        let words = ["delete", "namespace", self.name, "--wait=false"].map(str::to_owned);
        let output = finish(self.cluster.start(self.name, &words), "");
        // A second panic would hide the first one.
        assert!(thread::panicking() || output.code == Some(0), "{}: {}", words.join(" "), output.stderr);
    }
}

/// What one command said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Output {
    pub(crate) command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// What the commands of a case said, and the namespace that they ran in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outputs {
    pub(crate) namespace: String,
    pub(crate) outputs: Vec<Output>,
}

impl Cluster {
    pub(crate) fn new(programs: &Programs, kubeconfig: &Path, home: &Path) -> Self {
        std::fs::create_dir_all(home).unwrap();
        Self { programs: programs.clone(), kubeconfig: kubeconfig.to_owned(), home: home.to_owned() }
    }

    /// Runs a case.
    pub(crate) fn run(&self, case: &Case) -> Outputs {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let namespace = format!("kubectl-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let prepare = |words: &str, input: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            let output = finish(self.start(&namespace, &words), input);
            assert_eq!(output.code, Some(0), "{}: {}", words.join(" "), output.stderr);
        };
        prepare(&format!("create namespace {namespace}"), "");
        let created = Namespace { cluster: self, name: &namespace };
        // Nothing can run before the namespace's controllers have done their part.
        for given in ["serviceaccount/default", "configmap/kube-root-ca.crt"] {
            prepare(&format!("wait --for=create {given} --timeout=30s"), "");
        }
        if !case.given.is_empty() {
            prepare("create -f -", &manifests(case, &case.given, &namespace));
        }
        let mut outputs = Vec::new();
        for step in &case.steps {
            let output = self.step(case, step, &namespace);
            if !step.unseen {
                outputs.push(output);
            }
        }
        drop(created);
        Outputs { namespace, outputs }
    }

    fn step(&self, case: &Case, step: &Step, namespace: &str) -> Output {
        let words = step.run.fill(namespace);
        let input = manifests(case, &step.input, namespace);
        let until = step.until.as_ref().map(|pattern| Regex::new(pattern).unwrap());
        let start = Instant::now();
        loop {
            let child = self.edit(step.by, namespace, &words, step.editor.as_deref().unwrap_or("true"));
            let other = step.meanwhile.as_ref().map(|words| {
                thread::sleep(Duration::from_secs(1));
                self.start(namespace, &words.fill(namespace))
            });
            let finished = match &step.connect {
                Some(connect) => connected(child, connect),
                None => finish(child, &input),
            };
            let output = Output { command: words.join(" "), ..finished };
            if let Some(other) = other {
                finish(other, "");
            }
            let Some(until) = until.as_ref().filter(|until| !until.is_match(&output.stdout)) else { return output };
            if start.elapsed() > PATIENCE {
                // Of a step that is seen, the output shows the other state, and the comparison tells.
                assert!(!step.unseen, "{}: `{}` never came to {until}:\n{}", case.name, output.command, output.stdout);
                return output;
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    fn start(&self, namespace: &str, words: &[String]) -> Child {
        self.edit(By::Kubectl, namespace, words, "true")
    }

    /// Starts a program with an editor, and with the programs that it asks for differences, in the tests' folder.
    fn edit(&self, by: By, namespace: &str, words: &[String], editor: &str) -> Child {
        let program = match by {
            By::Client => &self.programs.client,
            By::Kubectl => &self.programs.kubectl,
        };
        let mut command = Command::new(program);
        command.current_dir(&self.programs.folder);
        command.env_clear().env("HOME", &self.home).env("TZ", "UTC").env("LANG", "C.UTF-8");
        command.env("PATH", "/usr/bin:/bin").env("KUBE_EDITOR", editor);
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(["--namespace", namespace]).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

/// Speaks to the port that a command forwards; the answer follows what the command prints.
fn connected(mut child: Child, connect: &Connect) -> Output {
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut printed = String::new();
    let port: u16 = loop {
        let begin = printed.len();
        if stdout.read_line(&mut printed).unwrap() == 0 {
            // It ends before it forwards anything, and says why.
            return Output { stdout: printed, ..finish(child, "") };
        }
        let local = printed[begin..].strip_prefix("Forwarding from 127.0.0.1:").and_then(|it| it.split(' ').next());
        if let Some(local) = local {
            break local.parse().unwrap();
        }
    };
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut answer = String::new();
    // Where nobody listens at the other end, it may be over at any of these.
    let _over = connection
        .write_all(connect.say.as_bytes())
        .and_then(|()| connection.shutdown(Shutdown::Write))
        .and_then(|()| connection.read_to_string(&mut answer));
    if connect.then == Then::Stays {
        let process = Pid::from_child(&child);
        kill_process(process, Signal::INT).unwrap();
    }
    stdout.read_to_string(&mut printed).unwrap();
    Output { stdout: format!("{printed}answer: {answer}"), ..finish(child, "") }
}

fn finish(mut child: Child, input: &str) -> Output {
    // A command that reads nothing may be over before this.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Output {
        command: String::new(),
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Returns manifests as one file of several documents: for a `List`, kubectl wants the schemas of OpenAPI v2.
fn manifests(case: &Case, names: &[String], namespace: &str) -> String {
    let document = |name: &String| {
        let object = case.manifests.get(name).unwrap_or_else(|| panic!("{}: no manifest {name}", case.name));
        format!("---\n{object}\n").replace("${ns}", namespace)
    };
    names.iter().map(document).collect()
}
