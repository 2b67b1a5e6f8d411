//! The world `todo-broken`, fault by fault: on a real cluster its manifests show what the sandbox shows.
//!
//! That each fault ends with its cure is shown where the sandbox's controllers are tested.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    place::{Place, await_that},
    scenario::{Scenario, scenario},
    site::Site,
};

pub(crate) const SCENARIOS: &[Scenario] = &[scenario!(each_fault_of_the_broken_world_looks_as_it_really_does)];

/// What is told of a workload sooner or later: of its pods, `CONTAINER STATE REASON CODE MESSAGE` or, before there are
/// any, `REASON: MESSAGE`; of the events about it, `event REASON MESSAGE`.
const TOLD: &[(&str, &[&str])] = &[
    (
        "frontend",
        &["frontend waiting ImagePullBackOff", "event Failed Failed to pull image \"todo-chatbot-frontend:v1.1\""],
    ),
    ("backend", &["backend terminated Error 2", "event BackOff Back-off restarting failed container backend in pod"]),
    ("reporter", &["reporter terminated OOMKilled 137"]),
    ("mcp-server", &["event Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 404"]),
    (
        "mailer",
        &[
            "mailer waiting CreateContainerConfigError secret \"mail-credentials\" not found",
            "event Failed Error: secret \"mail-credentials\" not found",
        ],
    ),
    (
        "scheduler",
        &["waiting CreateContainerConfigError couldn't find key TIMEZONE in ConfigMap NAMESPACE/todo-config"],
    ),
    ("search", &["Insufficient cpu", "event FailedScheduling 0/"]),
    ("suggestions", &["node(s) didn't match Pod's node affinity/selector", "event FailedScheduling 0/"]),
    (
        "redis",
        &[
            "pod has unbound immediate PersistentVolumeClaims",
            "event ProvisioningFailed storageclass.storage.k8s.io \"fast-ssd\" not found",
        ],
    ),
    ("cleaner", &["is forbidden: exceeded quota: best-effort, requested: pods=1, used: pods=1, limited: pods=1"]),
    ("importer", &["wait-for-analytics running", "importer waiting PodInitializing"]),
    (
        "reminder",
        &[
            "event Unhealthy Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory",
            "event Killing Container reminder failed liveness probe, will be restarted",
            "reminder terminated Error 137",
        ],
    ),
    (
        "exporter",
        &["exporter terminated Error 127", "event BackOff Back-off restarting failed container exporter in pod"],
    ),
    (
        "seed-data",
        &["seed-data terminated Error 1", "event BackoffLimitExceeded Job has reached the specified backoff limit"],
    ),
];

/// The findings of the diagnosis: the eighteen faults.
const DIAGNOSED: &[&str] = &[
    "6/NAMESPACE/deployment/exporter/exporter",
    "11/NAMESPACE/deployment/reporter/reporter",
    "14/NAMESPACE/deployment/reminder/reminder",
    "20/NAMESPACE/secret/mail-credentials",
    "22/NAMESPACE/configmap/todo-config/TIMEZONE",
    "30/NAMESPACE/deployment/importer/wait-for-analytics",
    "31/NAMESPACE/deployment/frontend/frontend",
    "42/NAMESPACE/deployment/search",
    "45/NAMESPACE/deployment/suggestions",
    "57/NAMESPACE/resourcequota/best-effort",
    "69/NAMESPACE/persistentvolumeclaim/data-redis-0",
    "76/NAMESPACE/service/web",
    "79/NAMESPACE/service/notifier/8000",
    "85/NAMESPACE/ingress/todo-chatbot/frontend-v2",
    "100/NAMESPACE/job/seed-data",
    "106/NAMESPACE/poddisruptionbudget/web",
    "110/NAMESPACE/deployment/mcp-server/mcp-server",
    "145/NAMESPACE/deployment/backend/backend",
];

fn each_fault_of_the_broken_world_looks_as_it_really_does(site: &Site) {
    let place = Place::of_world(site, "todo-broken");
    // What containers and events say changes as they are started again: all of it counts that was seen once.
    let seen = std::cell::RefCell::new(BTreeSet::new());
    let missing = || {
        seen.borrow_mut().extend(told(&place));
        let mut missing = Vec::new();
        for (app, wanted) in TOLD {
            for text in *wanted {
                let text = text.replace("NAMESPACE", &place.namespace);
                if !seen.borrow().iter().any(|(of, told)| of == app && told.contains(&text)) {
                    missing.push(format!("{app}: {text}"));
                }
            }
        }
        missing
    };
    let last = std::cell::RefCell::new(Vec::new());
    let all_is_told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        await_that("what the faults look like", || {
            *last.borrow_mut() = missing();
            last.borrow().is_empty()
        });
    }));
    assert!(all_is_told.is_ok(), "never told: {:#?}\n{:#?}", last.borrow(), seen.borrow());

    // Services that lead nowhere, and to a port that no container names.
    let slice = |service: &str| {
        let mut slices = place.list("endpointslice");
        slices.retain(|slice| slice["metadata"]["labels"]["kubernetes.io/service-name"] == service);
        let count = |field: &str| slices.iter().map(|it| it[field].as_array().map_or(0, Vec::len)).sum::<usize>();
        (count("endpoints"), count("ports"))
    };
    assert_eq!(slice("web"), (0, 0), "nothing is selected");
    assert_eq!(slice("notifier"), (1, 0), "a pod, and no port of it");
    let subsets = |service: &str| place.get("endpoints", service)["subsets"].as_array().map_or(0, Vec::len);
    assert_eq!((subsets("web"), subsets("notifier")), (0, 0));
    await_that("the budget", || place.get("poddisruptionbudget", "web")["status"]["currentHealthy"] == 1);
    assert_eq!(place.get("poddisruptionbudget", "web")["status"]["disruptionsAllowed"], 0);

    // And the program tells it: each fault once, and nothing else of this namespace.
    let told = |findings: &Value| {
        let ids = findings.as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap().to_owned());
        // Whether there is a class for the Ingress and something that serves it is the cluster's affair, and on a
        // cluster without a network the registry is not reached that would not know the image.
        let of_the_cluster = |id: &String| id.starts_with("83/") || id.starts_with("84/");
        let ids = ids.filter(|id| !of_the_cluster(id)).map(|id| match id.strip_prefix("35/") {
            Some(image) => format!("31/{image}"),
            None => id,
        });
        let mut ids: Vec<String> = ids.collect();
        ids.sort();
        ids
    };
    let mut expected: Vec<String> = DIAGNOSED.iter().map(|id| id.replace("NAMESPACE", &place.namespace)).collect();
    expected.sort();
    let findings = std::cell::RefCell::new(Value::Null);
    let all_are_found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        await_that("every fault among the findings", || {
            let events = place.run(&["--json", "diagnose"]).exits(0).events();
            let result = events.iter().find(|event| event["event"] == "tool_result").unwrap();
            *findings.borrow_mut() = result["output"]["findings"].clone();
            told(&findings.borrow()) == expected
        });
    }));
    assert!(all_are_found.is_ok(), "expected {expected:#?}\nfound {:#?}", told(&findings.borrow()));
    place.run(&["diagnose", "--fail-on", "critical"]).exits(1).enough();
    place.run(&["why is the exporter crashing?"]).exits(0).says("did you mean node?").enough();
    place.run(&["health"]).exits(0).says("is not healthy").enough();
    for (workload, words) in [
        ("backend", "DATABASE_URL: must be set"),
        ("exporter", "nodee: not found"),
        ("seed-data", "todos does not exist"),
    ] {
        let call = json!({"target": workload, "previous": workload != "seed-data"}).to_string();
        place.run(&["call", "logs", &call]).exits(0).says(words).enough();
    }
}

/// Returns what is told at present, each with the workload that it is about.
fn told(place: &Place) -> Vec<(&'static str, String)> {
    let mut told = Vec::new();
    let mut about = |name: &str, text: String| {
        let apps = TOLD.iter().map(|(app, _)| *app);
        told.extend(apps.filter(|app| name.contains(app)).map(|app| (app, text.clone())));
    };
    for pod in place.list("pod") {
        let app = pod["metadata"]["labels"]["app"].as_str().unwrap();
        for condition in pod["status"]["conditions"].as_array().into_iter().flatten() {
            if condition["type"] == "PodScheduled" && condition["status"] == "False" {
                about(app, format!("{}: {}", condition["reason"], condition["message"]));
            }
        }
        for list in ["initContainerStatuses", "containerStatuses"] {
            for status in pod["status"][list].as_array().into_iter().flatten() {
                for state in ["state", "lastState"] {
                    for (name, details) in status[state].as_object().into_iter().flatten() {
                        let text = |field: &str| details[field].as_str().map(|it| format!(" {it}")).unwrap_or_default();
                        let code = details["exitCode"].as_i64().map(|code| format!(" {code}")).unwrap_or_default();
                        let container = status["name"].as_str().unwrap();
                        about(app, format!("{container} {name}{}{code}{}", text("reason"), text("message")));
                    }
                }
            }
        }
    }
    for event in place.list("event") {
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let name = event["involvedObject"]["name"].as_str().unwrap();
        about(name, format!("event {} {}", text("reason"), text("message")));
    }
    told
}
