//! kubectl as a client of the sandbox, held to a real cluster: the same commands print the same.
//!
//! `cases/` says what is run, `recorded/` what it printed on a real cluster. `case` reads them, `run` runs
//! kubectl, `normalise` removes what may differ (each rule with its reason), `compare` finds the rest and
//! `known.yaml` excuses what is understood. `TODO_AGENT_KUBECTL` names the kubectl, else the test cluster's
//! is taken. `TODO_AGENT_KUBECTL_KUBECONFIG` adds a live cluster, `TODO_AGENT_KUBECTL_RECORD=1` lets it
//! rewrite the recordings.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends where it stands")]

mod case;
mod compare;
mod normalise;
mod program;
mod recording;
mod run;
#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, clippy::expect_used, reason = "shared; these tests only need a served sandbox")]
mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use case::{Case, Suite};
use compare::Known;
use recording::Recordings;
use run::Cluster;
use support::{Served, TestEnvironment};

/// Returns the folder of this test's data.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kubectl")
}

/// What the cases are run against, and what they are held to.
struct Judge {
    sandbox: Cluster,
    live: Option<Cluster>,
    recordings: Recordings,
    known: Known,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let suite = Suite::load(&folder());
    let program = match program::find() {
        Ok(program) => program,
        Err(why) => {
            // Straight to the terminal: nobody captures it, and a passed run would hide it.
            let _ = writeln!(std::io::stderr(), "kubectl tests were not run: {why}");
            let must_run = std::env::var_os("TODO_AGENT_CI").is_some_and(|it| it == "1");
            let trials = suite.cases.into_iter().map(|(_, case)| {
                let why = why.clone();
                Trial::test(case.name, move || Err(Failed::from(why))).with_ignored_flag(!must_run)
            });
            return libtest_mimic::run(&arguments, trials.collect()).exit_code();
        }
    };
    if arguments.list {
        let trials = suite.cases.into_iter().map(|(_, case)| Trial::test(case.name, || Ok(())));
        return libtest_mimic::run(&arguments, trials.collect()).exit_code();
    }
    let environment = TestEnvironment::new();
    let world = folder().join("world.yaml").display().to_string();
    let served = Served::world(&environment, &world);
    let live = std::env::var_os("TODO_AGENT_KUBECTL_KUBECONFIG").map(PathBuf::from);
    let home = environment.path("home");
    let judge = Arc::new(Judge {
        sandbox: Cluster::new(&program, &environment.path("served.yaml"), &home.join("sandbox")),
        live: live.map(|kubeconfig| Cluster::new(&program, &kubeconfig, &home.join("live"))),
        recordings: Recordings::load(&folder().join("recorded")),
        known: Known::load(&folder().join("known.yaml")),
    });
    let is_complete = arguments.filter.is_none() && arguments.skip.is_empty();
    let named = suite.names();
    let cases: Vec<Trial> = suite
        .cases
        .into_iter()
        .map(|(behaviour, case)| {
            let judge = Arc::clone(&judge);
            Trial::test(case.name.clone(), move || judge.hold(&behaviour, &case))
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, cases);
    drop(served);
    judge.recordings.store(&suite.behaviours, is_complete);
    let (stale, caseless) = (judge.known.idle(), judge.recordings.without_case(&named));
    let _ = writeln!(std::io::stdout(), "{}", judge.known.report());
    if is_complete && !stale.is_empty() {
        let _ = writeln!(std::io::stdout(), "these known differences are gone; remove them: {stale:#?}");
    }
    if is_complete && !caseless.is_empty() {
        let _ = writeln!(std::io::stdout(), "these recordings have no case; remove them: {caseless:#?}");
    }
    if is_complete && !(stale.is_empty() && caseless.is_empty()) {
        return ExitCode::from(101);
    }
    conclusion.exit_code()
}

impl Judge {
    /// Runs a case and compares what it printed with the recording.
    fn hold(&self, behaviour: &str, case: &Case) -> Result<(), Failed> {
        let mine = self.sandbox.run(case);
        let theirs = self.live.as_ref().map(|live| live.run(case));
        if let (Some(theirs), true) = (&theirs, std::env::var_os("TODO_AGENT_KUBECTL_RECORD").is_some()) {
            self.recordings.put(behaviour, case, theirs.clone());
        }
        let Some(real) = self.recordings.get(behaviour, case) else {
            return Err("never answered by a real cluster".into());
        };
        let real = normalise::run(&real);
        let mut found = compare::differences("sandbox", case, &normalise::run(&mine), &real, &self.known);
        if let Some(theirs) = &theirs {
            found.extend(compare::differences("live", case, &normalise::run(theirs), &real, &self.known));
        }
        if found.is_empty() { Ok(()) } else { Err(found.join("\n").into()) }
    }
}
