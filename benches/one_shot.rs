//! What one sentence on the sandbox costs from start to end: wall time, the most memory, and the file.
//!
//! Simulated waiting takes no time, so this is the program's own work: starting a cluster, previewing,
//! approving, executing, verifying, and everything that is synced to disk before a request is sent.

mod support;

use std::{
    env, fs,
    process::{Command, ExitCode, Stdio},
};

use nix::sys::resource::{UsageWho, getrusage};
use support::{Bar, Failure, Home, PROGRAM, Report, Sample, milliseconds, timed};

/// How often each sentence is said in the same home.
const ROUNDS: usize = 30;
/// Makes this benchmark run one command and print the most memory it had, in KiB.
const PEAK_OF: &str = "--peak-of";
/// A megabyte, as bars and `ls` count them.
const MEGABYTE: f64 = 1e6;

/// A sentence and what its answer must contain, so that a failure is never taken for speed.
const SENTENCES: &[(&[&str], &str)] = &[
    (&["--sandbox", "scale backend to 3", "--yes"], "3 of 3 replicas available"),
    (&["--sandbox", "list pods"], "backend-"),
    (&["--sandbox", "describe backend"], "backend"),
];

fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, command @ ..] = arguments.as_slice()
        && first == PEAK_OF
    {
        return print_peak_of(command);
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
    report.judged(&about("most memory"), peak_of(&home, arguments)?, "MB", Bar::AimAtMost(30.0));
    Ok(())
}

/// Returns the most resident memory of one run, in MB.
///
/// The kernel keeps one figure for all children that have ended, hence a process that has only one.
fn peak_of(home: &Home, arguments: &[&str]) -> Result<f64, Failure> {
    let mut command = home.command(env::current_exe()?, &[PEAK_OF, PROGRAM]);
    let output = command.args(arguments).stdout(Stdio::piped()).output()?;
    let kibibytes: u64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    Ok(in_megabytes(kibibytes * 1024))
}

fn print_peak_of(command: &[String]) -> Result<ExitCode, Failure> {
    use std::io::Write;
    let [program, arguments @ ..] = command else { return Err("no command".into()) };
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    writeln!(std::io::stdout(), "{}", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[allow(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn in_megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}
