//! The contract test: the same cases, as data, hold for the sandbox and for a real API server.
//!
//! `cases/` says what is asked, `recorded/` what a real server answered. `case` reads them, `sandbox` and
//! `live` run the steps, `normalise` removes what may differ (each rule with its reason), `compare` finds
//! the rest, `known.yaml` excuses what is understood. `mutation` proves that a wrong answer would be seen.
//! Without a cluster the recordings are the judge; `TODO_AGENT_CONTRACT_KUBECONFIG` adds a live server,
//! `TODO_AGENT_CONTRACT_RECORD=1` lets it rewrite the recordings, `TODO_AGENT_CONTRACT_CASES` selects.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends where it stands")]

mod answer;
mod case;
mod compare;
mod live;
mod mutation;
mod normalise;
mod recording;
mod report;
mod run;
mod sandbox;

use std::path::{Path, PathBuf};

/// Returns the folder of this test's data.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract")
}

/// How often a live server is asked again about a case that it answered otherwise than when it was recorded.
const ASKED_AGAIN: usize = 2;

#[tokio::test]
async fn the_sandbox_answers_as_a_real_server_does() {
    let suite = case::Suite::load(&folder());
    let known = compare::Known::load(&folder().join("known.yaml"));
    let mut report = report::Report::default();
    let live = std::env::var_os("TODO_AGENT_CONTRACT_KUBECONFIG").map(|path| live::Server::open(Path::new(&path)));
    let mut answered = live.as_ref().map(|server| live::run_all(server, &suite)).unwrap_or_default();
    let record = std::env::var_os("TODO_AGENT_CONTRACT_RECORD").is_some();
    for behaviour in &suite.behaviours {
        let file = folder().join("recorded").join(format!("{}.jsonl", behaviour.name));
        let mut recorded = recording::Recording::load(&file);
        for case in &behaviour.cases {
            let mine = sandbox::run(case).await;
            let theirs = answered.remove(&case.name);
            if record && let (Some(theirs), Some(server)) = (&theirs, &live) {
                recorded.put(case, theirs.clone(), &server.version);
            }
            report.count(behaviour, case);
            let Some(real) = recorded.get(case) else {
                report.unrecorded(case);
                continue;
            };
            let real = normalise::case(real);
            report.differences("sandbox", case, &compare::cases(&normalise::case(&mine), &real), &known);
            if let (Some(theirs), Some(server)) = (theirs, &live) {
                let mut found = compare::cases(&normalise::case(&theirs), &real);
                // What a real server answers hangs on its timers too. The recording is true if the server gives
                // it again; a case that has to be asked again is named.
                for _ in 0..ASKED_AGAIN {
                    if found.iter().all(|difference| known.explains(&case.name, difference).is_some()) {
                        break;
                    }
                    report.asked_again(case, &found);
                    found = compare::cases(&normalise::case(&live::run(server, case).await), &real);
                }
                report.differences("live", case, &found, &known);
            }
            report.mutations(mutation::run(case, &mine, &real));
        }
        if record && live.is_some() {
            recorded.store(&file, behaviour);
        }
    }
    report.finish(&known, suite.is_complete);
}
