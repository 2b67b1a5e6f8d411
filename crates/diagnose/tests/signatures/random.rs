//! Objects that are cut, swapped or nonsense: the engine may be wrong about them, but it never panics, and says
//! the same whatever order they come in.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;
use todo_agent_diagnose::{Builder, Kind, Run, Scope, findings, needs};

const RECORDED: &str = include_str!("../recorded/kubernetes-1.37.1.jsonl");
const NOW: &str = "2026-11-26T00:12:17Z";

/// The recording, read once: a test build takes its time for that.
static RECORDING: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let lines = RECORDED.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.flat_map(|line| line["objects"].as_array().unwrap().clone()).collect()
});

/// Walks to the n-th value of a tree and replaces or removes it.
fn bend(value: &mut Value, at: &mut usize, with: &Value) -> bool {
    if *at == 0 {
        *value = with.clone();
        return true;
    }
    *at -= 1;
    match value {
        Value::Array(list) => list.iter_mut().any(|inner| bend(inner, at, with)),
        Value::Object(map) => map.iter_mut().any(|(_, inner)| bend(inner, at, with)),
        _ => false,
    }
}

fn nonsense() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "[ -~é→\u{0}]{0,12}".prop_map(Value::from),
        Just(serde_json::json!([])),
        Just(serde_json::json!({})),
        Just(Value::from(i64::MAX)),
        Just(Value::from(i64::MIN)),
        Just(Value::from("0/ nodes are available: , ,. preemption:")),
        Just(Value::from("2026-11-26T00:00:00Z")),
    ]
}

fn build(objects: &[Value]) -> todo_agent_diagnose::Snapshot {
    let mut builder = Builder::new(NOW.parse().unwrap());
    for object in objects {
        if let Some(kind) = object["kind"].as_str().and_then(Kind::of) {
            builder.add(kind, object);
        }
        if let Some(uid) = object["metadata"]["uid"].as_str() {
            builder.log(
                uid,
                "main",
                Run::Current,
                Ok("dial tcp web:80: connection refused é\n: not found\n".to_owned()),
            );
        }
    }
    for kind in Kind::ALL {
        builder.covers(*kind, Scope::Cluster);
    }
    builder.build()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bent_objects_never_panic(bends in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..120, nonsense()), 1..40), start in any::<prop::sample::Index>()) {
        let all = &*RECORDING;
        let start = start.index(all.len());
        let mut objects: Vec<Value> = all.iter().cycle().skip(start).take(60).cloned().collect();
        for (which, at, with) in bends {
            let which = which.index(objects.len());
            bend(&mut objects[which], &mut at.clone(), &with);
        }
        let snapshot = build(&objects);
        let first = findings(&snapshot);
        let _ = needs(&snapshot);
        let again = todo_agent_diagnose::Snapshot::from_json(&snapshot.to_json().unwrap()).unwrap();
        prop_assert_eq!(first, findings(&again));
    }

    #[test]
    fn any_log_is_read(log in "(?s).{0,300}") {
        let _ = todo_agent_diagnose::logs::triage(&log);
        let _ = todo_agent_diagnose::logs::listening(&log);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_reading_changes_nothing(seed in prop::collection::vec(any::<prop::sample::Index>(), 40)) {
        let mut objects: Vec<Value> = RECORDING.clone();
        let before = findings(&build(&objects));
        for (at, other) in seed.iter().enumerate() {
            let other = other.index(objects.len());
            objects.swap(at, other);
        }
        prop_assert_eq!(before, findings(&build(&objects)));
    }
}
