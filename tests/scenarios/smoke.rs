//! The smoke test of the Todo chatbot, `tests/smoke/todo.yaml`: the workload of the world `todo`, deployed from the
//! same manifests, passes it; one that is broken does not.

use serde_json::{Value, json};

use crate::{
    place::{Place, await_that, world_objects},
    scenario::{Scenario, scenario},
    site::Site,
};

pub(crate) const SCENARIOS: &[Scenario] =
    &[scenario!(the_todo_chatbot_passes_its_smoke_test), scenario!(a_broken_todo_chatbot_does_not)];

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/smoke/todo.yaml");

/// Deploys the Todo chatbot as the world `todo` has it, small enough for a node of two cores.
fn deployed(site: &Site) -> Place {
    let place = Place::new(site);
    let mut objects = world_objects("todo");
    for object in &mut objects {
        if let Some(containers) = object.pointer_mut("/spec/template/spec/containers").and_then(Value::as_array_mut) {
            for container in containers {
                container["resources"] = json!({"requests": {"cpu": "5m", "memory": "16Mi"}});
            }
        }
    }
    place.create_all(&objects);
    place
}

fn the_todo_chatbot_passes_its_smoke_test(site: &Site) {
    let place = deployed(site);
    let report = place.environment.path("smoke.xml");
    let output = place.run(&["run", SCRIPT, "--yes", "--report", &format!("junit={}", report.display())]).exits(0);
    output.says("Todo chatbot passed: 14 passed").enough();
    let report = std::fs::read_to_string(report).unwrap();
    let document = roxmltree::Document::parse(&report).unwrap();
    let totals = document.root_element().first_element_child().unwrap();
    let count = |attribute: &str| totals.attribute(attribute).unwrap();
    assert_eq!((count("tests"), count("failures"), count("errors"), count("skipped")), ("14", "0", "0", "0"));
    // Nothing is left different.
    for (name, wanted) in [("frontend", 2), ("backend", 2), ("mcp-server", 1)] {
        assert_eq!(place.replicas("deployment", name), wanted, "{name}");
    }
    if place.tells_requests() {
        assert_eq!(place.writes().len(), 4, "scale, back, and two restarts");
    }
}

fn a_broken_todo_chatbot_does_not(site: &Site) {
    let place = deployed(site);
    place.patch_container("backend", &json!({"image": "todo-chatbot-backend:missing"}));
    await_that("a third pod", || place.list("pod").len() == 7);
    let output = place.run(&["run", SCRIPT, "--yes"]).exits(1);
    output.says("json /total: expected 6, but it was 7").says("json /not_ready: expected 0, but it was 1").enough();
    if place.tells_requests() {
        assert!(place.writes().is_empty(), "a step that fails is the last");
    }
}
