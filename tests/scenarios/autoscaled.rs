//! Scaling what an autoscaler keeps: said before, and not called done when it is set back.

use serde_json::json;

use crate::{
    place::{Place, await_that},
    scenario::{Scenario, scenario},
    site::Site,
};

pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario!(an_autoscaler_is_named_before_anything_is_sent),
    scenario!(what_the_autoscaler_sets_back_is_not_called_done),
];

fn autoscaled(site: &Site) -> Place {
    let place = Place::with(site, "backend");
    place.apply("autoscaler");
    place
}

fn an_autoscaler_is_named_before_anything_is_sent(site: &Site) {
    let place = autoscaled(site);
    let output = place.run(&["scale backend to 9"]).exits(3);
    output.says("horizontalpodautoscaler/backend keeps 2–4 replicas and will set the count again").enough();
    assert_eq!(place.replicas("deployment", "backend"), 2);
}

fn what_the_autoscaler_sets_back_is_not_called_done(site: &Site) {
    let place = autoscaled(site);
    await_that("an autoscaler that is active", || {
        let object = place.get("horizontalpodautoscaler", "backend");
        object["status"]["conditions"]
            .as_array()
            .is_some_and(|conditions| conditions.iter().any(|it| it["type"] == "AbleToScale" && it["status"] == "True"))
    });
    // More than the autoscaler allows, and slow to come: it acts first.
    place.patch_container("backend", &json!({"env": [{"name": "START_DELAY", "value": "40"}]}));
    let output = place.run(&["scale backend to 6", "--yes"]).exits(1);
    output.says("keeps 2–4 replicas").says("overridden by").says("not 6").enough();
    assert!(place.replicas("deployment", "backend") <= 4);
}
