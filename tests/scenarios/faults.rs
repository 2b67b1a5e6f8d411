//! A network and a server that fail in every way short of being away: what can be asked again is, what cannot is
//! looked for in the cluster, and no write is ever sent twice.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use crate::{
    place::Place,
    scenario::{Scenario, scenario},
    site::Site,
    support::proxy::{Reaction, is_the_write},
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario!(slow_answers_are_waited_for),
    scenario!(a_busy_server_is_asked_again),
    scenario!(a_server_that_stays_busy_is_said_to_be),
    scenario!(half_a_list_is_never_shown_as_the_whole),
    scenario!(a_write_that_was_turned_away_is_not_sent_again),
    scenario!(a_write_that_failed_in_the_server_is_looked_for),
    scenario!(a_write_that_was_made_and_reported_as_failed_is_found),
    scenario!(a_write_whose_answer_was_cut_is_found),
];

/// Returns a reaction to the first requests of a kind; all others pass.
fn first(
    count: usize,
    of: impl Fn(&str) -> bool + Send + Sync + 'static,
    reaction: Reaction,
) -> impl Fn(&str) -> Reaction + Send + Sync + 'static {
    let seen = AtomicUsize::new(0);
    move |request| if of(request) && seen.fetch_add(1, Ordering::SeqCst) < count { reaction } else { Reaction::Pass }
}

fn slow_answers_are_waited_for(site: &Site) {
    let place = Place::with(site, "backend");
    let _proxy = place.behind_a_proxy(|_| Reaction::Delay(Duration::from_millis(300)));
    place.run(&["scale backend to 3", "--yes"]).exits(0).says("3 of 3 replicas available").enough();
}

fn a_busy_server_is_asked_again(site: &Site) {
    for (code, reason) in [(429, "TooManyRequests"), (503, "ServiceUnavailable")] {
        let place = Place::with(site, "backend");
        // Every third request of them, reads and the dry run alike.
        let count = AtomicUsize::new(0);
        let _proxy = place.behind_a_proxy(move |request| {
            let third = count.fetch_add(1, Ordering::SeqCst) % 3 == 2;
            if third && !is_the_write(request) { Reaction::Refuse(code, reason) } else { Reaction::Pass }
        });
        place.run(&["scale backend to 3", "--yes"]).exits(0).says("3 of 3 replicas available").enough();
        assert_eq!(place.replicas("deployment", "backend"), 3);
    }
}

fn a_server_that_stays_busy_is_said_to_be(site: &Site) {
    let place = Place::with(site, "backend");
    let _proxy = place.behind_a_proxy(|request| {
        if request.contains("/pods") { Reaction::Refuse(503, "ServiceUnavailable") } else { Reaction::Pass }
    });
    let output = place.run(&["list pods"]).exits(1).says("the proxy of the test says so");
    output.never_says("no pods").enough();
}

fn half_a_list_is_never_shown_as_the_whole(site: &Site) {
    let place = Place::with(site, "backend");
    let list = |request: &str| request.contains("/pods?");
    let _proxy = place.behind_a_proxy(first(1, list, Reaction::HalveAnswer));
    place.run(&["list pods"]).exits(0).says("2 pods").enough();
    let _proxy =
        place.behind_a_proxy(move |request| if list(request) { Reaction::HalveAnswer } else { Reaction::Pass });
    place.run(&["list pods"]).exits(1).never_says("2 pods").never_says("no pods").enough();
}

/// Scales behind a proxy that reacts to the write, and returns how often the write arrived.
fn scale_with(place: &Place, reaction: Reaction, code: i32, words: &str) -> usize {
    let _proxy = place.behind_a_proxy(move |request| if is_the_write(request) { reaction } else { Reaction::Pass });
    place.run(&["scale backend to 3", "--yes"]).exits(code).says(words).enough();
    let sent = place.environment.journal_words().iter().filter(|word| *word == "sending 1").count();
    assert_eq!(sent, 1, "{:?}", place.environment.journal_words());
    if place.tells_requests() {
        place.writes().len()
    } else {
        usize::from(place.replicas("deployment", "backend") == 3)
    }
}

fn a_write_that_was_turned_away_is_not_sent_again(site: &Site) {
    let place = Place::with(site, "backend");
    assert_eq!(scale_with(&place, Reaction::Refuse(429, "TooManyRequests"), 1, "the proxy of the test says so"), 0);
    assert_eq!(place.replicas("deployment", "backend"), 2);
}

fn a_write_that_failed_in_the_server_is_looked_for(site: &Site) {
    for (code, reason) in [(500, "InternalError"), (503, "ServiceUnavailable")] {
        let place = Place::with(site, "backend");
        let words = "the object is unchanged so far";
        assert_eq!(scale_with(&place, Reaction::Refuse(code, reason), 1, words), 0);
        assert_eq!(place.replicas("deployment", "backend"), 2);
    }
}

fn a_write_that_was_made_and_reported_as_failed_is_found(site: &Site) {
    for (code, reason) in [(500, "InternalError"), (503, "ServiceUnavailable")] {
        let place = Place::with(site, "backend");
        assert_eq!(scale_with(&place, Reaction::CarryOutAndSay(code, reason), 0, "3 of 3 replicas available"), 1);
        assert!(place.environment.journal_words().contains(&"examined 1".to_owned()));
    }
}

fn a_write_whose_answer_was_cut_is_found(site: &Site) {
    for reaction in [Reaction::CutAnswer, Reaction::HalveAnswer] {
        let place = Place::with(site, "backend");
        assert_eq!(scale_with(&place, reaction, 0, "3 of 3 replicas available"), 1);
        assert!(place.environment.journal_words().contains(&"examined 1".to_owned()));
    }
}
