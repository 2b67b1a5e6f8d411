//! `SIGKILL` in the middle of a change, again and again: the next start tells the truth, nothing is sent a second
//! time, and the same sentence again leads where it should.
//!
//! Twenty kills are placed by a proxy that holds the request or its answer, five in each phase. As many at random
//! as `TODO_AGENT_TEST_KILLS` says come on top, behind a proxy that makes everything slow, so that each phase
//! lasts. The histogram of the phases is printed.

use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;

use crate::{
    place::Place,
    scenario::{Scenario, scenario},
    site::Site,
    support::{
        evidence,
        proxy::{Proxy, Reaction, Stages, is_the_write},
    },
};

pub(crate) const SCENARIOS: &[Scenario] = &[scenario!(twenty_kills_five_in_each_phase).looks_at_requests()];
/// Those of the long tier.
pub(crate) const RANDOM: &[Scenario] = &[scenario!(kills_at_random).looks_at_requests()];

/// How far a change was when the program was killed, as the records and the cluster have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Nothing was to be sent yet.
    Before,
    /// To be sent, and not arrived.
    InFlight,
    /// Arrived, and its answer not recorded.
    Answered,
    /// Answered, and not proven yet.
    Settling,
    /// Over: the kill came too late.
    After,
}

type Histogram = BTreeMap<Phase, usize>;

fn print(site: &Site, what: &str, histogram: &Histogram) {
    let place = if matches!(site, Site::Sandbox) { "sandbox" } else { "cluster" };
    let counts: Vec<String> = histogram.iter().map(|(phase, count)| format!("{phase:?} {count}")).collect();
    // Past the capture of the test runner: these are figures, not a failure's explanation.
    let _ = writeln!(std::io::stderr(), "report: kills ({what}, {place}): {}", counts.join(", "));
}

/// Everything that is known of one change.
struct Traces {
    records: Vec<Value>,
    writes: usize,
}

impl Traces {
    /// Returns what is known of the changes that were not there before.
    fn since(place: &Place, known: &[String]) -> Option<(String, Self)> {
        let id = ids(place).into_iter().find(|id| !known.contains(id))?;
        Some((id.clone(), Self::of(place, &id)))
    }

    fn of(place: &Place, id: &str) -> Self {
        let records = place.environment.journal().into_iter().filter(|record| record["change_id"] == id).collect();
        let agent = format!("(change {id})");
        let sent = |write: &&Value| write["userAgent"].as_str().is_some_and(|it| it.contains(&agent));
        // One that met a newer version of the object was turned away, and is sent again while the program lives.
        let accepted = |write: &&Value| write["code"].as_u64().is_some_and(|code| code < 300);
        let requests = place.requests();
        let writes = requests.iter().filter(|it| evidence::is_write(it)).filter(sent).filter(accepted).count();
        Self { records, writes }
    }

    fn count(&self, word: &str) -> usize {
        self.records.iter().filter(|record| record["record"] == word).count()
    }

    fn phase(&self) -> Phase {
        let last_answer = self.records.iter().rfind(|record| record["record"] == "answered");
        let was_accepted = last_answer.is_some_and(|record| record["status"].as_u64() < Some(300));
        if self.count("settled") > 0 {
            Phase::After
        } else if self.count("sending") > self.count("answered") {
            if self.writes == 0 { Phase::InFlight } else { Phase::Answered }
        } else if was_accepted {
            Phase::Settling
        } else {
            Phase::Before
        }
    }
}

/// Returns the ids of all changes in the journal.
fn ids(place: &Place) -> Vec<String> {
    let mut ids = Vec::new();
    for record in place.environment.journal() {
        let id = record["change_id"].as_str().unwrap().to_owned();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

/// Kills a scale to `wanted`, checks what the next start makes of it, and lets the same sentence finish the work.
fn kill_and_look(place: &Place, before: u64, wanted: u64, kill: impl FnOnce(&Place, &str) -> Proxy) -> Phase {
    place.await_rest("backend");
    let known = ids(place);
    let proxy = kill(place, &format!("scale backend to {wanted}"));
    let phase = Traces::since(place, &known).map_or(Phase::Before, |(_, traces)| traces.phase());
    // What is under way arrives all the same, as in a real network; the look is for when it has.
    proxy.settle();
    place.use_own_kubeconfig();
    let found = Traces::since(place, &known);
    let arrived = found.as_ref().is_some_and(|(_, traces)| traces.writes > 0);
    match phase {
        Phase::Before => assert!(!arrived),
        Phase::InFlight => {}
        Phase::Answered | Phase::Settling | Phase::After => assert!(arrived),
    }
    let now = place.replicas("deployment", "backend");
    assert_eq!(now, if arrived { wanted } else { before }, "{phase:?}");

    // The next start says what it found about what had no answer, once, and of nothing else.
    let next = place.run(&["list deployments"]).exits(0);
    if let (Phase::InFlight | Phase::Answered, Some((id, _))) = (phase, &found) {
        next.says(id).says("got no answer").says(&format!("asks for {now} replicas")).enough();
        place.run(&["list deployments"]).exits(0).never_says("got no answer").enough();
    } else {
        next.never_says("got no answer").enough();
    }

    // The same again leads where it should, whatever had happened.
    place.run(&["scale backend to", &wanted.to_string(), "--yes=high"]).exits(0).enough();
    assert_eq!(place.replicas("deployment", "backend"), wanted);
    if let Some((id, before)) = found {
        let after = Traces::of(place, &id);
        assert_eq!(after.writes, before.writes, "{id} was sent again");
        assert_eq!(after.count("sending"), before.count("sending"), "{id} was recorded as sent again");
        assert!(after.writes <= 1, "{id} was sent twice");
    }
    phase
}

/// Kills the program when the proxy has stopped what belongs to a phase.
fn kill_in(phase: Phase) -> impl FnOnce(&Place, &str) -> Proxy {
    move |place, sentence| {
        let stages = Stages::default();
        let proxy = place.behind_a_proxy(move |request| {
            if request.contains("dryRun") {
                stages.advance(0, 1);
            } else if is_the_write(request) {
                stages.advance(1, 2);
                match phase {
                    Phase::InFlight => return Reaction::Hold,
                    Phase::Answered => return Reaction::HoldAnswer,
                    _ => {}
                }
            } else if (phase == Phase::Before && stages.advance(1, 3))
                || (phase == Phase::Settling && stages.advance(2, 3))
            {
                return Reaction::Hold;
            }
            Reaction::Pass
        });
        let mut run = place.start(&[sentence, "--yes=high"]);
        proxy.stopped();
        run.kill().unwrap();
        place.end(run).never_says("✓").enough();
        proxy
    }
}

fn twenty_kills_five_in_each_phase(site: &Site) {
    let place = Place::with(site, "backend");
    let mut histogram = Histogram::new();
    let (mut before, mut wanted) = (2, 3);
    for phase in [Phase::Before, Phase::InFlight, Phase::Answered, Phase::Settling] {
        for _ in 0..5 {
            let hit = kill_and_look(&place, before, wanted, kill_in(phase));
            assert_eq!(hit, phase);
            *histogram.entry(hit).or_default() += 1;
            (before, wanted) = (wanted, before);
        }
    }
    print(site, "placed", &histogram);
}

/// How many at a time; each has a namespace of its own and mostly waits.
const AT_A_TIME: usize = 4;

fn kills_at_random(site: &Site) {
    let count: usize = std::env::var("TODO_AGENT_TEST_KILLS").unwrap().parse().unwrap();
    let histogram = Mutex::new(Histogram::new());
    let left = AtomicUsize::new(count);
    thread::scope(|scope| {
        for worker in 0..AT_A_TIME {
            let (histogram, left) = (&histogram, &left);
            scope.spawn(move || {
                let place = Place::with(site, "backend");
                let (mut before, mut wanted) = (2, 3);
                let take = |left: usize| left.checked_sub(1);
                while let Ok(number) = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
                    let chance = Chance::new(worker as u64 * 1_000_003 + number as u64);
                    let hit = kill_and_look(&place, before, wanted, |place, sentence| {
                        kill_at_random(place, sentence, &chance)
                    });
                    *histogram.lock().unwrap().entry(hit).or_default() += 1;
                    (before, wanted) = (wanted, before);
                }
            });
        }
    });
    let histogram = histogram.into_inner().unwrap();
    print(site, "random", &histogram);
    for phase in [Phase::Before, Phase::InFlight, Phase::Answered, Phase::Settling] {
        assert!(histogram.contains_key(&phase), "no kill hit {phase:?}");
    }
}

/// How long the proxy holds a request, and then its answer, at most: most of the time of a change is that of its
/// write and of its proof, so that every phase is hit.
const SLOWEST_BEFORE: u64 = 20;
const SLOWEST_WRITE: u64 = 1000;
const SLOWEST_PROOF: u64 = 500;
/// Within which time a kill comes, in milliseconds: about as long as a whole change takes behind the proxy.
const LATEST: u64 = 3000;

fn kill_at_random(place: &Place, sentence: &str, chance: &Chance) -> Proxy {
    let (delays, written) = (chance.clone(), AtomicBool::new(false));
    let proxy = place.behind_a_proxy(move |request| {
        let slowest = if is_the_write(request) {
            written.store(true, Ordering::SeqCst);
            SLOWEST_WRITE
        } else if written.load(Ordering::SeqCst) {
            SLOWEST_PROOF
        } else {
            SLOWEST_BEFORE
        };
        Reaction::Delay(Duration::from_millis(delays.below(slowest)))
    });
    let mut run = place.start(&[sentence, "--yes=high"]);
    thread::sleep(Duration::from_millis(chance.below(LATEST)));
    let _ = run.kill();
    let _ = run.wait();
    proxy
}

/// A source of numbers that repeats itself for the same seed.
#[derive(Debug, Clone)]
struct Chance(std::sync::Arc<Mutex<u64>>);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(std::sync::Arc::new(Mutex::new(seed)))
    }

    /// Returns a number below a bound (SplitMix64).
    fn below(&self, bound: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}
