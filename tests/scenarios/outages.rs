//! Parts of the cluster that stop and come back while the program works: nothing is sent twice, nothing is
//! called done that is not, and a wait outlives a restart.

use serde_json::json;

use crate::{
    place::{Place, await_that},
    scenario::{Scenario, scenario},
    site::{Real, Site},
    support::proxy::at_the_last_look,
};

const ALONE: &str = "the sandbox is one process, which keeps nothing when it ends";

pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario!(a_wait_outlives_a_restart_of_the_api_server).only_real(ALONE).disturbing(),
    scenario!(a_verification_outlives_a_restart_of_the_api_server).only_real(ALONE).disturbing(),
    scenario!(an_api_server_that_stops_between_approval_and_sending).only_real(ALONE).disturbing(),
    scenario!(a_node_that_stops_is_named_and_its_return_is_seen).only_real(ALONE).disturbing(),
];

/// A program of the cluster that does not run. It runs again when this is dropped, whatever happened.
struct Stopped<'a> {
    cluster: &'a Real,
    component: &'static str,
}

impl<'a> Stopped<'a> {
    fn new(cluster: &'a Real, component: &'static str) -> Self {
        cluster.component("stop", component);
        Self { cluster, component }
    }

    fn start_again(self) {
        drop(self);
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.cluster.component("start", self.component);
    }
}

const API_SERVER: &str = "kube-apiserver";

/// The backend, whose next pods take so many seconds to be ready.
fn slow_backend(site: &Site, seconds: &str) -> Place {
    let place = Place::with(site, "backend");
    place.patch_container("backend", &json!({"env": [{"name": "START_DELAY", "value": seconds}]}));
    place.await_available("deployment", "backend", 2);
    place
}

fn a_wait_outlives_a_restart_of_the_api_server(site: &Site) {
    let place = slow_backend(site, "5");
    place.patch("deployment", "backend", &json!({"spec": {"replicas": 3}}));
    let call = r#"{"name": "backend", "condition": "available", "seconds": 120}"#;
    let run = place.start(&["call", "wait_for", call]);
    // It has looked once when its first progress could be told; a second is enough for that.
    std::thread::sleep(std::time::Duration::from_secs(1));
    Stopped::new(place.real(), API_SERVER).start_again();
    place.end(run).exits(0).says("3 of 3 replicas available").enough();
}

fn a_verification_outlives_a_restart_of_the_api_server(site: &Site) {
    let place = slow_backend(site, "5");
    let run = place.start(&["scale backend to 3", "--yes"]);
    place.environment.wait_for_record("answered");
    Stopped::new(place.real(), API_SERVER).start_again();
    place.end(run).exits(0).says("3 of 3 replicas available").enough();
    assert_eq!(place.environment.journal_words(), ["approved", "sending 1", "answered 1", "settled 1"]);
    assert_eq!(place.writes().len(), 1);
}

fn an_api_server_that_stops_between_approval_and_sending(site: &Site) {
    let place = Place::with(site, "backend");
    let proxy = place.behind_a_proxy(at_the_last_look());
    let run = place.start(&["scale backend to 3", "--yes"]);
    proxy.stopped();
    let stopped = Stopped::new(place.real(), API_SERVER);
    proxy.go_on();
    place.end(run).exits(1).never_says("✓").enough();
    stopped.start_again();
    assert_eq!(place.environment.journal_words()[0], "approved");
    assert!(!place.environment.journal_words().contains(&"sending 1".to_owned()));
    assert!(place.writes().is_empty());
    assert_eq!(place.replicas("deployment", "backend"), 2);
    // Nothing is left over that would be in the way of the same again.
    place.run(&["scale backend to 3", "--yes"]).exits(0).never_says("got no answer").enough();
}

fn a_node_that_stops_is_named_and_its_return_is_seen(site: &Site) {
    let place = Place::with(site, "backend");
    let ready = || {
        place.access.request("GET", "/api/v1/nodes/node-1", None).1["status"]["conditions"]
            .as_array()
            .is_some_and(|conditions| conditions.iter().any(|it| it["type"] == "Ready" && it["status"] == "True"))
    };
    let stopped = Stopped::new(place.real(), "kubelet");
    await_that("a node that is not ready", || !ready());
    place.run(&["list nodes"]).exits(0).says("NotReady").enough();
    place.patch("deployment", "backend", &json!({"spec": {"replicas": 3}}));
    let call = r#"{"name": "backend", "condition": "available", "seconds": 10}"#;
    let waited = place.run(&["call", "wait_for", call]).exits(1).says("of 3 replicas available");
    waited.says("untolerated taint").enough();
    stopped.start_again();
    let call = r#"{"name": "backend", "condition": "available", "seconds": 110}"#;
    place.run(&["call", "wait_for", call]).exits(0).says("3 of 3 replicas available").enough();
}
