//! A place to run the program that knows nothing of the person who runs the tests: own home, own state, an
//! empty environment, a fixed width, no colour, no kubeconfig, no terminal.
//!
//! Every run on a sandbox is logged, and when the environment is dropped the log is compared with the
//! journal, and every recorded session is replayed: no test can forget that.

use std::{
    cell::RefCell,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{Output, evidence, replays, secrets};

/// How long a test waits for a record that must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A person's surroundings, made for one test.
pub(crate) struct TestEnvironment {
    folder: TempDir,
    variables: RefCell<Vec<(String, String)>>,
}

impl TestEnvironment {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("it-").tempdir().unwrap();
        for name in ["home", "work", "bin"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let environment = Self { folder, variables: RefCell::default() };
        let home = environment.path("home").display().to_string();
        let below = |name: &str| environment.path(name).display().to_string();
        let system = "/usr/local/bin:/usr/bin:/bin";
        for (name, value) in [
            ("HOME", home),
            ("XDG_CONFIG_HOME", below("home/.config")),
            ("XDG_STATE_HOME", below("home/.local/state")),
            ("XDG_CACHE_HOME", below("home/.cache")),
            ("TODO_AGENT_STATE", below("state")),
            ("PATH", format!("{}:{system}", below("bin"))),
            ("COLUMNS", "100".to_owned()),
            ("NO_COLOR", "1".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "xterm".to_owned()),
        ] {
            environment.set(name, &value);
        }
        environment
    }

    /// Returns an environment in which the model at this base URL is configured.
    pub(crate) fn with_model(base_url: &str) -> Self {
        let environment = Self::new();
        environment.set("TODO_AGENT_BASE_URL", base_url);
        environment.set("TODO_AGENT_MODEL", "fake");
        environment
    }

    /// Returns a path below this environment's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets an environment variable for the runs that follow.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let mut variables = self.variables.borrow_mut();
        variables.retain(|(other, _)| other != name);
        variables.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file below this environment's folder and returns its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes a program that is found on `PATH`.
    pub(crate) fn program(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.write(&format!("bin/{name}"), script);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes the kubeconfig that is used where none is named.
    pub(crate) fn kubeconfig(&self, content: &str) -> PathBuf {
        self.write("home/.kube/config", content)
    }

    /// Writes the person's policy.
    pub(crate) fn policy(&self, content: &str) {
        self.write("home/.config/todo-agent/policy.toml", content);
    }

    /// Returns where the program keeps its files.
    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// Returns the log of what sandboxes in the program were asked.
    pub(crate) fn request_log(&self) -> PathBuf {
        self.path("requests.jsonl")
    }

    /// Returns the requests to sandboxes so far.
    pub(crate) fn requests(&self) -> Vec<Value> {
        evidence::lines(&self.request_log())
    }

    /// Returns every journal record, in the order of each journal.
    pub(crate) fn journal(&self) -> Vec<Value> {
        evidence::journals(&self.state()).into_iter().flatten().collect()
    }

    /// Returns what the journal records, without times and ids: `approved`, `sending 1`, `answered 1`, … A request
    /// that was refused because a controller had just written the object's status is left out: it is sent again, and
    /// how often that happens is chance. After one that got no answer it stays: that is no chance, but sent twice.
    pub(crate) fn journal_words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for record in self.journal() {
            let word = record["record"].as_str().unwrap();
            let is_unanswered = |word: &String| word.starts_with("sending");
            let was_outdated = word == "answered" && record["status"] == 409;
            if was_outdated && !words.iter().rev().nth(1).is_some_and(is_unanswered) {
                words.pop();
                continue;
            }
            words.push(record["n"].as_u64().map_or_else(|| word.to_owned(), |n| format!("{word} {n}")));
        }
        words
    }

    /// Returns the text of all recorded sessions.
    pub(crate) fn sessions(&self) -> String {
        let Ok(files) = fs::read_dir(self.state().join("sessions")) else { return String::new() };
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }

    /// Waits until the journal has a record of this kind.
    #[track_caller]
    pub(crate) fn wait_for_record(&self, word: &str) {
        let start = Instant::now();
        while !evidence::complete_lines(&self.state()).iter().any(|record| record["record"] == word) {
            assert!(start.elapsed() < PATIENCE, "no record {word:?} came");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs the program without input.
    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Output {
        self.output(self.command(arguments).stdin(Stdio::null()))
    }

    /// Runs the program with something piped in.
    pub(crate) fn run_with_input<'a>(&self, arguments: impl IntoIterator<Item = &'a str>, input: &[u8]) -> Output {
        let mut child = spawn(self.command(arguments).stdin(Stdio::piped()));
        let mut pipe = child.stdin.take().unwrap();
        let input = input.to_owned();
        // The program may end before it has read everything, which is its right.
        let writing = std::thread::spawn(move || drop(pipe.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writing.join().unwrap();
        self.shown(&output)
    }

    /// Runs a command of this environment to its end.
    pub(crate) fn output(&self, command: &mut Command) -> Output {
        self.shown(&spawn(command).wait_with_output().unwrap())
    }

    /// Returns the program's command line, ready to be changed and run.
    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let program = env!("CARGO_BIN_EXE_todo-agent");
        let mut command = without_terminal(program);
        self.prepare(&mut command, arguments);
        command
    }

    /// Returns the program's command line for a run that gets a terminal of its own.
    pub(crate) fn command_at_terminal<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_todo-agent"));
        self.prepare(&mut command, arguments);
        command
    }

    fn prepare<'a>(&self, command: &mut Command, arguments: impl IntoIterator<Item = &'a str>) {
        let arguments: Vec<&str> = arguments.into_iter().collect();
        command.env_clear().envs(self.variables.borrow().iter().cloned()).current_dir(self.path("work"));
        if arguments.iter().any(|word| *word == "--sandbox" || word.starts_with("--sandbox=")) {
            command.arg("--sandbox-log").arg(self.request_log());
        }
        command.args(arguments);
    }

    /// Returns an output with this environment's paths made plain.
    pub(crate) fn shown(&self, output: &std::process::Output) -> Output {
        Output::of(output, self.replaced())
    }

    pub(crate) fn replaced(&self) -> Vec<(String, String)> {
        let worlds = format!("{}/tests/worlds", env!("CARGO_MANIFEST_DIR"));
        vec![(self.folder.path().display().to_string(), "[env]".to_owned()), (worlds, "[worlds]".to_owned())]
    }
}

/// Starts a command with both streams piped.
pub(crate) fn spawn(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Returns the `--sandbox` flag for a world of these tests.
pub(crate) fn world(name: &str) -> String {
    format!("--sandbox={}", world_file(name))
}

/// Returns the path of a world of these tests.
pub(crate) fn world_file(name: &str) -> String {
    format!("{}/tests/worlds/{name}.yaml", env!("CARGO_MANIFEST_DIR"))
}

/// Returns a command that has no controlling terminal, also when the tests are run from one.
fn without_terminal(program: &str) -> Command {
    let session = Path::new("/usr/bin/setsid");
    if fs::File::open("/dev/tty").is_err() || !session.exists() {
        return Command::new(program);
    }
    let mut command = Command::new(session);
    command.arg(program);
    command
}

impl Drop for TestEnvironment {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            evidence::check(&self.request_log(), &[self.state()], evidence::Clock::Shared);
            secrets::check(&self.state());
            replays::check(&self.state());
        }
    }
}
