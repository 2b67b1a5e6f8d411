//! A StatefulSet that keeps its data on a volume.

use crate::{
    place::Place,
    scenario::{Scenario, scenario},
    site::Site,
};

pub(crate) const SCENARIOS: &[Scenario] = &[scenario!(redis_is_restarted_and_scaled_with_its_volumes)];

fn redis_is_restarted_and_scaled_with_its_volumes(site: &Site) {
    let place = Place::with(site, "redis");
    let claims = || {
        let claims = place.list("persistentvolumeclaim");
        claims
            .iter()
            .map(|claim| (claim["metadata"]["name"].clone(), claim["spec"]["volumeName"].clone()))
            .collect::<Vec<_>>()
    };
    let first = claims();
    place.run(&["list pvc"]).exits(0).says("data-redis-0").says("Bound").enough();
    place.run(&["describe statefulset redis"]).exits(0).says("redis:7").enough();
    place.run(&["restart redis", "--yes"]).exits(0).says("1 of 1").enough();
    assert_eq!(claims(), first, "the pod of after has the volume of before");
    place.run(&["scale redis to 2", "--yes"]).exits(0).says("2 of 2").enough();
    assert_eq!(claims().len(), 2);
    place.run(&["undo", "--yes"]).exits(0).enough();
    assert_eq!(claims().len(), 2, "scaling down keeps the volumes");
}
