//! Two ways to the same end, taken in turns: the time of each, its most memory, its requests.
//!
//! Each run starts from the same state and is checked for its result, so that a failure is never taken for
//! speed.

use std::process::Stdio;

use crate::{
    cluster::TestCluster,
    support::{Failure, PROGRAM, Sample, peak_of, timed},
};

/// One program's way: its commands, one after another.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) commands: Vec<Step>,
}

/// One command, and what its answer must hold at least this many times.
pub(crate) struct Step {
    program: String,
    arguments: Vec<String>,
    verbose: &'static str,
    expected: (&'static str, usize),
}

/// What came of one way.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) sample: Sample,
    pub(crate) peak: f64,
    pub(crate) requests: usize,
}

impl Step {
    pub(crate) fn agent(cluster: &TestCluster, arguments: &[&str], expected: (&'static str, usize)) -> Self {
        // With --json, requests are events only at the second degree.
        let verbose = if arguments.contains(&"--json") { "-vv" } else { "-v" };
        Self { program: PROGRAM.to_owned(), arguments: cluster.named(arguments), verbose, expected }
    }

    pub(crate) fn kubectl(cluster: &TestCluster, arguments: &[&str], expected: (&'static str, usize)) -> Self {
        Self { program: cluster.kubectl_program(), arguments: cluster.named(arguments), verbose: "-v=6", expected }
    }

    /// Runs the command and returns all that it wrote.
    fn run(&self, cluster: &TestCluster, more: &[&str]) -> Result<String, Failure> {
        let mut command = cluster.home.command(&self.program, &[]);
        let output = command.args(&self.arguments).args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
        let (answer, aside) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let (text, times) = self.expected;
        let found = answer.matches(text).count();
        if !output.status.success() || found < times {
            let what = self.arguments.join(" ");
            return Err(format!("{what}: {found} times {text:?} in its answer, {times} expected; {aside}").into());
        }
        Ok(format!("{answer}\n{aside}"))
    }
}

/// Takes turns: every round each way once, each time from the state that `prepare` makes.
pub(crate) fn contest<const N: usize>(
    cluster: &TestCluster,
    rounds: usize,
    ways: &[Way; N],
    mut prepare: impl FnMut() -> Result<(), Failure>,
) -> Result<[Figures; N], Failure> {
    let mut figures = [(); N].map(|()| Figures::default());
    // The first round fills caches: discovery of the one, the file cache of both.
    for round in 0..=rounds {
        for (way, figures) in ways.iter().zip(&mut figures) {
            prepare()?;
            let (time, done) = timed(|| way.commands.iter().try_for_each(|step| step.run(cluster, &[]).map(drop)));
            done?;
            if round > 0 {
                figures.sample.add(time);
            }
        }
    }
    for (way, figures) in ways.iter().zip(&mut figures) {
        prepare()?;
        for step in &way.commands {
            let arguments: Vec<&str> = step.arguments.iter().map(String::as_str).collect();
            figures.peak = figures.peak.max(peak_of(&cluster.home, &step.program, &arguments)?);
        }
        prepare()?;
        for step in &way.commands {
            figures.requests += step.run(cluster, &[step.verbose])?.lines().filter(|line| is_request(line)).count();
        }
    }
    Ok(figures)
}

/// Returns whether a line of a verbose run tells of a request: todo-agent's `-v` and its JSON event, or
/// kubectl's `-v=6` (k8s.io/client-go, transport.debuggingRoundTripper).
fn is_request(line: &str) -> bool {
    line.starts_with("request: ")
        || line.contains(r#""event":"request""#)
        || line.contains(r#""Response" verb="#)
        || (line.contains(" milliseconds") && line.contains(" in "))
}
