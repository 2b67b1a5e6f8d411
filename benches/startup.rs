//! How long the program takes to start: `todo-agent --version` beside an empty process and `kubectl`.
//!
//! The programs take turns, so that a busy moment of the machine meets all of them alike; what is judged
//! is the difference of the medians.

mod support;

use std::{
    env,
    process::{Command, ExitCode},
};

use support::{Bar, Failure, Home, PROGRAM, Report, Sample, on_path, table, timed};

/// How often each program is started.
const ROUNDS: usize = 50;
/// Rounds before them, for the file cache.
const WARM_UP: usize = 3;
/// Makes this benchmark end at once: the smallest Rust program at hand.
const NOTHING: &str = "--nothing";

struct Contestant {
    name: &'static str,
    command: Command,
    sample: Sample,
}

fn main() -> Result<ExitCode, Failure> {
    if env::args().any(|argument| argument == NOTHING) {
        return Ok(ExitCode::SUCCESS);
    }
    let home = Home::new()?;
    let contestant = |name, command| Contestant { name, command, sample: Sample::default() };
    let mut contestants = vec![
        contestant("empty process (/bin/true)", home.command("/bin/true", &[])),
        contestant("empty Rust program", home.command(env::current_exe()?, &[NOTHING])),
        contestant("todo-agent --version", home.command(PROGRAM, &["--version"])),
        contestant("todo-agent --help", home.command(PROGRAM, &["--help"])),
    ];
    if let Some(kubectl) = on_path("kubectl") {
        contestants.push(contestant("kubectl version --client", home.command(kubectl, &["version", "--client"])));
    }
    for round in 0..WARM_UP + ROUNDS {
        for Contestant { name, command, sample } in &mut contestants {
            let (time, status) = timed(|| command.status());
            if !status?.success() {
                return Err(format!("{name} failed").into());
            }
            if round >= WARM_UP {
                sample.add(time);
            }
        }
    }

    let row = |contestant: &Contestant| {
        let Contestant { name, sample, .. } = contestant;
        let times = [sample.shortest(), sample.median(), sample.longest()].map(|time| format!("{time:.2}"));
        std::iter::once((*name).to_owned()).chain(times).collect()
    };
    let rows: Vec<Vec<String>> = contestants.iter().map(row).collect();
    table(&[&format!("{ROUNDS} starts"), "shortest ms", "median ms", "longest ms"], &rows)?;

    let [empty, _, version, help, others @ ..] = contestants.as_slice() else { return Err("nobody to compare".into()) };
    let mut report = Report::default();
    let over_empty = |contestant: &Contestant| contestant.sample.median() - empty.sample.median();
    report.judged("--version over an empty process", over_empty(version), "ms", Bar::MustBeAtMost(5.0));
    report.judged("--help over an empty process", over_empty(help), "ms", Bar::AimAtMost(5.0));
    for other in others {
        report.noted(&format!("{} over an empty process", other.name), over_empty(other), "ms");
    }
    Ok(report.finish()?)
}
