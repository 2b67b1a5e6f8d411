//! What one sentence on the sandbox costs from start to end: wall time, the most memory, and the file.
//!
//! Simulated waiting takes no time, so this is the program's own work: starting a cluster, previewing,
//! approving, executing, verifying, and everything that is synced to disk before a request is sent.

mod support;

use std::{
    fs,
    process::{ExitCode, Stdio},
};

use support::{Bar, Failure, Home, PROGRAM, Report, Sample, in_megabytes, milliseconds, peak_of, peak_run, timed};

/// How often each sentence is said in the same home.
const ROUNDS: usize = 30;

/// A sentence and what its answer must contain, so that a failure is never taken for speed.
const SENTENCES: &[(&[&str], &str)] = &[
    (&["--sandbox", "scale backend to 3", "--yes"], "3 of 3 replicas available"),
    (&["--sandbox", "list pods"], "backend-"),
    (&["--sandbox", "describe backend"], "backend"),
];

fn main() -> Result<ExitCode, Failure> {
    if let Some(exit) = peak_run() {
        return exit;
    }
    let mut report = Report::default();
    for (arguments, expected) in SENTENCES {
        measure(arguments, expected, &mut report)?;
    }
    let size = fs::metadata(PROGRAM)?.len();
    report.judged("size of the program", in_megabytes(size), "MB", Bar::MustBeAtMost(25.0));
    Ok(report.finish()?)
}

fn measure(arguments: &[&str], expected: &str, report: &mut Report) -> Result<(), Failure> {
    let sentence = arguments.iter().find(|word| word.contains(' ')).copied().unwrap_or_default();
    let home = Home::new()?;
    let run = || -> Result<_, Failure> {
        let mut command = home.command(PROGRAM, arguments);
        let (time, output) = timed(|| command.stdout(Stdio::piped()).stderr(Stdio::piped()).output());
        let output = output?;
        if !output.status.success() || !String::from_utf8_lossy(&output.stdout).contains(expected) {
            return Err(format!("{sentence:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(time)
    };
    let first = run()?;
    let mut later = Sample::default();
    for _ in 0..ROUNDS {
        later.add(run()?);
    }
    let about = |what: &str| format!("{sentence}: {what}");
    report.noted(&about("first time in a home"), milliseconds(first), "ms");
    report.judged(&about("wall time, median"), later.median(), "ms", Bar::AimAtMost(150.0));
    report.noted(&about("wall time, shortest"), later.shortest(), "ms");
    report.noted(&about("wall time, longest"), later.longest(), "ms");
    report.judged(&about("most memory"), peak_of(&home, PROGRAM, arguments)?, "MB", Bar::AimAtMost(30.0));
    Ok(())
}
