//! Somebody else changes the object between preview and sending: what was approved covers no other state of it,
//! and what only its controller writes asks no second time.

use serde_json::json;

use crate::{
    place::{Place, await_that},
    scenario::{Scenario, scenario},
    site::Site,
    support::{Output, proxy::at_the_last_look},
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario!(a_changed_status_asks_no_second_time),
    scenario!(a_changed_spec_is_shown_and_approved_anew),
    scenario!(an_object_that_was_made_anew_is_another_one),
];

/// Runs the program and lets something happen after its preview, before it looks at the object for the last time.
fn run_with_something_between(place: &Place, arguments: &[&str], between: impl FnOnce()) -> Output {
    let proxy = place.behind_a_proxy(at_the_last_look());
    let run = place.start(arguments);
    proxy.stopped();
    between();
    proxy.go_on();
    place.end(run)
}

fn approvals(place: &Place) -> usize {
    place.environment.journal_words().iter().filter(|word| *word == "approved").count()
}

fn a_changed_status_asks_no_second_time(site: &Site) {
    let place = Place::with(site, "backend");
    let version = || place.get("deployment", "backend")["metadata"]["resourceVersion"].clone();
    let output = run_with_something_between(&place, &["scale backend to 3", "--yes"], || {
        // A pod less: the controller writes the status, and nobody the spec.
        let before = version();
        let pod = place.list("pod")[0]["metadata"]["name"].as_str().unwrap().to_owned();
        place.delete("pod", &pod);
        await_that("a new status", || version() != before);
    });
    output.exits(0).says("3 of 3 replicas available").never_says("was changed since").enough();
    assert_eq!(approvals(&place), 1);
}

fn a_changed_spec_is_shown_and_approved_anew(site: &Site) {
    let place = Place::with(site, "backend");
    let output = run_with_something_between(&place, &["scale backend to 3", "--yes"], || {
        place.patch("deployment", "backend", &json!({"spec": {"replicas": 4}}));
    });
    output.exits(0).says("was changed since the preview").says("spec.replicas: 4 → 3").enough();
    assert_eq!((approvals(&place), place.replicas("deployment", "backend")), (2, 3));
}

fn an_object_that_was_made_anew_is_another_one(site: &Site) {
    let place = Place::with(site, "backend");
    let output = run_with_something_between(&place, &["scale backend to 3", "--yes"], || {
        let mut object = place.get("deployment", "backend");
        for field in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] {
            object["metadata"].as_object_mut().unwrap().remove(field);
        }
        object.as_object_mut().unwrap().remove("status");
        place.delete("deployment", "backend");
        let path = place.path("deployment", "");
        place.create(path.trim_end_matches('/'), &object);
    });
    output.says("was deleted and made anew since the preview").enough();
    assert_eq!(approvals(&place), 2);
}
