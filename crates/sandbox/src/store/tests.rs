//! What the store promises to the API and to the controllers.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn deployment(replicas: u64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "backend", "namespace": "todo"},
        "spec": {"replicas": replicas}
    })
}

fn key() -> Key {
    Key::of_object(&deployment(1))
}

#[test]
fn creation_gives_identity() {
    let mut store = Store::new(7);
    let created = store.create(deployment(1), NOW).unwrap();
    assert_eq!(created["metadata"]["creationTimestamp"], "1970-01-01T00:00:00Z");
    assert_eq!(created["metadata"]["generation"], 1);
    assert_eq!(created["metadata"]["resourceVersion"], "2");
    let uid = object::uid(&created);
    assert_eq!((uid.len(), &uid[14..15]), (36, "4"));
    assert_eq!(Store::new(7).create(deployment(1), NOW).unwrap(), created, "the same seed gives the same uids");
    assert_eq!(store.create(deployment(1), NOW), Err(StoreError::AlreadyExists));
}

#[test]
fn only_a_spec_change_raises_the_generation() {
    let mut store = Store::default();
    let created = store.create(deployment(1), NOW).unwrap();
    let generation = |object: &Value| object["metadata"]["generation"].as_u64().unwrap();

    let labelled = store.edit(&key(), Part::Metadata, NOW, |it| it["metadata"]["labels"] = json!({"a": "b"})).unwrap();
    assert_eq!(generation(&labelled), 1);
    let observed = store.edit(&key(), Part::Status, NOW, |it| it["status"]["replicas"] = 1.into()).unwrap();
    assert_eq!(generation(&observed), 1);
    let scaled = store.edit(&key(), Part::Spec, NOW, |it| it["spec"]["replicas"] = 3.into()).unwrap();
    assert_eq!((generation(&scaled), &scaled["status"]["replicas"]), (2, &json!(1)));
    assert_eq!(object::uid(&scaled), object::uid(&created));
}

#[test]
fn a_status_write_leaves_the_spec_alone_and_a_spec_write_the_status() {
    let mut store = Store::default();
    store.create(deployment(1), NOW).unwrap();
    let mut object = deployment(5);
    object["status"] = json!({"replicas": 1});
    let stored = store.replace(object.clone(), Part::Status, NOW).unwrap();
    assert_eq!((&stored["spec"]["replicas"], &stored["status"]["replicas"]), (&json!(1), &json!(1)));
    object["status"] = json!({"replicas": 99});
    let stored = store.replace(object, Part::Spec, NOW).unwrap();
    assert_eq!((&stored["spec"]["replicas"], &stored["status"]["replicas"]), (&json!(5), &json!(1)));
}

#[test]
fn an_outdated_resource_version_conflicts() {
    let mut store = Store::default();
    let created = store.create(deployment(1), NOW).unwrap();
    store.edit(&key(), Part::Spec, NOW, |it| it["spec"]["replicas"] = 2.into()).unwrap();
    assert_eq!(store.replace(Value::clone(&created), Part::Spec, NOW), Err(StoreError::Conflict));
    assert!(store.replace(deployment(3), Part::Spec, NOW).is_ok(), "no resourceVersion, no lock");
}

#[test]
fn a_write_that_changes_nothing_is_not_seen_by_watchers() {
    let mut store = Store::default();
    let created = store.create(deployment(1), NOW).unwrap();
    let before = store.resource_version();
    assert_eq!(store.replace(deployment(1), Part::Spec, NOW).unwrap(), created);
    assert_eq!(store.resource_version(), before);
    assert_eq!(store.events_since(before).unwrap().count(), 0);
}

#[test]
fn finalizers_hold_a_deleted_object() {
    let mut store = Store::default();
    let mut object = deployment(1);
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    store.create(object, NOW).unwrap();
    let Deleted::Marked(marked) = store.delete(&key(), &Deletion::default(), NOW).unwrap() else {
        panic!("held by a finalizer")
    };
    assert!(object::is_terminating(&marked));
    assert_eq!(marked["metadata"]["generation"], 2);
    store.edit(&key(), Part::Metadata, NOW, |it| object::remove_finalizer(it, "example.com/hold"));
    assert_eq!(store.get(&key()), None);
    assert_eq!(store.events_since(0).unwrap().last().unwrap().kind, WatchEventKind::Deleted);
}

#[test]
fn a_running_pod_gets_its_grace_period() {
    let mut store = Store::default();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "todo"},
        "spec": {"nodeName": "node-1", "terminationGracePeriodSeconds": 20}
    });
    let key = Key::of_object(&pod);
    store.create(pod, NOW).unwrap();
    let Deleted::Marked(marked) = store.delete(&key, &Deletion::default(), NOW).unwrap() else { panic!("graceful") };
    assert_eq!(marked["metadata"]["deletionTimestamp"], "1970-01-01T00:00:20Z");
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 20);
    let force = Deletion { grace: Some(0), ..Deletion::default() };
    assert!(matches!(store.delete(&key, &force, NOW).unwrap(), Deleted::Removed(_)));
}

#[test]
fn preconditions_guard_a_deletion() {
    let mut store = Store::default();
    store.create(deployment(1), NOW).unwrap();
    let how = Deletion { uid: Some("other".into()), ..Deletion::default() };
    let error = store.delete(&key(), &how, NOW).unwrap_err().to_string();
    assert!(error.starts_with("Precondition failed: UID in precondition: other, UID in object meta: "), "{error}");
}

#[test]
fn the_ring_forgets_and_says_so() {
    let mut store = Store::default();
    store.keep_events(2);
    store.create(deployment(1), NOW).unwrap();
    for replicas in 2..5 {
        store.edit(&key(), Part::Spec, NOW, |it| it["spec"]["replicas"] = replicas.into()).unwrap();
    }
    assert_eq!(store.events_since(2).err(), Some(Expired { asked: 2, oldest: 3 }));
    let seen: Vec<u64> = store.events_since(3).unwrap().map(|event| event.revision).collect();
    assert_eq!(seen, [4, 5]);
}

#[test]
fn watchers_are_woken() {
    let mut store = Store::default();
    let receiver = store.changed();
    store.create(deployment(1), NOW).unwrap();
    assert!(receiver.has_changed().unwrap());
}

#[test]
fn lists_are_sorted_and_by_namespace() {
    let mut store = Store::default();
    for (namespace, name) in [("b", "x"), ("a", "y"), ("a", "x"), ("ab", "x")] {
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}});
        store.create(object, NOW).unwrap();
    }
    let names = |namespace| -> Vec<String> {
        let found = store.list("", "configmaps", namespace);
        found.iter().map(|it| format!("{}/{}", object::namespace(it), object::name(it))).collect()
    };
    assert_eq!(names(Some("a")), ["a/x", "a/y"]);
    assert_eq!(names(None), ["a/x", "a/y", "ab/x", "b/x"]);
}
