//! A client's cases from beginning to end: where its program is missing they are said not to have run, else each is
//! run against a served sandbox, and against a live cluster where one is named, and held to its recording.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use super::case::{Case, Suite};
use super::compare::{self, Known};
use super::normalise;
use super::program::Client;
use super::recording::Recordings;
use super::run::Cluster;
use super::support::{Served, TestEnvironment};

/// What the cases are run against, and what they are held to.
struct Judge {
    sandbox: Cluster,
    live: Option<Cluster>,
    recordings: Recordings,
    known: Known,
    is_recording: bool,
}

/// Runs the cases of a client against a sandbox that has this world.
pub(crate) fn run(client: Client, world: &Path) -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = client.folder();
    let suite = Suite::load(&folder);
    let programs = match client.programs() {
        Ok(programs) => programs,
        Err(why) => {
            // Straight to the terminal: nobody captures it, and a passed run would hide it.
            let _ = writeln!(std::io::stderr(), "{} tests were not run: {why}", client.test);
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
    let served = Served::world(&environment, &world.display().to_string());
    let home = environment.path("home");
    let judge = Arc::new(Judge {
        sandbox: Cluster::new(&programs, &environment.path("served.yaml"), &home.join("sandbox")),
        live: client.setting("KUBECONFIG").map(|kubeconfig| Cluster::new(&programs, &kubeconfig, &home.join("live"))),
        recordings: Recordings::load(&folder.join("recorded"), client),
        known: Known::load(&folder.join("known.yaml")),
        is_recording: client.setting("RECORD").is_some(),
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
    let _ = writeln!(std::io::stdout(), "{}", judge.known.report(client.test));
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
        if let (Some(theirs), true) = (&theirs, self.is_recording) {
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
