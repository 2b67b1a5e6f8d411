//! Healthy clusters give nothing: objects of the contract recordings that are as they should be (completed Jobs,
//! rollouts, held and scaled to zero), and the healthy namespace of the recorded faults (there, in `recorded`).

use serde_json::Value;
use todo_agent_diagnose::{Builder, Kind, Scope, findings};

/// Recordings of the contract tests: file, then the cases whose objects are healthy.
const HEALTHY: &[(&str, &[&str])] = &[
    (
        include_str!("../../../../tests/contract/recorded/workloads.jsonl"),
        &[
            "a deployment becomes available",
            "a deployment is scaled",
            "a deployment of none",
            "a new image makes a new revision",
            "back to an earlier template takes its replica set",
            "a stateful set's pods",
            "a stateful set shrinks",
            "a stateful set's status",
            "a stateful set's revisions",
            "the pod of a deployment",
            "the replica set of a deployment",
            "a service's endpoints",
            "a replica set's status",
        ],
    ),
    (
        include_str!("../../../../tests/contract/recorded/jobs.jsonl"),
        &[
            "a job completes",
            "a job runs",
            "a job of several pods",
            "a job of numbered pods",
            "a job is held and let go",
            "a running job is held",
            "a cron job makes a job each minute",
            "a job does not change",
        ],
    ),
    (
        include_str!("../../../../tests/contract/recorded/storage.jsonl"),
        &[
            "a claim waits for its first pod",
            "a claim is bound for its pod",
            "a claim takes a volume that is there",
            "the claims of a stateful set",
            "a claim is resized",
        ],
    ),
    (
        include_str!("../../../../tests/contract/recorded/scaling.jsonl"),
        &[
            "an autoscaler of a deployment of none",
            "an autoscaler raises to its least",
            "an autoscaler sees metrics",
            "an autoscaler lowers to its most",
        ],
    ),
    (
        include_str!("../../../../tests/contract/recorded/kubelet.jsonl"),
        &["a pod runs", "the events of a running pod", "a pod that runs is deleted"],
    ),
    (
        include_str!("../../../../tests/contract/recorded/daemons.jsonl"),
        &["a daemon set runs on each node", "a daemon set takes a new image"],
    ),
    (
        include_str!("../../../../tests/contract/recorded/disruption.jsonl"),
        &["a budget of a deployment", "a budget for nothing"],
    ),
];

/// Collects every object in an answer; items of a list do not say their kind.
fn objects(value: &Value, found: &mut Vec<(Kind, Value)>) {
    let kind = value["kind"].as_str().unwrap_or_default();
    if let Some(items) = value["items"].as_array() {
        let of = Kind::of(kind.trim_end_matches("List"));
        found.extend(of.into_iter().flat_map(|of| items.iter().map(move |item| (of, item.clone()))));
    } else if let Some(of) = Kind::of(kind).filter(|_| value["metadata"]["uid"].is_string()) {
        found.push((of, value.clone()));
    } else {
        let inner: Vec<&Value> = value.as_array().map_or_else(
            || value.as_object().into_iter().flatten().map(|(_, value)| value).collect(),
            |list| list.iter().collect(),
        );
        for inner in inner {
            objects(inner, found);
        }
    }
}

#[test]
fn nothing_is_found_in_what_is_healthy() {
    let (mut corpora, mut seen) = (0, 0);
    let mut wrong = Vec::new();
    for (recording, names) in HEALTHY {
        for name in *names {
            let line = recording
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap())
                .find(|line| line["case"] == *name);
            let line = line.unwrap_or_else(|| panic!("{name} is not in its recording"));
            let mut found = Vec::new();
            objects(&line["answers"], &mut found);
            corpora += 1;
            seen += found.len();
            let newest = found
                .iter()
                .filter_map(|(_, object)| object["metadata"]["creationTimestamp"].as_str())
                .max()
                .unwrap_or("2026-11-25T00:00:00Z");
            // As it was then, and as it would be found a minute later.
            let now: jiff::Timestamp = newest.parse().unwrap();
            let mut builder = Builder::new(now + jiff::SignedDuration::from_secs(60));
            for (kind, object) in &found {
                builder.add(*kind, object);
                builder.covers(*kind, Scope::Cluster);
            }
            for finding in findings(&builder.build()) {
                wrong.push(format!("{name}: {} {}", finding.id, finding.cause));
            }
        }
    }
    println!("healthy: {} false findings in {corpora} corpora of {seen} objects", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
