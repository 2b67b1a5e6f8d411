//! Scenarios: what a person goes through with the program, on a simulated cluster and on a real one.
//!
//! Each scenario is a function of a `Site` and runs as `sandbox/…`, always, and as `cluster/…` where a real
//! cluster is named (see `site`). What the sandbox cannot do is marked with the reason. Scenarios that stop
//! programs of the cluster run last, one at a time. `tests/cluster/run` does all of it with one command.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on ends where it stands")]

#[path = "../support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "shared with the tests on the sandbox, which use other parts")]
mod support;

mod audit;
mod autoscaled;
mod broken;
mod changed_meanwhile;
mod custom;
mod faults;
mod kills;
mod nodes;
mod outages;
mod permissions;
mod place;
mod reads;
mod rollouts;
mod scenario;
mod sessions;
mod site;
mod smoke;
mod storage;
mod writes;

use std::{io::Write as _, process::ExitCode};

use libtest_mimic::{Arguments, Trial};

use scenario::{Manners, Scenario};
use site::{Real, Site};

/// Every scenario, by subject.
const SUBJECTS: &[(&str, &[Scenario])] = &[
    ("reads", reads::SCENARIOS),
    ("writes", writes::SCENARIOS),
    ("rollouts", rollouts::SCENARIOS),
    ("autoscaled", autoscaled::SCENARIOS),
    ("changed_meanwhile", changed_meanwhile::SCENARIOS),
    ("permissions", permissions::SCENARIOS),
    ("storage", storage::SCENARIOS),
    ("smoke", smoke::SCENARIOS),
    ("faults", faults::SCENARIOS),
    ("kills", kills::SCENARIOS),
    ("outages", outages::SCENARIOS),
    ("nodes", nodes::SCENARIOS),
    ("custom", custom::SCENARIOS),
    ("broken", broken::SCENARIOS),
    ("sessions", sessions::SCENARIOS),
];

/// How many scenarios run side by side on a real cluster: they mostly wait.
const SIDE_BY_SIDE: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let real = Real::of_the_environment();
    if real.is_none() && !arguments.list {
        // Past the capture of the test runner: this must be seen.
        let _ = std::io::stderr().write_all(
            b"the scenarios on a real cluster were not run: tests/cluster/run runs them on a Kubernetes of its own \
              (Debian, root, Go 1.26), with --context NAME on yours\n",
        );
    }
    let (mut considerate, mut disturbing) = (Vec::new(), Vec::new());
    let long = std::env::var_os("TODO_AGENT_TEST_KILLS").map(|_| ("kills", kills::RANDOM));
    for (subject, scenarios) in SUBJECTS.iter().chain(&long) {
        for scenario in *scenarios {
            let name = format!("{subject}/{}", scenario.name);
            // Each scenario has a sandbox of its own; the real cluster is everybody's.
            considerate.extend(on_the_sandbox(&name, scenario));
            let trial = on_a_real_cluster(&name, scenario, real.as_ref());
            if scenario.manners == Manners::Disturbing { disturbing.push(trial) } else { considerate.push(trial) }
        }
    }
    if real.is_some() && arguments.test_threads.is_none() {
        arguments.test_threads = Some(SIDE_BY_SIDE);
    }
    let together = libtest_mimic::run(&arguments, considerate);
    arguments.test_threads = Some(1);
    let alone = libtest_mimic::run(&arguments, disturbing);
    if together.has_failed() || alone.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn on_the_sandbox(name: &str, scenario: &Scenario) -> Option<Trial> {
    let run = scenario.run;
    scenario.only_real.is_none().then(|| {
        Trial::test(format!("sandbox/{name}"), move || {
            run(&Site::Sandbox);
            Ok(())
        })
    })
}

/// Returns the scenario on a real cluster; ignored where there is none that it can run on.
fn on_a_real_cluster(name: &str, scenario: &Scenario, real: Option<&Real>) -> Trial {
    let (run, real) = (scenario.run, real.cloned());
    let can = real.as_ref().is_some_and(|real| {
        let can_be_disturbed = scenario.manners == Manners::Considerate || real.can_be_disturbed();
        can_be_disturbed && (!scenario.looks_at_requests || real.audit_log().is_some())
    });
    let trial = Trial::test(format!("cluster/{name}"), move || {
        run(&Site::Real(real.ok_or("no real cluster is named")?));
        Ok(())
    });
    trial.with_ignored_flag(!can)
}
