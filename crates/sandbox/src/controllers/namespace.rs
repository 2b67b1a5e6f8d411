//! What every namespace gets (its default ServiceAccount and the cluster's certificate), and the end of a
//! namespace: its content goes first.

use serde_json::{Value, json};

use crate::object;
use crate::simulation::State;
use crate::store::{Deletion, Key, Part};
use crate::timers::Wake;

/// The pause before looking whether a terminating namespace is empty.
const RETRY: std::time::Duration = std::time::Duration::from_millis(250);

/// Equips one namespace, or empties it.
pub(crate) fn reconcile(state: &mut State, key: &Key) {
    let Some(namespace) = state.store.get(key) else { return };
    if object::is_terminating(&namespace) {
        empty(state, key);
    } else {
        equip(state, &key.name);
    }
}

fn equip(state: &mut State, namespace: &str) {
    for object in [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}),
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "kube-root-ca.crt",
                "namespace": namespace,
                "annotations": {
                    "kubernetes.io/description": "Contains a CA bundle that can be used to verify the kube-apiserver \
                        when using internal endpoints such as the internal service IP or kubernetes.default.svc. \
                        No other usage is guaranteed across distributions of Kubernetes clusters.",
                },
            },
            "data": {"ca.crt": ""},
        }),
    ] {
        if state.store.get(&Key::of_object(&object)).is_none() {
            // It was just looked for.
            let _created = state.admit(object);
        }
    }
}

fn empty(state: &mut State, key: &Key) {
    let now = state.now;
    let content: Vec<(Key, bool)> = state
        .store
        .all()
        .filter(|(inner, _)| inner.namespace == key.name)
        .map(|(inner, object)| (inner, object::is_terminating(object)))
        .collect();
    if content.is_empty() {
        state.store.edit(key, Part::Spec, now, |namespace| namespace["spec"]["finalizers"] = Value::Array(Vec::new()));
        // Some stores release a terminating object only with its last write.
        if state.store.get(key).is_some_and(|namespace| object::finalizers(&namespace).next().is_none()) {
            state.store.remove(key);
        }
        return;
    }
    for (inner, terminating) in content {
        if !terminating {
            // Something that is gone already needs no deletion.
            let _deleted = state.store.delete(&inner, &Deletion::default(), now);
        }
    }
    state.wake_after(Wake::Namespace(key.clone()), RETRY);
}
