//! The claims of a pod as the scheduler sees them: bound ones tie the pod to nodes, unbound ones hold it
//! back or wait for its node.
//!
//! Source: `pkg/scheduler/framework/plugins/volumebinding` of Kubernetes 1.37.

use std::sync::Arc;

use serde_json::{Value, json};
use todo_agent_kube_rules::fit;

use crate::controllers::claims::{self, SELECTED_NODE};
use crate::object;
use crate::simulation::State;
use crate::store::{Key, Part, Store};

/// What the claims of a pod mean for its placement.
pub(super) enum Claims {
    /// Something is missing on every node.
    Refuse(String),
    /// A node is chosen; the volumes are being made.
    Wait,
    /// The pod may go where its volumes are; these claims still need a node.
    Place { volumes: Vec<Arc<Value>>, unbound: Vec<Arc<Value>> },
}

/// Looks at the claims of a pod.
pub(super) fn of(store: &Store, pod: &Value) -> Claims {
    let (mut volumes, mut unbound) = (Vec::new(), Vec::new());
    for name in claims::names(pod) {
        let key = Key {
            group: String::new(),
            plural: "persistentvolumeclaims".into(),
            namespace: object::namespace(pod).into(),
            name: name.into(),
        };
        let Some(claim) = store.get(&key) else {
            return Claims::Refuse(format!("persistentvolumeclaim \"{name}\" not found"));
        };
        if object::is_terminating(&claim) {
            return Claims::Refuse(format!("persistentvolumeclaim \"{name}\" is being deleted"));
        }
        if claims::is_bound(&claim) {
            volumes.extend(claims::volume_of(store, &claim));
        } else if claims::waits_for_pod(store, &claim) {
            unbound.push(claim);
        } else {
            return Claims::Refuse("pod has unbound immediate PersistentVolumeClaims".to_owned());
        }
    }
    if unbound.iter().any(|claim| claim["metadata"]["annotations"][SELECTED_NODE].is_string()) {
        return Claims::Wait;
    }
    Claims::Place { volumes, unbound }
}

/// Returns why a node does not do for a pod's volumes.
pub(super) fn objection(
    store: &Store,
    volumes: &[Arc<Value>],
    unbound: &[Arc<Value>],
    node: &Value,
) -> Option<&'static str> {
    if !volumes.iter().all(|volume| reaches(volume, node)) {
        return Some("node(s) didn't match PersistentVolume's node affinity");
    }
    let lacks = |claim: &Arc<Value>| is_made_by_hand(store, claim) && free_volume(store, claim, node).is_none();
    unbound.iter().any(lacks).then_some("node(s) didn't find available persistent volumes to bind")
}

/// Returns whether a volume can be used on a node.
fn reaches(volume: &Value, node: &Value) -> bool {
    let required = &volume["spec"]["nodeAffinity"]["required"];
    let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}});
    required.is_null() || fit::matches_affinity(&json!({"spec": {"affinity": affinity}}), node)
}

fn is_made_by_hand(store: &Store, claim: &Value) -> bool {
    claims::class(store, claim).is_some_and(|class| class["provisioner"] == "kubernetes.io/no-provisioner")
}

fn free_volume(store: &Store, claim: &Value, node: &Value) -> Option<Arc<Value>> {
    let mut volumes = store.list("", "persistentvolumes", None);
    volumes.retain(|volume| reaches(volume, node));
    claims::smallest(&volumes, claim)
}

/// Ties claims to the node that was chosen for their pod.
pub(super) fn select(state: &mut State, unbound: &[Arc<Value>], node: &Value) {
    let now = state.now;
    for claim in unbound {
        if is_made_by_hand(&state.store, claim) {
            if let Some(volume) = free_volume(&state.store, claim, node) {
                claims::bind(state, claim, &volume);
            }
            continue;
        }
        state.store.edit(&Key::of_object(claim), Part::Metadata, now, |claim| {
            let annotations = object::map_at(&mut claim["metadata"], "annotations");
            annotations.insert(SELECTED_NODE.into(), object::name(node).into());
        });
    }
}
