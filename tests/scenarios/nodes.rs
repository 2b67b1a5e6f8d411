//! Nodes: kept from new pods, and drained pod by pod, as disruption budgets allow.

use serde_json::json;

use crate::{
    place::{Place, await_that},
    scenario::{Scenario, scenario},
    site::Site,
};

pub(crate) const SCENARIOS: &[Scenario] = &[scenario!(a_drained_node_gives_its_pods_to_another).disturbing()];

/// Two nodes on which pods only pretend to run; they go when this is dropped.
struct FakeNodes<'a>(&'a Place);

impl<'a> FakeNodes<'a> {
    fn new(place: &'a Place) -> Self {
        place.set_fake_nodes(2);
        Self(place)
    }
}

impl Drop for FakeNodes<'_> {
    fn drop(&mut self) {
        self.0.set_fake_nodes(0);
    }
}

fn a_drained_node_gives_its_pods_to_another(site: &Site) {
    let place = Place::new(site);
    let _nodes = FakeNodes::new(&place);
    let labels = json!({"app": "web"});
    let spec = json!({
        "nodeSelector": {"type": "kwok"},
        "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}],
        "containers": [{"name": "web", "image": "todo-chatbot-backend:v1"}],
    });
    place.create_all(&[
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {
            "replicas": 4, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}}),
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
            "spec": {"minAvailable": 3, "selector": {"matchLabels": labels}}}),
    ]);
    await_that("a budget that allows one disruption", || {
        place.get("poddisruptionbudget", "web")["status"]["disruptionsAllowed"] == 1
    });
    let on_first = || place.list("pod").iter().filter(|pod| pod["spec"]["nodeName"] == "node-fake-1").count();
    let before = on_first();
    assert!(before > 0 && before < 4, "{before} of 4 pods are on the first of two equal nodes");

    place.run(&["cordon node node-fake-1", "--yes"]).exits(0).says("as written").enough();
    assert_eq!(on_first(), before, "what runs there stays");
    place.run(&["undo", "--yes"]).exits(0).enough();
    place.run(&["drain node node-fake-1", "--yes"]).exits(3).says("risk high").enough();
    let drained = place.run(&["drain node node-fake-1", "--yes=high"]).exits(0);
    drained.says(&format!("drain node/node-fake-1 of {before} pod")).enough();
    assert_eq!(on_first(), 0);
    place.await_available("deployment", "web", 4);
    place.run(&["uncordon node node-fake-1", "--yes"]).exits(0).enough();
    let node = place.access.request("GET", "/api/v1/nodes/node-fake-1", None).1;
    assert!(node["spec"].get("unschedulable").is_none(), "{node}");
}
