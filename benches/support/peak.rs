//! The most resident memory of one run of a program, as the kernel tells it (`ru_maxrss`).
//!
//! The kernel keeps one figure for all children that have ended, hence a process that has only one: the
//! benchmark starts itself again with [`PEAK_OF`], which runs the command and prints the figure.

use std::{
    env,
    io::{self, Write},
    process::{Command, ExitCode, Stdio},
};

use nix::sys::resource::{UsageWho, getrusage};

use super::{Failure, Home};

/// Makes a benchmark run one command and print the most memory it had, in KiB.
const PEAK_OF: &str = "--peak-of";
/// A megabyte, as bars and `ls` count them.
const MEGABYTE: f64 = 1e6;

/// Runs the command this process was started for, if it was; every benchmark that asks for peaks begins so.
pub(crate) fn peak_run() -> Option<Result<ExitCode, Failure>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [first, program, arguments @ ..] if first == PEAK_OF => Some(print_peak_of(program, arguments)),
        _ => None,
    }
}

/// Returns the most resident memory of one run, in MB.
pub(crate) fn peak_of(home: &Home, program: &str, arguments: &[&str]) -> Result<f64, Failure> {
    let mut command = home.command(env::current_exe()?, &[PEAK_OF, program]);
    let output = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output()?;
    if !output.status.success() {
        return Err(format!("{program} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let kibibytes: u64 = String::from_utf8_lossy(&output.stdout).trim().parse()?;
    Ok(in_megabytes(kibibytes * 1024))
}

fn print_peak_of(program: &str, arguments: &[String]) -> Result<ExitCode, Failure> {
    // Written to a pipe, as when a person pages or a program reads.
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output()?;
    writeln!(io::stdout(), "{}", getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss())?;
    Ok(if output.status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[allow(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
pub(crate) fn in_megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}
