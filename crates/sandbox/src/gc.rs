//! What happens after a deletion: dependents follow their owners, a namespace takes its content along.
//!
//! Source: `pkg/controller/garbagecollector` and `pkg/controller/namespace`. Both run to their end at
//! once; only finalizers and the grace periods of pods make them wait.

use jiff::Timestamp;
use serde_json::{Value, json};
use todo_agent_kube_rules::kinds;

use crate::object::{self, is_terminating, metadata_mut, owner_references, uid};
use crate::store::{Deletion, Dependent, FOREGROUND, Key, ORPHAN, Part, Propagation, Store};

/// Collects everything that nothing holds any more. Does nothing when there is nothing to do.
pub(crate) fn collect(store: &mut Store, now: Timestamp) {
    loop {
        let before = store.resource_version();
        finish_owners(store, now);
        collect_orphans(store, now);
        empty_namespaces(store, now);
        if store.resource_version() == before {
            return;
        }
    }
}

/// Foreground and orphaning deletions: settles the dependents, then lets the owner go.
fn finish_owners(store: &mut Store, now: Timestamp) {
    let waiting: Vec<(Key, String, bool, bool)> = store
        .terminating()
        .map(|(key, object)| {
            let has = |name: &str| object::finalizers(&object).any(|entry| entry == name);
            (key.clone(), uid(&object).to_owned(), has(FOREGROUND), has(ORPHAN))
        })
        .filter(|(_, _, foreground, orphan)| *foreground || *orphan)
        .collect();
    for (key, owner, foreground, orphan) in waiting {
        let dependents: Vec<(Key, bool, bool)> = store
            .dependents(&owner)
            .filter_map(|(key, Dependent { object, .. })| {
                let reference = owner_references(object).iter().find(|it| it["uid"] == owner)?;
                Some((key.clone(), reference["blockOwnerDeletion"] == true, is_terminating(object)))
            })
            .collect();
        if orphan {
            for (dependent, ..) in &dependents {
                store.edit(dependent, Part::Metadata, now, |it| drop_owners(it, |reference| reference["uid"] != owner));
            }
            store.edit(&key, Part::Metadata, now, |it| object::remove_finalizer(it, ORPHAN));
        }
        if foreground {
            let how = Deletion { propagation: Propagation::Foreground, ..Deletion::default() };
            for (dependent, _, terminating) in &dependents {
                if !terminating {
                    // A dependent that is gone already is what was wanted.
                    let _gone = store.delete(dependent, &how, now);
                }
            }
            if !dependents.iter().any(|(_, blocking, _)| *blocking) {
                store.edit(&key, Part::Metadata, now, |it| object::remove_finalizer(it, FOREGROUND));
            }
        }
    }
}

/// Background deletion: an object whose owners are all gone goes too; one that keeps an owner forgets the
/// others.
fn collect_orphans(store: &mut Store, now: Timestamp) {
    let is_dangling = |reference: &&Value| {
        let known = kinds::by_type(
            reference["apiVersion"].as_str().unwrap_or_default(),
            reference["kind"].as_str().unwrap_or_default(),
        );
        // The collector never acts on a reference to a kind that it does not know.
        known.is_some() && !store.is_living(reference["uid"].as_str().unwrap_or_default())
    };
    let affected: Vec<(Key, Vec<Value>, bool)> = store
        .dangling()
        .into_iter()
        .filter(|(_, object)| !is_terminating(object))
        .map(|(key, object)| {
            let references = owner_references(object);
            let gone: Vec<Value> = references.iter().filter(is_dangling).cloned().collect();
            let is_ownerless = gone.len() == references.len();
            (key.clone(), gone, is_ownerless)
        })
        .filter(|(_, gone, _)| !gone.is_empty())
        .collect();
    for (key, gone, is_ownerless) in affected {
        if is_ownerless {
            let _gone = store.delete(&key, &Deletion::default(), now);
        } else {
            store.edit(&key, Part::Metadata, now, |it| drop_owners(it, |reference| !gone.contains(reference)));
        }
    }
}

fn drop_owners(object: &mut Value, keep: impl Fn(&Value) -> bool) {
    let metadata = metadata_mut(object);
    if let Some(Value::Array(list)) = metadata.get_mut("ownerReferences") {
        list.retain(keep);
        if list.is_empty() {
            metadata.remove("ownerReferences");
        }
    }
}

/// Deletes what a terminating namespace holds, then lets the namespace go.
fn empty_namespaces(store: &mut Store, now: Timestamp) {
    let terminating = store.list("", "namespaces", None).into_iter().filter(|namespace| is_terminating(namespace));
    for namespace in terminating {
        let name = object::name(&namespace);
        let content: Vec<(Key, bool)> = store
            .all()
            .filter(|(key, _)| key.namespace == name)
            .map(|(key, object)| (key, is_terminating(object)))
            .collect();
        for (key, already) in &content {
            if !already {
                let _gone = store.delete(key, &Deletion::default(), now);
            }
        }
        if content.is_empty() {
            let key = Key::of_object(&namespace);
            store.edit(&key, Part::Spec, now, |it| it["spec"]["finalizers"] = json!([]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Deleted;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn object(kind: &str, name: &str, owner: Option<(&str, &str, &str)>) -> Value {
        let version = if kind == "Pod" || kind == "ConfigMap" { "v1" } else { "apps/v1" };
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}});
        if let Some((kind, name, uid)) = owner {
            object["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid,
                "controller": true, "blockOwnerDeletion": true
            }]);
        }
        object
    }

    /// A Deployment, its ReplicaSet and that one's pod.
    fn chain() -> (Store, Key) {
        let mut store = Store::default();
        let deployment = store.create(object("Deployment", "web", None), NOW).unwrap();
        let set = object("ReplicaSet", "web-1", Some(("Deployment", "web", uid(&deployment))));
        let set = store.create(set, NOW).unwrap();
        store.create(object("Pod", "web-1-a", Some(("ReplicaSet", "web-1", uid(&set)))), NOW).unwrap();
        (store, Key::of_object(&deployment))
    }

    fn left(store: &Store) -> Vec<String> {
        store.all().map(|(key, _)| format!("{}/{}", key.plural, key.name)).collect()
    }

    #[test]
    fn in_the_background_everything_follows_its_owner() {
        let (mut store, key) = chain();
        assert!(matches!(store.delete(&key, &Deletion::default(), NOW), Ok(Deleted::Removed(_))));
        collect(&mut store, NOW);
        assert!(left(&store).is_empty());
    }

    #[test]
    fn in_the_foreground_the_owner_goes_last() {
        let (mut store, key) = chain();
        let pod = object("Pod", "web-1-a", None);
        store.edit(&Key::of_object(&pod), Part::Spec, NOW, |it| it["spec"] = json!({"nodeName": "node-1"}));
        let how = Deletion { propagation: Propagation::Foreground, ..Deletion::default() };
        assert!(matches!(store.delete(&key, &how, NOW), Ok(Deleted::Marked(_))));
        collect(&mut store, NOW);
        assert_eq!(left(&store).len(), 3, "the pod is still stopping");
        store.remove(&Key::of_object(&pod));
        collect(&mut store, NOW);
        assert!(left(&store).is_empty());
    }

    #[test]
    fn orphans_stay_and_forget_their_owner() {
        let (mut store, key) = chain();
        let how = Deletion { propagation: Propagation::Orphan, ..Deletion::default() };
        store.delete(&key, &how, NOW).unwrap();
        collect(&mut store, NOW);
        assert_eq!(left(&store), ["pods/web-1-a", "replicasets/web-1"]);
        let set = store.list("apps", "replicasets", None).remove(0);
        assert!(owner_references(&set).is_empty());
    }

    #[test]
    fn owners_of_unknown_kinds_are_left_alone() {
        let mut store = Store::default();
        let mut owned = object("ConfigMap", "a", Some(("Deployment", "web", "gone")));
        owned["metadata"]["ownerReferences"][0]["kind"] = "Widget".into();
        store.create(owned, NOW).unwrap();
        collect(&mut store, NOW);
        assert_eq!(left(&store), ["configmaps/a"]);
    }

    #[test]
    fn a_namespace_takes_its_content_along() {
        let (mut store, _) = chain();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"},
                               "spec": {"finalizers": ["kubernetes"]}});
        let key = Key::of_object(&namespace);
        store.create(namespace, NOW).unwrap();
        let Ok(Deleted::Marked(marked)) = store.delete(&key, &Deletion::default(), NOW) else { panic!("held") };
        assert_eq!(marked["status"]["phase"], "Terminating");
        collect(&mut store, NOW);
        assert!(left(&store).is_empty());
    }
}
