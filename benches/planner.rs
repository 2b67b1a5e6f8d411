//! How quickly sentences are understood: the ones in `crates/planner/sentences`, and the worst that were
//! thought of at the longest length that is read.
//!
//! The names of a large cluster are known throughout, as in a conversation.

mod support;

use std::{hint::black_box, process::ExitCode};

use support::{Bar, Failure, Report, Sample, table, timed};
use todo_agent_core::{Names, names::NameEntry};
use todo_agent_planner::{Focus, Pass, PassReason, Planned, plan};

const FILES: [&str; 2] =
    [include_str!("../crates/planner/sentences/known.txt"), include_str!("../crates/planner/sentences/held_out.txt")];
/// How often all of the sentences are read.
const PASSES: usize = 15;
/// How often each of the worst is read.
const ROUNDS: usize = 15;
/// The longest sentence that is read.
const LONGEST: usize = 4096;
/// A millisecond for a sentence is below what anybody notices, and below a hundredth of a whole turn.
const LEAST_PER_SECOND: f64 = 1000.0;

fn main() -> Result<ExitCode, Failure> {
    let conversations: Vec<Vec<&str>> = FILES.into_iter().flat_map(conversations).collect();
    let sentences: usize = conversations.iter().map(Vec::len).sum();
    let mut report = Report::default();
    for (place, names) in [("no names", Names::default()), ("500 names", names(500))] {
        let pass = Sample::of(PASSES, || {
            for conversation in &conversations {
                let mut focus = Focus::default();
                for sentence in conversation {
                    focus.update(black_box(&plan(sentence, &focus, &names)));
                }
            }
        });
        let rate = f64::from(u32::try_from(sentences)?) / (pass.median() / 1e3);
        report.judged(
            &format!("{sentences} sentences, {place}"),
            rate,
            "per second",
            Bar::AimAtLeast(LEAST_PER_SECOND),
        );
    }

    let names = names(500);
    let mut worst = 0.0_f64;
    let mut rows = Vec::new();
    for (what, sentence) in adversaries() {
        let time = Sample::of(ROUNDS, || plan(&sentence, &Focus::default(), &names)).median();
        worst = worst.max(time);
        rows.push(vec![what.to_owned(), sentence.len().to_string(), format!("{time:.3}")]);
    }
    table(&["sentence", "bytes", "median ms"], &rows)?;
    report.judged("worst sentence of at most 4 KiB", worst, "ms", Bar::AimAtMost(50.0));

    let megabyte = "scale backend to 3 ".repeat(1_000_000 / 19);
    let (time, _) = timed(|| plan(&megabyte, &Focus::default(), &names));
    report.judged("sentence of 1 MB, refused", support::milliseconds(time), "ms", Bar::AimAtMost(10.0));
    Ok(report.finish()?)
}

/// Returns the sentences of a file; several are one conversation.
fn conversations(file: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(" => ")).map(|(said, _)| said.split(" >> ").collect())
}

/// Returns the names of a cluster with this many workloads.
fn names(count: usize) -> Names {
    let entries = (0..count).map(|n| NameEntry {
        kind: ["Deployment", "StatefulSet", "Service", "ConfigMap"][n % 4].to_owned(),
        namespace: Some(format!("team-{}", n % 25)),
        name: format!("service-{n}-backend"),
        labels: [("app".to_owned(), format!("service-{n}"))].into(),
        owner: None,
    });
    Names { entries: entries.collect(), namespaces: (0..25).map(|n| format!("team-{n}")).collect() }
}

/// Sentences made to be slow, each as long as one that is still read.
fn adversaries() -> Vec<(&'static str, String)> {
    let repeated = |unit: &str| longest(|_| unit.to_owned());
    let numbered = |unit: &str| longest(|n| unit.replace('#', &n.to_string()));
    vec![
        ("the same order over and over", repeated("scale backend to 3 and then ")),
        ("another order each time", numbered("scale service-#-backend to # and ")),
        ("reads and changes in turn", repeated("list pods, restart api and show its logs; ")),
        ("words that are nearly words", repeated("deploymnets secrts evnets namespcae restat scael ")),
        ("long words that are no words", repeated("scaledeploymentx ")),
        ("names only", numbered("service-#-backend ")),
        ("conditions and refusals", repeated("do not scale unless never if ")),
        ("numbers", numbered("# ")),
        ("one word", repeated("a")),
        ("one name of many parts", repeated("a-")),
        ("punctuation", repeated(",;.?!")),
        ("quotation marks that never close", repeated("\"'`")),
        ("combining characters", repeated("e\u{301}\u{302} ")),
        ("what was said before", repeated("scale it back to what it was before, and undo that again ")),
    ]
}

/// Repeats a unit until one more would make the sentence too long to be read.
fn longest(unit: impl Fn(usize) -> String) -> String {
    let is_read = |sentence: &str| {
        let planned = plan(sentence, &Focus::default(), &Names::default());
        !matches!(planned, Planned::Pass(Pass { reason: PassReason::TooLong, .. }))
    };
    let begun = |units: usize| (0..units).map(&unit).collect::<String>();
    // What is too long stays too long with one unit more, so halving finds the last that is read.
    let (mut read, mut unread) = (0, LONGEST + 1);
    while unread - read > 1 {
        let middle = usize::midpoint(read, unread);
        if is_read(&begun(middle)) {
            read = middle;
        } else {
            unread = middle;
        }
    }
    begun(read)
}
